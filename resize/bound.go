package resize

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
		o.Width, o.Height = w, scaled(w, int(o.Ratio.H), int(o.Ratio.W))
	default:
		o.Width, o.Height, o.Fit = w, h, Contain
		return o
	}
	if o.Width > w {
		o.Width, o.Height = w, scaled(o.Height, w, o.Width)
	}
	if o.Height > h {
		o.Width, o.Height = scaled(o.Width, h, o.Height), h
	}
	if o.Ratio != (Ratio{}) {
		o.Ratio = newRatio(o.Width, o.Height)
	}
	return o
}
