package av1

import (
	"context"
	"iter"
)

// contexts are what later blocks ask about those above or to the left of them, by
// the column or row in units of 4x4 (section 8.3.2).
type contexts struct {
	mode   []mode
	uvMode []mode  // by units of chroma blocks; only blocks with chroma write it
	size   []uint8 // logarithm of the block's width or height in units of 4
	tx     []uint8 // width or height of the transform, samples; 0 outside
	skip   []uint8
	level  [3][]uint8 // sum of levels, at most 63
	dc     [3][]uint8 // 0, 1 if the DC is negative, 2 if positive
	// palette has those of luma and of U; nil where the picture has none.
	palette [2][]palette
}

func newContexts(n int, palettes bool) contexts {
	c := contexts{mode: make([]mode, n), uvMode: make([]mode, n), size: make([]uint8, n), tx: make([]uint8, n), skip: make([]uint8, n)}
	for p := range 3 {
		c.level[p], c.dc[p] = make([]uint8, n), make([]uint8, n)
	}
	if palettes {
		c.palette = [2][]palette{make([]palette, n), make([]palette, n)}
	}
	return c
}

// reset says that there is no block (clear_above_context, clear_left_context).
func (c *contexts) reset() {
	clear(c.mode)
	clear(c.uvMode)
	clear(c.tx)
	clear(c.skip)
	for i := range c.size {
		c.size[i] = 31
	}
	for p := range 3 {
		clear(c.level[p])
		clear(c.dc[p])
	}
	for p := range c.palette {
		clear(c.palette[p])
	}
}

// transformBlock is one transform of a block.
type transformBlock struct {
	plane  int
	x, y   int // of its first sample in the plane
	size   txSize
	typ    txType
	eob    int     // coefficients up to the last that is not zero, in scan order
	levels []int32 // of the coded part, rows
}

// block is one block: what is decided about it.
type block struct {
	row, col         int // in units of 4x4
	size             blockSize
	chroma           bool // HasChroma
	availU, availL   bool
	availUC, availLC bool // AvailUChroma, AvailLChroma
	mode, uvMode     mode
	delta, uvDelta   int // angle deltas
	alphaU, alphaV   int // of cflPred, -16 to 16, not both 0
	palette          [2]palette
	paletteV         [8]uint8 // V of the colours of palette[1]
	tx               txSize
	skip             bool
	transforms       []transformBlock
	lumaW, lumaH     int // MaxLumaW, MaxLumaH
	levels           []int32
}

// picker takes the decisions.
type picker interface {
	// partition picks one of can for the square block b at row, col.
	partition(t *tile, row, col int, b blockSize, can []partition) partition
	// planned sets all of a block that was reconstructed before, and reports
	// whether it was.
	planned(t *tile, b *block) bool
	// luma sets mode, delta and tx of a block, or dcPred, palette and t.colourMap.
	luma(t *tile, b *block)
	// chroma sets uvMode, uvDelta, alphaU and alphaV, or dcPred, palette and
	// t.colourMap, when luma is reconstructed.
	chroma(t *tile, b *block)
	// quantize sets typ, levels and eob of a transform of which pred is the
	// prediction. The type of chroma is given.
	quantize(t *tile, b *block, x *transformBlock, pred []uint8)
}

// frame is a picture while it is encoded.
type frame struct {
	header
	// Source and reconstruction, both with sides of whole superblocks.
	src, rec [3]plane
	dcQ, acQ int32
	// 1<<32 divided by them, rounded up: quotients of numbers of 20 bits are exact.
	dcInverse, acInverse uint64
	ctx                  context.Context // nil: nobody ends the work
	tile                 *tile           // that which is encoded
	analysis
}

// tile encodes one tile.
type tile struct {
	*frame
	kernels
	pick               picker
	row0, row1         int // in units of 4x4
	col0, col1         int
	symbols            symbolWriter
	cdf                cdfs
	above, left        contexts        // above by column, left by row & 15
	decoded            [3][18][18]bool // BlockDecoded of the superblock, from -1
	edges              edges
	pred               [64 * 64]uint8
	ac                 block64
	scratchA, scratchB block64
	coefs              [32 * 32]int32
	block              block
	levelMap           [(32 + 4) * (32 + 4)]uint8
	colourMap          [2][64 * 64]uint8 // of luma and chroma of the block, its width a row
}

