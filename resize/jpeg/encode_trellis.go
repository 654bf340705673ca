package jpeg

import "math/bits"

// Trellis quantization: of all the ways in which the coefficients of a block
// may be rounded down or left out, the one is taken whose squared error, plus
// its bits at a price, is the least. It is integer arithmetic.

// fineScale is what coefficients are multiplied by until they are quantized.
const fineScale = 16

// Tuned for the fewest bytes at equal structural similarity, on photographs of
// 600 pixels at qualities from 20 to 92.
const (
	// A bit is worth the mean step of the lowest frequencies times bitPrice, in
	// squared errors of fine coefficients. It is worth more where much goes on,
	// since errors are not seen there: in proportion to the root of the variance
	// and leastDetail, from two thirds on (in a block without any) over once at
	// plainDetail to twice.
	bitPrice    = 12
	leastDetail = 64
	plainDetail = 12
	mostDetail  = 2 * plainDetail
	lowest      = 9 // AC coefficients
)

// symbolCosts holds what the symbols of a table cost, in 1/256 bits, with the
// bits that follow them.
type symbolCosts [256]uint32

// set sets the costs to the entropy of the symbols by their counts. Those that
// did not occur count as half of one.
func (s *symbolCosts) set(counts *[256]uint32) {
	total := uint64(0)
	for _, n := range counts {
		total += uint64(n)
	}
	all := log2(2*total + 256)
	for symbol, n := range counts {
		s[symbol] = all - log2(2*uint64(n)+1) + uint32(symbol&15)<<8
	}
}

// log2 returns the binary logarithm of v, at least 1, times 256.
func log2(v uint64) uint32 {
	n := bits.Len64(v) - 1
	x := v << (63 - n) >> 32 // from 1<<31 up to 1<<32
	r := uint32(n)
	for range 8 {
		x = x * x >> 31
		r <<= 1
		if x>>32 != 0 {
			x >>= 1
			r++
		}
	}
	return r
}

// setFine makes e.recip that of coefficients times fineScale.
func (e *encoder) setFine() {
	for t := range e.recip {
		for z := range e.recip[t] {
			e.recip[t][z] = float32(fineScale / (8 * aanFactors[z>>3] * aanFactors[z&7]))
		}
	}
}

// quantizeAll replaces the coefficients of e.coef, which are fineScale times
// what they are, by levels, and sets e.masks. Bits are counted as those of a
// baseline file, whose symbols come out about as often as in the scans.
func (e *encoder) quantizeAll() {
	for t := range min(e.ncomps, 2) {
		q := &e.trellis
		q.setSteps(&e.quant[t])
		counts := (*[256]uint32)(e.counts[(2*t+tableAC)<<8:])
		clear(counts[:])
		for i := range e.ncomps {
			if c := &e.comps[i]; c.table == t {
				for at := range c.blocksX * e.mcusY * c.vs {
					at += c.firstBlk
					e.masks[at] = q.count(counts, e.coefs(at))
				}
			}
		}
		q.costs.set(counts)
		for i := range e.ncomps {
			if c := &e.comps[i]; c.table == t {
				for at := range c.blocksX * e.mcusY * c.vs {
					at += c.firstBlk
					e.masks[at] = q.quantize(e.coefs(at), e.masks[at])
				}
			}
		}
	}
}

// rounded returns the nearest level of a coefficient.
func rounded(v, step int32) int32 {
	if v < 0 {
		return -((-v + step>>1) / step)
	}
	return (v + step>>1) / step
}

// A trellis quantizes the blocks of a table.
type trellis struct {
	steps   [64]int32 // of fine coefficients, in zigzag order
	halves  [64]int32 // the least that is not rounded to 0, as blocks have it
	costs   symbolCosts
	price   int64 // of a bit, in squared errors of fine coefficients
	choices [64]choice
}

// A choice is a coefficient that may be kept. The first one of a block stands
// for its beginning.
type choice struct {
	at     int      // its place
	levels [2]int32 // the nearest, and the largest that takes fewer bits
	lost   [2]int64 // their squared errors, less that of level 0

	// The best way to keep it: with which level, after which other choice, and
	// what that costs beyond a block of zeros.
	level int32
	after int
	cost  int64
}

