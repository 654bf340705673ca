package av1

// Kernels are the functions that take most of the time: in assembly for some CPUs,
// where the width is a multiple of eight, and in Go, with the same results.
type kernels struct {
	generic bool // only those in Go
}

// fast reports whether the assembly takes a width of n.
func (k kernels) fast(n int) bool { return useAsm && !k.generic && n&7 == 0 }

// steps does steps to the rows of data, which have m numbers. Sums are at most limit,
// and at least -limit-1.
func (k kernels) steps(data []int32, m int, f *flowSteps, limit int32) {
	if k.fast(m) {
		stepsAsm(&data[0], 4*m, m/8, &f.steps[0], &f.runs[0], len(f.runs), limit)
		return
	}
	stepsGeneric(data, m, f, limit)
}

func stepsGeneric(data []int32, m int, f *flowSteps, limit int32) {
	s := f.steps
	for _, r := range f.runs {
		for i := range s[:r[0]] {
			s := &s[i]
			a, b := data[int(s.a)*m:][:m], data[int(s.b)*m:][:m]
			for j, x := range a {
				y := b[j]
				a[j], b[j] = round12(x*s.cos-y*s.sin), round12(x*s.sin+y*s.cos)
			}
		}
		s = s[r[0]:]
		for i := range s[:r[1]] {
			s := &s[i]
			a, b := data[int(s.a)*m:][:m], data[int(s.b)*m:][:m]
			for j, x := range a {
				y := b[j]
				a[j], b[j] = max(min(x+y, limit), ^limit), max(min(x-y, limit), ^limit)
			}
		}
		s = s[r[1]:]
	}
}

// moves copies rows of src, which have m numbers, to those of dst.
func (k kernels) moves(dst, src []int32, m int, moves []flowMove) {
	if k.fast(m) {
		movesAsm(&dst[0], &src[0], 4*m, m/8, &moves[0], len(moves))
		return
	}
	movesGeneric(dst, src, m, moves)
}

func movesGeneric(dst, src []int32, m int, moves []flowMove) {
	for i := range moves {
		v := &moves[i]
		d, s := dst[int(v.to)*m:][:m], src[int(v.from)*m:][:m]
		for j, x := range s {
			d[j] = x * v.sign
		}
	}
}

// transpose writes the w by h matrix src as the h by w matrix dst.
func (k kernels) transpose(dst, src []int32, w, h int) {
	if k.fast(w | h) {
		_, _ = dst[w*h-1], src[w*h-1]
		transposeAsm(&dst[0], &src[0], w, h)
		return
	}
	transposeGeneric(dst, src, w, h)
}

func transposeGeneric(dst, src []int32, w, h int) {
	for y := range h {
		for x, v := range src[y*w : y*w+w] {
			dst[x*h+y] = v
		}
	}
}

// scale makes of each x Round2(x·factor, shift), at most limit and at least -limit-1.
func (k kernels) scale(data []int32, factor int32, shift int, limit int32) {
	round := int32(1) << shift >> 1
	if k.fast(len(data)) {
		scaleAsm(&data[0], len(data)/8, factor, round, int32(shift), limit)
		return
	}
	scaleGeneric(data, factor, round, shift, limit)
}

func scaleGeneric(data []int32, factor, round int32, shift int, limit int32) {
	for i, x := range data {
		data[i] = max(min((x*factor+round)>>shift, limit), ^limit)
	}
}

// add writes the sums of a prediction and its residual, w samples wide.
func (k kernels) add(dst []uint8, stride int, pred []uint8, residual []int32, w, h int) {
	_, _, _ = dst[(h-1)*stride+w-1], pred[w*h-1], residual[w*h-1]
	if k.fast(w) {
		addAsm(&dst[0], stride, &pred[0], &residual[0], w/8, h)
		return
	}
	addGeneric(dst, stride, pred, residual, w, h)
}

func addGeneric(dst []uint8, stride int, pred []uint8, residual []int32, w, h int) {
	for y := range h {
		row, p, r := dst[y*stride:][:w], pred[y*w:][:w], residual[y*w:][:w]
		for x := range row {
			row[x] = clip8(int(p[x]) + int(r[x]))
		}
	}
}

// residual writes what a prediction, w samples wide, lacks. It returns the sum of
// squares, and how many samples lack no more than 1.
func (k kernels) residual(dst []int32, src []uint8, stride int, pred []uint8, w, h int) (energy int64, still int) {
	_, _, _ = src[(h-1)*stride+w-1], pred[w*h-1], dst[w*h-1]
	if k.fast(w) {
		e, s := residualAsm(&dst[0], &src[0], stride, &pred[0], w/8, h)
		return int64(e), int(s)
	}
	return residualGeneric(dst, src, stride, pred, w, h)
}

func residualGeneric(dst []int32, src []uint8, stride int, pred []uint8, w, h int) (energy int64, still int) {
	for y := range h {
		s, p, d := src[y*stride:][:w], pred[y*w:][:w], dst[y*w:][:w]
		for x, v := range s {
			r := int32(v) - int32(p[x])
			d[x] = r
			energy += int64(r * r)
			if uint32(r+1) < 3 {
				still++
			}
		}
	}
	return energy, still
}

