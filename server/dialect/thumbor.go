package dialect

import (
	"image"
	"math"
	"regexp"
	"strconv"
	"strings"

	"s3imageserver/resize"
)

// thumbor is what the URLs of thumbor and imagor say about sizes.
type thumbor struct {
	Imagor        bool
	Crop          [4]float64 // left, top, right, bottom; zero: none
	Fractions     bool       // of Crop
	Fit           string     // "" to cut, fit-in, full-fit-in, stretch
	Adaptive      bool
	Width, Height int // 0: not given; orig: that of the source
	Flip          flip
	X, Y          float64 // of the source stays, in fractions; of left, top, ...
	Smart         bool
	Focal         [3]float64 // x, y in pixels of the source, weight; weight 0: none
	FocalParts    bool       // they are fractions
	NoUpscale     bool
	Upscale       bool
	Margins       [4]int // imagor's: left, top, right, bottom
	After         string // what filters do to the size, in their order: see thumborAfter
}

const orig = -1

func checkSecret(d *Dialect) error { return nil }

var (
	imagorHash  = regexp.MustCompile(`^[A-Za-z0-9_=-]{17,}$`)
	thumborTrim = regexp.MustCompile(`^trim(?::(top-left|bottom-right))?(?::(\d+))?/`)
	thumborCrop = regexp.MustCompile(`^(\d*\.?\d+)x(\d*\.?\d+):(\d*\.?\d+)x(\d*\.?\d+)/`)
	thumborFit  = regexp.MustCompile(`^(adaptive-)?(full-)?fit-in/`)
	thumborSize = regexp.MustCompile(`^(-)?(\d+|orig)?x(-)?(\d+|orig)?/`)
	imagorSides = regexp.MustCompile(`^(\d+)x(\d+)(?::(\d+)x(\d+))?/`)
)

// parseThumbor reads /SIGNATURE/PARTS/.../IMAGE, of thumbor and of imagor.
func parseThumbor(d *Dialect, c *Call, r *Request) *Fault {
	if len(c.Path) > maxPathBytes {
		return &Fault{Cause: BadURL, Text: "the path is too long"}
	}
	imagor := d.row.name == "imagor"
	path, f := d.thumborSignature(strings.TrimPrefix(c.Path, "/"), imagor)
	if f != nil {
		return f
	}
	t := thumbor{Imagor: imagor, X: 0.5, Y: 0.5}
	take := func(re *regexp.Regexp) []string {
		m := re.FindStringSubmatch(path)
		if m != nil {
			path = path[len(m[0]):]
		}
		return m
	}
	has := func(part string) bool {
		rest, ok := strings.CutPrefix(path, part+"/")
		if ok {
			path = rest
		}
		return ok
	}
	has("debug")
	meta := has("meta")
	if m := take(thumborTrim); m != nil {
		tolerance, _ := strconv.Atoi(m[2]) // digits; too many are the most
		text := strconv.Itoa(min(255, tolerance))
		if tolerance == 0 {
			text = "exact"
		}
		r.params.set("trim", text+word(m[1] == "bottom-right", ",se", ""))
	}
	if m := take(thumborCrop); m != nil {
		all := true
		for i := range t.Crop {
			t.Crop[i], _ = strconv.ParseFloat(m[i+1], 64) // the pattern says that it is a number
			all = all && t.Crop[i] <= 1
		}
		t.Fractions = imagor && all
	}
	stretch := imagor && has("stretch")
	if m := take(thumborFit); m != nil {
		t.Adaptive, t.Fit = m[1] != "", m[2]+"fit-in"
	}
	if stretch || imagor && has("stretch") {
		t.Fit = "stretch"
	}
	if m := take(thumborSize); m != nil {
		t.Flip = flip{m[1] != "", m[3] != ""}
		t.Width, t.Height = thumborSide(m[2], imagor), thumborSide(m[4], imagor)
	}
	if imagor {
		if m := take(imagorSides); m != nil {
			for i := range t.Margins {
				text := m[i+1]
				if m[3] == "" && i >= 2 {
					text = m[i-1]
				}
				_ = length(&t.Margins[i], text) // digits, by the pattern
			}
		}
	}
	switch {
	case has("left"):
		t.X = 0
	case has("right"):
		t.X = 1
	case has("center"):
	}
	switch {
	case has("top"):
		t.Y = 0
	case has("bottom"):
		t.Y = 1
	case has("middle"):
	}
	t.Smart = has("smart")
	filters, rest, ok := cutFilters(path)
	if ok {
		path = rest
	}
	text, err := unescape(path)
	if err != nil {
		text = path
	}
	if encoded, is := strings.CutPrefix(path, "b64:"); is && imagor {
		if decoded, ok := fromBase64(encoded); ok {
			text = decoded
		}
	}
	if text == "" {
		return &Fault{Cause: BadURL, Text: "no picture is named"}
	}
	if r.Source, f = d.source(mend(text), ""); f != nil {
		return f
	}
	if meta {
		return &Fault{Cause: NotOffered, Text: "meta is not offered"}
	}
	if f := t.filters(d, c, r, filters); f != nil {
		return f
	}
	if r.format.format == resize.NoFormat {
		r.format.format, r.Delivery.Vary = negotiated(c.Accept, &d.limits, d.limits.Auto)
	}
	r.shape = t.normal()
	return nil
}

