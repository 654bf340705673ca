package av1

import (
	"math"
	"math/bits"
)

// chooser takes decisions by their cost: squared error and an estimate of bits.
//
// A superblock is first searched: each square is built whole, in two halves and in
// four quarters, and the cheapest way stays in the plan. Then the tile is coded by the
// plan. Modes are picked by the sum of transformed differences (SATD). The bits of levels are
// estimated from the levels alone.
type chooser struct {
	search
	lambda        int64 // squared error a sixteenth of a bit, times 4096
	satdBit       int   // SATD a sixteenth of a bit, times 256
	frameLambda   int64 // lambda where the picture is of mean activity
	frameSATDBit  int
	searched      bool // the superblock is in the plan
	plan          [blockSizes][16][16]decision
	trial         block
	before, after [5]state // by the logarithm of the square
	// What the block that is being built costs.
	distortion int64
	bits       int // sixteenths
	candidate  [64 * 64]uint8
	levels     [32 * 32]int32
	pixels     [5][3][64 * 64]uint8
	// The levels of the blocks in the plan: of each size one block after another,
	// each with room for three planes.
	kept  [blockSizes][3 * 64 * 64]int32
	found palette  // of luma of the block that is tried
	use   bool     // the block that is built takes it
	other struct { // that block, when it is built without it
		levels [3 * 64 * 64]int32
		pixels [3][64 * 64]uint8
	}
}

// decision is what was found for a square.
type decision struct {
	partition      partition
	mode, uvMode   mode
	delta, uvDelta int8
	alphaU, alphaV int8
	palette        [2]palette
	// Of the transforms: one of luma, of chroma up to four a plane.
	typ [9]txType
	eob [9]uint16
}

// strip is a part of contexts.
type strip struct {
	mode, uvMode   [16]mode
	size, tx, skip [16]uint8
	palette        [2][16]palette
}

// state is what building a block changes, without samples.
type state struct {
	above, left strip
}

func (c *contexts) save(s *strip, at, uvAt int) {
	copy(s.mode[:], c.mode[at:])
	copy(s.uvMode[:], c.uvMode[uvAt:])
	copy(s.size[:], c.size[at:])
	copy(s.tx[:], c.tx[at:])
	copy(s.skip[:], c.skip[at:])
	if c.palette[0] != nil {
		copy(s.palette[0][:], c.palette[0][at:])
		copy(s.palette[1][:], c.palette[1][at:])
	}
}

func (c *contexts) restore(s *strip, at, uvAt int) {
	copy(c.mode[at:], s.mode[:])
	copy(c.uvMode[uvAt:], s.uvMode[:])
	copy(c.size[at:], s.size[:])
	copy(c.tx[at:], s.tx[:])
	copy(c.skip[at:], s.skip[:])
	if c.palette[0] != nil {
		copy(c.palette[0][at:], s.palette[0][:])
		copy(c.palette[1][at:], s.palette[1][:])
	}
}

// save and restore keep the state of the superblock that begins at column col.
func (t *tile) save(s *state, col int) {
	t.above.save(&s.above, col, col>>t.subX)
	t.left.save(&s.left, 0, 0)
}

func (t *tile) restore(s *state, col int) {
	t.above.restore(&s.above, col, col>>t.subX)
	t.left.restore(&s.left, 0, 0)
}

// setDecoded says whether the samples of a block, 8x8 or more, are there.
func (t *tile) setDecoded(row, col int, b blockSize, there bool) {
	for p := range t.planes() {
		subX, subY := t.sub(p)
		x, w := (col&15)>>subX, b.w4()>>subX
		y, h := (row&15)>>subY, b.h4()>>subY
		for i := range h {
			flags := t.decoded[p][y+i+1][x+1:][:w]
			for j := range flags {
				flags[j] = there
			}
		}
	}
}

// keep copies the reconstruction of a block, unkeep puts it back.
func (t *tile) keep(kept *[3][64 * 64]uint8, row, col int, b blockSize) {
	t.eachRow(row, col, b, func(p, y int, rec []uint8) { copy(kept[p][y*len(rec):], rec) })
}

func (t *tile) unkeep(kept *[3][64 * 64]uint8, row, col int, b blockSize) {
	t.eachRow(row, col, b, func(p, y int, rec []uint8) { copy(rec, kept[p][y*len(rec):]) })
}

