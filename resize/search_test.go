package resize

import (
	"bytes"
	"math"
	"testing"
)

// searched returns the result of a search over a picture, and how often it was
// encoded.
func searched(t *testing.T, p *Picture, o Options, q Quality) (body []byte, encodings int) {
	t.Helper()
	answers.forget()
	j := &job{options: o, target: o.Format, limits: Limits{}.withDefaults()}
	codec := o.Format.codec()
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
	formats := []Format{JPEG, WebP, PNG, GIF, AVIF}
	for _, name := range []string{"photos/still-life.jpg", "photos/landscape.jpg", "photos/logo.png", "photos/chart.png"} {
		img := plain(toPNG(t, readSample(t, name), Options{Width: 120}))
		p := still(onWhite(img))
		luma := lumaPlane(onWhite(img))
		for _, f := range formats {
			if f == AVIF && testing.Short() {
				continue
			}
			codec := f.codec()
			encode := func(quality int) []byte {
				var b bytes.Buffer
				if err := codec.encode(&b, p, Quality{Quality: quality}); err != nil {
					t.Fatal(err)
				}
				return b.Bytes()
			}
			similarity := func(body []byte) float64 {
				got, err := (&job{target: f, limits: Limits{}.withDefaults()}).decoded(body)
				if err != nil {
					t.Fatal(err)
				}
				return ssim(luma, lumaPlane(got))
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
			if f == PNG || f == GIF {
				short, long = 0.45, 1.75
			}
			whole, least := len(encode(top)), len(encode(1))
			if body, n := searched(t, p, Options{Format: f, MaxBytes: whole}, Quality{}); n != 1 || len(body) != whole {
				t.Errorf("%s, %v: %d bytes in %d encodings where the first one has %d", name, f, len(body), n, whole)
			}
			for _, part := range []float64{0.9, 0.6, 0.35} {
				most := least + int(float64(whole-least)*part)
				body, n := searched(t, p, Options{Format: f, MaxBytes: most}, Quality{})
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
			if body, n := searched(t, p, Options{Format: f, MaxBytes: 10}, Quality{}); n > mostEncodings || len(body) != least {
				t.Errorf("%s, %v: %d bytes in %d encodings where %d are the fewest", name, f, len(body), n, least)
			}
			for _, want := range []Similarity{9000, 9600, 9850} {
				body, n := searched(t, p, Options{Format: f, AutoQuality: want}, Quality{})
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
				if body, n := searched(t, p, Options{Format: f, AutoQuality: want, MaxBytes: (least + whole) / 2}, Quality{}); n > mostEncodings || len(body) > (least+whole)/2 {
					t.Errorf("%s, %v as similar as %v, at most %d bytes: %d in %d encodings", name, f, want.Float(), (least+whole)/2, len(body), n)
				}
			}
		}
	}
}
