package options

// Whole reports whether a result made with o is its source, smaller: nothing
// is cut, added or changed. So another result can be made of it.
func (o Options) Whole() bool {
	if o.Width > 0 && o.Height > 0 && o.Fit != Contain && o.Fit != ScaleDown {
		return false
	}
	return o.onlySizes()
}

// Derivable reports whether a result with o can be made of a smaller copy of
// the source as well as of the source.
func (o Options) Derivable() bool { return o.onlySizes() }

// onlySizes reports whether o says nothing but the box, how the picture meets it,
// and how it is encoded.
func (o Options) onlySizes() bool {
	rest := o
	rest.Width, rest.Height, rest.Format = 0, 0, NoFormat
	if o.Fit == Cover || o.Fit == Contain || o.Fit == ScaleDown || o.Fit == Stretch {
		rest.Fit = 0
	}
	return rest == Options{}
}

// WithoutSize returns the options without those that say which part of a picture is
// kept and how large it becomes.
func (o Options) WithoutSize() Options {
	o.Width, o.Height, o.Fit, o.Enlarge, o.Ratio, o.Zoom, o.MinWidth, o.MinHeight = 0, 0, 0, false, Ratio{}, 0, 0, 0
	o.Crop, o.Padding, o.Round = Crop{}, Sides{}, RoundDown
	if !o.Gravity.DependsOnPicture() {
		o.Gravity = Gravity{}
	}
	return o
}
