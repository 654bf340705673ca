package options

// A Watermark is a picture that is laid over another one; without a name there
// is none.
type Watermark struct {
	Name    string // in the configuration, or NoWatermark
	Gravity Gravity
	Scale   Hundredths // width in per cent of the picture's; 0: its own, or what fits
	Opacity Hundredths // per cent; 0: 100
	Tile    bool       // all over the picture
}

// NoWatermark is the name of no watermark, where somebody else than who asks
// could name one: the picture itself.
const NoWatermark = "none"

// Given reports whether there is a watermark.
func (w Watermark) Given() bool { return w.Name != "" && w.Name != NoWatermark }

const maxNameBytes = 64 // of a watermark or a font

var watermarkParams = []param{
	{"wm", "watermark, by its name in the configuration; `none` for none, whatever the picture says about itself", groupWatermark, "w=120&wm=logo", text{func(o *Options) *string { return &o.Watermark.Name }, maxNameBytes, "a name"}},
	{"wmg", "where it lies; a focal point is its middle", groupWatermark, "w=120&wm=logo&wmg=se&wms=40", custom{
		read:  func(d *draft, v string) Verdict { return readGravity(&d.Watermark.Gravity, v, gravitySmart) },
		write: func(o *Options) string { return o.Watermark.Gravity.String() },
		words: positions,
		form:  positionChoice(gravities[:gravitySmart]),
	}},
	{"wms", "its width in per cent of the picture's; without it, its own size or what fits", groupWatermark, "w=120&wm=logo&wms=50", decimal{field: func(o *Options) *Hundredths { return &o.Watermark.Scale }, min: 1, max: 100}},
	{"wmo", "its opacity in per cent", groupWatermark, "w=120&wm=logo&wmo=40&wms=80", decimal{field: func(o *Options) *Hundredths { return &o.Watermark.Opacity }, min: 1, max: 100, neutral: 10000}},
	{"wmt", "repeat it all over the picture", groupWatermark, "w=120&wm=logo&wms=30&wmt=true&wmo=50", toggle{func(o *Options) *bool { return &o.Watermark.Tile }}},
}

// positions are the values of a gravity that does not look.
const positions = "center, n, ne, e, se, s, sw, w, nw, `fp:x:y`"

// finishOverlays forgets what belongs to a watermark or a text if there is
// none.
func (d *draft) finishOverlays() {
	if !d.Watermark.Given() {
		d.Watermark = Watermark{Name: d.Watermark.Name}
	}
	if d.Text.Text == "" {
		d.Text = Text{}
	}
}
