package vp8l

const (
	predictors = 14
	likely     = 4 // that are looked at closely
)

// subPixels subtracts channel by channel, without a borrow.
func subPixels(a, b uint32) uint32 {
	return ((a|0x00ff00ff)-(b&0xff00ff00))&0xff00ff00 | ((a|0xff00ff00)-(b&0x00ff00ff))&0x00ff00ff
}

// predictPart writes what a predictor leaves of the pixels of a row from begin to end,
// which are not the first one of the row, into out (section 3.5.1). above has one pixel
// more than the row: its first.
func predictPart(out, row, above []uint32, begin, end, mode int) {
	part := row[begin:end]
	out = out[:len(part)]
	left := row[begin-1:][:len(part)]
	corner := above[begin-1:][:len(part)]
	top := above[begin:][:len(part)]
	right := above[begin+1:][:len(part)]
	switch mode {
	case 0:
		for i, p := range part {
			out[i] = subPixels(p, 0xff000000)
		}
	case 1:
		for i, p := range part {
			out[i] = subPixels(p, left[i])
		}
	case 2:
		for i, p := range part {
			out[i] = subPixels(p, top[i])
		}
	case 3:
		for i, p := range part {
			out[i] = subPixels(p, right[i])
		}
	case 4:
		for i, p := range part {
			out[i] = subPixels(p, corner[i])
		}
	case 5:
		for i, p := range part {
			out[i] = subPixels(p, average(average(left[i], right[i]), top[i]))
		}
	case 6:
		for i, p := range part {
			out[i] = subPixels(p, average(left[i], corner[i]))
		}
	case 7:
		for i, p := range part {
			out[i] = subPixels(p, average(left[i], top[i]))
		}
	case 8:
		for i, p := range part {
			out[i] = subPixels(p, average(corner[i], top[i]))
		}
	case 9:
		for i, p := range part {
			out[i] = subPixels(p, average(top[i], right[i]))
		}
	case 10:
		for i, p := range part {
			out[i] = subPixels(p, average(average(left[i], corner[i]), average(top[i], right[i])))
		}
	case 11:
		for i, p := range part {
			out[i] = subPixels(p, nearer(left[i], top[i], corner[i]))
		}
	case 12:
		for i, p := range part {
			out[i] = subPixels(p, gradient(left[i], top[i], corner[i]))
		}
	case 13:
		for i, p := range part {
			out[i] = subPixels(p, halfGradient(average(left[i], top[i]), corner[i]))
		}
	}
}

// A residualPrice says what a residual costs in 1/256 of a bit, as far as is known.
type residualPrice struct {
	costs  [4][literals]uint32 // of alpha, red, green and blue
	counts [4][literals]uint32
	opaque bool
}

// newResidualPrice begins with small differences being likely.
func newResidualPrice(opaque bool) *residualPrice {
	p := &residualPrice{opaque: opaque}
	for c := range p.counts {
		for v := range literals {
			d := abs(int(int8(v)))
			p.counts[c][v] = uint32(1 + 400/(1+d*d))
		}
	}
	p.learn()
	return p
}

func (p *residualPrice) learn() {
	for c := range p.counts {
		symbolCosts(p.costs[c][:], p.counts[c][:])
	}
}

func (p *residualPrice) of(residuals []uint32) uint32 {
	total := uint32(0)
	red, green, blue := &p.costs[1], &p.costs[2], &p.costs[3]
	if p.opaque {
		for _, r := range residuals {
			total += red[uint8(r>>16)] + green[uint8(r>>8)] + blue[uint8(r)]
		}
		return total
	}
	alpha := &p.costs[0]
	for _, r := range residuals {
		total += alpha[r>>24] + red[uint8(r>>16)] + green[uint8(r>>8)] + blue[uint8(r)]
	}
	return total
}

func (p *residualPrice) count(residuals []uint32) {
	for _, r := range residuals {
		p.counts[0][r>>24]++
		p.counts[1][uint8(r>>16)]++
		p.counts[2][uint8(r>>8)]++
		p.counts[3][uint8(r)]++
	}
}

// cheapestFirst returns predictors in the order of what they cost.
func cheapestFirst(costs *[predictors]uint32) [predictors]int {
	var order [predictors]int
	for mode, c := range costs {
		i := mode
		for ; i > 0 && costs[order[i-1]] > c; i-- {
			order[i] = order[i-1]
		}
		order[i] = mode
	}
	return order
}

