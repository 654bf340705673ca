package av1

import "math/bits"

// write writes the symbols of a block that is built (sections 5.11.5, 5.11.7).
func (t *tile) write(b *block) {
	row := b.row & 15
	t.symbol(cdfSkip+3*int(t.above.skip[b.col]+t.left.skip[row]), 2, b2i(b.skip))
	above, left := t.above.mode[b.col].context(), t.left.mode[row].context()
	t.symbol(cdfYMode+14*(5*above+left), 13, int(b.mode))
	if b.size >= block8x8 && b.mode.directional() {
		t.symbol(cdfAngleDelta+8*int(b.mode-vPred), 7, b.delta+3)
	}
	if b.chroma {
		if b.size.cfl() {
			t.symbol(cdfUVMode+15*int(b.mode), 14, int(b.uvMode))
		} else {
			t.symbol(cdfUVModeNoCfL+14*int(b.mode), 13, int(b.uvMode))
		}
		if b.uvMode == cflPred {
			t.writeAlphas(b.alphaU, b.alphaV)
		}
		if b.size >= block8x8 && b.uvMode.directional() {
			t.symbol(cdfAngleDelta+8*int(b.uvMode-vPred), 7, b.uvDelta+3)
		}
	}
	if t.mayHavePalette(b.size) {
		t.writePalettes(b)
	}
	t.writeTxSize(b)
	if b.skip {
		t.resetLevels(b)
		return
	}
	for i := range b.transforms {
		t.writeTransform(b, &b.transforms[i])
	}
}

// cfl reports whether the chroma of a block may be predicted from luma (section
// 8.3.2, uv_mode).
func (b blockSize) cfl() bool { return b <= block32x32 }

// writeAlphas writes what chroma takes of luma, -16 to 16 (section 5.11.45).
func (t *tile) writeAlphas(u, v int) {
	sign := func(a int) int { // CFL_SIGN_ZERO, NEG, POS
		switch {
		case a < 0:
			return 1
		case a > 0:
			return 2
		}
		return 0
	}
	su, sv := sign(u), sign(v)
	t.symbol(cdfCfLSign, 8, 3*su+sv-1)
	if su != 0 {
		t.symbol(cdfCfLAlpha+17*((su-1)*3+sv), 16, abs(u)-1)
	}
	if sv != 0 {
		t.symbol(cdfCfLAlpha+17*((sv-1)*3+su), 16, abs(v)-1)
	}
}

// writeTxSize writes tx_depth (section 5.11.15).
func (t *tile) writeTxSize(b *block) {
	if !t.txSelect || b.size == block4x4 {
		return
	}
	largest := b.size.maxTx()
	depth := 0
	for s := largest; s != b.tx; s = s.split() {
		depth++
	}
	ctx := b2i(int(t.above.tx[b.col]) >= 1<<largest.wLog2()) + b2i(int(t.left.tx[b.row&15]) >= 1<<largest.hLog2())
	switch b.size.maxTxDepth() {
	case 4:
		t.symbol(cdfTxDepth64+4*ctx, 3, depth)
	case 3:
		t.symbol(cdfTxDepth32+4*ctx, 3, depth)
	case 2:
		t.symbol(cdfTxDepth16+4*ctx, 3, depth)
	default:
		t.symbol(cdfTxDepth8+3*ctx, 2, depth)
	}
}

// resetLevels is reset_block_context (section 5.11.5).
func (t *tile) resetLevels(b *block) {
	for p := range t.planes() {
		if p > 0 && !b.chroma {
			return
		}
		subX, subY := t.sub(p)
		for i := b.col >> subX; i < (b.col+b.size.w4())>>subX; i++ {
			t.above.level[p][i], t.above.dc[p][i] = 0, 0
		}
		row := b.row & 15
		for i := row >> subY; i < (row+b.size.h4())>>subY; i++ {
			t.left.level[p][i], t.left.dc[p][i] = 0, 0
		}
	}
}

// Offsets of coeff_base's context by row and column (Coeff_Base_Ctx_Offset): for
// square, high and wide sizes.
var baseOffsets = [3][5][5]uint8{
	{{0, 1, 6, 6, 21}, {1, 6, 6, 21, 21}, {6, 6, 21, 21, 21}, {6, 21, 21, 21, 21}, {21, 21, 21, 21, 21}},
	{{0, 11, 11, 11, 11}, {11, 11, 11, 11, 11}, {6, 6, 21, 21, 21}, {6, 21, 21, 21, 21}, {21, 21, 21, 21, 21}},
	{{0, 16, 6, 6, 21}, {16, 16, 6, 21, 21}, {16, 16, 21, 21, 21}, {16, 16, 21, 21, 21}, {16, 16, 21, 21, 21}},
}

