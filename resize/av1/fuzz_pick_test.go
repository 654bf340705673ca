package av1

import (
	"math/rand/v2"
	"slices"
)

// randomPicker takes every decision by chance, among what the syntax allows.
type randomPicker struct {
	*rand.Rand
	// busy is how many of 16 transforms have coefficients.
	busy int
}

func (r *randomPicker) partition(t *tile, row, col int, b blockSize, can []partition) partition {
	if len(can) == 4 && r.IntN(3) == 0 {
		return partitionSplit
	}
	return can[r.IntN(len(can))]
}

func (r *randomPicker) planned(t *tile, b *block) bool { return false }

func (r *randomPicker) delta(b *block, m mode) int {
	if b.size >= block8x8 && m.directional() {
		return r.IntN(7) - 3
	}
	return 0
}

func (r *randomPicker) luma(t *tile, b *block) {
	b.mode = mode(r.IntN(int(yModes)))
	b.delta = r.delta(b, b.mode)
	if t.mayHavePalette(b.size) && r.IntN(2) == 0 {
		b.mode, b.delta = dcPred, 0
		r.palette(t, b, 0)
	}
	for range r.IntN(3) {
		if t.txSelect && b.size != block4x4 && b.tx != tx4x4 {
			b.tx = b.tx.split()
		}
	}
}

// palette makes a palette, some colours of which are those of neighbours, and its map.
func (r *randomPicker) palette(t *tile, b *block, plane int) {
	n := 2 + r.IntN(7)
	var room [16]uint8
	cache := t.paletteCache(b, plane, room[:0])
	near, spread := r.IntN(256), 1+r.IntN(256)
	var colours []uint8
	for len(colours) < n {
		c := clip8(near + r.IntN(spread))
		if len(cache) > 0 && r.IntN(2) == 0 {
			c = cache[r.IntN(len(cache))]
		}
		if plane == 0 && slices.Contains(colours, c) {
			near, spread = 0, 256
			continue // those of U may be equal
		}
		colours = append(colours, c)
	}
	slices.Sort(colours)
	p := &b.palette[plane]
	p.n = uint8(copy(p.colours[:], colours))
	steps := 1 + r.IntN(256)
	for i := range n {
		b.paletteV[i] = uint8(near + r.IntN(steps))
	}
	w, h, _, _ := t.mapSize(b, plane)
	calm := r.IntN(8)
	m := t.colourMap[plane][:w*h]
	for i := range m {
		if m[i] = uint8(r.IntN(n)); i >= w && r.IntN(8) < calm {
			m[i] = m[i-w]
		}
	}
	t.extendMap(b, plane)
}

func (r *randomPicker) chroma(t *tile, b *block) {
	if t.mayHavePalette(b.size) && r.IntN(2) == 0 {
		b.uvMode = dcPred
		r.palette(t, b, 1)
		return
	}
	n := int(yModes)
	if b.size.cfl() {
		n += 3
	}
	b.uvMode = min(mode(r.IntN(n)), cflPred)
	b.uvDelta = r.delta(b, b.uvMode)
	for b.uvMode == cflPred && b.alphaU == 0 && b.alphaV == 0 {
		b.alphaU, b.alphaV = r.IntN(33)-16, r.IntN(33)-16
		if r.IntN(4) == 0 {
			b.alphaU = 0
		}
	}
}

func (r *randomPicker) quantize(t *tile, b *block, x *transformBlock, pred []uint8) {
	set := txSet(x.size, t.reducedTxSet)
	if x.plane == 0 {
		x.typ = txTypesOf[set][r.IntN(len(txTypesOf[set]))]
	}
	if r.IntN(16) >= r.busy {
		if x.plane == 0 {
			x.typ = dctDCT
		}
		return
	}
	scan := scans()[x.typ.class()][x.size]
	n := len(scan)
	switch r.IntN(4) {
	case 0:
		n = 1
	case 1:
		n = 1 + r.IntN(min(n, 12))
	default:
		n = 1 + r.IntN(n)
	}
	// The sum of coefficients stays where no decoder overflows.
	room := int32(12000)
	most := 1 + r.IntN(4)
	if r.IntN(6) == 0 {
		most = 4 + r.IntN(400)
	}
	for c := range n {
		q := t.acQ
		if c == 0 {
			q = t.dcQ
		}
		l := int32(r.IntN(most + 1))
		if r.IntN(3) == 0 {
			l = 0
		}
		l = min(l, room/q)
		room -= l * q
		if l != 0 {
			x.eob = c + 1
		}
		if r.IntN(2) == 0 {
			l = -l
		}
		x.levels[scan[c]] = l
	}
}
