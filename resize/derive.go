package resize

import "slices"

// Whole reports whether a result made with o is its source, smaller: nothing
// is cut, added or changed. So another result can be made of it.
func (o Options) Whole() bool {
	if o.Width > 0 && o.Height > 0 && o.Fit != Contain && o.Fit != ScaleDown {
		return false
	}
	return o.plain()
}

// Derivable reports whether a result with o can be made of a smaller copy of
// the source as well as of the source.
func (o Options) Derivable() bool { return o.plain() }

// plain reports whether o says nothing but the box, how the picture meets it,
// and how it is encoded.
func (o Options) plain() bool {
	rest := o
	rest.Width, rest.Height, rest.Format = 0, 0, NoFormat
	if o.Fit == Cover || o.Fit == Contain || o.Fit == ScaleDown || o.Fit == Stretch {
		rest.Fit = 0
	}
	return rest == Options{}
}

// Covers reports whether a file is large enough for o: nothing of it would be
// scaled up that its own source might have had more of.
func (r *Resizer) Covers(file []byte, o Options) bool {
	j := job{limits: r.Limits.withDefaults(), options: o}
	head := file[:min(len(file), headBytes)]
	if j.sniff(head) != nil || !slices.Contains(derivableFrom, j.codec.format) || j.inspect(head) != nil || j.info.Animated {
		return false
	}
	size := j.info.orientation.Size(j.info.Size)
	l := lay(size, o)
	if l.Size.X == size.X && l.Size.Y == size.Y {
		return false // it may be the limit of the copy, and not of the source
	}
	return l.Crop.W >= float64(l.Size.X) && l.Crop.H >= float64(l.Size.Y)
}

// derivableFrom are formats whose files are as good as a smaller source.
var derivableFrom = []Format{JPEG, PNG, WebP}
