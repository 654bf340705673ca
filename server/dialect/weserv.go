package dialect

import (
	"image"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"s3imageserver/resize"
)

// weserv is what its URLs say about sizes.
type weserv struct {
	Width, Height weservLength
	DPR           float64
	Fit           string // inside, outside, cover, fill, contain
	NoEnlarge     bool
	Gravity       string          // ours
	Crop          [4]weservLength // x, y, width, height
	Cropped       bool
	First         bool // the crop comes before the size
	Turn          int
	Angle         float64
	Flip          flip
	Black         bool // what contain leaves is black
}

// A weservLength is in pixels, or in per cent of a side; one that is not given
// is zero.
type weservLength struct {
	N       float64
	Percent bool
	Given   bool
}

// of returns a length in pixels.
func (l weservLength) of(side int) int {
	v := l.N
	if l.Percent {
		v *= float64(side) / 100
	}
	return halfUp(math.Max(-longest, math.Min(longest, v)))
}

var weservLengthRE = regexp.MustCompile(`^(-?\d+(?:\.\d+)?)(%)?$`)

func readWeserv(text string) (l weservLength) {
	m := weservLengthRE.FindStringSubmatch(text)
	if m == nil || !number(&l.N, m[1], -1e9, 1e9) {
		return weservLength{}
	}
	l.Percent, l.Given = m[2] != "", true
	return l
}

// weservAliases are other and older names of parameters.
var weservAliases = map[string]string{"width": "w", "height": "h", "align": "a", "quality": "q", "pages": "n", "level": "l", "lossless": "ll",
	"shape": "mask", "strim": "mtrim", "or": "ro"}

// weservFits are older names of fits, and whether they enlarge nothing.
var weservFits = map[string]struct {
	fit       string
	noEnlarge bool
}{
	"fit": {"inside", true}, "fitup": {"inside", false}, "square": {"cover", false}, "squaredown": {"cover", true}, "absolute": {"fill", false},
	"letterbox": {"contain", false},
}

// parseWeserv reads ?url=&name=value.
func parseWeserv(d *Dialect, c *Call, r *Request) *Fault {
	if len(c.Query) > maxPathBytes {
		return &Fault{Cause: BadURL, Text: "the URL is too long"}
	}
	p := map[string]string{}
	for pair := range strings.SplitSeq(c.Query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			continue
		}
		if long, ok := weservAliases[name]; ok {
			name = long
		}
		if _, ok := p[name]; !ok && len(p) < maxParams { // the first counts
			p[name] = value
		}
	}
	text := p["url"]
	if rest, ok := strings.CutPrefix(text, "ssl:"); ok {
		text = "https://" + rest
	}
	if text == "" {
		return &Fault{Cause: BadURL, Text: "Unable to parse URI: url is missing"}
	}
	var f *Fault
	if r.Source, f = d.source(text, "http://"); f != nil {
		if f.Cause == BadURL {
			f.Text = "Unable to parse URI"
		}
		return f
	}
	w := weserv{DPR: 1, Fit: "inside"}
	w.read(p)
	weservLook(p, r.params)
	if w.Fit == "contain" && r.params.get("bg") == "" {
		w.Black = true
	}
	if f := weservOutput(d, p, r); f != nil {
		return f
	}
	r.shape = w
	return nil
}

// set reports whether a switch is on: given, and neither false nor 0.
func set(p map[string]string, name string) bool {
	v, ok := p[name]
	return ok && v != "false" && v != "0"
}

func (w *weserv) read(p map[string]string) {
	for name, to := range map[string]*weservLength{"w": &w.Width, "h": &w.Height} {
		if l := readWeserv(p[name]); l.N > 0 {
			*to = l
		}
	}
	if v := 1.0; number(&v, p["dpr"], 1, 8) {
		w.DPR = v
	}
	w.NoEnlarge = set(p, "we")
	if old, ok := weservFits[p["t"]]; ok {
		w.Fit, w.NoEnlarge = old.fit, w.NoEnlarge || old.noEnlarge
	}
	switch p["fit"] {
	case "inside", "outside", "cover", "fill", "contain":
		w.Fit = p["fit"]
	}
	w.align(p)
	for i, name := range []string{"cx", "cy", "cw", "ch"} {
		if _, ok := p[name]; ok {
			w.Crop[i], w.Cropped = readWeserv(p[name]), true
		}
	}
	if parts := strings.Split(p["crop"], ","); len(parts) == 4 && !w.Cropped {
		for i, n := range []int{2, 3, 0, 1} { // the old form has the size first
			w.Crop[i], w.Cropped = readWeserv(parts[n]), true
		}
	}
	w.First = w.Cropped && set(p, "precrop")
	if n, err := strconv.Atoi(p["ro"]); err == nil {
		w.Turn, w.Angle = quarters(float64(n % 360))
	}
	w.Flip = flip{h: set(p, "flop"), v: set(p, "flip")}
}

