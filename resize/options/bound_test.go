package options

import "testing"

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
		got := read(query).Bare()
		if got.String() != read(want).String() || got.Bare() != got {
			t.Errorf("%s is %s; want %s", query, got, read(want))
		}
	}
}
