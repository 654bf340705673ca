package vp8

import (
	"encoding/binary"
	"math/bits"
)

// A boolReader is the boolean entropy decoder (RFC 6386, section 7.3). Behind the
// end of its bytes there are zeros, and ended is true.
type boolReader struct {
	in    []byte
	at    int    // of what is not in value yet
	value uint64 // what was read, from the highest bit on; the highest 8 bits are of the unit of width
	width uint64 // of the interval, 128 to 255 between bits
	count int    // bits in value, less the 8 that a decision takes
	ended bool
}

func newBoolReader(in []byte) boolReader { return boolReader{in: in, width: 255, count: -8} }

// fill makes sure that there are enough bits for a decision. Its arguments and
// results are value and count, which the caller may have in registers.
//
//go:noinline
func (r *boolReader) fill(value uint64, count int) (uint64, int) {
	if rest := r.in[r.at:]; len(rest) >= 8 {
		r.at += 7
		return value | binary.BigEndian.Uint64(rest)&^255>>(uint(count+8)&7), count + 56
	}
	for r.at < len(r.in) && count <= 48 {
		value |= uint64(r.in[r.at]) << (48 - count)
		r.at++
		count += 8
	}
	if count < 0 {
		r.ended = true
		count = 1 << 30
	}
	return value, count
}

// shiftOf is how far a width has to be shifted to be 128 at least.
var shiftOf = shiftTable()

func shiftTable() (t [256]uint8) {
	for w := 1; w < 256; w++ {
		t[w] = uint8(bits.LeadingZeros8(uint8(w)))
	}
	return t
}

// bit reads a bit that is 0 with probability p/256.
func (r *boolReader) bit(p uint8) bool {
	if r.count < 0 {
		r.value, r.count = r.fill(r.value, r.count)
	}
	split := 1 + (r.width-1)*uint64(p)>>8
	low := split << 56
	one := r.value >= low
	if one {
		r.value -= low
		split = r.width - split
	}
	shift := shiftOf[split&255] & 63
	r.width = split << shift
	r.value <<= shift
	r.count -= int(shift)
	return one
}

// number is bit as a number.
func (r *boolReader) number(p uint8) int {
	if r.bit(p) {
		return 1
	}
	return 0
}

// literal reads a number of n bits, the highest one first.
func (r *boolReader) literal(n int) (v int) {
	for range n {
		v = 2*v + r.number(128)
	}
	return v
}

// flag reads one bit.
func (r *boolReader) flag() bool { return r.bit(128) }

// signed reads a magnitude of n bits and its sign.
func (r *boolReader) signed(n int) int {
	v := r.literal(n)
	if r.flag() {
		return -v
	}
	return v
}

// optional reads a signed number that may be left out, and is 0 then.
func (r *boolReader) optional(n int) int {
	if !r.flag() {
		return 0
	}
	return r.signed(n)
}

// Positions are the probabilities of a plane by place in zigzag order, each
// context in a row of its own length of 16 bytes. The last place is never read.
type positions [17][3][16]uint8

// positionsOf returns them for each plane.
func positionsOf(p *probabilities) (all [planes]positions) {
	for plane := range all {
		for n := range all[plane] {
			for size := range 3 {
				copy(all[plane][n][size][:], p[contextOf(plane, n, size)][:])
			}
		}
	}
	return all
}

