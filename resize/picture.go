package resize

import (
	"image"
	"iter"
	"time"

	"s3imageserver/resize/exif"
)

// A Picture is what a file holds.
//
// Frames are decoded as they are ranged over, which may be done once; a frame's
// image is valid until the next one is asked for. They are of one of these
// types: *image.YCbCr, *image.NYCbCrA, *image.Gray, *image.NRGBA, *image.CMYK,
// with bounds that start at zero, and all of one size.
type Picture struct {
	Frames iter.Seq2[Frame, error]
	Count  int // of frames, at least 1
	Loops  int // how often an animation is played; 0 means for ever
	Pages  int // pictures in the file, where only one of them is read; else 0

	// Scale is how many pixels a frame has for one of the source, along a side:
	// 1, or less if the file was decoded at a reduced size. Frames cover
	// Source.X*Scale by Source.Y*Scale pixels, the last ones perhaps in part.
	Scale  float64
	Source image.Point // size in the header

	nonconforming bool // the file is not as its specification has it, though nothing is missing
	resampled     bool // frames are what Want.resample asked for
	orientation   exif.Orientation
	ICC           []byte // profile; nil: sRGB
}

// A Frame is one image of a picture and how long it is shown.
type Frame struct {
	Image image.Image
	Delay time.Duration // 0 for the only frame of a still picture
}

// still returns a picture of one image at full size.
func still(img image.Image) *Picture {
	return &Picture{
		Frames: func(yield func(Frame, error) bool) { yield(Frame{Image: img}, nil) },
		Count:  1,
		Scale:  1,
		Source: img.Bounds().Size(),
	}
}

// mapped returns p with f applied to every image as it is asked for.
func (p *Picture) mapped(f func(image.Image) (image.Image, error)) *Picture {
	q := *p
	q.Frames = func(yield func(Frame, error) bool) {
		left := p.Count
		for frame, err := range p.Frames {
			if err == nil {
				frame.Image, err = f(frame.Image)
			}
			left--
			if !yield(frame, err) || err != nil || left == 0 {
				return
			}
		}
	}
	return &q
}

// last returns p with its last frame alone.
func (p *Picture) last() *Picture {
	q := *p
	q.Count, q.Loops = 1, 0
	q.Frames = func(yield func(Frame, error) bool) {
		n := 0
		for frame, err := range p.Frames {
			if n++; n < p.Count && err == nil {
				continue
			}
			frame.Delay = 0
			yield(frame, err)
			return
		}
	}
	return &q
}

// first returns the first frame's image.
func (p *Picture) first() (image.Image, error) {
	for frame, err := range p.Frames {
		return frame.Image, err
	}
	return nil, ErrMalformed
}
