package options

import (
	"fmt"
	"image"
	"math"
	"strings"

	"s3imageserver/resize/exif"
)

var cropParams = []param{
	{"orient", "orientation of the source, as in EXIF, in place of what the file says; 1 is upright", groupCrop, "w=120&orient=3", custom{
		read: func(d *draft, v string) Verdict {
			n, verdict := parseDecimal(v, 1, 8)
			d.Orient = exif.Orientation(n / 100)
			return verdict
		},
		write: func(o *Options) string { return formatInt(int(o.Orient)) },
		words: "1 to 8",
		form:  choiceOf("1", "2", "3", "4", "5", "6", "7", "8"),
	}},
	{"crop", "part of the upright source, before anything else: left, top, width, height; whole numbers are pixels, `12.5%` is per cent", groupCrop, "crop=30%,20%,40%,60%&w=120", custom{
		read:  readCrop,
		write: func(o *Options) string { return strings.ReplaceAll(o.Crop.String(), "%", "%25") },
		words: "`x,y,w,h`",
	}},
	{"trim", "cut edges of one colour, that of the upper left corner, with `,se` of the lower right one; the number is how much a channel may differ; specks of one pixel do not count", groupCrop, "chart.png?trim=20&w=120", custom{
		read:  readTrim,
		write: func(o *Options) string { return formatTrim(o.Trim) },
		words: "1 to 255, `exact`, each also with `,se`",
		form:  scaleOf(1, 255),
	}},
	{"g", "what stays of a picture that is cut, and where one lies in its box: a side, a corner, a focal point in fractions of width and height, `smart` (what catches the eye), `entropy` (most detail)", groupCrop, "w=60&h=120&g=smart", custom{
		read: func(d *draft, v string) Verdict {
			verdict := readGravity(&d.Gravity, v, len(gravities))
			if verdict != Unreadable && d.Gravity == (Gravity{}) {
				d.Gravity.kind = givenCentre
			}
			return verdict
		},
		write: func(o *Options) string { return o.Gravity.String() },
		words: strings.Join(gravities[:], ", ") + ", `fp:x:y`",
		form:  positionChoice(gravities[:]),
	}},
	{"rot", "turn clockwise, by degrees; what appears at the corners is background", groupCrop, "w=120&rot=12", custom{
		read: func(d *draft, v string) (verdict Verdict) {
			d.Angle, verdict = parseAngle(v)
			return verdict
		},
		write: func(o *Options) string { return formatHundredths(o.Angle) },
		words: "degrees, any number",
		form:  scaleOf(-180, 180),
	}},
	{"flip", "mirror, after turning: left and right, up and down, or both", groupCrop, "w=120&flip=h",
		choice[Flip]{func(o *Options) *Flip { return &o.Flip }, []string{"none", "h", "v", "hv"}}},
}

func formatHundredths(n Hundredths) string {
	if n == 0 {
		return ""
	}
	return n.String()
}

// A Flip is a set of axes along which a picture is mirrored.
type Flip uint8

const (
	FlipX Flip = 1 << iota // left and right change places
	FlipY                  // up and down
)

// A Gravity says which part of a picture is kept, or where it lies in a larger
// box. The zero value is the centre.
type Gravity struct {
	kind uint8  // index of gravities, focalPoint or givenCentre
	x, y uint16 // of a focal point, in parts of focalOne
}

const (
	focalPoint  = 100
	givenCentre = 101 // the centre that somebody asked for
	FocalOne    = 10000
)

// gravities are the words in the order of Gravity.kind.
var gravities = [...]string{"center", "n", "ne", "e", "se", "s", "sw", "w", "nw", "smart", "entropy"}

const (
	gravitySmart   = 9
	gravityEntropy = 10
)

// points are the focal points of the words, in parts of focalOne.
var points = [gravitySmart][2]uint16{{5000, 5000}, {5000, 0}, {10000, 0}, {10000, 5000}, {10000, 10000}, {5000, 10000}, {0, 10000}, {0, 5000}, {0, 0}}

// Point returns the focal point; that of the centre where it has to be found
// first.
func (g Gravity) Point() (x, y int) {
	switch {
	case g.kind == focalPoint:
		return int(g.x), int(g.y)
	case int(g.kind) < len(points):
		return int(points[g.kind][0]), int(points[g.kind][1])
	}
	return FocalOne / 2, FocalOne / 2
}

// FocalPoint returns the gravity of a focal point, in parts of focalOne.
func FocalPoint(x, y uint16) Gravity { return Gravity{focalPoint, x, y} }

// IsFocalPoint reports whether the gravity is a focal point.
func (g Gravity) IsFocalPoint() bool { return g.kind == focalPoint }

// WantsDetail reports whether what has most detail is kept.
func (g Gravity) WantsDetail() bool { return g.kind == gravityEntropy }

// Kept returns where the kept part of a line begins whose focal point is to lie
// in its middle, as far as the line allows; a half is rounded up.
func Kept(full, keep, focus int) int {
	at := (2*int64(full)*int64(focus) - FocalOne*int64(keep) + FocalOne) / (2 * FocalOne)
	return int(max(0, min(int64(full-keep), at)))
}

// DependsOnPicture reports whether the gravity depends on what is in the picture.
func (g Gravity) DependsOnPicture() bool { return g.kind == gravitySmart || g.kind == gravityEntropy }

// Settled returns g where nobody else has a say: there a centre that was asked
// for is the same as none.
func (g Gravity) Settled() Gravity {
	if g.kind == givenCentre {
		return Gravity{}
	}
	return g
}

