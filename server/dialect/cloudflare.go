package dialect

import (
	"image"
	"math"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
)

// cloudflare is what its URLs say about sizes.
type cloudflare struct {
	Width, Height int
	Fit           string
	Gravity       string // ours
	DPR           float64
	Trim          [4]int // from the top, right, bottom, left
	TrimBox       [2]int // size of what stays, from the left and top of Trim; 0: to the end
	Turn          int
	Flip          flip // before turning
}

const cloudflarePath = "/cdn-cgi/image/"

const maxCloudflareOptions = 64

// parseCloudflare reads /cdn-cgi/image/OPTIONS/SOURCE.
func parseCloudflare(d *Dialect, c *Call, r *Request) *Fault {
	// The same pictures have URLs of both forms: where those of delivery are
	// signed, the others must be no way around that.
	if d.Signed() {
		if f := d.cloudflareSigned(c, r); f != nil {
			return f
		}
	}
	rest, ok := strings.CutPrefix(c.Path, cloudflarePath)
	if !ok {
		return d.cloudflareDelivery(c, r)
	}
	options, source, ok := strings.Cut(rest, "/")
	if !ok || options == "" || source == "" {
		return &Fault{Cause: BadURL, Text: "the URL has no options or no source"}
	}
	if strings.HasPrefix("/"+source, cloudflarePath) || strings.Contains(source, "://") && strings.Contains(source, cloudflarePath) {
		return &Fault{Cause: Loop}
	}
	cf := cloudflare{Fit: "scale-down", DPR: 1}
	if f := cf.options(d, c, r, options); f != nil {
		return f
	}
	return cf.finish(d, c, r, source)
}

// cloudflareDelivery reads /ACCOUNT/ID/VARIANT, where the variant is a preset or
// options.
func (d *Dialect) cloudflareDelivery(c *Call, r *Request) *Fault {
	path := strings.TrimPrefix(strings.TrimPrefix(c.Path, "/"), "cdn-cgi/imagedelivery/")
	parts := strings.Split(path, "/")
	if len(parts) < 3 || len(d.config.Presets) == 0 {
		return &Fault{Cause: NoSource, Text: "there is nothing but " + cloudflarePath}
	}
	variant := parts[len(parts)-1]
	options, ok := d.config.Presets[variant]
	if !ok {
		options = variant
		if !strings.Contains(variant, "=") {
			return &Fault{Cause: NoSource, Text: "there is no such variant"}
		}
	}
	cf := cloudflare{Fit: "scale-down", DPR: 1}
	if f := cf.options(d, c, r, "format=auto,"+options); f != nil {
		return f
	}
	return cf.finish(d, c, r, strings.Join(parts[1:len(parts)-1], "/"))
}

// cloudflareSigned checks the signature of a URL, and its end, and leaves of the
// query what is the source's.
func (d *Dialect) cloudflareSigned(c *Call, r *Request) *Fault {
	query, signature := cutSignature(c.Query, "sig")
	signed := c.Path
	if query != "" {
		signed += "?" + query
	}
	if !d.keys.cloudflare(signature, signed) {
		return &Fault{Cause: BadSignature}
	}
	for pair := range strings.SplitSeq(query, "&") {
		text, ok := strings.CutPrefix(pair, "exp=")
		if n, err := strconv.ParseInt(text, 10, 64); ok && err == nil {
			if r.Delivery.Expires = time.Unix(n, 0); r.Delivery.Expires.Before(c.Now) {
				return &Fault{Cause: Expired}
			}
		}
	}
	c.Query = withoutEnd(query)
	return nil
}

