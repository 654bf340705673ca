package jpeg

import (
	"bytes"
	"encoding/binary"
)

const (
	chunkSize = 1 << 16

	// mcuMargin is more than the entropy-coded bytes of any MCU: 10 blocks of
	// 64 symbols, each of at most 16 bits of code and 15 bits of value.
	mcuMargin = 4096

	// fillTarget is how many bytes a chunk should hold before decoding goes
	// on. It is small, so that decoding keeps up with a slow reader.
	fillTarget = 3 * mcuMargin
)

// Entropy-coded bits (T.81 section F.2.2.5) are read in two steps. A chunk
// holds entropy-coded bytes from which the stuffed zeros are removed, up to a
// marker. The reservoir is a left-aligned uint64 whose first n bits are valid,
// and whose other bits are either zero or already what follows; chunk[pos] is
// the first byte not counted in n. The decoding loops hold bits, n and pos in
// local variables and refill with
//
//	bits |= be64(chunk[pos:]) >> n
//	pos += (63 - n) >> 3
//	n |= 56
//
// which needs no branch and leaves n in [56,63].
type bitReader struct {
	bits   uint64
	n, pos uint
	end    uint // bytes in chunk
	ended  bool // the source stands at a marker or at its end
	chunk  [chunkSize + 64]byte
}

func (b *bitReader) reset() {
	b.bits, b.n, b.pos, b.end, b.ended = 0, 0, 0, 0, false
}

// refill is the refill of the comment above, for the less frequent places.
func (b *bitReader) refill(bits uint64, n, pos uint) (uint64, uint, uint) {
	p := pos & (chunkSize - 1)
	bits |= binary.BigEndian.Uint64(b.chunk[p:p+8]) >> (n & 63)
	return bits, n | 56, pos + (63-n)>>3
}

// overrun reports whether more bits were used than there are.
func (b *bitReader) overrun(n, pos uint) bool {
	return b.ended && pos*8 > b.end*8+n
}

// unused returns how many bytes of the chunk were not needed.
func (b *bitReader) unused() int {
	return max(0, int(b.end)-(int(b.pos)*8-int(b.n)+7)/8)
}

// fill moves the bytes from pos on to the front of the chunk and appends more
// from the source. Unless the source stands at a marker or its end, the chunk
// then holds at least mcuMargin bytes; else zeros follow the last byte. It
// returns the new pos, which is 0 unless pos was past the end.
func (d *decoder) fill(pos uint) uint {
	b, s := &d.bitReader, &d.source
	if b.ended {
		return pos
	}
	w := uint(copy(b.chunk[:], b.chunk[min(pos, b.end):b.end]))
	for w < fillTarget {
		if !s.need(1) {
			b.ended = true
			break
		}
		p := s.buf[s.rp:s.wp]
		if room := chunkSize - mcuMargin - w; uint(len(p)) > room {
			p = p[:room]
		}
		i := bytes.IndexByte(p, 0xff)
		if i < 0 {
			w += uint(copy(b.chunk[w:], p))
			s.rp += len(p)
			continue
		}
		w += uint(copy(b.chunk[w:], p[:i]))
		s.rp += i
		if !s.need(2) {
			s.rp = s.wp
			b.ended = true
			break
		}
		switch s.buf[s.rp+1] {
		case 0:
			b.chunk[w] = 0xff
			w++
			s.rp += 2
		case 0xff: // fill byte
			s.rp++
		default:
			b.ended = true
		}
		if b.ended {
			break
		}
	}
	b.end = w
	if b.ended {
		clear(b.chunk[w : w+mcuMargin])
	}
	return 0
}
