// Package inflate decompresses DEFLATE data (RFC 1951) from memory to memory,
// where the length of the result is known: a third of the time of
// compress/flate, which has to serve streams.
package inflate

import (
	"encoding/binary"
	"errors"
	"hash/adler32"
)

// ErrCorrupt says that data is damaged, ends early, or is of another length
// than what was to be filled.
var ErrCorrupt = errors.New("inflate: corrupt data")

// Zlib fills dst from a zlib stream (RFC 1950), of which the checksum must be
// right. What follows the stream is ignored. It is safe for concurrent use.
func Zlib(dst, src []byte) error {
	if len(src) < 6 || src[0]&15 != 8 || src[0]>>4 > 7 || binary.BigEndian.Uint16(src)%31 != 0 || src[1]&0x20 != 0 {
		return ErrCorrupt
	}
	n, err := Inflate(dst, src[2:])
	if err != nil {
		return err
	}
	if rest := src[2+n:]; len(rest) < 4 || binary.BigEndian.Uint32(rest) != adler32.Checksum(dst) {
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

// A decoder has the tables of a block.
type decoder struct {
	src  []byte
	in   int    // bytes of src that are in bits, or were
	bits uint64 // the next bits, the first one lowest
	have uint   // how many bits there are
	past uint   // bytes behind the end of src that were taken for zeros

	lit  [1<<litBits + 1<<maxBits]entry
	dist [1<<distBits + 1<<maxBits]entry
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

// Inflate fills dst from a stream and returns how many bytes of src it took.
// The error is [ErrCorrupt]. It is safe for concurrent use.
func Inflate(dst, src []byte) (n int, err error) {
	d := decoders.Get().(*decoder)
	defer func() {
		d.src = nil
		decoders.Put(d)
	}()
	d.src, d.in, d.bits, d.have, d.past = src, 0, 0, 0, 0
	out := 0
	for last := false; !last; {
		d.refill()
		last = d.take(1) == 1
		switch d.take(2) {
		case 0:
			out, err = d.stored(dst, out)
		case 1:
			d.fixed()
			out, err = d.block(dst, out)
		case 2:
			if err = d.dynamic(); err == nil {
				out, err = d.block(dst, out)
			}
		default:
			err = ErrCorrupt
		}
		if err != nil || d.ended() {
			return 0, ErrCorrupt
		}
	}
	if out != len(dst) {
		return 0, ErrCorrupt
	}
	return d.in - int(d.have/8-d.past), nil
}

// stored copies a block that is not compressed (section 3.2.4).
func (d *decoder) stored(dst []byte, out int) (int, error) {
	d.take(d.have & 7)
	d.in -= int(d.have/8 - min(d.past, d.have/8)) // give back whole bytes
	d.bits, d.have, d.past = 0, 0, 0
	if d.in+4 > len(d.src) {
		return 0, ErrCorrupt
	}
	n := int(binary.LittleEndian.Uint16(d.src[d.in:]))
	if n != int(^binary.LittleEndian.Uint16(d.src[d.in+2:])) {
		return 0, ErrCorrupt
	}
	d.in += 4
	if n > len(d.src)-d.in || n > len(dst)-out {
		return 0, ErrCorrupt
	}
	copy(dst[out:], d.src[d.in:d.in+n])
	d.in += n
	return out + n, nil
}

// block decompresses up to the end of a block.
func (d *decoder) block(dst []byte, out int) (int, error) {
	src, in, bits, have := d.src, d.in, d.bits, d.have
	lit, dist := &d.lit, &d.dist
	for {
		if in+8 <= len(src) {
			bits |= binary.LittleEndian.Uint64(src[in:]) << (have & 63)
			in += int((63 - have) >> 3)
			have |= 56
		} else {
			d.in, d.bits, d.have = in, bits, have
			d.refill()
			if d.ended() {
				return 0, ErrCorrupt
			}
			in, bits, have = d.in, d.bits, d.have
		}
		// 56 bits are enough for two literals and what comes then: 2*11, and at
		// the most 15 + 5 for a length; a distance may need more.
		e := lit[bits&(1<<litBits-1)]
		if e&kindMask == kindLiteral {
			if out >= len(dst) {
				return 0, ErrCorrupt
			}
			dst[out] = byte(e >> 16)
			out++
			bits >>= e & 15
			have -= uint(e & 15)
			e = lit[bits&(1<<litBits-1)]
			if e&kindMask == kindLiteral {
				if out >= len(dst) {
					return 0, ErrCorrupt
				}
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
			if out >= len(dst) {
				return 0, ErrCorrupt
			}
			dst[out] = byte(e >> 16)
			out++
			continue
		case kindBase:
		case kindEnd:
			d.in, d.bits, d.have = in, bits, have
			return out, nil
		default:
			return 0, ErrCorrupt
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
			return 0, ErrCorrupt
		}
		extra = uint(e >> 4 & 15)
		back := int(e>>16) + int(bits&(1<<extra-1))
		bits >>= extra
		have -= extra
		if back > out || length > len(dst)-out {
			return 0, ErrCorrupt
		}
		copyBack(dst, out, back, length)
		out += length
	}
}

// copyBack repeats the length bytes that begin back bytes before out. They may
// overlap what they are copied to.
func copyBack(dst []byte, out, back, length int) {
	from := out - back
	if back >= 8 && out+length+8 <= len(dst) {
		for end := out + length; out < end; {
			binary.LittleEndian.PutUint64(dst[out:], binary.LittleEndian.Uint64(dst[from:]))
			out += 8
			from += 8
		}
		return
	}
	if back >= length {
		copy(dst[out:out+length], dst[from:])
		return
	}
	to := dst[out : out+length]
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
