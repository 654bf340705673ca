package vp8l

import (
	"bytes"
	"image"
	"math/rand/v2"
	"testing"

	twin "golang.org/x/image/vp8l"
)

// What is encoded is what another decoder reads, and our own.
func TestEncode(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	sizes := []image.Point{{1, 1}, {2, 1}, {1, 2}, {3, 3}, {300, 200}, {1000, 3}, {3, 1000}}
	for i := 1; i <= 40; i += 3 {
		sizes = append(sizes, image.Pt(i, 1+r.IntN(40)), image.Pt(1+r.IntN(40), i))
	}
	for _, size := range sizes {
		for _, p := range painters(r) {
			img := p.draw(size)
			data, alpha, err := Encode(img, EncodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if alpha == img.Opaque() {
				t.Errorf("%s of %v: alpha is %v", p.name, size, alpha)
			}
			want, err := twin.Decode(bytes.NewReader(data))
			if err != nil || !bytes.Equal(want.(*image.NRGBA).Pix, img.Pix) {
				t.Fatalf("%s of %v: x/image reads something else, %v", p.name, size, err)
			}
			got, err := Decode(data, DecodeOptions{})
			if err != nil || !bytes.Equal(got.Pix, img.Pix) {
				t.Fatalf("%s of %v: something else, %v", p.name, size, err)
			}
		}
	}
}
