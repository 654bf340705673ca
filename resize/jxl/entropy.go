package jxl

import (
	"errors"
	"math/bits"
	"slices"
)

// The entropy decoder of JPEG XL (ISO/IEC 18181-1, annex C): numbers by ANS or
// prefix codes, with distributions chosen by context. It is used for embedded
// profiles alone, so it reads bit by bit.

var errEntropy = errors.New("JPEG XL entropy coding")

// A hybrid is how a symbol and bits behind it make a number (section C.3.3).
type hybrid struct{ split, msb, lsb int }

// A code gives symbols of one distribution.
type code struct {
	config hybrid

	// ANS: how frequent symbols are, of 4096, and the alias table.
	count                     []int
	symbols, offsets, cutoffs []int
	bucketBits                int

	prefix *prefix // instead of ANS
}

// A entropy is a stream of numbers.
type entropy struct {
	r       *reader
	codes   []code
	cluster []int // of each context
	prefix  bool
	state   uint32

	lz                  bool
	minSymbol, minCopy  int
	lengthConfig        hybrid
	decoded             []uint32 // for copies
	copyFrom, copyCount int
}

const (
	ansBits   = 12
	ansSize   = 1 << ansBits
	ansFinal  = 0x130000
	maxCopies = 1 << 22 // numbers of one stream
)

func log2ceil(n int) int { return bits.Len(uint(n - 1)) }

func (r *reader) uintConfig(alphabetBits int) (c hybrid) {
	c.split = int(r.bits(log2ceil(alphabetBits + 1)))
	if c.split != alphabetBits {
		c.msb = int(r.bits(log2ceil(c.split + 1)))
		if c.msb <= c.split {
			c.lsb = int(r.bits(log2ceil(c.split - c.msb + 1)))
		}
	}
	return c
}

func (c hybrid) valid() bool { return c.msb+c.lsb <= c.split && c.split <= 15 }

// u8 reads a number below 256 (section C.2.5).
func (r *reader) u8() int {
	if r.bits(1) == 0 {
		return 0
	}
	n := int(r.bits(3))
	return 1<<n + int(r.bits(n))
}

// entropy reads the distributions of a stream of that many contexts.
func (r *reader) entropy(contexts int, nested bool) (*entropy, error) {
	e := &entropy{r: r}
	if e.lz = r.bits(1) == 1; e.lz {
		if nested {
			return nil, errEntropy
		}
		e.minSymbol = int(r.u32([4][2]uint32{{224, 0}, {512, 0}, {4096, 0}, {8, 15}}))
		e.minCopy = int(r.u32([4][2]uint32{{3, 0}, {4, 0}, {5, 2}, {9, 8}}))
		e.lengthConfig = r.uintConfig(8)
		if !e.lengthConfig.valid() {
			return nil, errEntropy
		}
		contexts++
	}
	e.cluster = make([]int, contexts)
	if contexts > 1 {
		if err := e.readClusters(); err != nil {
			return nil, err
		}
	}
	n := slices.Max(e.cluster) + 1
	if n > contexts {
		return nil, errEntropy
	}
	e.codes = make([]code, n)
	e.prefix = r.bits(1) == 1
	alphabetBits := 15
	if !e.prefix {
		alphabetBits = 5 + int(r.bits(2))
	}
	for i := range e.codes {
		if e.codes[i].config = r.uintConfig(alphabetBits); !e.codes[i].config.valid() {
			return nil, errEntropy
		}
	}
	sizes := make([]int, n)
	for i := range sizes {
		if sizes[i] = 1; e.prefix && r.bits(1) == 1 {
			k := int(r.bits(4))
			sizes[i] = 1 + 1<<k + int(r.bits(k))
		}
	}
	for i := range e.codes {
		var err error
		if e.prefix {
			e.codes[i].prefix, err = r.prefixCode(sizes[i])
		} else {
			err = e.codes[i].readANS(r, alphabetBits)
		}
		if err != nil || r.past() {
			return nil, errEntropy
		}
	}
	if !e.prefix {
		e.state = r.bits(16)
		e.state |= r.bits(16) << 16
	}
	return e, nil
}