// predict chooses a predictor for each block of 1<<bits pixels, and replaces pixels by what
// it leaves of them. It returns the predictors, as pixels.
func (e *encoder) predict(argb []uint32, width, height int, bits uint) (modes []uint32, err error) {
	across := blocks(width, bits)
	modes = make([]uint32, across*blocks(height, bits))
	price := newResidualPrice(e.opaque)
	residuals := make([]uint32, 1<<bits)
	before, row := make([]uint32, width+1), make([]uint32, width+1) // of pixels as they were
	for y0 := 0; y0 < height; y0 += 1 << bits {
		if err := e.goOn(); err != nil {
			return nil, err
		}
		y1 := min(y0+1<<bits, height)
		line := modes[y0>>bits*across:][:across]
		// The block's rows are still whole; the one above them is in before.
		aboveOf := func(y int) []uint32 {
			if y == y0 {
				before[width] = argb[y*width]
				return before
			}
			return argb[(y-1)*width:][: width+1 : width+1]
		}
		for b := range line {
			begin, end := max(b<<bits, 1), min((b+1)<<bits, width)
			if begin >= end {
				line[b] = 0xff000000 | 2<<8
				continue
			}
			weigh := func(mode, y, step int) (cost uint32) {
				for ; y < y1; y += step {
					predictPart(residuals, argb[y*width:][:width], aboveOf(y), begin, end, mode)
					cost += price.of(residuals[:end-begin])
				}
				return cost
			}
			// Every third row of all predictors, then the others of the likely ones.
			var costs [predictors]uint32
			first := max(y0, 1)
			for mode := range costs {
				costs[mode] = weigh(mode, first+1, 3)
			}
			order := cheapestFirst(&costs)
			best, cost := 0, uint32(1<<32-1)
			for _, mode := range order[:likely] {
				c := costs[mode] + weigh(mode, first, 3) + weigh(mode, first+2, 3)
				if b == 0 || int(line[b-1]>>8&0xf) != mode {
					c += 4 << costBits
				}
				if c < cost {
					best, cost = mode, c
				}
			}
			line[b] = 0xff000000 | uint32(best)<<8
		}
		for y := y0; y < y1; y++ {
			copy(row, argb[y*width:][:width])
			out := argb[y*width:][:width]
			if y == 0 {
				out[0] = subPixels(row[0], 0xff000000)
				for x := 1; x < width; x++ {
					out[x] = subPixels(row[x], row[x-1])
				}
			} else {
				before[width] = row[0]
				out[0] = subPixels(row[0], before[0])
				for b, m := range line {
					if begin, end := max(b<<bits, 1), min((b+1)<<bits, width); begin < end {
						predictPart(out[begin:end], row, before, begin, end, int(m>>8&0xf))
					}
				}
			}
			price.count(out)
			before, row = row, before
		}
		price.learn()
	}
	return modes, nil
}

// decorrelate takes from red and blue what green, and red, say of them, where it pays
// (section 3.5.2). It returns the factors of blocks of 1<<bits pixels, nil if it does not.
func (e *encoder) decorrelate(argb []uint32, width, height int, bits uint) (factors []uint32, err error) {
	price := newResidualPrice(true)
	price.counts = [4][literals]uint32{}
	price.count(argb)
	price.learn()
	redCost, blueCost := &price.costs[1], &price.costs[3]
	across := blocks(width, bits)
	factors = make([]uint32, across*blocks(height, bits))
	var gain, all int64
	last := uint32(0)
	for y0 := 0; y0 < height; y0 += 1 << bits {
		if err := e.goOn(); err != nil {
			return nil, err
		}
		y1 := min(y0+1<<bits, height)
		for b := range across {
			x0, x1 := b<<bits, min((b+1)<<bits, width)
			// Least squares: of red by green, of blue by green and red.
			var gg, gr, gb, rr, rb int64
			for y := y0; y < y1; y += 2 {
				for _, p := range argb[y*width+x0 : y*width+x1] {
					r, g, b := int64(int8(p>>16)), int64(int8(p>>8)), int64(int8(p))
					gg += g * g
					gr += g * r
					gb += g * b
					rr += r * r
					rb += r * b
				}
			}
			factor := func(n, d int64) uint32 {
				if d == 0 {
					return 0
				}
				return uint32(max(-128, min(127, (64*n+d)>>1/d))) & 0xff
			}
			f := factor(gr, gg)
			if d := gg*rr - gr*gr; d > 0 && d > gg*rr>>4 {
				f |= factor(gb*rr-rb*gr, d)<<8 | factor(rb*gg-gb*gr, d)<<16
			} else {
				f |= factor(gb, gg) << 8
			}
			costOf := func(f uint32) int64 {
				m := factorsOf(f)
				c := uint32(0)
				for y := y0; y < y1; y += 2 {
					for _, p := range argb[y*width+x0 : y*width+x1] {
						r, b := m.forward(p)
						c += redCost[uint8(r)] + blueCost[uint8(b)]
					}
				}
				return 2 * int64(c)
			}
			none := costOf(0)
			all += none
			best, saved := uint32(0), none>>5
			for i, f := range [2]uint32{last, f} {
				if s := none - costOf(f) - int64(i*20)<<costBits; f != 0 && s > saved {
					best, saved = f, s
				}
			}
			factors[y0>>bits*across+b] = 0xff000000 | best
			last = best
			if best != 0 {
				gain += saved
			}
		}
	}
	if gain < all>>6 { // fewer differences are the same then, and fewer repeat each other
		return nil, nil
	}
	for y := range height {
		row := argb[y*width:][:width]
		for b := range across {
			m := factorsOf(factors[y>>bits*across+b])
			if m == (colorFactors{}) {
				continue
			}
			part := row[b<<bits : min((b+1)<<bits, width)]
			for i, p := range part {
				r, b := m.forward(p)
				part[i] = p&0xff00ff00 | uint32(uint8(r))<<16 | uint32(uint8(b))
			}
		}
	}
	return factors, nil
}

// colorFactors are those of section 3.5.2.
type colorFactors struct{ greenToRed, greenToBlue, redToBlue int32 }

func factorsOf(f uint32) colorFactors {
	return colorFactors{int32(int8(f)), int32(int8(f >> 8)), int32(int8(f >> 16))}
}

// forward returns red and blue, of which the lowest bytes count.
func (m colorFactors) forward(p uint32) (red, blue int32) {
	green, r := int32(int8(p>>8)), int32(int8(p>>16))
	red = r - m.greenToRed*green>>5
	blue = int32(p&0xff) - m.greenToBlue*green>>5 - m.redToBlue*r>>5
	return red, blue
}
