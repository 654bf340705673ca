package scale

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

var ratios = []image.YCbCrSubsampleRatio{
	image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
	image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
}

// slope returns a picture whose chroma and luma rise linearly across, each
// chroma sample having the value of the middle of the pixels it covers.
func slope(r image.Rectangle, ratio image.YCbCrSubsampleRatio, perPixel float64) *image.YCbCr {
	m := image.NewYCbCr(r, ratio)
	l := layoutOf(ratio)
	value := func(x float64) byte { return byte(math.Round(20 + x*perPixel)) }
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			m.Y[m.YOffset(x, y)] = value(float64(x) + 0.5)
			mid := float64(x/l.hs*l.hs) + float64(l.hs)/2
			m.Cb[m.COffset(x, y)] = value(mid)
			m.Cr[m.COffset(x, y)] = 255 - value(mid)
		}
	}
	return m
}

// Chroma must stay over its luma whatever the ratio, the crop and the
// parity of sizes and origin.
func TestChromaStaysInPlace(t *testing.T) {
	for _, ratio := range ratios {
		for _, r := range []image.Rectangle{image.Rect(0, 0, 100, 30), image.Rect(0, 0, 101, 31), image.Rect(3, 5, 104, 36), image.Rect(2, 1, 100, 29)} {
			for _, c := range []Chroma{ChromaSame, Chroma420, Chroma444} {
				for _, n := range []int{25, 26, 47, 77} {
					src := slope(r, ratio, 2)
					crop := Rect{10.3, 0, 80.2, float64(r.Dy())}
					got := Image(src, crop, image.Pt(n, 12), Options{Chroma: c}).(*image.YCbCr)
					if got.SubsampleRatio != c.of(ratio) || got.Rect != image.Rect(0, 0, n, 12) {
						t.Fatalf("result is %v %v", got.SubsampleRatio, got.Rect)
					}
					l := layoutOf(got.SubsampleRatio)
					scale := 80.2 / float64(n)
					for x := range n {
						mid := float64(x/l.hs*l.hs) + float64(l.hs)/2
						if mid >= float64(n) {
							continue
						}
						want := 20 + 2*(float64(r.Min.X)+10.3+mid*scale)
						i := got.COffset(x, 6)
						if d := math.Abs(float64(got.Cb[i]) - want); d > 1.6 {
							t.Fatalf("%v %v to %v of width %d: chroma over column %d = %d; want %.1f", ratio, r, got.SubsampleRatio, n, x, got.Cb[i], want)
						}
						if d := math.Abs(float64(got.Cr[i]) - 255 + want); d > 1.6 {
							t.Fatalf("%v: Cr %d; want %.1f", ratio, got.Cr[i], 255-want)
						}
					}
				}
			}
		}
	}
}

// One pixel has the chroma of what it shows, and of nothing beside it: a crop at
// the left of a slope is not as if it were in its middle.
func TestChromaOfOnePixel(t *testing.T) {
	for _, ratio := range ratios {
		for _, c := range []Chroma{ChromaSame, Chroma420, Chroma444} {
			src := slope(image.Rect(0, 0, 100, 40), ratio, 2)
			got := Image(src, Rect{0, 0, 40, 40}, image.Pt(1, 1), Options{Chroma: c}).(*image.YCbCr)
			if want := 20 + 2*20; math.Abs(float64(int(got.Y[0])-want)) > 4 || math.Abs(float64(int(got.Cb[0])-want)) > 4 {
				t.Errorf("%v to %v: luma %d and chroma %d; want %d", ratio, got.SubsampleRatio, got.Y[0], got.Cb[0], want)
			}
		}
	}
}

