package jpeg

import (
	"image"
	"image/color"
)

// converts reports whether the planes are only a step on the way to the image.
func (d *decoder) converts() bool {
	switch d.model() {
	case Gray:
		return false
	case YCbCr:
		_, ok := d.header.ratio()
		return !ok
	}
	return true
}

// compose makes m.Image of the whole planes.
func (d *decoder) compose(m *Image) {
	size := m.ScaledSize(d.scale)
	bounds := image.Rectangle{Max: size}
	y, cb, cr := &d.comps[0], &d.comps[1], &d.comps[2]
	m.Buffer = d.buffer
	if m.Model == Gray {
		m.Image = &image.Gray{Pix: y.pix, Stride: y.stride, Rect: bounds}
		return
	}
	if !d.converts() {
		ratio, _ := m.ratio()
		if m.doubles(d.scale, d.opts.ChromaScale) {
			ratio = image.YCbCrSubsampleRatio444
		}
		m.Image = &image.YCbCr{
			Y: y.pix, Cb: cb.pix, Cr: cr.pix,
			YStride: y.stride, CStride: cb.stride,
			SubsampleRatio: ratio, Rect: bounds,
		}
		return
	}
	alloc := d.opts.Alloc
	if alloc == nil {
		alloc = func(n int) []byte { return make([]byte, n) }
	}
	area := size.X * size.Y
	if m.Model == YCbCr {
		m.Buffer = alloc(3 * area)
		out := &image.YCbCr{
			Y: m.Buffer[:area:area], Cb: m.Buffer[area : 2*area : 2*area], Cr: m.Buffer[2*area : 3*area : 3*area],
			YStride: size.X, CStride: size.X,
			SubsampleRatio: image.YCbCrSubsampleRatio444, Rect: bounds,
		}
		for i, p := range [][]byte{out.Y, out.Cb, out.Cr} {
			d.spread(p, i, 1, size)
		}
		m.Image = out
		return
	}
	m.Buffer = alloc(4 * area)
	pix := m.Buffer[:4*area]
	for i := range m.Components {
		d.spread(pix[i:], i, 4, size)
	}
	switch m.Model {
	case RGB:
		for i := 3; i < len(pix); i += 4 {
			pix[i] = 0xff
		}
		m.Image = &image.RGBA{Pix: pix, Stride: 4 * size.X, Rect: bounds}
		return
	case YCCK:
		// YCbCr makes RGB, whose inverse is CMY. Adobe inverts again.
		for i := 0; i+3 < len(pix); i += 4 {
			p := pix[i : i+4 : i+4]
			p[0], p[1], p[2] = color.YCbCrToRGB(p[0], p[1], p[2])
			p[3] = 255 - p[3]
		}
	default:
		// Adobe's CMYK is inverted, and so is everybody's since.
		for i := range pix {
			pix[i] = 255 - pix[i]
		}
	}
	m.Image = &image.CMYK{Pix: pix, Stride: 4 * size.X, Rect: bounds}
}

// spread writes component i at full sampling to every step-th byte of dst,
// repeating samples.
func (d *decoder) spread(dst []byte, i, step int, size image.Point) {
	c, m := &d.comps[i], d.header.maxSampling()
	h, v, all := c.h*c.n, c.v*c.n, Sampling{m.H * d.scale, m.V * d.scale}
	for y := range size.Y {
		row := c.pix[y*v/all.V*c.stride:][:c.stride]
		out := dst[y*size.X*step:]
		if h == all.H {
			for x := range size.X {
				out[x*step] = row[x]
			}
			continue
		}
		for x := range size.X {
			out[x*step] = row[x*h/all.H]
		}
	}
}
