package resize

import (
	"cmp"
	"image"
	"math"

	"s3imageserver/resize/options"
	"s3imageserver/resize/scale"
)

// A layout says which part of a picture is kept, which size it gets, and where
// that lies on the canvas, which is as large as the result.
type layout struct {
	Crop   scale.Rect
	Size   image.Point
	Canvas image.Point
	At     image.Point
}

// lay computes the layout of a picture of that size: of what is left of the
// source when it is cropped, trimmed and turned.
//
// A side that is not given follows from the ratio, rounded as asked for, at least 1. A
// picture that is smaller than the box on both sides keeps its size, uncropped.
func lay(src image.Point, o options.Options) layout {
	box := boxOf(src, o)
	full, keep := meet(src, box, o)
	if keep.X < o.MinWidth || keep.Y < o.MinHeight {
		full = o.Round.Covering(src, image.Pt(max(full.X, o.MinWidth), max(full.Y, o.MinHeight)))
		keep = image.Pt(min(full.X, cmp.Or(box.X, longestResult)), min(full.Y, cmp.Or(box.Y, longestResult)))
	}
	fx, fy := o.Gravity.Point()
	l := layout{Crop: scale.Rect{X: 0, Y: 0, W: float64(src.X), H: float64(src.Y)}, Size: keep, Canvas: keep}
	if full != keep {
		// A pixel of the whole source scaled to full is unit pixels of it.
		unit := scale.Rect{W: float64(src.X) / float64(full.X), H: float64(src.Y) / float64(full.Y)}
		l.Crop = scale.Rect{
			X: float64(options.Kept(full.X, keep.X, fx)) * unit.W, Y: float64(options.Kept(full.Y, keep.Y, fy)) * unit.H,
			W: float64(keep.X) * unit.W, H: float64(keep.Y) * unit.H,
		}
	}
	if o.Fit == options.Pad && box.X > 0 && box.Y > 0 {
		l.Canvas = box
		l.At = image.Pt((box.X-keep.X)*fx/options.FocalOne, (box.Y-keep.Y)*fy/options.FocalOne)
	}
	p := o.Padding
	l.At = l.At.Add(image.Pt(p.Left, p.Top))
	l.Canvas = l.Canvas.Add(image.Pt(p.Left+p.Right, p.Top+p.Bottom))
	return l
}

// longestResult bounds what a least width or height may make of the other side.
const longestResult = 12000

// boxOf returns the box for a picture of that size, with 0 for a side that is
// not given.
func boxOf(src image.Point, o options.Options) image.Point {
	box := image.Pt(o.Width, o.Height)
	if box == (image.Point{}) {
		return ownBox(src, o)
	}
	if box.X > 0 {
		box.X = max(box.X, o.MinWidth)
	}
	if box.Y > 0 {
		box.Y = max(box.Y, o.MinHeight)
	}
	return box
}

// ownBox returns the box that a picture makes of its own size: zoomed, cut or
// padded to a ratio.
func ownBox(src image.Point, o options.Options) image.Point {
	var box image.Point
	if o.Zoom != 0 {
		src = image.Pt(o.Round.Scaled(src.X, int(o.Zoom), 100), o.Round.Scaled(src.Y, int(o.Zoom), 100))
		box = src
	}
	if o.Ratio == (options.Ratio{}) || o.Fit == options.Contain || o.Fit == options.ScaleDown {
		return box
	}
	other := image.Pt(o.Round.Scaled(src.Y, int(o.Ratio.W), int(o.Ratio.H)), o.Round.Scaled(src.X, int(o.Ratio.H), int(o.Ratio.W)))
	if o.Fit == options.Pad {
		return image.Pt(max(src.X, other.X), max(src.Y, other.Y))
	}
	return image.Pt(min(src.X, other.X), min(src.Y, other.Y))
}

// meet returns the size that a whole picture is scaled to, and how much of that
// is kept.
func meet(src, box image.Point, o options.Options) (full, keep image.Point) {
	grows := o.Enlarge && o.Fit != options.ScaleDown
	switch {
	case box == image.Point{}:
		return src, src
	case box.X == 0 || box.Y == 0:
		full = image.Pt(box.X, o.Round.Scaled(src.Y, box.X, src.X))
		if box.X == 0 {
			full = image.Pt(o.Round.Scaled(src.X, box.Y, src.Y), box.Y)
		}
		if !grows && full.X >= src.X && full.Y >= src.Y {
			full = src
		}
		return full, full
	case src.X < box.X && src.Y < box.Y && !grows:
		if o.Ratio != (options.Ratio{}) && o.Fit == options.Cover {
			return src, image.Pt(min(src.X, o.Round.Scaled(src.Y, box.X, box.Y)), min(src.Y, o.Round.Scaled(src.X, box.Y, box.X)))
		}
		return src, src
	}
	fit := o.Fit
	if fit == options.AutoFit {
		fit = options.Contain
		if (src.X >= src.Y) == (box.X >= box.Y) {
			fit = options.Cover
		}
	}
	switch fit {
	case options.Cover:
		return o.Round.Covering(src, box), box
	case options.Stretch:
		return box, box
	}
	full = o.Round.Contained(src, box)
	return full, full
}

// margin is how much larger than needed a shrunk decode must be, so that the
// resampler that follows decides the picture and not the decoder. A codec whose
// shrunk pictures are worse than an ideal filter's may ask for more.
const margin = 1.6

// smallest returns the smallest size of a whole picture that serves when a part
// of it gets that size: that at which the part has margin times the pixels.
func smallest(src image.Point, part scale.Rect, size image.Point) image.Point {
	need := func(src, size int, part float64) int {
		n := math.Ceil(float64(src) * float64(size) * margin / part)
		return int(math.Min(n, float64(src)))
	}
	return image.Pt(need(src.X, size.X, part.W), need(src.Y, size.Y, part.H))
}

// float returns a rectangle of pixels as one that may have fractions.
func float(r image.Rectangle) scale.Rect {
	return scale.Rect{X: float64(r.Min.X), Y: float64(r.Min.Y), W: float64(r.Dx()), H: float64(r.Dy())}
}

// integer returns a rectangle whose corners are whole numbers already.
func integer(r scale.Rect) image.Rectangle {
	x, y := int(r.X), int(r.Y)
	return image.Rect(x, y, x+int(r.W), y+int(r.H))
}