// readClusters reads which contexts share a distribution (section C.2.2).
func (e *entropy) readClusters() error {
	r := e.r
	if r.bits(1) == 1 { // simple
		n := int(r.bits(2))
		for i := range e.cluster {
			e.cluster[i] = int(r.bits(n))
		}
		return nil
	}
	front := r.bits(1) == 1
	inner, err := r.entropy(1, len(e.cluster) <= 2)
	if err != nil {
		return err
	}
	for i := range e.cluster {
		v, err := inner.number(0)
		if err != nil || v > 255 {
			return errEntropy
		}
		e.cluster[i] = int(v)
	}
	if err := inner.end(); err != nil {
		return err
	}
	if front { // moved to front
		var order [256]int
		for i := range order {
			order[i] = i
		}
		for i, v := range e.cluster {
			c := order[v]
			copy(order[1:v+1], order[:v])
			order[0] = c
			e.cluster[i] = c
		}
	}
	return nil
}

// logCount reads one of the fourteen logarithms of counts (section C.2.5).
func (r *reader) logCount() int {
	switch r.bits(3) {
	case 0:
		return 10
	case 2:
		return 7
	case 4:
		return 6
	case 5:
		return 8
	case 6:
		return 9
	case 3:
		return []int{3, 1}[r.bits(1)]
	case 7:
		return []int{5, 2}[r.bits(1)]
	}
	for _, n := range []int{4, 0, 11, 13} {
		if r.bits(1) == 1 {
			return n
		}
	}
	return 12
}

// readANS reads a distribution (section C.2.5).
func (c *code) readANS(r *reader, alphabetBits int) error {
	most := 1 << alphabetBits
	d := make([]int, most)
	put := func(i, n int) bool {
		if i >= most || n < 0 {
			return false
		}
		d[i] = n
		return true
	}
	switch {
	case r.bits(1) == 1: // one or two
		two := r.bits(1) == 1
		a := r.u8()
		if !two {
			if !put(a, ansSize) {
				return errEntropy
			}
			break
		}
		b := r.u8()
		n := int(r.bits(ansBits))
		if a == b || !put(a, n) || !put(b, ansSize-n) {
			return errEntropy
		}
	case r.bits(1) == 1: // all the same
		n := r.u8() + 1
		for i := range n {
			v := ansSize / n
			if i < ansSize%n {
				v++
			}
			if !put(i, v) {
				return errEntropy
			}
		}
	default:
		if err := readCounts(r, d); err != nil {
			return err
		}
	}
	c.count = d
	c.alias(alphabetBits)
	return nil
}

func readCounts(r *reader, d []int) error {
	n := 0
	for n < 3 && r.bits(1) == 1 {
		n++
	}
	shift := int(r.bits(n)) + 1<<n - 1
	size := r.u8() + 3
	if shift > 13 || size > len(d) {
		return errEntropy
	}
	logs, same := make([]int, size), make([]int, size)
	omitted := -1
	for i := 0; i < size; i++ {
		logs[i] = r.logCount()
		if logs[i] == 13 {
			same[i] = r.u8() + 5
			i += same[i] - 2
			continue
		}
		if omitted < 0 || logs[i] > logs[omitted] {
			omitted = i
		}
	}
	if omitted < 0 || omitted+1 < size && logs[omitted+1] == 13 {
		return errEntropy
	}
	total, left, before := 0, 0, 0
	for i := range size {
		if same[i] > 0 {
			left, before = same[i]-1, 0
			if i > 0 {
				before = d[i-1]
			}
		}
		switch code := logs[i]; {
		case left > 0:
			d[i] = before
			left--
		case i == omitted || code == 0:
		case code == 1:
			d[i] = 1
		default:
			n := max(0, min(code-1, shift-(ansBits-code+1)>>1))
			d[i] = 1<<(code-1) + int(r.bits(n))<<(code-1-n)
		}
		total += d[i]
	}
	if d[omitted] = ansSize - total; d[omitted] <= 0 {
		return errEntropy
	}
	return nil
}

