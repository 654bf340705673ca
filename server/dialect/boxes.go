package dialect

import (
	"fmt"
	"image"
	"math"
	"strconv"
	"strings"

	"s3imageserver/resize"
)

// A rounding makes a whole number of pixels of a length. Dialects differ in
// little else than that, so it is a value.
type rounding func(float64) int

func halfUp(f float64) int   { return int(math.Floor(float64(f) + 0.5)) }
func halfEven(f float64) int { return int(math.RoundToEven(f)) }
func down(f float64) int     { return int(math.Floor(f)) }
func up(f float64) int       { return int(math.Ceil(f)) }

// one returns the rounded length, at least one pixel and at most longest.
func (r rounding) one(f float64) int {
	if !(f < longest) { // a NaN neither
		return longest
	}
	return max(1, r(f))
}

// follow gives a box the side that it has not, by the ratio of the picture; of
// a box without sides that is the picture.
func follow(src, box image.Point, r rounding) image.Point {
	switch {
	case box == image.Point{}:
		return src
	case box.X == 0:
		box.X = r.one(float64(src.X) * float64(box.Y) / float64(src.Y))
	case box.Y == 0:
		box.Y = r.one(float64(src.Y) * float64(box.X) / float64(src.X))
	}
	return box
}

// wider reports whether the ratio of src is above that of box.
func wider(src, box image.Point) bool {
	return int64(src.X)*int64(box.Y) > int64(box.X)*int64(src.Y)
}

// within returns the size of a picture that lies in a box and touches it.
func within(src, box image.Point, r rounding) image.Point {
	if box.X == 0 || box.Y == 0 { // the side that is given is exact
		return follow(src, box, r)
	}
	if wider(src, box) {
		return follow(src, image.Pt(box.X, 0), r)
	}
	return follow(src, image.Pt(0, box.Y), r)
}

// around returns the size of a picture that covers a box and touches it.
func around(src, box image.Point, r rounding) image.Point {
	if wider(src, box) {
		return follow(src, image.Pt(0, box.Y), r)
	}
	return follow(src, image.Pt(box.X, 0), r)
}

// smaller reports whether a is at most as large as b on both sides.
func smaller(a, b image.Point) bool { return a.X <= b.X && a.Y <= b.Y }

// least returns the smaller of each side.
func least(a, b image.Point) image.Point { return image.Pt(min(a.X, b.X), min(a.Y, b.Y)) }

// A layout is what becomes of an upright picture: a part of it is turned and
// mirrored, scaled, cut, turned by an angle and laid on a canvas, in this order.
type layout struct {
	part image.Rectangle // of the upright picture
	turn int             // quarter turns clockwise
	flip flip            // after turning
	full image.Point     // size of the turned part
	cut  image.Rectangle // what stays of full
	// gravity that looks for what stays; empty: that is where cut is.
	gravity string
	angle   float64 // degrees clockwise, -45 to 45
	margins [4]int  // around that: top, right, bottom, left
	ground  string  // their colour, where nothing else is said
}

// A flip is a set of axes along which a picture is mirrored.
type flip struct{ h, v bool }

func (f flip) String() string {
	switch f {
	case flip{true, false}:
		return "h"
	case flip{false, true}:
		return "v"
	case flip{true, true}:
		return "hv"
	}
	return ""
}

// after returns what a mirroring before some quarter turns is behind them.
func (f flip) after(turns int) flip {
	if turns%2 != 0 {
		return flip{f.v, f.h}
	}
	return f
}

// whole returns the layout that keeps all of a picture.
func whole(src image.Point) layout {
	return layout{part: image.Rectangle{Max: src}, full: src, cut: image.Rectangle{Max: src}}
}

// scale gives a layout a size, all of which stays.
func (l *layout) scale(size image.Point) {
	l.full, l.cut = size, image.Rectangle{Max: size}
}

// turned returns a size behind quarter turns.
func turned(size image.Point, turns int) image.Point {
	if turns%2 != 0 {
		return image.Pt(size.Y, size.X)
	}
	return size
}

// size returns the size of the result.
func (l *layout) size() image.Point {
	s := tilted(l.cut.Size(), l.angle)
	return s.Add(image.Pt(l.margins[1]+l.margins[3], l.margins[0]+l.margins[2]))
}