// eachRow calls f with each row of the reconstruction of a block.
func (t *tile) eachRow(row, col int, b blockSize, f func(p, y int, rec []uint8)) {
	for p := range t.planes() {
		subX, subY := t.sub(p)
		w, h := b.w4()*4>>subX, b.h4()*4>>subY
		rec := &t.rec[p]
		for y := range h {
			at := (row*4>>subY+y)*rec.stride + col*4>>subX
			f(p, y, rec.pix[at:at+w])
		}
	}
}

func newChooser(f *frame, effort int) *chooser {
	c := &chooser{}
	c.init(f, effort)
	return c
}

// init prepares c for a tile.
func (c *chooser) init(f *frame, effort int) {
	c.search = searches[min(max(effort, 0), len(searches)-1)]
	if len(f.cells) == 0 {
		f.analyse(&f.analysis)
	}
	// libaom's key frame rule is 0.103·s² squared error a bit, s the step in
	// samples, an eighth of the quantizer.
	q := int64(f.dcQ)
	c.frameLambda = (q * q * 65 << 12) / (64 * 16 * 1000)
	c.frameSATDBit = int(f.dcQ) * 321 * 16 / 8000
	c.lambda, c.satdBit = c.frameLambda, c.frameSATDBit
}

// weigh scales lambda for a block.
func (c *chooser) weigh(t *tile, row, col int, b blockSize) {
	a := t.activityOf(row, col, b)
	c.lambda = c.frameLambda * power(a) >> 8
	c.satdBit = int(int64(c.frameSATDBit) * power(a/2) >> 8)
}

func (c *chooser) cost(distortion int64, bits int) int64 {
	return distortion<<12 + c.lambda*int64(bits)
}

func (c *chooser) at(row, col int, b blockSize) *decision {
	return &c.plan[b][row&15][col&15]
}

func (c *chooser) partition(t *tile, row, col int, b blockSize, can []partition) partition {
	if b == block64x64 {
		col &^= 15
		var s state
		t.save(&s, col)
		c.searched = false
		c.find(t, row, col, b)
		c.searched = true
		t.restore(&s, col)
	}
	return c.at(row, col, b).partition
}

// find finds the partition of a square and its modes, leaves them in the plan and
// the square reconstructed, and returns its cost.
func (c *chooser) find(t *tile, row, col int, b blockSize) int64 {
	if row >= t.miRows || col >= t.miCols {
		return 0
	}
	if b == block4x4 {
		return c.try(t, row, col, b)
	}
	var room [4]partition
	can := c.promising(room[:0], t, row, col, b, t.partitions(row, col, b))
	d := c.at(row, col, b)
	if len(can) == 1 {
		d.partition = can[0]
		return c.parts(t, row, col, b, can[0], 1<<62)
	}
	log, sb := b.w4Log2(), col&^15
	before, after := &c.before[log], &c.after[log]
	t.save(before, sb)
	best, last := int64(1<<62), partitionNone
	whole := int64(0) // what the square costs as a whole
	for i, p := range can {
		if (p == partitionHorz || p == partitionVert) && whole > 0 && best*c.halfRatio>>8 < whole {
			continue // quarters are much better than the whole: so they are than halves
		}
		if i > 0 {
			t.restore(before, sb)
			t.setDecoded(row, col, b, false)
		}
		last = p
		cost := c.parts(t, row, col, b, p, best)
		if p == partitionNone {
			whole = cost
		}
		if cost >= best {
			continue
		}
		best, d.partition = cost, p
		if p == partitionNone && c.trial.skip && c.bits <= 16*8 && !c.thin(t, row, col, b) {
			return best // nothing is left to code
		}
		if i < len(can)-1 {
			t.save(after, sb)
			t.keep(&c.pixels[log], row, col, b)
		}
	}
	if last != d.partition {
		t.restore(after, sb)
		t.setDecoded(row, col, b, true)
		t.unkeep(&c.pixels[log], row, col, b)
	}
	return best
}

