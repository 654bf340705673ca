package av1

import "math/bits"

// cluster is a range of neighbouring luma values that become one colour.
type cluster struct{ n, sum int }

func (c cluster) mean() int { return (2*c.sum + c.n) / (2 * c.n) }

// mergeCost is by how much the squared error grows when c and d become one.
func (c cluster) mergeCost(d cluster) int64 {
	diff := int64(c.sum)*int64(d.n) - int64(d.sum)*int64(c.n)
	n := int64(c.n) * int64(d.n)
	// diff²/(c.n·d.n·(c.n+d.n)), where diff has up to 30 bits
	return diff * diff / n / int64(c.n+d.n)
}

// mostColours is how many values of luma a block may have to be tried with a palette.
const mostColours = 96

// findPalette makes a palette of the luma of a block, and reports whether it has few
// colours: neighbouring ones are merged as long as that saves more bits than it is worth.
func (c *chooser) findPalette(t *tile, row, col int, b blockSize) bool {
	var count [256]uint16
	p := &t.src[0]
	w, h := min(4*b.w4(), (t.miCols-col)*4), min(4*b.h4(), (t.miRows-row)*4)
	distinct := 0
	for y := range h {
		for _, v := range p.pix[(row*4+y)*p.stride+col*4:][:w] {
			if count[v] == 0 {
				distinct++
			}
			count[v]++
		}
		if distinct > mostColours {
			return false
		}
	}
	if distinct < 2 {
		return false
	}
	var room [mostColours]cluster
	list := room[:0]
	for v, n := range count {
		if n > 0 {
			list = append(list, cluster{int(n), v * int(n)})
		}
	}
	c.weigh(t, row, col, b)
	for len(list) > 2 {
		at, least := 0, int64(1<<62)
		for i := range list[1:] {
			cost := list[i].mergeCost(list[i+1])<<12 - c.lambda*int64(16*paletteColourBits+paletteSampleBits*min(list[i].n, list[i+1].n))
			if cost < least {
				at, least = i, cost
			}
		}
		if len(list) <= 8 && least > 0 {
			break
		}
		list[at].n += list[at+1].n
		list[at].sum += list[at+1].sum
		list = append(list[:at+1], list[at+2:]...)
	}
	c.found = palette{n: uint8(len(list))}
	for i, l := range list {
		c.found.colours[i] = uint8(l.mean())
	}
	return true
}

// What one colour more costs: whole bits, and sixteenths of a bit for each sample that
// has it.
const (
	paletteColourBits = 12
	paletteSampleBits = 40
)

// mapLuma maps each sample of a block to the nearest colour of its palette.
func (t *tile) mapLuma(b *block) {
	p := &b.palette[0]
	var nearest [256]uint8
	i := uint8(0)
	for v := range nearest {
		for i+1 < p.n && abs(int(p.colours[i+1])-v) < abs(int(p.colours[i])-v) {
			i++
		}
		nearest[v] = i
	}
	w, _, inW, inH := t.mapSize(b, 0)
	src := &t.src[0]
	m := &t.colourMap[0]
	for y := range inH {
		for x, v := range src.pix[(b.row*4+y)*src.stride+b.col*4:][:inW] {
			m[y*w+x] = nearest[v]
		}
	}
	t.extendMap(b, 0)
}

// paletteBits are the bits, in sixteenths, of a block's mode with its palette of luma
// and the map.
func (t *tile) paletteBits(b *block) int {
	size, near := t.paletteContexts(b)
	n := int(b.palette[0].n)
	above, left := t.above.mode[b.col].context(), t.left.mode[b.row&15].context()
	sum := t.symbolBits(cdfYMode+14*(5*above+left), int(dcPred)) +
		t.symbolBits(cdfPaletteYMode+3*(3*size+near), 1) +
		t.symbolBits(cdfPaletteYSize+8*size, n-2) + 16*(bits.Len(uint(n))-1)
	var room [16]uint8
	var c paletteCode
	c.encode(&b.palette[0], t.paletteCache(b, 0, room[:0]), 1)
	sum += 16 * c.asked
	if len(c.rest) > 0 {
		sum += 16 * 8
	}
	if len(c.rest) > 1 {
		sum += 16 * 2
	}
	c.deltas(1, func(_ uint, n int) { sum += 16 * n })

	// What a symbol costs by its context; the map has thousands.
	var costs [5][8]int
	cdf := paletteColours[0][n]
	for ctx := range costs {
		for s := range n {
			costs[ctx][s] = t.symbolBits(cdf+(n+1)*ctx, s)
		}
	}
	w, _, inW, inH := t.mapSize(b, 0)
	for y := range inH {
		for x := range inW {
			if x+y > 0 {
				ctx, s := colourSymbol(t.colourMap[0][:], w, x, y)
				sum += costs[ctx][s]
			}
		}
	}
	return sum
}
