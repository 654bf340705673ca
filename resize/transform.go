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
	steps := []func(image.Image) image.Image{
		func(img image.Image) image.Image { return cutAndScale(img, p, l, j.options.Format.codec()) },
		o.upright,
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
	q.Source, q.Scale, q.orientation = l.Size, 1, 1
	return q, nil
}

// cutAndScale returns the part of the stored picture that l keeps, at the size
// that l gives it, still turned as it is stored.
func cutAndScale(img image.Image, p *Picture, l layout, to *codec) image.Image {
	size := p.orientation.size(l.Size)
	crop := p.orientation.stored(l.Crop, p.Source)
	options := scale.Options{Undroop: p.Scale == 1.0/8, Chroma: scale.Chroma444}
	if to.chroma420 {
		options.Chroma = scale.Chroma420
		if !p.orientation.fitsChroma(size) {
			options.Chroma = scale.Chroma444
		}
	}
	if size == p.Source && p.Scale == 1 && crop == (rectangle{W: float64(size.X), H: float64(size.Y)}) && !changesChroma(img, options.Chroma) {
		return img
	}
	s := p.Scale
	return scale.Image(img, scale.Rect{X: crop.X * s, Y: crop.Y * s, W: crop.W * s, H: crop.H * s}, size, options)
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
