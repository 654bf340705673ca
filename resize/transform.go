package resize

import (
	"context"
	"image"

	"s3imageserver/resize/scale"
)

// transform returns p as the options want it; the work is done frame by frame,
// as the result is encoded. Its Source is the size of the result.
//
// The order is that of the viewer: the box is laid on the upright picture. The
// work is in the order that costs least: the part is cut and scaled in one
// pass where it is stored, and the small picture is turned.
func (j *job) transform(ctx context.Context, p *Picture) (*Picture, error) {
	o := p.orientation
	l := lay(o.size(p.Source), j.options)
	if err := j.limits.checkOutput(l.Size); err != nil {
		return nil, err
	}
	if p.Count > 1 {
		if !j.limits.keepsFrames(p.Count, l.Size) {
			p.Count = 1
		} else if err := j.grow(j.held + int64(p.Count)*int64(l.Size.X)*int64(l.Size.Y)); err != nil {
			return nil, err // encoders hold a byte a pixel of every frame
		}
	}
	var steps []func(image.Image) image.Image
	if !p.isCut {
		c := cutOf(p.Source, o, l, j.options.Format.codec())
		steps = append(steps, func(img image.Image) image.Image { return c.apply(img, p.Scale) })
	}
	steps = append(steps, o.upright)
	if needsSRGB(p.ICC) {
		profile := p.ICC
		steps = append(steps, func(img image.Image) image.Image { return toSRGB(img, profile) })
		p.ICC = nil
	}
	q := p.mapped(func(img image.Image) (image.Image, error) {
		for _, step := range steps {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			img = step(img)
		}
		return img, nil
	})
	q.Source, q.Scale, q.orientation, q.isCut = l.Size, 1, 1, false
	return q, nil
}

// A cut is a part of a stored picture and the size that it gets, still turned
// as it is stored.
type cut struct {
	source      image.Point // size of the stored picture
	orientation orientation // that it was computed for
	part        rectangle   // in pixels of the source
	size        image.Point
	chroma      scale.Chroma
}

// cutOf returns the cut that makes layout l of a stored picture, for a result
// of that codec.
func cutOf(source image.Point, o orientation, l layout, to *codec) cut {
	c := cut{source, o, o.stored(l.Crop, source), o.size(l.Size), scale.Chroma444}
	if to.chroma420 && o.fitsChroma(c.size) {
		c.chroma = scale.Chroma420
	}
	return c
}

// identity reports whether the cut is the whole picture at its own size.
func (c cut) identity() bool {
	return c.size == c.source && c.part == rectangle{W: float64(c.size.X), H: float64(c.size.Y)}
}

// at returns the part in pixels of the picture decoded at scale s, and how to
// resample it.
func (c cut) at(s float64) (scale.Rect, scale.Options) {
	return scale.Rect{X: c.part.X * s, Y: c.part.Y * s, W: c.part.W * s, H: c.part.H * s},
		scale.Options{Undroop: s == 1.0/8, Chroma: c.chroma}
}

// apply makes the cut of a picture decoded at scale s.
func (c cut) apply(img image.Image, s float64) image.Image {
	if s == 1 && c.identity() && !changesChroma(img, c.chroma) {
		return img
	}
	part, options := c.at(s)
	return scale.Image(img, part, c.size, options)
}

// changesChroma reports whether img has chroma planes of another resolution.
func changesChroma(img image.Image, want scale.Chroma) bool {
	var ratio image.YCbCrSubsampleRatio
	switch m := img.(type) {
	case *image.YCbCr:
		ratio = m.SubsampleRatio
	case *image.NYCbCrA:
		ratio = m.SubsampleRatio
	default:
		return false
	}
	if want == scale.Chroma420 {
		return ratio != image.YCbCrSubsampleRatio420
	}
	return ratio != image.YCbCrSubsampleRatio444
}
