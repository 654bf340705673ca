package icc

import (
	"encoding/binary"
	"math"
	"sync/atomic"
)

// A baked grid has the samples of sRGB at points of device colours, so that a
// pixel is one lookup, weights and sums of integers. A point is worked out when
// the first pixel comes near it: pictures use a small part of a grid, and
// profiles of printers have a hundred thousand points.
type baked struct {
	source   *lookup
	channels int
	axis     [4][256]place
	points   []atomic.Uint64
	value    func(point int) uint64
}

// A place is where a sample lies along a dimension of the grid: the number of the
// point before it in the lowest field, how much further the next one is, 0 if the
// sample lies on a point, and the part of the way to that one, in fractions. Places
// are added field by field, and the largest has the largest part.
type place uint64

const (
	placeBits = 20
	placeMask = 1<<placeBits - 1
)

func (p place) point() uint64 { return uint64(p) & placeMask }
func (p place) step() uint64  { return uint64(p) >> placeBits & placeMask }
func (p place) part() uint64  { return uint64(p) >> (2 * placeBits) }

const (
	fraction  = 1 << 14
	mostBaked = 1 << 19 // points of a grid, four megabytes, of which few are touched
	isBaked   = 1 << 48
	// Samples at points are not clipped, for what lies between two of them
	// may be in sRGB: half a range is left on either side.
	bakedOne, bakedZero = 1 << 15, 1 << 14
)

// bake returns a grid that gives the colours of l, nil if there is none within
// mostBaked points that comes near enough.
func bake(l *lookup) *baked {
	// The points of the profile's own grid, and others between them: within its cells
	// colours are linear in the space that the profile leads to, and nearly so in
	// sRGB. Else even steps of the device's samples.
	enough, steps := 65, 52 // five levels each
	if l.lut.channels == 4 {
		enough, steps = 17, 18
	}
	if g := l.lut.grid; g != nil {
		finer, fits := 1, false
		for size(g, finer) <= mostBaked && finer <= 64 {
			fits = true
			if finest(g, finer) >= enough || size(g, 2*finer) > mostBaked {
				break
			}
			finer *= 2
		}
		if fits {
			b := newBaked(l, func(channel int) int { return (g.points[channel]-1)*finer + 1 }, l.lut.input)
			if b.near(l) {
				return b
			}
		}
	}
	b := newBaked(l, func(int) int { return steps }, nil)
	if !b.near(l) {
		return nil
	}
	return b
}

// size returns the points of a grid with so many times as many steps, more than
// mostBaked if they are too many.
func size(g *grid, finer int) int {
	n := 1
	for _, p := range g.points[:g.n] {
		n *= (p-1)*finer + 1
		if n > mostBaked {
			return n
		}
	}
	return n
}

// finest returns the points along the longest dimension.
func finest(g *grid, finer int) int {
	n := 0
	for _, p := range g.points[:g.n] {
		n = max(n, (p-1)*finer+1)
	}
	return n
}

// newBaked returns a grid of so many points along each channel, after those
// curves.
func newBaked(l *lookup, along func(channel int) int, curves []curve) *baked {
	b := &baked{source: l, channels: l.lut.channels}
	var n, step [4]int
	total := 1
	for i := b.channels - 1; i >= 0; i-- {
		n[i] = along(i)
		step[i] = total
		total *= n[i]
	}
	for i := range b.channels {
		for v := range 256 {
			x := float64(v) / 255
			if curves != nil {
				x = clamp(curves[i](x))
			}
			b.axis[i][v] = placeOf(x, n[i], step[i])
		}
	}
	b.points = make([]atomic.Uint64, total)
	b.value = func(point int) uint64 {
		var x [4]float64
		for i := range b.channels {
			if n[i] > 1 {
				x[i] = float64(point/step[i]%n[i]) / float64(n[i]-1)
			}
		}
		if curves == nil {
			return l.packed(l.lut.eval(&x))
		}
		return l.packed(l.lut.after(&x))
	}
	return b
}

func placeOf(x float64, points, step int) place {
	at := uint64(float64(x*float64(points-1)*fraction) + 0.5)
	p := place(at/fraction*uint64(step) | at%fraction<<(2*placeBits))
	if p.part() != 0 {
		p |= place(step << placeBits)
	}
	return p
}

// packed returns the samples of sRGB of an encoded colour, for a point.
func (l *lookup) packed(v [outputs]float64) uint64 {
	p := uint64(isBaked)
	for i, x := range l.linear(v) {
		s := math.Copysign(gammaSRGB(math.Abs(finite(x))), x)
		p |= uint64(float64(max(-0.5, min(1.499, s))*bakedOne)+bakedZero+0.5) << (16 * i)
	}
	return p
}

// point works a point out that no pixel has come near yet.
func (b *baked) point(at uint64) uint64 {
	v := b.value(int(at))
	b.points[at].Store(v) // whoever else does it stores the same
	return v
}

