package png

import "encoding/binary"

// unfilter undoes the filter of a row, which begins with its number (PNG
// specification, section 9). above is the row before, of zeros for the first
// one; bpp is the bytes of a pixel, at least 1. It returns false if there is no
// such filter.
func unfilter(row, above []byte, bpp int) bool {
	cur, up := row[1:], above[1:len(row)]
	switch row[0] {
	case 0:
	case 1:
		for i := bpp; i < len(cur); i++ {
			cur[i] += cur[i-bpp]
		}
	case 2:
		addBytes(cur, up)
	case 3:
		for i := range min(bpp, len(cur)) {
			cur[i] += up[i] / 2
		}
		for i := bpp; i < len(cur); i++ {
			cur[i] += byte((int(cur[i-bpp]) + int(up[i])) / 2)
		}
	case 4:
		switch bpp {
		case 3:
			paeth3(cur, up)
		case 4:
			paeth4(cur, up)
		case 1:
			paeth1(cur, up)
		default:
			paethN(cur, up, bpp)
		}
	default:
		return false
	}
	return true
}

// addBytes adds the bytes of b to those of a, eight at a time: their upper bits
// apart, so that nothing is carried into the next byte.
func addBytes(a, b []byte) {
	const upper = 0x8080808080808080
	for len(a) >= 8 && len(b) >= 8 {
		x, y := binary.LittleEndian.Uint64(a), binary.LittleEndian.Uint64(b)
		binary.LittleEndian.PutUint64(a, (x&^upper+y&^upper)^(x^y)&upper)
		a, b = a[8:], b[8:]
	}
	for i, v := range b[:len(a)] {
		a[i] += v
	}
}

// nearest returns the one of three neighbours that Paeth's filter predicts:
// nearest to what the slope between them leads to.
func nearest(left, above, corner int32) int32 {
	pa, pb := above-corner, left-corner
	pc := pa + pb
	pa = (pa ^ pa>>31) - pa>>31
	pb = (pb ^ pb>>31) - pb>>31
	pc = (pc ^ pc>>31) - pc>>31
	p := left
	if pb < pa {
		p = above
	}
	if pc < min(pa, pb) {
		p = corner
	}
	return p
}

// paeth1, paeth3 and paeth4 undo the filter of Paeth in rows of pixels of so many
// bytes. The samples of a pixel do not wait for each other, so that a processor
// works at all of them at once; in variables of their own they stay in registers.
func paeth1(cur, up []byte) {
	var l, c int32
	for i, v := range up[:len(cur)] {
		a := int32(v)
		l = (nearest(l, a, c) + int32(cur[i])) & 255
		cur[i] = byte(l)
		c = a
	}
}

func paeth3(cur, up []byte) {
	var l0, l1, l2, c0, c1, c2 int32
	for len(cur) >= 3 && len(up) >= 3 {
		n := min(8*3, len(cur)/3*3)
		if n == 8*3 && isZero24(cur) && isFlat24(up, byte(c0), byte(c1), byte(c2)) {
			// Nothing changes above, and the differences are none: the left one goes on.
			for i := 0; i < n; i += 3 {
				cur[i], cur[i+1], cur[i+2] = byte(l0), byte(l1), byte(l2)
			}
			cur, up = cur[n:], up[n:]
			continue
		}
		for a, b := cur[:n], up[:n]; len(a) >= 3 && len(b) >= 3; a, b = a[3:], b[3:] {
			a0, a1, a2 := int32(b[0]), int32(b[1]), int32(b[2])
			l0 = (nearest(l0, a0, c0) + int32(a[0])) & 255
			l1 = (nearest(l1, a1, c1) + int32(a[1])) & 255
			l2 = (nearest(l2, a2, c2) + int32(a[2])) & 255
			a[0], a[1], a[2] = byte(l0), byte(l1), byte(l2)
			c0, c1, c2 = a0, a1, a2
		}
		cur, up = cur[n:], up[n:]
	}
}

func paethN(cur, up []byte, bpp int) {
	first := min(bpp, len(cur))
	addBytes(cur[:first], up[:first])
	if len(cur) <= bpp {
		return
	}
	left, corner, up := cur[:len(cur)-bpp], up[:len(cur)-bpp], up[bpp:len(cur)]
	cur = cur[bpp:]
	for i := range cur {
		cur[i] += byte(nearest(int32(left[i]), int32(up[i]), int32(corner[i])))
	}
}

// isZero24 reports whether the first 24 bytes are all 0.
func isZero24(b []byte) bool {
	le := binary.LittleEndian
	return le.Uint64(b)|le.Uint64(b[8:])|le.Uint64(b[16:]) == 0
}

// isFlat24 reports whether the first eight pixels of three bytes are all that
// one: it begins them, and each byte is the one three places before it.
func isFlat24(b []byte, p0, p1, p2 byte) bool {
	le := binary.LittleEndian
	return b[0] == p0 && b[1] == p1 && b[2] == p2 &&
		le.Uint64(b) == le.Uint64(b[3:]) && le.Uint64(b[8:]) == le.Uint64(b[11:]) && le.Uint64(b[13:]) == le.Uint64(b[16:])
}

func paeth4(cur, up []byte) {
	var l0, l1, l2, l3, c0, c1, c2, c3 int32
	for len(cur) >= 4 && len(up) >= 4 {
		a0, a1, a2, a3 := int32(up[0]), int32(up[1]), int32(up[2]), int32(up[3])
		l0 = (nearest(l0, a0, c0) + int32(cur[0])) & 255
		l1 = (nearest(l1, a1, c1) + int32(cur[1])) & 255
		l2 = (nearest(l2, a2, c2) + int32(cur[2])) & 255
		l3 = (nearest(l3, a3, c3) + int32(cur[3])) & 255
		cur[0], cur[1], cur[2], cur[3] = byte(l0), byte(l1), byte(l2), byte(l3)
		c0, c1, c2, c3 = a0, a1, a2, a3
		cur, up = cur[4:], up[4:]
	}
}
