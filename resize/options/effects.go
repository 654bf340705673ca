package options

import "strings"

// Effects change the colours of a picture, after resizing. The zero value
// changes none. They are done in the order of the fields.
type Effects struct {
	Brightness Hundredths // per cent of the range of a channel, added
	Contrast   Hundredths // per cent more of the distance to middle grey
	Gamma      Hundredths // brightens above 1; 0: 1
	Saturation Hundredths // per cent more of the distance to grey
	Hue        Hundredths // degrees, below 360
	Gray       bool
	Sepia      Hundredths // per cent
	Tint       Color      // takes the place of all colours; its alpha is how much
	Duotone    Duotone
	Invert     bool
	Pixelate   int        // side of a block in pixels; 0: none
	Blur       Hundredths // standard deviation in pixels
	Sharpen    Hundredths // standard deviation of the unsharp mask in pixels
	Bitonal    bool       // black and white only
}

// OnlyGray reports whether all that is asked for is to leave out the colours.
func (e Effects) OnlyGray() bool { return e == Effects{Gray: true} }

// OnlySharpens reports whether nothing else is asked for.
func (e Effects) OnlySharpens() bool { return e.Sharpen != 0 && e == Effects{Sharpen: e.Sharpen} }

// Duotone has the colours that black and white become; zero: none.
type Duotone struct{ Dark, Light Color }

var effectParams = []param{
	{"bri", "brightness, more or less", groupEffects, "w=120&bri=25", decimal{field: func(o *Options) *Hundredths { return &o.Effects.Brightness }, min: -100, max: 100}},
	{"con", "contrast, more or less", groupEffects, "w=120&con=40", decimal{field: func(o *Options) *Hundredths { return &o.Effects.Contrast }, min: -100, max: 100}},
	{"gam", "gamma: above 1 brightens the dark parts, below 1 darkens them", groupEffects, "w=120&gam=1.8", decimal{field: func(o *Options) *Hundredths { return &o.Effects.Gamma }, min: 0.1, max: 10, neutral: 100}},
	{"sat", "saturation, more or less; -100 is grey", groupEffects, "w=120&sat=60", decimal{field: func(o *Options) *Hundredths { return &o.Effects.Saturation }, min: -100, max: 100}},
	{"hue", "turn all colours around the colour wheel, by degrees", groupEffects, "w=120&hue=90", custom{
		read: func(d *draft, v string) (verdict Verdict) {
			d.Effects.Hue, verdict = parseAngle(v)
			return verdict
		},
		write: func(o *Options) string { return formatHundredths(o.Effects.Hue) },
		words: "degrees, any number",
		form:  scaleOf(0, 359),
	}},
	{"gray", "shades of grey", groupEffects, "w=120&gray=true", toggle{func(o *Options) *bool { return &o.Effects.Gray }}},
	{"sepia", "the brown of old photographs, in per cent", groupEffects, "w=120&sepia=100", decimal{field: func(o *Options) *Hundredths { return &o.Effects.Sepia }, min: 1, max: 100}},
	{"tint", "one colour in place of all others, light and dark as before; the alpha is how much of it", groupEffects, "w=120&tint=0b6bcb", colorValue{func(o *Options) *Color { return &o.Effects.Tint }}},
	{"duotone", "two colours in place of black and white", groupEffects, "w=120&duotone=2b1055,ffd86b", custom{
		read:  readDuotone,
		write: func(o *Options) string { return o.Effects.Duotone.String() },
		words: "`rrggbb,rrggbb`",
	}},
	{"invert", "the negative", groupEffects, "w=120&invert=true", toggle{func(o *Options) *bool { return &o.Effects.Invert }}},
	{"pixelate", "blocks of one colour, so many pixels wide", groupEffects, "w=120&pixelate=8", custom{
		read: func(d *draft, v string) Verdict {
			n, verdict := parseDecimal(v, 2, 1000)
			d.Effects.Pixelate = int(n / 100)
			return verdict
		},
		write: func(o *Options) string { return formatInt(o.Effects.Pixelate) },
		words: "2 to 1000",
		form:  scaleOf(2, 100),
	}},
	{"blur", "blur by a Gaussian of that standard deviation, in pixels", groupEffects, "w=120&blur=3", decimal{field: func(o *Options) *Hundredths { return &o.Effects.Blur }, min: 0.3, max: maxBlur}},
	{"sharpen", "sharpen luma by an unsharp mask of that standard deviation, in pixels", groupEffects, "w=120&sharpen=1", decimal{field: func(o *Options) *Hundredths { return &o.Effects.Sharpen }, min: 0.1, max: maxSharpen}},
	{"bitonal", "black and white only: what is lighter than middle grey is white", groupEffects, "w=120&bitonal=true", toggle{func(o *Options) *bool { return &o.Effects.Bitonal }}},
}

// Beyond these there is nothing left to see.
const (
	maxBlur    = 250
	maxSharpen = 10
)

func readDuotone(d *draft, v string) Verdict {
	if v == "0" {
		d.Effects.Duotone = Duotone{}
		return Used
	}
	left, right, two := strings.Cut(v, ",")
	dark, ok1 := parseColor(left)
	light, ok2 := parseColor(right)
	if !two || !ok1 || !ok2 {
		return Unreadable
	}
	d.Effects.Duotone = Duotone{dark | 0xff, light | 0xff}
	return Used
}

// String returns the value of the parameter, "" for none.
func (d Duotone) String() string {
	if d == (Duotone{}) {
		return ""
	}
	return d.Dark.String() + "," + d.Light.String()
}
