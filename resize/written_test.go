package resize

import (
	"bytes"
	"image"
	"math"
	"testing"
	"time"

	"s3imageserver/resize/gif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
)

// Delays of WebP, which are up to four hours, do not wrap in the 16 bits of GIF.
func TestLongDelays(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	other := image.NewNRGBA(m.Rect)
	for i := range other.Pix {
		other.Pix[i] = 255
	}
	for delay, want := range map[time.Duration]time.Duration{
		655340 * time.Millisecond:      655340 * time.Millisecond,
		655350 * time.Millisecond:      655350 * time.Millisecond,
		655360 * time.Millisecond:      655350 * time.Millisecond,
		(1<<24 - 1) * time.Millisecond: 655350 * time.Millisecond,
		math.MaxInt64 - time.Second:    655350 * time.Millisecond,
	} {
		p := &Picture{Count: 2, Scale: 1, Source: m.Rect.Size(), Frames: func(yield func(Frame, error) bool) {
			_ = yield(Frame{m, delay}, nil) && yield(Frame{other, delay}, nil)
		}}
		var b bytes.Buffer
		if err := encodeGIF(&b, p, Quality{}); err != nil {
			t.Fatal(err)
		}
		f, err := gif.Parse(b.Bytes(), 9)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Frames[0].Delay; got != want {
			t.Errorf("a delay of %v is %v in GIF; want %v", delay, got, want)
		}
		b.Reset()
		if err := encodeWebP(&b, p, Quality{}); err != nil {
			t.Fatal(err)
		}
		back, err := decodeWebP(b.Bytes(), Want{Limits: Limits{}.withDefaults()})
		if err != nil {
			t.Fatal(err)
		}
		for frame := range back.Frames {
			if most := (1<<24 - 1) * time.Millisecond; frame.Delay != min(delay, most) {
				t.Errorf("a delay of %v is %v in WebP; want %v", delay, frame.Delay, min(delay, most))
			}
			break
		}
	}
}

// What a format has no room for is an error that says so, up to the bound it is
// written.
func TestBoundsOfFormats(t *testing.T) {
	// Rows without pixels of their own: nothing of them is looked at.
	wide := func(w, h int) image.Image { return &image.Gray{Pix: make([]byte, w), Rect: image.Rect(0, 0, w, h)} }
	for _, tt := range []struct {
		format options.Format
		w, h   int
		fits   bool
	}{
		{options.WebP, 16383, 1, true}, {options.WebP, 1, 16383, true}, {options.WebP, 16384, 1, false}, {options.WebP, 1, 16384, false},
		{options.JPEG, 65535, 1, true}, {options.JPEG, 65536, 1, false}, {options.JPEG, 1, 65536, false},
		{options.GIF, 65535, 1, true}, {options.GIF, 65536, 1, false}, {options.GIF, 1, 65536, false},
		{options.PNG, 65536, 1, true}, {options.PNG, 1, 70000, true},
		{options.BMP, 40000, 30000, false},
	} {
		var b bytes.Buffer
		err := codecOf(tt.format).encode(&b, still(wide(tt.w, tt.h)), Quality{})
		if (err == nil) != tt.fits {
			t.Errorf("%v of %d x %d pixels: %v; fits: %v", tt.format, tt.w, tt.h, err, tt.fits)
		}
		if err != nil {
			continue
		}
		info, err := codecOf(tt.format).config(b.Bytes())
		if err != nil || info.Size != image.Pt(tt.w, tt.h) {
			t.Errorf("%v of %d x %d pixels: %v, %v in its header", tt.format, tt.w, tt.h, info.Size, err)
		}
	}
}

// FuzzWritten: whatever the picture, its size and the quality, what is written
// decodes, and has the picture's size and what it promises of its pixels.
func FuzzWritten(f *testing.F) {
	f.Add([]byte{1, 200, 3}, uint16(1), uint16(1), uint8(75), uint8(0))
	f.Add([]byte("rows of text"), uint16(33), uint16(17), uint8(100), uint8(1))
	f.Add(bytes.Repeat([]byte{0, 255, 9}, 50), uint16(129), uint16(2), uint8(1), uint8(2))
	f.Add([]byte{9, 8, 7, 6, 5, 255, 0}, uint16(16), uint16(130), uint8(40), uint8(7))
	f.Fuzz(func(t *testing.T, data []byte, w, h uint16, quality, kind uint8) {
		bounds := image.Rect(0, 0, 1+int(w%200), 1+int(h%200))
		n := 0
		fill := func(pix []byte) {
			for i := range pix {
				if len(data) > 0 {
					pix[i] = data[n%len(data)] + byte(n/len(data)*7)
					n++
				}
			}
		}
		var img image.Image
		switch kind % 4 {
		case 0:
			m := image.NewNRGBA(bounds)
			fill(m.Pix)
			img = m
		case 1:
			m := image.NewGray(bounds)
			fill(m.Pix)
			img = m
		case 2:
			m := image.NewYCbCr(bounds, image.YCbCrSubsampleRatio420)
			fill(m.Y)
			fill(m.Cb)
			fill(m.Cr)
			img = m
		case 3:
			m := image.NewNYCbCrA(bounds, image.YCbCrSubsampleRatio420)
			fill(m.Y)
			fill(m.Cb)
			fill(m.A)
			img = m
		}
		q := Quality{Quality: 1 + int(quality)%100, WebPMethod: int(kind/4) % 7, AVIFEffort: int(quality) % 10, Progressive: kind&32 != 0, Chroma444: kind&64 != 0, Lossless: kind&128 != 0}
		for _, format := range []options.Format{options.JPEG, options.PNG, options.WebP, options.GIF, options.BMP, options.TIFF} {
			var b bytes.Buffer
			codec := codecOf(format)
			if err := codec.encode(&b, still(img), q); err != nil {
				t.Fatalf("%v: %v", format, err)
			}
			p, err := codec.decode(b.Bytes(), Want{Limits: Limits{}.withDefaults()})
			if err != nil {
				t.Fatalf("%v: own result: %v", format, err)
			}
			got, err := p.first()
			if err != nil || got.Bounds() != bounds {
				t.Fatalf("%v of %v: decoded as %v, %v", format, bounds, got, err)
			}
			if lossless := format == options.WebP && q.Lossless || format == options.PNG && q.Quality == 100; lossless && kind%4 == 0 && picturetest.PSNR(got, img) < 1000 {
				t.Fatalf("%v without loss: PSNR %.1f dB", format, picturetest.PSNR(got, img))
			}
		}
	})
}
