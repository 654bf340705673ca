package resize

import (
	"image"
	"io"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"s3imageserver/resize/options"
	"s3imageserver/resize/webp"
)

// peakOf returns the most bytes of the heap that were in use while f ran, beside
// those before it.
func peakOf(f func()) int64 {
	defer debug.SetGCPercent(debug.SetGCPercent(5)) // little garbage counts
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	inUse := func() int64 {
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	before, most := inUse(), int64(0)
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, inUse())
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	f()
	close(done)
	<-watched
	return max(0, most-before)
}

// What is accounted for a result is what its picture and its encoder take, within
// a quarter.
func TestMemoryOfEncoders(t *testing.T) {
	const w, h = 900, 700
	r := rand.New(rand.NewPCG(5, 6))
	photo := func(alpha bool) image.Image {
		m := image.NewNRGBA(image.Rect(0, 0, w, h))
		for y := range h {
			for x := range w {
				p := m.Pix[m.PixOffset(x, y):][:4]
				noise := r.IntN(24)
				p[0], p[1], p[2], p[3] = byte(x/4+noise), byte(y/3+noise), byte((x^y)/8+noise), 255
				if alpha {
					p[3] = byte(x + noise)
				}
			}
		}
		return m
	}
	planes := func(bool) image.Image { p, _ := webp.Planes(photo(false)); return p }
	tests := []struct {
		name    string
		picture func(alpha bool) image.Image
		alpha   bool
		options options.Options
	}{
		{"JPEG", planes, false, options.Options{Format: options.JPEG}},
		{"JPEG of pixels", photo, false, options.Options{Format: options.JPEG, Chroma: options.ChromaFull}},
		{"JPEG, progressive", planes, false, options.Options{Format: options.JPEG, Progressive: true, Quality: 95}},
		{"PNG", photo, false, options.Options{Format: options.PNG}},
		{"PNG with alpha", photo, true, options.Options{Format: options.PNG}},
		{"PNG with a palette", photo, true, options.Options{Format: options.PNG, Quality: 60}},
		{"WebP", planes, false, options.Options{Format: options.WebP}},
		{"WebP of pixels", photo, false, options.Options{Format: options.WebP, Quality: 95}},
		{"WebP with alpha", photo, true, options.Options{Format: options.WebP}},
		{"WebP without loss", photo, false, options.Options{Format: options.WebP, Lossless: true}},
		{"WebP with alpha without loss", photo, true, options.Options{Format: options.WebP, Lossless: true}},
		{"WebP as similar as", planes, false, options.Options{Format: options.WebP, AutoQuality: 9900, MaxBytes: 150_000}},
		{"JPEG as similar as", planes, false, options.Options{Format: options.JPEG, AutoQuality: 9900}},
		{"PNG that is short", photo, true, options.Options{Format: options.PNG, MaxBytes: 100_000}},
		{"GIF", photo, false, options.Options{Format: options.GIF}},
		{"BMP", photo, true, options.Options{Format: options.BMP}},
		{"TIFF", photo, true, options.Options{Format: options.TIFF}},
		{"AVIF", photo, false, options.Options{Format: options.AVIF}},
		{"AVIF of planes", planes, false, options.Options{Format: options.AVIF, Quality: 95}},
		{"AVIF of 4:4:4", photo, false, options.Options{Format: options.AVIF, Chroma: options.ChromaFull}},
		{"AVIF with alpha", photo, true, options.Options{Format: options.AVIF}},
		{"AVIF that is short", photo, true, options.Options{Format: options.AVIF, MaxBytes: 100_000}},
	}
	for _, tt := range tests {
		size := image.Pt(w, h)
		p := plan{canvas: size, size: size}
		a := (&Resizer{Quality: Quality{WebPMethod: 2}}).admission(tt.options)
		a.expected, a.info.Alpha = tt.options.Format, tt.alpha
		j := &job{admission: a, format: tt.options.Format}
		says := j.resultWeight(p)
		answers.forget()
		took := peakOf(func() {
			body, err := j.encode(t.Context(), still(tt.picture(tt.alpha)))
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			_, _ = io.Discard.Write(body)
		})
		pixel := func(n int64) float64 { return float64(n) / (w * h) }
		t.Logf("%s: %.1f bytes a pixel, accounted for %.1f", tt.name, pixel(took), pixel(says))
		if float64(took) > 1.25*float64(says) {
			t.Errorf("%s takes %.1f bytes a pixel; accounted for are %.1f", tt.name, pixel(took), pixel(says))
		}
	}
}
