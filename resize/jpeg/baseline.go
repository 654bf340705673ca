package jpeg

import "encoding/binary"

// A mcuBlock is one block of the MCUs of a scan (T.81 section A.2.3), with
// what it takes to decode it and put it in its place.
type mcuBlock struct {
	dc      *dcTable
	ac      *acTable
	c       *component
	row     int // offset of the block in the first MCU from the start of a row of MCUs
	at      int // where the block of the next MCU goes in c.pix
	advance int // between blocks of successive MCUs
}

// sequential decodes the scan of a sequential file.
func (d *decoder) sequential(s *scanHeader) error {
	mcu := d.mcu[:0]
	for _, c := range s.comps[:s.n] {
		h, v := c.h, c.v
		if s.n == 1 {
			h, v = 1, 1
		}
		ac := &d.acTables[c.acSel]
		if d.scale < 8 {
			ac.buildSkips()
		}
		if d.scale > 1 {
			ac.buildPairs()
		}
		if d.scale == 2 {
			ac.buildCorners(d.corner())
		}
		for y := range v {
			for x := range h {
				mcu = append(mcu, mcuBlock{
					dc: &d.dcTables[c.dcSel], ac: ac, c: c,
					row: (y*c.stride + x) * c.n, advance: h * c.n,
				})
			}
		}
	}
	across, down := s.size(d)
	restarts, left := 0, d.interval
	lost := false // up to the next restart
	passed := d.passed(mcu, down)
	// An interval that is passed over as a whole is not even looked at.
	passing := d.interval > 0 && passed*across >= d.interval
	var short error
	for y := range down {
		for i := range mcu {
			mcu[i].at = mcu[i].row + d.mcuOffset(s, mcu[i].c, y)
		}
		x := 0
		for x < across && short == nil {
			run := across - x
			if d.interval > 0 {
				if left == 0 {
					short = d.restart(s, restarts)
					if lost = short != nil; lost && !d.tolerates(short) {
						break
					}
					short = nil
					restarts++
					left = d.interval
					passing = (passed-y)*across-x >= d.interval
				}
				run = min(run, left)
				left -= run
			}
			var done int
			switch {
			case lost:
			case passing:
				done = run
			case y < passed:
				done, short = d.passOver(mcu, run)
			case d.scale == 1:
				done, short = d.decodeDC(mcu, run)
			case d.scale == 8 || d.header.doubles(d.scale, d.opts.ChromaScale):
				done, short = d.decodeFull(mcu, run)
			default:
				done, short = d.decodeCorner(mcu, run)
			}
			if short != nil && d.tolerates(short) {
				lost, short = true, nil
			}
			if lost {
				d.leaveGray(s, mcu, x+done, y, run-done)
				done = run
			}
			x += done
		}
		if short != nil && y < passed && short == errShort {
			if err := d.source.readError(); err != nil {
				return err
			}
			continue // what is left gray is not needed
		}
		if short != nil {
			if short != errShort && !(d.opts.Damaged && short == errBadCode) {
				return short
			}
			if err := d.source.readError(); err != nil {
				return err
			}
			d.leaveGray(s, mcu, x, y, across-x)
		}
		if !d.whole && y >= passed {
			if err := d.emitRow(y); err != nil {
				return err
			}
		}
	}
	return short
}

// passed returns how many rows of MCUs at the beginning are not needed.
func (d *decoder) passed(mcu []mcuBlock, down int) int {
	if d.whole || d.opts.Pass == nil || d.opts.Damaged {
		return 0
	}
	var rows [4]int
	for i := range d.header.Components {
		rows[i] = d.comps[i].v * d.comps[i].n
	}
	n := d.opts.Pass(rows)
	if n < 0 || n >= down {
		panic("jpeg: strips are passed over that there are not")
	}
	if n > 0 {
		for i := range mcu {
			mcu[i].ac.buildSkips()
		}
	}
	return n
}