// A search says what is tried. Variances are those of 8x8 samples.
type search struct {
	largest [5]int // by the logarithm of a square: the mean variance up to which it is tried whole
	split   [5]int // the largest variance from which on it is tried in quarters
	// halves are tried of squares up to that one, of that mean variance and more;
	// bothHalves: in both directions.
	halves     blockSize
	halvesFrom int
	bothHalves bool
	halfRatio  int64     // 256ths: by how much quarters may be better
	drawings   blockSize // squares up to that one are tried in all ways where they are drawn
	clear      int       // how clear a direction has to be to be tried, 0 to 256
	angles     int       // how far around it angles are tried; 3: all
	smoothHV   bool      // SMOOTH_V and SMOOTH_H are tried
	types      int       // transform types that are tried
	uvModes    int       // modes of chroma that are tried beside that of luma and CfL
}

const always, never = 1 << 30, 1 << 30

// searches are those of the efforts.
var searches = [10]search{
	0: {drawings: block8x8, largest: [5]int{1: always, 2: 200, 3: 80, 4: 0}, split: [5]int{1: never, 2: 250, 3: 120, 4: 0}, clear: 128, types: 1, uvModes: 1},
	1: {drawings: block8x8, largest: [5]int{1: always, 2: 300, 3: 120, 4: 40}, split: [5]int{1: never, 2: 200, 3: 100, 4: 60}, clear: 100, angles: 1, types: 1, uvModes: 1},
	2: {drawings: block16x16, largest: [5]int{1: always, 2: 400, 3: 160, 4: 80}, split: [5]int{1: never, 2: 150, 3: 80, 4: 60}, clear: 80, angles: 1, types: 2, uvModes: 1},
	3: {drawings: block16x16, largest: [5]int{1: always, 2: 600, 3: 250, 4: 100}, split: [5]int{1: never, 2: 100, 3: 60, 4: 60}, clear: 64, angles: 1, types: 2, uvModes: 1},
	4: {drawings: block16x16, largest: [5]int{1: always, 2: 600, 3: 250, 4: 100}, split: [5]int{1: never, 2: 80, 3: 60, 4: 40}, halves: block16x16, halvesFrom: 60, halfRatio: 320, clear: 64, angles: 1, types: 2, uvModes: 1},
	5: {drawings: block16x16, largest: [5]int{1: always, 2: 600, 3: 250, 4: 100}, split: [5]int{1: 2000, 2: 60, 3: 50, 4: 30}, halves: block16x16, halvesFrom: 40, halfRatio: 320, clear: 64, angles: 1, types: 2, uvModes: 1},
	6: {drawings: block16x16, largest: [5]int{1: always, 2: 800, 3: 350, 4: 100}, split: [5]int{1: 800, 2: 60, 3: 50, 4: 30}, halves: block16x16, halvesFrom: 40, halfRatio: 340, clear: 48, angles: 1, types: 2, uvModes: 2},
	7: {drawings: block16x16, largest: [5]int{1: always, 2: 1200, 3: 600, 4: 200}, split: [5]int{1: 300, 2: 40, 3: 30, 4: 20}, halves: block32x32, halvesFrom: 30, halfRatio: 380, clear: 32, angles: 2, types: 2, uvModes: 3},
	8: {drawings: block32x32, largest: [5]int{1: always, 2: 2000, 3: 1000, 4: 300}, split: [5]int{1: 100, 2: 20, 3: 10, 4: 10}, halves: block32x32, halvesFrom: 10, halfRatio: 500, bothHalves: true, clear: 16, angles: 3, types: 3, uvModes: 4},
	9: {drawings: block64x64, largest: [5]int{1: always, 2: always, 3: always, 4: always}, halves: block32x32, halfRatio: 1 << 40, bothHalves: true, angles: 3, smoothHV: true, types: 3, uvModes: 4},
}

// promising appends to tried those of the partitions that a square can have which
// are worth a try: quarters before halves.
func (c *chooser) promising(tried []partition, t *tile, row, col int, b blockSize, can []partition) []partition {
	if len(can) < 4 {
		return append(tried, can...)
	}
	mean, most := t.variances(row, col, b)
	log := b.w4Log2()
	whole, quarters := mean <= c.largest[log], most >= c.split[log] || log > 1 && c.thin(t, row, col, b)
	if !whole && !quarters {
		whole, quarters = log == 1, log > 1
	}
	if c.drawings >= b && t.drawn(row, col, b) {
		return append(tried, partitionNone, partitionSplit, partitionHorz, partitionVert)
	}
	if whole {
		tried = append(tried, partitionNone)
	}
	if quarters {
		tried = append(tried, partitionSplit)
	}
	if whole && quarters && b <= c.halves && mean >= c.halvesFrom {
		if c.bothHalves || b == block8x8 {
			return append(tried, partitionHorz, partitionVert)
		}
		p := partitionHorz
		if t.changesAcross(row, col, b) {
			p = partitionVert
		}
		tried = append(tried, p)
	}
	return tried
}

