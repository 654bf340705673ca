package resize

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"testing"

	"s3imageserver/resize/look"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
)

// coloured is a picture with gradients in all channels, of the kinds that an encoder
// is given.
func coloured(w, h int) map[string]image.Image {
	rgb, clear := image.NewNRGBA(image.Rect(0, 0, w, h)), image.NewNRGBA(image.Rect(0, 0, w, h))
	grey := image.NewGray(rgb.Rect)
	for y := range h {
		for x := range w {
			c := color.NRGBA{uint8(40 + 160*x/w), uint8(60 + 120*y/h), uint8(200 - 100*(x+y)/(w+h)), 255}
			rgb.SetNRGBA(x, y, c)
			c.A = uint8(255 * min(w, 2*x) / w)
			clear.SetNRGBA(x, y, c)
			grey.SetGray(x, y, color.Gray{c.R})
		}
	}
	m := map[string]image.Image{"NRGBA": rgb, "NRGBA with alpha": clear, "grey": grey}
	for name, ratio := range map[string]image.YCbCrSubsampleRatio{"4:2:0": image.YCbCrSubsampleRatio420, "4:4:4": image.YCbCrSubsampleRatio444} {
		p := fullPlanes(rgb, ratio)
		a := make([]byte, w*h)
		for i := range a {
			a[i] = clear.Pix[4*i+3]
		}
		m[name], m[name+" with alpha"] = p, &image.NYCbCrA{YCbCr: *p, A: a, AStride: w}
	}
	wide := image.NewYCbCr(rgb.Rect, image.YCbCrSubsampleRatio422)
	for y := range h {
		for x := range w {
			c := color.YCbCrModel.Convert(rgb.At(x, y)).(color.YCbCr)
			wide.Y[wide.YOffset(x, y)], wide.Cb[wide.COffset(x, y)], wide.Cr[wide.COffset(x, y)] = c.Y, c.Cb, c.Cr
		}
	}
	m["4:2:2"] = wide
	return m
}

// Pictures of all kinds and of odd sizes come back as they were, with their alpha, with
// chroma at half and at full resolution, and at every effort.
func TestAVIFOfAllKinds(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {7, 3}, {65, 41}} {
		for name, img := range coloured(size.X, size.Y) {
			for effort := 0; effort < 10; effort += 3 {
				q := Quality{Quality: 95, AVIFEffort: effort, Chroma444: effort%2 == 0}
				var file bytes.Buffer
				if err := encodeAVIF(&file, still(img), q); err != nil {
					t.Fatalf("%s of %v: %v", name, size, err)
				}
				p, err := decodeAVIF(file.Bytes(), Want{Limits: Limits{}.withDefaults()})
				if err != nil {
					t.Fatalf("%s of %v: own result: %v", name, size, err)
				}
				got, err := p.first()
				if err != nil {
					t.Fatal(err)
				}
				if got.Bounds().Size() != size || pixel.Opaque(got) != pixel.Opaque(img) {
					t.Fatalf("%s of %v: %v, opaque: %v", name, size, got.Bounds().Size(), pixel.Opaque(got))
				}
				least := 34.0
				if size.X < 10 { // colours change much from pixel to pixel
					least = 26
				}
				if v := picturetest.PSNR(pixel.OnWhite(pixel.Copy(got)), pixel.OnWhite(pixel.Copy(img))); v < least {
					t.Errorf("%s of %v, effort %d: PSNR %.1f dB", name, size, effort, v)
				}
			}
		}
	}
}

// A quality of AVIF means about the similarity that it means of WebP, and fewer bytes.
func TestAVIFQuality(t *testing.T) {
	img := pixel.Normalize(toPNG(t, readSample(t, "photos/still-life.jpg"), Options{Width: 400}))
	luma := look.Luma(img)
	for _, quality := range []int{30, 50, 75, 90} {
		var clear [2]float64
		var bytesOf [2]int
		for i, c := range []*codec{&webpCodec, &avifCodec} {
			var file bytes.Buffer
			if err := c.encode(&file, still(img), Quality{Quality: quality, WebPMethod: 2, AVIFEffort: 4}); err != nil {
				t.Fatal(err)
			}
			p, err := c.decode(file.Bytes(), Want{Limits: Limits{}.withDefaults()})
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.first()
			if err != nil {
				t.Fatal(err)
			}
			clear[i], bytesOf[i] = clearness(look.Similarity(luma, look.Luma(got))), file.Len()
		}
		if math.Abs(clear[1]-clear[0]) > 0.6 || bytesOf[1] >= bytesOf[0] {
			t.Errorf("quality %d: clearness %.2f in %d bytes; WebP %.2f in %d", quality, clear[1], bytesOf[1], clear[0], bytesOf[0])
		}
	}
}

// Writing AVIF ends when the work is to end.
func TestAVIFEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var file bytes.Buffer
	err := encodeAVIF(&file, still(image.NewGray(image.Rect(0, 0, 200, 200))), Quality{ctx: ctx})
	if !errors.Is(err, context.Canceled) || file.Len() > 0 {
		t.Errorf("%d bytes, error %v", file.Len(), err)
	}
}
