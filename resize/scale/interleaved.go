package scale

import (
	"image"
	"image/color"
	"sync"
)

// A splitter writes columns [x0, x1) of row y of a source, counted from its
// upper left corner, to the same columns of p, a row of samples for each
// channel. Colours are premultiplied by alpha, the fourth channel.
type splitter func(p *[4][]byte, x0, x1, y int)

type rowBuffers struct{ in, out []byte }

var rowPool = sync.Pool{New: func() any { return new(rowBuffers) }}

// interleaved resamples a source of n channels (1, 3 or 4), a row at a time:
// split takes a source row apart, join puts a row of the result together.
func interleaved(n int, h, v Axis, o Options, split splitter, join func(y int, p *[4][]byte)) {
	c := newChannels(n, h, v, o)
	defer c.close()
	first, end := c.s[0].Rows()
	x0, x1 := c.s[0].Columns()
	for _, s := range c.s[:n] {
		s.Skip(first)
	}
	for y := first; y < end; y++ {
		split(&c.in, x0, x1, y) // may write to all four
		c.put(join)
	}
}

// channels resamples the channels of a source side by side.
type channels struct {
	n   int // how many there are: 1, 3 or 4
	s   [4]*Scaler
	in  [4][]byte // a row of the source
	out [4][]byte // a row of the result
	buf *rowBuffers
}

func newChannels(n int, h, v Axis, o Options) *channels {
	h.check()
	c := &channels{n: n, buf: rowPool.Get().(*rowBuffers)}
	c.buf.in, c.buf.out = grow(c.buf.in, 4*h.Len), grow(c.buf.out, 4*h.N)
	for i := range c.in {
		c.in[i], c.out[i] = c.buf.in[i*h.Len:][:h.Len], c.buf.out[i*h.N:][:h.N]
	}
	for i := range n {
		c.s[i] = newScaler(h, v, o)
	}
	return c
}

func (c *channels) close() {
	for _, s := range c.s[:c.n] {
		s.Close()
	}
	rowPool.Put(c.buf)
}

// put takes the row that is in c.in, and calls join with the rows of the result
// that are complete now.
func (c *channels) put(join func(y int, p *[4][]byte)) {
	for i, s := range c.s[:c.n] {
		s.put(c.in[i])
	}
	for c.s[0].ready() {
		y := c.s[0].out
		for i, s := range c.s[:c.n] {
			s.next(c.out[i])
		}
		join(y, &c.out)
	}
}

// split4 splits pixels of four bytes.
func split4(pix []byte, stride, offset int) splitter {
	return func(p *[4][]byte, x0, x1, y int) {
		splitRow(p[0][x0:x1], p[1][x0:x1], p[2][x0:x1], p[3][x0:x1], pix[offset+y*stride+4*x0:])
	}
}

// splitRow takes len(r) pixels of four bytes apart. The four planes must be
// equally long.
func splitRow(r, g, b, a, src []byte) {
	if n := len(r) &^ 7; useAsm && n > 0 {
		_, _, _, _ = g[n-1], b[n-1], a[n-1], src[4*n-1]
		splitRowAsm(&r[0], &g[0], &b[0], &a[0], &src[0], n/8)
		r, g, b, a, src = r[n:], g[n:], b[n:], a[n:], src[4*n:]
	}
	splitRowGeneric(r, g, b, a, src)
}

func splitRowGeneric(r, g, b, a, src []byte) {
	g, b, a, src = g[:len(r)], b[:len(r)], a[:len(r)], src[:4*len(r)]
	for i := range r {
		q := src[4*i:][:4]
		r[i], g[i], b[i], a[i] = q[0], q[1], q[2], q[3]
	}
}

// Premultiply returns c*a/255, rounded.
func Premultiply(c, a byte) byte {
	t := uint32(c)*uint32(a) + 128
	return byte((t + t>>8) >> 8)
}

// inverse[a] is 255/a with 16 fractional bits.
var inverse = func() (t [256]uint32) {
	for a := 1; a < 256; a++ {
		t[a] = uint32((255<<16 + a - 1) / a) // rounded up, so that halves are
	}
	return t
}()

// Unpremultiply returns c*255/a, rounded, at most 255; 0 if a is 0.
func Unpremultiply(c, a byte) byte {
	return byte(min((uint32(c)*inverse[a]+1<<15)>>16, 255))
}

func splitNRGBA(src *image.NRGBA) splitter {
	offset := src.PixOffset(src.Rect.Min.X, src.Rect.Min.Y)
	return func(p *[4][]byte, x0, x1, y int) {
		premultiplyRow(p[0][x0:x1], p[1][x0:x1], p[2][x0:x1], p[3][x0:x1], src.Pix[offset+y*src.Stride+4*x0:])
	}
}

