package dialect

import (
	"fmt"
	"image"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
)

const maxFilters = 64

// cutFilters returns the text of "filters:a(b):c(d)/" before the rest of a
// path. Parentheses may be nested.
func cutFilters(path string) (filters, rest string, ok bool) {
	text, ok := strings.CutPrefix(path, "filters:")
	if !ok {
		return "", path, false
	}
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		case '/':
			if depth <= 0 {
				return text[:i], text[i+1:], i > 0 && text[i-1] == ')'
			}
		}
	}
	return "", path, false
}

// A filter is a name and its arguments.
type filter struct {
	name string
	args []string
}

// splitFilters reads "a(b):c(d,e)".
func splitFilters(text string) []filter {
	var list []filter
	for text != "" && len(list) < maxFilters {
		open := strings.IndexByte(text, '(')
		if open < 0 {
			break
		}
		depth, end := 0, -1
		for i := open; i < len(text) && end < 0; i++ {
			switch text[i] {
			case '(':
				depth++
			case ')':
				if depth--; depth == 0 {
					end = i
				}
			}
		}
		if end < 0 {
			break
		}
		inner := text[open+1 : end]
		if plain, err := unescape(inner); err == nil {
			inner = plain
		}
		f := filter{name: strings.TrimPrefix(text[:open], ":"), args: strings.Split(inner, ",")}
		for i := range f.args {
			f.args[i] = strings.TrimSpace(f.args[i])
		}
		list, text = append(list, f), text[end+1:]
	}
	return list
}

// num returns an argument as a number.
func (f *filter) num(i int) (float64, bool) {
	var v float64
	ok := number(&v, arg(f.args, i), -1e15, 1e15)
	return v, ok
}

// filters reads the filters of a URL. One that cannot be read, or that there is
// not, is ignored.
func (t *thumbor) filters(d *Dialect, c *Call, r *Request, text string) *Fault {
	var after []string
	for _, f := range splitFilters(text) {
		switch f.name {
		case "focal":
			t.focal(&f)
		case "no_upscale":
			t.NoUpscale = true
		case "upscale":
			t.Upscale = true
		case "stretch":
			t.Fit = "stretch"
		case "proportion":
			if p, ok := f.num(0); ok && t.Imagor && p > 1 && p <= 100 {
				after = append(after, "times:"+fmt.Sprint(p/100))
			} else if ok && p > 0 && p < 1 {
				after = append(after, "times:"+fmt.Sprint(p))
			}
		case "rotate":
			if n, ok := f.num(0); ok && n == float64(int(n)) && int(n)%90 == 0 {
				after = append(after, "turn:"+strconv.Itoa(((-int(n)/90)%4+4)%4))
			}
		case "fill":
			setFill(&f, r.params)
			after = append(after, "fill")
		case "expire":
			if ms, ok := f.num(0); ok && t.Imagor {
				r.Delivery.Expires = time.UnixMilli(int64(ms))
				if r.Delivery.Expires.Before(c.Now) {
					return &Fault{Cause: Expired}
				}
			}
		case "raw":
			if t.Imagor {
				r.format.raw = rawAlways
			}
		case "attachment":
			if t.Imagor {
				r.Delivery.Disposition, r.Delivery.FileName = "attachment", arg(f.args, 0)
			}
		case "max_age":
			if n, ok := f.num(0); ok && n >= 0 && n < 1e10 {
				r.Delivery.MaxAge = int(n)
			}
		case "watermark":
			if flt := t.watermark(d, &f, r); flt != nil {
				return flt
			}
		default:
			t.plain(d, &f, r)
		}
	}
	t.After = strings.Join(after, " ")
	return nil
}

// plain reads a filter that our own parameters say.
func (t *thumbor) plain(d *Dialect, f *filter, r *Request) {
	q := r.params
	set := func(name string, factor float64, least, most float64) {
		if v, ok := f.num(0); ok && v >= least && v <= most {
			q.set(name, v*factor)
		}
	}
	switch f.name {
	case "quality":
		if v, ok := f.num(0); ok && v >= 1 && v <= 100 {
			r.format.quality = int(v)
		}
	case "format":
		switch name := strings.ToLower(arg(f.args, 0)); name {
		case "jpg", "jpeg", "png", "webp", "gif", "avif", "tiff":
			if to := resize.FormatByName(name); to != resize.AVIF || d.limits.writes(to) {
				r.format.format = to
			}
		}
	case "autojpg":
		r.format.plain = true
	case "max_bytes":
		set("maxbytes", 1, 1, 1<<30)
	case "brightness":
		set("bri", 1, -100, 100)
	case "contrast":
		set("con", 1, -100, 100)
	case "grayscale":
		q.set("gray", true)
	case "saturation":
		if v, ok := f.num(0); ok && t.Imagor {
			q.set("sat", v)
		} else if ok {
			q.set("sat", (v-1)*100)
		}
	case "background_color":
		if color, ok := cssColor(arg(f.args, 0)); ok {
			q.set("bg", color)
		}
	case "round_corner":
		t.roundCorner(f, q)
	case "blur":
		v, ok := f.num(0)
		if s, given := f.num(1); given && s > 0 {
			v = s
		}
		if ok && v >= 0.3 {
			q.set("blur", v)
		}
	case "sharpen":
		i := 1
		if t.Imagor {
			i = 0
		}
		if v, ok := f.num(i); ok && v >= 0.1 {
			q.set("sharpen", v)
		}
	case "strip_exif", "strip_metadata":
		q.set("strip", "all")
	case "strip_icc":
		q.set("icc", "srgb")
	case "cover":
		q.set("anim", false)
	case "page":
		if v, ok := f.num(0); ok && v >= 1 {
			q.set("page", int(v))
		}
	}
	if !t.Imagor {
		return
	}
	switch f.name {
	case "hue":
		set("hue", 1, -1e6, 1e6)
	case "invert":
		q.set("invert", true)
	case "pixelate":
		n, ok := f.num(0)
		if !ok {
			n = 10
		}
		q.set("pixelate", int(n))
	case "lossless":
		q.set("lossless", true)
	case "orient":
		// degrees; the picture is turned by them instead of by EXIF
		if n, ok := f.num(0); ok && int(n)%90 == 0 {
			q.set("orient", [...]int{1, 8, 3, 6}[((int(n)/90)%4+4)%4])
		}
	}
}

