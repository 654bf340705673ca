package options

// Within returns the options with the box made so small that no result of any
// source is wider than w pixels or higher than h, both at least 1. The ratio of
// a box stays; what makes a picture larger than its box is left out.
func (o Options) Within(w, h int) Options {
	o.Zoom, o.Padding = 0, Sides{}
	o.MinWidth, o.MinHeight = min(o.MinWidth, w), min(o.MinHeight, h)
	switch {
	case o.Width > 0 && o.Height > 0:
	case o.Width > 0:
		o.Height, o.Fit = h, Contain
		o.Width = min(o.Width, w)
		return o
	case o.Height > 0:
		o.Width, o.Fit = w, Contain
		o.Height = min(o.Height, h)
		return o
	case o.Ratio != Ratio{}:
		o.Width, o.Height = w, RoundDown.Scaled(w, int(o.Ratio.H), int(o.Ratio.W))
	default:
		o.Width, o.Height, o.Fit = w, h, Contain
		return o
	}
	if o.Width > w {
		o.Width, o.Height = w, RoundDown.Scaled(o.Height, w, o.Width)
	}
	if o.Height > h {
		o.Width, o.Height = RoundDown.Scaled(o.Width, h, o.Height), h
	}
	if o.Ratio != (Ratio{}) {
		o.Ratio = newRatio(o.Width, o.Height)
	}
	return o
}

// Bare returns the options without what lies around a picture or over it, save a
// watermark, a border and round corners: padding, a box that is padded, which
// becomes one that contains it, a text, and what an angle between two quarter
// turns leaves at the corners, which becomes the nearest quarter turn.
func (o Options) Bare() Options {
	o.Padding, o.Text = Sides{}, Text{}
	o.Angle = (o.Angle + 4500) / 9000 % 4 * 9000
	if o.Fit == Pad {
		o.Fit = Contain
	}
	return o
}

// Canonical returns the options as they are read from what [Options.String]
// writes, lengths to max pixels.
func (o Options) Canonical(max int) Options { return Parse(ParseQuery(o.String()).Get, max) }

// Step returns the smallest of the steps that n is not above, the last one if it
// is above all. steps are sorted; without any, and for 0, it is n.
func Step(n int, steps []int) int {
	if n <= 0 || len(steps) == 0 {
		return n
	}
	for _, s := range steps {
		if n <= s {
			return s
		}
	}
	return steps[len(steps)-1]
}

// Snap returns the options with the longer side of the box rounded up to a step,
// or down to the last one, and at most to most pixels. The other side keeps the
// ratio. The least sizes are rounded too; a zoom of the source is left out.
func (o Options) Snap(steps []int, most int) Options {
	o.Zoom = 0
	o.MinWidth, o.MinHeight = min(Step(o.MinWidth, steps), most), min(Step(o.MinHeight, steps), most)
	long := max(o.Width, o.Height)
	to := min(Step(long, steps), most)
	if long == to {
		return o
	}
	for _, side := range []*int{&o.Width, &o.Height} {
		switch {
		case *side == long:
			*side = to
		case *side > 0:
			*side = max(1, int((int64(*side)*int64(to)+int64(long)/2)/int64(long)))
		}
	}
	if o.Ratio != (Ratio{}) && o.Width > 0 && o.Height > 0 {
		o.Ratio = newRatio(o.Width, o.Height)
	}
	return o
}