// levels reads the levels of a block from the place first on and sets b, which is
// zero, to what they are with the steps of DC and AC coefficients. size is how many
// of its neighbours have coefficients. It returns the place behind the last level.
func (r *boolReader) levels(b *block, of *positions, first, size int, steps *[2]int32) int {
	value, width, count := r.value, r.width, r.count
	n := first
	p := &of[n][size]
	for {
		// Is this the end?
		if count < 0 {
			value, count = r.fill(value, count)
		}
		split := 1 + (width-1)*uint64(p[0])>>8
		low := split << 56
		if value < low {
			shift := shiftOf[split&255] & 63
			r.value, r.width, r.count = value<<shift, split<<shift, count-int(shift)
			return n
		}
		value -= low
		width -= split
		shift := shiftOf[width&255] & 63
		value, width, count = value<<shift, width<<shift, count-int(shift)
		// As long as there are zeros, the block goes on.
		for {
			if count < 0 {
				value, count = r.fill(value, count)
			}
			split = 1 + (width-1)*uint64(p[1])>>8
			low = split << 56
			if value >= low {
				break
			}
			shift = shiftOf[split&255] & 63
			value, width, count = value<<shift, split<<shift, count-int(shift)
			if n++; n == 16 {
				r.value, r.width, r.count = value, width, count
				return 16
			}
			p = &of[n][0]
		}
		value -= low
		width -= split
		shift = shiftOf[width&255] & 63
		value, width, count = value<<shift, width<<shift, count-int(shift)
		// Is it 1?
		if count < 0 {
			value, count = r.fill(value, count)
		}
		split = 1 + (width-1)*uint64(p[2])>>8
		low = split << 56
		v := int32(1)
		next := &of[n+1]
		if value < low {
			shift = shiftOf[split&255] & 63
			value, width, count = value<<shift, split<<shift, count-int(shift)
			p = &next[1]
		} else {
			value -= low
			width -= split
			shift = shiftOf[width&255] & 63
			r.value, r.width, r.count = value<<shift, width<<shift, count-int(shift)
			v = r.above1(p)
			value, width, count = r.value, r.width, r.count
			p = &next[2]
		}
		// The sign. A width that is not the first is 254 at most, so that its halves are
		// shifted by 1.
		if count < 0 {
			value, count = r.fill(value, count)
		}
		low = (width + 1) >> 1 << 56
		d, below := bits.Sub64(value, low, 0)
		value = (d + low&-below) << 1
		width = (width + below) &^ 1
		count--
		sign := int32(below) - 1
		step := steps[1]
		if n == 0 {
			step = steps[0]
		}
		b[zigzag[n&15]] = int16(((v ^ sign) - sign) * step)
		if n++; n == 16 {
			r.value, r.width, r.count = value, width, count
			return 16
		}
	}
}

// above1 reads a magnitude that is more than 1 (section 13.2).
func (r *boolReader) above1(p *[16]uint8) int32 {
	if !r.bit(p[3]) {
		if !r.bit(p[4]) {
			return 2
		}
		return 3 + int32(r.number(p[5]))
	}
	class := classCat1
	if !r.bit(p[6]) {
		class += r.number(p[7])
	} else {
		class = classCat3 + 2*r.number(p[8])
		class += r.number(p[9+(class-classCat3)/2])
	}
	c := &categories[class]
	v := 0
	for _, p := range c.extra {
		v = 2*v + r.number(p)
	}
	return int32(c.least + v)
}

// block4Tree has for each branch of the tree of modes of blocks where both ways lead:
// to another branch, or to a mode, behind branchMode (section 11.2).
var block4Tree = block4TreeTable()

const branchMode = 16

func block4TreeTable() (t [branchMode][2]uint8) {
	for m, path := range block4Paths {
		for i, s := range path {
			next := uint8(branchMode + m)
			if i < len(path)-1 {
				next = path[i+1].branch
			}
			t[s.branch][bit(s.bit)] = next
		}
	}
	return t
}

// blockModes reads the modes of the blocks of a macroblock. above and left are those of
// its neighbours before, and its own last ones afterwards.
func (r *boolReader) blockModes(modes *[16]uint8, above, left *[4]uint8) {
	value, width, count := r.value, r.width, r.count
	for i := range modes {
		a, l := &above[i%4], &left[i/4]
		p := &modeProbabilities[*a][*l]
		branch := uint8(0)
		for branch < branchMode {
			if count < 0 {
				value, count = r.fill(value, count)
			}
			split := 1 + (width-1)*uint64(p[branch])>>8
			low := split << 56
			ways := &block4Tree[branch%branchMode]
			if value < low {
				branch, width = ways[0], split
			} else {
				branch, width, value = ways[1], width-split, value-low
			}
			shift := shiftOf[width&255] & 63
			value, width, count = value<<shift, width<<shift, count-int(shift)
		}
		modes[i], *a, *l = branch-branchMode, branch-branchMode, branch-branchMode
	}
	r.value, r.width, r.count = value, width, count
}