// writeTransform writes the coefficients of a transform (section 5.11.39).
func (t *tile) writeTransform(b *block, tb *transformBlock) {
	p, tx := tb.plane, tb.size
	ptype := b2i(p > 0)
	wl, hl := tx.wLog2(), tx.hLog2()
	x4, y4 := tb.x>>2, tb.y>>2
	subX, subY := t.sub(p)
	ly := y4 & (15 >> subY)
	w4, h4 := 1<<wl>>2, 1<<hl>>2
	// Contexts of what lies beyond the frame do not count.
	inW, inH := min(w4, t.miCols>>subX-x4), min(h4, t.miRows>>subY-y4)
	aboveLevel, aboveDC := t.above.level[p][x4:x4+w4], t.above.dc[p][x4:x4+w4]
	leftLevel, leftDC := t.left.level[p][ly:ly+h4], t.left.dc[p][ly:ly+h4]
	sizeCtx := (int(tx.sqr()) + int(tx.sqrUp()) + 1) >> 1

	t.symbol(cdfAllZero+3*(13*sizeCtx+t.allZeroContext(b, tb, aboveLevel[:inW], aboveDC[:inW], leftLevel[:inH], leftDC[:inH])), 2, b2i(tb.eob == 0))
	sum, dcSign := 0, uint8(0)
	if tb.eob > 0 {
		if p == 0 {
			switch set := txSet(tx, t.reducedTxSet); set {
			case 1:
				t.symbol(cdfTxType1+8*(13*int(tx.sqr())+int(b.mode)), 7, symbolOf(1, tb.typ))
			case 2:
				t.symbol(cdfTxType2+6*(13*int(tx.sqr())+int(b.mode)), 5, symbolOf(2, tb.typ))
			}
		}
		signCtx := 0
		for _, s := range aboveDC[:inW] {
			signCtx += int(s>>1) - int(s&1)
		}
		for _, s := range leftDC[:inH] {
			signCtx += int(s>>1) - int(s&1)
		}
		switch {
		case signCtx < 0:
			signCtx = 1
		case signCtx > 0:
			signCtx = 2
		}
		sum = t.writeLevels(tb, ptype, sizeCtx, signCtx)
		if l := tb.levels[0]; l < 0 {
			dcSign = 1
		} else if l > 0 {
			dcSign = 2
		}
	}
	fill(aboveLevel, uint8(min(sum, 63)))
	fill(aboveDC, dcSign)
	fill(leftLevel, uint8(min(sum, 63)))
	fill(leftDC, dcSign)
}

// allZeroContext is the context of all_zero (section 8.3.2).
func (t *tile) allZeroContext(b *block, tb *transformBlock, aboveLevel, aboveDC, leftLevel, leftDC []uint8) int {
	if tb.plane > 0 {
		var above, left uint8
		for i, l := range aboveLevel {
			above |= l | aboveDC[i]
		}
		for i, l := range leftLevel {
			left |= l | leftDC[i]
		}
		ctx := 7 + b2i(above != 0) + b2i(left != 0)
		wl, hl := b.size.residual(t.subX, t.subY)
		if wl+hl > tb.size.wLog2()+tb.size.hLog2() {
			ctx += 3
		}
		return ctx
	}
	var top, left uint8
	for _, l := range aboveLevel {
		top = max(top, l)
	}
	for _, l := range leftLevel {
		left = max(left, l)
	}
	switch {
	case tb.size == b.size.maxTx():
		return 0
	case top == 0 && left == 0:
		return 1
	case top == 0 || left == 0:
		return 2 + b2i(max(top, left) > 3)
	case max(top, left) <= 3:
		return 4
	case min(top, left) <= 3:
		return 5
	}
	return 6
}

