package scale

import (
	"image"
	"testing"

	"github.com/disintegration/imaging"
)

func yuv420(w, h int) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	copy(m.Y, scene(w, h))
	c := scene((w+1)/2, (h+1)/2)
	copy(m.Cb, c)
	copy(m.Cr, c)
	return m
}

func nrgba(w, h int, opaque bool) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	s := scene(w, h)
	for i, v := range s {
		m.Pix[4*i], m.Pix[4*i+1], m.Pix[4*i+2], m.Pix[4*i+3] = v, v/2, 255-v, v|1
		if opaque {
			m.Pix[4*i+3] = 255
		}
	}
	return m
}

func BenchmarkScale(b *testing.B) {
	tests := []struct {
		name    string
		src     image.Image
		dst     image.Point
		imaging bool
	}{
		{"yuv420_500x375_to_300", yuv420(500, 375), image.Pt(300, 225), false},
		{"yuv420_1000x750_to_300", yuv420(1000, 750), image.Pt(300, 225), true},
		{"yuv420_2000x1500_to_1200", yuv420(2000, 1500), image.Pt(1200, 900), true},
		{"yuv420_1632x1224_to_600", yuv420(1632, 1224), image.Pt(600, 450), true},
		{"yuv420_4000x3000_to_300", yuv420(4000, 3000), image.Pt(300, 225), true},
		{"yuv420_4000x3000_to_1200", yuv420(4000, 3000), image.Pt(1200, 900), true},
		{"yuv420_300x225_to_1200", yuv420(300, 225), image.Pt(1200, 900), true},
		{"nrgba_1000x750_to_300", nrgba(1000, 750, false), image.Pt(300, 225), true},
		{"opaque_1000x750_to_300", nrgba(1000, 750, true), image.Pt(300, 225), false},
	}
	for _, tt := range tests {
		run := func(name string, f func()) {
			b.Run(tt.name+name, func(b *testing.B) {
				r := tt.src.Bounds()
				b.ReportAllocs()
				b.SetBytes(int64(r.Dx() * r.Dy()))
				for b.Loop() {
					f()
				}
			})
		}
		mine := func() { Image(tt.src, Rect{}, tt.dst, Options{}) }
		run("", mine)
		if useAsm {
			run("/generic", func() {
				useAsm = false
				mine()
				useAsm = true
			})
		}
		if tt.imaging {
			run("/imaging", func() { imaging.Resize(tt.src, tt.dst.X, tt.dst.Y, imaging.Lanczos) })
		}
	}
}

func BenchmarkHrow(b *testing.B) {
	for _, n := range []int{300, 1200, 2400} {
		k := newKernels(Whole(4000, n), Lanczos3, 0, hpad)
		src, dst := scene(4000, 1), make([]int16, len(k.start))
		b.Run("4000_to_"+map[int]string{300: "300", 1200: "1200", 2400: "2400"}[n], func(b *testing.B) {
			for b.Loop() {
				hrow(dst, src, k)
			}
		})
	}
}

func BenchmarkKernels(b *testing.B) {
	for b.Loop() {
		newKernels(Whole(1000, 300), Lanczos3, 0, hpad)
	}
}

func BenchmarkNRGBA(b *testing.B) {
	src := yuv420(1200, 900)
	b.SetBytes(1200 * 900)
	for b.Loop() {
		NRGBA(src)
	}
}
