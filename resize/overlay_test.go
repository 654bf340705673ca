package resize

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"golang.org/x/image/font/gofont/gobold"

	"s3imageserver/resize/options"
	"s3imageserver/resize/pixel"
)

func flatPicture(w, h int, c options.Color) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	fill(m, c.NRGBA())
	return m
}

// extent returns the smallest rectangle outside of which m has the colour c.
func extent(m *image.NRGBA, c options.Color) image.Rectangle {
	var r image.Rectangle
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			if m.NRGBAAt(x, y) != c.NRGBA() {
				r = r.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return r
}

const (
	testWhite = options.Color(0xffffffff)
	testRed   = options.Color(0xff0000ff)
	testBlack = options.Color(0x000000ff)
)

// A watermark lies where its gravity says, in the size that its scale says, and
// inside of the picture.
func TestWatermark(t *testing.T) {
	mark := newOverlayOf(flatPicture(40, 20, testRed))
	tests := []struct {
		query string
		want  image.Rectangle
	}{
		{"wm=m", image.Rect(80, 40, 120, 60)},
		{"wm=m&wmg=nw", image.Rect(2, 2, 42, 22)},
		{"wm=m&wmg=se", image.Rect(158, 78, 198, 98)},
		{"wm=m&wms=10", image.Rect(90, 45, 110, 55)},
		{"wm=m&wms=100&wmg=n", image.Rect(0, 0, 200, 100)},
		{"wm=m&wmg=fp:0.25:0.5", image.Rect(30, 40, 70, 60)},
		{"wm=m&wmg=fp:0:1", image.Rect(0, 80, 40, 100)},
	}
	for _, tt := range tests {
		w := parse(tt.query).Watermark
		m := flatPicture(200, 100, testWhite)
		layWatermark(m, mark.fitted(w, m.Rect.Size()), w)
		if got := extent(m, testWhite); got != tt.want {
			t.Errorf("%s lies at %v; want %v", tt.query, got, tt.want)
		}
	}
	// Larger than the picture: it is made to fit.
	small := flatPicture(10, 10, testWhite)
	w := options.Watermark{Name: "m"}
	layWatermark(small, mark.fitted(w, small.Rect.Size()), w)
	if got := extent(small, testWhite); got != image.Rect(0, 2, 10, 7) {
		t.Errorf("a watermark larger than the picture lies at %v", got)
	}
	half := flatPicture(50, 50, testWhite)
	w.Opacity = 5000
	layWatermark(half, mark.fitted(w, half.Rect.Size()), w)
	if c := half.NRGBAAt(25, 25); abs(int(c.G)-127) > 2 || c.R != 255 {
		t.Errorf("half opaque red on white is %v", c)
	}
	tiled := flatPicture(200, 100, testWhite)
	w = options.Watermark{Name: "m", Tile: true, Scale: 500}
	layWatermark(tiled, mark.fitted(w, tiled.Rect.Size()), w)
	for y := 0; y < 100; y += 20 {
		for x := 0; x < 200; x += 40 {
			if part := pixel.Copy(tiled.SubImage(image.Rect(x, y, x+40, y+20))); extent(part, testWhite).Empty() {
				t.Errorf("no tile at %d, %d", x, y)
			}
		}
	}
}

func TestNewOverlay(t *testing.T) {
	if _, err := NewOverlay([]byte("no picture")); err == nil {
		t.Error("an overlay that is no picture is read")
	}
	o, err := NewOverlay(readSample(t, "orientation/6.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	upright := toPNG(t, readSample(t, "orientation/6.jpg"), options.Options{})
	if o.size() != upright.Bounds().Size() {
		t.Errorf("an overlay with an orientation has %v; want %v", o.size(), upright.Bounds())
	}
}

// A text stands where its gravity says, is wrapped, and never leaves the picture.
func TestText(t *testing.T) {
	r := &Resizer{}
	write := func(query string, w, h int) image.Rectangle {
		t.Helper()
		text := parse(query).Text
		f, err := r.font(text.Font)
		if err != nil {
			t.Fatal(err)
		}
		m := flatPicture(w, h, testBlack)
		if err := writeText(m, text, f); err != nil {
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

func TestParseFont(t *testing.T) {
	f, err := ParseFont(gobold.TTF)
	if err != nil {
		t.Fatal(err)
	}
	r := &Resizer{Fonts: map[string]*Font{"brand": f}}
	if got, err := r.font("brand"); err != nil || got != f {
		t.Errorf("font: %v, %v; want the one of the Resizer", got, err)
	}
	if _, err := ParseFont([]byte("no font")); err == nil {
		t.Error("a font that is none is read")
	}
	for _, name := range options.BuiltInFonts {
		if _, err := r.font(name); err != nil || !options.KnownFont(name) {
			t.Errorf("built-in font %s: %v", name, err)
		}
	}
}

// The ground: transparent without a background, one colour, the colour of the
// edge, the picture itself.
func TestGround(t *testing.T) {
	p := &plan{size: image.Pt(20, 20), canvas: image.Pt(40, 20), at: image.Pt(10, 0)}
	picture := func() *image.NRGBA {
		m := flatPicture(20, 20, testRed)
		for y := 5; y < 15; y++ {
			for x := 5; x < 15; x++ {
				m.SetNRGBA(x, y, color.NRGBA{})
			}
		}
		return m
	}
	tests := []struct {
		bg             string
		outside, below color.NRGBA
	}{
		{"", color.NRGBA{}, color.NRGBA{}},
		{"bg=fff", testWhite.NRGBA(), testWhite.NRGBA()},
		{"bg=0000ff80", color.NRGBA{0, 0, 255, 128}, color.NRGBA{0, 0, 255, 128}},
		{"bg=auto", testRed.NRGBA(), testRed.NRGBA()},
		{"bg=blur", testRed.NRGBA(), testRed.NRGBA()},
	}
	for _, tt := range tests {
		out := newGround(p.canvas, p.at, parse(tt.bg).Background).lay(picture()).(*image.NRGBA)
		if out.Rect.Size() != p.canvas || out.NRGBAAt(1, 1) != tt.outside || out.NRGBAAt(20, 10) != tt.below || out.NRGBAAt(11, 1) != testRed.NRGBA() {
			t.Errorf("%q: %v, outside %v, below %v, picture %v", tt.bg, out.Rect, out.NRGBAAt(1, 1), out.NRGBAAt(20, 10), out.NRGBAAt(11, 1))
		}
	}
	g := newGround(p.canvas, p.at, parse("bg=auto").Background)
	g.lay(picture())
	if out := g.lay(flatPicture(20, 20, testWhite)).(*image.NRGBA); out.NRGBAAt(1, 1) != testRed.NRGBA() {
		t.Error("the colour of the edge changes from frame to frame")
	}
}

// Corners that are rounded off have the ground in formats without transparency.
func TestRoundedCorners(t *testing.T) {
	var file bytes.Buffer
	if err := png.Encode(&file, flatPicture(60, 60, testRed)); err != nil {
		t.Fatal(err)
	}
	clear, blue := color.NRGBA{}, color.NRGBA{0, 0, 255, 255}
	for _, tt := range []struct {
		query string
		want  color.NRGBA // of the corner
	}{
		{"f=jpeg", testWhite.NRGBA()},
		{"f=jpeg&bg=00f", blue},
		{"f=bmp&bg=00f", blue},
		{"f=jpeg&bg=auto", testRed.NRGBA()},
		{"f=jpeg&bg=blur", testRed.NRGBA()},
		{"f=jpeg&bg=0000ff80", testWhite.NRGBA()},
		{"f=png&bg=00f", clear},
		{"f=auto-jpeg&bg=00f", clear}, // PNG
	} {
		img, _, err := image.Decode(bytes.NewReader(made(t, file.Bytes(), parse(tt.query+"&radius=max")).Body))
		if err != nil {
			t.Fatal(err)
		}
		got := color.NRGBAModel.Convert(img.At(1, 1)).(color.NRGBA)
		for _, d := range []int{int(got.R) - int(tt.want.R), int(got.G) - int(tt.want.G), int(got.B) - int(tt.want.B), int(got.A) - int(tt.want.A)} {
			if abs(d) > 20 { // JPEG near an edge
				t.Errorf("%s: corner %v; want %v", tt.query, got, tt.want)
				break
			}
		}
	}
}
