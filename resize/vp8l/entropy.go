package vp8l

import (
	"math/bits"
	"sync"
)

// Costs are counted in integers, so that every machine writes the same bytes: entropies in
// 1/4096 of a bit, what one symbol costs in 1/256.
const (
	entropyBits = 12
	costBits    = 8
)

// logarithms holds log2(1 + i/256) in 1/4096, digit by digit.
var logarithms = sync.OnceValue(func() *[257]uint32 {
	var table [257]uint32
	for i := range uint64(256) {
		v, digits := (256+i)<<23, uint32(0) // 1 is 1<<31
		for range entropyBits + 1 {
			digits <<= 1
			if v = v * v >> 31; v >= 1<<32 {
				v >>= 1
				digits |= 1
			}
		}
		table[i] = (digits + 1) >> 1
	}
	table[256] = 1 << entropyBits
	return &table
})

// log2 returns the logarithm of n, which is not 0, in 1/4096.
func log2(table *[257]uint32, n uint32) uint32 {
	zeros := bits.LeadingZeros32(n)
	m := n << zeros
	i, rest := m>>23&0xff, m>>11&0xfff
	return uint32(31-zeros)<<entropyBits + table[i] + (table[i+1]-table[i])*rest>>entropyBits
}

// entropy returns what so many symbols take at the least, and how many kinds there are.
func entropy(counts []uint32) (size int64, kinds int) {
	table := logarithms()
	var total, sum uint64
	for _, n := range counts {
		if n == 0 {
			continue
		}
		kinds++
		total += uint64(n)
		if n > 1 {
			sum += uint64(n) * uint64(log2(table, n))
		}
	}
	if kinds < 2 {
		return 0, kinds
	}
	return int64(total*uint64(log2(table, uint32(total))) - sum), kinds
}

// codeSize returns about what a prefix code of these symbols and the symbols take.
func codeSize(counts []uint32) int64 {
	size, kinds := entropy(counts)
	if kinds < 2 {
		return 12 << entropyBits
	}
	return size + int64(20+5*kinds)<<entropyBits
}

// symbolCosts writes what each symbol costs. Those that were not seen cost as if they
// had been once.
func symbolCosts(costs []uint32, counts []uint32) {
	table := logarithms()
	total, kinds := uint32(0), 0
	for _, n := range counts {
		total += n
		if n > 0 {
			kinds++
		}
	}
	all := uint32(0)
	if total > 0 {
		all = log2(table, total)
	}
	for s, n := range counts {
		switch {
		case kinds == 1 && n > 0:
			costs[s] = 0
		case n > 0:
			costs[s] = (all - log2(table, n)) >> (entropyBits - costBits)
		default:
			costs[s] = all>>(entropyBits-costBits) + 1<<costBits
		}
	}
}

// A histogram counts the symbols of a group of prefix codes, one code after the other.
type histogram struct {
	counts []uint32
	green  int // symbols of the first code
}

func newHistogram(cacheBits uint) histogram {
	green := greenSymbols(cacheBits)
	return histogram{make([]uint32, green+3*literals+distanceSymbols), green}
}

// greenSymbols returns how many symbols the first code of a group has.
func greenSymbols(cacheBits uint) int {
	if cacheBits == 0 {
		return literals + lengthSymbols
	}
	return literals + lengthSymbols + 1<<cacheBits
}

// at returns where the symbols of a code begin.
func (h *histogram) at(code int) int {
	if code == greenCode {
		return 0
	}
	return h.green + (code-1)*literals
}

// code returns the counts of a code.
func (h *histogram) code(code int) []uint32 {
	begin := h.at(code)
	switch code {
	case greenCode:
		return h.counts[:h.green]
	case distanceCode:
		return h.counts[begin:]
	}
	return h.counts[begin:][:literals]
}

// size returns about what the codes and the symbols take.
func (h *histogram) size() int64 {
	total := int64(0)
	for code := range codesOfGroup {
		total += codeSize(h.code(code))
	}
	return total
}
