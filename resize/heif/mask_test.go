package heif

import (
	"bytes"
	"image"
	"testing"
)

// Colours that are multiplied with the opacity are divided by it.
func TestMaskOfPremultiplied(t *testing.T) {
	img := image.NewYCbCr(image.Rect(0, 0, 2, 1), image.YCbCrSubsampleRatio444)
	copy(img.Y, []byte{100, 100})
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = 128, 128
	}
	mask := &image.Gray{Pix: []byte{255, 128}, Stride: 2, Rect: img.Rect}
	if got := Masked(img, mask, true).(*image.NRGBA).Pix; !bytes.Equal(got, []byte{100, 100, 100, 255, 199, 199, 199, 128}) {
		t.Errorf("%v", got)
	}
	if got := Masked(img, mask, false).(*image.NYCbCrA); !bytes.Equal(got.A, mask.Pix) || got.Y[1] != 100 {
		t.Errorf("%v", got)
	}
}

// A mask of another size is scaled to the picture.
func TestMaskOfOtherSize(t *testing.T) {
	mask := image.NewGray(image.Rect(0, 0, 4, 4))
	for i := range mask.Pix {
		mask.Pix[i] = 200
	}
	got := Masked(image.NewGray(image.Rect(0, 0, 9, 7)), mask, false).(*image.NRGBA)
	for i := 3; i < len(got.Pix); i += 4 {
		if got.Pix[i] != 200 {
			t.Fatalf("alpha %d; want 200", got.Pix[i])
		}
	}
}
