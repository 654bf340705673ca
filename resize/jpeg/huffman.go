package jpeg

const (
	maxClass = 1
	maxTable = 3

	symbolBits = 12         // window of codes.symbols
	dcBits     = 11         // window of dcTable.diffs
	valueBits  = 11         // window of acTable.values
	pairBits   = 11         // window of acTable.pairs
	skipBits   = symbolBits // window of acTable.skips
	cornerBits = symbolBits // window of acTable.corners
)

// codes is a Huffman table as it is in the file (T.81 section B.2.4.2), with
// what is needed to decode single symbols.
type codes struct {
	defined bool
	counts  [17]uint8 // of codes by length; counts[0] is unused
	vals    [256]uint8
	limits  [17]int32 // first code of the length that is too large, or 0
	offsets [17]int32 // index in vals minus code, by length

	// symbols has symbol<<8 | length for each window of symbolBits that
	// starts with a code, and 0 if the code is longer or there is none.
	symbols [1 << symbolBits]uint16
}

// define sets the table to the given contents, as they follow Tc and Th in a
// DHT segment. It reports whether this changed it.
func (c *codes) define(counts []byte, vals []byte) (changed bool, err error) {
	if c.defined && string(c.counts[1:]) == string(counts) && string(c.vals[:len(vals)]) == string(vals) {
		return false, nil
	}
	c.defined = false
	copy(c.counts[1:], counts)
	n := copy(c.vals[:], vals)
	clear(c.vals[n:])
	clear(c.symbols[:])
	code, k := int32(0), int32(0)
	for l := 1; l <= 16; l++ {
		count := int32(c.counts[l])
		if code+count > 1<<l {
			return true, FormatError("too many Huffman codes of a length")
		}
		c.offsets[l] = k - code
		c.limits[l] = code + count
		if count == 0 {
			c.limits[l] = 0
		}
		if l <= symbolBits {
			run := 1 << (symbolBits - l)
			at := int(code) * run
			for _, v := range c.vals[k : k+count] {
				for i := range c.symbols[at : at+run] {
					c.symbols[at+i] = uint16(v)<<8 | uint16(l)
				}
				at += run
			}
		}
		code, k = (code+count)<<1, k+count
	}
	c.defined = true
	return true, nil
}

// symbol returns the symbol that bits start with and the length of its code,
// or 0, 0 if no code fits.
func (c *codes) symbol(bits uint64) (sym, length uint) {
	if e := c.symbols[bits>>(64-symbolBits)]; e != 0 {
		return uint(e >> 8), uint(e & 0xff)
	}
	return c.longSymbol(bits)
}

func (c *codes) longSymbol(bits uint64) (sym, length uint) {
	w := int32(bits >> 48)
	for l := symbolBits + 1; l <= 16; l++ {
		if code := w >> (16 - l); code < c.limits[l] {
			return uint(c.vals[uint8(code+c.offsets[l])]), uint(l)
		}
	}
	return 0, 0
}

// extend is EXTEND of T.81 figure F.12: the value that the s bits v stand for.
func extend(v int32, s uint) int32 {
	if s > 0 && v < 1<<(s-1) {
		return v - 1<<s + 1
	}
	return v
}

// receiveExtend returns the value of the first s bits, s <= 15.
func receiveExtend(bits uint64, s uint) int32 {
	return extend(int32(bits>>1>>(63-s)), s)
}

// A dcTable decodes DC differences (T.81 section F.2.2.1).
type dcTable struct {
	codes

	// diffs has difference<<16 | length of code and value for each window of
	// dcBits that holds both entirely, else 0.
	diffs [1 << dcBits]uint32
}

func (t *dcTable) define(counts, vals []byte) error {
	changed, err := t.codes.define(counts, vals)
	if !changed || err != nil {
		return err
	}
	for i := range t.diffs {
		e := t.symbols[i<<(symbolBits-dcBits)]
		l, s := uint(e&0xff), uint(e>>8)
		if l == 0 || l+s > dcBits {
			t.diffs[i] = 0
			continue
		}
		v := int32(i) >> (dcBits - l - s) & (1<<s - 1)
		t.diffs[i] = uint32(extend(v, s))<<16 | uint32(l+s)
	}
	return nil
}

// slow returns the difference that bits start with and the bits it takes.
// It is for what t.diffs has no entry for. The length is 0 if there is no such
// code or its size category is not a legal one.
func (t *dcTable) slow(bits uint64) (diff int32, length uint) {
	s, l := t.symbol(bits)
	if l == 0 || s > 15 {
		return 0, 0
	}
	return receiveExtend(bits<<l, s), l + s
}