func (w *weserv) align(p map[string]string) {
	switch a := p["a"]; a {
	case "entropy":
		w.Gravity = "entropy"
	case "attention":
		w.Gravity = "smart"
	case "t", "top":
		w.Gravity = "n"
	case "b", "bottom":
		w.Gravity = "s"
	case "l", "left":
		w.Gravity = "w"
	case "r", "right":
		w.Gravity = "e"
	case "top-left", "top-right", "bottom-left", "bottom-right":
		v, h, _ := strings.Cut(a, "-")
		w.Gravity = map[string]string{"top": "n", "bottom": "s"}[v] + map[string]string{"left": "w", "right": "e"}[h]
	case "focal":
		x, y := 0.5, 0.5
		number(&x, p["fpx"], 0, 1)
		number(&y, p["fpy"], 0, 1)
		w.Gravity = fpGravity(x, y)
	default:
		parts := strings.Split(a, "-")
		var x, y float64
		if len(parts) == 3 && (parts[0] == "focal" || parts[0] == "crop") && number(&x, parts[1], 0, 100) && number(&y, parts[2], 0, 100) {
			w.Gravity = fpGravity(x/100, y/100)
		}
	}
}

func (w weserv) settle(p Picture, _ *Limits) (layout, *Fault) {
	l := whole(p.size())
	if w.First {
		w.turned(&l)
		l.cropTurned(w.cropped(l.full))
		w.sized(&l)
	} else {
		w.sized(&l)
		if w.Cropped {
			r := w.cropped(l.cut.Size())
			l.cut = r.Add(l.cut.Min)
		}
	}
	if w.Fit == "contain" {
		if box := turned(w.box(p.size()), w.Turn); box.X > 0 && box.Y > 0 {
			l.centred(box)
			if w.Black && !p.Alpha {
				l.ground = "000000"
			}
		}
	}
	if w.Angle != 0 && l.cut.Size() != l.full {
		l.settleCut()
	}
	l.angle = w.Angle
	return l, nil
}

// cropTurned keeps a part of a picture that has been turned, but not scaled.
func (l *layout) cropTurned(r image.Rectangle) {
	l.part = unturned(r, l.full, l.turn, l.flip).Add(l.part.Min)
	l.scale(r.Size())
}

// settleCut makes what is cut off a part of the source, in whole pixels of it.
func (l *layout) settleCut() {
	if l.gravity != "" {
		return
	}
	size := l.cut.Size()
	l.part = l.kept()
	l.scale(size)
}

func (w *weserv) turned(l *layout) {
	l.rotate(w.Turn)
	l.mirror(w.Flip)
}

// box returns the box in pixels, before any turn; 0 for a side that is not
// given.
func (w *weserv) box(src image.Point) image.Point {
	side := func(v weservLength, whole int) int {
		switch {
		case !v.Given:
			return 0
		case v.Percent:
			return max(1, min(longest, v.of(whole)))
		}
		return rounding(halfUp).one(v.N * w.DPR)
	}
	return image.Pt(side(w.Width, src.X), side(w.Height, src.Y))
}

// sized scales a picture, turns it, and cuts it to the box.
func (w *weserv) sized(l *layout) {
	near := rounding(halfUp)
	src := l.full
	asked := w.box(src)
	box := follow(src, asked, near)
	if asked == (image.Point{}) {
		if !w.First {
			w.turned(l)
		}
		return
	}
	size := within(src, box, near)
	switch w.Fit {
	case "cover", "outside":
		size = around(src, box, near)
	case "fill":
		size = nonZero(asked, src)
	}
	if w.NoEnlarge && !smaller(size, src) {
		size = src
		if w.Fit == "fill" {
			size = least(nonZero(asked, src), src)
		}
	}
	l.scale(size)
	if !w.First {
		w.turned(l)
		box = turned(box, w.Turn)
	}
	if w.Fit == "cover" {
		l.keep(least(box, l.full), w.Gravity)
	}
}

// cropped returns the part that is cut out. A place outside of the picture is
// 0, and a size that is none is all the rest.
func (w *weserv) cropped(size image.Point) image.Rectangle {
	x, y := w.Crop[0].of(size.X), w.Crop[1].of(size.Y)
	if x < 0 || x >= size.X {
		x = 0
	}
	if y < 0 || y >= size.Y {
		y = 0
	}
	side := func(l weservLength, whole, at int) int {
		n := l.of(whole)
		if !l.Given || n <= 0 || n > whole-at {
			return whole - at
		}
		return n
	}
	return image.Rect(x, y, x+side(w.Crop[2], size.X, x), y+side(w.Crop[3], size.Y, y))
}

