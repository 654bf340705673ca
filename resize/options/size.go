package options

import (
	"fmt"
	"image"
	"math"
	"strconv"
	"strings"
)

// Fit says how a picture meets its box, with the words of CSS object-fit.
type Fit uint8

const (
	Cover     Fit = iota // fill the box, cut what is outside of it
	Contain              // lie inside of the box, whole
	ScaleDown            // Contain that never enlarges
	Pad                  // Contain, and fill the rest of the box with the background
	Stretch              // fill the box, whole, in another ratio
	AutoFit              // Cover if box and picture are both upright or both lie, else Contain
)

var fits = []string{"cover", "contain", "scale-down", "pad", "stretch", "auto"}

// Rounding says how a side that follows from a ratio becomes whole pixels.
type Rounding uint8

const (
	RoundDown Rounding = iota // a fraction is cut off
	RoundNear                 // a half is rounded up
)

var roundings = []string{"down", "near"}

// Scaled returns length*num/den, rounded, at least 1.
func (r Rounding) Scaled(length, num, den int) int {
	if r == RoundNear {
		return int(max(1, (2*int64(length)*int64(num)+int64(den))/(2*int64(den))))
	}
	return int(max(1, int64(length)*int64(num)/int64(den)))
}

// Covering returns the size of a picture that covers the box.
func (r Rounding) Covering(src, box image.Point) image.Point {
	if wider(src, box) {
		return image.Pt(max(box.X, r.Scaled(src.X, box.Y, src.Y)), box.Y)
	}
	return image.Pt(box.X, max(box.Y, r.Scaled(src.Y, box.X, src.X)))
}

// Contained returns the size of a picture that lies inside of the box.
func (r Rounding) Contained(src, box image.Point) image.Point {
	if wider(src, box) {
		return image.Pt(box.X, r.Scaled(src.Y, box.X, src.X))
	}
	return image.Pt(r.Scaled(src.X, box.Y, src.Y), box.Y)
}

// wider reports whether the ratio of src is above that of box.
func wider(src, box image.Point) bool {
	return int64(src.X)*int64(box.Y) > int64(box.X)*int64(src.Y)
}

// DensityParam is the name of the parameter that [Options.Dense] does the same
// as.
const DensityParam = "dpr"

var sizeParams = []param{
	{"w", "width in pixels; a fraction is cut off", groupSize, "w=120", pixels{func(o *Options) *int { return &o.Width }}},
	{"h", "height in pixels; a fraction is cut off", groupSize, "h=80", pixels{func(o *Options) *int { return &o.Height }}},
	{"c", "true (default): fill the box and cut the rest; false: fit inside", groupSize, "w=120&h=120&c=false", custom{
		read: func(d *draft, v string) Verdict {
			d.Fit = parseCrop(v)
			return Used
		},
		write: func(*Options) string { return "" }, // fit says it
		words: "true, false",
		form:  Control{Kind: ControlSwitch},
		taken: func(d *draft) string { return strconv.FormatBool(d.Fit == Cover) },
	}},
	{"fit", "how the picture meets the box of `w` and `h`; wins over `c`", groupSize, "w=120&h=120&fit=pad&bg=0b6bcb",
		choice[Fit]{func(o *Options) *Fit { return &o.Fit }, fits}},
	{"ar", "ratio of the box: gives the missing one of `w` and `h`; without both, the picture is cut to it", groupSize, "w=120&ar=1:1", custom{
		read:  readRatio,
		write: func(o *Options) string { return o.Ratio.String() },
		words: "`16:9` or `1.78`",
		form:  Control{Kind: ControlChoice, Words: []string{"1:1", "4:3", "3:2", "16:9", "3:4", "2:3", "9:16"}, Free: true},
	}},
	{DensityParam, "density of the screen: multiplies `w` and `h` and all other lengths of the result", groupSize, "w=60&dpr=2&padding=4&bg=0b6bcb", custom{
		read: func(d *draft, v string) (verdict Verdict) {
			d.dpr, verdict = parseDecimal(v, 0.5, 8)
			return verdict
		},
		write: func(*Options) string { return "" }, // the lengths have it
		words: "0.5 to 8",
		form:  scaleOf(0.5, 8),
		taken: func(d *draft) string { return formatHundredths(d.dpr) },
	}},
	{"zoom", "multiplies `w` and `h`, or the size of the source without both", groupSize, "w=100&zoom=1.2", custom{
		read: func(d *draft, v string) (verdict Verdict) {
			d.zoom, verdict = parseDecimal(v, 0.1, 10)
			return verdict
		},
		write: func(o *Options) string {
			if o.Zoom == 0 {
				return ""
			}
			return o.Zoom.String()
		},
		words: "0.1 to 10",
		form:  scaleOf(0.1, 10),
		taken: func(d *draft) string { return formatHundredths(d.zoom) },
	}},
	{"minw", "least width: a narrower result is scaled up, and cut to the box", groupSize, "w=120&h=60&fit=contain&minw=120", pixels{func(o *Options) *int { return &o.MinWidth }}},
	{"minh", "least height: a lower result is scaled up, and cut to the box", groupSize, "w=120&h=120&fit=contain&minh=120", pixels{func(o *Options) *int { return &o.MinHeight }}},
	{"round", "how a side that follows from the ratio becomes whole pixels: the fraction is cut off, or rounded to the nearest", groupSize, "w=101&round=near", choice[Rounding]{func(o *Options) *Rounding { return &o.Round }, roundings}},
	{"enlarge", "make a picture larger than its source where the box is", groupSize, "crop=62%,40%,60,45&w=120&enlarge=true", toggle{func(o *Options) *bool { return &o.Enlarge }}},
}