// tilted returns the size of what a turned picture covers.
func tilted(size image.Point, angle float64) image.Point {
	if angle == 0 {
		return size
	}
	sin, cos := math.Sincos(math.Abs(angle) * math.Pi / 180)
	w, h := float64(size.X), float64(size.Y)
	return image.Pt(rounding(halfUp).one(float64(w*cos)+float64(h*sin)), rounding(halfUp).one(float64(w*sin)+float64(h*cos)))
}

// rotate turns a whole layout by quarter turns clockwise.
func (l *layout) rotate(turns int) {
	for range ((turns % 4) + 4) % 4 {
		l.turn = (l.turn + 1) % 4
		l.flip = l.flip.after(1)
		h := l.full.Y
		l.full = turned(l.full, 1)
		c := l.cut
		l.cut = image.Rect(h-c.Max.Y, c.Min.X, h-c.Min.Y, c.Max.X)
		m := l.margins
		l.margins = [4]int{m[3], m[0], m[1], m[2]}
	}
}

// mirror mirrors a whole layout.
func (l *layout) mirror(f flip) {
	l.flip = flip{l.flip.h != f.h, l.flip.v != f.v}
	l.angle = f.angle(l.angle)
	if f.h {
		l.cut = image.Rect(l.full.X-l.cut.Max.X, l.cut.Min.Y, l.full.X-l.cut.Min.X, l.cut.Max.Y)
		l.margins[1], l.margins[3] = l.margins[3], l.margins[1]
	}
	if f.v {
		l.cut = image.Rect(l.cut.Min.X, l.full.Y-l.cut.Max.Y, l.cut.Max.X, l.full.Y-l.cut.Min.Y)
		l.margins[0], l.margins[2] = l.margins[2], l.margins[0]
	}
}

// angle returns what an angle is in the mirror.
func (f flip) angle(a float64) float64 {
	if f.h != f.v {
		return -a
	}
	return a
}

// canvas lays the picture on a larger canvas; at is where its upper left corner
// is. A side on which the canvas is smaller stays as it is.
func (l *layout) canvas(size, at image.Point) {
	have := l.size()
	x, y := max(0, size.X-have.X), max(0, size.Y-have.Y)
	left, top := max(0, min(x, at.X)), max(0, min(y, at.Y))
	m := &l.margins
	m[0], m[1], m[2], m[3] = m[0]+top, m[1]+x-left, m[2]+y-top, m[3]+left
}

// centred lays the picture in the middle of a larger canvas.
func (l *layout) centred(size image.Point) {
	d := size.Sub(l.size())
	l.canvas(size, image.Pt(d.X/2, d.Y/2))
}

// shrink makes a result smaller that is larger than allowed, in the same ratio.
func (l *layout) shrink(limits *Limits) {
	side := limits.Side
	if d := limits.Dimension; d > 0 && l.full != turned(l.part.Size(), l.turn) && (side == 0 || d < side) {
		side = d
	}
	size := l.size()
	f := 1.0
	if side > 0 && max(size.X, size.Y) > side {
		f = float64(side) / float64(max(size.X, size.Y))
	}
	if n := float64(size.X) * float64(size.Y) * f * f; limits.Pixels > 0 && n > float64(limits.Pixels) {
		f *= math.Sqrt(float64(limits.Pixels) / n)
	}
	if f < 1 {
		l.times(f)
	}
}

// times multiplies all lengths of the result.
func (l *layout) times(f float64) {
	near := func(n int) int { return rounding(down).one(float64(float64(n)*f) + 1e-9) }
	c := l.cut
	l.full = image.Pt(near(l.full.X), near(l.full.Y))
	size := least(image.Pt(near(c.Dx()), near(c.Dy())), l.full)
	at := least(image.Pt(int(float64(c.Min.X)*f), int(float64(c.Min.Y)*f)), l.full.Sub(size))
	l.cut = image.Rectangle{Min: at, Max: at.Add(size)}
	for i := range l.margins {
		l.margins[i] = int(float64(l.margins[i]) * f)
	}
}

