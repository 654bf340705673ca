package resize

import (
	"math/rand/v2"
	"net/url"
	"strconv"
	"testing"
)

// No source and no options lead out of the bounds, and a box that lies within
// them stays as it is.
func TestWithin(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	number := func(most int) string { return strconv.Itoa(1 + r.IntN(most)) }
	values := map[string]func() string{
		"w": func() string { return number(3000) }, "h": func() string { return number(3000) },
		"fit": func() string { return fits[r.IntN(len(fits))] }, "ar": func() string { return number(30) + ":" + number(30) },
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
