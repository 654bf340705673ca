package vp8

import "encoding/binary"

// frame returns the frame of what was encoded (RFC 6386, section 9), nil if the
// first partition has more than most bytes, and how many it has.
func (e *encoder) frame(most int) (first int, frame []byte) {
	p, updated := e.count.fitted()
	head := e.header(&p, &updated)
	if len(head) > most {
		return len(head), nil
	}
	w := newBoolWriter()
	w.out = make([]byte, 0, len(e.tokens)*pageTokens/2) // four bits are the usual length of a token
	for _, page := range e.tokens {
		for _, t := range page {
			w.token(t, &p)
		}
	}
	body := w.end()

	size := e.m.Rect.Size()
	const keyFrame, shown = 0, 1 << 4
	tag := uint32(keyFrame | shown | len(head)<<5)
	out := make([]byte, 0, 10+len(head)+len(body))
	out = append(out, byte(tag), byte(tag>>8), byte(tag>>16), 0x9d, 0x01, 0x2a)
	out = binary.LittleEndian.AppendUint16(out, uint16(size.X))
	out = binary.LittleEndian.AppendUint16(out, uint16(size.Y))
	return len(head), append(append(out, head...), body...)
}

// header returns the first partition: the header of the frame and the modes of
// the macroblocks (RFC 6386, section 19.2 and 19.3).
func (e *encoder) header(p, updated *probabilities) []byte {
	w := newBoolWriter()
	w.literal(0, 1) // YUV
	w.literal(0, 1) // samples are to be clamped
	var segmentProbs []uint8
	if w.flag(e.segmented); e.segmented {
		segmentProbs = e.segmentProbs()
		e.putSegments(w, segmentProbs)
	}

	w.literal(0, 1) // the normal loop filter
	w.literal(e.segments[0].filter, 6)
	w.literal(0, 3) // its sharpness
	w.literal(0, 1) // the same for all modes
	w.literal(0, 2) // one partition of tokens
	w.literal(e.segments[0].index, 7)
	for _, delta := range []int{0, 0, 0, chromaDCDelta, 0} { // Y DC, Y2 DC, Y2 AC, chroma DC, chroma AC
		w.flag(delta != 0)
		if delta != 0 {
			w.signed(delta, 4)
		}
	}
	w.literal(0, 1) // probabilities are for this frame
	for context := range contexts {
		for branch, update := range updateProbabilities[context] {
			changed := updated[context][branch] != 0
			if w.put(changed, update); changed {
				w.literal(int(p[context][branch]), 8)
			}
		}
	}
	skipped := [2]uint32{}
	for i := range e.macroblocks {
		skipped[bit(e.macroblocks[i].skip)]++
	}
	w.flag(true) // macroblocks without coefficients are marked
	skipProb := probabilityOf(skipped)
	w.literal(int(skipProb), 8)
	e.putMacroblocks(w, segmentProbs, skipProb)
	return w.end()
}

// segmentPaths lead to the segments (section 10).
var segmentPaths = [segments][]step{{{0, false}, {1, false}}, {{0, false}, {1, true}}, {{0, true}, {2, false}}, {{0, true}, {2, true}}}

// segmentProbs returns the probabilities of the tree of segments.
func (e *encoder) segmentProbs() []uint8 {
	var n [segments - 1][2]uint32
	for i := range e.macroblocks {
		for _, s := range segmentPaths[e.macroblocks[i].segment] {
			n[s.branch][bit(s.bit)]++
		}
	}
	probs := make([]uint8, len(n))
	for i := range n {
		if probs[i] = 255; n[i][0]+n[i][1] > 0 {
			probs[i] = probabilityOf(n[i])
		}
	}
	return probs
}

// putSegments writes what the segments are (section 9.3).
func (e *encoder) putSegments(w *boolWriter, probs []uint8) {
	w.flag(true) // macroblocks say theirs
	w.flag(true) // quantizers and filters follow
	w.flag(true) // as they are, not as differences
	for i := range e.segments {
		w.flag(true)
		w.signed(e.segments[i].index, 7)
	}
	for i := range e.segments {
		w.flag(true)
		w.signed(e.segments[i].filter, 6)
	}
	for _, p := range probs {
		w.flag(true)
		w.literal(int(p), 8)
	}
}

func (e *encoder) putMacroblocks(w *boolWriter, segmentProbs []uint8, skipProb uint8) {
	above := make([]uint8, 4*e.width)
	for y := range e.height {
		var left [4]uint8
		for x := range e.width {
			mb := &e.macroblocks[y*e.width+x]
			if e.segmented {
				w.path(segmentPaths[mb.segment], segmentProbs)
			}
			w.put(mb.skip, skipProb)
			if mb.in4x4 {
				w.path(in4x4, lumaProbs)
				for i, m := range mb.modes {
					a, l := &above[4*x+i%4], &left[i/4]
					w.path(block4Paths[m], modeProbabilities[*a][*l][:])
					*a, *l = m, m
				}
			} else {
				w.path(lumaPaths[mb.luma], lumaProbs)
				for i := range 4 {
					above[4*x+i], left[i] = mb.luma, mb.luma
				}
			}
			w.path(chromaPaths[mb.chroma], chromaProbs)
		}
	}
}