// parseCrop reads the words of strconv.ParseBool; any other word is false.
func parseCrop(v string) Fit {
	if crop, err := strconv.ParseBool(v); err == nil && crop {
		return Cover
	}
	return Contain
}

// A Ratio is a width and a height without a common divisor; the zero value is
// none.
type Ratio struct{ W, H int32 }

const maxRatio = 100 // of the longer side to the shorter one

// newRatio returns the ratio of two positive lengths below 2^31.
func newRatio(w, h int) Ratio {
	a, b := w, h
	for b != 0 {
		a, b = b, a%b
	}
	return Ratio{int32(w / a), int32(h / a)}
}

// String returns "16:9", or "" for none.
func (r Ratio) String() string {
	if r == (Ratio{}) {
		return ""
	}
	return fmt.Sprintf("%d:%d", r.W, r.H)
}

func readRatio(d *draft, v string) Verdict {
	left, right, colon := strings.Cut(v, ":")
	if !colon {
		right = "1"
	}
	w, v1 := parseDecimal(left, 0, 65535)
	h, v2 := parseDecimal(right, 0, 65535)
	d.Ratio = Ratio{}
	switch {
	case v1 == Unreadable || v2 == Unreadable || w < 0 || h < 0:
		return Unreadable
	case w == 0 && !colon: // off
		return Used
	case w == 0 || h == 0:
		return Unreadable
	case w > maxRatio*h:
		d.Ratio = Ratio{maxRatio, 1}
	case h > maxRatio*w:
		d.Ratio = Ratio{1, maxRatio}
	default:
		d.Ratio = newRatio(int(w), int(h))
		return max(v1, v2)
	}
	return Clamped
}

// finishRatio gives the side that a ratio asks for. Of a box with both sides
// the ratio says only that it has one.
func (d *draft) finishRatio() {
	r := d.Ratio
	switch {
	case r == (Ratio{}):
		return
	case d.Width > 0 && d.Height == 0:
		d.Height = d.Round.Scaled(d.Width, int(r.H), int(r.W))
		if d.Height > d.max {
			d.Width, d.Height = d.Round.Scaled(d.max, int(r.W), int(r.H)), d.max
		}
	case d.Height > 0 && d.Width == 0:
		d.Width = d.Round.Scaled(d.Height, int(r.W), int(r.H))
		if d.Width > d.max {
			d.Width, d.Height = d.max, d.Round.Scaled(d.max, int(r.H), int(r.W))
		}
	}
	if d.Width > 0 && d.Height > 0 {
		d.Ratio = newRatio(d.Width, d.Height)
	}
}

// finishDensity multiplies the lengths. A box that would be larger than allowed
// keeps its ratio.
func (d *draft) finishDensity() {
	factor := func(n Hundredths) float64 {
		if n == 0 {
			return 1
		}
		return n.Float()
	}
	dpr, zoom := factor(d.dpr), factor(d.zoom)
	if d.Width == 0 && d.Height == 0 {
		if d.zoom != 100 {
			d.Zoom = d.zoom
		}
	} else {
		f := math.Min(dpr*zoom, float64(d.max)/float64(max(d.Width, d.Height)))
		grow(&d.Width, f, d.max)
		grow(&d.Height, f, d.max)
		if d.Ratio != (Ratio{}) {
			d.Ratio = newRatio(d.Width, d.Height)
		}
	}
	for _, length := range []*int{
		&d.MinWidth, &d.MinHeight, &d.Padding.Top, &d.Padding.Right, &d.Padding.Bottom, &d.Padding.Left,
		&d.Radius, &d.Border.Width, &d.Text.Size, &d.Effects.Pixelate,
	} {
		grow(length, dpr, d.max)
	}
	d.Effects.Blur = Hundredths(math.Min(maxBlur*100, math.Round(float64(d.Effects.Blur)*dpr)))
	d.Effects.Sharpen = Hundredths(math.Min(maxSharpen*100, math.Round(float64(d.Effects.Sharpen)*dpr)))
}

// Dense returns the options for a screen of that density: its lengths multiplied,
// to max pixels at the most.
func (o Options) Dense(density float64, max int) Options {
	d := draft{Options: o, max: max, dpr: Hundredths(math.Round(density * 100)), zoom: o.Zoom}
	d.finishDensity()
	return d.Options
}

// grow multiplies a length; one that is given stays so.
func grow(n *int, f float64, most int) {
	if *n > 0 && f != 1 {
		*n = max(1, min(most, int(math.Floor(float64(float64(*n)*f)+0.5))))
	}
}
