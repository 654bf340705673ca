package resize

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"testing"

	"golang.org/x/image/font/gofont/gobold"

	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
)

// flatPicture is a picture of one colour.
func flatPicture(w, h int, c options.Color) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(c.NRGBA()), image.Point{}, draw.Src)
	return m
}

const (
	testWhite = options.Color(0xffffffff)
	testRed   = options.Color(0xff0000ff)
)

func TestNewOverlay(t *testing.T) {
	if _, err := NewOverlay([]byte("no picture")); err == nil {
		t.Error("an overlay that is no picture is read")
	}
	o, err := NewOverlay(readSample(t, "orientation/6.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	upright := toPNG(t, readSample(t, "orientation/6.jpg"), options.Options{})
	if o.Size() != upright.Bounds().Size() {
		t.Errorf("an overlay with an orientation has %v; want %v", o.Size(), upright.Bounds())
	}
}

func TestParseFont(t *testing.T) {
	f, err := paint.ParseFont(gobold.TTF)
	if err != nil {
		t.Fatal(err)
	}
	r := &Resizer{Fonts: map[string]*paint.Font{"brand": f}}
	if got, err := r.font("brand"); err != nil || got != f {
		t.Errorf("font: %v, %v; want the one of the Resizer", got, err)
	}
	if _, err := paint.ParseFont([]byte("no font")); err == nil {
		t.Error("a font that is none is read")
	}
	for _, name := range options.BuiltInFonts {
		if _, err := r.font(name); err != nil || !options.KnownFont(name) {
			t.Errorf("built-in font %s: %v", name, err)
		}
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
