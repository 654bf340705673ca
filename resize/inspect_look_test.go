package resize

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
)

// framedPicture is a picture with a frame of one colour.
func framedPicture(w, h int, frame color.NRGBA, inside image.Rectangle) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetNRGBA(x, y, frame)
			if image.Pt(x, y).In(inside) {
				m.SetNRGBA(x, y, color.NRGBA{byte(40 + 9*x), byte(200 - 7*y), 90, 255})
			}
		}
	}
	return m
}

func pngFileOf(t *testing.T, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTrim(t *testing.T) {
	inside := image.Rect(5, 3, 21, 26)
	white := color.NRGBA{255, 255, 255, 255}
	m := framedPicture(40, 30, white, inside)
	for x := 2; x < 4; x++ {
		m.SetNRGBA(x, 2, color.NRGBA{250, 255, 251, 255}) // noise
	}
	twoEdges := framedPicture(40, 30, white, image.Rect(4, 0, 40, 30))
	for y := range 30 {
		for x := 30; x < 40; x++ {
			twoEdges.SetNRGBA(x, y, color.NRGBA{A: 255})
		}
	}
	tests := []struct {
		name  string
		m     image.Image
		query string
		want  image.Point
	}{
		{"a frame", m, "trim=10", inside.Size()},
		{"noise counts with less tolerance", m, "trim=4", image.Pt(19, 24)},
		{"no trim", m, "", image.Pt(40, 30)},
		{"all of one colour stays", framedPicture(9, 9, white, image.Rectangle{}), "trim=10", image.Pt(9, 9)},
		{"transparent edges, whatever their colour", func() image.Image {
			m := framedPicture(40, 30, color.NRGBA{}, inside)
			m.SetNRGBA(1, 1, color.NRGBA{200, 0, 0, 0})
			return m
		}(), "trim=1", inside.Size()},
		{"exactly", framedPicture(40, 30, white, image.Rect(10, 5, 20, 25)), "trim=exact", image.Pt(10, 20)},
		{"by the lower right corner", twoEdges, "trim=10,se", image.Pt(30, 30)},
		{"by the upper left corner", twoEdges, "trim=10", image.Pt(36, 30)},
		{"by the lower right corner, of what is turned", twoEdges, "orient=3&trim=exact,se", image.Pt(36, 30)},
		{"after the crop", m, "crop=10,0,30,20&trim=10", image.Pt(11, 17)},
		{"turned", m, "trim=10&rot=90", image.Pt(23, 16)},
		{"orientation comes first", m, "orient=6&trim=10", image.Pt(23, 16)},
		{"resized", m, "trim=10&w=8", image.Pt(8, 11)},
		{"specks of dust do not count", func() *image.NRGBA {
			m := framedPicture(40, 30, white, inside)
			for _, p := range []image.Point{{0, 15}, {39, 29}, {20, 1}, {22, 1}} {
				m.SetNRGBA(p.X, p.Y, color.NRGBA{A: 255})
			}
			return m
		}(), "trim=10", inside.Size()},
		{"a slanting line does", func() *image.NRGBA {
			m := framedPicture(40, 30, white, image.Rectangle{})
			for i := range 20 {
				m.SetNRGBA(5+i, 25-i, color.NRGBA{A: 255})
			}
			return m
		}(), "trim=10", image.Pt(20, 20)},
		{"one pixel", framedPicture(9, 9, white, image.Rect(4, 7, 5, 8)), "trim=10", image.Pt(1, 1)},
	}
	for _, tt := range tests {
		got := toPNG(t, pngFileOf(t, tt.m), parse(tt.query))
		if got.Bounds().Size() != tt.want {
			t.Errorf("%s: %s gives %v; want %v", tt.name, tt.query, got.Bounds().Size(), tt.want)
		}
	}
	got := toPNG(t, pngFileOf(t, m), parse("trim=10"))
	if picturetest.PSNR(got, m.SubImage(inside)) < 100 {
		t.Error("what is left is not what was inside of the frame")
	}
}

// What catches the eye stays, wherever it is, and in every orientation.
func TestFocus(t *testing.T) {
	for _, kind := range []string{"smart", "entropy"} {
		for _, at := range []int{0, 60, 140} {
			m := framedPicture(200, 100, color.NRGBA{120, 130, 140, 255}, image.Rectangle{})
			for y := 30; y < 70; y++ {
				for x := at; x < at+50; x++ {
					m.SetNRGBA(x, y, color.NRGBA{byte(180 + x*y%70), byte(x * 31 % 200), byte(y * 17 % 90), 255})
				}
			}
			for _, o := range []options.Options{
				{Width: 60, Height: 100},
				{Width: 60, Height: 100, Angle: 18000},
				{Width: 100, Height: 60, Angle: 9000},
				{Width: 60, Height: 100, Crop: options.Crop{W: options.Length{N: 10000, Percent: true}, H: options.Length{N: 9000, Percent: true}}},
			} {
				o.Gravity = parse("g=" + kind).Gravity
				got := pixel.Copy(toPNG(t, pngFileOf(t, m), o))
				loud := 0
				b := got.Rect
				for y := range b.Dy() {
					for x := range b.Dx() {
						if c := got.NRGBAAt(x, y); abs(int(c.R)-120) > 20 {
							loud++
						}
					}
				}
				if part := float64(loud) / float64(b.Dx()*b.Dy()); part < 0.22 {
					t.Errorf("%s of a subject at %d: %v shows %.0f %% of it", kind, at, o, 100*part)
				}
			}
		}
	}
}
