package vp8

// A macroblock is what the first partition says of 16x16 pixels.
type macroblock struct {
	segment uint8
	skip    bool // no coefficient is written
	in4x4   bool
	luma    uint8     // mode, unless in4x4
	modes   [16]uint8 // of the 4x4 blocks, if in4x4
	chroma  uint8     // mode
}

// Samples of a macroblock lie in one array of rows: luma and below it both planes
// of chroma, with room for the row above each, the column to the left and, for
// luma, the four samples above and to the right.
const (
	stride = 32
	rowsOf = 26
	atY    = 1*stride + 8
	atCb   = 18*stride + 8
	atCr   = 18*stride + 24
)

type samples [rowsOf * stride]byte

// Blocks of a macroblock are numbered as they are written: luma, Cb, Cr; the one
// of Y2 is the last.
const (
	blockCb = 16
	blockCr = 20
	blockY2 = 24
	blocks  = 25
)

// blockAt is where a block's samples begin.
var blockAt = blockPlaces()

func blockPlaces() (at [blockY2]int) {
	for i := range 16 {
		at[i] = atY + i/4*4*stride + i%4*4
	}
	for i := range 4 {
		at[blockCb+i] = atCb + i/2*4*stride + i%2*4
		at[blockCr+i] = atCr + i/2*4*stride + i%2*4
	}
	return at
}

// Coefficients of a macroblock, or of one way of predicting it.
type coefficients struct {
	levels  [blocks]block // quantized
	decoded [blocks]block // what a decoder makes of them
	coded   [blocks]uint8 // how many are written, in zigzag order
}

// Neighbours say which blocks next to a macroblock have coefficients: 4 of luma,
// 2 each of chroma, and Y2.
type neighbours [9]uint8

const (
	neighbourCb = 4
	neighbourCr = 6
	neighbourY2 = 8
)

// nonzero reports whether there are coefficients from first on, as a number.
func nonzero(coded uint8, first int) uint8 {
	if int(coded) > first {
		return 1
	}
	return 0
}

// walk calls f for each block of the macroblock in the order in which they are
// written, and keeps above and left up to date.
func (c *coefficients) walk(in4x4 bool, above, left *neighbours, f func(block int, at place)) {
	visit := func(i, plane, first int, a, l *uint8) {
		f(i, place{plane, first, int(*a + *l)})
		*a = nonzero(c.coded[i], first)
		*l = *a
	}
	plane, first := planeY, 0
	if !in4x4 {
		visit(blockY2, planeY2, 0, &above[neighbourY2], &left[neighbourY2])
		plane, first = planeYAfterY2, 1
	}
	for i := range 16 {
		visit(i, plane, first, &above[i%4], &left[i/4])
	}
	for i := range 4 {
		visit(blockCb+i, planeChroma, 0, &above[neighbourCb+i%2], &left[neighbourCb+i/2])
	}
	for i := range 4 {
		visit(blockCr+i, planeChroma, 0, &above[neighbourCr+i%2], &left[neighbourCr+i/2])
	}
}

// empty reports whether nothing of the macroblock is written.
func (c *coefficients) empty(in4x4 bool) bool {
	first := 1
	if in4x4 {
		first = 0
	} else if c.coded[blockY2] > 0 {
		return false
	}
	for i := range 16 {
		if int(c.coded[i]) > first {
			return false
		}
	}
	for i := blockCb; i < blockY2; i++ {
		if c.coded[i] > 0 {
			return false
		}
	}
	return true
}
