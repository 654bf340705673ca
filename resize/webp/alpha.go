package webp

import (
	"image"
	"math"
	"math/bits"
	"slices"
)

// Transparency in lossy WebP is a plane of its own, compressed without loss as
// the green channel of a picture in VP8L (RFC 9649, sections 2.7.1.2 and 3).
// Masks are made of runs and of rows like the one above, so the search for
// repetitions is a short one.

// alphaChunk returns the data of an ALPH chunk for rows of w samples each.
func alphaChunk(a []byte, stride int, size image.Point) []byte {
	filter, plane := filteredAlpha(a, stride, size)
	tokens := alphaTokens(plane, size.X)
	var green, distance histogram
	for _, t := range tokens {
		if t.literal() {
			green[t]++
			continue
		}
		symbol, _, _ := prefixCode(t.length())
		green[256+symbol]++
		symbol, _, _ = prefixCode(t.distance())
		distance[symbol]++
	}
	w := lsbWriter{out: []byte{1 | byte(filter)<<2}} // compressed
	w.put(0, 3)                                      // no transforms, no cache of colours, one group of codes
	greenCodes := w.putCodes(green[:greenSymbols])
	for range 3 { // red, blue and alpha are 0 everywhere
		w.putSingle(0)
	}
	distanceCodes := w.putCodes(distance[:distanceSymbols])
	for _, t := range tokens {
		if t.literal() {
			w.putCode(greenCodes[t])
			continue
		}
		symbol, n, extra := prefixCode(t.length())
		w.putCode(greenCodes[256+symbol])
		w.put(extra, n)
		symbol, n, extra = prefixCode(t.distance())
		w.putCode(distanceCodes[symbol])
		w.put(extra, n)
	}
	return w.end()
}

// Filters of alpha, as the chunk's first byte numbers them.
const (
	alphaPlain = iota
	alphaLeft
	alphaAbove
	alphaGradient
	alphaFilters
)

// filteredAlpha returns the filter whose differences are said in the fewest
// bits, and the differences, without space between the rows.
func filteredAlpha(a []byte, stride int, size image.Point) (filter int, plane []byte) {
	best := math.Inf(1)
	for f := range alphaFilters {
		var counts [256]int
		for y := 0; y < size.Y; y += 1 + size.Y/64 { // some of the rows will do
			for x := range size.X {
				counts[a[y*stride+x]-alphaPrediction(f, a, stride, x, y)]++
			}
		}
		if b := entropyOf(counts[:]); b < 0.95*best { // a run needs no filter
			best, filter = b, f
		}
	}
	plane = make([]byte, size.X*size.Y)
	for y := range size.Y {
		row := plane[y*size.X:][:size.X]
		if copy(row, a[y*stride:]); filter == alphaPlain {
			continue
		}
		for x := range row {
			row[x] -= alphaPrediction(filter, a, stride, x, y)
		}
	}
	return filter, plane
}

// alphaPrediction is what a filter expects of a sample (RFC 9649, section
// 2.7.1.2). The first row is expected to be like the sample to the left, the
// first column like the one above.
func alphaPrediction(filter int, a []byte, stride, x, y int) byte {
	i := y*stride + x
	switch {
	case filter == alphaPlain || x == 0 && y == 0:
		return 0
	case y == 0 || filter == alphaLeft && x > 0:
		return a[i-1]
	case x == 0 || filter == alphaAbove:
		return a[i-stride]
	}
	return byte(max(0, min(255, int(a[i-1])+int(a[i-stride])-int(a[i-stride-1]))))
}

// entropyOf returns how many bits symbols of these counts take.
func entropyOf(counts []int) float64 {
	total, sum := 0, 0.0
	for _, n := range counts {
		if total += n; n > 0 {
			sum += float64(float64(n) * math.Log2(float64(n)))
		}
	}
	if total == 0 {
		return 0
	}
	return float64(float64(total)*math.Log2(float64(total))) - sum
}

// An alphaToken is a sample, or a length and a distance code of samples that
// were there before.
type alphaToken uint64

const (
	maxRun      = 4096
	maxBack     = 1<<20 - 121 // samples, the farthest distance in the format
	leastRun    = 3
	hashBits    = 15
	planeCodes  = 120 // distances that stand for neighbours, before the plain ones
	codeOfAbove = 1
	codeOfLeft  = 2
)