// thin reports whether something drawn is in a square, as a line of little contrast that
// is a small part of it.
func (c *chooser) thin(t *tile, row, col int, b blockSize) bool {
	n := b.w4() >> 1
	for y := range n {
		for _, cell := range t.cells[(row>>1+y)*t.stride+col>>1:][:n] {
			if cell.drawn {
				return true
			}
		}
	}
	return false
}

// changesAcross reports whether the left and the right half of a square differ more
// in their variances than the upper and the lower one.
func (a *analysis) changesAcross(row, col int, b blockSize) bool {
	n := b.w4() >> 1
	across, down := 0, 0
	for y := range n {
		for x, c := range a.cells[(row>>1+y)*a.stride+col>>1:][:n] {
			v := int(c.variance)
			if x < n/2 {
				across += v
			} else {
				across -= v
			}
			if y < n/2 {
				down += v
			} else {
				down -= v
			}
		}
	}
	return abs(across) > abs(down)
}

// parts is the cost of a square cut by p; it stops at limit.
func (c *chooser) parts(t *tile, row, col int, b blockSize, p partition, limit int64) int64 {
	half := b.w4() >> 1
	part := b.cut(p)
	cost := c.cost(0, [...]int{16, 40, 40, 24}[p])
	switch p {
	case partitionNone:
		return c.try(t, row, col, b) + cost
	case partitionHorz:
		cost += c.try(t, row, col, part)
		if row+half < t.miRows && cost < limit {
			cost += c.try(t, row+half, col, part)
		}
	case partitionVert:
		cost += c.try(t, row, col, part)
		if col+half < t.miCols && cost < limit {
			cost += c.try(t, row, col+half, part)
		}
	default:
		for _, d := range [4][2]int{{0, 0}, {0, half}, {half, 0}, {half, half}} {
			if cost >= limit {
				return cost
			}
			cost += c.find(t, row+d[0], col+d[1], part)
		}
	}
	return cost
}

// try builds a block and returns its cost.
func (c *chooser) try(t *tile, row, col int, b blockSize) int64 {
	cost := int64(0)
	build := func() {
		c.distortion, c.bits = 0, 16
		c.trial.levels = c.keptLevels(row, col, b)
		t.build(&c.trial, row, col, b)
		cost = c.cost(c.distortion, c.bits)
	}
	c.use = t.mayHavePalette(b) && c.findPalette(t, row, col, b)
	build()
	if c.use {
		c.use = false
		with, bits, block := cost, c.bits, c.trial
		d, levels := c.at(row, col, b), c.keptLevels(row, col, b)
		decision := *d
		copy(c.other.levels[:], levels)
		t.keep(&c.other.pixels, row, col, b)
		t.setDecoded(row, col, b, false)
		build()
		if with < cost {
			cost, c.bits, c.trial, *d = with, bits, block, decision
			copy(levels, c.other.levels[:])
			t.unkeep(&c.other.pixels, row, col, b)
		}
	}
	t.remember(&c.trial)
	return cost
}

// bitsOf is 16·log2(32768/p), linear between powers of two.
func bitsOf(p int) int {
	n := bits.Len(uint(p)) - 1
	return (16-n)*16 - p<<4>>n
}

// symbolBits is the cost of symbol s in sixteenths of a bit.
func (t *tile) symbolBits(at, s int) int {
	p := int(t.cdf[at+s])
	if s > 0 {
		p -= int(t.cdf[at+s-1])
	}
	return bitsOf(max(p, 32))
}

// keptLevels is the place for the levels of a block.
func (c *chooser) keptLevels(row, col int, b blockSize) []int32 {
	n := 3 * 16 << (b.w4Log2() + b.h4Log2())
	i := (row&15)>>b.h4Log2()<<(4-b.w4Log2()) + (col&15)>>b.w4Log2()
	return c.kept[b][i*n : i*n+n]
}

