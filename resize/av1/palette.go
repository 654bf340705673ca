package av1

import (
	"math/bits"
	"slices"
)

// palette is the list of colours of a block's luma or U, in ascending order (section
// 5.11.46). Without colours there is none.
type palette struct {
	n       uint8 // 0, or 2 to 8
	colours [8]uint8
}

// paletteColours has the CDFs of the colour index by plane (luma, chroma) and number
// of colours.
var paletteColours = [2][9]int{
	{2: cdfPaletteY2, 3: cdfPaletteY3, 4: cdfPaletteY4, 5: cdfPaletteY5, 6: cdfPaletteY6, 7: cdfPaletteY7, 8: cdfPaletteY8},
	{2: cdfPaletteUV2, 3: cdfPaletteUV3, 4: cdfPaletteUV4, 5: cdfPaletteUV5, 6: cdfPaletteUV6, 7: cdfPaletteUV7, 8: cdfPaletteUV8},
}

// mayHavePalette reports whether blocks of a size say whether they have palettes.
func (h *header) mayHavePalette(b blockSize) bool { return h.screen && b >= block8x8 }

// paletteContexts are what has_palette_y and the sizes are coded by (section 8.3.2).
func (t *tile) paletteContexts(b *block) (size, near int) {
	near = b2i(b.availU && t.above.palette[0][b.col].n > 0) + b2i(b.availL && t.left.palette[0][b.row&15].n > 0)
	return b.size.w4Log2() + b.size.h4Log2() - 2, near
}

// paletteCache is get_palette_cache (section 5.11.46): the colours of the blocks above
// and to the left.
func (t *tile) paletteCache(b *block, plane int, room []uint8) []uint8 {
	cache := room
	if b.row&15 != 0 {
		p := &t.above.palette[plane][b.col]
		cache = append(cache, p.colours[:p.n]...)
	}
	if b.availL {
		p := &t.left.palette[plane][b.row&15]
		cache = append(cache, p.colours[:p.n]...)
	}
	slices.Sort(cache)
	return slices.Compact(cache)
}

// A paletteCode says how the colours of a palette are coded: which of the cache are
// used, and the others one after another.
type paletteCode struct {
	cached [16]bool
	asked  int // colours of the cache about which a bit is written
	rest   []uint8
	room   [8]uint8
	extra  int // palette_num_extra_bits
}

// encode finds the code of p; step is the least difference of two colours.
func (c *paletteCode) encode(p *palette, cache []uint8, step int) {
	c.rest = c.room[:0]
	found, at := 0, 0
	for _, v := range p.colours[:p.n] {
		for at < len(cache) && cache[at] < v {
			at++
		}
		if at < len(cache) && cache[at] == v {
			c.cached[at] = true
			at++
			found++
			c.asked = at
		} else {
			c.rest = append(c.rest, v)
		}
	}
	if found < int(p.n) {
		c.asked = len(cache)
	}
	most := 0
	for i := 1; i < len(c.rest); i++ {
		most = max(most, int(c.rest[i])-int(c.rest[i-1])-step)
	}
	c.extra = max(bits.Len(uint(most))-5, 0)
}

// deltas calls put with each colour after the first of those that are not cached, as
// the difference from the one before, and its bits.
func (c *paletteCode) deltas(step int, put func(v uint, n int)) {
	n := 5 + c.extra
	for i := 1; i < len(c.rest); i++ {
		put(uint(int(c.rest[i])-int(c.rest[i-1])-step), n)
		n = min(n, bits.Len(uint(max(255-int(c.rest[i])-step, 0)))) // CeilLog2 of one more
	}
}

// writeColours writes the colours of a palette of luma (step 1) or U (step 0).
func (t *tile) writeColours(b *block, plane int) {
	var room [16]uint8
	cache := t.paletteCache(b, plane, room[:0])
	var c paletteCode
	step := 1 - plane
	c.encode(&b.palette[plane], cache, step)
	for _, used := range c.cached[:c.asked] {
		t.symbols.bit(uint(b2i(used)))
	}
	if len(c.rest) > 0 {
		t.symbols.literal(uint(c.rest[0]), 8)
	}
	if len(c.rest) > 1 {
		t.symbols.literal(uint(c.extra), 2)
	}
	c.deltas(step, t.symbols.literal)
}

// deltasV is how the V of colours is coded: as differences of bits each, without
// sign, or as they are if bits is 0.
func deltasV(v []uint8) (deltas [8]int, n int) {
	most, cost := 0, 0
	for i := 1; i < len(v); i++ {
		d := int(int8(v[i] - v[i-1])) // differences go around
		deltas[i] = d
		most = max(most, abs(d))
		cost += b2i(d != 0)
	}
	n = max(bits.Len(uint(most)), 4)
	if n > 7 || 2+cost+n*(len(v)-1) >= 8*(len(v)-1) {
		return deltas, 0
	}
	return deltas, n
}

