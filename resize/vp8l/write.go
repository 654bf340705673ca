package vp8l

import (
	"math/bits"
	"slices"
)

// A bitWriter writes bits, the lowest one of a byte first.
type bitWriter struct {
	out  []byte
	bits uint64
	have uint
}

// write writes the lowest n bits of v, at most 32; the others are 0.
func (w *bitWriter) write(v uint32, n uint) {
	w.bits |= uint64(v) << w.have
	for w.have += n; w.have >= 32; w.have -= 32 {
		b := w.bits
		w.out = append(w.out, byte(b), byte(b>>8), byte(b>>16), byte(b>>24))
		w.bits >>= 32
	}
}

// end returns what was written, the last byte filled up.
func (w *bitWriter) end() []byte {
	for ; w.have > 0; w.have -= min(8, w.have) {
		w.out = append(w.out, byte(w.bits))
		w.bits >>= 8
	}
	return w.out
}

// A codeWord is how a symbol is written.
type codeWord struct {
	bits   uint16
	length uint8
}

func (w *bitWriter) code(c codeWord) { w.write(uint32(c.bits), uint(c.length)) }

// prefixed returns the symbol that begins a length or distance code, and the bits that
// follow it (section 3.6.2.2).
func prefixed(v int) (symbol int, extra uint32, n uint) {
	if v--; v < 4 {
		return v, 0, 0
	}
	high := uint(bits.Len(uint(v)) - 1)
	n = high - 1
	return int(2*high) + v>>n&1, uint32(v) & (1<<n - 1), n
}

// writeSimple writes a code of one or two symbols below 256, in order.
func (w *bitWriter) writeSimple(symbols []int) {
	w.write(1, 1)
	w.write(uint32(len(symbols)-1), 1)
	if symbols[0] < 2 {
		w.write(0, 1)
		w.write(uint32(symbols[0]), 1)
	} else {
		w.write(1, 1)
		w.write(uint32(symbols[0]), 8)
	}
	if len(symbols) == 2 {
		w.write(uint32(symbols[1]), 8)
	}
}

// writePrefixCode writes a prefix code for symbols of these counts (section 3.7.2.1) and
// returns it.
func (w *bitWriter) writePrefixCode(counts []uint32) []codeWord {
	var used []int
	for s, n := range counts {
		if n > 0 && len(used) < 3 {
			used = append(used, s)
		}
	}
	if len(used) == 0 {
		used = append(used, 0)
	}
	if len(used) < 3 && used[len(used)-1] < literals {
		w.writeSimple(used)
		words := make([]codeWord, len(counts))
		if len(used) == 2 {
			words[used[0]], words[used[1]] = codeWord{0, 1}, codeWord{1, 1}
		}
		return words
	}
	lengths := codeLengths(counts, maxCodeLength)
	items := lengthItems(lengths)
	var itemCounts [len(codeOrder)]uint32
	for _, it := range items {
		itemCounts[it.symbol]++
	}
	const longest = 7
	itemLengths := codeLengths(itemCounts[:], longest)
	last := len(codeOrder)
	for last > 4 && itemLengths[codeOrder[last-1]] == 0 {
		last--
	}
	w.write(0, 1)
	w.write(uint32(last-4), 4)
	for _, s := range codeOrder[:last] {
		w.write(uint32(itemLengths[s]), 3)
	}
	// Zeros at the end need not be written, if to say so is shorter.
	words := codeWords(itemLengths)
	written, saved := len(items), uint(0)
	for written > 2 && (items[written-1].symbol == 0 || items[written-1].symbol > 16) {
		written--
		saved += uint(words[items[written].symbol].length) + items[written].n
	}
	lengthBits := (uint(bits.Len(uint(written-2))) + 1) &^ 1
	lengthBits = max(2, lengthBits)
	if written < len(items) && saved > 3+lengthBits {
		w.write(1, 1)
		w.write(uint32(lengthBits-2)/2, 3)
		w.write(uint32(written-2), lengthBits)
		items = items[:written]
	} else {
		w.write(0, 1)
	}
	for _, it := range items {
		w.code(words[it.symbol])
		w.write(it.extra, it.n)
	}
	return codeWords(lengths)
}