// planned takes a block from the plan, once the superblock was searched: it is
// reconstructed already.
func (c *chooser) planned(t *tile, b *block) bool {
	if !c.searched {
		return false
	}
	d := c.at(b.row, b.col, b.size)
	b.mode, b.delta = d.mode, int(d.delta)
	b.uvMode, b.uvDelta, b.alphaU, b.alphaV = d.uvMode, int(d.uvDelta), int(d.alphaU), int(d.alphaV)
	if b.palette = d.palette; b.palette[0].n > 0 {
		t.mapLuma(b)
	}
	levels := c.keptLevels(b.row, b.col, b.size)
	b.skip = true
	tx := b.tx
	for p := range t.planes() {
		if p > 0 {
			if !b.chroma {
				break
			}
			tx = t.chromaTx(b.size)
		}
		for x, y := range t.transforms(b, p, tx) {
			i, n := len(b.transforms), tx.coded()
			b.transforms = append(b.transforms, transformBlock{
				plane: p, x: x, y: y, size: tx,
				typ: d.typ[i], eob: int(d.eob[i]), levels: levels[:n],
			})
			levels = levels[n:]
			b.skip = b.skip && d.eob[i] == 0
		}
	}
	return true
}

func (c *chooser) luma(t *tile, b *block) {
	c.weigh(t, b.row, b.col, b.size)
	d := c.at(b.row, b.col, b.size)
	d.palette = [2]palette{}
	if c.use {
		b.palette[0], d.palette[0] = c.found, c.found
		d.mode, d.delta = dcPred, 0
		t.mapLuma(b)
		c.bits += t.paletteBits(b)
		return
	}
	t.loadEdges(b, 0, b.col*4, b.row*4, b.tx)
	w, h := 4*b.size.w4(), 4*b.size.h4()
	above, left := t.above.mode[b.col].context(), t.left.mode[b.row&15].context()
	at := cdfYMode + 14*(5*above+left)
	best := math.MaxInt
	bestAngle := math.MaxInt
	angle := vPred
	angleDelta := 0
	src, stride := t.src[0].pix[b.row*4*t.src[0].stride+b.col*4:], t.src[0].stride
	without := 0 // bits that say that there is no palette
	if t.mayHavePalette(b.size) {
		size, near := t.paletteContexts(b)
		without = t.symbolBits(cdfPaletteYMode+3*(3*size+near), 0)
	}
	measure := func(m mode, delta int) {
		pred := c.candidate[:w*h]
		t.edges.predict(pred, m, delta)
		n := t.symbolBits(at, int(m))
		if m.directional() && b.size >= block8x8 {
			n += t.symbolBits(cdfAngleDelta+8*int(m-vPred), delta+3)
		}
		if m == dcPred {
			n += without
		}
		v := t.satd(src, stride, pred, w, h) + n*c.satdBit>>8
		if v < best {
			best, b.mode, b.delta = v, m, delta
		}
		if m.directional() && v < bestAngle {
			bestAngle, angle, angleDelta = v, m, delta
		}
	}
	measure(dcPred, 0)
	measure(smoothPred, 0)
	measure(paethPred, 0)
	measure(vPred, 0)
	measure(hPred, 0)
	if c.smoothHV && b.size != block64x64 {
		measure(smoothVPred, 0)
		measure(smoothHPred, 0)
	}
	deltas := b.size >= block8x8
	if c.angles == 3 && b.size != block64x64 {
		for m := d45Pred; m <= d67Pred; m++ {
			measure(m, 0)
		}
		if deltas && bestAngle < best+best/8 {
			m := angle
			measure(m, -2)
			measure(m, 2)
			if angle == m {
				k := angleDelta
				measure(m, k-1)
				measure(m, k+1)
			}
		}
	} else if i, clear := t.direction(b.row, b.col, b.size); clear > c.clear {
		d := directions[i]
		if !deltas {
			d.delta = 0
		}
		if d.delta != 0 || d.mode != vPred && d.mode != hPred {
			measure(d.mode, int(d.delta))
		}
		if deltas && c.angles > 0 && bestAngle < best+best/8 {
			for k := 1; k <= c.angles; k++ {
				for _, i := range [2]int{i + len(directions) - k, i + k} {
					d := directions[i%len(directions)]
					if d.delta != 0 || d.mode != vPred && d.mode != hPred {
						measure(d.mode, int(d.delta))
					}
				}
			}
		}
	}
	c.bits += t.symbolBits(at, int(b.mode))
	if b.mode == dcPred {
		c.bits += without
	}
	if b.mode.directional() && b.size >= block8x8 {
		c.bits += t.symbolBits(cdfAngleDelta+8*int(b.mode-vPred), b.delta+3)
	}
	d.mode, d.delta = b.mode, int8(b.delta)
}

