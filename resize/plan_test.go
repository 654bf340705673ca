package resize

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

// chartPicture is a picture without symmetry, smooth enough to be scaled.
func chartPicture(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			p := m.Pix[m.PixOffset(x, y):]
			p[0], p[1] = byte(255*x/w), byte(255*y/h)
			p[2] = byte(127 + 120*math.Sin(float64(x*x+2*y*y)/float64(w*h)*9))
			p[3] = 255
		}
	}
	return m
}

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
	source := chartPicture(90, 61)
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
		canvas{want}.blend(scaled, l.At)

		got := toPNG(t, file, o)
		if got.Bounds() != want.Rect {
			t.Errorf("%v: %v; want %v", o, got.Bounds(), want.Rect)
		} else if p := psnr(got, want); p < 40 { // the cropped twin does not see beyond its edges
			t.Errorf("%v: PSNR %.1f dB to the steps one by one; want 40", o, p)
		}
	}
}

// Orientations are combined as their pictures are.
func TestTurns(t *testing.T) {
	m := chartPicture(7, 5)
	for a := exif.Orientation(1); a <= 8; a++ {
		for b := exif.Orientation(1); b <= 8; b++ {
			got, want := upright(m, a.Then(b)), upright(upright(m, a), b)
			if psnr(got, want) < 100 {
				t.Errorf("orientation %d then %d is not %d", a, b, a.Then(b))
			}
		}
	}
	for o := exif.Orientation(1); o <= 8; o++ {
		if got := upright(m, o); psnr(got, turnedSlowly(m, o, 0, 0)) < 100 {
			t.Errorf("orientation %d is not what EXIF says", o)
		}
		r := scale.Rect{X: 1, Y: 2, W: 3, H: 1}
		if got := o.Shown(o.Stored(r, image.Pt(7, 5)), image.Pt(7, 5)); got != r {
			t.Errorf("orientation %d: shown(stored(%v)) = %v", o, r, got)
		}
	}
}

// tiltedSlowly is tilted by the mean of 16 places in every pixel, each between
// four samples.
func tiltedSlowly(m *image.NRGBA, degrees float64, size image.Point) *image.NRGBA {
	out := image.NewNRGBA(image.Rectangle{Max: size})
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	w, h := float64(m.Rect.Dx()), float64(m.Rect.Dy())
	at := func(x, y int) (c [4]float64) {
		if image.Pt(x, y).In(m.Rect) {
			p := m.NRGBAAt(x, y)
			a := float64(p.A)
			c = [4]float64{float64(p.R) * a / 255, float64(p.G) * a / 255, float64(p.B) * a / 255, a}
		}
		return c
	}
	for y := range size.Y {
		for x := range size.X {
			var sum [4]float64
			for k := range 16 {
				u := float64(x) + (float64(k%4)+0.5)/4 - float64(size.X)/2
				v := float64(y) + (float64(k/4)+0.5)/4 - float64(size.Y)/2
				sx, sy := u*cos+v*sin+w/2-0.5, v*cos-u*sin+h/2-0.5
				x0, y0 := math.Floor(sx), math.Floor(sy)
				fx, fy := sx-x0, sy-y0
				for j, weight := range []float64{(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy} {
					c := at(int(x0)+j%2, int(y0)+j/2)
					for i := range sum {
						sum[i] += weight * c[i] / 16
					}
				}
			}
			p := out.Pix[out.PixOffset(x, y):]
			for i := range 3 {
				if sum[3] > 0 {
					p[i] = byte(math.Min(255, sum[i]*255/sum[3]+0.5))
				}
			}
			p[3] = byte(sum[3] + 0.5)
		}
	}
	return out
}

func TestTiltedEqualsItsTwin(t *testing.T) {
	for _, degrees := range []float64{0.01, 1, 12, 30, 44.99, -5, -45} {
		m := chartPicture(120, 80)
		size := tiltedSize(m.Rect.Size(), degrees)
		want := tiltedSlowly(m, degrees, size)
		part := scale.Rect{X: -float64(size.X) / 2, Y: -float64(size.Y) / 2, W: float64(size.X), H: float64(size.Y)}
		got := tilted(pixel.Copy(m), degrees, part, size)
		// Laid on grey: colours of nearly transparent pixels are free.
		if p := psnr(onGrey(got), onGrey(want)); p < 35 {
			t.Errorf("%v degrees: PSNR %.1f dB to the twin; want 35", degrees, p)
		}
	}
}

func onGrey(m *image.NRGBA) image.Image {
	out := image.NewNRGBA(m.Rect)
	fill(out, options.Color(0x808080ff).NRGBA())
	canvas{out}.blend(m, image.Point{})
	return out
}

// gaussianSlowly blurs in two dimensions at once, with floats.
func gaussianSlowly(m *image.NRGBA, sigma float64) *image.NRGBA {
	out := image.NewNRGBA(m.Rect)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	r := int(math.Ceil(4 * sigma))
	for y := range h {
		for x := range w {
			var sum [4]float64
			total := 0.0
			for dy := -r; dy <= r; dy++ {
				for dx := -r; dx <= r; dx++ {
					k := math.Exp(-float64(dx*dx+dy*dy) / (2 * sigma * sigma))
					if !image.Pt(x+dx, y+dy).In(m.Rect) {
						continue
					}
					p := m.NRGBAAt(x+dx, y+dy)
					a := float64(p.A) * k
					sum[0] += a * float64(p.R)
					sum[1] += a * float64(p.G)
					sum[2] += a * float64(p.B)
					sum[3] += a
					total += k
				}
			}
			p := out.Pix[out.PixOffset(x, y):]
			for i := range 3 {
				p[i] = byte(sum[i]/math.Max(sum[3], 1e-9) + 0.5)
			}
			p[3] = byte(sum[3]/total + 0.5)
		}
	}
	return out
}

func TestBlurredEqualsItsTwin(t *testing.T) {
	for _, sigma := range []float64{0.3, 1, 2.5, 2.6, 5, 9, 20} {
		m := chartPicture(60, 40)
		for i := range 300 {
			m.Pix[4*(i*7)+3] = byte(i) // some are transparent
		}
		want := gaussianSlowly(m, sigma)
		if p := psnr(onGrey(blurred(m, sigma)), onGrey(want)); p < 44 {
			t.Errorf("sigma %v: PSNR %.1f dB to the twin; want 44", sigma, p)
		}
	}
	flat := image.NewNRGBA(image.Rect(0, 0, 33, 9))
	fill(flat, options.Color(0x7b2d09ff).NRGBA())
	for _, sigma := range []float64{0.1, 1, 3, 100} {
		if psnr(blurred(flat, sigma), flat) < 100 {
			t.Errorf("sigma %v: a flat colour changed", sigma)
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
