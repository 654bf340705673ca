package resize

import (
	"bytes"
	"errors"
	"image"
	"image/draw"
	"image/png"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// No source and no options lead out of the bounds, and a box that lies within
// them stays as it is.
func TestWithin(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	number := func(most int) string { return strconv.Itoa(1 + r.IntN(most)) }
	values := map[string]func() string{
		"w": func() string { return number(3000) }, "h": func() string { return number(3000) },
		"fit": func() string { return strings.Fields("cover contain scale-down pad stretch auto")[r.IntN(6)] }, "ar": func() string { return number(30) + ":" + number(30) },
		"dpr": func() string { return number(4) }, "zoom": func() string { return number(9) },
		"minw": func() string { return number(3000) }, "minh": func() string { return number(3000) },
		"enlarge": func() string { return "true" }, "padding": func() string { return number(300) },
		"crop": func() string { return "10%,10%," + number(80) + "%," + number(80) + "%" },
		"rot":  func() string { return number(359) }, "border": func() string { return number(50) + ",f00" },
		"radius": func() string { return number(90) },
	}
	for range 200_000 {
		query := url.Values{}
		for name, value := range values {
			if r.IntN(4) == 0 {
				query.Set(name, value())
			}
		}
		o := ParseOptions(query.Get, DefaultMaxDimension)
		w, h := 1+r.IntN(1500), 1+r.IntN(1500)
		width, height := 1+r.IntN(5000), 1+r.IntN(5000)
		got := ResultSize(width, height, o.Within(w, h))
		if got[0] > w || got[1] > h || got[0] < 1 || got[1] < 1 {
			t.Fatalf("%d x %d of %s within %d x %d = %v, by %s", width, height, query.Encode(), w, h, got, o.Within(w, h))
		}
	}
	o := ParseOptions(url.Values{"w": {"300"}, "h": {"200"}, "fit": {"cover"}}.Get, DefaultMaxDimension)
	if got := o.Within(300, 200); got != o {
		t.Errorf("%s within 300 x 200 = %s; want the same", o, got)
	}
	if got := o.Within(150, 150); got.Width != 150 || got.Height != 100 || got.Fit != Cover {
		t.Errorf("%s within 150 x 150 = %s; want a box of 150 x 100", o, got)
	}
}

// Bare leaves nothing around a picture or over it, whatever is asked for, and
// twice is as once.
func TestBare(t *testing.T) {
	for query, want := range map[string]string{
		"w=100&h=80&fit=pad&padding=5,0,900,0&bg=ff0000": "w=100&h=80&fit=contain&bg=ff0000",
		"w=100&rot=45":         "w=100&rot=90",
		"w=100&rot=-44&flip=h": "w=100&flip=h",
		"rot=359":              "",
		"txt=a&txtsize=9&wm=x": "wm=x",
		"crop=1,1,9,9&border=1,000000&radius=max&trim=3": "crop=1,1,9,9&trim=3&radius=max&border=1,000000",
	} {
		got := parse(query).Bare()
		if got.String() != parse(want).String() || got.Bare() != got {
			t.Errorf("%s is %s; want %s", query, got, parse(want))
		}
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
	if l := budget.Load(); l.Bytes != 0 || l.Working != 0 {
		t.Errorf("%+v is held afterwards", l)
	}
}
