package vp8l

import (
	"fmt"
	"math/bits"
)

// A prefixCode is a table that is looked up by the next bits of the data. An entry is a
// symbol and, in the lowest four bits, the length of its code. Where codes are longer than
// rootBits, the entry of their first bits has more of them in its length and says where a
// further table begins.
type prefixCode struct {
	table []uint32
	root  uint // bits
}

const (
	rootBits  = 8
	entryBits = 4 // of the length
	linked    = 1 << 31
)

// What the tables of one picture may have, in entries: those of encoders have a fraction of
// it. A group of codes counts as groupEntries more.
const (
	leastEntries   = 1 << 19
	pixelsOfEntry  = 2
	groupEntries   = 64
	bytesOfEntry   = 4
	bytesOfEntries = bytesOfEntry / pixelsOfEntry // a pixel
)

// next returns the next symbol; fill has been called.
func (c *prefixCode) next(r *bitReader) uint32 {
	e := c.table[r.bits&(1<<c.root-1)]
	if e&linked != 0 {
		r.skip(c.root)
		n := uint(e & (1<<entryBits - 1))
		e = c.table[uint64(e&^linked>>entryBits)+r.bits&(1<<n-1)]
	}
	r.skip(uint(e & (1<<entryBits - 1)))
	return e >> entryBits
}

// single returns the only symbol of a code that takes no bits.
func (c *prefixCode) single() (symbol uint32, ok bool) {
	return c.table[0] >> entryBits, c.root == 0
}

// newPrefixCode makes the table of a canonical code (section 3.7.2.1). A code of one
// symbol takes no bits.
func newPrefixCode(lengths []uint8) (prefixCode, error) {
	var counts [maxCodeLength + 1]int
	used, last := 0, 0
	for s, n := range lengths {
		if n > 0 {
			counts[n]++
			used++
			last = s
		}
	}
	if used == 0 {
		return prefixCode{}, fmt.Errorf("%w: a prefix code without a symbol", ErrMalformed)
	}
	if used == 1 {
		return prefixCode{table: []uint32{uint32(last) << entryBits}}, nil
	}
	var firsts [maxCodeLength + 1]uint32 // code of the next symbol of a length
	code, most := uint32(0), 0
	for n := 1; n <= maxCodeLength; n++ {
		code <<= 1
		firsts[n] = code
		code += uint32(counts[n])
		if counts[n] > 0 {
			most = n
		}
		if code > 1<<n {
			return prefixCode{}, fmt.Errorf("%w: more prefix codes than there can be", ErrMalformed)
		}
	}
	if code != 1<<maxCodeLength {
		return prefixCode{}, fmt.Errorf("%w: a prefix code that is not complete", ErrMalformed)
	}
	c := prefixCode{root: uint(min(most, rootBits))}
	c.table = make([]uint32, 1<<c.root, tableEntries(&counts, c.root))
	if most > rootBits {
		c.link(lengths, firsts)
	}
	for s, n := range lengths {
		if n == 0 {
			continue
		}
		reversed := uint(bits.Reverse32(firsts[n]) >> (32 - n))
		firsts[n]++
		if uint(n) <= c.root {
			for i := reversed; i < 1<<c.root; i += 1 << n {
				c.table[i] = uint32(s)<<entryBits | uint32(n)
			}
			continue
		}
		link := c.table[reversed&(1<<c.root-1)]
		size := uint(1) << (link & (1<<entryBits - 1))
		table := c.table[link&^linked>>entryBits:][:size]
		for i := reversed >> c.root; i < size; i += 1 << (uint(n) - c.root) {
			table[i] = uint32(s)<<entryBits | uint32(uint(n)-c.root)
		}
	}
	return c, nil
}

// link appends a table for each root entry whose codes are longer, as large as the longest
// of them needs.
func (c *prefixCode) link(lengths []uint8, firsts [maxCodeLength + 1]uint32) {
	var longest [1 << rootBits]uint8
	for _, n := range lengths {
		if n == 0 {
			continue
		}
		reversed := bits.Reverse32(firsts[n]) >> (32 - n)
		firsts[n]++
		if n > rootBits {
			at := &longest[reversed&(1<<rootBits-1)]
			*at = max(*at, n)
		}
	}
	for i, n := range longest {
		if n > 0 {
			c.table[i] = linked | uint32(len(c.table))<<entryBits | uint32(n-rootBits)
			c.table = append(c.table, make([]uint32, 1<<(n-rootBits))...)
		}
	}
}

// tableEntries returns how many entries a table will have, or a few more.
func tableEntries(counts *[maxCodeLength + 1]int, root uint) int {
	entries := 1 << root
	for n := root + 1; n <= maxCodeLength; n++ {
		entries += counts[n] << 1
	}
	return entries
}

// readPrefixCode reads the lengths of a code's symbols (section 3.7.2.1) into lengths,
// whose length is the size of the alphabet.
func (r *bitReader) readPrefixCode(lengths []uint8) (prefixCode, error) {
	clear(lengths)
	if r.read(1) != 0 { // one or two symbols
		two := r.read(1) != 0
		first := r.read(1 + 7*uint(r.read(1)))
		symbols := []uint32{first}
		if two {
			symbols = append(symbols, r.read(8))
		}
		for _, s := range symbols {
			if int(s) < len(lengths) {
				lengths[s] = 1
			}
		}
		return newPrefixCode(lengths)
	}
	var codeLengths [len(codeOrder)]uint8
	for _, s := range codeOrder[:4+r.read(4)] {
		codeLengths[s] = uint8(r.read(3))
	}
	codes, err := newPrefixCode(codeLengths[:])
	if err != nil {
		return prefixCode{}, err
	}
	left := len(lengths) // symbols of the code of code lengths
	if r.read(1) != 0 {
		n := 2 + 2*uint(r.read(3))
		if left = 2 + int(r.read(n)); left > len(lengths) {
			return prefixCode{}, fmt.Errorf("%w: %d lengths of %d symbols", ErrMalformed, left, len(lengths))
		}
	}
	before := uint8(8)
	for s := 0; s < len(lengths) && left > 0; left-- {
		r.fill()
		length, times := uint8(0), 1
		switch n := codes.next(r); n {
		case 16:
			length, times = before, 3+int(r.read(2))
		case 17:
			times = 3 + int(r.read(3))
		case 18:
			times = 11 + int(r.read(7))
		default:
			if length = uint8(n); length > 0 {
				before = length
			}
		}
		if times > len(lengths)-s {
			return prefixCode{}, fmt.Errorf("%w: more lengths than symbols", ErrMalformed)
		}
		for range times {
			lengths[s] = length
			s++
		}
		if r.overrun() {
			return prefixCode{}, ErrTruncated
		}
	}
	return newPrefixCode(lengths)
}