func TestScalersStream(t *testing.T) {
	for _, ratio := range ratios {
		src := slope(image.Rect(0, 0, 101, 75), ratio, 1)
		crop := Rect{3.5, 2, 90.25, 70}
		want := Image(src, crop, image.Pt(37, 29), Options{}).(*image.YCbCr)
		got := image.NewYCbCr(want.Rect, ratio)
		s := NewScalers(got, ratio, Axis{Len: 101, Offset: 3.5, Span: 90.25, N: 37}, Axis{Len: 75, Offset: 2, Span: 70, N: 29}, Options{})
		for i, p := range [3][]byte{src.Y, src.Cb, src.Cr} {
			stride := src.CStride
			if i == 0 {
				stride = src.YStride
			}
			for y := 0; y+stride <= len(p); y += stride {
				s[i].Push(p[y:][:stride])
			}
			if !s[i].Done() {
				t.Errorf("%v: plane %d is not done", ratio, i)
			}
			s[i].Close()
		}
		if !bytes.Equal(got.Y, want.Y) || !bytes.Equal(got.Cb, want.Cb) || !bytes.Equal(got.Cr, want.Cr) {
			t.Errorf("%v: streaming differs from the whole picture", ratio)
		}
	}
}

func TestSubImage(t *testing.T) {
	whole := image.NewNRGBA(image.Rect(-3, 2, 60, 50))
	r := rand.New(rand.NewPCG(5, 5))
	for i := range whole.Pix {
		whole.Pix[i] = byte(r.Uint32())
	}
	part := whole.SubImage(image.Rect(10, 12, 47, 41)).(*image.NRGBA)
	alone := image.NewNRGBA(image.Rect(0, 0, 37, 29))
	for y := range 29 {
		copy(alone.Pix[y*alone.Stride:], part.Pix[y*part.Stride:][:37*4])
	}
	a := Image(part, Rect{}, image.Pt(20, 20), Options{}).(*image.NRGBA)
	b := Image(alone, Rect{}, image.Pt(20, 20), Options{}).(*image.NRGBA)
	if string(a.Pix) != string(b.Pix) {
		t.Error("a sub-image differs from a picture of its own")
	}
}

// A disc of one colour on transparent pixels of another must keep its
// colour to its edge.
func TestNoFringes(t *testing.T) {
	disc := func(x, y int) byte {
		if d := math.Hypot(float64(x)-60, float64(y)-60); d < 40 {
			return 255
		}
		return 0
	}
	red, black := color.NRGBA{230, 40, 30, 255}, color.NRGBA{0, 0, 0, 0}
	nrgba := image.NewNRGBA(image.Rect(0, 0, 120, 120))
	rgba := image.NewRGBA(nrgba.Rect)
	pal := image.NewPaletted(nrgba.Rect, color.Palette{black, red})
	nycc := image.NewNYCbCrA(nrgba.Rect, image.YCbCrSubsampleRatio420)
	for y := range 120 {
		for x := range 120 {
			c := black
			if disc(x, y) != 0 {
				c = red
				pal.SetColorIndex(x, y, 1)
			}
			nrgba.SetNRGBA(x, y, c)
			rgba.Set(x, y, c)
			nycc.Y[nycc.YOffset(x, y)], nycc.Cb[nycc.COffset(x, y)], nycc.Cr[nycc.COffset(x, y)] = color.RGBToYCbCr(red.R, red.G, red.B)
			nycc.A[nycc.AOffset(x, y)] = c.A
			if c.A == 0 {
				nycc.Y[nycc.YOffset(x, y)] = 255
			}
		}
	}
	for _, src := range []image.Image{nrgba, rgba, pal, nycc} {
		for _, n := range []int{37, 200} {
			got := Image(src, Rect{}, image.Pt(n, n), Options{})
			edge := 0
			for y := range n {
				for x := range n {
					c := color.NRGBAModel.Convert(got.At(x, y)).(color.NRGBA)
					if c.A < 255 && c.A > 0 {
						edge++
					}
					tol := 25 + 300/(int(c.A)+1) // ringing, and one level divided by alpha
					if c.A > 24 && (diff(c.R, red.R) > tol || diff(c.G, red.G) > tol || diff(c.B, red.B) > tol) {
						t.Fatalf("%T to %d: pixel (%d, %d) = %v; want the colour of %v", src, n, x, y, c, red)
					}
				}
			}
			if edge == 0 {
				t.Errorf("%T to %d: no smooth edge", src, n)
			}
		}
	}
}

func diff(a, b byte) int { return max(int(a)-int(b), int(b)-int(a)) }

