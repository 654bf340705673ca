package resize

import (
	"bytes"
	"errors"
	"image"
	"image/draw"
	"image/png"
	"slices"
	"testing"

	"s3imageserver/resize/options"
)

func TestCompare(t *testing.T) {
	r := &Resizer{}
	m := image.NewNRGBA(image.Rect(0, 0, 64, 48))
	for i := range m.Pix {
		m.Pix[i] = byte(i*i/7) | 3*byte(i%4/3) // noise
	}
	other := image.NewNRGBA(m.Rect)
	copy(other.Pix, m.Pix)
	for i := range other.Pix[:len(m.Pix)/2] {
		if i%4 != 3 {
			other.Pix[i] = 255 - other.Pix[i]
		}
	}
	small := pngOf(t, m.SubImage(image.Rect(0, 0, 64, 47)))
	gif := made(t, pngOf(t, m), options.Options{Format: options.GIF}).Body
	for _, tt := range []struct {
		name     string
		a, b     []byte
		from, to float64
	}{
		{"a file and itself", pngOf(t, m), pngOf(t, m), 1, 1},
		{"two formats", pngOf(t, m), gif, 0.5, 1},
		{"half of it inverted", pngOf(t, m), pngOf(t, other), -0.5, 0.7},
		{"two sizes", pngOf(t, m), small, 0, 0},
	} {
		c, err := r.Compare(t.Context(), tt.a, tt.b)
		if err != nil || c.Similarity < tt.from || c.Similarity > tt.to || c.Sizes[0] != image.Pt(64, 48) {
			t.Errorf("%s: %+v, %v; want from %v to %v", tt.name, c, err, tt.from, tt.to)
		}
	}
	if _, err := r.Compare(t.Context(), pngOf(t, m), []byte("no picture, but long enough to look at")); !errors.Is(err, ErrUnsupported) {
		t.Errorf("no picture: %v; want ErrUnsupported", err)
	}
}

// Trimmed says which size of the upright source is left.
func TestTrimmed(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 100, 80))
	draw.Draw(m, m.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(m, image.Rect(10, 20, 70, 50), image.Black, image.Point{}, draw.Src)
	var file bytes.Buffer
	if err := png.Encode(&file, m); err != nil {
		t.Fatal(err)
	}
	trimmed := func(r *Resizer, query string, body []byte) (image.Point, error) {
		return r.Trimmed(t.Context(), Source{Body: bytes.NewReader(body), Size: int64(len(body))}, parse(query))
	}
	budget := NewBudget(BudgetConfig{Bytes: 100 << 20})
	for query, want := range map[string]image.Point{
		"trim=10":                      image.Pt(60, 30),
		"trim=10&orient=6":             image.Pt(30, 60),
		"trim=10&crop=0,0,40,80&w=9":   image.Pt(30, 30),
		"crop=0,0,50%,100%":            image.Pt(50, 80),
		"orient=8":                     image.Pt(80, 100),
		"trim=10&rot=90&padding=9&w=5": image.Pt(60, 30),
	} {
		if got, err := trimmed(&Resizer{Budget: budget}, query, file.Bytes()); got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", query, got, err, want)
		}
	}
	if _, err := trimmed(&Resizer{Limits: Limits{Pixels: 100}}, "trim=10", file.Bytes()); !errors.Is(err, ErrLimit) {
		t.Errorf("a source that is too large: %v", err)
	}
	if _, err := trimmed(&Resizer{}, "trim=10", file.Bytes()[:200]); err == nil {
		t.Error("half a file: no error")
	}
	// A header that is longer than the first bytes is obeyed too.
	photo := readSample(t, "orientation/6.jpg")
	comment := append([]byte{0xff, 0xfe, 0xff, 0xff}, make([]byte, 0xffff-2)...)
	long := slices.Concat(photo[:2], comment, comment, photo[2:])
	if _, err := trimmed(&Resizer{Limits: Limits{Pixels: 100}}, "trim=10", long); !errors.Is(err, ErrLimit) {
		t.Errorf("a source that is too large, with a long header: %v", err)
	}
	want, err := trimmed(&Resizer{}, "crop=0,0,50%,100%", photo)
	if got, err2 := trimmed(&Resizer{Budget: budget}, "crop=0,0,50%,100%", long); got != want || err != nil || err2 != nil {
		t.Errorf("with a long header: %v, %v; want %v, %v", got, err2, want, err)
	}
	if l := budget.Load(); l.Bytes != 0 || l.Working != 0 {
		t.Errorf("%+v is held afterwards", l)
	}
}