func (c *chooser) chroma(t *tile, b *block) {
	d := c.at(b.row, b.col, b.size)
	tx := t.chromaTx(b.size)
	w, h := 1<<tx.wLog2(), 1<<tx.hLog2()
	x, y := b.col>>t.subX<<2, b.row>>t.subY<<2
	at := cdfUVModeNoCfL + 14*int(b.mode)
	if b.size.cfl() {
		at = cdfUVMode + 15*int(b.mode)
	}
	var room [7]mode
	candidates := append(room[:0], dcPred)
	for i, m := range [...]mode{smoothPred, vPred, hPred, paethPred} {
		if i < c.uvModes && m != b.mode {
			candidates = append(candidates, m)
		}
	}
	if b.mode != dcPred {
		candidates = append(candidates, b.mode)
	}
	best, bestBits := math.MaxInt, 0
	var costs [int(cflPred) + 1]int
	var alpha [2]int
	for p := 1; p <= 2; p++ {
		t.loadEdges(b, p, x, y, tx)
		src, stride := t.src[p].pix[y*t.src[p].stride+x:], t.src[p].stride
		pred := c.candidate[:w*h]
		for _, m := range candidates {
			delta := 0
			if m == b.mode {
				delta = b.delta
			}
			t.edges.predict(pred, m, delta)
			costs[m] += t.satd(src, stride, pred, w, h)
			if m == dcPred && b.size.cfl() {
				lumaAC(&t.ac, &t.rec[0], x, y, w, h, t.subX, t.subY, b.lumaW, b.lumaH)
				alpha[p-1] = t.fitAlpha(p, x, y, pred, w, h)
				cfl(pred, &t.ac, alpha[p-1])
				costs[cflPred] += t.satd(src, stride, pred, w, h)
			}
		}
	}
	if b.size.cfl() && (alpha[0] != 0 || alpha[1] != 0) {
		candidates = append(candidates, cflPred)
	}
	for _, m := range candidates {
		n := t.symbolBits(at, int(m))
		switch {
		case m == cflPred:
			n += 16 * 6
		case m.directional() && b.size >= block8x8:
			n += 16 * 2
		}
		if v := costs[m] + n*c.satdBit>>8; v < best {
			best, bestBits, b.uvMode = v, n, m
		}
	}
	if b.uvMode == b.mode {
		b.uvDelta = b.delta
	}
	if b.uvMode == cflPred {
		b.alphaU, b.alphaV = alpha[0], alpha[1]
	}
	c.bits += bestBits
	d.uvMode, d.uvDelta, d.alphaU, d.alphaV = b.uvMode, int8(b.uvDelta), int8(b.alphaU), int8(b.alphaV)
}

// fitAlpha is the alpha of chroma from luma with the least squared error.
func (t *tile) fitAlpha(p, x, y int, pred []uint8, w, h int) int {
	src := &t.src[p]
	var cross, square int64
	for i := range h {
		s := src.pix[(y+i)*src.stride+x:][:w]
		for j, v := range s {
			ac := int64(t.ac[i*w+j])
			cross += ac * (int64(v) - int64(pred[i*w+j]))
			square += ac * ac
		}
	}
	if square == 0 {
		return 0
	}
	a := cross * 64 * 2 / square
	if a < 0 {
		return int(max((a-1)/2, -16))
	}
	return int(min((a+1)/2, 16))
}

// levelBits are the estimated bits of a level, in sixteenths.
var levelBits = [16]int{9, 36, 54, 70, 80, 88, 95, 102, 108, 114, 119, 124, 129, 134, 140, 146}

