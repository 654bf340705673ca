package resize

import (
	"math"
	"strconv"
	"strings"
)

// Fit says how a picture meets its box, with the words of CSS object-fit.
type Fit uint8

const (
	Cover   Fit = iota // fill the box, cut what is outside of it
	Contain            // lie inside of the box, whole
)

// Options say what is to be made of a picture. The zero value keeps its size.
// Options are comparable: equal options make equal results.
type Options struct {
	Width, Height int // of the box, in pixels; 0: not given
	Fit           Fit
	Format        Format // of the result; NoFormat: the caller's default
}

// DefaultMaxDimension is the largest Width and Height of parsed options where
// nothing else is said.
const DefaultMaxDimension = 3064

// A param is one parameter of a URL that changes pixels.
type param struct {
	name, doc string
	// parse reads a value leniently: what cannot be read counts as absent.
	parse func(o *Options, value string, max int)
	// format returns the value that parses back to the same field, "" if the
	// field has its zero value.
	format func(o Options) string
}

// params are in the order in which String writes them. A row adds the parameter
// to parsing, to the cache key and to the reference.
var params = []param{
	{"w", "width in pixels; a fraction is cut off",
		func(o *Options, v string, max int) { o.Width = parseLength(v, max) },
		func(o Options) string { return formatInt(o.Width) }},
	{"h", "height in pixels; a fraction is cut off",
		func(o *Options, v string, max int) { o.Height = parseLength(v, max) },
		func(o Options) string { return formatInt(o.Height) }},
	{"c", "true (default): fill the box and cut the rest; false: fit inside",
		func(o *Options, v string, _ int) { o.Fit = parseCrop(v) },
		func(o Options) string {
			if o.Fit == Contain {
				return "false"
			}
			return ""
		}},
	{"f", "format of the result: " + strings.Join(writableNames, ", ") + ", or auto",
		func(o *Options, v string, _ int) { o.Format = parseFormat(v) },
		func(o Options) string { return o.Format.String() }},
}

// writableNames is spelled out since the table of codecs needs params' types;
// a test compares it with the table.
var writableNames = []string{"jpeg", "png", "webp", "gif"}

// ParseOptions reads the options of a URL. get returns the first value of a
// parameter, "" if it is absent. Nothing is refused: what cannot be read
// counts as absent, and lengths are clamped to max pixels.
func ParseOptions(get func(name string) string, max int) Options {
	var o Options
	for _, p := range params {
		if v := get(p.name); v != "" {
			p.parse(&o, v, max)
		}
	}
	return o
}

// String returns the options in the form of a URL's query, in a fixed order and
// without those that have their zero value: equal options give equal strings,
// different ones different strings.
func (o Options) String() string {
	var b strings.Builder
	for _, p := range params {
		if v := p.format(o); v != "" {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(p.name + "=" + v)
		}
	}
	return b.String()
}

// A Param describes one parameter for the reference.
type Param struct{ Name, Doc string }

// Params returns the parameters that ParseOptions reads.
func Params() []Param {
	list := make([]Param, len(params))
	for i, p := range params {
		list[i] = Param{p.name, p.doc}
	}
	return list
}

// parseLength reads a number and cuts it to a whole one in [0, max]. What is
// no number, not finite or negative is 0.
func parseLength(v string, max int) int {
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || f < 1 {
		return 0
	}
	return int(math.Min(f, float64(max)))
}

// parseCrop reads the words of strconv.ParseBool; any other word is false.
func parseCrop(v string) Fit {
	if crop, err := strconv.ParseBool(v); err == nil && crop {
		return Cover
	}
	return Contain
}

// parseFormat returns NoFormat for a format that cannot be written.
func parseFormat(v string) Format {
	f := FormatByName(v)
	if f == Auto || f.Writable() {
		return f
	}
	return NoFormat
}

func formatInt(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
