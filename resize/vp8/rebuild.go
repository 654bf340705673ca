package vp8

import "encoding/binary"

// rebuild makes the samples of a macroblock: what is predicted from those around
// it, and what its coefficients add. Coefficients are zero afterwards.
func (d *decoder) rebuild(x, y int) {
	d.surround(x, y)
	r := &d.result
	if d.mb.in4x4 {
		for i, mode := range d.mb.modes {
			at := blockAt[i]
			predictBlock(r, at, mode)
			if !d.mb.skip {
				d.add(i)
			}
		}
	} else {
		predictInPlace(r, atY, 16, int(d.mb.luma), y > 0, x > 0)
		if !d.mb.skip {
			for i := range 16 {
				d.add(i)
			}
		}
	}
	predictInPlace(r, atCb, 8, int(d.mb.chroma), y > 0, x > 0)
	predictInPlace(r, atCr, 8, int(d.mb.chroma), y > 0, x > 0)
	if !d.mb.skip {
		for i := blockCb; i < blockY2; i++ {
			d.add(i)
		}
	}
}

// add adds what the coefficients of a block say to its samples, and clears them.
func (d *decoder) add(i int) {
	b := &d.coefficients[i]
	switch d.coded[i] {
	case 0:
	case 1:
		v := int64(int16(b[0]+4) >> 3)
		v = max(-255, min(255, v))
		p := (*[3*stride + 4]byte)(d.result[blockAt[i]:])
		for y := 0; y <= 3*stride; y += stride {
			w := uint64(binary.LittleEndian.Uint32(p[y : y+4]))
			binary.LittleEndian.PutUint32(p[y:y+4], uint32(addToEach(w, v)))
		}
		b[0] = 0
	default:
		p := d.result[blockAt[i]:]
		d.k.inverse(p, p, stride, b)
		*b = block{}
	}
}

// surround sets the edges of result to what is around the macroblock: 127 above the
// picture and 129 to the left of it (RFC 6386, section 12.2).
func (d *decoder) surround(x, y int) {
	r := &d.result
	if x == 0 {
		for i := range 16 {
			r[atY+i*stride-1] = 129
		}
		for i := range 8 {
			r[atCb+i*stride-1], r[atCr+i*stride-1] = 129, 129
		}
		corner := byte(129)
		if y == 0 {
			corner = 127
		}
		r[atY-stride-1], r[atCb-stride-1], r[atCr-stride-1] = corner, corner, corner
	} else {
		for i := atY - stride - 1; i < atY+15*stride; i += stride {
			r[i] = r[i+16]
		}
		for i := atCb - stride - 1; i < atCb+7*stride; i += stride {
			r[i], r[i+16] = r[i+8], r[i+24]
		}
	}
	right := (*[4]byte)(r[atY-stride+16:])
	if y == 0 {
		fillWith(r[atY-stride:][:20], 127)
		fillWith(r[atCb-stride:][:8], 127)
		fillWith(r[atCr-stride:][:8], 127)
	} else {
		*(*[16]byte)(r[atY-stride:]) = [16]byte(d.aboveY[16*x:])
		*(*[8]byte)(r[atCb-stride:]) = [8]byte(d.aboveCb[8*x:])
		*(*[8]byte)(r[atCr-stride:]) = [8]byte(d.aboveCr[8*x:])
		if x < d.width-1 {
			*right = [4]byte(d.aboveY[16*x+16:])
		} else {
			fillWith(right[:], d.aboveY[16*x+15])
		}
	}
	if d.mb.in4x4 {
		// Blocks in the last column have the samples above the macroblock there.
		for i := 1; i < 4; i++ {
			*(*[4]byte)(r[atY+(4*i-1)*stride+16:]) = *right
		}
	}
}

func fillWith(p []byte, v byte) {
	for i := range p {
		p[i] = v
	}
}