func (c *chooser) quantize(t *tile, b *block, x *transformBlock, pred []uint8) {
	w, h := 1<<x.size.wLog2(), 1<<x.size.hLog2()
	src := &t.src[x.plane]
	var room [4]txType
	types := room[:0]
	set := txSet(x.size, t.reducedTxSet)
	d := c.at(b.row, b.col, b.size)
	switch {
	case x.plane > 0:
		types = append(types, x.typ)
	default:
		own := b.mode.txType()
		if set == 0 || symbolOf(set, own) < 0 {
			own = dctDCT
		}
		if c.types > 1 || own == dctDCT {
			types = append(types, dctDCT)
		}
		if own != dctDCT {
			types = append(types, own)
		} else if set > 0 && c.types > 2 {
			types = append(types, adstADST)
		}
	}
	// Squared errors are those of coefficients; what a large transform does not
	// code is the rest of the residual's.
	at := src.pix[x.y*src.stride+x.x:]
	energy, still := t.residual(t.scratchA[:], at, src.stride, pred, w, h)
	if x.plane == 0 && set > 0 && (2*still >= w*h || c.drawings > 0 && t.drawn(b.row, b.col, b.size)) {
		types = append(types, idtx)
	}
	best := c.cost(energy, 4)
	bestDistortion, bestBits := energy, 4
	x.typ = types[0]
	if x.plane == 0 {
		x.typ = dctDCT
	}
	n := len(x.levels)
	cut := 6 - 2*x.size.halvings() // logarithm of the coefficients' scale, squared
	for i, typ := range types {
		if i > 0 {
			t.residual(t.scratchA[:], at, src.stride, pred, w, h)
		}
		t.forward(t.coefs[:n], &t.scratchA, &t.scratchB, x.size, typ)
		levels := c.levels[:n]
		saved, eob, rate := t.quantizeLevels(levels, x.size, typ)
		if eob == 0 {
			continue
		}
		if x.plane == 0 && set > 0 {
			at, s := cdfTxType1+8*(13*int(x.size.sqr())+int(b.mode)), symbolOf(set, typ)
			if set == 2 {
				at = cdfTxType2 + 6*(13*int(x.size.sqr())+int(b.mode))
			}
			rate += t.symbolBits(at, s)
		}
		distortion := energy - saved>>cut
		if v := c.cost(distortion, rate); v < best {
			best, bestDistortion, bestBits = v, distortion, rate
			x.typ, x.eob = typ, eob
			copy(x.levels, levels)
		}
	}
	i := len(b.transforms) - 1
	d.typ[i], d.eob[i] = x.typ, uint16(x.eob)
	c.distortion += bestDistortion
	c.bits += bestBits
}

// quantizeLevels writes the levels of t.coefs. It returns by how much they lower the
// squared error, in the coefficients' scale, the end of block and the estimated bits.
func (t *tile) quantizeLevels(levels []int32, size txSize, typ txType) (saved int64, eob, rate int) {
	places := places()[typ.class()][size]
	halve := size.halvings()
	coefs := t.coefs[:len(levels)]
	clear(levels)
	var mask [32 * 32 / 8]uint8
	q, inverse, round := t.acQ, t.acInverse, t.acQ*7/16
	t.large(mask[:], coefs, (q-round+1<<halve-1)>>halve)
	coded := 0
	code := func(pos int, q int32, inverse uint64, round int32) {
		v := coefs[pos]
		m := max(v, -v)
		l := int32(uint64(m<<halve+round) * inverse >> 32)
		if l == 0 {
			return
		}
		e := int64(m - l*q>>halve)
		saved += int64(m)*int64(m) - e*e
		levels[pos] = l
		if v < 0 {
			levels[pos] = -l
		}
		coded++
		eob = max(eob, int(places[pos])+1)
		if l < 16 {
			rate += levelBits[l]
		} else {
			rate += 150 + 32*(bits.Len32(uint32(l-14))-1)
		}
	}
	mask[0] &^= 1
	code(0, t.dcQ, t.dcInverse, t.dcQ*7/16)
	for i := 0; i < len(coefs)/8; i++ {
		for b := mask[i]; b != 0; b &= b - 1 {
			code(8*i+bits.TrailingZeros8(b), q, inverse, round)
		}
	}
	rate += (eob - coded) * levelBits[0]
	return saved, eob, rate + 16*3 + 16*bits.Len(uint(eob))/2
}