// satd is the sum of the Hadamard-transformed differences of a block, w samples wide,
// from its source, in 4x4, in the scale of an orthonormal transform.
func (k kernels) satd(src []uint8, stride int, pred []uint8, w, h int) int {
	_, _ = src[(h-1)*stride+w-1], pred[w*h-1]
	if k.fast(w) {
		return int(satdAsm(&src[0], stride, &pred[0], w/8, h/4) >> 2)
	}
	return satdGeneric(src, stride, pred, w, h) >> 2
}

func satdGeneric(src []uint8, stride int, pred []uint8, w, h int) int {
	sum := int32(0)
	for by := 0; by < h; by += 4 {
		for bx := 0; bx < w; bx += 4 {
			var d [16]int32
			for i := range 4 {
				s := src[(by+i)*stride+bx:][:4]
				q := pred[(by+i)*w+bx:][:4]
				a, b, e, f := int32(s[0])-int32(q[0]), int32(s[1])-int32(q[1]), int32(s[2])-int32(q[2]), int32(s[3])-int32(q[3])
				a, b, e, f = a+b, a-b, e+f, e-f
				d[4*i], d[4*i+1], d[4*i+2], d[4*i+3] = a+e, b+f, a-e, b-f
			}
			for i := range 4 {
				a, b, e, f := d[i], d[4+i], d[8+i], d[12+i]
				a, b, e, f = a+b, a-b, e+f, e-f
				sum += max(a+e, -a-e) + max(b+f, -b-f) + max(a-e, e-a) + max(b-f, f-b)
			}
		}
	}
	return int(sum)
}

// large writes a bit for each coefficient, the first of eight the lowest: whether it is
// least or more, without its sign.
func (k kernels) large(mask []uint8, coefs []int32, least int32) {
	_ = mask[len(coefs)/8-1]
	if k.fast(len(coefs)) {
		largeAsm(&mask[0], &coefs[0], len(coefs)/8, least)
		return
	}
	largeGeneric(mask, coefs, least)
}

func largeGeneric(mask []uint8, coefs []int32, least int32) {
	for i := range len(coefs) / 8 {
		bits := 0
		for j, v := range coefs[8*i:][:8] {
			bits |= b2i(max(v, -v) >= least) << j
		}
		mask[i] = uint8(bits)
	}
}

// dequantize writes the coefficients of levels (section 7.12.3).
func (k kernels) dequantize(coefs, levels []int32, q int32, halvings int) {
	coefs = coefs[:len(levels)]
	if k.fast(len(levels)) {
		dequantizeAsm(&coefs[0], &levels[0], len(levels)/8, q, int32(halvings))
		return
	}
	dequantizeGeneric(coefs, levels, q, halvings)
}

func dequantizeGeneric(coefs, levels []int32, q int32, halvings int) {
	for i, l := range levels {
		v := max(l, -l) * q & 0xffffff >> halvings
		if l < 0 {
			v = -v
		}
		coefs[i] = clip16(v)
	}
}

// paeth predicts each sample by that of its neighbours above, to the left and in the
// corner which is nearest to what a plane through them has (section 7.11.2.2).
func (k kernels) paeth(dst, above, left []uint8, corner uint8) {
	if w, h := len(above), len(left); k.fast(w) {
		_ = dst[w*h-1]
		paethAsm(&dst[0], &above[0], &left[0], w/8, h, int32(corner))
		return
	}
	paethGeneric(dst, above, left, corner)
}

func paethGeneric(dst, above, left []uint8, corner uint8) {
	w, c := len(above), int(corner)
	for y, l := range left {
		row := dst[y*w : y*w+w]
		l := int(l)
		for x, a := range above {
			a := int(a)
			// base = a + l - c
			pl, pt, pc := abs(a-c), abs(l-c), abs(a+l-2*c)
			v := c
			if pl <= pt && pl <= pc {
				v = l
			} else if pt <= pc {
				v = a
			}
			row[x] = uint8(v)
		}
	}
}

// smooth predicts what a column's difference has by the row's weight, and the other
// way round.
func (k kernels) smooth(dst []uint8, columns, rows []slope, base int32, shift int) {
	if w, h := len(columns), len(rows); k.fast(w) {
		_ = dst[w*h-1]
		smoothAsm(&dst[0], &columns[0], &rows[0], w/8, h, base, int32(shift))
		return
	}
	smoothGeneric(dst, columns, rows, base, shift)
}

func smoothGeneric(dst []uint8, columns, rows []slope, base int32, shift int) {
	w := len(columns)
	for y, r := range rows {
		out := dst[y*w:][:w]
		for x := range columns {
			c := &columns[x]
			out[x] = uint8((c.difference*r.weight + r.difference*c.weight + base) >> shift)
		}
	}
}
