package vp8

// edgeThresholds are those of the loop filter at the edges of a macroblock (RFC
// 6386, section 15).
type edgeThresholds struct {
	limit    uint8 // of the difference over an edge between blocks; 4 more between macroblocks; 0: nothing is filtered
	interior uint8 // of differences beside it
	high     uint8 // of the variance of an edge, above which only the samples next to it change
	inner    bool  // edges within the macroblock are filtered too
}

// thresholdsOf returns them for a level of the filter.
func thresholdsOf(level, sharpness int) (t edgeThresholds) {
	level = max(0, min(63, level))
	if level == 0 {
		return t
	}
	interior := level
	if sharpness > 0 {
		interior >>= 1
		if sharpness > 4 {
			interior >>= 1
		}
		interior = min(interior, 9-sharpness)
	}
	interior = max(1, interior)
	t.limit, t.interior = uint8(2*level+interior), uint8(interior)
	switch {
	case level >= 40:
		t.high = 2
	case level >= 15:
		t.high = 1
	}
	return t
}

// betweenMacroblocks is how much more of a difference is filtered there.
const betweenMacroblocks = 4

// filterRow filters the row of macroblocks whose planes begin at luma and chroma, with
// the edges to the row above, unless it is the first one, and the left edges.
func (d *decoder) filterRow(y int, luma, chroma int) {
	if !d.header.filtered {
		return
	}
	for x := range d.width {
		t := &d.thresholds[x]
		if t.limit == 0 {
			continue
		}
		at, c := luma+16*x, chroma+8*x
		if d.header.simple {
			if x > 0 {
				simpleEdge(d.y[at-2:], 1, d.yStride, t.limit+betweenMacroblocks)
			}
			if t.inner {
				for i := 4; i < 16; i += 4 {
					simpleEdge(d.y[at+i-2:], 1, d.yStride, t.limit)
				}
			}
			if y > 0 {
				simpleEdge(d.y[at-2*d.yStride:], d.yStride, 1, t.limit+betweenMacroblocks)
			}
			if t.inner {
				for i := 4; i < 16; i += 4 {
					simpleEdge(d.y[at+(i-2)*d.yStride:], d.yStride, 1, t.limit)
				}
			}
			continue
		}
		if x > 0 {
			d.k.filterLeft(d.y[at-4:], d.cb[c-4:], d.cr[c-4:], d.yStride, d.cStride, t)
		}
		if t.inner {
			d.k.filterColumns(d.y[at:], d.cb[c:], d.cr[c:], d.yStride, d.cStride, t)
		}
		if y > 0 {
			d.k.filterTop(d.y[at-4*d.yStride:], d.cb[c-4*d.cStride:], d.cr[c-4*d.cStride:], d.yStride, d.cStride, t)
		}
		if t.inner {
			d.k.filterRows(d.y[at:], d.cb[c:], d.cr[c:], d.yStride, d.cStride, t)
		}
	}
}

// filterLeftGeneric filters the left edge of a macroblock. Planes begin four samples
// to the left of it.
func filterLeftGeneric(y, cb, cr []byte, yStride, cStride int, t *edgeThresholds) {
	outerEdge(y, 1, yStride, 16, t)
	outerEdge(cb, 1, cStride, 8, t)
	outerEdge(cr, 1, cStride, 8, t)
}

// filterTopGeneric filters the upper edge of a macroblock. Planes begin four rows
// above it.
func filterTopGeneric(y, cb, cr []byte, yStride, cStride int, t *edgeThresholds) {
	outerEdge(y, yStride, 1, 16, t)
	outerEdge(cb, cStride, 1, 8, t)
	outerEdge(cr, cStride, 1, 8, t)
}

// filterColumnsGeneric filters the edges between the columns of blocks of a
// macroblock, where the planes begin.
func filterColumnsGeneric(y, cb, cr []byte, yStride, cStride int, t *edgeThresholds) {
	for i := 0; i < 12; i += 4 {
		innerEdge(y[i:], 1, yStride, 16, t)
	}
	innerEdge(cb, 1, cStride, 8, t)
	innerEdge(cr, 1, cStride, 8, t)
}

// filterRowsGeneric filters the edges between the rows of blocks.
func filterRowsGeneric(y, cb, cr []byte, yStride, cStride int, t *edgeThresholds) {
	for i := 0; i < 12; i += 4 {
		innerEdge(y[i*yStride:], yStride, 1, 16, t)
	}
	innerEdge(cb, cStride, 1, 8, t)
	innerEdge(cr, cStride, 1, 8, t)
}

