package jpeg

import (
	"math/bits"
)

// An encScan is a scan of a progressive file (T.81 annex G): the
// coefficients ss to se of the components [first, end), of which the bits
// from al up are sent, those from ah up having been sent before.
type encScan struct{ first, end, ss, se, ah, al int }

// encodeProgressive computes all coefficients, quantizes them, to the nearest
// level or by what their bits are worth, then writes the scans that take the
// fewest bytes.
func (e *encoder) encodeProgressive(nearest bool) {
	e.codes[rawBits] = 0
	if nearest {
		e.transformAll()
	} else {
		e.setFine()
		e.transformAll()
		e.quantizeAll()
	}
	for _, s := range e.chooseScript() {
		if e.err != nil {
			return
		}
		e.makeScan(s)
		for t := range 4 {
			if e.optimalTable(t) {
				e.writeTable(t, &e.spec)
			}
		}
		e.writeScanHeader(s.first, s.end, s.ss, s.se, s.ah, s.al)
		e.putTokens()
		e.padBits()
	}
}

// makeScan makes the tokens of a scan and counts them.
func (e *encoder) makeScan(s encScan) {
	e.tokens = e.tokens[:0]
	switch {
	case s.ss == 0:
		e.scanDC(s)
	case s.ah == 0:
		e.scanAC(s)
	default:
		e.scanRefine(s)
	}
	e.countTokens()
}

// transformAll fills e.coef and e.masks with what e.recip makes of the samples.
func (e *encoder) transformAll() {
	n := 0
	for i := range e.ncomps {
		c := &e.comps[i]
		c.firstBlk = n
		n += c.blocksX * e.mcusY * c.vs
	}
	if cap(e.masks) < n || cap(e.coef) < 64*n {
		e.masks, e.coef = make([]uint64, n), make([]int16, 64*n)
	}
	e.masks, e.coef = e.masks[:n], e.coef[:64*n]
	for my := range e.mcusY {
		e.convert(my)
		for i := range e.ncomps {
			c := &e.comps[i]
			for v := range c.vs {
				by := my*c.vs + v
				for bx := range c.blocksX {
					at := c.firstBlk + by*c.blocksX + bx
					b := e.coefs(at)
					mask, out := e.transform(b, c, bx, by)
					if out {
						// As in the block that is coded before.
						before := at - 1
						if 8*bx < c.w {
							before = at - c.blocksX - bx%c.hs + c.hs - 1
						}
						*b = [64]int16{0: e.coef[64*before]}
					}
					e.masks[at] = mask &^ 1
				}
			}
		}
	}
}

// coefs returns the coefficients of block i, transposed.
func (e *encoder) coefs(i int) *[64]int16 {
	return (*[64]int16)(e.coef[64*i:])
}

func (e *encoder) add(t token) { e.tokens = append(e.tokens, t) }

// scanDC makes the tokens of a DC scan (T.81 section G.1.2.1).
func (e *encoder) scanDC(s encScan) {
	for i := s.first; i < s.end; i++ {
		e.comps[i].pred = 0
	}
	for my := range e.mcusY {
		for mx := range e.mcusX {
			for i := s.first; i < s.end; i++ {
				c := &e.comps[i]
				for v := range c.vs {
					for h := range c.hs {
						dc := int32(e.coef[64*(c.firstBlk+(my*c.vs+v)*c.blocksX+mx*c.hs+h)]) >> s.al
						if s.ah != 0 {
							e.add(makeToken(4, 0, 1, uint32(dc&1)))
							continue
						}
						n, b := category(dc - c.pred)
						c.pred = dc
						e.add(makeToken(2*c.table+tableDC, int(n), n, b))
					}
				}
			}
		}
	}
}

// eobRun is a run of blocks of which nothing more is to be said (T.81
// section G.1.2.2), and the correction bits of the coefficients in them.
type eobRun struct {
	table int
	n     int // blocks
	bits  []token
}

// maxCorrections bounds what a decoder has to be told after a run.
const maxCorrections = 1000

// flush adds the run to the tokens.
func (r *eobRun) flush(e *encoder) {
	if r.n == 0 {
		return
	}
	s := bits.Len(uint(r.n)) - 1
	e.add(makeToken(r.table, s<<4, uint(s), uint32(r.n)&(1<<s-1)))
	e.tokens = append(e.tokens, r.bits...)
	r.n, r.bits = 0, r.bits[:0]
}

