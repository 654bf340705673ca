package jpeg

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/disintegration/imaging"
)

// encPhoto returns a photograph of the corpus at w by h pixels in 4:2:0, or
// a synthetic picture if there is none.
func encPhoto(b testing.TB, w, h int) *image.YCbCr {
	f, err := os.Open(filepath.Join(corpus, "photos", "mei__Canon_EOS_5D.jpg"))
	if err != nil {
		return encYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	}
	defer f.Close()
	m, err := jpeg.Decode(f)
	if err != nil {
		b.Fatal(err)
	}
	small := imaging.Fill(m, w, h, imaging.Center, imaging.Lanczos)
	var buf bytes.Buffer
	if err := Encode(&buf, small, &EncodeOptions{Quality: 98}); err != nil {
		b.Fatal(err)
	}
	m, err = jpeg.Decode(&buf)
	if err != nil {
		b.Fatal(err)
	}
	return m.(*image.YCbCr)
}

func BenchmarkEncode(b *testing.B) {
	for _, s := range []struct {
		name string
		w, h int
	}{{"300x200_q75", 300, 200}, {"1200x900_q75", 1200, 900}} {
		m := encPhoto(b, s.w, s.h)
		rgba := image.NewRGBA(m.Rect)
		draw.Draw(rgba, rgba.Rect, m, image.Point{}, draw.Src)
		for _, v := range []struct {
			name string
			m    image.Image
			o    EncodeOptions
		}{
			{"", m, EncodeOptions{}},
			{"/standard", m, EncodeOptions{Tables: TablesStandard}},
			{"/standard_generic", m, EncodeOptions{Tables: TablesStandard, generic: true}},
			{"/progressive", m, EncodeOptions{Progressive: true}},
			{"/rgba", rgba, EncodeOptions{}},
		} {
			b.Run(s.name+v.name, func(b *testing.B) {
				var w bytes.Buffer
				b.ReportAllocs()
				b.SetBytes(int64(s.w * s.h))
				for b.Loop() {
					w.Reset()
					if err := Encode(&w, v.m, &v.o); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(w.Len()), "bytes")
			})
		}
		b.Run(s.name+"/image_jpeg", func(b *testing.B) {
			var w bytes.Buffer
			b.ReportAllocs()
			b.SetBytes(int64(s.w * s.h))
			for b.Loop() {
				w.Reset()
				if err := jpeg.Encode(&w, m, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(w.Len()), "bytes")
		})
	}
}

func BenchmarkFDCT(b *testing.B) {
	src := make([]byte, 64)
	encScene(src, 8, 8, 8, 1)
	recip := fdctRecip(75)
	for _, generic := range []bool{false, true} {
		b.Run(map[bool]string{false: "fast", true: "generic"}[generic], func(b *testing.B) {
			var blk [64]int16
			for b.Loop() {
				fdct(&blk, src, 8, recip, generic)
			}
		})
	}
}
