package paint

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math"
	"testing"

	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
)

// colorsSlowly does the effects of a pixel with floats, one after the other.
func colorsSlowly(e options.Effects, r, g, b float64) [3]float64 {
	c := [3]float64{r / 255, g / 255, b / 255}
	clamp := func(v float64) float64 { return math.Max(0, math.Min(1, v)) }
	luma := func() float64 { return 0.299*c[0] + 0.587*c[1] + 0.114*c[2] }
	each := func(f func(v float64) float64) {
		for i := range c {
			c[i] = f(c[i])
		}
	}
	each(func(v float64) float64 { return v + e.Brightness.Float()/100 })
	each(func(v float64) float64 { return clamp((v-0.5)*(1+e.Contrast.Float()/100) + 0.5) })
	if e.Gamma != 0 {
		each(func(v float64) float64 { return math.Pow(v, 1/e.Gamma.Float()) })
	}
	y := luma()
	each(func(v float64) float64 { return y + (v-y)*(1+e.Saturation.Float()/100) })
	if e.Gray {
		y := luma()
		c = [3]float64{y, y, y}
	}
	if k := e.Sepia.Float() / 100; k > 0 {
		r, g, b := c[0], c[1], c[2]
		c = [3]float64{
			r + k*(0.393*r+0.769*g+0.189*b-r), g + k*(0.349*r+0.686*g+0.168*b-g), b + k*(0.272*r+0.534*g+0.131*b-b),
		}
	}
	each(clamp)
	if d := e.Duotone; d != (options.Duotone{}) {
		y := luma()
		for i := range c {
			dark, light := float64(d.Dark>>(24-8*i)&0xff)/255, float64(d.Light>>(24-8*i)&0xff)/255
			c[i] = dark + (light-dark)*y
		}
	}
	if e.Invert {
		each(func(v float64) float64 { return 1 - v })
	}
	each(func(v float64) float64 { return v * 255 })
	return c
}

func TestColorsEqualTheirTwin(t *testing.T) {
	for _, e := range []options.Effects{
		{Brightness: 2500}, {Brightness: -10000}, {Contrast: 4000}, {Contrast: -10000}, {Contrast: 10000}, {Gamma: 180}, {Gamma: 10},
		{Saturation: 6000}, {Saturation: -10000}, {Gray: true}, {Sepia: 10000}, {Sepia: 3000}, {Invert: true},
		{Duotone: options.Duotone{Dark: 0x2b1055ff, Light: 0xffd86bff}},
		{Brightness: 500, Contrast: 1000, Gamma: 90, Saturation: -2000, Sepia: 5000, Invert: true},
	} {
		m := picturetest.Chart(40, 30)
		got := pixel.Copy(m)
		got = Effects(got, e).(*image.NRGBA)
		worst := 0.0
		for i := 0; i < len(m.Pix); i += 4 {
			want := colorsSlowly(e, float64(m.Pix[i]), float64(m.Pix[i+1]), float64(m.Pix[i+2]))
			for c := range 3 {
				worst = math.Max(worst, math.Abs(want[c]-float64(got.Pix[i+c])))
			}
		}
		if worst > 2.5 { // tables between the steps have whole numbers
			t.Errorf("%+v: off by %.1f of 255", e, worst)
		}
	}
}

// Nothing is left but black and white, by the luma, whatever comes before.
func TestBitonal(t *testing.T) {
	for _, e := range []options.Effects{{Bitonal: true}, {Bitonal: true, Blur: 200, Sharpen: 100}, {Bitonal: true, Gray: true}} {
		m := picturetest.Chart(40, 30)
		plain := e
		plain.Bitonal = false
		before, got := pixel.Of(Effects(pixel.Copy(m), plain)), pixel.Of(Effects(pixel.Of(m), e))
		black, white := 0, 0
		for i := 0; i < len(got.Pix); i += 4 {
			p, q := got.Pix[i:i+4], before.Pix[i:i+4]
			luma := 0.299*float64(q[0]) + 0.587*float64(q[1]) + 0.114*float64(q[2])
			switch {
			case p[0] != p[1] || p[1] != p[2] || p[0] != 0 && p[0] != 255 || p[3] != q[3]:
				t.Fatalf("%+v: %v of %v is neither black nor white", e, p, q)
			case p[0] == 0 && luma > 128.5, p[0] == 255 && luma < 127:
				t.Fatalf("%+v: %v of %v, whose luma is %.1f", e, p, q, luma)
			case p[0] == 0:
				black++
			default:
				white++
			}
		}
		if black == 0 || white == 0 {
			t.Errorf("%+v: %d pixels are black, %d white", e, black, white)
		}
	}
}

// A turn of the colour wheel keeps greys and luma, and three thirds of it are
// all of it.
func TestHue(t *testing.T) {
	grey := rotateHue(77)
	for row := range 3 {
		if sum := grey[3*row] + grey[3*row+1] + grey[3*row+2]; math.Abs(sum-1) > 0.001 {
			t.Errorf("row %d of the matrix sums to %v; want 1", row, sum)
		}
	}
	third := rotateHue(120)
	whole := third.times(third).times(third)
	for i, v := range whole {
		want := 0.0
		if i%4 == 0 {
			want = 1
		}
		if math.Abs(v-want) > 0.02 {
			t.Errorf("three thirds of a turn: element %d is %v; want %v", i, v, want)
		}
	}
}

func lumas(m *image.NRGBA) (all []int) {
	for i := 0; i < len(m.Pix); i += 4 {
		all = append(all, int(color.GrayModel.Convert(color.RGBA{m.Pix[i], m.Pix[i+1], m.Pix[i+2], 255}).(color.Gray).Y))
	}
	return all
}

