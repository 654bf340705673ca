package jpeg

import (
	"encoding/binary"
	"slices"
)

// A huffmanSpec is a Huffman table as a file holds it (T.81 section B.2.4.2):
// the number of codes of each length from 1 to 16, and the symbols by
// increasing length.
type huffmanSpec struct {
	count  [16]uint8
	values []uint8
}

// Numbers of an encoder's tables. Chroma has those of luma plus 2.
const (
	tableDC = 0
	tableAC = 1
)

// A token is a symbol to be coded by one of the tables and the bits that
// follow it. Bits 21 to 31 are the table and the symbol, bits 16 to 20 the
// number of bits, bits 0 to 15 the bits.
type token uint32

// rawBits is the table and the symbol of a token that is bits only.
const rawBits = 4 << 8

func makeToken(table, symbol int, nbits uint, v uint32) token {
	return token(table<<29 | symbol<<21 | int(nbits)<<16 | int(v))
}

// index is the place of the code in encoder.codes.
func (t token) index() uint { return uint(t) >> 21 }

// setCodes fills in the codes of a table (T.81 annex C).
func (e *encoder) setCodes(table int, s *huffmanSpec) {
	codes := e.codes[table<<8:][:256]
	clear(codes)
	code, k := uint32(0), 0
	for l, n := range s.count {
		for range n {
			codes[s.values[k]] = code<<8 | uint32(l+1)
			code++
			k++
		}
		code <<= 1
	}
}

// countTokens counts the symbols of e.tokens.
func (e *encoder) countTokens() {
	clear(e.counts[:rawBits+1])
	for _, t := range e.tokens {
		e.counts[t.index()]++
	}
}

// optimalTable makes the best table for the symbols counted, into e.spec,
// and reports whether there are any (T.81 section K.2).
func (e *encoder) optimalTable(table int) bool {
	// The symbol of count 0 reserves the code of all ones, which must not
	// be used; it sorts first, so it gets one of the longest codes.
	e.keys[0] = 0
	keys := e.keys[:1]
	for s, n := range e.counts[table<<8:][:256] {
		if n > 0 {
			keys = append(keys, uint64(n)<<8|uint64(s))
		}
	}
	if len(keys) == 1 {
		return false
	}
	slices.Sort(keys)
	lengths := codeLengths(keys)
	longest := 16
	for lengths[longest] == 0 {
		longest--
	}
	lengths[longest]-- // the reserved one
	s := &e.spec
	for l := range s.count {
		s.count[l] = uint8(lengths[l+1])
	}
	s.values = s.values[:0]
	for _, k := range slices.Backward(keys[1:]) {
		s.values = append(s.values, uint8(k))
	}
	return true
}

// codeLengths returns how many codes of each length from 1 to 16 are best
// for symbols whose counts, ascending, are in the upper bits of keys.
// There must be at least two and at most 257.
func codeLengths(keys []uint64) (lengths [64]int) {
	// Huffman's method with two queues: the leaves, and the nodes made of
	// them, which come out in order by themselves. Node i is the parent of
	// two; the last one is the root.
	var (
		weight     [256]uint64
		leafParent [257]uint16
		nodeParent [256]uint16
	)
	leaf, node := 0, 0
	for made := range len(keys) - 1 {
		for range 2 {
			if leaf < len(keys) && (node == made || keys[leaf]>>8 <= weight[node]) {
				weight[made] += keys[leaf] >> 8
				leafParent[leaf] = uint16(made)
				leaf++
			} else {
				weight[made] += weight[node]
				nodeParent[node] = uint16(made)
				node++
			}
		}
	}
	var depth [256]uint8
	for i := len(keys) - 3; i >= 0; i-- {
		depth[i] = depth[nodeParent[i]] + 1
	}
	// A depth of 63 needs a count beyond 1<<40, more than there are tokens.
	for i := range keys {
		lengths[depth[leafParent[i]]+1]++
	}
	// Codes that are too long move up in pairs, one taking the place of
	// their prefix, the other sharing that of a shorter code (T.81 figure K.3).
	for l := len(lengths) - 1; l > 16; l-- {
		for lengths[l] > 0 {
			short := l - 2
			for lengths[short] == 0 {
				short--
			}
			lengths[l] -= 2
			lengths[l-1]++
			lengths[short+1] += 2
			lengths[short]--
		}
	}
	return lengths
}

// putTokens codes e.tokens.
func (e *encoder) putTokens() {
	const most = 1024 // tokens of at most 8 bytes between looks at buf
	for ts := e.tokens; len(ts) > 0 && e.err == nil; {
		m := min(most, len(ts))
		e.room(8*most + 8)
		acc, nbits, n := e.acc, e.nbits, e.n
		for _, t := range ts[:m] {
			c := e.codes[t.index()]
			v := uint(t >> 16 & 31)
			l := uint(c&255) + v
			acc = acc<<(l&63) | uint64(c>>8<<v|uint32(t&0xffff))
			nbits += l
			if nbits >= 32 {
				nbits -= 32
				n = put32(&e.buf, n, uint32(acc>>(nbits&63)))
			}
		}
		e.acc, e.nbits, e.n = acc, nbits, n
		ts = ts[m:]
	}
}

// put32 writes four bytes of entropy-coded data at buf[n:] and a zero after
// each that is FF (T.81 section F.1.2.3). It returns n moved on.
func put32(buf *[64 << 10]byte, n int, v uint32) int {
	if v&0x80808080&(v&0x7f7f7f7f+0x01010101) == 0 { // no FF
		binary.BigEndian.PutUint32(buf[n:], v)
		return n + 4
	}
	for s := 24; s >= 0; s -= 8 {
		b := byte(v >> s)
		buf[n] = b
		n++
		if b == 0xff {
			buf[n] = 0
			n++
		}
	}
	return n
}

// padBits ends the entropy-coded data with ones up to a whole byte.
func (e *encoder) padBits() {
	e.room(16)
	pad := -e.nbits & 7
	acc := e.acc<<pad | (1<<pad - 1)
	for n := e.nbits + pad; n > 0; n -= 8 {
		b := byte(acc >> (n - 8))
		e.buf[e.n] = b
		e.n++
		if b == 0xff {
			e.buf[e.n] = 0
			e.n++
		}
	}
	e.acc, e.nbits = 0, 0
}

// room makes room for n bytes in buf.
func (e *encoder) room(n int) {
	if e.n+n > len(e.buf) {
		e.flush()
	}
}

// flush writes buf out.
func (e *encoder) flush() {
	if e.err == nil {
		_, e.err = e.w.Write(e.buf[:e.n])
	}
	e.n = 0
}