// writePalettes writes palette_mode_info and palette_tokens (sections 5.11.46, 5.11.49).
func (t *tile) writePalettes(b *block) {
	size, near := t.paletteContexts(b)
	luma, chroma := int(b.palette[0].n), int(b.palette[1].n)
	if b.mode == dcPred {
		t.symbol(cdfPaletteYMode+3*(3*size+near), 2, b2i(luma > 0))
		if luma > 0 {
			t.symbol(cdfPaletteYSize+8*size, 7, luma-2)
			t.writeColours(b, 0)
		}
	}
	if b.chroma && b.uvMode == dcPred {
		t.symbol(cdfPaletteUVMode+3*b2i(luma > 0), 2, b2i(chroma > 0))
		if chroma > 0 {
			t.symbol(cdfPaletteUVSize+8*size, 7, chroma-2)
			t.writeColours(b, 1)
			v := b.paletteV[:chroma]
			deltas, n := deltasV(v)
			t.symbols.bit(uint(b2i(n > 0)))
			if n > 0 {
				t.symbols.literal(uint(n-4), 2)
				t.symbols.literal(uint(v[0]), 8)
				for _, d := range deltas[1:chroma] {
					t.symbols.literal(uint(abs(d)), n)
					if d != 0 {
						t.symbols.bit(uint(b2i(d < 0)))
					}
				}
			} else {
				for _, v := range v {
					t.symbols.literal(uint(v), 8)
				}
			}
		}
	}
	for plane, n := range [2]int{luma, chroma} {
		if n > 0 {
			t.writeMap(b, plane, n)
		}
	}
}

// mapSize is the size of a block's colour map, whole and within the frame, samples.
func (t *tile) mapSize(b *block, plane int) (w, h, inW, inH int) {
	subX, subY := t.sub(plane)
	w, h = 4*b.size.w4()>>subX, 4*b.size.h4()>>subY
	return w, h, min(w, (t.miCols-b.col)*4>>subX), min(h, (t.miRows-b.row)*4>>subY)
}

// writeMap writes a colour map of n colours, diagonal after diagonal.
func (t *tile) writeMap(b *block, plane, n int) {
	w, _, inW, inH := t.mapSize(b, plane)
	m := &t.colourMap[plane]
	// NS(n) of section 4.10.10
	first, l := int(m[0]), bits.Len(uint(n))
	if k := 1<<l - n; first < k {
		t.symbols.literal(uint(first), l-1)
	} else {
		t.symbols.literal(uint(first+k), l)
	}
	cdf := paletteColours[plane][n]
	for i := 1; i < inW+inH-1; i++ {
		for x := min(i, inW-1); x >= max(0, i-inH+1); x-- {
			ctx, s := colourSymbol(m[:], w, x, i-x)
			t.symbol(cdf+(n+1)*ctx, n, s)
		}
	}
}

// colourSymbol is get_palette_color_context (section 5.11.50) with the symbol of the
// colour at x, y: its place among the colours when those around it stand first, by how
// much they weigh there. The rest keep their order.
func colourSymbol(m []uint8, stride, x, y int) (ctx, symbol int) {
	at := y*stride + x
	c := m[at]
	var first [3]uint8
	n := 1
	switch {
	case y == 0:
		first[0] = m[at-1]
	case x == 0:
		first[0] = m[at-stride]
	default:
		left, corner, above := m[at-1], m[at-stride-1], m[at-stride]
		switch {
		case left == above && left == corner:
			first[0], ctx = left, 4
		case left == above:
			first[0], first[1], n, ctx = left, corner, 2, 3
		case left == corner:
			first[0], first[1], n, ctx = left, above, 2, 2
		case above == corner:
			first[0], first[1], n, ctx = above, left, 2, 2
		default:
			first, n, ctx = [3]uint8{min(left, above), max(left, above), corner}, 3, 1
		}
	}
	symbol = int(c)
	for i, f := range first[:n] {
		if f == c {
			return ctx, i
		}
		symbol += b2i(f > c)
	}
	return ctx, symbol
}

// extendMap repeats the last column and row of a colour map beyond the frame.
func (t *tile) extendMap(b *block, plane int) {
	w, h, inW, inH := t.mapSize(b, plane)
	m := t.colourMap[plane][:w*h]
	if inW < w {
		for y := range inH {
			fill(m[y*w+inW:(y+1)*w], m[y*w+inW-1])
		}
	}
	for y := inH; y < h; y++ {
		copy(m[y*w:(y+1)*w], m[(y-1)*w:])
	}
}

// predictPalette predicts the transform block at x, y of a block by its palette
// (section 7.11.4).
func (t *tile) predictPalette(b *block, plane int, pred []uint8, x, y, w, h int) {
	p := min(plane, 1)
	colours := b.palette[p].colours
	if plane == 2 {
		colours = b.paletteV
	}
	stride, _, _, _ := t.mapSize(b, p)
	for i := range h {
		m := t.colourMap[p][(y+i)*stride+x:][:w]
		for j, c := range m {
			pred[i*w+j] = colours[c&7]
		}
	}
}

func fillWith[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}