// passOver passes over run MCUs: of their coefficients it only takes what those
// behind them are differences to.
func (d *decoder) passOver(mcu []mcuBlock, run int) (int, error) {
	bits, n, pos := d.bits, d.n, d.pos
	for done := range run {
		if pos+mcuMargin > d.end {
			if d.overrun(n, pos) {
				return max(done-1, 0), errShort
			}
			pos = d.fill(pos)
		}
		for i := range mcu {
			m := &mcu[i]
			p := pos & (chunkSize - 1)
			bits |= binary.BigEndian.Uint64(d.chunk[p:p+8]) >> (n & 63)
			pos += (63 - n) >> 3
			n |= 56
			e := m.dc.diffs[bits>>(64-dcBits)]
			diff, l := int32(e)>>16, uint(e&0xff)
			if e == 0 {
				if diff, l = m.dc.slow(bits); l == 0 {
					return done, d.badCode(n, pos)
				}
			}
			bits <<= l & 63
			n -= l
			m.c.pred += diff
			var k uint
			if bits, n, pos, k = d.skipAC(m.ac, bits, n, pos, 1); k > 64 && k < advanceEOB {
				return done, d.badCode(n, pos)
			}
		}
	}
	d.bits, d.n, d.pos = bits, n, pos
	if d.overrun(n, pos) {
		return run - 1, errShort
	}
	return run, nil
}

// leaveGray passes over the MCUs [x, x+n) of row y.
func (d *decoder) leaveGray(s *scanHeader, mcu []mcuBlock, x, y, n int) {
	for i := range mcu {
		m := &mcu[i]
		m.at = m.row + d.mcuOffset(s, m.c, y) + x*m.advance
		for range n {
			for k := range m.c.n {
				o := m.at + k*m.c.stride
				fillGray(m.c.pix[o : o+m.c.n])
			}
			m.at += m.advance
		}
	}
}

// mcuOffset returns where the samples of row y of the MCUs of the scan begin
// in the plane of c.
func (d *decoder) mcuOffset(s *scanHeader, c *component, y int) int {
	if s.n == 1 && d.whole {
		return y * c.n * c.stride
	}
	return d.rowOffset(c, y)
}

// decodeDC decodes run MCUs at 1/8: the DC coefficients are decoded, the AC
// ones are passed over. Like decodeCorner and decodeFull, it returns how many
// MCUs were decoded and, if those are fewer, why.
func (d *decoder) decodeDC(mcu []mcuBlock, run int) (int, error) {
	bits, n, pos := d.bits, d.n, d.pos
	chunk := &d.chunk
	for done := range run {
		if pos+mcuMargin > d.end {
			if d.overrun(n, pos) {
				return max(done-1, 0), errShort
			}
			pos = d.fill(pos)
		}
		for i := range mcu {
			m := &mcu[i]
			p := pos & (chunkSize - 1)
			bits |= binary.BigEndian.Uint64(chunk[p:p+8]) >> (n & 63)
			pos += (63 - n) >> 3
			n |= 56
			e := m.dc.diffs[bits>>(64-dcBits)]
			diff, l := int32(e)>>16, uint(e&0xff)
			if e == 0 {
				if diff, l = m.dc.slow(bits); l == 0 {
					return done, d.badCode(n, pos)
				}
			}
			bits <<= l & 63
			n -= l
			m.c.pred += diff
			m.c.pix[m.at] = idct1(int16(m.c.pred), m.c.dequant.dc)
			m.at += m.advance

			// As skipAC, kept in line since this is all there is to do.
			k := uint(1)
			skips := &m.ac.skips
			for {
				p := pos & (chunkSize - 1)
				bits |= binary.BigEndian.Uint64(chunk[p:p+8]) >> (n & 63)
				pos += (63 - n) >> 3
				n |= 56
				e := uint(skips[bits>>(64-skipBits)])
				k0, bits0, l := k, bits, e&0xff
				k += e >> 8
				bits <<= l & 63
				n -= l
				if k < 64 && l != 0 {
					e = uint(skips[bits>>(64-skipBits)])
					k0, bits0, l = k, bits, e&0xff
					k += e >> 8
					bits <<= l & 63
					n -= l
					if k < 64 && l != 0 {
						continue
					}
				}
				if k&(advanceEOB-1) < 64 && l != 0 {
					break // EOB
				}
				bits, n, pos, k = d.skipOne(m.ac, bits0, n+l, pos, k0)
				if k >= 64 {
					if k&(advanceEOB-1) > 64 {
						return done, d.badCode(n, pos)
					}
					break
				}
			}
		}
	}
	d.bits, d.n, d.pos = bits, n, pos
	if d.overrun(n, pos) {
		return run - 1, errShort
	}
	return run, nil
}

// badCode returns the error for a code that is none, which the zeros that
// follow the end may be as well.
func (d *decoder) badCode(n, pos uint) error {
	// The code is at most 16 bits, none of which is counted as used yet.
	if d.overrun(n, pos+2) {
		return errShort
	}
	return errBadCode
}

