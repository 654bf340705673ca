package options

import (
	"fmt"
	"strings"
)

var groundParams = []param{
	{"bg", "background, under what is transparent and around the picture: a colour, `auto` (the mean colour of the edge), `blur` (the picture itself, blurred)", groupGround, "w=120&h=120&fit=pad&bg=blur", custom{
		read:  readBackground,
		write: func(o *Options) string { return o.Background.String() },
		words: "`rrggbb`, `rrggbbaa`, auto, blur",
		form:  Control{Kind: ControlColor, Words: []string{"auto", "blur"}},
	}},
	{"padding", "pixels around the picture, which makes it larger: one number, or top, right, bottom and left", groupGround, "w=100&padding=10&bg=0b6bcb", custom{
		read:  readPadding,
		write: func(o *Options) string { return o.Padding.String() },
		words: "0 to `max_dimension`, or four of them with commas",
	}},
	{"radius", "round corners, in pixels; `max` gives a circle or a pill; what is cut off is transparent, in JPEG and BMP white or `bg`", groupGround, "w=120&h=120&radius=max", custom{
		read: func(d *draft, v string) (verdict Verdict) {
			if strings.EqualFold(v, "max") {
				d.Radius = MaxRadius
				return Used
			}
			d.Radius, verdict = parseLength(v, d.max)
			return verdict
		},
		write: func(o *Options) string {
			if o.Radius == MaxRadius {
				return "max"
			}
			return formatInt(o.Radius)
		},
		words: "pixels, or max",
		form:  Control{Kind: ControlNumber, Min: 1, Step: 1, Words: []string{"max"}},
	}},
	{"border", "a line inside of the edge: width in pixels and colour", groupGround, "w=120&radius=16&border=4,0b6bcb", custom{
		read:  readBorder,
		write: func(o *Options) string { return o.Border.String() },
		words: "`width,rrggbb` or `width,rrggbbaa`",
	}},
}

// MaxRadius stands for half of the shorter side.
const MaxRadius = -1

// A Border is a line inside of the edge of a picture; zero: none.
type Border struct {
	Width int // pixels
	Color Color
}

// String returns the value of the parameter, "" for none.
func (b Border) String() string {
	if b == (Border{}) {
		return ""
	}
	return fmt.Sprintf("%d,%v", b.Width, b.Color)
}

func readBorder(d *draft, v string) Verdict {
	left, right, two := strings.Cut(v, ",")
	width, verdict := parseLength(left, d.max)
	color, ok := parseColor(right)
	switch {
	case verdict == Unreadable || width > 0 && (!two || !ok):
		return Unreadable
	case width == 0 || color == 0:
		d.Border = Border{}
	default:
		d.Border = Border{width, color}
	}
	return verdict
}

// A Background is what lies under and around a picture; the zero value is
// nothing.
type Background struct {
	kind  uint8 // index of backgrounds
	color Color
}

const (
	noBackground = iota
	colorBackground
	autoBackground
	blurBackground
)

// Color returns the colour of a background that has only one.
func (b Background) Color() (c Color, ok bool) { return b.color, b.kind == colorBackground }

// Blurred reports whether the background is the picture itself.
func (b Background) Blurred() bool { return b.kind == blurBackground }

// String returns the value of the parameter, "" for none.
func (b Background) String() string {
	switch b.kind {
	case colorBackground:
		return b.color.String()
	case autoBackground:
		return "auto"
	case blurBackground:
		return "blur"
	}
	return ""
}

func readBackground(d *draft, v string) Verdict {
	switch strings.ToLower(v) {
	case "none":
		d.Background = Background{}
		return Used
	case "auto":
		d.Background = Background{kind: autoBackground}
		return Used
	case "blur":
		d.Background = Background{kind: blurBackground}
		return Used
	}
	c, ok := parseColor(v)
	if !ok {
		return Unreadable
	}
	d.Background = Background{colorBackground, c}
	if c == 0 {
		d.Background = Background{}
	}
	return Used
}

// Sides are pixels around a picture.
type Sides struct{ Top, Right, Bottom, Left int }

// String returns the value of the parameter, "" for none.
func (s Sides) String() string {
	switch {
	case s == Sides{}:
		return ""
	case s == Sides{s.Top, s.Top, s.Top, s.Top}:
		return formatInt(s.Top)
	}
	return fmt.Sprintf("%d,%d,%d,%d", s.Top, s.Right, s.Bottom, s.Left)
}

func readPadding(d *draft, v string) Verdict {
	parts := strings.Split(v, ",")
	var n [4]int
	worst := Used
	for i, p := range parts[:min(len(parts), 4)] {
		var verdict Verdict
		n[i], verdict = parseLength(strings.TrimSpace(p), d.max)
		worst = max(worst, verdict)
	}
	switch {
	case worst == Unreadable:
		return worst
	case len(parts) == 1:
		d.Padding = Sides{n[0], n[0], n[0], n[0]}
	case len(parts) == 4:
		d.Padding = Sides{n[0], n[1], n[2], n[3]}
	default:
		return Unreadable
	}
	return worst
}
