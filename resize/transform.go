package resize

import (
	"context"
	"image"
	"math"
	"slices"
	"sync"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

// transform returns p as the options want it; the work is done frame by frame,
// as the result is encoded. Its Source is the size of the result.
func (j *job) transform(ctx context.Context, p *Picture) (*Picture, error) {
	p, content, err := j.look(p)
	if err == nil {
		err = j.resettle(p, &content)
	}
	if err != nil {
		return nil, err
	}
	plan := planOf(p.Source, p.orientation, j.planned(), content)
	if err := j.limits.checkOutput(plan.canvas); err != nil {
		return nil, err
	}
	// What was admitted is for what the header alone told.
	more := max(0, j.resultWeight(plan)-j.resultWeight(j.plan))
	count := p.Count
	if count > 1 {
		if !j.limits.keepsFrames(count, plan.canvas) {
			count = 1
		} else {
			more += int64(count) * area(plan.canvas) // encoders hold a byte a pixel of every frame
			if j.expected == options.GIF {
				more += min(gifHeldBytes, 5*int64(count)*area(plan.canvas))
			}
		}
	}
	if err := j.grow(j.held + more); err != nil {
		return nil, err
	}
	profile, toSRGB := j.colours(p.ICC, &plan)
	j.asStored = plan.resample.identity() && plan.turn <= 1 && !plan.detail && toSRGB == nil && !(j.info.Animated && count == 1) && j.options.Effects == options.Effects{}
	steps := slices.DeleteFunc(j.steps(p, &plan, toSRGB), func(s step) bool { return !s.wanted })
	kept := *p
	kept.Count, kept.ICC = count, profile
	q := kept.mapped(func(img image.Image) (image.Image, error) {
		for _, step := range steps {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			var err error
			if img, err = step.do(img); err != nil {
				return nil, err
			}
		}
		return img, nil
	})
	q.Source, q.Scale, q.orientation, q.resampled = plan.canvas, 1, 1, false
	return q, nil
}

// A step is one thing that is done to every frame.
type step struct {
	name   string
	wanted bool
	// do may change the image that it is given.
	do func(image.Image) (image.Image, error)
}

// steps are all that may be done to a frame, in this order.
func (j *job) steps(p *Picture, plan *plan, toSRGB func(image.Image) image.Image) []step {
	o := &j.options
	ground := paint.NewGround(plan.canvas, plan.at, o.Background)
	filled := o.Background != options.Background{}
	opaque := !o.Format.IsAuto() && codecOf(o.Format).opaque
	marked := j.resizer.Watermark != nil && o.Watermark.Given()
	always := func(f func(image.Image) image.Image) func(image.Image) (image.Image, error) {
		return func(img image.Image) (image.Image, error) { return f(img), nil }
	}
	onPixels := func(f func(m *image.NRGBA) *image.NRGBA) func(image.Image) (image.Image, error) {
		return func(img image.Image) (image.Image, error) { return f(pixel.Of(img)), nil }
	}
	mark := sync.OnceValue(func() *image.NRGBA { return j.resizer.Watermark.Fitted(o.Watermark, plan.canvas) })
	return []step{
		{"crop and scale", !p.resampled, always(func(img image.Image) image.Image { return plan.resample.apply(img, p.Scale) })},
		{"turn", true, always(func(img image.Image) image.Image { return paint.Turn(img, plan.turn) })}, // the rest is in the viewer's coordinates
		{"convert colours", toSRGB != nil, always(toSRGB)},
		{"tilt", plan.tilt != 0, onPixels(func(m *image.NRGBA) *image.NRGBA { return paint.Tilt(m, plan.tilt, plan.window, plan.size) })},
		{"effects", o.Effects != options.Effects{}, always(func(img image.Image) image.Image { return paint.Effects(img, o.Effects) })},
		{"background", plan.canvas != plan.size || filled, always(ground.Lay)},
		{"frame", o.Radius != 0 || o.Border != options.Border{}, onPixels(func(m *image.NRGBA) *image.NRGBA { return paint.Frame(m, o.Radius, o.Border) })},
		{"fill corners", opaque && o.Radius != 0 && filled, always(ground.FillCorners)},
		{"watermark", marked, onPixels(func(m *image.NRGBA) *image.NRGBA {
			paint.Watermark(m, mark(), o.Watermark)
			return m
		})},
		{"text", o.Text.Text != "", func(img image.Image) (image.Image, error) {
			font, err := j.resizer.font(o.Text.Font)
			if err != nil {
				return nil, err
			}
			m := pixel.Of(img)
			return m, paint.Text(m, o.Text, font)
		}},
	}
}

// A resample is a part of a stored picture and the size that it gets, still turned
// as it is stored.
type resample struct {
	source      image.Point      // size of the stored picture
	orientation exif.Orientation // that it was computed for
	part        scale.Rect       // in pixels of the source
	size        image.Point
	chroma      scale.Chroma
	// edge is what was cropped or trimmed: nothing outside of it may show. A side
	// of 0 is that of the picture.
	edge image.Rectangle
}

// identity reports whether the result is the whole picture at its own size.
func (c resample) identity() bool {
	return c.size == c.source && c.part == scale.Rect{W: float64(c.size.X), H: float64(c.size.Y)}
}

// at returns the part in pixels of the picture decoded at scale s, and how to
// resample it.
func (c resample) at(s float64) (scale.Rect, scale.Options) {
	return scale.Rect{X: c.part.X * s, Y: c.part.Y * s, W: c.part.W * s, H: c.part.H * s},
		scale.Options{Undroop: c.undroop(s), Chroma: c.chroma, Within: c.within(s)}
}

// axes returns the columns and rows of a picture of size src, decoded at the scale that
// part and options are of, and those that are made of them.
func (c resample) axes(src image.Point, part scale.Rect, options scale.Options) (x, y scale.Axis) {
	within := options.Within
	x = scale.Axis{Len: src.X, Offset: part.X, Span: part.W, N: c.size.X, Lo: within.Min.X, Hi: within.Max.X}
	y = scale.Axis{Len: src.Y, Offset: part.Y, Span: part.H, N: c.size.Y, Lo: within.Min.Y, Hi: within.Max.Y}
	return x, y
}

// undroop returns what has to be undone of a decoding at scale s: at 2/8 it shows
// only if less than half is left to scale.
func (c resample) undroop(s float64) uint8 {
	less := float64(c.part.W*s)+1 < float64(2*c.size.X) || float64(c.part.H*s)+1 < float64(2*c.size.Y)
	switch {
	case s == 1.0/8:
		return 1
	case s == 2.0/8 && less:
		return 2
	}
	return 0
}

// within returns the pixels of the picture decoded at scale s that lie within the
// edge as a whole, or, if there are none, in part.
func (c resample) within(s float64) (r image.Rectangle) {
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

// apply resamples a picture decoded at scale s.
func (c resample) apply(img image.Image, s float64) image.Image {
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
