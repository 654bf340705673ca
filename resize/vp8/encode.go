package vp8

import "image"

// candidates are how many modes of a 4x4 block are tried out, of those that look
// best, by Options.Effort; 0: there are no blocks of 4x4. Eight or ten cost a
// quarter more time than six and save a thousandth: efforts from 4 on are one.
var candidates = [...]int{0, 1, 3, 4, 6, 6, 6}

// An encoder makes one frame.
type encoder struct {
	m             *image.YCbCr
	quality       int
	candidates    int
	k             kernels
	width, height int // in macroblocks
	segments      [segments]segment
	segmented     bool // there is more than the first of them
	macroblocks   []macroblock
	tokens        [][]token // in pages
	count         tokenCount
	costs         levelCosts

	modeBits     int64 // what the modes so far cost, in 1/256 bits
	limited      bool  // mostModeBits counts
	mostModeBits int64 // what all modes may cost; those of the 16x16 ones may be more

	// What of the macroblocks above and to the left is needed: samples, modes,
	// and which blocks have coefficients.
	aboveY, aboveCb, aboveCr []byte
	aboveModes               []uint8
	leftModes                [4]uint8
	above                    []neighbours
	left                     neighbours

	source, result samples
	predictions16  [modes16][256]byte
	luma16, luma4  coefficients // the two ways of predicting luma; luma16 has the chroma as well
	luma4Bits      int64        // what the modes of luma4 cost
}

func newEncoder(m *image.YCbCr, o Options) *encoder {
	w, h := (m.Rect.Dx()+15)/16, (m.Rect.Dy()+15)/16
	e := &encoder{
		m: m, quality: o.Quality, candidates: candidates[max(0, min(len(candidates)-1, o.Effort))], k: kernels{o.generic}, width: w, height: h,
		macroblocks: make([]macroblock, w*h),
		aboveY:      make([]byte, 16*w),
		aboveCb:     make([]byte, 8*w),
		aboveCr:     make([]byte, 8*w),
		aboveModes:  make([]uint8, 4*w),
		above:       make([]neighbours, w),
	}
	e.costs.set(&defaultProbabilities)
	return e
}

// Costs follow the counts that there are at so many places of the picture.
const costUpdates = 8

func (e *encoder) encode() { e.encodeInto(nil) }

// encodeInto is encode; what a decoder without the loop filter would show goes
// to seen, unless that is nil.
func (e *encoder) encodeInto(seen *image.YCbCr) {
	every := max(1, e.height/costUpdates)
	for y := range e.height {
		if y > 0 && y%every == 0 {
			p, _ := e.count.fitted()
			e.costs.set(&p)
		}
		e.left, e.leftModes = neighbours{}, [4]uint8{}
		for x := range e.width {
			e.encodeMacroblock(x, y)
			if seen != nil {
				e.show(seen, x, y)
			}
		}
	}
}

// mayUse4x4 reports whether a macroblock may be predicted in blocks of 4x4: where
// modes are limited, while those before it have not taken more than their share.
func (e *encoder) mayUse4x4(x, y int) bool {
	if e.candidates == 0 || !e.limited {
		return e.candidates > 0
	}
	n := int64(len(e.macroblocks))
	return e.modeBits < e.mostModeBits/n*int64(y*e.width+x)+e.mostModeBits%n*int64(y*e.width+x)/n
}

func (e *encoder) encodeMacroblock(x, y int) {
	mb := &e.macroblocks[y*e.width+x]
	seg := &e.segments[mb.segment]
	e.load(x, y)
	e.chooseLuma(mb, seg, x, y)
	e.chooseChroma(mb, seg, x, y)

	c := &e.luma16
	above := &e.above[x]
	if mb.skip = c.empty(mb.in4x4); mb.skip {
		y2a, y2l := above[neighbourY2], e.left[neighbourY2]
		*above, e.left = neighbours{}, neighbours{}
		if mb.in4x4 {
			above[neighbourY2], e.left[neighbourY2] = y2a, y2l
		}
	} else {
		page := e.page()
		from := len(*page)
		c.walk(mb.in4x4, above, &e.left, func(i int, at place) {
			*page = appendBlock(*page, &c.levels[i], at, int(c.coded[i]))
		})
		for _, t := range (*page)[from:] {
			e.count.add(t)
		}
	}
	e.store(x)
}

