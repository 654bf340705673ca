package jpeg

import "math/bits"

// Progressive files (T.81 annex G) are decoded into the coefficients that the
// scale keeps. Refinement scans need to know of the others only whether they
// are nonzero: that is the history, a bit for each zigzag position.

// skips reports whether a scan is passed over: it is of AC coefficients and
// the scale keeps none, or it adds only precision and Approximate was asked
// for.
func (d *decoder) skips(s *scanHeader) bool {
	if s.ss == 0 {
		return false
	}
	return d.scale == 1 || d.approximate() && (s.ah > 0 || s.ss > s.comps[0].layout.last)
}

func (d *decoder) approximate() bool { return d.opts.Approximate && d.scale < 8 }

// needHistory reports whether AC refinement scans will be decoded.
func (d *decoder) needHistory() bool { return d.scale > 1 && !d.approximate() }

// notePrecision notes what the scan brings for which coefficients.
func (s *scanHeader) notePrecision() {
	for _, c := range s.comps[:s.n] {
		for k := s.ss; k <= s.se; k++ {
			c.exact[k] = int8(s.al)
		}
	}
}

// intervals walks over the MCUs of a scan in pieces: of at most a row and at
// most what is left of the restart interval. f decodes MCUs [x, x+run) of row
// y. It is called with restarted if its state of the interval must be reset. After
// damage that is tolerated it is called again for the next interval.
func (d *decoder) intervals(s *scanHeader, f func(x, y, run int, restarted bool) error) error {
	across, down := s.size(d)
	restarts, left := 0, d.interval
	restarted, lost := true, false
	for y := range down {
		for x := 0; x < across; {
			run := across - x
			if d.interval > 0 {
				if left == 0 {
					err := d.restart(s, restarts)
					if lost = err != nil; lost && !d.tolerates(err) {
						return err
					}
					restarts++
					left = d.interval
					restarted = true
				}
				run = min(run, left)
				left -= run
			}
			if !lost {
				err := f(x, y, run, restarted)
				if lost = err != nil; lost && !d.tolerates(err) {
					return err
				}
				restarted = false
			}
			x += run
		}
	}
	return nil
}

// progressiveDC decodes a first or refining scan of DC coefficients (T.81
// section G.1.2.1).
func (d *decoder) progressiveDC(s *scanHeader) error {
	return d.intervals(s, func(x0, y, run int, _ bool) error {
		b, n, pos := d.bits, d.n, d.pos
		for x := x0; x < x0+run; x++ {
			if pos+mcuMargin > d.end {
				if d.overrun(n, pos) {
					return errShort
				}
				pos = d.fill(pos)
			}
			for _, c := range s.comps[:s.n] {
				h, v := c.h, c.v
				if s.n == 1 {
					h, v = 1, 1
				}
				t, kept := &d.dcTables[c.dcSel], c.layout.kept
				for j := range v {
					at := ((y*v+j)*c.across + x*h) * kept
					for range h {
						b, n, pos = d.refill(b, n, pos)
						if s.ah > 0 {
							c.coefs[at] |= int16(b>>63) << s.al
							b <<= 1
							n--
							at += kept
							continue
						}
						e := t.diffs[b>>(64-dcBits)]
						diff, l := int32(e)>>16, uint(e&0xff)
						if e == 0 {
							if diff, l = t.slow(b); l == 0 {
								return d.badCode(n, pos)
							}
						}
						b <<= l & 63
						n -= l
						c.pred += diff
						c.coefs[at] = int16(c.pred << s.al)
						at += kept
					}
				}
			}
		}
		d.bits, d.n, d.pos = b, n, pos
		if d.overrun(n, pos) {
			return errShort
		}
		return nil
	})
}

