package resize

import (
	"context"
	"image"
	"math"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

// transform returns p as the options want it; the work is done frame by frame,
// as the result is encoded. Its Source is the size of the result.
func (j *job) transform(ctx context.Context, p *Picture) (*Picture, error) {
	p, seen, err := j.look(p)
	if err == nil {
		err = j.resettle(p, &seen)
	}
	if err != nil {
		return nil, err
	}
	plan := planOf(p.Source, p.orientation, j.planned(), seen)
	if err := j.limits.checkOutput(plan.canvas); err != nil {
		return nil, err
	}
	// What was admitted is for what the header alone told.
	more := max(0, j.resultWeight(plan)-j.resultWeight(j.plan))
	if p.Count > 1 {
		if !j.limits.keepsFrames(p.Count, plan.canvas) {
			p.Count = 1
		} else {
			more += int64(p.Count) * area(plan.canvas) // encoders hold a byte a pixel of every frame
		}
	}
	if err := j.grow(j.held + more); err != nil {
		return nil, err
	}
	toSRGB := j.colours(p, &plan)
	j.altered = !plan.cut.identity() || plan.turn > 1 || plan.detail || toSRGB != nil || (j.info.Animated && p.Count == 1) || j.options.Effects != options.Effects{}
	steps, err := j.steps(p, &plan, toSRGB)
	if err != nil {
		return nil, err
	}
	q := p.mapped(func(img image.Image) (image.Image, error) {
		for _, step := range steps {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			var err error
			if img, err = step(img); err != nil {
				return nil, err
			}
		}
		return img, nil
	})
	q.Source, q.Scale, q.orientation, q.isCut = plan.canvas, 1, 1, false
	return q, nil
}

// A step is one thing that is done to a frame; it may change the image that it
// is given.
type step func(image.Image) (image.Image, error)

// steps are what is done to every frame, in this order.
func (j *job) steps(p *Picture, plan *plan, toSRGB func(image.Image) image.Image) ([]step, error) {
	var steps []step
	add := func(wanted bool, f func(image.Image) image.Image) {
		if wanted {
			steps = append(steps, func(img image.Image) (image.Image, error) { return f(img), nil })
		}
	}
	o := &j.options
	add(!p.isCut, func(img image.Image) image.Image { return plan.cut.apply(img, p.Scale) })
	add(true, func(img image.Image) image.Image { return upright(img, plan.turn) })
	add(toSRGB != nil, toSRGB)
	add(plan.tilt != 0, func(img image.Image) image.Image { return paint.Tilt(pixel.Of(img), plan.tilt, plan.window, plan.size) })
	add(o.Effects != options.Effects{}, func(img image.Image) image.Image { return paint.Effects(img, o.Effects) })
	ground := paint.NewGround(plan.canvas, plan.at, o.Background)
	add(plan.canvas != plan.size || o.Background != options.Background{}, ground.Lay)
	add(o.Radius != 0 || o.Border != options.Border{}, func(img image.Image) image.Image { return paint.Frame(pixel.Of(img), o.Radius, o.Border) })
	opaque := !o.Format.IsAuto() && codecOf(o.Format).opaque
	add(opaque && o.Radius != 0 && o.Background != options.Background{}, ground.FillCorners)
	if w := j.resizer.Watermark; w != nil && o.Watermark.Given() {
		overlay := w.Fitted(o.Watermark, plan.canvas)
		add(true, func(img image.Image) image.Image {
			m := pixel.Of(img)
			paint.Watermark(m, overlay, o.Watermark)
			return m
		})
	}
	if o.Text.Text != "" {
		font, err := j.resizer.font(o.Text.Font)
		if err != nil {
			return nil, err
		}
		steps = append(steps, func(img image.Image) (image.Image, error) {
			m := pixel.Of(img)
			return m, paint.Text(m, o.Text, font)
		})
	}
	return steps, nil
}

// A cut is a part of a stored picture and the size that it gets, still turned
// as it is stored.
type cut struct {
	source      image.Point      // size of the stored picture
	orientation exif.Orientation // that it was computed for
	part        scale.Rect       // in pixels of the source
	size        image.Point
	chroma      scale.Chroma
	// edge is what was cropped or trimmed: nothing outside of it may show. A side
	// of 0 is that of the picture.
	edge image.Rectangle
}

// identity reports whether the cut is the whole picture at its own size.
func (c cut) identity() bool {
	return c.size == c.source && c.part == scale.Rect{W: float64(c.size.X), H: float64(c.size.Y)}
}

// at returns the part in pixels of the picture decoded at scale s, and how to
// resample it.
func (c cut) at(s float64) (scale.Rect, scale.Options) {
	return scale.Rect{X: c.part.X * s, Y: c.part.Y * s, W: c.part.W * s, H: c.part.H * s},
		scale.Options{Undroop: s == 1.0/8, Chroma: c.chroma, Within: c.within(s)}
}

// within returns the pixels of the picture decoded at scale s that lie within the
// edge as a whole, or, if there are none, in part.
func (c cut) within(s float64) (r image.Rectangle) {
	r.Min.X, r.Max.X = inner(c.edge.Min.X, c.edge.Max.X, s)
	r.Min.Y, r.Max.Y = inner(c.edge.Min.Y, c.edge.Max.Y, s)
	return r
}

func inner(from, to int, s float64) (lo, hi int) {
	lo, hi = int(math.Ceil(float64(from)*s)), int(float64(to)*s)
	if to == 0 || lo < hi {
		return lo, hi
	}
	lo = int(float64(from) * s)
	return lo, max(lo+1, int(math.Ceil(float64(to)*s)))
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