// near reports whether colours between the points are those of l: mean and most of
// the differences of samples of 8 bits.
func (b *baked) near(l *lookup) bool {
	const colours, mean, most = 256, 0.35, 4
	seed, sum := uint32(1), 0
	for i := range colours {
		seed = seed*1664525 + 1013904223
		c := [4]byte{byte(seed >> 24), byte(seed >> 16), byte(seed >> 8)}
		switch {
		case i%4 == 0: // greys
			c[1], c[2] = c[0], c[0]
		case i%4 == 1: // dark ones
			c[0], c[1], c[2] = c[0]/8, c[1]/8, c[2]/8
		}
		if b.channels == 4 && i%2 == 0 {
			c[3] = byte(seed >> 12)
		}
		v := b.rgb(binary.LittleEndian.Uint32(c[:]))
		got, want := [3]byte{byte(v), byte(v >> 8), byte(v >> 16)}, l.rgb(c)
		for j := range got {
			d := max(got[j], want[j]) - min(got[j], want[j])
			if d > most {
				return false
			}
			sum += int(d)
		}
	}
	return float64(sum) <= mean*3*colours
}

// pixels is [Transform.Pixels]. Neighbours are often equal.
func (b *baked) pixels(dst, src []byte) {
	mask := uint32(1<<24 - 1) // of what is a colour
	if b.channels == 4 {
		mask = 1<<32 - 1
	}
	last, rgb := ^uint32(0), b.rgb(^uint32(0))
	if b.channels == 3 {
		last &= mask
	}
	for len(src) >= 4 && len(dst) >= 4 {
		v := binary.LittleEndian.Uint32(src)
		if v&mask != last {
			last = v & mask
			rgb = b.rgb(v)
		}
		binary.LittleEndian.PutUint32(dst, rgb|(v|mask)&^(1<<24-1))
		src, dst = src[4:], dst[4:]
	}
}

// rgb is in tetrahedra, as the grid of a profile: see [grid.at]. Colours are the first
// to the last channel from the lowest byte on.
func (b *baked) rgb(c uint32) uint32 {
	x, y, z := b.axis[0][byte(c)], b.axis[1][byte(c>>8)], b.axis[2][byte(c>>16)]
	if b.channels == 3 {
		rb, g := b.tetrahedron(0, x, y, z)
		return samplesOf(rb, g)
	}
	w := b.axis[3][c>>24]
	rb, g := b.tetrahedron(x.point(), y, z, w)
	if f := x.part(); f != 0 {
		rb1, g1 := b.tetrahedron(x.point()+x.step(), y, z, w)
		const sample = 0xffff<<32 | 0xffff
		rb = rb/fraction&sample*(fraction-f) + rb1/fraction&sample*f
		g = g/fraction*(fraction-f) + g1/fraction*f
	}
	return samplesOf(rb, g)
}

// tetrahedron returns red and blue in one number and green, times fraction. The way
// goes from the first point of the cell along the dimension with the largest part
// first, and along that with the smallest one last.
func (b *baked) tetrahedron(base uint64, x, y, z place) (rb, g uint64) {
	first, last, all := max(x, y, z), min(x, y, z), x+y+z
	base += all.point()
	at1, at2, at3 := base+first.step(), base+all.step()-last.step(), base+all.step()
	p0, p1, p2, p3 := b.points[base].Load(), b.points[at1].Load(), b.points[at2].Load(), b.points[at3].Load()
	if p0&p1&p2&p3&isBaked == 0 {
		p0, p1, p2, p3 = b.point(base), b.point(at1), b.point(at2), b.point(at3)
	}
	most, least := first.part(), last.part()
	middle := all.part() - most - least
	w0, w1, w2, w3 := fraction-most, most-middle, middle-least, least
	rb = rbOf(p0)*w0 + rbOf(p1)*w1 + rbOf(p2)*w2 + rbOf(p3)*w3
	g = p0>>16&0xffff*w0 + p1>>16&0xffff*w1 + p2>>16&0xffff*w2 + p3>>16&0xffff*w3
	return rb, g
}

// rbOf returns red in the lower half of a number and blue in the upper one.
func rbOf(v uint64) uint64 { return v&0xffff | v&(0xffff<<32) }

// samplesOf returns the samples of values that are times fraction.
func samplesOf(rb, g uint64) uint32 {
	return sampleOf(rb&(1<<32-1)) | sampleOf(g)<<8 | sampleOf(rb>>32)<<16
}

func sampleOf(v uint64) uint32 {
	const half = bakedOne * fraction / 2
	return uint32(max(0, min(255, ((int64(v)-bakedZero*fraction)*255+half)>>29)))
}

var _ = [1]struct{}{}[bakedOne*fraction-1<<29] // what sampleOf shifts by