// A lengthItem is a symbol of the code that code lengths are written with, and the bits
// behind it.
type lengthItem struct {
	symbol uint8
	extra  uint32
	n      uint
}

// lengthItems returns the code lengths, repetitions put together.
func lengthItems(lengths []uint8) []lengthItem {
	var items []lengthItem
	before := uint8(8) // what a repetition repeats: the last length that is not 0
	for i := 0; i < len(lengths); {
		l, run := lengths[i], 1
		for i+run < len(lengths) && lengths[i+run] == l {
			run++
		}
		i += run
		if l != 0 && l != before {
			items = append(items, lengthItem{symbol: l})
			before = l
			run--
		}
		for run > 0 {
			n := 1
			switch {
			case l == 0 && run >= 11:
				n = min(run, 138)
				items = append(items, lengthItem{18, uint32(n - 11), 7})
			case l == 0 && run >= 3:
				n = run
				items = append(items, lengthItem{17, uint32(n - 3), 3})
			case l != 0 && run >= 3:
				n = min(run, 6)
				items = append(items, lengthItem{16, uint32(n - 3), 2})
			default:
				items = append(items, lengthItem{symbol: l})
			}
			run -= n
		}
	}
	return items
}

// codeLengths returns the lengths of a Huffman code, none above most. A lone symbol has
// the length 1, which readers take for none.
func codeLengths(counts []uint32, most int) []uint8 {
	lengths := make([]uint8, len(counts))
	var leaves []uint64 // count and symbol
	for s, n := range counts {
		if n > 0 {
			leaves = append(leaves, uint64(n)<<16|uint64(s))
		}
	}
	if len(leaves) == 0 {
		return lengths
	}
	if len(leaves) == 1 {
		lengths[leaves[0]&0xffff] = 1
		return lengths
	}
	slices.Sort(leaves)
	sums := make([]uint64, len(leaves)-1)   // of inner nodes
	parents := make([]int32, 2*len(sums)+1) // of leaves, then of inner nodes
	for least := uint64(1); ; least *= 2 {
		leaf, inner := 0, 0
		for made := range sums {
			for range 2 {
				if leaf < len(leaves) && (inner >= made || max(leaves[leaf]>>16, least) <= sums[inner]) {
					sums[made] += max(leaves[leaf]>>16, least)
					parents[leaf] = int32(made)
					leaf++
				} else {
					sums[made] += sums[inner]
					parents[len(leaves)+inner] = int32(made)
					inner++
				}
			}
		}
		depths := make([]int, len(sums))
		for i := len(sums) - 2; i >= 0; i-- {
			depths[i] = depths[parents[len(leaves)+i]] + 1
		}
		deepest := 0
		for i, leaf := range leaves {
			depth := depths[parents[i]] + 1
			deepest = max(deepest, depth)
			lengths[leaf&0xffff] = uint8(min(depth, 255))
		}
		if deepest <= most {
			return lengths
		}
		clear(sums)
	}
}

// codeWords returns the canonical code of these lengths.
func codeWords(lengths []uint8) []codeWord {
	words := make([]codeWord, len(lengths))
	var counts, firsts [maxCodeLength + 1]uint16
	used := 0
	for _, n := range lengths {
		if n > 0 {
			counts[n]++
			used++
		}
	}
	if used < 2 {
		return words // one symbol takes no bits
	}
	for n := 1; n <= maxCodeLength; n++ {
		firsts[n] = (firsts[n-1] + counts[n-1]) << 1
	}
	for s, n := range lengths {
		if n > 0 {
			words[s] = codeWord{bits.Reverse16(firsts[n]) >> (16 - n), n}
			firsts[n]++
		}
	}
	return words
}