// write puts the layout into parameters of our own: a crop in pixels of the
// source, the exact size, and whatever is around it.
//
// Where edges are to be cut the size is known behind that only: until then the
// box has to do, and the crop is left for the second time.
func (l *layout) write(p Picture, q params) {
	src := p.size()
	untrimmed := q.get("trim") != "" && !p.Trimmed
	part, size := l.part, l.cut.Size()
	inner := turned(part.Size(), l.turn)
	cover := false
	switch {
	case l.cut.Min == image.Point{} && size == l.full && l.gravity == "":
	case l.gravity != "":
		cover = true
		q.set("g", l.gravity)
	case l.angle == 0 && l.full != inner && even(inner, l.full):
		cover = true
		if g := gravityOf(l.full, l.cut); g != "" {
			q.set("g", g)
		}
	default:
		part = l.kept()
		inner = turned(part.Size(), l.turn)
	}
	if part != (image.Rectangle{Max: src}) && !untrimmed {
		q.set("crop", fmt.Sprintf("%d,%d,%d,%d", part.Min.X, part.Min.Y, part.Dx(), part.Dy()))
	}
	degrees := float64(l.turn*90) + l.flip.angle(l.angle)
	if degrees != 0 {
		q.set("rot", strconv.FormatFloat(degrees, 'f', -1, 64))
	}
	if l.flip != (flip{}) {
		q.set("flip", l.flip)
	}
	if size != inner || cover {
		size = tilted(size, l.angle)
		q.set("w", size.X)
		q.set("h", size.Y)
		q.set("enlarge", true)
		switch {
		case cover:
			q.set("fit", "cover")
		case untrimmed && even(inner, size):
			q.set("fit", "contain")
		default:
			q.set("fit", "stretch")
		}
	}
	if l.margins != ([4]int{}) {
		m := l.margins
		q.set("padding", fmt.Sprintf("%d,%d,%d,%d", m[0], m[1], m[2], m[3]))
		if l.ground != "" && q.get("bg") == "" {
			q.set("bg", l.ground)
		}
	}
}

// even reports whether both sides are scaled alike, up to the rounding of one
// pixel.
func even(from, to image.Point) bool {
	x, y := float64(from.X)/float64(to.X), float64(from.Y)/float64(to.Y)
	return math.Abs(float64(to.Y)-float64(from.Y)/x) <= 1 || math.Abs(float64(to.X)-float64(from.X)/y) <= 1
}

// kept returns the part of the upright picture that stays, in whole pixels.
func (l *layout) kept() image.Rectangle {
	inner := turned(l.part.Size(), l.turn)
	x := func(n int) int { return halfUp(float64(n) * float64(inner.X) / float64(l.full.X)) }
	y := func(n int) int { return halfUp(float64(n) * float64(inner.Y) / float64(l.full.Y)) }
	r := image.Rect(x(l.cut.Min.X), y(l.cut.Min.Y), x(l.cut.Max.X), y(l.cut.Max.Y))
	if r.Dx() == 0 {
		r.Min.X = min(r.Min.X, inner.X-1)
		r.Max.X = r.Min.X + 1
	}
	if r.Dy() == 0 {
		r.Min.Y = min(r.Min.Y, inner.Y-1)
		r.Max.Y = r.Min.Y + 1
	}
	return unturned(r, inner, l.turn, l.flip).Add(l.part.Min)
}

// unturned returns where a part of a turned and mirrored picture of that size
// was before.
func unturned(r image.Rectangle, size image.Point, turns int, f flip) image.Rectangle {
	if f.h {
		r.Min.X, r.Max.X = size.X-r.Max.X, size.X-r.Min.X
	}
	if f.v {
		r.Min.Y, r.Max.Y = size.Y-r.Max.Y, size.Y-r.Min.Y
	}
	for range turns {
		// The left edge of a picture turned clockwise was its lower one.
		r = image.Rect(r.Min.Y, size.X-r.Max.X, r.Max.Y, size.X-r.Min.X)
		size = turned(size, 1)
	}
	return r
}

// compass are the words of gravities and their places.
var compass = []struct {
	word string
	x, y float64
}{
	{"", 0.5, 0.5}, {"n", 0.5, 0}, {"s", 0.5, 1}, {"w", 0, 0.5}, {"e", 1, 0.5},
	{"nw", 0, 0}, {"ne", 1, 0}, {"sw", 0, 1}, {"se", 1, 1},
}