// encode writes the tile and returns its bytes, which are valid until the next one
// (section 5.11.2). It ends between rows of superblocks when its context does.
func (t *tile) encode() ([]byte, error) {
	t.symbols.reset()
	t.cdf = defaultCDFs()[quantizerSet(t.qIndex)]
	t.above.reset()
	for row := t.row0; row < t.row1; row += 16 {
		if t.ctx != nil && t.ctx.Err() != nil {
			return nil, t.ctx.Err()
		}
		t.left.reset()
		for col := t.col0; col < t.col1; col += 16 {
			t.clearDecoded(row, col)
			t.cut(row, col, block64x64)
		}
	}
	return t.symbols.finish(), nil
}

// clearDecoded is clear_block_decoded_flags (section 5.11.3).
func (t *tile) clearDecoded(row, col int) {
	for p := range t.planes() {
		subX, subY := t.sub(p)
		w4, h4 := (t.col1-col)>>subX, (t.row1-row)>>subY
		n, m := 16>>subX, 16>>subY
		for y := -1; y <= m; y++ {
			for x := -1; x <= n; x++ {
				t.decoded[p][y+1][x+1] = y < 0 && x < w4 || x < 0 && y < h4
			}
		}
		t.decoded[p][m+1][0] = false
	}
}

// sub is the subsampling of a plane.
func (h *header) sub(plane int) (subX, subY int) {
	if plane == 0 {
		return 0, 0
	}
	return h.subX, h.subY
}

// cut codes the square b at row, col (section 5.11.4).
func (t *tile) cut(row, col int, b blockSize) {
	if row >= t.miRows || col >= t.miCols {
		return
	}
	half := b.w4() >> 1
	can := t.partitions(row, col, b)
	p := can[0]
	if b >= block8x8 {
		p = t.pick.partition(t, row, col, b, can)
		t.putPartition(row, col, b, can, p)
	}
	part := b.cut(p)
	switch p {
	case partitionNone:
		t.code(row, col, part)
	case partitionHorz:
		t.code(row, col, part)
		if row+half < t.miRows {
			t.code(row+half, col, part)
		}
	case partitionVert:
		t.code(row, col, part)
		if col+half < t.miCols {
			t.code(row, col+half, part)
		}
	case partitionSplit:
		t.cut(row, col, part)
		t.cut(row, col+half, part)
		t.cut(row+half, col, part)
		t.cut(row+half, col+half, part)
	}
}

// partitions are those that a square block may have.
func (t *tile) partitions(row, col int, b blockSize) []partition {
	half := b.w4() >> 1
	hasRows, hasCols := row+half < t.miRows, col+half < t.miCols
	switch {
	case b < block8x8:
		return []partition{partitionNone}
	case hasRows && hasCols:
		return []partition{partitionNone, partitionHorz, partitionVert, partitionSplit}
	case hasCols:
		return []partition{partitionHorz, partitionSplit}
	case hasRows:
		return []partition{partitionVert, partitionSplit}
	}
	return []partition{partitionSplit}
}

// putPartition writes the partition (section 8.3.2).
func (t *tile) putPartition(row, col int, b blockSize, can []partition, p partition) {
	if len(can) == 1 {
		return
	}
	log := b.w4Log2()
	ctx := b2i(int(t.left.size[row&15]) < log)*2 + b2i(int(t.above.size[col]) < log)
	if log == 1 {
		t.symbol(cdfPartition8+5*ctx, 4, int(p))
		return
	}
	at := [...]int{2: cdfPartition16, 3: cdfPartition32, 4: cdfPartition64}[log] + 11*ctx
	if len(can) == 4 {
		t.symbol(at, 10, int(p))
		return
	}
	// split_or_horz, split_or_vert: parts of the CDF, which does not adapt.
	parts := [...]int{2, 3, 4, 6, 7, 9} // VERT, SPLIT, HORZ_A, VERT_A, VERT_B, VERT_4
	if can[0] == partitionVert {
		parts = [...]int{1, 3, 4, 5, 6, 8} // HORZ, SPLIT, HORZ_A, HORZ_B, VERT_A, HORZ_4
	}
	sum := uint16(0)
	for _, i := range parts {
		sum += t.cdf[at+i] - t.cdf[at+i-1]
	}
	t.symbols.code([]uint16{32768 - sum, 32768}, 2, b2i(p == partitionSplit))
}

