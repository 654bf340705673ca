package options

import (
	"fmt"
	"image/color"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// A kind is how the values of a parameter are read and written.
type kind interface {
	// parse reads a value that is not empty into its field.
	parse(d *draft, value string) Verdict
	// format returns the value that parses back to the same field, escaped for
	// a query; "" if the field has its zero value.
	format(o *Options) string
	// values says in words what a value may be.
	values() string
	// control says how a form lets somebody choose one.
	control() Control
}

// custom is a kind that only one parameter has.
type custom struct {
	read  func(d *draft, value string) Verdict
	write func(o *Options) string
	words string
	// taken returns the value that was read, where write does not: nil: it does.
	taken func(d *draft) string
	form  Control // zero: a text
}

func (s custom) parse(d *draft, v string) Verdict { return s.read(d, v) }
func (s custom) format(o *Options) string         { return s.write(o) }
func (s custom) values() string                   { return s.words }

// pixels is a length of at most max_dimension; a fraction is cut off, 0 stands
// for a value that is not given.
type pixels struct{ field func(o *Options) *int }

func (p pixels) parse(d *draft, v string) Verdict {
	n, verdict := parseLength(v, d.max)
	*p.field(&d.Options) = n
	return verdict
}

func (p pixels) format(o *Options) string { return formatInt(*p.field(o)) }
func (p pixels) values() string           { return "1 to `max_dimension`" }

// parseLength reads a number and cuts it to a whole one in [0, max]. What is
// no number, not finite or negative is 0.
func parseLength(v string, max int) (int, Verdict) {
	f, ok := parseFloat(v)
	switch {
	case !ok || f < 0:
		return 0, Unreadable
	case f > float64(max):
		return max, Clamped
	}
	return int(f), Used
}

// parseFloat reads a finite number.
func parseFloat(v string) (f float64, ok bool) {
	f, err := strconv.ParseFloat(v, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

func formatInt(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// Hundredths is a number with two decimals, times 100.
type Hundredths int32

// Float returns the number.
func (n Hundredths) Float() float64 { return float64(n) / 100 }

// String returns the shortest decimal.
func (n Hundredths) String() string { return strconv.FormatFloat(n.Float(), 'f', -1, 64) }

// decimal is a number between min and max. 0 is always allowed, and what the
// field has when nothing is given; so is neutral, which means the same.
type decimal struct {
	field    func(o *Options) *Hundredths
	min, max float64
	neutral  Hundredths
	unit     string // in words, with a leading space; may be empty
}

func (k decimal) parse(d *draft, v string) Verdict {
	n, verdict := parseDecimal(v, k.min, k.max)
	if n == k.neutral {
		n = 0
	}
	*k.field(&d.Options) = n
	return verdict
}

func (k decimal) format(o *Options) string {
	if n := *k.field(o); n != 0 {
		return n.String()
	}
	return ""
}

func (k decimal) values() string { return fmt.Sprintf("%v to %v%s", k.min, k.max, k.unit) }

// parseDecimal reads a number in [min, max]; 0 is allowed too.
func parseDecimal(v string, min, max float64) (Hundredths, Verdict) {
	f, ok := parseFloat(v)
	switch {
	case !ok:
		return 0, Unreadable
	case f == 0:
		return 0, Used
	case f < min:
		return Hundredths(math.Round(min * 100)), Clamped
	case f > max:
		return Hundredths(math.Round(max * 100)), Clamped
	}
	return Hundredths(math.Round(f * 100)), Used
}

// toggle is on or off, off if nothing is given.
type toggle struct{ field func(o *Options) *bool }

func (k toggle) parse(d *draft, v string) Verdict {
	on, err := strconv.ParseBool(v)
	*k.field(&d.Options) = on
	if err != nil {
		return Unreadable
	}
	return Used
}

func (k toggle) format(o *Options) string {
	if *k.field(o) {
		return "true"
	}
	return ""
}

func (k toggle) values() string { return "true, false" }

// choice is one of several words, whose places in the list are the values of
// the field. The first word is what a field has when nothing is given.
type choice[T ~uint8] struct {
	field func(o *Options) *T
	words []string
}

func (k choice[T]) parse(d *draft, v string) Verdict {
	for i, w := range k.words {
		if strings.EqualFold(v, w) {
			*k.field(&d.Options) = T(i)
			return Used
		}
	}
	return Unreadable
}

func (k choice[T]) format(o *Options) string {
	if v := *k.field(o); v != 0 {
		return k.words[v]
	}
	return ""
}

func (k choice[T]) values() string { return strings.Join(k.words, ", ") }

// text is a string of at most max bytes; a longer one is cut.
type text struct {
	field func(o *Options) *string
	max   int
	what  string // in words
}

func (k text) parse(d *draft, v string) Verdict {
	v = strings.ToValidUTF8(v, "\uFFFD")
	cut := v
	if len(v) > k.max {
		cut = strings.ToValidUTF8(v[:k.max], "")
	}
	*k.field(&d.Options) = cut
	if len(cut) < len(v) {
		return Clamped
	}
	return Used
}

func (k text) format(o *Options) string { return url.QueryEscape(*k.field(o)) }
func (k text) values() string           { return fmt.Sprintf("%s, at most %d bytes", k.what, k.max) }

// A Color is 0xRRGGBBAA, not premultiplied; 0 means none.
type Color uint32

// parseColor reads rgb, rrggbb or rrggbbaa in hexadecimal digits.
func parseColor(v string) (c Color, ok bool) {
	v = strings.TrimPrefix(v, "#")
	if len(v) == 3 {
		v = string([]byte{v[0], v[0], v[1], v[1], v[2], v[2]})
	}
	if len(v) == 6 {
		v += "ff"
	}
	n, err := strconv.ParseUint(v, 16, 32)
	if err != nil || len(v) != 8 {
		return 0, false
	}
	return Color(n), true
}

// String returns rrggbb, or rrggbbaa if c is not opaque; "" for none.
func (c Color) String() string {
	switch {
	case c == 0:
		return ""
	case c&0xff == 0xff:
		return fmt.Sprintf("%06x", uint32(c>>8))
	}
	return fmt.Sprintf("%08x", uint32(c))
}

// NRGBA returns the colour as package image/color has it.
func (c Color) NRGBA() color.NRGBA {
	return color.NRGBA{byte(c >> 24), byte(c >> 16), byte(c >> 8), byte(c)}
}

// colorValue is a Color.
type colorValue struct{ field func(o *Options) *Color }

func (k colorValue) parse(d *draft, v string) Verdict {
	c, ok := parseColor(v)
	*k.field(&d.Options) = c
	if !ok {
		return Unreadable
	}
	return Used
}

func (k colorValue) format(o *Options) string { return k.field(o).String() }
func (k colorValue) values() string           { return "`rrggbb` or `rrggbbaa`" }