func (t alphaToken) literal() bool { return t < 256 }
func (t alphaToken) length() int   { return int(t >> 32) }
func (t alphaToken) distance() int { return int(uint32(t)) }

func repeat(length, distance, width int) alphaToken {
	code := distance + planeCodes
	switch distance {
	case width:
		code = codeOfAbove
	case 1:
		code = codeOfLeft
	}
	return alphaToken(length)<<32 | alphaToken(code)
}

// alphaTokens finds repetitions: of the sample to the left, of the row above,
// and of where the same four samples were last.
func alphaTokens(plane []byte, width int) []alphaToken {
	var tokens []alphaToken
	var last [1 << hashBits]int32 // 1 more than the place
	for i := 0; i < len(plane); {
		length, distance := 0, 0
		try := func(d int) {
			if d <= 0 || d > i || d > maxBack {
				return
			}
			if n := matchLength(plane[i-d:], plane[i:]); n > length {
				length, distance = n, d
			}
		}
		try(1)
		try(width)
		h := -1
		if i+4 <= len(plane) {
			h = hashOf(plane[i:])
			if at := int(last[h]); at > 0 && length < maxRun {
				try(i - (at - 1))
			}
		}
		if h >= 0 {
			last[h] = int32(i + 1)
		}
		if length < leastRun {
			tokens = append(tokens, alphaToken(plane[i]))
			i++
			continue
		}
		tokens = append(tokens, repeat(length, distance, width))
		i += length
	}
	return tokens
}

