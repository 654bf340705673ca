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
	return d.scale == 1 || d.approximate() && (s.ah > 0 || s.ss > d.layout.last)
}

func (d *decoder) approximate() bool { return d.opts.Approximate && d.scale < 8 }

// needHistory reports whether AC refinement scans will be decoded.
func (d *decoder) needHistory() bool { return d.scale > 1 && !d.approximate() }

// progress notes what the scan brings for which coefficients, and checks that
// it fits what was before.
func (d *decoder) progress(s *scanHeader) error {
	for _, c := range s.comps[:s.n] {
		for k := s.ss; k <= s.se; k++ {
			c.exact[k] = int8(s.al)
		}
	}
	return nil
}

// intervals walks over the MCUs of a scan in pieces: of at most a row and at
// most what is left of the restart interval. f decodes MCUs [x, x+run) of row
// y. It is called with restarted if its state of the interval must be reset.
func (d *decoder) intervals(s *scanHeader, f func(x, y, run int, restarted bool) error) error {
	across, down := s.size(d)
	restarts, left := 0, d.interval
	restarted := true
	for y := range down {
		for x := 0; x < across; {
			run := across - x
			if d.interval > 0 {
				if left == 0 {
					if err := d.restart(s, restarts); err != nil {
						return err
					}
					restarts++
					left = d.interval
					restarted = true
				}
				run = min(run, left)
				left -= run
			}
			if err := f(x, y, run, restarted); err != nil {
				return err
			}
			restarted = false
			x += run
		}
	}
	return nil
}

// progressiveDC decodes a first or refining scan of DC coefficients (T.81
// section G.1.2.1).
func (d *decoder) progressiveDC(s *scanHeader) error {
	kept := d.layout.kept
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
				t := &d.dcTables[c.dcSel]
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
	c, kept := s.comps[0], d.layout.kept
	t := &d.acTables[c.acSel]
	t.buildValues()
	ss, se, al := uint(s.ss), uint(s.se), s.al
	slots := &d.layout.slots
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
	t := &d.acTables[c.acSel]
	band := ^uint64(0) >> (63 - uint(s.se)) &^ (1<<uint(s.ss) - 1)
	eobRun := 0
	r := refiner{d: d, one: 1 << s.al, mask: d.layout.mask}
	return d.intervals(s, func(x0, y, run int, restarted bool) error {
		if restarted {
			eobRun = 0
		}
		r.bits, r.n, r.pos = d.bits, d.n, d.pos
		for x := x0; x < x0+run; x++ {
			if r.pos+mcuMargin > d.end {
				if d.overrun(r.n, r.pos) {
					return errShort
				}
				r.pos = d.fill(r.pos)
			}
			at := y*c.across + x
			history := c.history[at]
			coefs := c.coefs[at*d.layout.kept:][:d.layout.kept]
			rest := band // positions not yet passed
			for eobRun == 0 && rest != 0 {
				if r.n < 32 {
					r.refill()
				}
				sym, l := t.symbol(r.bits)
				if l == 0 {
					return d.badCode(r.n, r.pos)
				}
				zeros, size := sym>>4, sym&15
				r.bits <<= l
				r.n -= l
				value := -r.one
				if size == 0 && zeros < 15 {
					eobRun = 1<<zeros + int(r.bits>>1>>(63-zeros))
					r.bits <<= zeros
					r.n -= zeros
					break
				}
				if size > 0 { // T.81 allows 1 only
					if r.bits>>63 != 0 {
						value = r.one
					}
					r.bits <<= 1
					r.n--
				}
				// The position after that many zeros which have no history.
				open := rest &^ c.history[at]
				for ; zeros > 0; zeros-- {
					open &= open - 1
				}
				here := open & -open
				passed := rest & (here - 1) // all of it if there is no such position
				rest &^= passed | here
				if size > 0 {
					if here == 0 {
						return d.badCode(r.n, r.pos)
					}
					history |= here
					if slot := int(d.layout.slots[bits.TrailingZeros64(here)]); slot < len(coefs) {
						coefs[slot] = value
					}
				}
				r.correct(coefs, passed&c.history[at])
			}
			if eobRun > 0 {
				eobRun--
				r.correct(coefs, rest&c.history[at])
			}
			c.history[at] = history
		}
		d.bits, d.n, d.pos = r.bits, r.n, r.pos
		if d.overrun(r.n, r.pos) {
			return errShort
		}
		return nil
	})
}

// A refiner applies correction bits.
type refiner struct {
	d      *decoder
	bits   uint64
	n, pos uint
	one    int16  // the bit that the scan adds
	mask   uint64 // positions that are kept
}

func (r *refiner) refill() {
	r.bits, r.n, r.pos = r.d.refill(r.bits, r.n, r.pos)
}

// correct reads a bit for each of the nonzero coefficients at the given
// positions, and adds to the magnitude of those for which it is 1.
func (r *refiner) correct(coefs []int16, positions uint64) {
	slots := &r.d.layout.slots
	for positions != 0 {
		if r.n < 56 {
			r.refill()
		}
		n := uint(bits.OnesCount64(positions))
		if positions&r.mask == 0 && n <= 56 {
			r.bits <<= n
			r.n -= n
			return
		}
		for range min(n, 32) {
			k := bits.TrailingZeros64(positions)
			positions &= positions - 1
			if slot := int(slots[k]); slot < len(coefs) {
				v := coefs[slot]
				sign := v >> 15
				coefs[slot] = v + ((r.one^sign)-sign)&-int16(r.bits>>63)
			}
			r.bits <<= 1
			r.n--
		}
	}
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
	kept, n := d.layout.kept, d.scale
	for y := range d.mcusDown {
		for i := range comps {
			c := &comps[i]
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
