// Package options has the words in which URLs say what a picture is to become:
// their types, the table of parameters, parsing, printing and bounds. It knows
// neither files nor pixels.
package options

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"s3imageserver/resize/exif"
)

// Options say what is to be made of a picture. The zero value keeps its size.
// Options are comparable: equal options make equal results.
type Options struct {
	Width, Height       int // of the box, in pixels; 0: not given
	Fit                 Fit
	Gravity             Gravity
	Ratio               Ratio      // of the box; zero: not given
	Zoom                Hundredths // of the source, where Width and Height are 0; 0: 1
	MinWidth, MinHeight int        // the picture is scaled up to these; 0: not given
	Enlarge             bool       // above the size of the source
	Round               Rounding   // of a side that follows from the ratio

	Orient exif.Orientation // takes the place of EXIF's; 0: that of the file
	Crop   Crop             // part of the upright source; zero: all of it
	Trim   int              // edges that differ by so little are cut, 1 to 255, ExactTrim; negative: by the lower right corner; 0: none
	Angle  Hundredths       // degrees clockwise, below 360
	Flip   Flip

	Background Background
	Padding    Sides // pixels around the picture
	Radius     int   // of the corners, in pixels; maxRadius: as large as it can be
	Border     Border

	Effects   Effects
	Watermark Watermark
	Text      Text

	Format Format // of the result; NoFormat: the caller's default

	Quality     int        // 1 to 100; 0: the Resizer's
	AutoQuality Similarity // the least; 0: not asked for
	MaxBytes    int        // of the file; 0: any
	Lossless    bool
	Progressive bool
	Chroma      Chroma
	Page        int // the frame that is wanted, from 1; 0: all of them
	Animation   Animation
	Strip       Strip
	Profile     Profile
}

// DefaultMaxDimension is the largest Width and Height of parsed options where
// nothing else is said.
const DefaultMaxDimension = 3064

// A param is one parameter of a URL that changes pixels. Its kind reads and
// writes the value.
type param struct {
	name    string
	doc     string // what it does, one line without a full stop
	group   string // of the reference
	example string // a query that shows what it does, of sample or "name?query"; empty: nothing to see
	kind    kind
}

// Groups of the reference, in its order.
const (
	groupSize      = "Size"
	groupCrop      = "Crop and turn"
	groupEffects   = "Effects"
	groupGround    = "Background and frame"
	groupWatermark = "Watermark"
	groupText      = "Text"
	groupOutput    = "Output"
)

// params are in the order in which String writes them. A row adds the parameter
// to parsing, to the cache key and to the reference. Of two rows that set the
// same field the later one wins.
var params = slices.Concat(
	sizeParams,
	cropParams,
	effectParams,
	groundParams,
	watermarkParams,
	textParams,
	outputParams,
)

// Paints reports whether something is done to the pixels of a picture that has
// its size already.
func (o *Options) Paints() bool {
	return o.Background != Background{} || o.Radius != 0 || o.Border != Border{} ||
		(o.Effects != Effects{} && !o.Effects.OnlyGray()) || o.Watermark.Given() || o.Text.Text != ""
}

// A draft is options on their way out of a URL.
type draft struct {
	Options
	max       int        // the largest width and height
	dpr, zoom Hundredths // 0: not given
}

// finish makes options of a draft when all parameters are read: what says the
// same becomes the same.
func (d *draft) finish() Options {
	d.finishRatio()
	d.finishOverlays()
	d.finishDensity()
	return d.Options
}

// ParseQuery is [url.ParseQuery] that takes a percent sign without two digits
// behind it for what it is, as in crop=10%,10%,50%,50%. Pairs that cannot be
// read are left out.
func ParseQuery(query string) url.Values {
	values, _ := url.ParseQuery(strayPercent.ReplaceAllString(query, "%25$1"))
	return values
}

var strayPercent = regexp.MustCompile(`%([^0-9A-Fa-f]|[0-9A-Fa-f][^0-9A-Fa-f]|[0-9A-Fa-f]?$)`)

// Parse reads the options of a URL. get returns the first value of a
// parameter, "" if it is absent. Nothing is refused: what cannot be read
// counts as absent, and what is out of range is clamped: lengths to max pixels.
func Parse(get func(name string) string, max int) Options {
	return Explain(get, max, func(Note) {})
}

// A Verdict is what became of a parameter.
type Verdict uint8

const (
	Used       Verdict = iota
	Clamped            // was out of range
	Unreadable         // counts as absent
	Unknown            // no parameter has this name
	NotEnabled         // is something, but not here; counts as absent
)

func (v Verdict) String() string {
	return [...]string{"used", "clamped", "unreadable", "unknown", "not enabled"}[v]
}

// A Note says what became of one parameter.
type Note struct {
	Name, Value string // as they were given
	Verdict     Verdict
	// Used is the value as it was taken; "" if it counts as absent.
	Used string
	// Allowed is what the value might be, for one that counts as absent; "" if that is
	// not to be said.
	Allowed string
}

// String returns "w is clamped to 3064", say, or "fit is unreadable; it may be cover,
// contain".
func (n Note) String() string {
	s := n.Name + " is " + n.Verdict.String()
	if n.Verdict == Clamped {
		s += " to " + n.Used
	}
	if n.Allowed != "" {
		s += "; it may be " + n.Allowed
	}
	return s
}

// Explain is [Parse] that calls note for every parameter that
// has a value, in the order of the table. It does not know which other
// parameters there are: see [KnownParam].
func Explain(get func(name string) string, max int, note func(Note)) Options {
	d := draft{max: max}
	for i := range params {
		p := &params[i]
		if v := get(p.name); v != "" {
			n := Note{Name: p.name, Value: v, Verdict: p.kind.parse(&d, v)}
			n.Used = taken(p.kind, &d)
			if n.Verdict == Unreadable {
				n.Allowed = p.kind.values()
			}
			note(n)
		}
	}
	return d.finish()
}

// taken returns the value of a parameter that has just been read.
func taken(k kind, d *draft) string {
	if s, ok := k.(custom); ok && s.taken != nil {
		return s.taken(d)
	}
	return k.format(&d.Options)
}

// KnownParam reports whether Parse reads a parameter of that name.
func KnownParam(name string) bool {
	return slices.ContainsFunc(params, func(p param) bool { return p.name == name })
}

// String returns the options in the form of a URL's query, in a fixed order and
// without those that have their zero value: equal options give equal strings,
// different ones different strings.
func (o Options) String() string {
	var b strings.Builder
	for i := range params {
		p := &params[i]
		if v := p.kind.format(&o); v != "" {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(p.name + "=" + v)
		}
	}
	return b.String()
}

// A Param describes one parameter for the reference.
type Param struct {
	Name    string
	Doc     string // what it does
	Values  string // what it may be
	Group   string
	Sample  string // name of a picture that shows it
	Example string // and the query; empty: nothing to see
	Control Control
}

// defaultSample is the picture that shows what parameters do.
const defaultSample = "still-life.jpg"

// Params returns the parameters that Parse reads.
func Params() []Param {
	list := make([]Param, len(params))
	for i, p := range params {
		sample, example, ok := strings.Cut(p.example, "?")
		if !ok {
			sample, example = defaultSample, p.example
		}
		list[i] = Param{p.name, p.doc, p.kind.values(), p.group, sample, example, p.kind.control()}
	}
	return list
}