func (t *thumbor) roundCorner(f *filter, q params) {
	rx, _, _ := strings.Cut(arg(f.args, 0), "|")
	var radius float64
	if !number(&radius, rx, 1, longest) {
		return
	}
	q.set("radius", int(radius))
	if t.Imagor {
		if color, ok := cssColor(arg(f.args, 2)); ok {
			q.set("bg", color)
		}
		return
	}
	if transparent, ok := f.num(4); ok && transparent != 0 {
		return
	}
	color := ""
	for i := 1; i < 4; i++ {
		v, ok := f.num(i)
		if !ok {
			return
		}
		color += fmt.Sprintf("%02x", int(max(0, min(255, v))))
	}
	q.set("bg", color)
}

func setFill(f *filter, q params) {
	switch text := strings.ToLower(arg(f.args, 0)); text {
	case "auto", "blur":
		q.set("bg", text)
	case "transparent", "none":
	default:
		if color, ok := cssColor(text); ok {
			q.set("bg", color)
		}
	}
}

// focal adds a focal point: the middle of a part, which weighs as much as its
// area.
func (t *thumbor) focal(f *filter) {
	text := arg(f.args, 0)
	from, to, part := strings.Cut(text, ":")
	a, ok1 := pair(from)
	b := a
	ok2 := true
	if part {
		b, ok2 = pair(to)
	}
	if !ok1 || !ok2 || !part && !t.Imagor {
		return
	}
	fractions := t.Imagor && a[0] <= 1 && a[1] <= 1 && b[0] <= 1 && b[1] <= 1
	area := 1.0
	if part {
		area = (b[0] - a[0]) * (b[1] - a[1])
	}
	if !(area > 0) || t.Focal[2] > 0 && fractions != t.FocalParts {
		return
	}
	t.FocalParts = fractions
	sum := t.Focal[2] + area
	for i := range 2 {
		t.Focal[i] = (float64(t.Focal[i]*t.Focal[2]) + float64((a[i]+b[i])/2*area)) / sum
	}
	t.Focal[2] = sum
}

// pair reads "AxB".
func pair(text string) (p [2]float64, ok bool) {
	x, y, two := strings.Cut(text, "x")
	return p, two && number(&p[0], x, 0, longest) && number(&p[1], y, 0, longest)
}

// after does what a filter does to a picture that has its size already.
func (t *thumbor) after(l *layout, box image.Point, what string) {
	name, value, _ := strings.Cut(what, ":")
	switch name {
	case "times":
		f, _ := strconv.ParseFloat(value, 64) // filters wrote it
		l.times(f)
	case "turn":
		n, _ := strconv.Atoi(value)
		l.rotate(n)
	case "fill":
		l.centred(box)
	}
}

// watermark reads the filter that lays another picture over this one.
func (t *thumbor) watermark(d *Dialect, f *filter, r *Request) *Fault {
	name := arg(f.args, 0)
	if encoded, ok := strings.CutPrefix(name, "b64:"); ok {
		if text, ok := fromBase64(encoded); ok {
			name = text
		}
	}
	source, flt := d.source(mend(name), "")
	if flt != nil {
		return flt
	}
	q := r.params
	r.Overlay = Overlay{Source: source}
	across, x := watermarkPlace(arg(f.args, 1), "left", "right")
	along, y := watermarkPlace(arg(f.args, 2), "top", "bottom")
	r.Overlay.X, r.Overlay.Y = x, y
	if arg(f.args, 1) == "repeat" || arg(f.args, 2) == "repeat" {
		q.set("wmt", true)
	}
	q.set("wm", overlayName)
	if g := map[[2]int]string{{0, 0}: "nw", {1, 0}: "n", {2, 0}: "ne", {0, 1}: "w", {1, 1}: "center", {2, 1}: "e", {0, 2}: "sw", {1, 2}: "s", {2, 2}: "se"}[[2]int{across, along}]; g != "" {
		q.set("wmg", g)
	}
	if alpha, ok := f.num(3); ok {
		q.set("wmo", max(1, min(100, 100-alpha)))
	}
	if width, ok := f.num(4); ok && width > 0 {
		q.set("wms", min(100, width))
	}
	return nil
}

// overlayName is the name of the watermark of [Request.Overlay].
const overlayName = "url"

// watermarkPlace reads a position along one side: which end it counts from
// (0, 1 for the middle, 2), and how many pixels.
func watermarkPlace(text, first, last string) (end, offset int) {
	switch text {
	case first, "repeat", "":
		return 0, 0
	case last:
		return 2, 0
	case "center", "middle":
		return 1, 0
	}
	number := strings.TrimSuffix(text, "p")
	n, err := strconv.Atoi(number)
	if err != nil || n < -longest || n > longest || strings.HasSuffix(text, "p") {
		return 0, 0
	}
	if strings.HasPrefix(text, "-") {
		return 2, n
	}
	return 0, n
}
