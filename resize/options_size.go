package resize

import "strconv"

// Fit says how a picture meets its box, with the words of CSS object-fit.
type Fit uint8

const (
	Cover   Fit = iota // fill the box, cut what is outside of it
	Contain            // lie inside of the box, whole
)

var sizeParams = []param{
	{"w", "width in pixels; a fraction is cut off", groupSize, "w=150", pixels{func(o *Options) *int { return &o.Width }}},
	{"h", "height in pixels; a fraction is cut off", groupSize, "h=100", pixels{func(o *Options) *int { return &o.Height }}},
	{"c", "true (default): fill the box and cut the rest; false: fit inside", groupSize, "w=150&h=150&c=false", special{
		read: func(d *draft, v string) Verdict {
			d.Fit = parseCrop(v)
			return Used
		},
		write: func(*Options) string { return "" }, // fit says it
		words: "true, false",
	}},
	{"fit", "how the picture meets the box of w and h; wins over c", groupSize, "w=150&h=150&fit=contain",
		choice[Fit]{func(o *Options) *Fit { return &o.Fit }, []string{"cover", "contain"}}},
}

// parseCrop reads the words of strconv.ParseBool; any other word is false.
func parseCrop(v string) Fit {
	if crop, err := strconv.ParseBool(v); err == nil && crop {
		return Cover
	}
	return Contain
}
