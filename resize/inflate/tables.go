package inflate

import "math/bits"

// Bases and extra bits of lengths from symbol 257 on, and of distances (section
// 3.2.5).
var (
	lengthBase  = [...]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258}
	lengthExtra = [...]uint8{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	distBase    = [...]uint16{1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577}
	distExtra   = [...]uint8{0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13}
)

// litEntry and distEntry return the entries of symbols, without the number of
// bits.
func litEntry(symbol int) entry {
	switch {
	case symbol < 256:
		return kindLiteral | entry(symbol)<<16
	case symbol == 256:
		return kindEnd
	case symbol-257 < len(lengthBase):
		return kindBase | entry(lengthBase[symbol-257])<<16 | entry(lengthExtra[symbol-257])<<4
	}
	return kindInvalid
}

func distEntry(symbol int) entry {
	if symbol < len(distBase) {
		return kindBase | entry(distBase[symbol])<<16 | entry(distExtra[symbol])<<4
	}
	return kindInvalid
}

// build makes the table of a canonical code (section 3.2.2) whose first root
// bits are looked up at once. It returns false if the lengths are no code: too
// many, or too few of them, but for a single one, which is allowed.
func build(table []entry, root int, lengths []uint8, of func(symbol int) entry) bool {
	var count [maxBits + 1]int
	for _, n := range lengths {
		count[n]++
	}
	count[0] = 0
	left, used := 1, 0
	var next [maxBits + 2]int
	for n := 1; n <= maxBits; n++ {
		left = left<<1 - count[n]
		if left < 0 {
			return false
		}
		used += count[n]
		next[n+1] = (next[n] + count[n]) << 1
	}
	if left > 0 && !(used == 0 || used == 1 && count[1] == 1) {
		return false
	}
	for i := range table[:1<<root] {
		table[i] = kindInvalid
	}
	end := 1 << root
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		length := int(n)
		code := int(bits.Reverse16(uint16(next[n])) >> (16 - n))
		next[n]++
		e := of(symbol)
		if length <= root {
			for i := code; i < 1<<root; i += 1 << length {
				table[i] = e | entry(length)
			}
			continue
		}
		prefix := code & (1<<root - 1)
		if table[prefix]&kindMask != kindLink {
			// As many bits as the longest code with this prefix needs: the codes
			// that follow fill the table up.
			width, room := length-root, 1<<(length-root)
			room -= count[length] - (next[n] - 1 - firstCode(count[:], length))
			for room > 0 && width+root < maxBits {
				width++
				room = room<<1 - count[width+root]
			}
			table[prefix] = kindLink | entry(width) | entry(end)<<16
			for i := range 1 << width {
				table[end+i] = kindInvalid
			}
			end += 1 << width
		}
		link := table[prefix]
		width := int(link & 15)
		for i := code >> root; i < 1<<width; i += 1 << (length - root) {
			table[int(link>>16)+i] = e | entry(length-root)
		}
	}
	return true
}

// firstCode returns the first code of a length.
func firstCode(count []int, length int) int {
	code := 0
	for n := 1; n < length; n++ {
		code = (code + count[n]) << 1
	}
	return code
}

// fixed makes the tables of section 3.2.6.
func (d *decoder) fixed() {
	var lengths [maxLit]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	build(d.lit[:], litBits, lengths[:], litEntry)
	var distances [maxDist]uint8
	for i := range distances {
		distances[i] = 5
	}
	build(d.dist[:], distBits, distances[:], distEntry)
}

// dynamic reads the tables of section 3.2.7.
func (d *decoder) dynamic() error {
	d.refill()
	literals, distances, codes := int(d.take(5))+257, int(d.take(5))+1, int(d.take(4))+4
	if literals > 286 || distances > 30 {
		return ErrCorrupt
	}
	order := [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
	var lengths [19]uint8
	for i := range codes {
		d.refill()
		lengths[order[i]] = uint8(d.take(3))
	}
	var table [1 << 7]entry
	if !build(table[:], 7, lengths[:], func(symbol int) entry { return kindLiteral | entry(symbol)<<16 }) {
		return ErrCorrupt
	}
	var all [maxLit + maxDist]uint8
	for i := 0; i < literals+distances; {
		d.refill()
		e := table[d.bits&(1<<7-1)]
		if e&kindMask != kindLiteral || d.ended() {
			return ErrCorrupt
		}
		d.take(uint(e & 15))
		symbol := uint8(e >> 16)
		repeat, value := 1, symbol
		switch symbol {
		case 16:
			if i == 0 {
				return ErrCorrupt
			}
			repeat, value = 3+int(d.take(2)), all[i-1]
		case 17:
			repeat, value = 3+int(d.take(3)), 0
		case 18:
			repeat, value = 11+int(d.take(7)), 0
		}
		if i+repeat > literals+distances {
			return ErrCorrupt
		}
		for range repeat {
			all[i] = value
			i++
		}
	}
	if all[256] == 0 || !build(d.lit[:], litBits, all[:literals], litEntry) || !build(d.dist[:], distBits, all[literals:literals+distances], distEntry) {
		return ErrCorrupt
	}
	return nil
}