// An acTable decodes AC coefficients (T.81 section F.2.2.2) in three ways,
// whose tables are built when first needed.
type acTable struct {
	codes
	hasValues, hasPairs, hasSkips bool

	// values is for the first scans of progressive files: a coefficient per
	// look-up, as value<<16 | run+1 << 8 | bits, and 0 where the window does
	// not hold all of it and for symbols of size 0.
	values [1 << valueBits]uint32

	// pairs has up to two symbols with their values; see pair.
	pairs [1 << pairBits]uint64

	// skips passes over as many symbols as have their codes within the
	// window; the value bits of the last one may reach beyond. It has
	// advance<<8 | bits, where advance is the sum of run+1, at most 63, plus
	// 128 if the last symbol is EOB. It is 0 if not even the first fits.
	skips [1 << skipBits]uint16

	// corners begins a block at 2/8, from position 1. It has the wanted
	// coefficients in words 1 to 3, as they are in the layout, and passes over
	// the others as skips does: advance<<8 | bits. It ends with the block, or
	// before a wanted coefficient that the window does not hold all of.
	corners   [1 << cornerBits]uint64
	cornersOf *layout // that they are of; nil: they are not built
}

func (t *acTable) define(counts, vals []byte) error {
	changed, err := t.codes.define(counts, vals)
	if changed {
		t.hasValues, t.hasPairs, t.hasSkips, t.cornersOf = false, false, false, nil
	}
	return err
}

func (t *acTable) buildValues() {
	if t.hasValues {
		return
	}
	t.hasValues = true
	for i := range t.values {
		e := t.symbols[i<<(symbolBits-valueBits)]
		l, r, s := uint(e&0xff), uint(e>>12), uint(e>>8&15)
		if l == 0 || s == 0 || l+s > valueBits {
			t.values[i] = 0
			continue
		}
		v := int32(i) >> (valueBits - l - s) & (1<<s - 1)
		t.values[i] = uint32(extend(v, s))<<16 | uint32(r+1)<<8 | uint32(l+s)
	}
}

// advanceEOB is what EOB adds to the position in a block. It is more than any
// sequence of other symbols can.
const advanceEOB = 128

// first decodes the first symbol in a window of pairBits, if it and its value
// lie within.
func (t *acTable) first(window uint) (length, advance uint, value int32) {
	e := t.symbols[window<<(symbolBits-pairBits)]
	l, r, s := uint(e&0xff), uint(e>>12), uint(e>>8&15)
	switch {
	case l == 0 || l+s > pairBits:
		return 0, 0, 0
	case s > 0:
		v := int32(window) >> (pairBits - l - s) & (1<<s - 1)
		return l + s, r + 1, extend(v, s)
	case r == 15: // ZRL is a zero after 15 others
		return l, 16, 0
	}
	return l, advanceEOB, 0
}

// buildPairs fills t.pairs. An entry has, from the lowest bits on,
//
//	 8 bits  bits of both symbols
//	 8 bits  advance of the first symbol
//	 8 bits  advance of both
//	 8 bits  bits of the first symbol
//	16 bits  value of the first symbol
//	16 bits  value of the second
//
// A symbol that is alone has itself as the second, at the same position.
func (t *acTable) buildPairs() {
	if t.hasPairs {
		return
	}
	t.hasPairs = true
	for i := range t.pairs {
		l1, a1, v1 := t.first(uint(i))
		if l1 == 0 {
			t.pairs[i] = 0
			continue
		}
		l, a, v2 := l1, a1, v1
		if a1 != advanceEOB && l1 < pairBits {
			l2, a2, v := t.first(uint(i) << l1 & (1<<pairBits - 1))
			if l2 > 0 && l1+l2 <= pairBits {
				l, a, v2 = l1+l2, a1+a2, v
			}
		}
		t.pairs[i] = uint64(l) | uint64(a1)<<8 | uint64(a)<<16 | uint64(l1)<<24 |
			uint64(uint16(v1))<<32 | uint64(uint16(v2))<<48
	}
}

func (t *acTable) buildSkips() {
	if t.hasSkips {
		return
	}
	t.hasSkips = true
	for i := range t.skips {
		total, advance := uint(0), uint(0)
		for total < skipBits {
			e := t.symbols[uint(i)<<total&(1<<skipBits-1)]
			l, r, s := uint(e&0xff), uint(e>>12), uint(e>>8&15)
			if l == 0 || total+l > skipBits {
				break
			}
			if s == 0 && r != 15 {
				total += l
				advance += advanceEOB
				break
			}
			if advance+r+1 > 63 {
				break
			}
			advance += r + 1
			total += l + s
		}
		t.skips[i] = uint16(advance<<8 | total)
	}
}

func (t *acTable) buildCorners(of *layout) {
	if t.cornersOf == of {
		return
	}
	t.cornersOf = of
	for i := range t.corners {
		total, advance, values := uint(0), uint(0), uint64(0)
		for total < cornerBits && advance < 63 {
			window := uint(i) << total & (1<<cornerBits - 1)
			e := t.symbols[window]
			l, r, s := uint(e&0xff), uint(e>>12), uint(e>>8&15)
			if l == 0 || total+l > cornerBits {
				break
			}
			if s == 0 && r != 15 {
				total += l
				advance += advanceEOB
				break
			}
			k := advance + r + 1
			if k > 63 {
				break
			}
			if slot := of.slots[k]; slot != dropped {
				if total+l+s > cornerBits {
					break
				}
				v := int32(window) >> (cornerBits - l - s) & (1<<s - 1)
				values |= uint64(uint16(extend(v, s))) << (16 * slot)
			}
			advance = k
			total += l + s
		}
		t.corners[i] = values | uint64(advance)<<8 | uint64(total)
	}
}
