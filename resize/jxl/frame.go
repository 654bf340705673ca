package jxl

import (
	"fmt"
	"image"
	"math/bits"
)

// A Frame is what the header of the first frame says (ISO/IEC 18181-1, annex
// F): how it is coded, and how large it is, which may be more than the picture.
// The zero value is a frame of the picture's size.
type Frame struct {
	known   bool
	modular bool        // else: in blocks of varying size (VarDCT)
	Size    image.Point // of the frame where it is not the picture's; else zero
}

// maxFrame is how many times the pixels of the picture a frame may have.
const maxFrame = 4

// afterColours reads what lies between the colours and the first frame, and the
// header of that. What cannot be read is left out: the decoder will tell.
func (h *Header) afterColours(r *reader, allDefault bool) error {
	if !allDefault {
		if h.extended && r.bits(1) == 0 {
			r.at += 3*16 + 1 // tone mapping
		}
		if extensions := r.u64(); extensions != 0 {
			skip := uint64(0)
			for range bits.OnesCount64(extensions) {
				skip += min(r.u64(), 1<<24)
			}
			r.at += int(skip)
		}
	}
	if r.bits(1) == 0 { // transforms that are not the usual ones
		if h.xyb && r.bits(1) == 0 {
			r.at += 16 * 16
		}
		mask := r.bits(3) // weights for enlarging
		for i, n := range []int{15, 55, 210} {
			if mask>>i&1 == 1 {
				r.at += 16 * n
			}
		}
	}
	if h.embedded && !r.past() {
		if h.icc = r.embeddedICC(); h.icc == nil {
			return nil
		}
	}
	r.at = (r.at + 7) &^ 7
	h.Frame = r.frame(h)
	if size := h.Frame.Size; size != (image.Point{}) && area(size) > maxFrame*area(h.Size)+1<<20 {
		return fmt.Errorf("%w: a frame of %v in a JPEG XL of %v", ErrLimit, size, h.Size)
	}
	return nil
}

// frame reads the header of a frame up to its size (section F.2).
func (r *reader) frame(h *Header) (f Frame) {
	const lowFrequency, referenceOnly = 1, 2 // kinds
	const usesLF = 32                        // a flag
	f.known = true
	if r.bits(1) == 1 {
		return f
	}
	kind := r.bits(2)
	f.modular = r.bits(1) == 1
	flags := r.u64()
	ycbcr := !h.xyb && r.bits(1) == 1
	if flags&usesLF == 0 {
		if ycbcr {
			r.bits(3 * 2) // chroma
		}
		r.bits(2 * (1 + h.Extra)) // enlarging
	}
	if f.modular {
		r.bits(2) // size of groups
	} else if h.xyb {
		r.bits(3 + 3) // scales
	}
	if kind != referenceOnly {
		r.passes()
	}
	if kind == lowFrequency {
		r.bits(2) // level
		return f
	}
	if r.bits(1) == 0 {
		return f
	}
	forms := [4][2]uint32{{0, 8}, {256, 11}, {2304, 14}, {18688, 30}}
	if kind != referenceOnly {
		r.u32(forms) // where it lies
		r.u32(forms)
	}
	f.Size = image.Pt(int(min(r.u32(forms), 1<<30)), int(min(r.u32(forms), 1<<30)))
	return f
}

// passes reads in how many steps a frame gets better (section F.2.4).
func (r *reader) passes() {
	n := r.u32([4][2]uint32{{1, 0}, {2, 0}, {3, 0}, {4, 3}})
	if n == 1 {
		return
	}
	steps := r.u32([4][2]uint32{{0, 0}, {1, 0}, {2, 0}, {3, 1}})
	r.bits(2 * int(n-1)) // shifts
	for range steps {
		r.u32([4][2]uint32{{1, 0}, {2, 0}, {4, 0}, {8, 0}})
	}
	for range steps {
		r.u32([4][2]uint32{{0, 0}, {1, 0}, {2, 0}, {0, 3}})
	}
}

// Memory estimates the memory of the decoder: the result, and for the coded
// frame a sample of four bytes in each channel, or what a few rows of blocks
// take. What else a file asks for, as squeezing, is granted while it decodes.
func (h Header) Memory() int64 {
	result := 4 * area(h.Size)
	if h.Bits == 16 {
		result *= 2
	}
	coded := max(area(h.Size), area(h.Frame.Size))
	channels := int64(3)
	if h.grey {
		channels = 1
	}
	const base = 5 << 20
	if h.Frame.modular {
		return base + result + 4*(channels+int64(h.Extra))*coded + coded/2
	}
	return base + result + 5*coded/2 + 4*int64(h.Extra)*coded
}

func area(p image.Point) int64 { return int64(p.X) * int64(p.Y) }