// skipAC passes over the coefficients of a block from position k on.
// It returns the new state of the reservoir and the position reached: 64, or
// advanceEOB or more for EOB; else the data is bad.
func (d *decoder) skipAC(t *acTable, bits uint64, n, pos, k uint) (uint64, uint, uint, uint) {
	for {
		p := pos & (chunkSize - 1)
		bits |= binary.BigEndian.Uint64(d.chunk[p:p+8]) >> (n & 63)
		pos += (63 - n) >> 3
		n |= 56
		e := uint(t.skips[bits>>(64-skipBits)])
		k0, bits0, l := k, bits, e&0xff
		k += e >> 8
		bits <<= l & 63
		n -= l
		if k < 64 && l != 0 {
			e = uint(t.skips[bits>>(64-skipBits)])
			k0, bits0, l = k, bits, e&0xff
			k += e >> 8
			bits <<= l & 63
			n -= l
			if k < 64 && l != 0 {
				continue
			}
		}
		if k&(advanceEOB-1) < 64 && l != 0 {
			return bits, n, pos, k
		}
		// The block was filled in the middle of the entry, whose later
		// symbols are not its own, or there is no entry.
		bits, n, pos, k = d.skipOne(t, bits0, n+l, pos, k0)
		if k >= 64 {
			return bits, n, pos, k
		}
	}
}

// skipOne passes over one symbol. The position it returns is as that of
// skipAC, or less than 64.
func (d *decoder) skipOne(t *acTable, bits uint64, n, pos, k uint) (uint64, uint, uint, uint) {
	bits, n, pos = d.refill(bits, n, pos)
	sym, l := t.symbol(bits)
	if l == 0 {
		return bits, n, pos, 64 + 1
	}
	r, s := sym>>4, sym&15
	bits <<= l + s
	n -= l + s
	if s == 0 && r != 15 {
		return bits, n, pos, advanceEOB
	}
	return bits, n, pos, k + r + 1
}

// corner returns which coefficients decodeCorner takes.
func (d *decoder) corner() *layout {
	if d.opts.Short {
		return shortLayouts[d.scale]
	}
	return layouts[d.scale]
}

// decodeCorner decodes run MCUs at 1/4 or 1/2: of the coefficients it takes
// those up to the last one that the scale needs and passes over the rest.
func (d *decoder) decodeCorner(mcu []mcuBlock, run int) (int, error) {
	bits, n, pos := d.bits, d.n, d.pos
	layout := d.corner()
	chunk, block, slots := &d.chunk, &d.block, &layout.slots
	last, half := uint(layout.last), d.scale == 4
	for done := range run {
		if pos+mcuMargin > d.end {
			if d.overrun(n, pos) {
				return max(done-1, 0), errShort
			}
			pos = d.fill(pos)
		}
		for i := range mcu {
			m := &mcu[i]
			p := pos & (chunkSize - 1)
			bits |= binary.BigEndian.Uint64(chunk[p:p+8]) >> (n & 63)
			pos += (63 - n) >> 3
			n |= 56
			e := m.dc.diffs[bits>>(64-dcBits)]
			diff, l := int32(e)>>16, uint(e&0xff)
			if e == 0 {
				if diff, l = m.dc.slow(bits); l == 0 {
					return done, d.badCode(n, pos)
				}
			}
			bits <<= l & 63
			n -= l
			m.c.pred += diff
			k := uint(1)
			if half {
				*(*[16]int16)(block[:16]) = [16]int16{}
			} else {
				e := m.ac.corners[bits>>(64-cornerBits)]
				block[1], block[2], block[3] = int16(e>>16), int16(e>>32), int16(e>>48)
				k += uint(e>>8) & 0xff
				l := uint(e & 0xff)
				bits <<= l & 63
				n -= l
			}
			block[0] = int16(m.c.pred)

			pairs := &m.ac.pairs
			for k <= last {
				if n < 32 {
					p := pos & (chunkSize - 1)
					bits |= binary.BigEndian.Uint64(chunk[p:p+8]) >> (n & 63)
					pos += (63 - n) >> 3
					n |= 56
				}
				if e := pairs[bits>>(64-pairBits)]; e != 0 {
					k1, k2 := k+uint(e>>8)&0xff, k+uint(e>>16)&0xff
					l := uint(e & 0xff)
					bits <<= l & 63
					n -= l
					block[slots[uint8(k2-1)]] = int16(e >> 48)
					block[slots[uint8(k1-1)]] = int16(e >> 32)
					k = k2
					continue
				}
				sym, l := m.ac.symbol(bits)
				if l == 0 {
					return done, d.badCode(n, pos)
				}
				r, s := sym>>4, sym&15
				bits <<= l
				if s == 0 && r != 15 {
					n -= l
					k = advanceEOB
					break
				}
				k += r + 1
				block[slots[uint8(k-1)]] = int16(receiveExtend(bits, s))
				bits <<= s
				n -= l + s
			}
			if k < 64 {
				bits, n, pos, k = d.skipAC(m.ac, bits, n, pos, k)
			}
			if k > 64 && k < advanceEOB {
				return done, d.badCode(n, pos)
			}
			if half {
				idct4(m.c.pix[m.at:], m.c.stride, (*[16]int16)(block[:16]), &m.c.dequant.step4, &d.opts.kernels)
			} else {
				idct2(m.c.pix[m.at:], m.c.stride, (*[4]int16)(block[:4]), &m.c.dequant.step2)
			}
			m.at += m.advance
		}
	}
	d.bits, d.n, d.pos = bits, n, pos
	if d.overrun(n, pos) {
		return run - 1, errShort
	}
	return run, nil
}

