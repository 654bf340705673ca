package resize

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"s3imageserver/resize/look"
	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
	"s3imageserver/resize/pixel"
)

// searched returns the result of a search over a picture, and how often it was
// encoded.
func searched(t *testing.T, p *Picture, o options.Options, q Quality) (body []byte, encodings int) {
	t.Helper()
	answers.forget()
	j := &job{admission: &admission{options: o, limits: Limits{}.withDefaults()}, format: o.Format}
	codec := codecOf(o.Format)
	body, err := j.search(p, q, func(quality int) ([]byte, error) {
		encodings++
		q := q
		q.Quality = quality
		var b bytes.Buffer
		err := codec.encode(&b, p, q)
		return b.Bytes(), err
	})
	if err != nil {
		t.Fatalf("%v: %v", o, err)
	}
	return body, encodings
}

// forget empties the memory.
func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.quality, m.order, m.next = nil, nil, 0
}

// A search encodes four times at the most, and once where what it gets at first
// is short enough. What it finds is nearly what trying out every quality finds.
func TestSearch(t *testing.T) {
	formats := []options.Format{options.JPEG, options.WebP, options.PNG, options.GIF, options.AVIF}
	names := []string{"photos/still-life.jpg", "photos/chart.png", "photos/landscape.jpg", "photos/logo.png"}
	if testing.Short() {
		names = names[:2]
	}
	for _, name := range names {
		img := pixel.Normalize(toPNG(t, readSample(t, name), options.Options{Width: 120}))
		p := still(pixel.OnWhite(img))
		luma := look.Luma(pixel.OnWhite(img))
		for _, f := range formats {
			if f == options.AVIF && testing.Short() {
				continue // its similarity is measured in a sandbox
			}
			codec := codecOf(f)
			encode := func(quality int) []byte {
				var b bytes.Buffer
				if err := codec.encode(&b, p, Quality{Quality: quality}); err != nil {
					t.Fatal(err)
				}
				return b.Bytes()
			}
			similarity := func(body []byte) float64 {
				got, err := (&job{admission: &admission{limits: Limits{}.withDefaults()}, format: f}).decoded(body)
				if err != nil {
					t.Fatal(err)
				}
				return look.Similarity(luma, look.Luma(got))
			}
			// Every quality, or every eighth of a slow encoder.
			step := 1
			if codec.heavy {
				step = 8
			}
			top := codec.usual
			// How much shorter, and how much longer than needed a file may be: palettes
			// grow in large steps.
			short, long := 0.88, 1.3
			switch f {
			case options.PNG, options.GIF:
				short, long = 0.45, 1.75
			case AVIF: // its boxes are a third of files as small as these, and palettes come and go with the quality
				short = 0.7
			}
			whole, least := len(encode(top)), len(encode(1))
			if body, n := searched(t, p, options.Options{Format: f, MaxBytes: whole}, Quality{}); n != 1 || len(body) != whole {
				t.Errorf("%s, %v: %d bytes in %d encodings where the first one has %d", name, f, len(body), n, whole)
			}
			for _, part := range []float64{0.9, 0.6, 0.35} {
				most := least + int(float64(whole-least)*part)
				body, n := searched(t, p, options.Options{Format: f, MaxBytes: most}, Quality{})
				best := 0
				for q := 1; q <= top; q += step {
					if size := len(encode(q)); size <= most {
						best = max(best, size)
					}
				}
				if n > mostEncodings || len(body) > most || float64(len(body)) < short*float64(best) {
					t.Errorf("%s, %v of at most %d bytes: %d in %d encodings; of all qualities %d", name, f, most, len(body), n, best)
				}
			}
			if body, n := searched(t, p, options.Options{Format: f, MaxBytes: 10}, Quality{}); n > mostEncodings || len(body) != least {
				t.Errorf("%s, %v: %d bytes in %d encodings where %d are the fewest", name, f, len(body), n, least)
			}
			for _, want := range []options.Similarity{9000, 9600, 9850} {
				body, n := searched(t, p, options.Options{Format: f, AutoQuality: want}, Quality{})
				got := similarity(body)
				best, reached := math.MaxInt, 0.0
				for q := 1; q <= max(mostAuto, top); q += step {
					b := encode(q)
					s := similarity(b)
					if reached = max(reached, s); s >= want.Float() {
						best = min(best, len(b))
					}
				}
				if n > mostEncodings || got < min(want.Float(), reached-0.003) || reached >= want.Float() && float64(len(body)) > long*float64(best) {
					t.Errorf("%s, %v as similar as %v: %.4f, %d bytes in %d encodings; of all qualities %d bytes, at the most %.4f", name, f, want.Float(), got, len(body), n, best, reached)
				}
				if body, n := searched(t, p, options.Options{Format: f, AutoQuality: want, MaxBytes: (least + whole) / 2}, Quality{}); n > mostEncodings || len(body) > (least+whole)/2 {
					t.Errorf("%s, %v as similar as %v, at most %d bytes: %d in %d encodings", name, f, want.Float(), (least+whole)/2, len(body), n)
				}
			}
		}
	}
}