// alias fills the table by which a part of the state becomes a symbol (section
// C.2.6).
func (c *code) alias(alphabetBits int) {
	n := 1 << alphabetBits
	c.bucketBits = ansBits - alphabetBits
	bucket := 1 << c.bucketBits
	c.symbols, c.offsets, c.cutoffs = make([]int, n), make([]int, n), make([]int, n)
	for i, v := range c.count {
		if v == ansSize {
			for j := range n {
				c.symbols[j], c.offsets[j] = i, bucket*j
			}
			return
		}
	}
	var over, under []int
	for i, v := range c.count {
		c.cutoffs[i] = v
		if v > bucket {
			over = append(over, i)
		} else if v < bucket {
			under = append(under, i)
		}
	}
	for len(over) > 0 && len(under) > 0 {
		o, u := over[len(over)-1], under[len(under)-1]
		over, under = over[:len(over)-1], under[:len(under)-1]
		c.cutoffs[o] -= bucket - c.cutoffs[u]
		c.symbols[u], c.offsets[u] = o, c.cutoffs[o]
		if c.cutoffs[o] < bucket {
			under = append(under, o)
		} else if c.cutoffs[o] > bucket {
			over = append(over, o)
		}
	}
	for i := range n {
		if c.cutoffs[i] == bucket {
			c.symbols[i], c.offsets[i], c.cutoffs[i] = i, 0, 0
		} else {
			c.offsets[i] -= c.cutoffs[i]
		}
	}
}

// symbol reads one symbol of a distribution.
func (e *entropy) symbol(c *code) (int, error) {
	if e.prefix {
		return c.prefix.read(e.r)
	}
	at := int(e.state & (ansSize - 1))
	i, pos := at>>c.bucketBits, at&(1<<c.bucketBits-1)
	s, offset := i, pos
	if pos >= c.cutoffs[i] {
		s, offset = c.symbols[i], c.offsets[i]+pos
	}
	e.state = uint32(c.count[s])*(e.state>>ansBits) + uint32(offset)
	if e.state < 1<<16 {
		e.state = e.state<<16 | e.r.bits(16)
	}
	return s, nil
}

// value returns the number that a symbol and the bits behind it make.
func (e *entropy) value(c hybrid, token int) (uint32, error) {
	if token < 1<<c.split {
		return uint32(token), nil
	}
	in := c.msb + c.lsb
	n := c.split - in + (token-1<<c.split)>>in
	if n > 30 {
		return 0, errEntropy
	}
	low := token & (1<<c.lsb - 1)
	high := token>>c.lsb&(1<<c.msb-1) | 1<<c.msb
	return (uint32(high)<<n|e.r.bits(n))<<c.lsb | uint32(low), nil
}

// number reads a number in a context (section C.3).
func (e *entropy) number(context int) (uint32, error) {
	if e.r.past() || len(e.decoded) >= maxCopies {
		return 0, errEntropy
	}
	if e.copyCount > 0 {
		e.copyCount--
		v := e.decoded[e.copyFrom]
		e.copyFrom++
		e.decoded = append(e.decoded, v)
		return v, nil
	}
	c := &e.codes[e.cluster[context]]
	token, err := e.symbol(c)
	if err != nil {
		return 0, err
	}
	if e.lz && token >= e.minSymbol {
		length, err := e.value(e.lengthConfig, token-e.minSymbol)
		if err != nil {
			return 0, err
		}
		c := &e.codes[e.cluster[len(e.cluster)-1]]
		if token, err = e.symbol(c); err != nil {
			return 0, err
		}
		distance, err := e.value(c.config, token)
		if err != nil || len(e.decoded) == 0 {
			return 0, errEntropy
		}
		e.copyFrom = len(e.decoded) - min(int(distance)+1, len(e.decoded), 1<<20)
		e.copyCount = int(length) + e.minCopy
		return e.number(context)
	}
	v, err := e.value(c.config, token)
	if e.lz {
		e.decoded = append(e.decoded, v)
	}
	return v, err
}

// end reports whether the stream ended as it must.
func (e *entropy) end() error {
	if e.r.past() || !e.prefix && e.state != ansFinal {
		return errEntropy
	}
	return nil
}