// scanAC makes the tokens of the first scan of a band (section G.1.2.2).
func (e *encoder) scanAC(s encScan) {
	c := &e.comps[s.first]
	run := eobRun{table: 2*c.table + tableAC}
	band := uint64(1)<<s.se<<1 - uint64(1)<<s.ss
	for by := range ceilDiv(c.h, 8) {
		for bx := range ceilDiv(c.w, 8) {
			at := c.firstBlk + by*c.blocksX + bx
			b := e.coefs(at)
			last := s.ss - 1
			for mask := e.masks[at] & band; mask != 0; mask &= mask - 1 {
				k := bits.TrailingZeros64(mask)
				v := towardZero(int32(b[encZigzag[k]]), s.al)
				if v == 0 {
					continue
				}
				run.flush(e)
				zeros := k - last - 1
				last = k
				for ; zeros > 15; zeros -= 16 {
					e.add(makeToken(run.table, 0xf0, 0, 0))
				}
				n, m := category(v)
				e.add(makeToken(run.table, zeros<<4|int(n), n, m))
			}
			if last < s.se {
				if run.n++; run.n == 0x7fff {
					run.flush(e)
				}
			}
		}
	}
	run.flush(e)
}

// towardZero returns v/(1<<al), as the point transform of AC coefficients
// is (section G.1.2.2).
func towardZero(v int32, al int) int32 {
	neg := v >> 31
	return ((v^neg)-neg)>>al ^ neg - neg
}

// scanRefine makes the tokens of a scan that sends one more bit of a band
// (section G.1.2.3).
func (e *encoder) scanRefine(s encScan) {
	c := &e.comps[s.first]
	run := eobRun{table: 2*c.table + tableAC, bits: e.corrections[:0]}
	band := uint64(1)<<s.se<<1 - uint64(1)<<s.ss
	for by := range ceilDiv(c.h, 8) {
		for bx := range ceilDiv(c.w, 8) {
			at := c.firstBlk + by*c.blocksX + bx
			e.refineBlock(&run, e.coefs(at), e.masks[at]&band, s)
		}
	}
	run.flush(e)
	e.corrections = run.bits
}

// refineBlock makes the tokens of one block. Coefficients that were sent
// before get a correction bit, which goes after the code of the next that
// was not, or after the end of block.
func (e *encoder) refineBlock(run *eobRun, b *[64]int16, mask uint64, s encScan) {
	var mag [64]uint16 // by position
	fresh := s.ss - 1  // last coefficient that becomes nonzero in this scan
	for m := mask; m != 0; m &= m - 1 {
		k := bits.TrailingZeros64(m)
		mag[k] = uint16(towardZero(max(int32(b[encZigzag[k]]), -int32(b[encZigzag[k]])), s.al))
		if mag[k] == 1 {
			fresh = k
		}
	}
	kept := len(run.bits) // corrections of blocks before
	zeros, next := 0, s.ss
	for ; mask != 0; mask &= mask - 1 {
		k := bits.TrailingZeros64(mask)
		if mag[k] == 0 {
			continue
		}
		for ; next < k; next++ {
			if mag[next] == 0 {
				zeros++
			}
		}
		next = k + 1
		for ; zeros > 15 && k <= fresh; zeros -= 16 {
			kept = e.beforeCode(run, kept)
			e.add(makeToken(run.table, 0xf0, 0, 0))
			e.afterCode(run)
		}
		if mag[k] > 1 {
			run.bits = append(run.bits, makeToken(4, 0, 1, uint32(mag[k]&1)))
			continue
		}
		kept = e.beforeCode(run, kept)
		sign := uint32(1)
		if b[encZigzag[k]] < 0 {
			sign = 0
		}
		e.add(makeToken(run.table, zeros<<4|1, 1, sign))
		e.afterCode(run)
		zeros = 0
	}
	if next <= s.se || len(run.bits) > kept {
		if run.n++; run.n == 0x7fff || len(run.bits) > maxCorrections-64 {
			run.flush(e)
		}
	}
}

// beforeCode ends the run of blocks before this one, leaving in run.bits the
// corrections of this one, which begin at kept. It returns where they begin
// now.
func (e *encoder) beforeCode(run *eobRun, kept int) int {
	if run.n > 0 {
		mine := run.bits[kept:]
		run.bits = run.bits[:kept]
		run.flush(e)
		run.bits = append(run.bits, mine...)
	}
	return 0
}

// afterCode adds the corrections that were waiting for a code.
func (e *encoder) afterCode(run *eobRun) {
	e.tokens = append(e.tokens, run.bits...)
	run.bits = run.bits[:0]
}