// Tokens are kept in pages: a slice that grows would take several times the
// memory.
const (
	pageTokens     = 1 << 13
	mostTokensOfMB = blocks * 16
)

// page returns a page with room for the tokens of a macroblock.
func (e *encoder) page() *[]token {
	last := len(e.tokens) - 1
	if last < 0 || cap(e.tokens[last])-len(e.tokens[last]) < mostTokensOfMB {
		e.tokens = append(e.tokens, make([]token, 0, pageTokens))
		last++
	}
	return &e.tokens[last]
}

// load sets source to the macroblock's samples, beyond the picture those of its
// edge, and the edges of result to what is around it.
func (e *encoder) load(x, y int) {
	loadPlane(e.source[atY:], 16, e.m.Y, e.m.YStride, 16*x, 16*y, e.m.Rect.Dx(), e.m.Rect.Dy())
	cw, ch := (e.m.Rect.Dx()+1)/2, (e.m.Rect.Dy()+1)/2
	loadPlane(e.source[atCb:], 8, e.m.Cb, e.m.CStride, 8*x, 8*y, cw, ch)
	loadPlane(e.source[atCr:], 8, e.m.Cr, e.m.CStride, 8*x, 8*y, cw, ch)

	r := &e.result
	for _, p := range []struct {
		at, n int
		above []byte
	}{{atY, 16, e.aboveY}, {atCb, 8, e.aboveCb}, {atCr, 8, e.aboveCr}} {
		// The corner is the row above's, and that of the left column only where
		// there is a row above.
		for i := range p.n + 1 {
			at := p.at + (i-1)*stride - 1
			if x == 0 {
				r[at] = 129
			} else {
				r[at] = r[at+p.n]
			}
		}
		top := r[p.at-stride:]
		if y == 0 {
			for i := range p.n {
				top[i] = 127
			}
			r[p.at-stride-1] = 127
			continue
		}
		copy(top[:p.n], p.above[p.n*x:])
	}
	right := r[atY-stride+16:][:4]
	switch {
	case y == 0:
		copy(right, []byte{127, 127, 127, 127})
	case x == e.width-1:
		last := e.aboveY[16*x+15]
		copy(right, []byte{last, last, last, last})
	default:
		copy(right, e.aboveY[16*x+16:])
	}
	for i := 1; i < 4; i++ {
		copy(r[atY+(4*i-1)*stride+16:], right)
	}
}

// loadPlane copies n x n samples of a plane of w x h, from x, y on, to dst; n is 8 or 16. Those
// beyond the plane are like the nearest within.
func loadPlane(dst []byte, n int, plane []byte, planeStride, x, y, w, h int) {
	inside := min(n, w-x)
	if inside == n && y+n <= h { // nearly all of them
		from := plane[y*planeStride+x:]
		if n == 16 {
			to := (*[15*stride + 16]byte)(dst)
			for i := 0; i <= 15*stride; i += stride {
				*(*[16]byte)(to[i : i+16]) = [16]byte(from)
				from = from[min(planeStride, len(from)):]
			}
			return
		}
		to := (*[7*stride + 8]byte)(dst)
		for i := 0; i <= 7*stride; i += stride {
			*(*[8]byte)(to[i : i+8]) = [8]byte(from)
			from = from[min(planeStride, len(from)):]
		}
		return
	}
	for i := range n {
		row := plane[min(y+i, h-1)*planeStride+x:][:inside]
		copy(dst[i*stride:], row)
		for j := inside; j < n; j++ {
			dst[i*stride+j] = row[inside-1]
		}
	}
}

// store keeps of the result what the macroblocks below will need.
func (e *encoder) store(x int) {
	copy(e.aboveY[16*x:], e.result[atY+15*stride:][:16])
	copy(e.aboveCb[8*x:], e.result[atCb+7*stride:][:8])
	copy(e.aboveCr[8*x:], e.result[atCr+7*stride:][:8])
}

// show copies the result to its place in m.
func (e *encoder) show(m *image.YCbCr, x, y int) {
	for i := range 16 {
		copy(m.Y[m.YOffset(16*x, 16*y+i):], e.result[atY+i*stride:][:16])
	}
	for i := range 8 {
		copy(m.Cb[m.COffset(16*x, 16*y+2*i):], e.result[atCb+i*stride:][:8])
		copy(m.Cr[m.COffset(16*x, 16*y+2*i):], e.result[atCr+i*stride:][:8])
	}
}