// progressiveAC decodes a first scan of AC coefficients (T.81 section
// G.1.2.2).
func (d *decoder) progressiveAC(s *scanHeader) error {
	c := s.comps[0]
	kept, slots := c.layout.kept, &c.layout.slots
	t := &d.acTables[c.acSel]
	t.buildValues()
	ss, se, al := uint(s.ss), uint(s.se), s.al
	// Without the refinement scans, the middle of the interval of a value is
	// a better guess than its lower end. It is rounded towards zero, where
	// more values are.
	bias := int16(0)
	if d.approximate() {
		bias = (1<<al - 1) >> 1
	}
	eobRun := 0 // blocks left in the end-of-band run
	return d.intervals(s, func(x0, y, run int, restarted bool) error {
		if restarted {
			eobRun = 0
		}
		b, n, pos := d.bits, d.n, d.pos
		for x := x0; x < x0+run; x++ {
			if eobRun > 0 {
				skip := min(eobRun, x0+run-x)
				eobRun -= skip
				x += skip - 1
				continue
			}
			if pos+mcuMargin > d.end {
				if d.overrun(n, pos) {
					return errShort
				}
				pos = d.fill(pos)
			}
			at := y*c.across + x
			coefs := c.coefs[at*kept:][:kept]
			history := uint64(0)
			for k := ss; k <= se; k++ {
				if n < 32 {
					b, n, pos = d.refill(b, n, pos)
				}
				var value int16
				if e := t.values[b>>(64-valueBits)]; e != 0 {
					k += uint(e>>8)&0xff - 1
					value = int16(e >> 16)
					l := uint(e & 0xff)
					b <<= l & 63
					n -= l
				} else {
					sym, l := t.symbol(b)
					if l == 0 {
						return d.badCode(n, pos)
					}
					r, size := sym>>4, sym&15
					b <<= l
					n -= l
					k += r
					if size == 0 {
						if r == 15 {
							continue
						}
						eobRun = 1<<r - 1 + int(b>>1>>(63-r))
						b <<= r
						n -= r
						break
					}
					value = int16(receiveExtend(b, size))
					b <<= size
					n -= size
				}
				if k > se {
					return d.badCode(n, pos)
				}
				history |= 1 << (k & 63)
				if slot := int(slots[uint8(k)]); slot < len(coefs) {
					sign := value >> 15
					coefs[slot] = value<<al + (bias ^ sign) - sign
				}
			}
			if c.history != nil {
				c.history[at] |= history
			}
		}
		d.bits, d.n, d.pos = b, n, pos
		if d.overrun(n, pos) {
			return errShort
		}
		return nil
	})
}

// refineAC decodes a refining scan of AC coefficients (T.81 section G.1.2.3).
func (d *decoder) refineAC(s *scanHeader) error {
	c := s.comps[0]
	kept, slots := c.layout.kept, &c.layout.slots
	t := &d.acTables[c.acSel]
	band := ^uint64(0) >> (63 - uint(s.se)) &^ (1<<uint(s.ss) - 1)
	one := int16(1) << s.al // what the scan adds
	eobRun := 0
	return d.intervals(s, func(x0, y, run int, restarted bool) error {
		if restarted {
			eobRun = 0
		}
		b, n, pos := d.bits, d.n, d.pos
		at := y*c.across + x0
		histories := c.history[at : at+run]
		coefs := c.coefs[at*kept:][:run*kept]
		for i, history := range histories {
			if pos+mcuMargin > d.end {
				if d.overrun(n, pos) {
					return errShort
				}
				pos = d.fill(pos)
			}
			block := coefs[i*kept:][:kept]
			rest := band // positions not yet passed
			for eobRun == 0 && rest != 0 {
				if n < 32 {
					b, n, pos = d.refill(b, n, pos)
				}
				e := t.symbols[b>>(64-symbolBits)]
				sym, l := uint(e>>8), uint(e&0xff)
				if e == 0 {
					if sym, l = t.longSymbol(b); l == 0 {
						return d.badCode(n, pos)
					}
				}
				zeros, size := sym>>4, sym&15
				b <<= l & 63
				n -= l
				value := -one
				if size > 0 { // T.81 allows 1 only
					if b>>63 != 0 {
						value = one
					}
					b <<= 1
					n--
				} else if zeros < 15 {
					eobRun = 1<<zeros + int(b>>1>>(63-zeros))
					b <<= zeros
					n -= zeros
					break
				}
				// The position after that many zeros which have no history.
				open := rest &^ history
				for ; zeros > 0; zeros-- {
					open &= open - 1
				}
				here := open & -open
				passed := rest & (here - 1) // all of it if there is no such position
				rest &^= passed | here
				if size > 0 {
					if here == 0 {
						return d.badCode(n, pos)
					}
					histories[i] |= here
					if slot := int(slots[bits.TrailingZeros64(here)]); slot < len(block) {
						block[slot] = value
					}
				}
				if passed &= history; passed != 0 {
					b, n, pos = d.correct(c.layout, block, passed, one, b, n, pos)
				}
			}
			if eobRun > 0 {
				eobRun--
				if rest &= history; rest != 0 {
					b, n, pos = d.correct(c.layout, block, rest, one, b, n, pos)
				}
			}
		}
		d.bits, d.n, d.pos = b, n, pos
		if d.overrun(n, pos) {
			return errShort
		}
		return nil
	})
}

