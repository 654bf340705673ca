package vp8

import "math/bits"

// A boolWriter is the boolean entropy encoder (RFC 6386, section 7.3): a bit
// costs what its probability says.
type boolWriter struct {
	out   []byte
	low   uint64 // lower end of the interval; the lowest 8 bits are of the unit of width
	width uint32 // of the interval less 1, 127 to 254 between bits
	ahead uint   // bits of low above the lowest 8, a carry aside
}

func newBoolWriter() *boolWriter { return &boolWriter{width: 254} }

// put writes a bit that is 0 with probability p/256, p from 1 to 255.
func (w *boolWriter) put(bit bool, p uint8) {
	split := w.width * uint32(p) >> 8
	if bit {
		w.low += uint64(split) + 1
		w.width -= split + 1
	} else {
		w.width = split
	}
	if w.width < 127 {
		shift := uint(bits.LeadingZeros8(uint8(w.width + 1)))
		w.width = (w.width+1)<<shift - 1
		w.low <<= shift
		if w.ahead += shift; w.ahead >= 40 {
			w.ahead -= 40
			w.emit(w.low>>(w.ahead+8), 5)
			w.low &= 1<<(w.ahead+8) - 1
		}
	}
}

// emit appends the lowest n bytes of v; the bit above them is a carry.
func (w *boolWriter) emit(v uint64, n int) {
	if v>>(8*n) != 0 {
		i := len(w.out) - 1
		for w.out[i] == 255 { // the interval is within [0, 1): it ends somewhere
			w.out[i] = 0
			i--
		}
		w.out[i]++
	}
	for n--; n >= 0; n-- {
		w.out = append(w.out, byte(v>>(8*n)))
	}
}

// literal writes the lowest n bits of v, the highest one first.
func (w *boolWriter) literal(v, n int) {
	for n--; n >= 0; n-- {
		w.put(v>>n&1 != 0, 128)
	}
}

// flag writes one bit.
func (w *boolWriter) flag(bit bool) { w.put(bit, 128) }

// signed writes the magnitude of v in n bits and its sign, as headers have it.
func (w *boolWriter) signed(v, n int) {
	w.literal(max(v, -v), n)
	w.flag(v < 0)
}

// end returns all that was written.
func (w *boolWriter) end() []byte {
	n := (w.ahead + 8 + 7) / 8
	w.emit(w.low<<(8*n-w.ahead-8), int(n))
	return w.out
}
