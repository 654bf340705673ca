package vp8l

import (
	"math"
	"math/bits"
)

// A reference says what is written at a pixel: how many pixels are repeated, in its lowest
// lengthBits bits, and from how far back. Of 0 pixels: the pixel itself.
type reference uint32

const (
	lengthBits = 12
	maxLength  = 1<<lengthBits - 1
	maxBack    = 1<<(32-lengthBits) - 121 // so that its code has 20 bits
	minLength  = 3
)

func refer(length, back int) reference { return reference(back<<lengthBits | length) }
func (r reference) length() int        { return int(r & maxLength) }
func (r reference) back() int          { return int(r >> lengthBits) }

// hashPixels returns a hash of the first three pixels, from its highest bit on.
func hashPixels(p []uint32) uint32 {
	_ = p[2]
	h := (p[0]*0x9e3779b1 ^ p[1]*0x85ebca6b) + p[2]*0xc2b2ae35
	return (h ^ h>>15) * 0x27d4eb2f
}

// matchLength returns how many pixels from i on are as those from j on, at most most.
func matchLength(argb []uint32, j, i, most int) int {
	a, b := argb[j:], argb[i:][:most]
	a = a[:len(b)]
	for n := range b {
		if a[n] != b[n] {
			return n
		}
	}
	return most
}

// matches returns the longest repetition for each pixel, and a slice of the same length
// that is of no use any more.
func matches(argb []uint32, width, depth int, check func() error) (found []reference, spare []reference, err error) {
	const few = 4
	found = make([]reference, len(argb))
	before := make([]reference, len(argb)) // one more than the last pixel of the same hash
	shift := 32 - uint(max(8, min(18, bits.Len(uint(len(argb))))))
	heads := make([]reference, 1<<(32-shift))
	for i := 0; i+minLength <= len(argb); i++ {
		if i&0xffff == 0 && check != nil {
			if err := check(); err != nil {
				return nil, nil, err
			}
		}
		h := hashPixels(argb[i:]) >> shift
		next := heads[h]
		before[i], heads[h] = next, reference(i+1)
		most := min(maxLength, len(argb)-i)
		length, back := 0, 0
		if i > 0 {
			if r := found[i-1]; r.length() > 64 {
				// What follows a long repetition is the rest of it, unless it was as long
				// as one can be.
				length, back = r.length()-1, r.back()
				if r.length() == maxLength {
					length += matchLength(argb, i-back+length, i+length, most-length)
				}
				found[i] = refer(length, back)
				continue
			}
			if argb[i] == argb[i-1] {
				length, back = matchLength(argb, i-1, i, most), 1
			}
			if i >= width && argb[i] == argb[i-width] {
				if n := matchLength(argb, i-width, i, most); n > length {
					length, back = n, width
				}
			}
		}
		if length < 128 {
			for probe := range depth {
				if probe == few && length < minLength {
					break // where nothing repeats, as in noise
				}
				j := int(next) - 1
				if j < 0 || i-j > maxBack {
					break
				}
				if length >= most {
					break
				}
				if argb[j+length] == argb[i+length] {
					if n := matchLength(argb, j, i, most); n > length {
						length, back = n, i-j
						if n >= 128 {
							break
						}
					}
				}
				next = before[j]
			}
		}
		if length >= minLength {
			found[i] = refer(length, back)
		}
	}
	return found, before, nil
}

// distanceCodes returns the codes that a distance has in a picture of that width.
type distanceCodes struct {
	width int
	near  [8][16]uint8 // codes of neighbours by rows above, and pixels to the left + 7
}

func newDistanceCodes(width int) *distanceCodes {
	d := &distanceCodes{width: width}
	for i, n := range neighbours {
		d.near[n[1]][n[0]+7] = uint8(i + 1)
	}
	return d
}

// of returns the distance code of so many pixels back (section 3.6.2.2).
func (d *distanceCodes) of(back int) int {
	y := back / d.width
	x := back - y*d.width
	if y <= 7 && x <= 8 {
		if c := d.near[y][x+7]; c > 0 {
			return int(c)
		}
	}
	if x = d.width - x; y < 7 && x <= 7 {
		if c := d.near[y+1][7-x]; c > 0 {
			return int(c)
		}
	}
	return back + len(neighbours)
}

// greedy takes the longest repetition everywhere, or a pixel where the next one has
// a much longer one. It returns what is written, in the memory of spare.
func greedy(found []reference, spare []reference) []reference {
	out := spare[:0]
	for i := 0; i < len(found); {
		r := found[i]
		n := r.length()
		if n == 0 || i+1 < len(found) && n < 64 && found[i+1].length() > n+1 {
			out = append(out, 0)
			i++
			continue
		}
		out = append(out, r)
		i += n
	}
	return out
}

// A price list says what symbols cost in 1/256 of a bit.
type prices struct {
	histogram
	lengths []uint32 // of each length, with its bits
}

func newPrices(h histogram) *prices {
	p := &prices{histogram: histogram{make([]uint32, len(h.counts)), h.green}}
	for code := range codesOfGroup {
		symbolCosts(p.code(code), h.code(code))
	}
	p.lengths = make([]uint32, maxLength+1)
	for n := 1; n <= maxLength; n++ {
		s, _, extra := prefixed(n)
		p.lengths[n] = p.counts[literals+s] + uint32(extra)<<costBits
	}
	return p
}