// symbol writes symbol s of n by the CDF at, which adapts.
func (t *tile) symbol(at, n, s int) {
	cdf := t.cdf[at : at+n+1]
	t.symbols.code(cdf, n, s)
	adapt(cdf, n, s)
}

// code decides about a block and writes it (section 5.11.5).
func (t *tile) code(row, col int, size blockSize) {
	b := &t.block
	t.build(b, row, col, size)
	t.write(b)
	t.remember(b)
}

// build takes all decisions about a block and reconstructs it.
func (t *tile) build(b *block, row, col int, size blockSize) {
	w4, h4 := size.w4(), size.h4()
	*b = block{row: row, col: col, size: size, transforms: b.transforms[:0], levels: b.levels[:0]}
	b.chroma = !t.mono && (h4 > 1 || t.subY == 0 || row&1 == 1) && (w4 > 1 || t.subX == 0 || col&1 == 1)
	b.availU, b.availL = row > t.row0, col > t.col0
	if b.chroma {
		b.availUC, b.availLC = b.availU, b.availL
		if t.subY == 1 && h4 == 1 {
			b.availUC = row-2 >= t.row0
		}
		if t.subX == 1 && w4 == 1 {
			b.availLC = col-2 >= t.col0
		}
	}
	b.tx = size.maxTx()
	if t.pick.planned(t, b) {
		return
	}
	t.pick.luma(t, b)
	t.reconstruct(b, 0, b.tx)
	if b.chroma {
		t.pick.chroma(t, b)
		tx := t.chromaTx(b.size)
		t.reconstruct(b, 1, tx)
		t.reconstruct(b, 2, tx)
	}
	b.skip = true
	for i := range b.transforms {
		if b.transforms[i].eob > 0 {
			b.skip = false
		}
	}
}

// chromaTx is get_tx_size for chroma (section 5.11.37).
func (t *tile) chromaTx(b blockSize) txSize {
	w, h := b.residual(t.subX, t.subY)
	return txFor(min(w, 5), min(h, 5))
}

// loadEdges takes the edges of the transform block at x, y of a plane.
func (t *tile) loadEdges(b *block, p, x, y int, tx txSize) {
	subX, subY := t.sub(p)
	w, h := 1<<tx.wLog2(), 1<<tx.hLog2()
	sx, sy := (x>>2)&(15>>subX), (y>>2)&(15>>subY)
	baseX, baseY := b.col>>subX<<2, b.row>>subY<<2
	availL, availU := b.availL, b.availU
	if p > 0 {
		availL, availU = b.availLC, b.availUC
	}
	d := &t.decoded[p]
	t.edges.load(&t.rec[p], x, y, w, h, availL || x > baseX, availU || y > baseY,
		d[sy][sx+w>>2+1], d[sy+h>>2+1][sx], t.miCols*4>>subX-1, t.miRows*4>>subY-1)
	t.edges.smooth = t.smoothNear(b, p)
}

// smoothNear is get_filter_type (section 7.11.2.8). Chroma asks the block at an odd
// row and column, which always has chroma.
func (t *tile) smoothNear(b *block, p int) bool {
	if p == 0 {
		return b.availU && t.above.mode[b.col].smooth() || b.availL && t.left.mode[b.row&15].smooth()
	}
	return b.availUC && t.above.uvMode[b.col>>t.subX].smooth() || b.availLC && t.left.uvMode[b.row&15>>t.subY].smooth()
}

