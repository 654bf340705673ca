package resize

import (
	"encoding/binary"
	"fmt"
	"image"
	"io"
)

// The first fields of a JPEG XL codestream (ISO/IEC 18181-1, annexes B and D):
// what the decoder will need is known before it starts.

const (
	jxlCodestream = "\xff\x0a"
	jxlContainer  = "\x00\x00\x00\x0cJXL \r\n\x87\n"
)

// A jxlReader reads bits, the least significant one first; zeros behind the end.
type jxlReader struct {
	data []byte
	at   int
}

func (r *jxlReader) past() bool { return r.at > 8*len(r.data) }

func (r *jxlReader) bits(n int) (v uint32) {
	for i := range n {
		if j := r.at >> 3; j < len(r.data) {
			v |= uint32(r.data[j]>>(r.at&7)&1) << i
		}
		r.at++
	}
	return v
}

// u32 reads a number in one of four forms: a constant plus some bits (section
// B.2.1).
func (r *jxlReader) u32(forms [4][2]uint32) uint32 {
	f := forms[r.bits(2)]
	return f[0] + r.bits(int(f[1]))
}

func (r *jxlReader) enum() uint32 { return r.u32([4][2]uint32{{0, 0}, {1, 0}, {2, 4}, {18, 6}}) }

func (r *jxlReader) size() image.Point {
	side := func(small bool) int {
		if small {
			return int(r.bits(5)+1) * 8
		}
		return int(r.u32([4][2]uint32{{1, 9}, {1, 13}, {1, 18}, {1, 30}}))
	}
	small := r.bits(1) == 1
	h := side(small)
	ratios := [8][2]int{{}, {1, 1}, {12, 10}, {4, 3}, {3, 2}, {16, 9}, {5, 4}, {2, 1}}
	if ratio := ratios[r.bits(3)]; ratio != ([2]int{}) {
		return image.Pt(int(int64(h)*int64(ratio[0])/int64(ratio[1])), h)
	}
	return image.Pt(side(small), h)
}

// A jxlHeader is what the first fields say.
type jxlHeader struct {
	size     image.Point // upright, as the decoder gives it
	animated bool
	deep     bool
	alpha    bool
	extra    int  // channels beyond the colours
	cicp     cicp // zero: sRGB, or a profile that cannot be had
}

// parseJXL reads the header. It returns io.ErrUnexpectedEOF if it needs more of
// the file than head.
func parseJXL(head []byte) (jxlHeader, error) {
	stream, err := jxlStream(head)
	if err != nil {
		return jxlHeader{}, err
	}
	r := jxlReader{data: stream[len(jxlCodestream):]}
	h := jxlHeader{size: r.size()}
	if r.bits(1) == 0 { // not all as by default
		if r.bits(1) == 1 { // extra fields
			if o := orientation(r.bits(3) + 1); o.swaps() {
				h.size = o.size(h.size)
			}
			if r.bits(1) == 1 {
				r.size() // intrinsic size
			}
			if r.bits(1) == 1 {
				return h, fmt.Errorf("%w: JPEG XL with a preview", ErrUnsupported)
			}
			if r.bits(1) == 1 {
				h.animated = true
				r.u32([4][2]uint32{{100, 0}, {1000, 0}, {1, 10}, {1, 30}})
				r.u32([4][2]uint32{{1, 0}, {1001, 0}, {1, 8}, {1, 10}})
				r.u32([4][2]uint32{{0, 0}, {0, 3}, {0, 16}, {0, 32}})
				r.bits(1)
			}
		}
		h.deep = r.depth() > 8
		r.bits(1) // modular buffers of 16 bits
		h.extra = int(r.u32([4][2]uint32{{0, 0}, {1, 0}, {2, 4}, {1, 12}}))
		known := true
		for range min(h.extra, 1) {
			if r.bits(1) == 1 {
				h.alpha = true
				continue
			}
			kind := r.enum()
			r.depth()
			r.u32([4][2]uint32{{0, 0}, {3, 0}, {4, 0}, {1, 3}}) // reduction
			n := r.u32([4][2]uint32{{0, 0}, {0, 4}, {16, 5}, {48, 10}})
			r.bits(8 * int(n)) // name
			h.alpha = kind == 0
			if kind == 0 {
				r.bits(1)
			} else {
				known = false
			}
		}
		r.bits(1) // XYB
		if known && h.extra <= 1 {
			h.cicp = r.colour()
		}
	}
	if r.past() {
		return jxlHeader{}, io.ErrUnexpectedEOF
	}
	return h, nil
}

// depth returns the bits of a sample.
func (r *jxlReader) depth() uint32 {
	if r.bits(1) == 0 {
		return r.u32([4][2]uint32{{8, 0}, {10, 0}, {12, 0}, {1, 6}})
	}
	n := r.u32([4][2]uint32{{32, 0}, {16, 0}, {24, 0}, {1, 6}})
	r.bits(4) // of the exponent
	return n
}

// colour reads a colour encoding. What has no numbers of ITU-T H.273 is the
// zero value.
func (r *jxlReader) colour() cicp {
	if r.bits(1) == 1 { // sRGB
		return cicp{}
	}
	if r.bits(1) == 1 || r.enum() != 0 { // a profile, or not RGB
		return cicp{}
	}
	if white := r.enum(); white != 1 {
		return cicp{}
	}
	c := cicp{fullRange: 1}
	switch r.enum() {
	case 1:
		c.primaries = 1
	case 9:
		c.primaries = 9
	case 11:
		c.primaries = 12
	default:
		return cicp{}
	}
	if r.bits(1) == 1 { // gamma
		return cicp{}
	}
	c.transfer = byte(r.enum())
	return c
}

// jxlStream returns the codestream, or as much of it as lies in the first box.
func jxlStream(head []byte) ([]byte, error) {
	if len(head) >= 2 && string(head[:2]) == jxlCodestream {
		return head, nil
	}
	for x := range boxes(head) {
		data := x.data
		switch x.kind {
		case "jxlp":
			if len(data) < 4 {
				return nil, io.ErrUnexpectedEOF
			}
			if binary.BigEndian.Uint32(data)&(1<<31-1) != 0 {
				continue
			}
			data = data[4:]
			fallthrough
		case "jxlc":
			if len(data) < 2 {
				return nil, io.ErrUnexpectedEOF
			}
			if string(data[:2]) != jxlCodestream {
				return nil, fmt.Errorf("%w: JPEG XL codestream starts with %.2x", ErrMalformed, data)
			}
			return data, nil
		}
	}
	return nil, io.ErrUnexpectedEOF
}
