package paint

import (
	"image"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

// Turn makes a stored picture upright by its orientation. Planes stay planes; the result shares
// nothing with img unless o is upright already.
func Turn(img image.Image, o exif.Orientation) image.Image {
	if o < 2 || o > 8 {
		return img
	}
	b := img.Bounds()
	to := image.Rectangle{Max: o.Size(b.Size())}
	switch m := img.(type) {
	case *image.Gray:
		out := image.NewGray(to)
		turnPlane(o, out.Pix, out.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, b.Dx(), b.Dy(), 1)
		return out
	case *image.YCbCr:
		return turnYCbCr(m, o)
	case *image.NYCbCrA:
		out := &image.NYCbCrA{YCbCr: *turnYCbCr(&m.YCbCr, o), A: make([]byte, to.Dx()*to.Dy()), AStride: to.Dx()}
		turnPlane(o, out.A, out.AStride, m.A[m.AOffset(b.Min.X, b.Min.Y):], m.AStride, b.Dx(), b.Dy(), 1)
		return out
	case *image.NRGBA:
		out := image.NewNRGBA(to)
		turnPlane(o, out.Pix, out.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, b.Dx(), b.Dy(), 4)
		return out
	case *image.CMYK:
		out := image.NewCMYK(to)
		turnPlane(o, out.Pix, out.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, b.Dx(), b.Dy(), 4)
		return out
	}
	return Turn(pixel.Copy(img), o)
}

// turnYCbCr turns the planes. Chroma samples of the result must cover the
// same pixels as before: see FitsChroma; and package image must have their ratio,
// which it has not for 4:1:1 and 4:1:0 turned by a quarter.
func turnYCbCr(m *image.YCbCr, o exif.Orientation) *image.YCbCr {
	b := m.Rect
	ratio := m.SubsampleRatio
	if o.Swaps() {
		switch ratio {
		case image.YCbCrSubsampleRatio422:
			ratio = image.YCbCrSubsampleRatio440
		case image.YCbCrSubsampleRatio440:
			ratio = image.YCbCrSubsampleRatio422
		case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
			panic("paint: a quarter turn of chroma that there is no ratio for")
		}
	}
	out := image.NewYCbCr(image.Rectangle{Max: o.Size(b.Size())}, ratio)
	turnPlane(o, out.Y, out.YStride, m.Y[m.YOffset(b.Min.X, b.Min.Y):], m.YStride, b.Dx(), b.Dy(), 1)
	c := scale.ChromaSize(b.Size(), m.SubsampleRatio)
	at := m.COffset(b.Min.X, b.Min.Y)
	turnPlane(o, out.Cb, out.CStride, m.Cb[at:], m.CStride, c.X, c.Y, 1)
	turnPlane(o, out.Cr, out.CStride, m.Cr[at:], m.CStride, c.X, c.Y, 1)
	return out
}

// turnPlane copies w by h samples of n bytes each from src to their upright places
// in dst.
func turnPlane(o exif.Orientation, dst []byte, dstStride int, src []byte, srcStride, w, h, n int) {
	// A step to the right and a step down in src are these steps in dst.
	start, right, down := 0, n, dstStride
	if o.Swaps() {
		right, down = dstStride, n
	}
	if o.FlipsX() {
		start += (w - 1) * right
		right = -right
	}
	if o.FlipsY() {
		start += (h - 1) * down
		down = -down
	}
	for y := range h {
		at := start + y*down
		row := src[y*srcStride:][:w*n]
		if n == 1 {
			for _, v := range row {
				dst[at] = v
				at += right
			}
			continue
		}
		for x := 0; x < len(row); x += n {
			copy(dst[at:at+n], row[x:x+n])
			at += right
		}
	}
}
