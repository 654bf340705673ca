package vp8

import (
	"encoding/binary"
	"fmt"
	"image"
)

// headBytes are the bytes of a key frame before its first partition (RFC 6386,
// section 9.1).
const headBytes = 10

// Size returns the size of a frame, of which it needs the first ten bytes. The error
// wraps [ErrMalformed].
func Size(frame []byte) (image.Point, error) {
	if len(frame) < headBytes {
		return image.Point{}, fmt.Errorf("%w: a frame of %d bytes", ErrMalformed, len(frame))
	}
	switch tag := frame[0]; {
	case tag&1 != 0:
		return image.Point{}, fmt.Errorf("%w: no key frame", ErrMalformed)
	case tag>>1&7 > 3:
		return image.Point{}, fmt.Errorf("%w: version %d", ErrMalformed, tag>>1&7)
	case tag>>4&1 == 0:
		return image.Point{}, fmt.Errorf("%w: a frame that is not shown", ErrMalformed)
	case frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a:
		return image.Point{}, fmt.Errorf("%w: start code", ErrMalformed)
	}
	// The two highest bits say how much larger it is to be shown, which is for films.
	size := image.Pt(int(binary.LittleEndian.Uint16(frame[6:])&MaxSide), int(binary.LittleEndian.Uint16(frame[8:])&MaxSide))
	if size.X == 0 || size.Y == 0 {
		return image.Point{}, fmt.Errorf("%w: %d x %d pixels", ErrMalformed, size.X, size.Y)
	}
	return size, nil
}

// A frameHeader is what the first partition says before the macroblocks (section
// 19.2).
type frameHeader struct {
	mapped       bool // macroblocks say their segments
	segmentProbs [segments - 1]uint8
	steps        [segments]steps
	simple       bool                        // of the loop filter
	filters      [segments][2]edgeThresholds // of macroblocks as a whole, and in blocks of 4x4
	filtered     bool
	skips        bool // macroblocks without coefficients are marked
	skipProb     uint8
	tokens       [planes]positions
}

// steps are those of DC and AC coefficients.
type steps struct{ y, y2, color [2]int32 }

// readHeader reads the header of a frame and makes readers of the first partition,
// from behind the header on, and of those of tokens.
func (d *decoder) readHeader(frame []byte) error {
	n := int(frame[0])>>5 | int(frame[1])<<3 | int(frame[2])<<11
	rest := frame[headBytes:]
	if n > len(rest) {
		if len(rest) == 0 || !d.opts.Damaged {
			return fmt.Errorf("%w: a first partition of %d bytes, of which %d are there", ErrMalformed, n, len(rest))
		}
		n = len(rest)
	}
	d.modes = newBoolReader(rest[:n])
	r := &d.modes
	r.literal(1) // the colours: there is one kind
	r.literal(1) // whether samples need clamping: they are clamped

	// Segments (section 9.3).
	var quantizers, levels [segments]int
	segmented, absolute := r.flag(), true // as zeros, if nothing follows
	h := &d.header
	h.segmentProbs = [...]uint8{255, 255, 255}
	if segmented {
		h.mapped = r.flag()
		if r.flag() {
			absolute = r.flag()
			for i := range quantizers {
				quantizers[i] = r.optional(7)
			}
			for i := range levels {
				levels[i] = r.optional(6)
			}
		}
		for i := range h.segmentProbs {
			if h.mapped && r.flag() {
				h.segmentProbs[i] = uint8(r.literal(8))
			}
		}
	}

	// The loop filter (section 9.4).
	h.simple = r.flag()
	level, sharpness := r.literal(6), r.literal(3)
	h.filtered = level != 0
	var ofFrame, of4x4 int // what levels of key frames, and there of blocks of 4x4, have more
	adjusted := r.flag()
	if adjusted && r.flag() {
		var deltas [8]int
		for i := range deltas {
			deltas[i] = r.optional(6)
		}
		ofFrame, of4x4 = deltas[0], deltas[4]
	}
	for i := range h.filters {
		l := level
		if segmented && absolute {
			l = levels[i]
		} else if segmented {
			l += levels[i]
		}
		h.filters[i] = [2]edgeThresholds{thresholdsOf(l+ofFrame, sharpness), thresholdsOf(l+ofFrame+of4x4, sharpness)}
		h.filters[i][1].inner = true
	}

	if err := d.readPartitions(rest[n:], 1<<r.literal(2)); err != nil {
		return err
	}

	// Quantizers (section 9.6).
	index := r.literal(7)
	var deltas [5]int // Y DC, Y2 DC, Y2 AC, chroma DC, chroma AC
	for i := range deltas {
		deltas[i] = r.optional(4)
	}
	for i := range h.steps {
		q := index
		if segmented && absolute {
			q = quantizers[i]
		} else if segmented {
			q += quantizers[i]
		}
		dc := func(delta int) int32 { return int32(dcSteps[max(0, min(127, q+delta))]) }
		ac := func(delta int) int32 { return int32(acSteps[max(0, min(127, q+delta))]) }
		h.steps[i] = steps{
			y:     [2]int32{dc(deltas[0]), ac(0)},
			y2:    [2]int32{2 * dc(deltas[1]), max(8, ac(deltas[2])*155/100)},
			color: [2]int32{min(132, dc(deltas[3])), ac(deltas[4])},
		}
	}

	r.literal(1) // whether probabilities are for this frame alone
	p := defaultProbabilities
	for context := range contexts {
		for branch, update := range updateProbabilities[context] {
			if r.bit(update) {
				p[context][branch] = uint8(r.literal(8))
			}
		}
	}
	h.tokens = positionsOf(&p)
	if h.skips = r.flag(); h.skips {
		h.skipProb = uint8(r.literal(8))
	}
	if r.ended {
		return fmt.Errorf("%w: the header of the frame ends early", ErrMalformed)
	}
	return nil
}

// readPartitions makes readers of n partitions of tokens, whose lengths, but for that of
// the last one, come first (section 9.5). One that is not whole has what is there.
func (d *decoder) readPartitions(rest []byte, n int) error {
	lengths := 3 * (n - 1)
	if lengths > len(rest) {
		return fmt.Errorf("%w: the lengths of %d partitions in %d bytes", ErrMalformed, n, len(rest))
	}
	body := rest[lengths:]
	d.partitions = n
	for i := range n - 1 {
		l := min(len(body), int(rest[3*i])|int(rest[3*i+1])<<8|int(rest[3*i+2])<<16)
		d.tokens[i] = newBoolReader(body[:l])
		body = body[l:]
	}
	d.tokens[n-1] = newBoolReader(body)
	return nil
}