// correct reads a bit for each of the nonzero coefficients at the given
// positions, and adds one to the magnitude of those for which it is 1. It
// takes and returns the state of the reservoir.
func (d *decoder) correct(l *layout, block []int16, positions uint64, one int16, b uint64, n, pos uint) (uint64, uint, uint) {
	slots, mask := &l.slots, l.mask
	for {
		b, n, pos = d.refill(b, n, pos)
		for range 32 {
			if positions&mask == 0 {
				break
			}
			k := bits.TrailingZeros64(positions)
			positions &= positions - 1
			if slot := int(slots[k]); slot < len(block) {
				v := block[slot]
				sign := v >> 15
				block[slot] = v + ((one^sign)-sign)&-int16(b>>63)
			}
			b <<= 1
			n--
		}
		if positions&mask == 0 {
			break
		}
	}
	left := uint(bits.OnesCount64(positions))
	if n < left {
		b, n, pos = d.refill(b, n, pos)
		if left > 32 { // the reservoir may have 56
			b <<= 32
			n -= 32
			left -= 32
			b, n, pos = d.refill(b, n, pos)
		}
	}
	return b << (left & 63), n - left, pos
}

// reconstruct turns coefficients into samples.
func (d *decoder) reconstruct() error {
	comps := d.comps[:d.header.Components]
	d.allocate(true)
	for i := range comps {
		c := &comps[i]
		if !c.seen {
			d.incomplete = true
		}
		if !c.dequant.set { // then all coefficients are 0
			c.dequant.init(&[64]uint16{})
		}
	}
	for y := range d.mcusDown {
		for i := range comps {
			c := &comps[i]
			kept, n := c.layout.kept, c.n
			for j := range c.v {
				out := d.rowOffset(c, y) + j*n*c.stride
				coefs := c.coefs[(y*c.v+j)*c.across*kept:][:c.across*kept]
				for ; len(coefs) >= kept; coefs, out = coefs[kept:], out+n {
					switch n {
					case 1:
						c.pix[out] = idct1(coefs[0], c.dequant.dc)
					case 2:
						idct2(c.pix[out:], c.stride, (*[4]int16)(coefs), &c.dequant.step2)
					case 4:
						idct4(c.pix[out:], c.stride, (*[16]int16)(coefs), &c.dequant.step4, &d.opts.kernels)
					case 8:
						idct8(c.pix[out:], c.stride, (*[64]int16)(coefs), &c.dequant.step8, &d.opts.kernels)
					}
				}
			}
		}
		if !d.whole {
			if err := d.emitRow(y); err != nil {
				return err
			}
		}
	}
	return nil
}
