package palette

import (
	"encoding/binary"
	"image"
	"image/color"
)

// A point is a colour: samples times its alpha, and alpha, in sixteenths.
type point [4]int32

const (
	one  = 16        // of a sample
	full = 255 * one // the largest value of a point
)

// weights are what a squared difference of a sample counts for: roughly the eye's.
var weights = point{3, 4, 2, 4}

func (p point) distance(q point) int32 {
	r, g, b, a := p[0]-q[0], p[1]-q[1], p[2]-q[2], p[3]-q[3]
	return weights[0]*r*r + weights[1]*g*g + weights[2]*b*b + weights[3]*a*a
}

// pointOf returns the colour of a pixel, whose first byte is the lowest one.
func pointOf(p uint32) point {
	r, g, b, a := int32(p&255), int32(p>>8&255), int32(p>>16&255), int32(p>>24)
	if a == 255 {
		return point{r * one, g * one, b * one, full}
	}
	return point{(r*a*one + 127) / 255, (g*a*one + 127) / 255, (b*a*one + 127) / 255, a * one}
}

// straight returns the colour of a point, not premultiplied.
func (p point) straight() color.NRGBA {
	a := (p[3] + one/2) / one
	if a == 0 {
		return color.NRGBA{}
	}
	sample := func(v int32) uint8 { return uint8(min(255, (v*255+p[3]/2)/p[3])) }
	return color.NRGBA{sample(p[0]), sample(p[1]), sample(p[2]), uint8(a)}
}

// A Histogram counts colours of one or more pictures: each of them while they are
// few, then those that are nearly alike together. Its zero value is empty.
type Histogram struct {
	clear bool // there are pixels without any alpha

	colors []counted
	slots  []uint16 // a hash table: places in colors, plus 1

	bins          []bin
	opaque, other []int32 // places in bins, plus 1, by opaqueBin and otherBin
}

// maxExact is how many colours are told apart.
const (
	maxExact  = 1 << 14
	slotsBits = 15
)

// A counted is a pixel, in the order of bytes of a picture, and how often it is there.
type counted struct {
	pixel uint32
	count uint64
}

// A bin is what is known of pixels of nearly one colour.
type bin struct {
	sum   [4]uint64
	count uint64
}

// opaqueBin and otherBin return the number of the bin of a colour: 6, 6 and 5 bits of
// its samples; 4, 5 and 4, and 4 of alpha.
func opaqueBin(p point) int {
	return int(p[0])>>6<<11 | int(p[1])>>6<<5 | int(p[2])>>7
}

func otherBin(p point) int {
	return int(p[3])>>8<<13 | int(p[0])>>8<<9 | int(p[1])>>7<<4 | int(p[2])>>8
}

// Add counts the pixels of m, without those for which same is true. same may be nil.
func (h *Histogram) Add(m *image.NRGBA, same []bool) {
	w := m.Rect.Dx()
	last, count := uint32(0), uint64(0) // neighbours are often equal
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride:][:4*w]
		for x := range w {
			if same != nil && same[y*w+x] {
				continue
			}
			p := binary.LittleEndian.Uint32(row[4*x:])
			if p != last {
				h.count(last, count)
				last, count = p, 0
			}
			count++
		}
	}
	h.count(last, count)
}

// AddClear adds a pixel without any alpha.
func (h *Histogram) AddClear() { h.clear = true }

// count adds n pixels of one colour.
func (h *Histogram) count(pixel uint32, n uint64) {
	switch {
	case n == 0:
		return
	case pixel>>24 == 0:
		h.clear = true
		return
	case h.opaque != nil:
		h.add(pixel, n)
		return
	case h.slots == nil:
		h.slots = make([]uint16, 1<<slotsBits)
	}
	at := pixel * 0x9e3779b1 >> (32 - slotsBits)
	for ; h.slots[at] != 0; at = (at + 1) % (1 << slotsBits) {
		if c := &h.colors[h.slots[at]-1]; c.pixel == pixel {
			c.count += n
			return
		}
	}
	if len(h.colors) < maxExact {
		h.colors = append(h.colors, counted{pixel, n})
		h.slots[at] = uint16(len(h.colors))
		return
	}
	h.opaque = make([]int32, 1<<17)
	for _, c := range h.colors {
		h.add(c.pixel, c.count)
	}
	h.colors, h.slots = nil, nil
	h.add(pixel, n)
}

// add adds n pixels of one colour to their bin.
func (h *Histogram) add(pixel uint32, n uint64) {
	p := pointOf(pixel)
	var place *int32
	if p[3] == full {
		place = &h.opaque[opaqueBin(p)]
	} else {
		if h.other == nil {
			h.other = make([]int32, 1<<17)
		}
		place = &h.other[otherBin(p)]
	}
	if *place == 0 {
		h.bins = append(h.bins, bin{})
		*place = int32(len(h.bins))
	}
	b := &h.bins[*place-1]
	b.count += n
	for i, v := range p {
		b.sum[i] += n * uint64(v)
	}
}

// spots returns the colours that were counted.
func (h *Histogram) spots() []spot {
	spots := make([]spot, 0, len(h.colors)+len(h.bins))
	for _, c := range h.colors {
		spots = append(spots, spot{point: pointOf(c.pixel), count: int64(c.count)})
	}
	for i := range h.bins {
		b := &h.bins[i]
		s := spot{count: int64(b.count)}
		for j, v := range b.sum {
			s.point[j] = int32((v + b.count/2) / b.count)
		}
		spots = append(spots, s)
	}
	return spots
}