// writeLevels writes the end of block and the levels and signs of a transform that
// has some. It returns the sum of the levels.
func (t *tile) writeLevels(tb *transformBlock, ptype, sizeCtx, signCtx int) (sum int) {
	class := tb.typ.class()
	wl, hl := min(tb.size.wLog2(), 5), min(tb.size.hLog2(), 5)
	w, h := 1<<wl, 1<<hl
	scan := scans()[class][tb.size]
	eob := tb.eob

	eobPt := eob
	if eob > 2 {
		eobPt = bits.Len(uint(eob-1)) + 1
	}
	flat := b2i(class != 0)
	switch wl + hl - 4 {
	case 0:
		t.symbol(cdfEobPt16+6*(2*ptype+flat), 5, eobPt-1)
	case 1:
		t.symbol(cdfEobPt32+7*(2*ptype+flat), 6, eobPt-1)
	case 2:
		t.symbol(cdfEobPt64+8*(2*ptype+flat), 7, eobPt-1)
	case 3:
		t.symbol(cdfEobPt128+9*(2*ptype+flat), 8, eobPt-1)
	case 4:
		t.symbol(cdfEobPt256+10*(2*ptype+flat), 9, eobPt-1)
	case 5:
		t.symbol(cdfEobPt512+11*ptype, 10, eobPt-1)
	default:
		t.symbol(cdfEobPt1024+12*ptype, 11, eobPt-1)
	}
	if eobPt >= 3 {
		extra, shift := uint(eob-1-1<<(eobPt-2)), eobPt-3
		t.symbol(cdfEobExtra+3*(9*(2*sizeCtx+ptype)+eobPt-3), 2, int(extra>>shift&1))
		t.symbols.literal(extra, shift)
	}

	// Levels up to 15 with a margin of zeros to the right and below.
	stride := w + 4
	m := t.levelMap[:stride*(h+4)]
	clear(m)
	for y := range h {
		for x, l := range tb.levels[y<<wl : y<<wl+w] {
			m[y*stride+x] = uint8(min(abs(int(l)), 15))
		}
	}
	offsets := &baseOffsets[0]
	switch {
	case tb.size.wLog2() < tb.size.hLog2():
		offsets = &baseOffsets[1]
	case tb.size.wLog2() > tb.size.hLog2():
		offsets = &baseOffsets[2]
	}
	base := cdfBase + 5*42*(2*sizeCtx+ptype)
	br := cdfBr + 5*21*(2*min(sizeCtx, 3)+ptype)
	for c := eob - 1; c >= 0; c-- {
		pos := int(scan[c])
		row, col := pos>>wl, pos&(w-1)
		at := row*stride + col
		level := int(m[at])
		if c == eob-1 {
			ctx := 3
			switch {
			case c == 0:
				ctx = 0
			case c <= w*h/8:
				ctx = 1
			case c <= w*h/4:
				ctx = 2
			}
			t.symbol(cdfBaseEob+4*(4*(2*sizeCtx+ptype)+ctx), 3, min(level, 3)-1)
		} else {
			clip := func(i int) int { return int(min(m[at+i], 3)) }
			mag := clip(1) + clip(stride)
			switch class {
			case 0:
				mag += clip(stride+1) + clip(2) + clip(2*stride)
			case 1:
				mag += clip(2) + clip(3) + clip(4)
			case 2:
				mag += clip(2*stride) + clip(3*stride) + clip(4*stride)
			}
			ctx := min((mag+1)>>1, 4)
			switch {
			case class == 0 && pos == 0:
				ctx = 0
			case class == 0:
				ctx += int(offsets[min(row, 4)][min(col, 4)])
			case class == 1:
				ctx += 26 + 5*min(col, 2)
			default:
				ctx += 26 + 5*min(row, 2)
			}
			t.symbol(base+5*ctx, 4, min(level, 3))
		}
		if level < 3 {
			continue
		}
		mag := int(m[at+1]) + int(m[at+stride])
		near := 0
		switch class {
		case 0:
			mag += int(m[at+stride+1])
			near = b2i(row < 2 && col < 2)
		case 1:
			mag += int(m[at+2])
			near = b2i(col == 0)
		case 2:
			mag += int(m[at+2*stride])
			near = b2i(row == 0)
		}
		ctx := min((mag+1)>>1, 6)
		if pos != 0 {
			ctx += 14 - 7*near
		}
		for rest := level - 3; ; rest -= 3 {
			t.symbol(br+5*ctx, 4, min(rest, 3))
			if rest < 3 || level-rest >= 12 {
				break
			}
		}
	}
	for c := range eob {
		l := int(tb.levels[scan[c]])
		if l == 0 {
			continue
		}
		if c == 0 {
			t.symbol(cdfDCSign+3*(3*ptype+signCtx), 2, b2i(l < 0))
		} else {
			t.symbols.bit(uint(b2i(l < 0)))
		}
		l = abs(l)
		sum += l
		if l > 14 {
			x := uint(l - 14)
			n := bits.Len(x)
			t.symbols.literal(0, n-1)
			t.symbols.literal(x, n)
		}
	}
	return sum
}