// String returns the value of the parameter, "" for the zero value.
func (g Gravity) String() string {
	switch {
	case g == Gravity{}:
		return ""
	case g.kind == givenCentre:
		return gravities[0]
	case g.kind == focalPoint:
		return fmt.Sprintf("fp:%v:%v", float64(g.x)/FocalOne, float64(g.y)/FocalOne)
	}
	return gravities[g.kind]
}

// readGravity reads one of the first words, or a focal point.
func readGravity(g *Gravity, v string, words int) Verdict {
	for i, word := range gravities[:words] {
		if strings.EqualFold(v, word) {
			*g = Gravity{kind: uint8(i)}
			return Used
		}
	}
	point, ok := strings.CutPrefix(strings.ToLower(v), "fp:")
	sx, sy, two := strings.Cut(point, ":")
	x, v1 := parseFraction(sx)
	y, v2 := parseFraction(sy)
	if !ok || !two || v1 == Unreadable || v2 == Unreadable {
		return Unreadable
	}
	*g = Gravity{focalPoint, x, y}
	if x == FocalOne/2 && y == FocalOne/2 {
		*g = Gravity{}
	}
	return max(v1, v2)
}

// parseFraction reads a number from 0 to 1 in parts of focalOne.
func parseFraction(v string) (uint16, Verdict) {
	f, ok := parseFloat(v)
	switch {
	case !ok:
		return 0, Unreadable
	case f < 0:
		return 0, Clamped
	case f > 1:
		return FocalOne, Clamped
	}
	return uint16(math.Round(f * FocalOne)), Used
}

// A Crop is a part of the upright source; the zero value is all of it.
type Crop struct{ X, Y, W, H Length }

// A Length is in pixels, or in per cent of a side.
type Length struct {
	N       int32 // pixels, or hundredths of a per cent
	Percent bool
}

const (
	maxCropPixels = 65535
	WholePercent  = 100 * 100
)

func (l Length) String() string {
	if l.Percent {
		return Hundredths(l.N).String() + "%"
	}
	return fmt.Sprint(l.N)
}

// Of returns the length in pixels of a side.
func (l Length) of(side int) int {
	if l.Percent {
		return int((int64(side)*int64(l.N) + WholePercent/2) / WholePercent)
	}
	return int(l.N)
}

// String returns the value of the parameter, "" for the whole source.
func (c Crop) String() string {
	if c == (Crop{}) {
		return ""
	}
	return fmt.Sprintf("%v,%v,%v,%v", c.X, c.Y, c.W, c.H)
}

// Of returns the part of a picture of that size, at least one pixel of it.
func (c Crop) Of(size image.Point) image.Rectangle {
	if c == (Crop{}) {
		return image.Rectangle{Max: size}
	}
	x, y := min(c.X.of(size.X), size.X-1), min(c.Y.of(size.Y), size.Y-1)
	return image.Rect(x, y, min(size.X, x+max(1, c.W.of(size.X))), min(size.Y, y+max(1, c.H.of(size.Y))))
}

func readCrop(d *draft, v string) Verdict {
	parts := strings.Split(v, ",")
	if len(parts) == 1 && v == "0" {
		d.Crop = Crop{}
		return Used
	}
	if len(parts) != 4 {
		return Unreadable
	}
	var lengths [4]Length
	worst := Used
	for i, p := range parts {
		l, verdict := parseCropLength(p)
		if verdict == Unreadable || (i >= 2 && l.N == 0) {
			return Unreadable
		}
		lengths[i], worst = l, max(worst, verdict)
	}
	d.Crop = Crop{lengths[0], lengths[1], lengths[2], lengths[3]}
	if d.Crop.X.N == 0 && d.Crop.Y.N == 0 && d.Crop.W == wholeSource.W && d.Crop.H == wholeSource.H {
		d.Crop = wholeSource
	}
	return worst
}

// wholeSource is a crop that was asked for, of nothing.
var wholeSource = Crop{W: Length{WholePercent, true}, H: Length{WholePercent, true}}

// Settled returns c where nobody else has a say: there the whole source that was
// asked for is the same as no crop.
func (c Crop) Settled() Crop {
	if c == wholeSource {
		return Crop{}
	}
	return c
}

func parseCropLength(v string) (Length, Verdict) {
	number, percent := strings.CutSuffix(strings.TrimSpace(v), "%")
	f, ok := parseFloat(number)
	switch {
	case !ok || f < 0:
		return Length{}, Unreadable
	case percent && f > 100:
		return Length{WholePercent, true}, Clamped
	case percent:
		return Length{int32(math.Round(f * 100)), true}, Used
	case f > maxCropPixels:
		return Length{maxCropPixels, false}, Clamped
	}
	return Length{int32(f), false}, Used
}

// parseAngle reads degrees and returns those from 0 to below 360.
func parseAngle(v string) (Hundredths, Verdict) {
	f, ok := parseFloat(v)
	if !ok {
		return 0, Unreadable
	}
	return Hundredths(math.Round(math.Mod(f, 360)*100)+36000) % 36000, Used
}

// ExactTrim is a Trim of edges that do not differ at all.
const ExactTrim = 256

// lowerRight stands behind a trim that is by the lower right corner.
const lowerRight = ",se"

func readTrim(d *draft, v string) Verdict {
	number, end := strings.CutSuffix(v, lowerRight)
	verdict := Used
	if d.Trim = ExactTrim; number != "exact" {
		var n Hundredths
		n, verdict = parseDecimal(number, 1, 255)
		d.Trim = int(n / 100)
	}
	if end {
		d.Trim = -d.Trim
	}
	return verdict
}

func formatTrim(n int) string {
	end := ""
	if n < 0 {
		n, end = -n, lowerRight
	}
	if n == ExactTrim {
		return "exact" + end
	}
	return formatInt(n) + end
}
