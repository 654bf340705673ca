package options

import (
	"slices"
	"strings"
)

// A Text is written over a picture; without one there is none.
type Text struct {
	Text    string // lines are separated by \n; long ones are wrapped
	Font    string // name; "": the regular one
	Size    int    // height of a line's letters in pixels; 0: a tenth of the shorter side
	Color   Color  // 0: white
	Gravity Gravity
}

// BuiltInFonts are those of the built-in fonts; the first one is used where no
// other is known.
var BuiltInFonts = []string{"regular", "bold", "italic", "bolditalic", "medium", "mono", "monobold", "smallcaps"}

// KnownFont reports whether there is a built-in font of that name.
func KnownFont(name string) bool { return slices.Contains(BuiltInFonts, name) }

const (
	maxTextBytes = 400
	MinTextSize  = 4
	maxTextSize  = 500
)

var textParams = []param{
	{"txt", "text over the picture; long lines are wrapped", groupText, "w=120&txt=Still life", text{func(o *Options) *string { return &o.Text.Text }, maxTextBytes, "text"}},
	{"txtfont", "its font: " + strings.Join(BuiltInFonts, ", ") + ", or one of the configuration", groupText, "w=120&txt=Still life&txtfont=bold", text{func(o *Options) *string { return &o.Text.Font }, maxNameBytes, "a name"}},
	{"txtsize", "its size in pixels; without it, a tenth of the shorter side", groupText, "w=120&txt=Still life&txtsize=24", custom{
		read: func(d *draft, v string) Verdict {
			n, verdict := parseDecimal(v, MinTextSize, maxTextSize)
			d.Text.Size = int(n / 100)
			return verdict
		},
		write: func(o *Options) string { return formatInt(o.Text.Size) },
		words: "4 to 500",
		form:  scaleOf(4, 200),
	}},
	{"txtcolor", "its colour; without it, white", groupText, "w=120&txt=Still life&txtsize=20&txtcolor=ffd86b", colorValue{func(o *Options) *Color { return &o.Text.Color }}},
	{"txtg", "where it stands", groupText, "w=120&txt=Still life&txtsize=16&txtg=se", custom{
		read:  func(d *draft, v string) Verdict { return readGravity(&d.Text.Gravity, v, gravitySmart) },
		write: func(o *Options) string { return o.Text.Gravity.String() },
		words: positions,
		form:  positionChoice(gravities[:gravitySmart]),
	}},
}
