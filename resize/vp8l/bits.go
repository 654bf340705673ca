package vp8l

import "encoding/binary"

// A bitReader reads bits, the lowest one of a byte first. Behind the end there are zeros;
// overrun tells.
type bitReader struct {
	data []byte
	pos  int
	bits uint64 // those that were read ahead, the next one lowest
	have uint   // how many
	pad  uint   // of have, or read already: bits that are behind the end
}

// fill makes sure that there are 48 bits at least.
func (r *bitReader) fill() {
	if r.have >= 48 {
		return
	}
	if r.pos+8 <= len(r.data) {
		r.bits |= binary.LittleEndian.Uint64(r.data[r.pos:]) << r.have
		n := (63 - r.have) >> 3
		r.pos += int(n)
		r.have += 8 * n
		r.bits &= 1<<r.have - 1
		return
	}
	for r.have < 56 {
		if r.pos < len(r.data) {
			r.bits |= uint64(r.data[r.pos]) << r.have
			r.pos++
		} else {
			r.pad += 8
		}
		r.have += 8
	}
}

// read returns the next n bits, at most 32.
func (r *bitReader) read(n uint) uint32 {
	r.fill()
	v := uint32(r.bits & (1<<n - 1))
	r.skip(n)
	return v
}

// skip passes over bits that fill has read ahead.
func (r *bitReader) skip(n uint) {
	r.bits >>= n
	r.have -= n
}

// overrun reports whether more bits were read than there are.
func (r *bitReader) overrun() bool { return r.pad > r.have }
