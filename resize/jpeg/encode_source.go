package jpeg

import (
	"image"
	"image/color"
)

// pixelRows gives the rows of a picture as pixels of four bytes, red, green
// and blue first.
type pixelRows struct {
	img image.Image // nil if planes are encoded as they are
	chr int         // width and height of a chroma sample, 1 or 2

	// Pixels as they are stored, if they are four bytes.
	pix    []byte
	stride int
}

// setSource finds the planes of m, or arranges for their making.
func (e *encoder) setSource(m image.Image, chroma444 bool) {
	e.src = pixelRows{}
	e.ncomps, e.hmax, e.vmax = 3, 1, 1
	b := m.Bounds()
	switch m := m.(type) {
	case *image.Gray:
		e.ncomps = 1
		e.comps[0] = encComponent{pix: m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], stride: m.Stride}
	case *image.YCbCr:
		e.setPlanes(m)
	case *image.NYCbCrA:
		e.setPlanes(&m.YCbCr)
	default:
		e.src = pixelRows{img: m, chr: 2}
		if chroma444 {
			e.src.chr = 1
		}
		switch m := m.(type) {
		case *image.NRGBA:
			e.src.pix, e.src.stride = m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride
		case *image.RGBA:
			e.src.pix, e.src.stride = m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride
		}
		e.hmax, e.vmax = e.src.chr, e.src.chr
	}
	e.mcusX, e.mcusY = ceilDiv(e.width, 8*e.hmax), ceilDiv(e.height, 8*e.vmax)
	for i := range e.ncomps {
		c := &e.comps[i]
		c.y0, c.pred, c.table = 0, 0, min(i, 1)
		c.hs, c.vs, c.w, c.h = e.hmax, e.vmax, e.width, e.height
		if i > 0 {
			c.hs, c.vs = 1, 1
			c.w, c.h = ceilDiv(e.width, e.hmax), ceilDiv(e.height, e.vmax)
		}
		c.blocksX = e.mcusX * c.hs
	}
	if e.src.img != nil {
		e.setStrip()
	}
}

func (e *encoder) setPlanes(m *image.YCbCr) {
	e.hmax, e.vmax = ratios[m.SubsampleRatio].H, ratios[m.SubsampleRatio].V
	min := m.Rect.Min
	e.comps[0] = encComponent{pix: m.Y[m.YOffset(min.X, min.Y):], stride: m.YStride}
	o := m.COffset(min.X, min.Y)
	e.comps[1] = encComponent{pix: m.Cb[o:], stride: m.CStride}
	e.comps[2] = encComponent{pix: m.Cr[o:], stride: m.CStride}
	if px, py := min.X%e.hmax, min.Y%e.vmax; px != 0 || py != 0 {
		e.alignChroma(px, py)
	}
}

// alignChroma makes chroma planes whose first sample covers the picture's
// first pixels, for a picture that begins px and py pixels into a sample:
// each new sample is the mean of those that its pixels had.
func (e *encoder) alignChroma(px, py int) {
	w, h := ceilDiv(e.width, e.hmax), ceilDiv(e.height, e.vmax)
	e.strip = grown(e.strip, 2*w*h)
	for i := range 2 {
		c := &e.comps[i+1]
		dst := e.strip[i*w*h:][:w*h]
		for y := range h {
			y0 := (y*e.vmax + py) / e.vmax
			y1 := (min((y+1)*e.vmax, e.height) - 1 + py) / e.vmax
			for x := range w {
				x0 := (x*e.hmax + px) / e.hmax
				x1 := (min((x+1)*e.hmax, e.width) - 1 + px) / e.hmax
				sum := int(c.pix[y0*c.stride+x0]) + int(c.pix[y0*c.stride+x1]) +
					int(c.pix[y1*c.stride+x0]) + int(c.pix[y1*c.stride+x1])
				dst[y*w+x] = byte((sum + 2) >> 2)
			}
		}
		c.pix, c.stride = dst, w
	}
}

// grown returns a slice of n bytes of any value, b itself if it can.
func grown(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// setStrip gives the components planes of one MCU row.
func (e *encoder) setStrip() {
	s := e.src.chr
	y, c := 8*s*e.width, 8*ceilDiv(e.width, s)
	e.strip = grown(e.strip, y+2*c)
	e.rows = grown(e.rows, 2*4*e.width)
	e.comps[0].pix, e.comps[0].stride = e.strip[:y], e.width
	for i := range 2 {
		e.comps[i+1].pix, e.comps[i+1].stride = e.strip[y+i*c:][:c], ceilDiv(e.width, s)
	}
}

// convert makes the planes of MCU row my if they have to be made.
func (e *encoder) convert(my int) {
	if e.src.img == nil {
		return
	}
	y, cb, cr := &e.comps[0], &e.comps[1], &e.comps[2]
	s := e.src.chr
	y.y0, cb.y0, cr.y0 = 8*s*my, 8*my, 8*my
	for i := range 8 {
		first := (8*my + i) * s
		if first >= e.height {
			break
		}
		a := e.src.row(e.rows[:4*e.width], first)
		lumaRow(y.pix[i*s*y.stride:][:e.width], a, e.generic)
		if s == 1 {
			chromaRow(cb.pix[i*cb.stride:][:cb.w], cr.pix[i*cr.stride:], a)
			continue
		}
		b := a
		if first+1 < e.height {
			b = e.src.row(e.rows[4*e.width:], first+1)
			lumaRow(y.pix[(i*s+1)*y.stride:][:e.width], b, e.generic)
		}
		chromaRow420(cb.pix[i*cb.stride:][:cb.w], cr.pix[i*cr.stride:], a, b, e.generic)
	}
}

// row returns row y, counted from the top, in buf or where it is.
func (p *pixelRows) row(buf []byte, y int) []byte {
	if p.pix != nil {
		return p.pix[y*p.stride:][:len(buf)]
	}
	r := p.img.Bounds()
	y += r.Min.Y
	switch m := p.img.(type) {
	case *image.Paletted:
		for i, x := range m.Pix[m.PixOffset(r.Min.X, y):][:len(buf)/4] {
			q := buf[4*i:][:4]
			clear(q)
			if int(x) < len(m.Palette) {
				r, g, b, _ := m.Palette[x].RGBA()
				q[0], q[1], q[2] = byte(r>>8), byte(g>>8), byte(b>>8)
			}
		}
	case *image.CMYK:
		row := m.Pix[m.PixOffset(r.Min.X, y):][:len(buf)]
		for i := 0; i+3 < len(row); i += 4 {
			buf[i], buf[i+1], buf[i+2] = color.CMYKToRGB(row[i], row[i+1], row[i+2], row[i+3])
		}
	case image.RGBA64Image:
		for i := range len(buf) / 4 {
			c := m.RGBA64At(r.Min.X+i, y)
			buf[4*i], buf[4*i+1], buf[4*i+2] = byte(c.R>>8), byte(c.G>>8), byte(c.B>>8)
		}
	default:
		for i := range len(buf) / 4 {
			r, g, b, _ := m.At(r.Min.X+i, y).RGBA()
			buf[4*i], buf[4*i+1], buf[4*i+2] = byte(r>>8), byte(g>>8), byte(b>>8)
		}
	}
	return buf
}
