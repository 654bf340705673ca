package jxl

import (
	"math/bits"
	"slices"
)

// Prefix codes of JPEG XL, which are those of Brotli (RFC 7932, section 3).

const maxPrefixBits = 15

// A prefix is a canonical one: how many codes there are of each length, and
// the symbols by length.
type prefix struct {
	counts  [maxPrefixBits + 1]int
	symbols []int
}

// newPrefix returns the code of those lengths; 0 stands for symbols that do
// not occur. One that occurs alone takes no bits.
func newPrefix(lengths []byte) *prefix {
	c := &prefix{}
	for n := 1; n <= maxPrefixBits; n++ {
		for s, l := range lengths {
			if int(l) == n {
				c.counts[n]++
				c.symbols = append(c.symbols, s)
			}
		}
	}
	return c
}

func (c *prefix) read(r *reader) (int, error) {
	if len(c.symbols) == 1 {
		return c.symbols[0], nil
	}
	code, first, at := 0, 0, 0
	for _, count := range c.counts[1:] {
		code |= int(r.bits(1))
		if code-first < count {
			return c.symbols[at+code-first], nil
		}
		at += count
		first = (first + count) << 1
		code <<= 1
	}
	return 0, errEntropy
}

// prefixCode reads the code of an alphabet of that size.
func (r *reader) prefixCode(size int) (*prefix, error) {
	if size == 1 {
		return &prefix{symbols: []int{0}}, nil
	}
	skipped := int(r.bits(2))
	if skipped == 1 {
		return r.simplePrefix(size)
	}
	order := []int{1, 2, 3, 4, 0, 5, 17, 6, 16, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	inner := make([]byte, len(order))
	space := 32
	for _, i := range order[skipped:] {
		if space <= 0 {
			break
		}
		if inner[i] = r.lengthOfLength(); inner[i] > 0 {
			space -= 32 >> inner[i]
		}
	}
	of := newPrefix(inner)
	if len(of.symbols) == 0 || space != 0 && len(of.symbols) != 1 {
		return nil, errEntropy
	}
	lengths := make([]byte, size)
	space = 1 << maxPrefixBits
	last, repeated, repeat := byte(8), byte(0), 0
	for i := 0; i < size && space > 0; {
		n, err := of.read(r)
		if err != nil || r.past() {
			return nil, errEntropy
		}
		if n < 16 {
			repeat = 0
			lengths[i] = byte(n)
			i++
			if n > 0 {
				last = byte(n)
				space -= 1 << maxPrefixBits >> n
			}
			continue
		}
		length := byte(0)
		if n == 16 {
			length = last
		}
		if length != repeated {
			repeat, repeated = 0, length
		}
		before := repeat
		if repeat > 0 {
			repeat = (repeat - 2) << (n - 14)
		}
		repeat += int(r.bits(n-14)) + 3
		more := repeat - before
		if i+more > size {
			return nil, errEntropy
		}
		for range more {
			lengths[i] = length
			i++
		}
		if length > 0 {
			space -= more << (maxPrefixBits - length)
		}
	}
	if space != 0 {
		return nil, errEntropy
	}
	return newPrefix(lengths), nil
}

// lengthOfLength reads one of six lengths by a code of its own.
func (r *reader) lengthOfLength() byte {
	switch r.bits(2) {
	case 0:
		return 0
	case 1:
		return 4
	case 2:
		return 3
	}
	if r.bits(1) == 0 {
		return 2
	}
	return []byte{1, 5}[r.bits(1)]
}

// simplePrefix reads a code of up to four symbols.
func (r *reader) simplePrefix(size int) (*prefix, error) {
	n := int(r.bits(2)) + 1
	symbols := make([]int, n)
	for i := range symbols {
		if symbols[i] = int(r.bits(bits.Len(uint(size - 1)))); symbols[i] >= size || slices.Contains(symbols[:i], symbols[i]) {
			return nil, errEntropy
		}
	}
	lengths := make([]byte, size)
	of := [][]byte{{1}, {1, 1}, {1, 2, 2}, {2, 2, 2, 2}}[n-1]
	if n == 4 && r.bits(1) == 1 {
		of = []byte{1, 2, 3, 3}
	}
	for i, s := range symbols {
		lengths[s] = of[i]
	}
	return newPrefix(lengths), nil
}