// thumborSignature returns what stands behind the signature.
func (d *Dialect) thumborSignature(path string, imagor bool) (string, *Fault) {
	if imagor {
		path = strings.TrimPrefix(path, "params/")
	}
	first, rest, ok := strings.Cut(path, "/")
	if !ok {
		if imagor {
			return "", &Fault{Cause: BadSignature}
		}
		return "", &Fault{Cause: BadURL}
	}
	if first == "unsafe" {
		if !d.config.Unsigned {
			return "", &Fault{Cause: BadSignature, Text: "URLs have to be signed"}
		}
		return rest, nil
	}
	signature := strings.NewReplacer("%3D", "=", "%3d", "=").Replace(first)
	if imagor && (!imagorHash.MatchString(signature) || signature == "adaptive-full-fit-in") || !d.keys.thumbor(signature, rest) {
		return "", &Fault{Cause: BadSignature}
	}
	return rest, nil
}

func thumborSide(text string, imagor bool) int {
	n := 0
	switch {
	case text == "orig" && imagor:
		return 0
	case text == "orig":
		return orig
	case !length(&n, text):
		return longest
	}
	return n
}

func (t thumbor) normal() thumbor {
	if t.Smart || t.Focal[2] > 0 {
		t.X, t.Y = 0.5, 0.5
	}
	if t.Fit == "full-fit-in" || t.Fit == "fit-in" || t.Fit == "stretch" {
		t.X, t.Y, t.Smart, t.Focal, t.FocalParts = 0.5, 0.5, false, [3]float64{}, false
	}
	return t
}

// cropped returns the part of a picture that the URL cuts out.
func (t *thumbor) cropped(src image.Point) image.Rectangle {
	side := func(i, most int) int {
		v := t.Crop[i]
		if t.Fractions {
			v *= float64(most)
		}
		return halfEven(max(0, min(float64(most), v)))
	}
	return image.Rectangle{image.Pt(side(0, src.X), side(1, src.Y)), image.Pt(side(2, src.X), side(3, src.Y))}
}

func (t thumbor) settle(p Picture, _ *Limits) (layout, *Fault) {
	l := whole(p.size())
	if r := t.cropped(p.size()); r.Min.X < r.Max.X && r.Min.Y < r.Max.Y {
		l.crop(r)
	}
	src := l.full
	box := t.box(src)
	switch t.Fit {
	case "fit-in", "full-fit-in":
		t.fitIn(&l, src, box)
	case "stretch":
		l.scale(box)
	default:
		if t.NoUpscale {
			box = least(box, src)
		}
		t.cutTo(&l, src, box)
	}
	l.mirror(t.Flip)
	for _, a := range strings.Split(t.After, " ") {
		t.after(&l, box, a)
	}
	if m := t.Margins; m != ([4]int{}) {
		l.margins[3], l.margins[0] = l.margins[3]+m[0], l.margins[0]+m[1]
		l.margins[1], l.margins[2] = l.margins[1]+m[2], l.margins[2]+m[3]
	}
	return l, nil
}

// box returns the size that is asked for, with a side that follows from the
// other one.
func (t *thumbor) box(src image.Point) image.Point {
	box := image.Pt(t.Width, t.Height)
	if box.X == orig {
		box.X = src.X
	}
	if box.Y == orig {
		box.Y = src.Y
	}
	if t.Imagor {
		return follow(src, box, down)
	}
	return follow(src, box, halfEven)
}

// fitIn makes a picture lie in a box, or with full fill it.
func (t *thumbor) fitIn(l *layout, src, box image.Point) {
	if t.Adaptive && (src.X-src.Y)*sign(box.X-box.Y) < 0 {
		box = turned(box, 1)
	}
	near := func(f float64) int { return halfEven(f + 1e-5) }
	if t.Fit == "full-fit-in" {
		if t.Imagor {
			near = up
		}
		l.scale(around(src, box, near))
		return
	}
	if smaller(src, box) && !t.Upscale {
		return
	}
	l.scale(within(src, box, near))
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// cutTo makes a picture as large as the box, which it fills. A ratio that is
// the same in two decimals is stretched a little.
func (t *thumbor) cutTo(l *layout, src, box image.Point) {
	two := func(p image.Point) string {
		return strconv.FormatFloat(float64(p.X)/float64(p.Y), 'f', 2, 64)
	}
	if two(src) != two(box) {
		cut := image.Pt(src.X, halfEven(float64(src.X)*float64(box.Y)/float64(box.X)))
		if !(float64(box.X)/float64(src.X) > float64(box.Y)/float64(src.Y)) {
			cut = image.Pt(int(math.Ceil(float64(box.X)*float64(src.Y)/float64(box.Y))), src.Y)
		}
		cut = least(image.Pt(max(1, cut.X), max(1, cut.Y)), src)
		x, y := t.focus(src, l.part.Min)
		at := func(focus float64, part, side int) int {
			return halfEven(max(0, min(float64(side-part), float64(focus)-float64(float64(part)/2))))
		}
		if t.Smart && t.Focal[2] == 0 {
			l.scale(box)
			l.gravity = "smart"
			return
		}
		p := image.Pt(at(x, cut.X, src.X), at(y, cut.Y, src.Y))
		l.crop(image.Rectangle{Min: p, Max: p.Add(cut)})
	}
	l.scale(box)
}

// focus returns the point around which a picture is cut, in its pixels.
func (t *thumbor) focus(src, origin image.Point) (x, y float64) {
	switch {
	case t.Focal[2] > 0 && t.FocalParts:
		return t.Focal[0] * float64(src.X), t.Focal[1] * float64(src.Y)
	case t.Focal[2] > 0:
		return t.Focal[0] - float64(origin.X), t.Focal[1] - float64(origin.Y)
	}
	return t.X * float64(src.X), t.Y * float64(src.Y)
}
