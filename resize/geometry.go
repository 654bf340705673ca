package resize

import (
	"fmt"
	"image"
	"math"
)

// A rectangle is a part of a picture in pixels from its upper left corner; its
// edges may lie between two pixels.
type rectangle struct{ X, Y, W, H float64 }

// A layout says which part of the upright source is kept, and which size it
// gets.
type layout struct {
	Crop rectangle
	Size image.Point
}

// lay computes the layout of a source of that upright size.
//
// A side that is not given follows from the ratio, rounded down, at least 1. A
// source that is smaller than the box on both sides keeps its size, uncropped.
func lay(src image.Point, o Options) layout {
	whole := layout{rectangle{0, 0, float64(src.X), float64(src.Y)}, src}
	w, h := o.Width, o.Height
	switch {
	case w == 0 && h == 0:
		return whole
	case h == 0:
		h = scaled(src.Y, w, src.X)
	case w == 0:
		w = scaled(src.X, h, src.Y)
	}
	if o.Width == 0 || o.Height == 0 {
		if w >= src.X && h >= src.Y {
			return whole
		}
		return layout{whole.Crop, image.Pt(w, h)}
	}
	if src.X < w && src.Y < h {
		return whole
	}
	// wider: the source's ratio is above that of the box.
	wider := int64(src.X)*int64(h) > int64(w)*int64(src.Y)
	if o.Fit == Contain {
		if wider {
			return layout{whole.Crop, image.Pt(w, scaled(src.Y, w, src.X))}
		}
		return layout{whole.Crop, image.Pt(scaled(src.X, h, src.Y), h)}
	}
	// Cover: the source scaled to cover the box is full.X by full.Y; what is
	// outside of the box is cut, half of it (rounded half up) before the box.
	full := image.Pt(w, max(h, scaled(src.Y, w, src.X)))
	if wider {
		full = image.Pt(max(w, scaled(src.X, h, src.Y)), h)
	}
	unit := rectangle{W: float64(src.X) / float64(full.X), H: float64(src.Y) / float64(full.Y)}
	return layout{
		Crop: rectangle{
			X: float64((full.X-w+1)/2) * unit.W, Y: float64((full.Y-h+1)/2) * unit.H,
			W: float64(w) * unit.W, H: float64(h) * unit.H,
		},
		Size: image.Pt(w, h),
	}
}

// scaled returns length*num/den rounded down, at least 1.
func scaled(length, num, den int) int {
	return int(max(1, int64(length)*int64(num)/int64(den)))
}

// margin is how much larger than needed a shrunk decode must be, so that the
// resampler that follows decides the picture and not the decoder. A codec whose
// shrunk pictures are worse than an ideal filter's may ask for more.
const margin = 1.6

// smallest returns the smallest size of the whole source that serves l: the
// size at which the kept part has margin times the pixels of the result.
func smallest(src image.Point, l layout) image.Point {
	need := func(src, size int, part float64) int {
		n := math.Ceil(float64(src) * float64(size) * margin / part)
		return int(math.Min(n, float64(src)))
	}
	return image.Pt(need(src.X, l.Size.X, l.Crop.W), need(src.Y, l.Size.Y, l.Crop.H))
}

// Limits bound what is accepted and what is made. Zero fields mean the
// documented default.
type Limits struct {
	// Pixels is the largest source, width times height; default 100 million.
	Pixels int64
	// Side is the longest side of a source, in pixels; default 65535.
	Side int
	// Frames is how many frames of an animation are kept at the most; an
	// animation beyond it becomes its first frame. Default 200.
	Frames int
	// FramePixels bounds the sum of the pixels of all frames, each counted as
	// large as the canvas, of the source and of the result; beyond it the first
	// frame is left. Default 100 million.
	FramePixels int64
	// OutputPixels is the largest result; default 40 million.
	OutputPixels int64
	// OutputSide is the longest side of a result; default 12000.
	OutputSide int
	// Scans is the largest number of scans of a progressive JPEG; default 100.
	Scans int
	// Formats are read beyond those that always are: BMP, TIFF, ICO, AVIF, HEIC,
	// JXL.
	Formats []Format
}

func (l Limits) withDefaults() Limits {
	set := func(v *int64, def int64) {
		if *v <= 0 {
			*v = def
		}
	}
	setInt := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	set(&l.Pixels, 100e6)
	setInt(&l.Side, 65535)
	setInt(&l.Frames, 200)
	set(&l.FramePixels, 100e6)
	set(&l.OutputPixels, 40e6)
	setInt(&l.OutputSide, 12000)
	setInt(&l.Scans, 100)
	return l
}

// check refuses a source from its header.
func (l Limits) check(info Info) error {
	w, h := info.Size.X, info.Size.Y
	switch {
	case w <= 0 || h <= 0:
		return fmt.Errorf("%w: %s of %d x %d pixels", ErrMalformed, info.Format, w, h)
	case w > l.Side || h > l.Side:
		return fmt.Errorf("%w: %d x %d pixels, longest side %d", ErrLimit, w, h, l.Side)
	case int64(w) > l.Pixels/int64(h):
		return fmt.Errorf("%w: %d x %d pixels, limit %d", ErrLimit, w, h, l.Pixels)
	}
	return l.checkCoded(info.coded)
}

// checkCoded refuses a picture that its decoder would make larger than the
// header says.
func (l Limits) checkCoded(pixels int64) error {
	if pixels > l.Pixels {
		return fmt.Errorf("%w: %d pixels inside, limit %d", ErrLimit, pixels, l.Pixels)
	}
	return nil
}

// checkOutput refuses a result that would be too large.
func (l Limits) checkOutput(size image.Point) error {
	if size.X > l.OutputSide || size.Y > l.OutputSide || int64(size.X)*int64(size.Y) > l.OutputPixels {
		return fmt.Errorf("%w: a result of %d x %d pixels, limit %d and %d a side", ErrLimit, size.X, size.Y, l.OutputPixels, l.OutputSide)
	}
	return nil
}

// keepsFrames reports whether an animation of n frames of that size stays one.
func (l Limits) keepsFrames(n int, size image.Point) bool {
	return n <= l.Frames && int64(n)*int64(size.X)*int64(size.Y) <= l.FramePixels
}