// withoutEnd returns a query without the end of a signature.
func withoutEnd(query string) string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(pair, "exp=") {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

func (cf *cloudflare) finish(d *Dialect, c *Call, r *Request, source string) *Fault {
	source = mend(source)
	if isWeb(source) {
		if c.Query != "" {
			source += "?" + c.Query
		}
	} else if plain, err := unescape(source); err == nil {
		source = plain
	}
	var f *Fault
	if r.Source, f = d.source(source, ""); f != nil {
		return f
	}
	if r.format.quality == 100 && r.format.format == resize.WebP {
		r.params.set("lossless", true)
	}
	if r.params.get("strip") == "" {
		r.params.set("strip", "copyright")
	}
	r.shape = *cf
	return nil
}

// cloudflareAliases are the short names.
var cloudflareAliases = map[string]string{"w": "width", "h": "height", "g": "gravity", "q": "quality", "f": "format", "scq": "slow-connection-quality"}

func (cf *cloudflare) options(d *Dialect, c *Call, r *Request, text string) *Fault {
	list := strings.Split(text, ",")
	if len(list) > maxCloudflareOptions {
		return &Fault{Cause: BadURL, Text: "there are too many options"}
	}
	// Colours have commas of their own, but only escaped ones.
	for _, o := range list {
		name, value, ok := strings.Cut(o, "=")
		value, err := unescape(value)
		if !ok || err != nil {
			return &Fault{Cause: BadURL, Text: "an option is not name=value"}
		}
		if long, is := cloudflareAliases[name]; is {
			name = long
		}
		switch read, known := cf.option(d, c, r, name, value); {
		case !known && d.config.Lenient:
		case !known:
			return &Fault{Cause: BadOption, Text: "there is no option " + strconv.Quote(name)}
		case !read:
			return &Fault{Cause: BadOption, Text: "option " + strconv.Quote(name) + " cannot be read"}
		}
	}
	return nil
}

// cloudflareFits are ours for theirs, where there is one.
var cloudflareFits = []string{"scale-down", "contain", "cover", "crop", "aspect-crop", "pad", "squeeze", "scale-up"}

// option reads one option.
func (cf *cloudflare) option(d *Dialect, c *Call, r *Request, name, value string) (read, known bool) {
	q := r.params
	n, err := strconv.ParseFloat(value, 64)
	numeric := err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
	in := func(low, high float64) bool { return numeric && n >= low && n <= high }
	whole := func(to *int) bool {
		*to = int(min(n, longest))
		return in(0, math.MaxInt32) && n == math.Trunc(n)
	}
	switch name {
	case "width", "height":
		to := &cf.Width
		if name == "height" {
			to = &cf.Height
		}
		if value == "auto" {
			*to = 0
			if name == "width" {
				*to = c.Width
			}
			return true, true
		}
		return whole(to) && n > 0, true
	case "dpr":
		cf.DPR = min(n, 3)
		return in(math.SmallestNonzeroFloat64, 100), true
	case "fit":
		cf.Fit = value
		for _, f := range cloudflareFits {
			read = read || f == value
		}
		return read, true
	case "gravity":
		return cf.gravity(value), true
	case "trim":
		parts := strings.Split(value, ";")
		if value == "border" {
			q.set("trim", 10)
			return true, true
		}
		if len(parts) != 4 {
			return false, true
		}
		for i, p := range parts {
			if p == "" || !length(&cf.Trim[i], p) {
				return false, true
			}
		}
		return true, true
	case "trim.top":
		return whole(&cf.Trim[0]), true
	case "trim.left":
		return whole(&cf.Trim[3]), true
	case "trim.width":
		return whole(&cf.TrimBox[0]), true
	case "trim.height":
		return whole(&cf.TrimBox[1]), true
	case "rotate":
		cf.Turn = int(n) / 90 % 4
		return value == "0" || value == "90" || value == "180" || value == "270" || value == "360", true
	case "flip":
		cf.Flip = flip{strings.Contains(value, "h"), strings.Contains(value, "v")}
		return value == "h" || value == "v" || value == "hv" || value == "vh", true
	case "background":
		color, ok := cssColor(value)
		q.set("bg", color)
		return ok, true
	case "brightness", "contrast", "saturation":
		return cloudflareColour(q, name, n, in(0, 1e6)), true
	case "gamma":
		if n > 0 {
			q.set("gam", n)
		}
		return in(0, 1e6), true
	case "blur":
		q.set("blur", n)
		return in(1, 250), true
	case "sharpen":
		if n > 0 {
			q.set("sharpen", n)
		}
		return in(0, 10), true
	case "quality":
		words := map[string]int{"high": 90, "medium-high": 80, "medium-low": 60, "low": 45}
		r.format.quality = words[value]
		if r.format.quality == 0 {
			r.format.quality = int(n)
			return in(1, 100), true
		}
		return true, true
	case "slow-connection-quality":
		return in(1, 100) || value == "low" || value == "medium-low" || value == "medium-high" || value == "high", true
	case "format":
		return cloudflareFormat(d, c, r, value), true
	case "compression":
		if value == "fast" {
			r.format.format = resize.JPEG
		}
		return value == "fast", true
	case "anim":
		q.set("anim", value != "false")
		return value == "true" || value == "false", true
	case "metadata":
		q.set("strip", map[string]string{"none": "all", "copyright": "copyright", "keep": "none"}[value])
		return value == "none" || value == "copyright" || value == "keep", true
	case "onerror":
		return value == "redirect", true
	case "upscale", "zoom", "face-zoom":
		return true, true
	}
	return false, false
}

// cloudflareColour reads a factor, of which 1 changes nothing.
func cloudflareColour(q params, name string, v float64, ok bool) bool {
	switch {
	case !ok:
	case name == "saturation":
		q.set("sat", min(100, (v-1)*100))
	case v == 0: // is ignored
	case name == "contrast":
		q.set("con", min(100, (v-1)*100))
	default:
		q.set("bri", max(-100, min(100, (v-1)*50)))
	}
	return ok
}

func cloudflareFormat(d *Dialect, c *Call, r *Request, value string) bool {
	r.format.format, r.Delivery.Vary = resize.NoFormat, false
	delete(r.params, "progressive")
	switch value {
	case "auto":
		r.format.format, r.Delivery.Vary = negotiated(c.Accept, &d.limits, true)
	case "avif", "webp", "png":
		f := resize.FormatByName(value)
		if !d.limits.writes(f) {
			return false
		}
		r.format.format = f
	case "jpeg":
		r.format.format = resize.JPEG
		r.params.set("progressive", true)
	case "baseline-jpeg":
		r.format.format = resize.JPEG
	default:
		return false
	}
	return true
}

func (cf *cloudflare) gravity(value string) bool {
	switch value {
	case "left", "right", "top", "bottom":
		cf.Gravity = map[string]string{"left": "w", "right": "e", "top": "n", "bottom": "s"}[value]
	case "center":
		cf.Gravity = ""
	case "auto", "face":
		cf.Gravity = "smart"
	default:
		x, y, ok := strings.Cut(value, "x")
		var fx, fy float64
		if !ok || !number(&fx, x, 0, 1) || !number(&fy, y, 0, 1) {
			return false
		}
		cf.Gravity = fpGravity(fx, fy)
	}
	return true
}

// fpGravity writes a focal point.
func fpGravity(x, y float64) string {
	return "fp:" + strconv.FormatFloat(x, 'f', -1, 64) + ":" + strconv.FormatFloat(y, 'f', -1, 64)
}

// focus returns the focal point of a gravity of ours.
func focus(g string) (x, y float64) {
	if text, ok := strings.CutPrefix(g, "fp:"); ok {
		sx, sy, _ := strings.Cut(text, ":")
		x, _ = strconv.ParseFloat(sx, 64) // fpGravity wrote them
		y, _ = strconv.ParseFloat(sy, 64)
		return x, y
	}
	for _, c := range compass {
		if c.word == g {
			return c.x, c.y
		}
	}
	return 0.5, 0.5
}

// looks reports whether a gravity is found in the picture.
func looks(g string) bool { return g == "smart" || g == "entropy" }

// keep cuts a layout to a size at a gravity of ours.
func (l *layout) keep(size image.Point, g string) {
	x, y := focus(g)
	l.cutAt(size, x, y)
	if looks(g) && l.cut.Size() != l.full {
		l.gravity = g
	}
}

func (cf cloudflare) settle(p Picture, _ *Limits) (layout, *Fault) {
	l := whole(p.size())
	if f := cf.trim(&l); f != nil {
		return l, f
	}
	l.turn, l.flip = cf.Turn, cf.Flip.after(cf.Turn)
	l.scale(turned(l.part.Size(), l.turn))
	src := l.full
	near := rounding(halfUp)
	side := func(n int) int {
		if n == 0 {
			return 0
		}
		return near.one(float64(n) * cf.DPR)
	}
	box := image.Pt(side(cf.Width), side(cf.Height))
	if box == (image.Point{}) {
		return l, nil
	}
	one := box.X == 0 || box.Y == 0
	box = follow(src, box, halfUp)
	switch cf.Fit {
	case "contain", "pad":
		l.scale(within(src, box, near))
		if cf.Fit == "pad" && !one {
			l.centred(box)
		}
	case "scale-up":
		if size := within(src, box, near); !smaller(size, src) {
			l.scale(size)
		}
	case "squeeze":
		l.scale(box)
	case "cover":
		l.scale(around(src, box, near))
		l.keep(box, cf.Gravity)
	case "crop", "aspect-crop":
		l.scale(coverDown(src, box, near))
		size := least(box, l.full)
		if cf.Fit == "aspect-crop" {
			size = ratioIn(l.full, box, near)
		}
		l.keep(size, cf.Gravity)
	default:
		if size := within(src, box, near); smaller(size, src) {
			l.scale(size)
		}
	}
	return l, nil
}

// coverDown returns the size of a picture that covers a box, if that does not
// enlarge it; else its own.
func coverDown(src, box image.Point, r rounding) image.Point {
	if size := around(src, box, r); smaller(size, src) {
		return size
	}
	return src
}

// ratioIn returns the largest size of the ratio of a box that lies in both.
func ratioIn(full, box image.Point, r rounding) image.Point {
	if smaller(box, full) {
		return box
	}
	return least(within(box, full, r), full)
}

// trim cuts what the URL says, in pixels of the source.
func (cf *cloudflare) trim(l *layout) *Fault {
	times := func(n int) int { return halfUp(float64(n) * cf.DPR) }
	size := l.part.Size()
	r := image.Rect(times(cf.Trim[3]), times(cf.Trim[0]), size.X-times(cf.Trim[1]), size.Y-times(cf.Trim[2]))
	if w := cf.TrimBox[0]; w > 0 {
		r.Max.X = r.Min.X + times(w)
	}
	if h := cf.TrimBox[1]; h > 0 {
		r.Max.Y = r.Min.Y + times(h)
	}
	if times(cf.Trim[3])+times(cf.Trim[1]) >= size.X || times(cf.Trim[0])+times(cf.Trim[2]) >= size.Y || !l.crop(r) {
		return &Fault{Cause: BadOption, Text: "trim leaves nothing"}
	}
	return nil
}