func (t *trellis) setSteps(quant *[64]uint8) {
	sum := 0
	for k, q := range quant {
		t.steps[k] = fineScale * int32(q)
		t.halves[encZigzag[k]] = fineScale * int32(q) / 2
		if 1 <= k && k <= lowest {
			sum += int(t.steps[k])
		}
	}
	t.price = bitPrice * int64(sum) / lowest
}

// count counts the AC symbols of a block (T.81 section F.1.2.2) whose
// coefficients are rounded to the nearest level. It returns the mask of those
// that are not 0 then, in zigzag order.
func (t *trellis) count(counts *[256]uint32, b *[64]int16) uint64 {
	mask := uint64(0)
	for i, v := range b {
		magnitude := int32(max(v, -v))
		mask |= uint64(^uint32(magnitude-t.halves[i])>>31) << i
	}
	mask = maskToZigzag(mask) &^ 1
	last := 0
	for m := mask; m != 0; m &= m - 1 {
		k := bits.TrailingZeros64(m)
		v := int32(b[encZigzag[k&63]&63])
		run := k - last - 1
		last = k
		counts[0xf0] += uint32(run >> 4)
		counts[run&15<<4|bits.Len32(uint32(rounded(max(v, -v), t.steps[k&63])))&15]++
	}
	if last != 63 {
		counts[0]++
	}
	return mask
}

// quantize replaces the coefficients of b by levels and returns the mask of
// those of AC that are not 0, in zigzag order. Those that may be are in mask.
func (t *trellis) quantize(b *[64]int16, mask uint64) (kept uint64) {
	levels := [64]int16{0: int16(rounded(int32(b[0]), t.steps[0]))}
	if mask == 0 {
		*b = levels
		return 0
	}
	energy := uint64(0)
	for _, v := range b[1:] {
		energy += uint64(int64(v) * int64(v))
	}
	n := 1
	for ; mask != 0; mask &= mask - 1 {
		k := bits.TrailingZeros64(mask)
		v := int32(b[encZigzag[k]])
		v = max(v, -v)
		c := &t.choices[n]
		n++
		c.at = k
		c.levels[0] = rounded(v, t.steps[k])
		c.levels[1] = 1<<(bits.Len32(uint32(c.levels[0]))-1) - 1
		for i, l := range c.levels {
			d := int64(v - l*t.steps[k])
			c.lost[i] = d*d - int64(v)*int64(v)
		}
	}
	detail := squareRoot(energy/(64*fineScale*fineScale) + leastDetail)
	price := t.price * int64(min(mostDetail, detail)) / plainDetail
	for i := t.choose(n, price); i > 0; i = t.choices[i].after {
		c := &t.choices[i]
		z := encZigzag[c.at]
		levels[z] = int16(c.level)
		if b[z] < 0 {
			levels[z] = -levels[z]
		}
		kept |= 1 << c.at
	}
	*b = levels
	return kept
}

// choose finds which of the n choices are kept, if a bit costs price. It
// returns the last one, from which the others follow; 0: none.
func (t *trellis) choose(n int, price int64) (last int) {
	end := price * int64(t.costs[0]) >> 8
	least := end
	for i := 1; i < n; i++ {
		c := &t.choices[i]
		c.cost = 1 << 62
		for o, level := range c.levels {
			if level == 0 {
				continue
			}
			size := bits.Len32(uint32(level))
			for j := range i {
				before := &t.choices[j]
				run := c.at - before.at - 1
				symbols := int64(t.costs[run&15<<4|size]) + int64(run>>4)*int64(t.costs[0xf0])
				if cost := before.cost + c.lost[o] + price*symbols>>8; cost < c.cost {
					c.cost, c.after, c.level = cost, j, level
				}
			}
		}
		cost := c.cost
		if c.at < 63 {
			cost += end
		}
		if cost < least {
			least, last = cost, i
		}
	}
	return last
}

// squareRoot returns the root of v, rounded down.
func squareRoot(v uint64) (r uint64) {
	for b := uint64(1) << 31; b > 0; b >>= 1 {
		if s := r | b; s*s <= v {
			r = s
		}
	}
	return r
}
