// Package jxl reads the first fields of JPEG XL files (ISO/IEC 18181): what the
// decoder will need is known before it starts, and the colour profile, which it
// does not hand out.
//
// Files are input from outside: nothing is allocated for what they only claim, and
// errors wrap [ErrMalformed], [ErrUnsupported] or [ErrLimit].
package jxl

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"math"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/icc"
	"s3imageserver/resize/isobmff"
)

// The first bytes of files: of a codestream alone (ISO/IEC 18181-1, annex B), and of
// one in boxes (ISO/IEC 18181-2).
const (
	Codestream = "\xff\x0a"
	Container  = "\x00\x00\x00\x0cJXL \r\n\x87\n"
)

var (
	// ErrMalformed says that a file is not what it has to be.
	ErrMalformed = errors.New("malformed JPEG XL")
	// ErrUnsupported says that a file has something that is not read.
	ErrUnsupported = errors.New("unsupported JPEG XL")
	// ErrLimit says that a frame is far larger than its picture.
	ErrLimit = errors.New("JPEG XL beyond a limit")
)

// A reader reads bits, the least significant one first; zeros behind the end.
type reader struct {
	data []byte
	at   int
}

func (r *reader) past() bool { return r.at > 8*len(r.data) }

func (r *reader) bits(n int) (v uint32) {
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
func (r *reader) u32(forms [4][2]uint32) uint32 {
	f := forms[r.bits(2)]
	return f[0] + r.bits(int(f[1]))
}

func (r *reader) enum() uint32 { return r.u32([4][2]uint32{{0, 0}, {1, 0}, {2, 4}, {18, 6}}) }

func (r *reader) size() image.Point {
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
		w := int64(h) * int64(ratio[0]) / int64(ratio[1])
		return image.Pt(int(min(w, math.MaxInt32)), h) // 2 to 1 of the highest is more
	}
	return image.Pt(side(small), h)
}

// A Header is what the first fields say.
type Header struct {
	Size     image.Point // upright, as the decoder gives it
	animated bool
	Bits     int // of a sample
	Alpha    bool
	// Premultiplied says that colours are multiplied by the first alpha.
	Premultiplied bool
	Black         bool // there is a channel of black ink
	Extra         int  // channels beyond the colours
	// profile is that of the decoded pixels, unless it is embedded; nil: sRGB.
	profile  []byte
	embedded bool   // a profile
	icc      []byte // it; nil: damaged
	xyb      bool
	grey     bool
	extended bool // there are the fields that few need
	Frame    Frame
}