// matchLength returns how many bytes at the beginning of a and b are equal, at
// most maxRun.
func matchLength(a, b []byte) int {
	n := min(len(b), maxRun)
	a, b = a[:n], b[:n]
	i := 0
	for ; i+8 <= n; i += 8 {
		x := le64(a[i:]) ^ le64(b[i:])
		if x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for ; i < n && a[i] == b[i]; i++ {
	}
	return i
}

func le64(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 | uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

func hashOf(b []byte) int {
	_ = b[3]
	v := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
	return int(v * 0x9E3779B1 >> (32 - hashBits))
}

const (
	greenSymbols    = 256 + 24
	distanceSymbols = 40
	maxCodeLength   = 15
	maxLengthLength = 7 // of the codes that code lengths are written with
)

type histogram [greenSymbols]int

// prefixCode returns the symbol of a length or distance from 1, and the bits
// that follow it (RFC 9649, section 3.6.2.2).
func prefixCode(v int) (symbol int, n uint, extra uint64) {
	if v--; v < 4 {
		return v, 0, 0
	}
	high := bits.Len(uint(v)) - 1
	n = uint(high - 1)
	return 2*high + v>>n&1, n, uint64(v) & (1<<n - 1)
}

// An lsbWriter writes bits, the lowest one first.
type lsbWriter struct {
	out  []byte
	acc  uint64
	have uint
}

// put writes the lowest n bits of v, at most 32; the others are 0.
func (w *lsbWriter) put(v uint64, n uint) {
	w.acc |= v << w.have
	for w.have += n; w.have >= 8; w.have -= 8 {
		w.out = append(w.out, byte(w.acc))
		w.acc >>= 8
	}
}

func (w *lsbWriter) end() []byte {
	if w.have > 0 {
		w.out = append(w.out, byte(w.acc))
	}
	return w.out
}

// A bitCode is how a symbol is written.
type bitCode struct {
	bits   uint64
	length uint
}

func (w *lsbWriter) putCode(c bitCode) { w.put(c.bits, c.length) }

// putSingle writes a prefix code of one symbol below 256, which takes no bits.
func (w *lsbWriter) putSingle(symbol int) {
	w.put(1, 1) // a simple code
	w.put(0, 1) // of one symbol
	if symbol < 2 {
		w.put(0, 1)
		w.put(uint64(symbol), 1)
		return
	}
	w.put(1, 1)
	w.put(uint64(symbol), 8)
}

// lengthOrder is the order in which the lengths of code lengths are written
// (RFC 9649, section 3.7.2.1.2).
var lengthOrder = [19]int{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// putCodes writes a prefix code for symbols of these counts and returns it.
func (w *lsbWriter) putCodes(counts []int) []bitCode {
	used := 0
	only := 0
	for s, n := range counts {
		if n > 0 {
			used++
			only = s
		}
	}
	if used == 0 || used == 1 && only < 256 {
		w.putSingle(only)
		return make([]bitCode, len(counts))
	}
	lengths := prefixLengths(counts, maxCodeLength)
	// Each of these is a symbol and, behind it, how often it is repeated.
	type item struct {
		symbol, extra int
		n             uint
	}
	var items []item
	for i := 0; i < len(lengths); {
		run := 1
		for i+run < len(lengths) && lengths[i+run] == lengths[i] {
			run++
		}
		l := lengths[i]
		i += run
		if l != 0 {
			items = append(items, item{symbol: l})
			run--
		}
		for run > 0 {
			switch {
			case l == 0 && run >= 11:
				n := min(run, 138)
				items = append(items, item{18, n - 11, 7})
				run -= n
			case l == 0 && run >= 3:
				n := min(run, 10)
				items = append(items, item{17, n - 3, 3})
				run -= n
			case l != 0 && run >= 3:
				n := min(run, 6)
				items = append(items, item{16, n - 3, 2})
				run -= n
			default:
				items = append(items, item{symbol: l})
				run--
			}
		}
	}
	var itemCounts [19]int
	for _, it := range items {
		itemCounts[it.symbol]++
	}
	itemLengths := prefixLengths(itemCounts[:], maxLengthLength)
	last := len(lengthOrder)
	for last > 4 && itemLengths[lengthOrder[last-1]] == 0 {
		last--
	}
	w.put(0, 1) // not a simple code
	w.put(uint64(last-4), 4)
	for _, s := range lengthOrder[:last] {
		w.put(uint64(itemLengths[s]), 3)
	}
	w.put(0, 1) // lengths of all symbols follow
	itemCodes := prefixCodes(itemLengths)
	for _, it := range items {
		w.putCode(itemCodes[it.symbol])
		w.put(uint64(it.extra), it.n)
	}
	return prefixCodes(lengths)
}

// prefixLengths returns the lengths of a Huffman code, none above most. A lone
// symbol has the length 1, which readers take for none.
func prefixLengths(counts []int, most int) []int {
	lengths := make([]int, len(counts))
	type node struct {
		count       int
		left, right int // of nodes; a leaf has its symbol in left and -1 in right
	}
	for least := 1; ; least *= 2 {
		var nodes []node
		for s, n := range counts {
			if n > 0 {
				nodes = append(nodes, node{max(n, least), s, -1})
			}
		}
		if len(nodes) == 1 {
			lengths[nodes[0].left] = 1
			return lengths
		}
		slices.SortStableFunc(nodes, func(a, b node) int { return a.count - b.count })
		// Leaves and inner nodes are two queues, each in order.
		leaves := len(nodes)
		leaf, inner := 0, leaves
		next := func() int {
			if leaf < leaves && (inner >= len(nodes) || nodes[leaf].count <= nodes[inner].count) {
				leaf++
				return leaf - 1
			}
			inner++
			return inner - 1
		}
		for range leaves - 1 {
			a, b := next(), next()
			nodes = append(nodes, node{nodes[a].count + nodes[b].count, a, b})
		}
		deepest := 0
		depths := make([]int, len(nodes))
		for i := len(nodes) - 1; i >= 0; i-- {
			n := nodes[i]
			if n.right < 0 {
				lengths[n.left] = depths[i]
				deepest = max(deepest, depths[i])
				continue
			}
			depths[n.left], depths[n.right] = depths[i]+1, depths[i]+1
		}
		if deepest <= most {
			return lengths
		}
	}
}

// prefixCodes returns the canonical code of these lengths, to be written from
// the lowest bit.
func prefixCodes(lengths []int) []bitCode {
	codes := make([]bitCode, len(lengths))
	var counts, first [maxCodeLength + 1]uint64
	used := uint64(0)
	for _, l := range lengths {
		if l > 0 {
			counts[l]++
			used++
		}
	}
	if used < 2 {
		return codes // one symbol takes no bits
	}
	for l := 1; l <= maxCodeLength; l++ {
		first[l] = (first[l-1] + counts[l-1]) << 1
	}
	for s, l := range lengths {
		if l > 0 {
			codes[s] = bitCode{bits.Reverse64(first[l]) >> (64 - uint(l)), uint(l)}
			first[l]++
		}
	}
	return codes
}