// gravityOf returns the gravity that keeps a part of a picture of that size:
// the middle of what is kept is its focal point.
func gravityOf(full image.Point, cut image.Rectangle) string {
	for _, c := range compass {
		if placed(full.X, cut.Dx(), c.x) == cut.Min.X && placed(full.Y, cut.Dy(), c.y) == cut.Min.Y {
			return c.word
		}
	}
	focus := func(full, min, max int) string {
		return strconv.FormatFloat(math.Round(float64(min+max)/2/float64(full)*1e4)/1e4, 'f', -1, 64)
	}
	return "fp:" + focus(full.X, cut.Min.X, cut.Max.X) + ":" + focus(full.Y, cut.Min.Y, cut.Max.Y)
}

// placed returns where a kept part begins whose middle is to be at a focal
// point, a half rounded up: as resize does it.
func placed(full, keep int, focus float64) int {
	return max(0, min(full-keep, halfUp(float64(float64(full)*focus)-float64(float64(keep)/2))))
}

// cutAt keeps a part of that size around a focal point.
func (l *layout) cutAt(size image.Point, x, y float64) {
	size = least(size, l.full)
	at := image.Pt(placed(l.full.X, size.X, x), placed(l.full.Y, size.Y, y))
	l.cut = image.Rectangle{Min: at, Max: at.Add(size)}
}

// crop keeps a part of a picture that nothing has been done to yet, as far as
// it lies in it; one that is empty or outside is not cut at all. It reports
// whether it has been.
func (l *layout) crop(r image.Rectangle) bool {
	r = r.Intersect(image.Rectangle{Max: l.part.Size()})
	if r.Empty() {
		return false
	}
	l.part = r.Add(l.part.Min)
	l.scale(r.Size())
	return true
}

// format is what a URL says about the file of the result. It is comparable.
type format struct {
	format  resize.Format // NoFormat: that of the source
	plain   bool          // of sources that only newer clients read: JPEG
	quality int           // 0: not said
	by      string        // qualities by format, as in "avif:50,webp:60"; before quality
	lower   int           // of AVIF, by so much
	raw     raw
	skip    string // formats that are not worked on, as in "gif,png"
}

// raw says when the file of the source is the answer.
type raw uint8

const (
	rawNever    raw = iota
	rawAnimated     // of animations and files that are no photographs: ICO, BMP
	rawAlways
)

// ofSource reports whether the answer is the file of the source.
func (f *format) ofSource(p Picture) bool {
	switch f.raw {
	case rawAlways:
		return true
	case rawAnimated:
		return p.Animated || p.Format == resize.ICO || p.Format == resize.BMP
	}
	return f.skip != "" && strings.Contains(","+f.skip+",", ","+p.Format.String()+",")
}

// libaomQualities are our qualities of AVIF that look like those of libaom by libavif
// or libheif of 0, 10 to 100: ours look like WebP of the same number.
var libaomQualities = [11]int{1, 2, 5, 15, 32, 54, 77, 84, 89, 93, 100}

// qualityOfLibaom returns our quality of AVIF for one of libaom.
func qualityOfLibaom(n int) int {
	i := min(max(n, 0), 99) / 10
	a, b := libaomQualities[i], libaomQualities[i+1]
	return a + (b-a)*(n-10*i)/10
}

// write puts format and quality into parameters.
func (f *format) write(p Picture, l *Limits, of *row, q params) {
	to := f.format
	if to == resize.NoFormat {
		to = p.Format
		switch {
		case f.plain && (to == resize.WebP || to == resize.AVIF), !to.Writable(), to == resize.AVIF && !l.writes(to):
			to = resize.AutoJPEG
			if !p.Alpha && !p.Animated && p.Format != resize.ICO {
				to = resize.JPEG
			}
			if f.plain && p.Format != resize.ICO {
				to = resize.JPEG
			}
		}
	}
	q.set("f", to)
	name := to.String()
	switch to {
	case resize.AutoAVIF:
		name = "avif"
	case resize.AutoWebP:
		name = "webp"
	}
	if name != "jpeg" && name != "webp" && name != "avif" || q.get("q") != "" {
		return // elsewhere it is the number of colours
	}
	n := qualityOf(f.by, name)
	if n == 0 {
		n = f.quality
	}
	if n == 0 {
		n = of.quality[name]
	}
	if n > 0 && name == "avif" {
		n = max(1, n-f.lower)
		if of.libaom {
			n = qualityOfLibaom(n)
		}
	}
	if n > 0 {
		q.set("q", n)
	}
}
