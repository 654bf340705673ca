package jpeg

import "math/bits"

// A coder says what becomes of the symbols of a block.
type coder int

const (
	codeBits   coder = iota // they are coded and written
	codeTokens              // they are appended to encoder.tokens
)

// blockBytes bounds what a block takes: 64 codes and values of at most 27
// bits, all bytes FF.
const blockBytes = 64 * 8

// encodeStandard writes one scan with the standard tables.
func (e *encoder) encodeStandard() {
	for t := range 2 * min(e.ncomps, 2) {
		e.writeTable(t, &stdHuffman[t])
	}
	e.writeScanHeader(0, e.ncomps, 0, 63, 0, 0)
	e.eachBlock(codeBits)
	e.padBits()
}

// encodeOptimal writes one scan with tables made for it: it collects the
// symbols, makes the tables, then codes.
func (e *encoder) encodeOptimal() {
	e.codes[rawBits] = 0
	e.tokens = e.tokens[:0]
	e.eachBlock(codeTokens)
	e.countTokens()
	for t := range 2 * min(e.ncomps, 2) {
		e.optimalTable(t)
		e.writeTable(t, &e.spec)
	}
	e.writeScanHeader(0, e.ncomps, 0, 63, 0, 0)
	e.putTokens()
	e.padBits()
}

// eachBlock transforms and codes all blocks, MCU by MCU (T.81 section A.2).
// Blocks outside of the picture have the DC coefficient of the block before
// them and no other, which costs the fewest bits.
func (e *encoder) eachBlock(how coder) {
	for my := range e.mcusY {
		if e.err != nil {
			return
		}
		e.convert(my)
		for mx := range e.mcusX {
			e.room(10 * blockBytes)
			for i := range e.ncomps {
				c := &e.comps[i]
				for v := range c.vs {
					for h := range c.hs {
						mask, out := e.transform(&e.block, c, mx*c.hs+h, my*c.vs+v)
						if out {
							mask, e.block[0] = 0, int16(c.pred)
						}
						if how == codeBits {
							e.putBlock(c, mask)
						} else {
							e.tokenBlock(c, mask)
						}
					}
				}
			}
		}
	}
}

// putBlock codes e.block (T.81 section F.1.2). mask has the coefficients
// that are not 0, in zigzag order; that of DC doesn't matter.
func (e *encoder) putBlock(c *encComponent, mask uint64) {
	acc, nbits, n := e.acc, e.nbits, e.n
	dc := (*[256]uint32)(e.codes[(2*c.table+tableDC)<<8:])
	ac := (*[256]uint32)(e.codes[(2*c.table+tableAC)<<8:])

	s, v := category(int32(e.block[0]) - c.pred)
	c.pred = int32(e.block[0])
	code := dc[s&255]
	l := uint(code&255) + s
	acc = acc<<(l&63) | uint64(code>>8<<s|v)
	nbits += l

	last := 0
	for mask &^= 1; mask != 0; mask &= mask - 1 {
		if nbits >= 32 {
			nbits -= 32
			n = put32(&e.buf, n, uint32(acc>>(nbits&63)))
		}
		k := bits.TrailingZeros64(mask)
		run := k - last - 1
		last = k
		for ; run > 15; run -= 16 {
			code := ac[0xf0]
			acc = acc<<(code&63) | uint64(code>>8)
			nbits += uint(code & 255)
			if nbits >= 32 {
				nbits -= 32
				n = put32(&e.buf, n, uint32(acc>>(nbits&63)))
			}
		}
		s, v := category(int32(e.block[encZigzag[k&63]&63]))
		code := ac[(uint(run)<<4|s)&255]
		l := uint(code&255) + s
		acc = acc<<(l&63) | uint64(code>>8<<s|v)
		nbits += l
	}
	if nbits >= 32 {
		nbits -= 32
		n = put32(&e.buf, n, uint32(acc>>(nbits&63)))
	}
	if last != 63 {
		code := ac[0]
		acc = acc<<(code&63) | uint64(code>>8)
		nbits += uint(code & 255)
	}
	e.acc, e.nbits, e.n = acc, nbits, n
}

// tokenBlock is putBlock to e.tokens.
func (e *encoder) tokenBlock(c *encComponent, mask uint64) {
	n := len(e.tokens)
	if cap(e.tokens) < n+64 {
		more := make([]token, n, 2*n+4096)
		copy(more, e.tokens)
		e.tokens = more
	}
	t := e.tokens[:n+64]
	dc, ac := 2*c.table+tableDC, 2*c.table+tableAC

	s, v := category(int32(e.block[0]) - c.pred)
	c.pred = int32(e.block[0])
	t[n] = makeToken(dc, int(s), s, v)
	n++
	last := 0
	for mask &^= 1; mask != 0; mask &= mask - 1 {
		k := bits.TrailingZeros64(mask)
		run := k - last - 1
		last = k
		for ; run > 15; run -= 16 {
			t[n] = makeToken(ac, 0xf0, 0, 0)
			n++
		}
		s, v := category(int32(e.block[encZigzag[k&63]&63]))
		t[n] = makeToken(ac, run<<4|int(s), s, v)
		n++
	}
	if last != 63 {
		t[n] = makeToken(ac, 0, 0, 0)
		n++
	}
	e.tokens = t[:n]
}
