// Package inflate decompresses DEFLATE data (RFC 1951) that is in memory, row by
// row: a third of the time of compress/flate, which reads streams of any kind,
// and no more memory than a window and a few rows.
package inflate

import (
	"encoding/binary"
	"errors"
	"hash"
	"hash/adler32"
	"sync"
)

var (
	// ErrCorrupt says that data is damaged, ends early, or has fewer rows than
	// what was asked for.
	ErrCorrupt = errors.New("inflate: corrupt data")
	// ErrLonger says that there is more data than the rows that were asked for:
	// all of them were emitted, and the checksum was not reached.
	ErrLonger = errors.New("inflate: more data than rows")
)

// Rows decompresses a zlib stream (RFC 1950) in pieces, which next returns one
// after the other until it returns nil; empty ones are passed over. The first
// row has size bytes, and emit is called with each row: it returns the size of
// the next one, 0 after the last one. No row is larger than largest, and size is
// at least 1. A row is valid until emit returns, and must not be written to. What
// follows the stream is ignored.
//
// The error is that of emit, which ends the work, [ErrLonger] or [ErrCorrupt].
// All that could be decompressed before it was emitted, all rows perhaps, as the
// stream ends with a checksum. Rows is safe for concurrent use.
func Rows(next func() []byte, size, largest int, emit func(row []byte) (size int, err error)) error {
	d := decoders.Get().(*decoder)
	defer d.putBack()
	d.begin(next, size, largest, emit)
	d.refill()
	if header := uint16(d.take(8))<<8 | uint16(d.take(8)); d.ended() || header>>8&15 != 8 || header>>12 > 7 || header%31 != 0 || header&0x20 != 0 {
		return ErrCorrupt
	}
	d.sum = adler32.New()
	err := d.stream()
	if err == ErrCorrupt {
		d.sum = nil
		if err := d.flush(); err != nil && err != ErrLonger {
			return err
		}
	}
	if err != nil {
		return err
	}
	d.take(d.have & 7)
	d.refill()
	sum := uint32(0)
	for range 4 {
		sum = sum<<8 | uint32(d.take(8))
	}
	if d.size != 0 || d.ended() || sum != d.sum.Sum32() {
		return ErrCorrupt
	}
	return nil
}

// An entry of a table says what the next bits stand for:
//
//	bits 0 to 3    how many bits the code has; of a link, how many the table
//	               behind it is looked up with
//	bits 4 to 7    the number of extra bits
//	bits 8 to 10   the kind
//	bits 16 to 31  the literal, the base of the length or distance, or where
//	               the table of a link begins
type entry uint32

const (
	kindLiteral entry = iota << 8
	kindBase          // of a length or distance
	kindLink          // to a table for the bits behind these
	kindEnd           // of the block
	kindInvalid       // no code begins so

	kindMask = 7 << 8
)

const (
	litBits  = 11 // looked up at once, of codes for literals and lengths
	distBits = 8
	maxBits  = 15

	maxLit  = 288
	maxDist = 32
)

const (
	window = 32 << 10  // how far back a copy may reach
	piece  = 128 << 10 // what is decompressed at once, so that it stays in the cache
	// step is the most that is written between two looks at whether there is room:
	// two literals and the longest copy. slack is what a copy in words of eight
	// bytes may write behind it.
	step  = 2 + 258
	slack = 8
)