// What is remembered belongs to the pixels and to all that they are encoded with:
// results are the same whatever was made before.
func TestSearchHasNoHistory(t *testing.T) {
	source := readSample(t, "photos/still-life.jpg")
	o := options.Options{Width: 150, Format: options.JPEG, MaxBytes: 1 << 20}
	size := func(r Resizer, o options.Options) int {
		result, err := resizeBytes(t, &r, source, o)
		if err != nil {
			t.Fatal(err)
		}
		return len(result.Body)
	}
	resizers := []Resizer{{Quality: Quality{Quality: 30}}, {Quality: Quality{Quality: 90}}, {Quality: Quality{Formats: map[options.Format]int{options.JPEG: 60}}}}
	var alone []int
	for _, r := range resizers {
		answers.forget()
		alone = append(alone, size(r, o))
	}
	for range 2 {
		for i, r := range resizers {
			if n := size(r, o); n != alone[i] {
				t.Errorf("%+v: %d bytes after others, %d alone", r.Quality, n, alone[i])
			}
		}
	}
	// Another mark on the picture is another picture.
	o = options.Options{Width: 150, Format: options.JPEG, MaxBytes: 5000, Watermark: options.Watermark{Name: "logo", Scale: 10000}}
	marks := []*paint.Overlay{nil, paint.NewOverlay(framedSquare(60, 1, 2)), paint.NewOverlay(pixel.Copy(toPNG(t, source, options.Options{Width: 200})))}
	alone = nil
	for _, m := range marks {
		answers.forget()
		alone = append(alone, size(Resizer{Watermark: m}, o))
	}
	for i, m := range marks {
		if n := size(Resizer{Watermark: m}, o); n != alone[i] {
			t.Errorf("mark %d: %d bytes after others, %d alone", i, n, alone[i])
		}
	}
}

// Lossless WebP is bounded by the pixels of all frames.
func TestLosslessPixels(t *testing.T) {
	photo, orbit := readSample(t, "photos/still-life.jpg"), readSample(t, "photos/orbit.gif")
	r := &Resizer{Limits: Limits{LosslessPixels: 90 * 67}}
	for _, tt := range []struct {
		file []byte
		o    options.Options
		fits bool
	}{
		{photo, options.Options{Format: options.WebP, Width: 90}, true},
		{photo, options.Options{Format: options.WebP, Width: 100}, false},
		{photo, options.Options{Format: options.AutoWebP, Width: 100}, false},
		{orbit, options.Options{Format: options.WebP, Width: 60}, false},
		{orbit, options.Options{Format: options.WebP, Width: 60, Animation: options.AnimationStill}, true},
		{photo, options.Options{Format: options.PNG, Width: 300}, true},
	} {
		tt.o.Lossless = true
		_, err := resizeBytes(t, r, tt.file, tt.o)
		if tt.fits && err != nil || !tt.fits && !errors.Is(err, ErrLimit) {
			t.Errorf("%v: %v; fits: %v", tt.o.String(), err, tt.fits)
		}
	}
}
