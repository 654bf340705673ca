package png

// The filters, by their numbers in the file (PNG specification, section 9.2):
// each takes from every byte what it predicts of the one to the left, the one
// above, or both.
const (
	filterNone = iota
	filterSub
	filterUp
	filterAverage
	filterPaeth
	filters
)

// group is how many bytes the assembly takes at a time.
const group = 32

// A line is a row of bytes with room around it: zeros before, as many as a pixel
// has at the most, for the pixel left of the first one; and behind it what fills
// up the last group.
type line []byte

const before = 8

func newLine(n int) line { return make(line, before+(n+group-1)/group*group) }

// bytes is the row itself, of n bytes.
func (l line) bytes(n int) []byte { return l[before:][:n] }

// filter writes the number of the filter that leaves the smallest bytes of the
// first n ones in cur, as numbers with a sign, and what it leaves, to dst, which
// has room for the last group. bpp is the bytes of a pixel. That the sum of the
// remainders tells which filter compresses best is a rule of thumb (PNG
// specification, section 12.7).
func filter(dst []byte, cur, above line, n, bpp int) {
	sums := costs(cur, above, n, bpp)
	best := 0
	for i, sum := range sums {
		if sum < sums[best] {
			best = i
		}
	}
	dst[0] = byte(best)
	apply(dst[1:], cur, above, n, bpp, best)
}

// costs returns the sum of the remainders of each filter.
func costs(cur, above line, n, bpp int) (sums [filters]uint64) {
	done := 0
	if groups := n / group; useAsm && groups > 0 {
		costsAsm(&sums, &cur[before], &above[before], bpp, groups)
		done = groups * group
	}
	costsGeneric(&sums, cur, above, done, n, bpp)
	return sums
}

// costsGeneric adds the costs of bytes from to end.
func costsGeneric(sums *[filters]uint64, cur, above line, from, end, bpp int) {
	for i := before + from; i < before+end; i++ {
		x, a, b, c := cur[i], cur[i-bpp], above[i], above[i-bpp]
		sums[filterNone] += magnitude(x)
		sums[filterSub] += magnitude(x - a)
		sums[filterUp] += magnitude(x - b)
		sums[filterAverage] += magnitude(x - average(a, b))
		sums[filterPaeth] += magnitude(x - paeth(a, b, c))
	}
}

// apply writes what a filter leaves of the first n bytes.
func apply(dst []byte, cur, above line, n, bpp, filter int) {
	if filter == filterNone {
		copy(dst, cur.bytes(n))
		return
	}
	if groups := (n + group - 1) / group; useAsm && groups > 0 {
		_ = dst[groups*group-1]
		kernel := [filters]func(dst, cur, above *byte, bpp, groups int){filterSub: subAsm, filterUp: upAsm, filterAverage: averageAsm, filterPaeth: paethAsm}[filter]
		kernel(&dst[0], &cur[before], &above[before], bpp, groups)
		return
	}
	applyGeneric(dst, cur, above, n, bpp, filter)
}

func applyGeneric(dst []byte, cur, above line, n, bpp, filter int) {
	for i := range n {
		x, a, b, c := cur[before+i], cur[before+i-bpp], above[before+i], above[before+i-bpp]
		switch filter {
		case filterSub:
			x -= a
		case filterUp:
			x -= b
		case filterAverage:
			x -= average(a, b)
		case filterPaeth:
			x -= paeth(a, b, c)
		}
		dst[i] = x
	}
}

// magnitude is the distance of a remainder from zero: 255 is one below it.
func magnitude(d byte) uint64 { return uint64(min(d, -d)) }

func average(a, b byte) byte { return byte((int(a) + int(b)) / 2) }

// paeth is the neighbour that is nearest to a+b-c: a if it is one of them, else b.
func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	pa, pb, pc := distance(p, a), distance(p, b), distance(p, c)
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}

func distance(p int, v byte) int { return max(p-int(v), int(v)-p) }