// premultiplyRow is splitRow with colours multiplied by alpha.
func premultiplyRow(r, g, b, a, src []byte) {
	if n := len(r) &^ 7; useAsm && n > 0 {
		_, _, _, _ = g[n-1], b[n-1], a[n-1], src[4*n-1]
		premultiplyRowAsm(&r[0], &g[0], &b[0], &a[0], &src[0], n/8)
		r, g, b, a, src = r[n:], g[n:], b[n:], a[n:], src[4*n:]
	}
	premultiplyRowGeneric(r, g, b, a, src)
}

func premultiplyRowGeneric(r, g, b, a, src []byte) {
	g, b, a, src = g[:len(r)], b[:len(r)], a[:len(r)], src[:4*len(r)]
	for i := range r {
		q := src[4*i:][:4]
		switch q[3] {
		case 255:
			r[i], g[i], b[i], a[i] = q[0], q[1], q[2], 255
		case 0:
			r[i], g[i], b[i], a[i] = 0, 0, 0, 0
		default:
			r[i], g[i], b[i], a[i] = Premultiply(q[0], q[3]), Premultiply(q[1], q[3]), Premultiply(q[2], q[3]), q[3]
		}
	}
}

func splitGray16(src *image.Gray16) splitter {
	offset := src.PixOffset(src.Rect.Min.X, src.Rect.Min.Y)
	return func(p *[4][]byte, x0, x1, y int) {
		row := src.Pix[offset+y*src.Stride:]
		for x := x0; x < x1; x++ {
			p[0][x] = row[2*x] // as color.GrayModel has it
		}
	}
}

// splitPaletted takes an index beyond the palette for transparent black.
func splitPaletted(src *image.Paletted) splitter {
	var table [256][4]byte
	for i, c := range src.Palette[:min(len(src.Palette), 256)] {
		r, g, b, a := c.RGBA()
		table[i] = [4]byte{byte(r >> 8), byte(g >> 8), byte(b >> 8), byte(a >> 8)}
	}
	offset := src.PixOffset(src.Rect.Min.X, src.Rect.Min.Y)
	return func(p *[4][]byte, x0, x1, y int) {
		row := src.Pix[offset+y*src.Stride:]
		for x := x0; x < x1; x++ {
			c := &table[row[x]]
			p[0][x], p[1][x], p[2][x], p[3][x] = c[0], c[1], c[2], c[3]
		}
	}
}

// splitAny is slow and fits every type.
func splitAny(src image.Image) splitter {
	m := src.Bounds().Min
	at := func(x, y int) color.RGBA64 {
		r, g, b, a := src.At(x, y).RGBA()
		return color.RGBA64{R: uint16(r), G: uint16(g), B: uint16(b), A: uint16(a)}
	}
	if s, ok := src.(image.RGBA64Image); ok {
		at = s.RGBA64At
	}
	return func(p *[4][]byte, x0, x1, y int) {
		for x := x0; x < x1; x++ {
			c := at(m.X+x, m.Y+y)
			p[0][x], p[1][x], p[2][x], p[3][x] = byte(c.R>>8), byte(c.G>>8), byte(c.B>>8), byte(c.A>>8)
		}
	}
}

func join4(dst []byte, p *[4][]byte) {
	a := p[0]
	b, c, d := p[1][:len(a)], p[2][:len(a)], p[3][:len(a)]
	dst = dst[:4*len(a)]
	for i := range a {
		q := dst[4*i:][:4]
		q[0], q[1], q[2], q[3] = a[i], b[i], c[i], d[i]
	}
}

func joinOpaque(dst []byte, p *[4][]byte) {
	a := p[0]
	b, c := p[1][:len(a)], p[2][:len(a)]
	dst = dst[:4*len(a)]
	for i := range a {
		q := dst[4*i:][:4]
		q[0], q[1], q[2], q[3] = a[i], b[i], c[i], 255
	}
}

// joinPremultiplied keeps colours at or below alpha: ringing can push them
// above.
func joinPremultiplied(dst []byte, p *[4][]byte) {
	for i, a := range p[3] {
		q := dst[4*i:][:4]
		q[0], q[1], q[2], q[3] = min(p[0][i], a), min(p[1][i], a), min(p[2][i], a), a
	}
}

func joinNRGBA(dst []byte, p *[4][]byte) {
	for i, a := range p[3] {
		q := dst[4*i:][:4]
		if a == 255 {
			q[0], q[1], q[2], q[3] = p[0][i], p[1][i], p[2][i], 255
			continue
		}
		q[0], q[1], q[2], q[3] = Unpremultiply(p[0][i], a), Unpremultiply(p[1][i], a), Unpremultiply(p[2][i], a), a
	}
}