// A tint keeps the luma and has one hue.
func TestTint(t *testing.T) {
	m := picturetest.Chart(30, 20)
	before := lumas(m)
	Effects(m, options.Effects{Tint: 0x7090a0ff})
	after := lumas(m)
	for i := range before {
		if before[i] > 40 && before[i] < 215 && abs(int(before[i])-int(after[i])) > 3 {
			t.Fatalf("the luma of pixel %d was %d and is %d", i, before[i], after[i])
		}
	}
	half := picturetest.Chart(30, 20)
	Effects(half, options.Effects{Tint: 0x7090a000 | 1})
	if picturetest.PSNR(half, picturetest.Chart(30, 20)) < 45 {
		t.Error("a tint of nearly no strength changes the picture")
	}
}

func TestPixelate(t *testing.T) {
	m := picturetest.Chart(20, 11)
	m.Pix[3] = 0 // the first pixel is transparent, and lends no colour
	want := [3]int{}
	for y := range 8 {
		for x := range 8 {
			if x+y > 0 {
				p := m.NRGBAAt(x, y)
				want[0], want[1], want[2] = want[0]+int(p.R), want[1]+int(p.G), want[2]+int(p.B)
			}
		}
	}
	pixelate(m, 8)
	for y := range 11 {
		for x := range 20 {
			if m.NRGBAAt(x, y) != m.NRGBAAt(x/8*8, y/8*8) {
				t.Fatalf("pixel %d, %d is not like its block", x, y)
			}
		}
	}
	p := m.NRGBAAt(7, 7)
	if abs(int(p.R)-want[0]/63) > 1 || abs(int(p.G)-want[1]/63) > 1 || abs(int(p.B)-want[2]/63) > 1 || p.A != 251 {
		t.Errorf("the first block is %v; want the mean of the others, %v, and alpha 251", p, want)
	}
}

// Sharpening changes luma alone: an edge between two colours that are equally light
// stays as it is, and any other keeps the differences of its channels.
func TestSharpenedColoursHaveNoFringes(t *testing.T) {
	red, grey := color.NRGBA{180, 40, 90, 255}, color.NRGBA{88, 88, 88, 255}
	dark := color.NRGBA{90, 60, 120, 255}
	edge := func(a, b color.NRGBA) *image.NRGBA {
		m := image.NewNRGBA(image.Rect(0, 0, 20, 6))
		for y := range 6 {
			for x := range 20 {
				c := a
				if x >= 10 {
					c = b
				}
				m.SetNRGBA(x, y, c)
			}
		}
		return m
	}
	alike := edge(red, grey)
	if got := Effects(edge(red, grey), options.Effects{Sharpen: 200}).(*image.NRGBA); !bytes.Equal(got.Pix, alike.Pix) {
		t.Error("an edge of equal luma has changed")
	}
	before := edge(red, dark)
	got := Effects(edge(red, dark), options.Effects{Sharpen: 200}).(*image.NRGBA)
	if bytes.Equal(got.Pix, before.Pix) {
		t.Fatal("nothing was sharpened")
	}
	for i := 0; i < len(got.Pix); i += 4 {
		p, q := got.Pix[i:][:4], before.Pix[i:][:4]
		if int(p[0])-int(p[1]) != int(q[0])-int(q[1]) || int(p[2])-int(p[1]) != int(q[2])-int(q[1]) || p[3] != q[3] {
			t.Fatalf("pixel %d: %v became %v", i/4, q, p)
		}
	}
}

// A picture in planes, or in grey, is sharpened as its pixels are, and stays what it
// is.
func TestSharpenedPlanes(t *testing.T) {
	chart := picturetest.Chart(60, 40)
	for i := range chart.Pix { // no colour that a step of luma leads out of the range
		if i%4 != 3 {
			chart.Pix[i] = 90 + chart.Pix[i]/4
		}
	}
	planes := image.NewYCbCr(chart.Rect, image.YCbCrSubsampleRatio444)
	grey := image.NewGray(chart.Rect)
	for y := range 40 {
		for x := range 60 {
			c := chart.NRGBAAt(x, y)
			i := planes.YOffset(x, y)
			planes.Y[i], planes.Cb[i], planes.Cr[i] = color.RGBToYCbCr(c.R, c.G, c.B)
			grey.Pix[i] = c.G
		}
	}
	for name, m := range map[string]image.Image{"YCbCr": planes, "Gray": grey} {
		want := pixel.Copy(m)
		sharpen(want, 1.5)
		got := Effects(m, options.Effects{Sharpen: 150})
		if fmt.Sprintf("%T", got) != fmt.Sprintf("%T", m) {
			t.Errorf("%s became %T", name, got)
		}
		if p := picturetest.PSNR(got, want); p < 45 || p > 1000 && name == "YCbCr" {
			t.Errorf("%s: %.1f dB to its pixels sharpened", name, p)
		}
		if p := picturetest.PSNR(got, chart); p > 60 {
			t.Errorf("%s: nothing was sharpened", name)
		}
	}
}

// A flat picture stays flat when it is sharpened, and an edge gets steeper.
func TestSharpen(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 20, 20))
	for y := range 20 {
		for x := range 20 {
			v := byte(80)
			if x >= 10 {
				v = 160
			}
			copy(m.Pix[m.PixOffset(x, y):], []byte{v, v, v, 255})
		}
	}
	sharpen(m, 1)
	if a, b, c, d := m.NRGBAAt(1, 5).R, m.NRGBAAt(9, 5).R, m.NRGBAAt(10, 5).R, m.NRGBAAt(18, 5).R; a != 80 || d != 160 || b >= 75 || c <= 165 {
		t.Errorf("an edge from 80 to 160 became %d %d | %d %d", a, b, c, d)
	}
}