func (p *prices) distance(code int) uint32 {
	s, _, extra := prefixed(code)
	return p.counts[p.green+3*literals+s] + uint32(extra)<<costBits
}

func (p *prices) literal(argb uint32) uint32 {
	c := p.counts
	return c[argb>>8&0xff] + c[p.green+int(argb>>16&0xff)] + c[p.green+literals+int(argb&0xff)] + c[p.green+2*literals+int(argb>>24)]
}

// cheapest returns the references that cost the least, a stretch of pixels after the other.
func cheapest(argb []uint32, found []reference, spare []reference, cacheBits uint, codes *distanceCodes, p *prices) []reference {
	const (
		stretch = 1 << 14
		tried   = 24 // lengths of a repetition, beside the whole
		whole   = 96 // one so long is taken as it is
	)
	out := spare[:0]
	cache := newColorCache(cacheBits)
	costs := make([]uint32, stretch+1)
	how := make([]reference, stretch+1) // the last step on the way to a pixel
	var left, above [stretch + 1]uint16 // how far the pixels are as those to the left, and above
	width := codes.width
	costLeft, costAbove := p.distance(codes.of(1)), p.distance(codes.of(width))
	for begin := 0; begin < len(argb); begin += stretch {
		n := min(stretch, len(argb)-begin)
		left[n], above[n] = 0, 0
		for i := n - 1; i >= 0; i-- {
			at := begin + i
			left[i], above[i] = 0, 0
			if at > 0 && argb[at] == argb[at-1] {
				left[i] = min(left[i+1]+1, maxLength)
			}
			if at >= width && argb[at] == argb[at-width] {
				above[i] = min(above[i+1]+1, maxLength)
			}
		}
		for i := range costs[:n+1] {
			costs[i] = math.MaxUint32
		}
		costs[0] = 0
		until := 0 // pixels before it are in a repetition that is taken as it is
		for i := range n {
			at := begin + i
			a := argb[at]
			cost := costs[i]
			literal := uint32(0)
			if place, there := cache.put(a); there {
				literal = p.counts[literals+lengthSymbols+int(place)]
			} else {
				literal = p.literal(a)
			}
			if i < until {
				continue
			}
			if c := cost + literal; c < costs[i+1] {
				costs[i+1], how[i+1] = c, 0
			}
			try := func(length, back int, distance uint32) {
				length = min(length, n-i)
				if length < 2 {
					return
				}
				base := cost + distance
				if c := base + p.lengths[length]; c < costs[i+length] {
					costs[i+length], how[i+length] = c, refer(length, back)
				}
				if length >= whole {
					until = max(until, i+length)
					return
				}
				for l := 2; l < min(length, tried); l++ {
					if c := base + p.lengths[l]; c < costs[i+l] {
						costs[i+l], how[i+l] = c, refer(l, back)
					}
				}
			}
			if r := found[at]; r.length() > 0 {
				try(r.length(), r.back(), p.distance(codes.of(r.back())))
			}
			if until > i {
				continue
			}
			if left[i] > 1 {
				try(int(left[i]), 1, costLeft)
			}
			if above[i] > 1 {
				try(int(above[i]), width, costAbove)
			}
		}
		// Back from the end, then turned round.
		first := len(out)
		for i := n; i > 0; {
			out = append(out, how[i])
			i -= max(1, how[i].length())
		}
		for a, b := first, len(out)-1; a < b; a, b = a+1, b-1 {
			out[a], out[b] = out[b], out[a]
		}
	}
	return out
}

// count adds the symbols of the references to a histogram.
func count(argb []uint32, refs []reference, cacheBits uint, codes *distanceCodes, h *histogram) {
	cache := newColorCache(cacheBits)
	i := 0
	for _, r := range refs {
		if n := r.length(); n > 0 {
			h.repetition(r, codes)
			cache.putAll(argb[i:][:n])
			i += n
			continue
		}
		if place, there := cache.put(argb[i]); there {
			h.counts[literals+lengthSymbols+int(place)]++
		} else {
			h.literal(argb[i])
		}
		i++
	}
}

func (h *histogram) literal(a uint32) {
	h.counts[a>>8&0xff]++
	h.counts[h.green+int(a>>16&0xff)]++
	h.counts[h.green+literals+int(a&0xff)]++
	h.counts[h.green+2*literals+int(a>>24)]++
}

func (h *histogram) repetition(r reference, codes *distanceCodes) {
	s, _, _ := prefixed(r.length())
	h.counts[literals+s]++
	s, _, _ = prefixed(codes.of(r.back()))
	h.counts[h.green+3*literals+s]++
}

// bestCache returns the bits of the colour cache with which the references take the least.
func bestCache(argb []uint32, refs []reference, codes *distanceCodes) uint {
	const part = 1 << 16 // pixels that are looked at, in the middle
	if begin := (len(argb) - part) / 2; begin > 0 {
		first, n := 0, 0
		for n < begin {
			n += max(1, refs[first].length())
			first++
		}
		last, end := first, n
		for last < len(refs) && end < n+part {
			end += max(1, refs[last].length())
			last++
		}
		argb, refs = argb[n:end], refs[first:last]
	}
	least, best := int64(math.MaxInt64), uint(0)
	for _, cacheBits := range []uint{0, 2, 4, 6, 8, 10} {
		h := newHistogram(cacheBits)
		count(argb, refs, cacheBits, codes, &h)
		if size := h.size(); size < least {
			least, best = size, cacheBits
		}
	}
	return best
}
