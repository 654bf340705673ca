package heif

import (
	"image"

	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

// Masked returns img with the opacity of its mask, which may be of another size.
func Masked(img, mask image.Image, premultiplied bool) image.Image {
	var a *image.Gray
	switch m := mask.(type) {
	case *image.Gray:
		a = m
	case *image.YCbCr:
		a = &image.Gray{Pix: m.Y, Stride: m.YStride, Rect: m.Rect}
	default:
		return img // a mask in colours means nothing
	}
	size := img.Bounds().Size()
	if from := a.Rect.Size(); from != size {
		a = scale.Image(a, scale.Rect{W: float64(from.X), H: float64(from.Y)}, size, scale.Options{}).(*image.Gray)
	}
	if m, ok := img.(*image.YCbCr); ok && !premultiplied {
		return &image.NYCbCrA{YCbCr: *m, A: a.Pix, AStride: a.Stride}
	}
	out := pixel.Of(img)
	for y := range size.Y {
		row := out.Pix[y*out.Stride:][:4*size.X]
		for x, v := range a.Pix[y*a.Stride:][:size.X] {
			row[4*x+3] = v
		}
	}
	if premultiplied {
		return pixel.Copy(&image.RGBA{Pix: out.Pix, Stride: out.Stride, Rect: out.Rect})
	}
	return out
}
