package resize

import (
	"fmt"
	"image"
	"time"

	"s3imageserver/resize/options"
)

// Limits bound what is accepted and what is made. Zero fields mean the
// documented default.
type Limits struct {
	// Pixels is the largest source, width times height; default 100 million.
	Pixels int64
	// Side is the longest side of a source, in pixels; default 65535.
	Side int
	// Frames is how many frames of an animation are kept at the most, however small
	// they are; an animation beyond it becomes its first frame. Default 5000.
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
	// AVIFPixels is the largest result that AVIF is written of; default 12.5
	// million, which take about two seconds. A larger one becomes WebP, and so does
	// one without loss of more than LosslessPixels.
	AVIFPixels int64
	// LosslessPixels bounds the pixels of all frames of a lossless WebP, whose
	// encoder takes more than a second and 160 MB for each million; default 2.5
	// million. What is larger is refused.
	LosslessPixels int64
	// Time bounds the work on one result: decoding, scaling, encoding; default
	// 20 s. What cannot be stopped then is no longer waited for.
	Time time.Duration
	// Formats are read beyond those that always are: BMP, TIFF, ICO, AVIF, HEIC,
	// JXL.
	Formats []options.Format
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
	setInt(&l.Frames, 5000)
	set(&l.FramePixels, 100e6)
	set(&l.OutputPixels, 40e6)
	setInt(&l.OutputSide, 12000)
	setInt(&l.Scans, 100)
	set(&l.AVIFPixels, 12.5e6)
	set(&l.LosslessPixels, 2.5e6)
	if l.Time <= 0 {
		l.Time = 20 * time.Second
	}
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

// checkLossless refuses a lossless WebP of n frames of that size that would take
// too long.
func (l Limits) checkLossless(n int, size image.Point) error {
	if pixels := int64(n) * area(size); pixels > l.LosslessPixels {
		return fmt.Errorf("%w: a lossless WebP of %d pixels, limit %d", ErrLimit, pixels, l.LosslessPixels)
	}
	return nil
}

// keepsFrames reports whether an animation of n frames of that size stays one.
func (l Limits) keepsFrames(n int, size image.Point) bool {
	return n <= l.Frames && int64(n)*int64(size.X)*int64(size.Y) <= l.FramePixels
}

// DefaultLimits returns the limits that zero fields of [Limits] mean.
func DefaultLimits() Limits { return Limits{}.withDefaults() }