// simpleEdge filters 16 samples of an edge by the simple filter (section 15.2). p
// begins two samples before it; they are across apart, and along it along.
func simpleEdge(p []byte, across, along int, limit uint8) {
	for i := range 16 {
		q := p[i*along:][:3*across+1]
		p1, p0, q0, q1 := int(q[0]), int(q[across]), int(q[2*across]), int(q[3*across])
		if 4*distanceOf(p0, q0)+distanceOf(p1, q1) <= 2*int(limit)+1 {
			q[across], q[2*across] = adjusted(p0, q0, clampSigned(p1-q1))
		}
	}
}

// outerEdge filters n samples of an edge between macroblocks (section 15.3). p begins four
// samples before it.
func outerEdge(p []byte, across, along, n int, t *edgeThresholds) {
	limit, interior, high := 2*int(t.limit+betweenMacroblocks)+1, int(t.interior), int(t.high)
	for i := range n {
		q := p[i*along:][:7*across+1]
		p3, p2, p1, p0 := int(q[0]), int(q[across]), int(q[2*across]), int(q[3*across])
		q0, q1, q2, q3 := int(q[4*across]), int(q[5*across]), int(q[6*across]), int(q[7*across])
		if 4*distanceOf(p0, q0)+distanceOf(p1, q1) > limit ||
			max(distanceOf(p3, p2), distanceOf(p2, p1), distanceOf(p1, p0), distanceOf(q3, q2), distanceOf(q2, q1), distanceOf(q1, q0)) > interior {
			continue
		}
		if max(distanceOf(p1, p0), distanceOf(q1, q0)) > high {
			q[3*across], q[4*across] = adjusted(p0, q0, clampSigned(p1-q1))
			continue
		}
		w := clampSigned(clampSigned(p1-q1) + 3*(q0-p0))
		a := (27*w + 63) >> 7
		q[3*across], q[4*across] = clamp(int32(p0+a)), clamp(int32(q0-a))
		a = (18*w + 63) >> 7
		q[2*across], q[5*across] = clamp(int32(p1+a)), clamp(int32(q1-a))
		a = (9*w + 63) >> 7
		q[across], q[6*across] = clamp(int32(p2+a)), clamp(int32(q2-a))
	}
}

// innerEdge is outerEdge between the blocks of a macroblock.
func innerEdge(p []byte, across, along, n int, t *edgeThresholds) {
	limit, interior, high := 2*int(t.limit)+1, int(t.interior), int(t.high)
	for i := range n {
		q := p[i*along:][:7*across+1]
		p3, p2, p1, p0 := int(q[0]), int(q[across]), int(q[2*across]), int(q[3*across])
		q0, q1, q2, q3 := int(q[4*across]), int(q[5*across]), int(q[6*across]), int(q[7*across])
		if 4*distanceOf(p0, q0)+distanceOf(p1, q1) > limit ||
			max(distanceOf(p3, p2), distanceOf(p2, p1), distanceOf(p1, p0), distanceOf(q3, q2), distanceOf(q2, q1), distanceOf(q1, q0)) > interior {
			continue
		}
		if max(distanceOf(p1, p0), distanceOf(q1, q0)) > high {
			q[3*across], q[4*across] = adjusted(p0, q0, clampSigned(p1-q1))
			continue
		}
		w := clampSigned(3 * (q0 - p0))
		a, b := min(127, w+4)>>3, min(127, w+3)>>3
		q[3*across], q[4*across] = clamp(int32(p0+b)), clamp(int32(q0-a))
		a = (a + 1) >> 1
		q[2*across], q[5*across] = clamp(int32(p1+a)), clamp(int32(q1-a))
	}
}

// adjusted returns the two samples next to an edge, nearer to one another, outer
// being the clamped difference of those beside them.
func adjusted(p0, q0, outer int) (p, q byte) {
	w := clampSigned(outer + 3*(q0-p0))
	a, b := min(127, w+4)>>3, min(127, w+3)>>3
	return clamp(int32(p0 + b)), clamp(int32(q0 - a))
}

func clampSigned(v int) int { return max(-128, min(127, v)) }

func distanceOf(a, b int) int { return max(a-b, b-a) }