// store copies the macroblock to its place in the planes, and keeps of it what those
// below need.
func (d *decoder) store(x, luma, chroma int) {
	r := &d.result
	from, to := (*[15*stride + 16]byte)(r[atY:]), d.y[luma:]
	for i := 0; ; i += stride {
		*(*[16]byte)(to) = *(*[16]byte)(from[i : i+16])
		if i == 15*stride {
			break
		}
		to = to[d.yStride:]
	}
	for _, p := range [...]struct {
		at int
		to []byte
	}{{atCb, d.cb[chroma:]}, {atCr, d.cr[chroma:]}} {
		from, to := (*[7*stride + 8]byte)(r[p.at:]), p.to
		for i := 0; ; i += stride {
			*(*[8]byte)(to) = *(*[8]byte)(from[i : i+8])
			if i == 7*stride {
				break
			}
			to = to[d.cStride:]
		}
	}
	*(*[16]byte)(d.aboveY[16*x:]) = [16]byte(r[atY+15*stride:])
	*(*[8]byte)(d.aboveCb[8*x:]) = [8]byte(r[atCb+7*stride:])
	*(*[8]byte)(d.aboveCr[8*x:]) = [8]byte(r[atCr+7*stride:])
}

// predictInPlace is predict of the samples at p[at] themselves.
func predictInPlace(p *samples, at, n, mode int, hasAbove, hasLeft bool) {
	row := p[at-stride:]
	a, b := binary.LittleEndian.Uint64(row), binary.LittleEndian.Uint64(row[n-8:])
	end := at + n*stride
	put := func(i int, a, b uint64) {
		binary.LittleEndian.PutUint64(p[i:], a)
		if n == 16 {
			binary.LittleEndian.PutUint64(p[i+8:], b)
		}
	}
	switch mode {
	case modeTM:
		corner := int64(p[at-stride-1])
		for i := at; i < end; i += stride {
			d := int64(p[i-1]) - corner
			put(i, addToEach(a, d), addToEach(b, d))
		}
		return
	case modeH:
		for i := at; i < end; i += stride {
			w := eachLane * uint64(p[i-1])
			put(i, w, w)
		}
		return
	case modeDC:
		a = eachLane * uint64(meanOfEdge(p[:], at, n, hasAbove, hasLeft))
		b = a
	}
	for i := at; i < end; i += stride {
		put(i, a, b)
	}
}