func TestOpaqueStaysOpaque(t *testing.T) {
	src := image.NewNRGBA(image.Rect(0, 0, 50, 40))
	for i := range src.Pix {
		src.Pix[i] = byte(i * 7)
		if i%4 == 3 {
			src.Pix[i] = 255
		}
	}
	got := Image(src, Rect{}, image.Pt(21, 17), Options{}).(*image.NRGBA)
	if !got.Opaque() {
		t.Error("an opaque picture became transparent")
	}
	for c := range 3 { // each channel is that plane alone
		plane := make([]byte, 50*40)
		for i := range plane {
			plane[i] = src.Pix[4*i+c]
		}
		want := scaled(plane, 50, Whole(50, 21), Whole(40, 17), Options{})
		for i, w := range want {
			if got.Pix[4*i+c] != w {
				t.Fatalf("channel %d, sample %d = %d; want %d", c, i, got.Pix[4*i+c], w)
			}
		}
	}
}

func TestImageConcurrently(t *testing.T) {
	src := yuv420(160, 120)
	want := Image(src, Rect{}, image.Pt(50, 40), Options{}).(*image.YCbCr)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				Image(src, Rect{}, image.Pt(10+i, 10+j), Options{})
				got := Image(src, Rect{}, image.Pt(50, 40), Options{}).(*image.YCbCr)
				if !bytes.Equal(got.Y, want.Y) || !bytes.Equal(got.Cb, want.Cb) {
					t.Error("result differs from that of a call alone")
				}
			}
		})
	}
	wg.Wait()
}

func TestTypes(t *testing.T) {
	r := image.Rect(0, 0, 30, 20)
	tests := []struct {
		src  image.Image
		want any
	}{
		{image.NewGray(r), &image.Gray{}},
		{image.NewGray16(r), &image.Gray{}},
		{image.NewCMYK(r), &image.CMYK{}},
		{image.NewRGBA(r), &image.RGBA{}},
		{image.NewNRGBA(r), &image.NRGBA{}},
		{image.NewRGBA64(r), &image.NRGBA{}},
		{image.NewAlpha(r), &image.NRGBA{}},
		{image.NewPaletted(r, nil), &image.NRGBA{}},
		{image.NewYCbCr(r, image.YCbCrSubsampleRatio420), &image.YCbCr{}},
		{image.NewNYCbCrA(r, image.YCbCrSubsampleRatio420), &image.NYCbCrA{}},
	}
	for _, tt := range tests {
		got := Image(tt.src, Rect{}, image.Pt(7, 9), Options{})
		if a, b := fmt.Sprintf("%T", got), fmt.Sprintf("%T", tt.want); a != b || got.Bounds() != image.Rect(0, 0, 7, 9) {
			t.Errorf("%T became %s %v; want %s", tt.src, a, got.Bounds(), b)
		}
	}
}

func TestPremultiplyRoundTrips(t *testing.T) {
	for a := 1; a < 256; a++ {
		for c := range 256 {
			p := Premultiply(byte(c), byte(a))
			if want := byte(math.Round(float64(c) * float64(a) / 255)); p != want {
				t.Fatalf("Premultiply(%d, %d) = %d; want %d", c, a, p, want)
			}
			if p <= byte(a) {
				u := Unpremultiply(p, byte(a))
				if want := math.Round(float64(p) * 255 / float64(a)); float64(u) != want {
					t.Fatalf("Unpremultiply(%d, %d) = %d; want %v", p, a, u, want)
				}
			}
		}
	}
}

func TestNRGBA(t *testing.T) {
	rnd := rand.New(rand.NewPCG(8, 8))
	for _, ratio := range ratios {
		for _, r := range []image.Rectangle{image.Rect(0, 0, 67, 21), image.Rect(3, 5, 48, 36), image.Rect(1, 1, 2, 2)} {
			src := image.NewYCbCr(r, ratio)
			for _, p := range [][]byte{src.Y, src.Cb, src.Cr} {
				for i := range p {
					p[i] = byte(rnd.Uint32())
				}
			}
			got := NRGBA(src)
			for y := r.Min.Y; y < r.Max.Y; y++ {
				for x := r.Min.X; x < r.Max.X; x++ {
					c := src.YCbCrAt(x, y)
					var want color.NRGBA
					want.R, want.G, want.B = color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
					want.A = 255
					if g := got.NRGBAAt(x, y); g != want {
						t.Fatalf("%v: pixel (%d, %d) = %v; want %v", ratio, x, y, g, want)
					}
				}
			}
		}
	}
}
