package resize

import (
	"image"
	"iter"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/look"
	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

// look finds what only the pixels tell: where the edges to trim end, and what
// catches the eye. Of an animation the first frame decides. The picture that it
// returns has the same frames.
func (j *job) look(p *Picture) (*Picture, content, error) {
	var s content
	o := j.options
	if o.Trim == 0 && !o.Gravity.DependsOnPicture() {
		return p, s, nil
	}
	next, stop := iter.Pull2(p.Frames)
	j.close = append(j.close, stop)
	first, err, ok := next()
	if !ok {
		return nil, s, ErrMalformed
	}
	if err != nil {
		return nil, s, err
	}
	q := *p
	q.Frames = func(yield func(Frame, error) bool) {
		for f, err, ok := first, error(nil), true; ok; f, err, ok = next() {
			if !yield(f, err) {
				return
			}
		}
	}
	turn := p.orientation
	if o.Orient != 0 {
		turn = o.Orient
	}
	if o.Trim != 0 {
		s.trimmed = trimmed(first.Image, p, turn, o)
	}
	if o.Gravity.DependsOnPicture() {
		s.focus = j.focus(j.proxy(first.Image, p, s))
	}
	return &q, s, nil
}

// trimmed returns the part of the upright source whose edges are not of one
// colour: that of a corner of what Crop leaves.
func trimmed(img image.Image, p *Picture, turn exif.Orientation, o options.Options) image.Rectangle {
	region := o.Crop.Of(turn.Size(p.Source))
	stored := integer(turn.Stored(float(region), p.Source))
	first, tolerance := region.Min, o.Trim
	if tolerance < 0 {
		first, tolerance = region.Max.Sub(image.Pt(1, 1)), -tolerance
	}
	if tolerance == options.ExactTrim {
		tolerance = 0
	}
	at := turn.Stored(scale.Rect{X: float64(first.X), Y: float64(first.Y), W: 1, H: 1}, p.Source)
	corner := integer(at).Min
	left := look.Trim(img, stored, corner, tolerance)
	return integer(turn.Shown(float(left), p.Source))
}

// proxySide is the longer side of the picture that is looked at instead of the
// whole one.
const proxySide = 144

// proxy returns a small picture of what is to be laid into the box: cropped,
// trimmed and turned, but not tilted.
func (j *job) proxy(img image.Image, p *Picture, s content) *image.NRGBA {
	o := j.options
	o = options.Options{Orient: o.Orient, Crop: o.Crop, Angle: o.Angle, Flip: o.Flip, Width: proxySide, Height: proxySide, Fit: options.Contain, Format: options.PNG}
	o.Angle = (o.Angle + 4500) / 9000 % 4 * 9000
	plan := planOf(p.Source, p.orientation, o, s)
	part, options := plan.resample.at(p.Scale)
	return pixel.Of(paint.Turn(scale.Image(img, part, plan.resample.size, options), plan.turn))
}

// focus returns the focal point for the box of the options.
func (j *job) focus(m *image.NRGBA) options.Gravity {
	o := j.options
	size := m.Rect.Size()
	// The proxy has the ratio of the picture; its box is that of the picture,
	// in its own pixels.
	l := lay(image.Pt(size.X*focusUnit, size.Y*focusUnit), options.Options{Width: o.Width, Height: o.Height, Fit: o.Fit, Ratio: o.Ratio, Enlarge: true})
	part := func(kept float64, n int) int { return max(1, min(n, int(float64(kept/focusUnit)+0.5))) }
	return look.Focus(m, image.Pt(part(l.Crop.W, size.X), part(l.Crop.H, size.Y)), o.Gravity.WantsDetail())
}

// focusUnit is how many times the proxy is taken to be larger, so that a side
// rounded to a pixel hardly changes the ratio.
const focusUnit = 64
