package paint

import (
	"image"
	"strings"
	"testing"
)

// A text stands where its gravity says, is wrapped, and never leaves the picture.
func TestText(t *testing.T) {
	write := func(query string, w, h int) image.Rectangle {
		t.Helper()
		text := parse(query).Text
		f, err := BuiltInFont(text.Font)
		if err != nil {
			t.Fatal(err)
		}
		m := flatPicture(w, h, testBlack)
		if err := Text(m, text, f); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return extent(m, testBlack)
	}
	one := write("txt=Hxg&txtsize=20", 400, 200)
	if one.Empty() || one.Dy() < 15 || one.Dy() > 25 || abs((one.Min.X+one.Max.X)/2-200) > 3 || abs((one.Min.Y+one.Max.Y)/2-100) > 5 {
		t.Errorf("a text of 20 pixels in the middle of 400 by 200 has %v", one)
	}
	if r := write("txt=Hxg&txtsize=20&txtg=nw", 400, 200); r.Min.X > 10 || r.Min.Y > 15 {
		t.Errorf("a text at the upper left has %v", r)
	}
	if r := write("txt=Hxg&txtsize=20&txtg=se", 400, 200); r.Max.X < 385 || r.Max.Y < 185 {
		t.Errorf("a text at the lower right has %v", r)
	}
	if r := write("txt=Hxg%0AHxg&txtsize=20", 400, 200); r.Dy() < one.Dy()+18 {
		t.Errorf("two lines have %v; one has %v", r, one)
	}
	long := write("txt="+strings.Repeat("word+", 70)+"&txtsize=20", 400, 200)
	if long.Dy() < 100 || long.Dx() > 400 {
		t.Errorf("a long text has %v", long)
	}
	if italic := write("txt=fff&txtsize=40&txtfont=italic&txtcolor=fff", 400, 200); italic.Dx() < write("txt=fff&txtsize=40&txtcolor=fff", 400, 200).Dx() {
		t.Errorf("slanted letters are cut: %v", italic)
	}
	if bold := write("txt=Hxg&txtsize=20&txtfont=bold", 400, 200); bold == one {
		t.Error("bold is like regular")
	}
	if other := write("txt=Hxg&txtsize=20&txtfont=nobody", 400, 200); other != one {
		t.Error("an unknown font is not the regular one")
	}
	for _, query := range []string{"txt=Hxg&txtsize=500", "txt=" + strings.Repeat("W", 400) + "&txtsize=500", "txt=%00%01", "txt=%F0%9F%98%80", "txt=+++", "txt=%0A%0A%0A%0A"} {
		for _, size := range []image.Point{{1, 1}, {2, 300}, {300, 2}, {100, 100}} {
			write(query, size.X, size.Y) // that it ends is what is looked at
		}
	}
}
