package vp8

import "math"

// chooseLuma finds the better way of predicting luma, as a whole or in blocks,
// and leaves its modes in mb, its coefficients in luma16 and its samples in
// result.
func (e *encoder) chooseLuma(mb *macroblock, seg *segment, x, y int) {
	mode, cost := e.tryLuma16(seg, x, y)
	if e.mayUse4x4(x, y) && e.tryLuma4(mb, seg, x, cost) {
		mb.in4x4 = true
		e.modeBits += e.luma4Bits
		for i := range 4 {
			e.aboveModes[4*x+i] = mb.modes[12+i]
			e.leftModes[i] = mb.modes[4*i+3]
		}
		copy(e.luma16.levels[:16], e.luma4.levels[:16])
		copy(e.luma16.coded[:16], e.luma4.coded[:16])
		return
	}
	mb.in4x4, mb.luma = false, uint8(mode)
	e.modeBits += int64(lumaCosts[mode])
	for i := range 4 {
		e.aboveModes[4*x+i], e.leftModes[i] = uint8(mode), uint8(mode)
	}
	pred := &e.predictions16[mode]
	var dc block
	inverseY2(&dc, &e.luma16.decoded[blockY2])
	for i := range 16 {
		b := &e.luma16.decoded[i]
		b[0] = dc[i]
		e.k.inverse(e.result[blockAt[i]:], pred[i/4*64+i%4*4:], 16, b)
	}
}

// tryLuma16 quantizes the macroblock as predicted by the best mode for the whole
// of it. It returns the mode and what it costs.
func (e *encoder) tryLuma16(seg *segment, x, y int) (mode int, cost int64) {
	preds := &e.predictions16
	least := uint32(math.MaxUint32)
	for m := range modes16 {
		predict(preds[m][:], 16, m, e.result[:], atY, y > 0, x > 0)
		ad := e.k.difference(e.source[atY:], preds[m][:], 16)<<8 + seg.lambdaAD*lumaCosts[m]>>8
		if ad < least {
			least, mode = ad, m
		}
	}
	c := &e.luma16
	var dc block
	loss := int64(0)
	bits := lumaCosts[mode]
	above, left := e.above[x], e.left
	pred := &preds[mode]
	for i := range 16 {
		b := &c.decoded[i]
		e.k.forward(b, e.source[blockAt[i]:], pred[i/4*64+i%4*4:], 16)
		dc[i] = b[0]
		b[0] = 0
		at := place{plane: planeYAfterY2, first: 1, size: int(above[i%4] + left[i/4])}
		coded, l := e.settle(&c.levels[i], b, &seg.y)
		bits += e.costs.block(&c.levels[i], at, coded)
		c.coded[i] = uint8(coded)
		above[i%4] = nonzero(c.coded[i], 1)
		left[i/4] = above[i%4]
		loss += int64(l)
	}
	forwardY2(&c.decoded[blockY2], &dc)
	at := place{plane: planeY2, size: int(above[neighbourY2] + left[neighbourY2])}
	coded, l := e.settle(&c.levels[blockY2], &c.decoded[blockY2], &seg.y2)
	bits += e.costs.block(&c.levels[blockY2], at, coded)
	c.coded[blockY2] = uint8(coded)
	loss = loss<<2 + int64(l) // the transform of Y2 doubles differences once more
	return mode, loss<<8 + seg.lambda*int64(bits)
}

// tryLuma4 quantizes the macroblock block by block into luma4 and result, and
// reports whether that costs less than limit.
func (e *encoder) tryLuma4(mb *macroblock, seg *segment, x int, limit int64) bool {
	cost := seg.lambda * int64(in4x4Cost)
	e.luma4Bits = int64(in4x4Cost)
	above, left := e.above[x], e.left
	aboveModes, leftModes := [4]uint8(e.aboveModes[4*x:]), e.leftModes
	c := &e.luma4
	for i := range 16 {
		source, result := e.source[blockAt[i]:], e.result[blockAt[i]:]
		var preds [modes4]prediction
		var ads [modes4]uint32
		edge := edgeOf(e.result[:], blockAt[i])
		e.k.predict4(&preds, &ads, source, &edge)
		modeCosts := &block4Costs[aboveModes[i%4]][leftModes[i/4]]
		var order [modes4]uint64 // what a mode seems to cost, and the mode
		for m := range ads {
			order[m] = uint64(ads[m]<<8+seg.lambdaAD*modeCosts[m]>>8)<<4 | uint64(m)
		}
		at := place{plane: planeY, size: int(above[i%4] + left[i/4])}
		best := int64(math.MaxInt64)
		var bestMode int
		for range e.candidates {
			m := int(min(order[0], order[1], order[2], order[3], order[4], order[5], order[6], order[7], order[8], order[9]) & 15)
			order[m] = math.MaxUint64 &^ 15
			var levels, b block
			e.k.forward(&b, source, preds[m][:], 4)
			coded, loss := e.settle(&levels, &b, &seg.y)
			bits := modeCosts[m] + e.costs.block(&levels, at, coded)
			if cost := int64(loss)<<10 + seg.lambda*int64(bits); cost < best {
				best, bestMode = cost, m
				c.levels[i], c.decoded[i], c.coded[i] = levels, b, uint8(coded)
			}
		}
		if cost += best; cost >= limit {
			return false
		}
		e.k.inverse(result, preds[bestMode][:], 4, &c.decoded[i])
		mb.modes[i] = uint8(bestMode)
		e.luma4Bits += int64(modeCosts[bestMode])
		aboveModes[i%4], leftModes[i/4] = uint8(bestMode), uint8(bestMode)
		above[i%4] = nonzero(c.coded[i], 0)
		left[i/4] = above[i%4]
	}
	return true
}

// chooseChroma finds the best mode for both planes of chroma.
func (e *encoder) chooseChroma(mb *macroblock, seg *segment, x, y int) {
	var preds [2][64]byte
	least := uint32(math.MaxUint32)
	mode := 0
	var best [2][64]byte
	for m := range modes16 {
		ad := seg.lambdaAD * chromaCosts[m] >> 8
		for p, at := range []int{atCb, atCr} {
			predict(preds[p][:], 8, m, e.result[:], at, y > 0, x > 0)
			ad += e.k.difference(e.source[at:], preds[p][:], 8) << 8
		}
		if ad < least {
			least, mode, best = ad, m, preds
		}
	}
	mb.chroma = uint8(mode)
	e.modeBits += int64(chromaCosts[mode])
	c := &e.luma16
	for i := range 8 {
		n := blockCb + i
		b := &c.decoded[n]
		pred := best[i/4][i%4/2*32+i%2*4:]
		e.k.forward(b, e.source[blockAt[n]:], pred, 8)
		coded, _ := e.settle(&c.levels[n], b, &seg.color)
		c.coded[n] = uint8(coded)
		e.k.inverse(e.result[blockAt[n]:], pred, 8, b)
	}
}

// settle quantizes b. It returns how many levels are to be written and the sum of
// the squared errors.
func (e *encoder) settle(levels, b *block, q *quantizer) (coded int, loss int32) {
	mask, loss := e.k.quantize(levels, b, q)
	return codedUpTo(mask), loss
}