// Parse reads the header. It returns io.ErrUnexpectedEOF if it needs more of
// the file than head.
func Parse(head []byte) (Header, error) {
	stream, err := codestream(head)
	if err != nil {
		return Header{}, err
	}
	r := reader{data: stream[len(Codestream):]}
	h := Header{Size: r.size(), Bits: 8, xyb: true}
	allDefault := r.bits(1) == 1 // all as by default
	if !allDefault {
		if h.extended = r.bits(1) == 1; h.extended {
			if o := exif.Orientation(r.bits(3) + 1); o.Swaps() {
				h.Size = o.Size(h.Size)
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
		h.Bits = int(r.depth())
		r.bits(1) // modular buffers of 16 bits
		h.Extra = int(r.u32([4][2]uint32{{0, 0}, {1, 0}, {2, 4}, {1, 12}}))
		for range h.Extra {
			if r.past() {
				break
			}
			c := r.extraChannel()
			h.Black = h.Black || c.kind == blackChannel
			if c.kind == alphaChannel && !h.Alpha {
				h.Alpha, h.Premultiplied = true, c.premultiplied
			}
		}
		h.xyb = r.bits(1) == 1
		h.profile, h.embedded, h.grey = r.colour()
	}
	if err := h.afterColours(&r, allDefault); err != nil && !r.past() {
		return Header{}, err
	}
	if r.past() {
		return Header{}, io.ErrUnexpectedEOF
	}
	return h, nil
}

// A channel is a channel beyond the colours.
type channel struct {
	kind          uint32
	premultiplied bool // colours are, by this alpha
}

// Kinds of channels (section D.3.5) that count here.
const alphaChannel, spotChannel, blackChannel, filterChannel = 0, 2, 4, 5

// extraChannel reads what a channel is beyond the colours.
func (r *reader) extraChannel() (c channel) {
	if r.bits(1) == 1 {
		return channel{kind: alphaChannel}
	}
	c.kind = r.enum()
	r.depth()
	r.u32([4][2]uint32{{0, 0}, {3, 0}, {4, 0}, {1, 3}})                     // reduction
	r.at += 8 * int(r.u32([4][2]uint32{{0, 0}, {0, 4}, {16, 5}, {48, 10}})) // name
	switch c.kind {
	case alphaChannel:
		c.premultiplied = r.bits(1) == 1
	case spotChannel:
		r.at += 4 * 16
	case filterChannel:
		r.u32([4][2]uint32{{1, 0}, {0, 2}, {3, 4}, {19, 8}})
	}
	return c
}

// DecodedProfile returns the profile of what the decoder makes of the file; nil: sRGB,
// or one that is damaged. Of pixels in XYB with an embedded profile it makes
// linear sRGB, since it has nothing to convert them with.
func (h Header) DecodedProfile() []byte {
	switch {
	case !h.embedded:
		return h.profile
	case h.xyb:
		return icc.Numbers(1, 8)
	}
	return h.icc
}

// depth returns the bits of a sample.
func (r *reader) depth() uint32 {
	if r.bits(1) == 0 {
		return r.u32([4][2]uint32{{8, 0}, {10, 0}, {12, 0}, {1, 6}})
	}
	n := r.u32([4][2]uint32{{32, 0}, {16, 0}, {24, 0}, {1, 6}})
	r.bits(4) // of the exponent
	return n
}

// Spaces of colours, and a number for what follows in full.
const spaceRGB, spaceGrey, spaceXYB, custom = 0, 1, 2, 2

// colour reads a colour encoding (section E.2) and returns a profile of it, nil
// for sRGB and what is none of RGB, or that one is embedded.
func (r *reader) colour() (profile []byte, embedded, grey bool) {
	if r.bits(1) == 1 { // sRGB
		return nil, false, false
	}
	embedded = r.bits(1) == 1
	space := r.enum()
	if embedded {
		return nil, true, space == spaceGrey
	}
	if space != spaceXYB {
		profile = r.measured(space)
	}
	r.enum() // intent
	if space != spaceRGB {
		profile = nil
	}
	return profile, false, space == spaceGrey
}

// measured reads where the colours of a space lie.
func (r *reader) measured(space uint32) []byte {
	kind := r.enum()
	white, known := map[uint32][2]float64{1: {0.3127, 0.3290}, 10: {1.0 / 3, 1.0 / 3}, 11: {0.314, 0.351}}[kind]
	if kind == custom {
		white, known = r.xy(), true
	}
	primaries := uint32(1)
	if space != spaceGrey {
		primaries = r.enum()
	}
	xy, ok := map[uint32][6]float64{
		1:  {0.640, 0.330, 0.300, 0.600, 0.150, 0.060},
		9:  {0.708, 0.292, 0.170, 0.797, 0.131, 0.046},
		11: {0.680, 0.320, 0.265, 0.690, 0.150, 0.060},
	}[primaries]
	if primaries == custom {
		for i := range 3 {
			c := r.xy()
			xy[2*i], xy[2*i+1] = c[0], c[1]
		}
		ok = true
	}
	transfer, gamma := byte(0), 0.0
	if r.bits(1) == 1 {
		if n := r.bits(24); n > 0 {
			gamma = 1e7 / float64(n)
		}
	} else {
		transfer = byte(r.enum())
	}
	if !known || !ok {
		return nil
	}
	if white == [2]float64{0.3127, 0.3290} && primaries == 1 && (transfer == 1 || transfer == 2 || transfer == 13) {
		return nil
	}
	if gamma == 0 && transfer == 0 || gamma > 10 {
		return nil
	}
	return icc.Measured(white, xy, transfer, gamma)
}

// xy reads a place in the diagram of CIE 1931, in millionths.
func (r *reader) xy() (xy [2]float64) {
	for i := range xy {
		n := r.u32([4][2]uint32{{0, 19}, {1 << 19, 19}, {1 << 20, 20}, {1 << 21, 21}})
		xy[i] = float64(int32(n>>1)^-int32(n&1)) / 1e6
	}
	return xy
}

// maxHead is how much of a codestream in parts is put together for what its
// first fields say.
const maxHead = 2 << 20

// codestream returns the codestream, or as much of its beginning as the header
// may need.
func codestream(head []byte) ([]byte, error) {
	if len(head) >= 2 && string(head[:2]) == Codestream {
		return head, nil
	}
	var parts []byte
	for x := range isobmff.Boxes(head) {
		data := x.Data
		switch x.Kind {
		case "jxlp":
			if len(data) < 4 {
				return nil, io.ErrUnexpectedEOF
			}
			number := binary.BigEndian.Uint32(data)
			first, last := number&(1<<31-1) == 0, number>>31 == 1
			if first != (parts == nil) {
				continue
			}
			data = data[4:]
			if first && (last || x.Truncated || len(data) >= maxHead) {
				return checkStart(data)
			}
			parts = append(parts, data[:min(len(data), maxHead)]...)
			if last || len(parts) >= maxHead {
				return checkStart(parts)
			}
		case "jxlc":
			return checkStart(data)
		}
	}
	if parts != nil {
		return checkStart(parts)
	}
	return nil, io.ErrUnexpectedEOF
}

func checkStart(stream []byte) ([]byte, error) {
	if len(stream) < 2 {
		return nil, io.ErrUnexpectedEOF
	}
	if string(stream[:2]) != Codestream {
		return nil, fmt.Errorf("%w: JPEG XL codestream starts with %.2x", ErrMalformed, stream)
	}
	return stream, nil
}