// weservLook reads what changes colours and edges.
func weservLook(p map[string]string, q params) {
	value := func(name, ours string, low, high float64, make func(float64) float64) {
		var v float64
		if number(&v, p[name], low, high) {
			q.set(ours, make(v))
		}
	}
	same := func(v float64) float64 { return v }
	factor := func(v float64) float64 { return min(100, (v-1)*100) }
	for _, name := range []string{"mbg", "rbg", "cbg", "bg"} { // the last one wins
		text := strings.ToLower(p[name])
		if c, ok := namedColor(text); ok {
			q.set("bg", c)
		} else if c, ok := argbColor(text); ok {
			q.set("bg", c)
		}
	}
	if v, ok := p["blur"]; ok && v == "" {
		q.set("blur", 1)
	}
	value("blur", "blur", 0.3, 1000, same)
	if v, ok := p["sharp"]; ok && v == "" {
		q.set("sharpen", 1)
	}
	value("sharp", "sharpen", 0.1, 1e6, same)
	value("con", "con", -100, 100, same)
	if v, ok := p["gam"]; ok && v == "" {
		q.set("gam", 2.2)
	}
	value("gam", "gam", 1, 3, same)
	value("sat", "sat", 0, 1e6, factor)
	value("hue", "hue", -1e6, 1e6, same)
	value("bri", "bri", -100, 100, same)
	if parts := strings.Split(p["mod"], ","); len(parts) == 3 {
		var b, s, h float64
		if number(&b, parts[0], 0, 1e6) && number(&s, parts[1], 0, 1e6) && number(&h, parts[2], -1e6, 1e6) {
			q.set("bri", max(-100, min(100, (b-1)*50)))
			q.set("sat", factor(s))
			q.set("hue", h)
		}
	}
	switch p["filt"] {
	case "greyscale":
		q.set("gray", true)
	case "sepia":
		q.set("sepia", 100)
	case "negate":
		q.set("invert", true)
	case "duotone":
		dark, ok1 := argbColor(orText(p["start"], "c83658"))
		light, ok2 := argbColor(orText(p["stop"], "d8e74f"))
		if ok1 && ok2 {
			q.set("duotone", dark[:6]+","+light[:6])
		}
	}
	if c, ok := argbColor(strings.ToLower(p["tint"])); ok {
		q.set("tint", c)
	}
	if v, ok := p["trim"]; ok {
		n := 10.0
		number(&n, v, 1, 254)
		q.set("trim", n)
	}
	if p["mask"] == "circle" || p["mask"] == "ellipse" {
		q.set("radius", "max")
	}
}

// weservOutput reads what is about the file.
func weservOutput(d *Dialect, p map[string]string, r *Request) *Fault {
	q := r.params
	if p["encoding"] == "base64" {
		return &Fault{Cause: BadOption, Text: "encoding=base64 is not offered"}
	}
	switch o := p["output"]; o {
	case "jpg", "png", "webp", "gif", "tiff":
		r.format.format = resize.FormatByName(o)
	case "jxl", "avif":
		return &Fault{Cause: Unwritable, Text: o + " is not written"}
	case "json":
		return &Fault{Cause: NotOffered, Text: "output=json is not offered"}
	}
	var n float64
	if number(&n, p["q"], 1, 100) {
		r.format.quality = int(n)
	}
	if set(p, "ll") {
		q.set("lossless", true)
	}
	if set(p, "il") {
		q.set("progressive", true)
	}
	q.set("anim", p["n"] == "-1")
	if number(&n, p["page"], 0, 9998) {
		q.set("page", int(n)+1)
	}
	if text, ok := p["maxage"]; ok {
		r.Delivery.MaxAge = weservAge(text)
	}
	if name := p["filename"]; name != "" {
		r.Delivery.Disposition, r.Delivery.FileName = "inline", name+".*"
	}
	return nil
}

var weservAgeRE = regexp.MustCompile(`^(\d{1,4})([dwMy])$`)

const (
	day  = 24 * 60 * 60
	year = 365 * day
)

// weservAge reads a time of one day to one year; anything else is a year.
func weservAge(text string) int {
	m := weservAgeRE.FindStringSubmatch(text)
	if m == nil {
		return year
	}
	n, _ := strconv.Atoi(m[1]) // digits
	n *= map[string]int{"d": day, "w": 7 * day, "M": 30 * day, "y": year}[m[2]]
	if n < day || n > year {
		return year
	}
	return n
}
