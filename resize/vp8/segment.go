package vp8

import (
	"math"
	"math/bits"
)

// A segment is what macroblocks of about the same activity have in common.
type segment struct {
	index        int // of the quantizer, 0 to 127
	filter       int // level of the loop filter, 0 to 63
	y, y2, color quantizer
	// What a bit is worth: beside squared errors of samples, times 16, and beside
	// sums of absolute differences, times 256.
	lambda   int64
	lambdaAD uint32
}

const segments = 4

// Tuned on photographs and drawings for the fewest bytes at equal structural
// similarity, at qualities from 50 to 85, with an eye on the squared error.
const (
	// Parts of 256 of a step that are added before quantizing: below a half, since
	// smaller levels cost less.
	biasY, biasY2DC, biasY2AC = 104, 96, 108
	biasColorDC, biasColorAC  = 110, 115
	lambdaOfStep, adOfStep    = 0.019, 0.22 // squared errors to the square of a step; differences to a step
	filterOfStep              = 0.36
	chromaDCDelta             = -2   // finer steps for DC coefficients of chroma, as an index
	activityWeight            = 0.18 // steps grow with this power of the variance
	leastVariance             = 16   // added to each
)

func newSegment(index int) segment {
	ac, dc := acSteps[index], dcSteps[index]
	q := float64(ac)
	return segment{
		index:    index,
		filter:   min(63, int(math.Round(filterOfStep*q))),
		y:        newQuantizer(dc, ac, biasY, biasY),
		y2:       newQuantizer(2*dc, max(8, ac*155/100), biasY2DC, biasY2AC),
		color:    newQuantizer(min(132, dcSteps[max(0, index+chromaDCDelta)]), ac, biasColorDC, biasColorAC),
		lambda:   int64(math.Round(16 * lambdaOfStep * q * q)),
		lambdaAD: uint32(math.Round(256 * adOfStep * q)),
	}
}

// baseIndex returns the index of the quantizer for a quality from 0 to 100, on the
// scale that users of WebP know: libwebp takes steps that fall with the cube root
// of the quality, which counts double from 75 on.
func baseIndex(quality int) int {
	c := float64(max(0, min(100, quality))) / 100
	if c < 0.75 {
		c *= 2.0 / 3
	} else {
		c = 2*c - 1
	}
	return int(math.Round(127 * (1 - math.Cbrt(c))))
}

// analyse gives every macroblock its segment, and segments their quantizers.
func (e *encoder) analyse() {
	activities := make([]int, len(e.macroblocks))
	sum := 0
	for y := range e.height {
		for x := range e.width {
			a := e.activity(x, y)
			activities[y*e.width+x] = a
			sum += a
		}
	}
	mean := sum / len(activities)
	centres := clusters(activities)
	base := logarithm(int(acSteps[baseIndex(e.quality)]))
	for i, c := range centres {
		e.segments[i] = newSegment(indexFor(base + int(math.Round(activityWeight*float64(c-mean)))))
		e.segmented = e.segmented || e.segments[i].index != e.segments[0].index
	}
	if !e.segmented {
		return
	}
	for i, a := range activities {
		e.macroblocks[i].segment = uint8(nearest(&centres, a))
	}
}

// indexFor returns the index whose step for AC coefficients has the nearest
// logarithm.
func indexFor(log int) int {
	best, distance := 0, math.MaxInt
	for i, s := range acSteps {
		d := logarithm(int(s)) - log
		if d = max(d, -d); d < distance {
			best, distance = i, d
		}
	}
	return best
}

// activity returns the mean logarithm of the variances of the quarters of a
// macroblock's luma.
func (e *encoder) activity(x, y int) int {
	loadPlane(e.source[atY:], 16, e.m.Y, e.m.YStride, 16*x, 16*y, e.m.Rect.Dx(), e.m.Rect.Dy())
	sum := 0
	for q := range 4 {
		at := atY + q/2*8*stride + q%2*8
		s, ss := 0, 0
		for i := range 8 {
			v := [8]byte(e.source[at+i*stride:])
			a, b, c, d := int(v[0]), int(v[1]), int(v[2]), int(v[3])
			s, ss = s+a+b+c+d, ss+a*a+b*b+c*c+d*d
			a, b, c, d = int(v[4]), int(v[5]), int(v[6]), int(v[7])
			s, ss = s+a+b+c+d, ss+a*a+b*b+c*c+d*d
		}
		sum += logarithm(64*ss - s*s + 64*64*leastVariance)
	}
	return sum / 4
}

// logarithm returns the binary logarithm of v, above 0, times 256, by a table of
// its fraction: the same everywhere.
func logarithm(v int) int {
	n := bits.Len(uint(v)) - 1
	return n<<8 + int(logarithms[uint64(v)<<8>>n&255])
}

var logarithms = logarithmTable()

func logarithmTable() (t [256]uint8) {
	for i := range t {
		t[i] = uint8(256 * math.Log2(1+float64(float64(i)/256)))
	}
	return t
}

// clusters returns the centres of values in ascending order, found by Lloyd's
// iterations from equal distances.
func clusters(values []int) (centres [segments]int) {
	least, most := values[0], values[0]
	for _, v := range values {
		least, most = min(least, v), max(most, v)
	}
	for i := range centres {
		centres[i] = least + (most-least)*(2*i+1)/(2*segments)
	}
	for range 6 {
		var sum, n [segments]int
		for _, v := range values {
			i := nearest(&centres, v)
			sum[i] += v
			n[i]++
		}
		for i := range centres {
			if n[i] > 0 {
				centres[i] = sum[i] / n[i]
			}
		}
	}
	return centres
}

func nearest(centres *[segments]int, v int) int {
	best, distance := 0, math.MaxInt
	for i, c := range centres {
		if d := max(c-v, v-c); d < distance {
			best, distance = i, d
		}
	}
	return best
}
