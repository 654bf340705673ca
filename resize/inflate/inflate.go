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

// ErrCorrupt says that data is damaged, ends early, or is of another length
// than what was asked for.
var ErrCorrupt = errors.New("inflate: corrupt data")

// Rows decompresses a zlib stream (RFC 1950) of n rows of size bytes, n and size
// being at least 1, and calls emit with each of them. A row is valid until emit
// returns, and must not be written to. What follows the stream is ignored.
//
// The error is that of emit, which ends the work, or [ErrCorrupt]: all rows may
// have been emitted before it is found, as the stream ends with a checksum.
// Rows is safe for concurrent use.
func Rows(src []byte, n, size int, emit func(row []byte) error) error {
	if len(src) < 6 || src[0]&15 != 8 || src[0]>>4 > 7 || binary.BigEndian.Uint16(src)%31 != 0 || src[1]&0x20 != 0 {
		return ErrCorrupt
	}
	d := decoders.Get().(*decoder)
	defer d.putBack()
	sum := adler32.New()
	d.begin(src[2:], size, func(row []byte) error {
		if n--; n < 0 {
			return ErrCorrupt
		}
		return emit(row)
	})
	d.sum = sum
	end, err := d.stream()
	if err != nil {
		return err
	}
	if rest := src[2+end:]; n != 0 || len(rest) < 4 || binary.BigEndian.Uint32(rest) != sum.Sum32() {
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
	src  []byte
	in   int    // bytes of src that are in bits, or were
	bits uint64 // the next bits, the first one lowest
	have uint   // how many bits there are
	past uint   // bytes behind the end of src that were taken for zeros

	out    []byte // the window and what comes behind it
	to     int    // where in out the next byte is written
	first  int    // where in out the first row begins that was not emitted
	summed int    // what comes before is in sum
	size   int    // of a row
	emit   func(row []byte) error
	sum    hash.Hash32 // nil: nobody asks for it

	lit  [1<<litBits + 1<<maxBits]entry
	dist [1<<distBits + 1<<maxBits]entry
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// begin makes the decoder ready for a stream.
func (d *decoder) begin(src []byte, size int, emit func(row []byte) error) {
	d.src, d.in, d.bits, d.have, d.past = src, 0, 0, 0, 0
	d.to, d.first, d.summed, d.size, d.emit, d.sum = 0, 0, 0, size, emit, nil
	// Behind the window and a row that is not complete there is room for a piece.
	if n := window + size + piece + step + slack; len(d.out) < n {
		d.out = make([]byte, n)
	}
}

// putBack lets another stream use the decoder.
func (d *decoder) putBack() {
	const keep = 1 << 20
	if len(d.out) > keep {
		d.out = nil
	}
	d.src, d.emit, d.sum = nil, nil, nil
	decoders.Put(d)
}

// full is where in out there is no more room for a step.
func (d *decoder) full() int { return len(d.out) - step - slack }

// flush hands on the rows that are complete and moves the window to the front.
func (d *decoder) flush() error {
	if d.sum != nil {
		d.sum.Write(d.out[d.summed:d.to])
	}
	for ; d.to-d.first >= d.size; d.first += d.size {
		if err := d.emit(d.out[d.first:][:d.size:d.size]); err != nil {
			return err
		}
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
		if d.in < len(d.src) {
			d.bits |= uint64(d.src[d.in]) << d.have
			d.in++
		} else {
			d.past++
		}
		d.have += 8
	}
}

func (d *decoder) take(n uint) uint64 {
	v := d.bits & (1<<n - 1)
	d.bits >>= n
	d.have -= n
	return v
}

// ended reports whether bits were used that are not in src.
func (d *decoder) ended() bool { return d.have < 8*d.past }

// stream decompresses all blocks, hands on the rows, and returns how many bytes
// of src it took.
func (d *decoder) stream() (n int, err error) {
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
			return 0, err
		}
	}
	if err := d.flush(); err != nil {
		return 0, err
	}
	if d.first != d.to {
		return 0, ErrCorrupt
	}
	return d.in - int(d.have/8-d.past), nil
}

// stored copies a block that is not compressed (section 3.2.4).
func (d *decoder) stored() error {
	d.take(d.have & 7)
	d.in -= int(d.have/8 - min(d.past, d.have/8)) // give back whole bytes
	d.bits, d.have, d.past = 0, 0, 0
	if d.in+4 > len(d.src) {
		return ErrCorrupt
	}
	n := int(binary.LittleEndian.Uint16(d.src[d.in:]))
	if n != int(^binary.LittleEndian.Uint16(d.src[d.in+2:])) {
		return ErrCorrupt
	}
	d.in += 4
	if n > len(d.src)-d.in {
		return ErrCorrupt
	}
	for end := d.in + n; d.in < end; {
		if d.to >= d.full() {
			if err := d.flush(); err != nil {
				return err
			}
		}
		n := copy(d.out[d.to:d.full()], d.src[d.in:end])
		d.in += n
		d.to += n
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
				return ErrCorrupt
			}
			in, bits, have = d.in, d.bits, d.have
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
			return ErrCorrupt
		}
		extra := uint(e >> 4 & 15)
		length := int(e>>16) + int(bits&(1<<extra-1))
		bits >>= extra
		have -= extra
		if have < 2*maxBits {
			d.in, d.bits, d.have = in, bits, have
			d.refill()
			in, bits, have = d.in, d.bits, d.have
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
			return ErrCorrupt
		}
		extra = uint(e >> 4 & 15)
		back := int(e>>16) + int(bits&(1<<extra-1))
		bits >>= extra
		have -= extra
		if back > out {
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
	to := dst[out:end]
	if back == 1 {
		v := dst[from]
		for i := range to {
			to[i] = v
		}
		return
	}
	for i := range to {
		to[i] = dst[from+i]
	}
}