// reconstruct predicts, quantizes and reconstructs a plane of a block (sections
// 5.11.34, 5.11.35).
func (t *tile) reconstruct(b *block, p int, tx txSize) {
	subX, subY := t.sub(p)
	w, h := 1<<tx.wLog2(), 1<<tx.hLog2()
	for x, y := range t.transforms(b, p, tx) {
		pred := t.pred[:w*h]
		m, delta := b.mode, b.delta
		if p > 0 {
			m, delta = b.uvMode, b.uvDelta
		}
		if b.palette[min(p, 1)].n > 0 {
			t.predictPalette(b, p, pred, x-b.col>>subX<<2, y-b.row>>subY<<2, w, h)
		} else {
			t.loadEdges(b, p, x, y, tx)
			t.edges.predict(pred, m, delta)
		}
		if m == cflPred {
			lumaAC(&t.ac, &t.rec[0], x, y, w, h, subX, subY, b.lumaW, b.lumaH)
			alpha := b.alphaU
			if p == 2 {
				alpha = b.alphaV
			}
			cfl(pred, &t.ac, alpha)
		}
		if p == 0 {
			b.lumaW, b.lumaH = x+w, y+h
		}
		n := tx.coded()
		at := len(b.levels)
		if cap(b.levels) < at+n {
			// Room for all three planes; what is in use stays where it is.
			b.levels, at = make([]int32, 0, 3*64*64), 0
		}
		b.levels = b.levels[:at+n]
		b.transforms = append(b.transforms, transformBlock{plane: p, x: x, y: y, size: tx, levels: b.levels[at : at+n : at+n]})
		tb := &b.transforms[len(b.transforms)-1]
		clear(tb.levels)
		if p > 0 {
			tb.typ = b.uvMode.txType()
			if symbolOf(txSet(tx, t.reducedTxSet), tb.typ) < 0 {
				tb.typ = dctDCT
			}
		}
		t.pick.quantize(t, b, tb, pred)
		t.add(tb, pred)
		sx, sy := (x>>2)&(15>>subX), (y>>2)&(15>>subY)
		for i := range h >> 2 {
			for j := range w >> 2 {
				t.decoded[p][sy+i+1][sx+j+1] = true
			}
		}
	}
}

// transforms are where those of a plane of a block begin that are coded.
func (t *tile) transforms(b *block, p int, tx txSize) iter.Seq2[int, int] {
	return func(yield func(x, y int) bool) {
		subX, subY := t.sub(p)
		wl, hl := b.size.residual(subX, subY)
		baseX, baseY := b.col>>subX<<2, b.row>>subY<<2
		maxX, maxY := t.miCols*4>>subX, t.miRows*4>>subY
		for y := baseY; y < min(baseY+1<<hl, maxY); y += 1 << tx.hLog2() {
			for x := baseX; x < min(baseX+1<<wl, maxX); x += 1 << tx.wLog2() {
				if !yield(x, y) {
					return
				}
			}
		}
	}
}

// add writes prediction and residual into the reconstruction (section 7.12.3).
func (t *tile) add(tb *transformBlock, pred []uint8) {
	w, h := 1<<tb.size.wLog2(), 1<<tb.size.hLog2()
	rec := &t.rec[tb.plane]
	at := tb.y*rec.stride + tb.x
	if tb.eob == 0 {
		for y := range h {
			copy(rec.pix[at:at+w], pred[y*w:])
			at += rec.stride
		}
		return
	}
	q := t.coefs[:len(tb.levels)]
	halvings := tb.size.halvings()
	t.dequantize(q, tb.levels, t.acQ, halvings)
	dequantizeGeneric(q[:1], tb.levels[:1], t.dcQ, halvings)
	t.inverse(&t.scratchA, &t.scratchB, q, tb.size, tb.typ)
	t.kernels.add(rec.pix[at:], rec.stride, pred, t.scratchA[:], w, h)
}

// remember writes the contexts for later blocks.
func (t *tile) remember(b *block) {
	w4, h4 := b.size.w4(), b.size.h4()
	row := b.row & 15
	for i := range w4 {
		t.above.mode[b.col+i] = b.mode
		t.above.size[b.col+i] = uint8(b.size.w4Log2())
		t.above.tx[b.col+i] = 1 << b.tx.wLog2()
		t.above.skip[b.col+i] = uint8(b2i(b.skip))
	}
	for i := range h4 {
		t.left.mode[row+i] = b.mode
		t.left.size[row+i] = uint8(b.size.h4Log2())
		t.left.tx[row+i] = 1 << b.tx.hLog2()
		t.left.skip[row+i] = uint8(b2i(b.skip))
	}
	if t.screen {
		for p := range b.palette {
			fillWith(t.above.palette[p][b.col:b.col+w4], b.palette[p])
			fillWith(t.left.palette[p][row:row+h4], b.palette[p])
		}
	}
	if b.chroma {
		for i := b.col >> t.subX; i <= (b.col+w4-1)>>t.subX; i++ {
			t.above.uvMode[i] = b.uvMode
		}
		for i := row >> t.subY; i <= (row+h4-1)>>t.subY; i++ {
			t.left.uvMode[i] = b.uvMode
		}
	}
}