// decodeFull decodes run MCUs whose blocks, or some of them, are of full size; the
// others are of 1/2.
func (d *decoder) decodeFull(mcu []mcuBlock, run int) (int, error) {
	bits, n, pos := d.bits, d.n, d.pos
	chunk, block, slots := &d.chunk, &d.block, &layouts[8].slots
	for done := range run {
		if pos+mcuMargin > d.end {
			if d.overrun(n, pos) {
				return max(done-1, 0), errShort
			}
			pos = d.fill(pos)
		}
		for i := range mcu {
			m := &mcu[i]
			p := pos & (chunkSize - 1)
			bits |= binary.BigEndian.Uint64(chunk[p:p+8]) >> (n & 63)
			pos += (63 - n) >> 3
			n |= 56
			e := m.dc.diffs[bits>>(64-dcBits)]
			diff, l := int32(e)>>16, uint(e&0xff)
			if e == 0 {
				if diff, l = m.dc.slow(bits); l == 0 {
					return done, d.badCode(n, pos)
				}
			}
			bits <<= l & 63
			n -= l
			m.c.pred += diff
			*(*[64]int16)(block[:64]) = [64]int16{}
			block[0] = int16(m.c.pred)

			k := uint(1)
			pairs := &m.ac.pairs
			for k < 64 {
				if n < 32 {
					p := pos & (chunkSize - 1)
					bits |= binary.BigEndian.Uint64(chunk[p:p+8]) >> (n & 63)
					pos += (63 - n) >> 3
					n |= 56
				}
				if e := pairs[bits>>(64-pairBits)]; e != 0 {
					k1, k2 := k+uint(e>>8)&0xff, k+uint(e>>16)&0xff
					if k1-64 < 64 { // the second symbol is of the next block
						l := uint(e>>24) & 0xff
						bits <<= l & 63
						n -= l
						block[slots[uint8(k1-1)]] = int16(e >> 32)
						k = k1
						break
					}
					l := uint(e & 0xff)
					bits <<= l & 63
					n -= l
					block[slots[uint8(k2-1)]] = int16(e >> 48)
					block[slots[uint8(k1-1)]] = int16(e >> 32)
					k = k2
					continue
				}
				sym, l := m.ac.symbol(bits)
				if l == 0 {
					return done, d.badCode(n, pos)
				}
				r, s := sym>>4, sym&15
				bits <<= l
				if s == 0 && r != 15 {
					n -= l
					k = advanceEOB
					break
				}
				k += r + 1
				block[slots[uint8(k-1)]] = int16(receiveExtend(bits, s))
				bits <<= s
				n -= l + s
			}
			if k > 64 && k < advanceEOB {
				return done, d.badCode(n, pos)
			}
			switch {
			case m.c.n == 4:
				var corner [16]int16
				for u := range 4 {
					copy(corner[4*u:], block[8*u:][:4])
				}
				idct4(m.c.pix[m.at:], m.c.stride, &corner, &m.c.dequant.step4, &d.opts.kernels)
			case k == 1+advanceEOB && !d.opts.kernels.generic: // nothing but DC
				flat8(m.c.pix[m.at:], m.c.stride, dcSample(block[0], m.c.dequant.step8[0]))
			default:
				idct8(m.c.pix[m.at:], m.c.stride, (*[64]int16)(block[:64]), &m.c.dequant.step8, &d.opts.kernels)
			}
			m.at += m.advance
		}
	}
	d.bits, d.n, d.pos = bits, n, pos
	if d.overrun(n, pos) {
		return run - 1, errShort
	}
	return run, nil
}