// A decoder has the tables of a block, and what was decompressed last.
type decoder struct {
	next func() []byte // the piece after src; nil: there is none
	src  []byte
	in   int    // bytes of src that are in bits, or were
	bits uint64 // the next bits, the first one lowest
	have uint   // how many bits there are
	past uint   // bytes behind the end of the last piece that were taken for zeros

	out    []byte // the window and what comes behind it
	to     int    // where in out the next byte is written
	first  int    // where in out the first row begins that was not emitted
	summed int    // what comes before is in sum
	size   int    // of the next row; 0: all were emitted
	emit   func(row []byte) (size int, err error)
	sum    hash.Hash32 // nil: nobody asks for it

	lit  [1<<litBits + 1<<maxBits]entry
	dist [1<<distBits + 1<<maxBits]entry
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// begin makes the decoder ready for a stream.
func (d *decoder) begin(next func() []byte, size, largest int, emit func(row []byte) (int, error)) {
	d.next, d.src, d.in, d.bits, d.have, d.past = next, nil, 0, 0, 0, 0
	d.to, d.first, d.summed, d.size, d.emit, d.sum = 0, 0, 0, size, emit, nil
	// Behind the window and a row that is not complete there is room for a piece.
	if n := window + largest + piece + step + slack; len(d.out) < n {
		d.out = make([]byte, n)
	}
}

// putBack lets another stream use the decoder.
func (d *decoder) putBack() {
	const keep = 1 << 20
	if len(d.out) > keep {
		d.out = nil
	}
	d.next, d.src, d.emit, d.sum = nil, nil, nil, nil
	decoders.Put(d)
}

// full is where in out there is no more room for a step.
func (d *decoder) full() int { return len(d.out) - step - slack }

// flush hands on the rows that are complete and moves the window to the front.
func (d *decoder) flush() error {
	if d.sum != nil {
		d.sum.Write(d.out[d.summed:d.to])
	}
	for d.size != 0 && d.to-d.first >= d.size {
		n := d.size
		var err error
		if d.size, err = d.emit(d.out[d.first:][:n:n]); err != nil {
			return err
		}
		d.first += n
	}
	if d.size == 0 && d.first != d.to {
		return ErrLonger
	}
	keep := max(0, min(d.first, d.to-window))
	d.to = copy(d.out, d.out[keep:d.to])
	d.first -= keep
	d.summed = d.to
	return nil
}

// refill makes sure that there are at least 56 bits.
func (d *decoder) refill() {
	if d.in+8 <= len(d.src) {
		d.bits |= binary.LittleEndian.Uint64(d.src[d.in:]) << d.have
		d.in += int((63 - d.have) >> 3)
		d.have |= 56
		return
	}
	for d.have < 56 {
		if d.in < len(d.src) || d.more() {
			d.bits |= uint64(d.src[d.in]) << d.have
			d.in++
		} else {
			d.past++
		}
		d.have += 8
	}
}

// more goes on to the next piece that is not empty, if there is one.
func (d *decoder) more() bool {
	for d.next != nil {
		src := d.next()
		if src == nil {
			d.next = nil
			return false
		}
		if len(src) > 0 {
			d.src, d.in = src, 0
			return true
		}
	}
	return false
}

func (d *decoder) take(n uint) uint64 {
	v := d.bits & (1<<n - 1)
	d.bits >>= n
	d.have -= n
	return v
}

// ended reports whether bits were used that are in no piece.
func (d *decoder) ended() bool { return d.have < 8*d.past }

// stream decompresses all blocks and hands on the rows.
func (d *decoder) stream() (err error) {
	for last := false; !last; {
		d.refill()
		last = d.take(1) == 1
		switch d.take(2) {
		case 0:
			err = d.stored()
		case 1:
			d.fixed()
			err = d.block()
		case 2:
			if err = d.dynamic(); err == nil {
				err = d.block()
			}
		default:
			err = ErrCorrupt
		}
		if err == nil && d.ended() {
			err = ErrCorrupt
		}
		if err != nil {
			return err
		}
	}
	if err := d.flush(); err != nil {
		return err
	}
	if d.first != d.to {
		return ErrCorrupt
	}
	return nil
}

// stored copies a block that is not compressed (section 3.2.4).
func (d *decoder) stored() error {
	d.take(d.have & 7)
	d.refill()
	n := uint16(d.take(16))
	if ^n != uint16(d.take(16)) || d.ended() {
		return ErrCorrupt
	}
	for left := int(n); left > 0; {
		if d.to >= d.full() {
			if err := d.flush(); err != nil {
				return err
			}
		}
		if d.have >= 8 { // whole bytes that were read ahead
			d.out[d.to] = byte(d.take(8))
			if d.ended() {
				return ErrCorrupt
			}
			d.to++
			left--
			continue
		}
		d.bits = 0 // what was there beyond have
		if d.in == len(d.src) && !d.more() {
			return ErrCorrupt
		}
		n := copy(d.out[d.to:min(d.full(), d.to+left)], d.src[d.in:])
		d.in += n
		d.to += n
		left -= n
	}
	return nil
}

// block decompresses up to the end of a block.
func (d *decoder) block() error {
	src, in, bits, have := d.src, d.in, d.bits, d.have
	dst, out, full := d.out, d.to, d.full()
	lit, dist := &d.lit, &d.dist
	for {
		if out >= full {
			d.to = out
			if err := d.flush(); err != nil {
				return err
			}
			out = d.to
		}
		if in+8 <= len(src) {
			bits |= binary.LittleEndian.Uint64(src[in:]) << (have & 63)
			in += int((63 - have) >> 3)
			have |= 56
		} else {
			d.in, d.bits, d.have = in, bits, have
			d.refill()
			if d.ended() {
				d.to = out
				return ErrCorrupt
			}
			src, in, bits, have = d.src, d.in, d.bits, d.have
		}
		// 56 bits are enough for two literals and what comes then: 2*11, and at
		// the most 15 + 5 for a length; a distance may need more.
		e := lit[bits&(1<<litBits-1)]
		if e&kindMask == kindLiteral {
			dst[out] = byte(e >> 16)
			out++
			bits >>= e & 15
			have -= uint(e & 15)
			e = lit[bits&(1<<litBits-1)]
			if e&kindMask == kindLiteral {
				dst[out] = byte(e >> 16)
				out++
				bits >>= e & 15
				have -= uint(e & 15)
				continue
			}
		}
		if e&kindMask == kindLink {
			bits >>= litBits
			have -= litBits
			e = lit[uint64(e>>16)+bits&(1<<(e&15)-1)]
		}
		bits >>= e & 15
		have -= uint(e & 15)
		switch e & kindMask {
		case kindLiteral:
			dst[out] = byte(e >> 16)
			out++
			continue
		case kindBase:
		case kindEnd:
			d.in, d.bits, d.have, d.to = in, bits, have, out
			return nil
		default:
			d.to = out
			return ErrCorrupt
		}
		extra := uint(e >> 4 & 15)
		length := int(e>>16) + int(bits&(1<<extra-1))
		bits >>= extra
		have -= extra
		if have < 2*maxBits {
			d.in, d.bits, d.have = in, bits, have
			d.refill()
			src, in, bits, have = d.src, d.in, d.bits, d.have
		}
		e = dist[bits&(1<<distBits-1)]
		if e&kindMask == kindLink {
			bits >>= distBits
			have -= distBits
			e = dist[uint64(e>>16)+bits&(1<<(e&15)-1)]
		}
		bits >>= e & 15
		have -= uint(e & 15)
		if e&kindMask != kindBase {
			d.to = out
			return ErrCorrupt
		}
		extra = uint(e >> 4 & 15)
		back := int(e>>16) + int(bits&(1<<extra-1))
		bits >>= extra
		have -= extra
		if back > out {
			d.to = out
			return ErrCorrupt
		}
		copyBack(dst, out, back, length)
		out += length
	}
}

// copyBack repeats the length bytes that begin back bytes before out. They may
// overlap what they are copied to; up to slack bytes behind them are written.
func copyBack(dst []byte, out, back, length int) {
	from, end := out-back, out+length
	if back >= 8 {
		for out < end {
			binary.LittleEndian.PutUint64(dst[out:], binary.LittleEndian.Uint64(dst[from:]))
			out += 8
			from += 8
		}
		return
	}
	// A word that repeats the bytes, written so often as they fit into it.
	word := uint64(0)
	for i := range 8 {
		word |= uint64(dst[from+i%back]) << (8 * i)
	}
	step := 8 / back * back
	for ; out < end; out += step {
		binary.LittleEndian.PutUint64(dst[out:], word)
	}
}
