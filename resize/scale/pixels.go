package scale

import (
	"encoding/binary"
	"fmt"
	"image"
)

// Pixels resamples a picture that is fed to it row by row, in pixels of four
// bytes as *image.NRGBA has them. The result is that of [Image], and no more is
// held of the source than the rows that the vertical kernel needs.
//
// It is for one goroutine at a time. Different Pixels are independent.
type Pixels struct {
	dst  *image.NRGBA
	h, v Axis
	o    Options
	c    *channels // three, as long as all that came was opaque
}

// NewPixels returns a Pixels that writes to dst, whose bounds must be h.N by v.N
// pixels from (0, 0) on. It panics if they are not, or an axis is not valid.
//
// Call [Pixels.Close] when done to let another one use its buffers.
func NewPixels(dst *image.NRGBA, h, v Axis, o Options) *Pixels {
	if dst.Rect != image.Rect(0, 0, h.N, v.N) {
		panic(fmt.Sprintf("scale: %dx%d pixels into %v", h.N, v.N, dst.Rect))
	}
	return &Pixels{dst: dst, h: h, v: v, o: o, c: newChannels(3, h, v, o)}
}

// Push takes the next row of the source, from the top, of as many pixels as the
// horizontal axis says, and writes the rows of the result that are now complete.
// The row is not kept. Rows that the result does not depend on may be nil.
func (p *Pixels) Push(row []byte) {
	s := p.c.s[0]
	y := s.row
	if first, end := s.Rows(); y < first || y >= end {
		for _, s := range p.c.s[:p.c.n] {
			s.Skip(1)
		}
		return
	}
	x0, x1 := s.Columns()
	in := func(i int) []byte { return p.c.in[i][x0:x1] }
	pixels := row[4*x0 : 4*x1]
	if p.c.n == 3 {
		splitRow(in(0), in(1), in(2), in(3), pixels)
		if allOpaque(in(3)) {
			p.c.put(func(y int, out *[4][]byte) { joinOpaque(p.dst.Pix[y*p.dst.Stride:], out) })
			return
		}
		p.addAlpha(y)
	}
	premultiplyRow(in(0), in(1), in(2), in(3), pixels)
	p.c.put(func(y int, out *[4][]byte) { joinNRGBA(p.dst.Pix[y*p.dst.Stride:], out) })
}

// addAlpha adds the fourth channel at row y of the source, as if it had been
// there from the start: opaque so far, and with as many rows of the result given.
func (p *Pixels) addAlpha(y int) {
	s := newScaler(p.h, p.v, p.o)
	p.c.s[3], p.c.n = s, 4
	first, _ := s.Rows()
	s.Skip(first)
	for i := range p.c.in[3] {
		p.c.in[3][i] = 255
	}
	for range y - first {
		s.put(p.c.in[3])
		for s.ready() {
			s.next(p.c.out[3])
		}
	}
}

// Done reports whether the result is complete.
func (p *Pixels) Done() bool { return p.c.s[0].Done() }

// Close gives the buffers of p back. p must not be used afterwards.
func (p *Pixels) Close() { p.c.close() }

// allOpaque reports whether every sample is 255.
func allOpaque(alpha []byte) bool {
	all := ^uint64(0)
	for len(alpha) >= 8 {
		all &= binary.LittleEndian.Uint64(alpha)
		alpha = alpha[8:]
	}
	for _, a := range alpha {
		all &= uint64(a) | ^uint64(255)
	}
	return all == ^uint64(0)
}
