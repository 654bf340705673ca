package resize

import (
	"bytes"
	"image"
	"image/png"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

// turnedSlowly turns a picture pixel by pixel: by EXIF's orientation (section
// 4.6.4), then by quarters clockwise, then mirrors it.
func turnedSlowly(m *image.NRGBA, o exif.Orientation, quarters int, f options.Flip) *image.NRGBA {
	one := func(m *image.NRGBA, swap bool, at func(x, y, w, h int) (int, int)) *image.NRGBA {
		w, h := m.Rect.Dx(), m.Rect.Dy()
		out := image.NewNRGBA(image.Rect(0, 0, w, h))
		if swap {
			out = image.NewNRGBA(image.Rect(0, 0, h, w))
		}
		for y := range h {
			for x := range w {
				X, Y := at(x, y, w, h)
				out.SetNRGBA(X, Y, m.NRGBAAt(x, y))
			}
		}
		return out
	}
	quarter := func(m *image.NRGBA) *image.NRGBA {
		return one(m, true, func(x, y, w, h int) (int, int) { return h - 1 - y, x })
	}
	mirror := func(m *image.NRGBA) *image.NRGBA {
		return one(m, false, func(x, y, w, h int) (int, int) { return w - 1 - x, y })
	}
	turn := func(m *image.NRGBA, n int) *image.NRGBA {
		for range n {
			m = quarter(m)
		}
		return m
	}
	switch o {
	case 2:
		m = mirror(m)
	case 3:
		m = turn(m, 2)
	case 4:
		m = mirror(turn(m, 2))
	case 5: // mirrored, then 270 degrees clockwise
		m = turn(mirror(m), 3)
	case 6:
		m = turn(m, 1)
	case 7: // mirrored, then 90 degrees clockwise
		m = turn(mirror(m), 1)
	case 8:
		m = turn(m, 3)
	}
	m = turn(m, quarters)
	if f&options.FlipX != 0 {
		m = mirror(m)
	}
	if f&options.FlipY != 0 {
		m = mirror(turn(m, 2))
	}
	return m
}

// Whatever is asked for, the fused plan gives what the steps give that are done
// one after the other: orient, crop, turn, mirror, resize.
func TestPlanEqualsItsSteps(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	source := picturetest.Chart(90, 61)
	var b bytes.Buffer
	if err := png.Encode(&b, source); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	for i := range 300 {
		o := options.Options{
			Orient: exif.Orientation(1 + i%8),
			Angle:  options.Hundredths(9000 * (i / 8 % 4)),
			Flip:   options.Flip(i / 32 % 4),
			Width:  20 + random.IntN(60),
			Fit:    options.Fit(random.IntN(6)),
			Format: options.PNG,
		}
		if i%3 != 0 {
			o.Height = 20 + random.IntN(60)
		}
		if i%2 == 0 {
			o.Crop = options.Crop{X: options.Length{N: int32(random.IntN(20)), Percent: false}, Y: options.Length{N: int32(random.IntN(20)), Percent: false}, W: options.Length{N: int32(30 + random.IntN(20)), Percent: false}, H: options.Length{N: int32(20 + random.IntN(20)), Percent: false}}
		}
		if i%5 == 0 {
			o.Gravity = options.FocalPoint(uint16(random.IntN(options.FocalOne)), uint16(random.IntN(options.FocalOne)))
		}
		m := turnedSlowly(source, o.Orient, 0, 0)
		m = pixel.Copy(m.SubImage(o.Crop.Of(m.Rect.Size())))
		m = turnedSlowly(m, 1, int(o.Angle/9000), o.Flip)
		l := lay(m.Rect.Size(), o)
		part := scale.Rect{X: l.Crop.X, Y: l.Crop.Y, W: l.Crop.W, H: l.Crop.H}
		scaled := scale.Image(m, part, l.Size, scale.Options{}).(*image.NRGBA)
		want := image.NewNRGBA(image.Rectangle{Max: l.Canvas})
		paint.Canvas{NRGBA: want}.Blend(scaled, l.At)

		got := toPNG(t, file, o)
		if got.Bounds() != want.Rect {
			t.Errorf("%v: %v; want %v", o, got.Bounds(), want.Rect)
		} else if p := picturetest.PSNR(got, want); p < 40 { // the cropped twin does not see beyond its edges
			t.Errorf("%v: PSNR %.1f dB to the steps one by one; want 40", o, p)
		}
	}
}

// Orientations are combined as their pictures are.
func TestTurns(t *testing.T) {
	m := picturetest.Chart(7, 5)
	for a := exif.Orientation(1); a <= 8; a++ {
		for b := exif.Orientation(1); b <= 8; b++ {
			got, want := paint.Turn(m, a.Then(b)), paint.Turn(paint.Turn(m, a), b)
			if picturetest.PSNR(got, want) < 100 {
				t.Errorf("orientation %d then %d is not %d", a, b, a.Then(b))
			}
		}
	}
	for o := exif.Orientation(1); o <= 8; o++ {
		if got := paint.Turn(m, o); picturetest.PSNR(got, turnedSlowly(m, o, 0, 0)) < 100 {
			t.Errorf("orientation %d is not what EXIF says", o)
		}
		r := scale.Rect{X: 1, Y: 2, W: 3, H: 1}
		if got := o.Shown(o.Stored(r, image.Pt(7, 5)), image.Pt(7, 5)); got != r {
			t.Errorf("orientation %d: shown(stored(%v)) = %v", o, r, got)
		}
	}
}

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
		o := options.Parse(query.Get, options.DefaultMaxDimension)
		w, h := 1+r.IntN(1500), 1+r.IntN(1500)
		width, height := 1+r.IntN(5000), 1+r.IntN(5000)
		got := ResultSize(width, height, o.Within(w, h))
		if got[0] > w || got[1] > h || got[0] < 1 || got[1] < 1 {
			t.Fatalf("%d x %d of %s within %d x %d = %v, by %s", width, height, query.Encode(), w, h, got, o.Within(w, h))
		}
	}
	o := options.Parse(url.Values{"w": {"300"}, "h": {"200"}, "fit": {"cover"}}.Get, options.DefaultMaxDimension)
	if got := o.Within(300, 200); got != o {
		t.Errorf("%s within 300 x 200 = %s; want the same", o, got)
	}
	if got := o.Within(150, 150); got.Width != 150 || got.Height != 100 || got.Fit != options.Cover {
		t.Errorf("%s within 150 x 150 = %s; want a box of 150 x 100", o, got)
	}
}