// predictBlock predicts the 4x4 samples at p[at] by one mode: what predict4 has of
// it (RFC 6386, section 12.3).
func predictBlock(p *samples, at int, mode uint8) {
	q := (*[4*stride + 9]byte)(p[at-stride-1:]) // from the corner on
	above := binary.LittleEndian.Uint32(q[1:5])
	var r0, r1, r2, r3 uint32
	switch mode {
	case block4DC:
		sum := uint32(q[1]) + uint32(q[2]) + uint32(q[3]) + uint32(q[4]) + uint32(q[stride]) + uint32(q[2*stride]) + uint32(q[3*stride]) + uint32(q[4*stride])
		r0 = (sum + 4) / 8 * eachOf4
		r1, r2, r3 = r0, r0, r0
	case block4TM:
		corner := int64(q[0])
		r0 = uint32(addToEach(uint64(above), int64(q[stride])-corner))
		r1 = uint32(addToEach(uint64(above), int64(q[2*stride])-corner))
		r2 = uint32(addToEach(uint64(above), int64(q[3*stride])-corner))
		r3 = uint32(addToEach(uint64(above), int64(q[4*stride])-corner))
	case block4VE:
		r0 = uint32(weighted(binary.LittleEndian.Uint64(q[0:8]), binary.LittleEndian.Uint64(q[1:9]), binary.LittleEndian.Uint64(q[2:10])))
		r1, r2, r3 = r0, r0, r0
	case block4HE:
		l0, l1, l2, l3 := uint32(q[stride]), uint32(q[2*stride]), uint32(q[3*stride]), uint32(q[4*stride])
		r0 = (uint32(q[0]) + 2*l0 + l1 + 2) >> 2 * eachOf4
		r1 = (l0 + 2*l1 + l2 + 2) >> 2 * eachOf4
		r2 = (l1 + 2*l2 + l3 + 2) >> 2 * eachOf4
		r3 = (l2 + 3*l3 + 2) >> 2 * eachOf4
	case block4LD, block4VL:
		// Samples above from the second one on, with the last one twice.
		a := binary.LittleEndian.Uint64(q[1:9])
		b := a>>8 | a&(255<<56)
		c := b>>8 | a&(255<<56)
		triples := weighted(a, b, c) // the one of the second sample first
		if mode == block4LD {
			r0, r1, r2, r3 = uint32(triples), uint32(triples>>8), uint32(triples>>16), uint32(triples>>24)
			break
		}
		pairs := mean(a, b)
		r0, r1 = uint32(pairs), uint32(triples)
		r2 = uint32(pairs>>8)&0xffffff | uint32(triples>>32)<<24
		r3 = uint32(triples>>8)&0xffffff | uint32(triples>>40)<<24
	default:
		// Samples from the lowest one at the left up, and on to the fourth above.
		e := uint64(q[4*stride]) | uint64(q[3*stride])<<8 | uint64(q[2*stride])<<16 | uint64(q[stride])<<24 | uint64(q[0])<<32 | uint64(above)<<40
		f := e>>8 | uint64(q[4])<<56
		g := e>>16 | uint64(q[4])<<48
		triples := weighted(e, f, g) // the one of the second sample first
		pairs := mean(e, f)
		switch mode {
		case block4RD:
			r0, r1, r2, r3 = uint32(triples>>24), uint32(triples>>16), uint32(triples>>8), uint32(triples)
		case block4VR:
			r0, r1 = uint32(pairs>>32), uint32(triples>>24)
			r2 = r0<<8 | uint32(triples>>16)&255
			r3 = r1<<8 | uint32(triples>>8)&255
		case block4HD:
			// Pairs and triples take turns, four of each.
			w := spread(uint32(pairs)) | spread(uint32(triples))<<8
			r3, r2, r1 = uint32(w), uint32(w>>16), uint32(w>>32)
			r0 = uint32(w>>48) | uint32(triples>>32)<<16
		case block4HU:
			low := uint32(q[4*stride])
			r0 = uint32(pairs>>16)&255 | uint32(triples>>8)&255<<8 | uint32(pairs>>8)&255<<16 | uint32(triples)<<24
			r1 = r0>>16 | uint32(pairs)&255<<16 | (uint32(q[3*stride])+3*low+2)>>2<<24
			r2 = r1>>16 | low<<16 | low<<24
			r3 = low * eachOf4
		}
	}
	binary.LittleEndian.PutUint32(q[stride+1:stride+5], r0)
	binary.LittleEndian.PutUint32(q[2*stride+1:2*stride+5], r1)
	binary.LittleEndian.PutUint32(q[3*stride+1:3*stride+5], r2)
	binary.LittleEndian.PutUint32(q[4*stride+1:4*stride+5], r3)
}

// eachOf4 times a sample is four of it.
const eachOf4 = 0x01010101

// mean returns the means of the samples of two words, halves rounded up.
func mean(a, b uint64) uint64 { return a | b - (a^b)&^eachLane>>1 }

// weighted returns the means of the samples of three words, of which those of the
// second count twice, rounded.
func weighted(a, b, c uint64) uint64 { return mean(a&c+(a^c)&^eachLane>>1, b) }

// spread puts each byte of v into two.
func spread(v uint32) uint64 {
	w := uint64(v)
	w = (w | w<<16) & 0x0000ffff0000ffff
	return (w | w<<8) & 0x00ff00ff00ff00ff
}
