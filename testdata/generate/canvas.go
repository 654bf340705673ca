package main

import (
	"image"
	"image/draw"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// canvas is a drawing with alpha. Colours are mixed in sRGB, as designers
// expect of drawings.
type canvas struct {
	w, h int
	pix  []rgba // premultiplied
}

// rgba is a colour in sRGB; components are in [0,1].
type rgba struct{ r, g, b, a float64 }

func newCanvas(w, h int) *canvas { return &canvas{w, h, make([]rgba, w*h)} }

// hex is an opaque colour from its notation 0xRRGGBB.
func hex(c uint32) rgba {
	return rgba{float64(c>>16&255) / 255, float64(c>>8&255) / 255, float64(c&255) / 255, 1}
}

func (c rgba) fade(a float64) rgba { return rgba{c.r, c.g, c.b, c.a * a} }

func (c rgba) mix(d rgba, t float64) rgba {
	return rgba{lerp(c.r, d.r, t), lerp(c.g, d.g, t), lerp(c.b, d.b, t), lerp(c.a, d.a, t)}
}

// paint gives the colour of each point of a shape.
type paint func(x, y float64) rgba

func flat(c rgba) paint { return func(_, _ float64) rgba { return c } }

// down is a gradient from y0 to y1.
func down(y0, y1 float64, a, b rgba) paint {
	return func(_, y float64) rgba { return a.mix(b, clamp((y-y0)/(y1-y0), 0, 1)) }
}

// put lays color over pixel x, y, with coverage in [0,1].
func (c *canvas) put(x, y int, color rgba, coverage float64) {
	a := color.a * coverage
	p := &c.pix[y*c.w+x]
	*p = rgba{color.r*a + p.r*(1-a), color.g*a + p.g*(1-a), color.b*a + p.b*(1-a), a + p.a*(1-a)}
}

// mask paints where m, whose corner is at the origin of the canvas, is set.
func (c *canvas) mask(m *image.Alpha, p paint) {
	r := m.Rect.Intersect(image.Rect(0, 0, c.w, c.h))
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if a := m.AlphaAt(x, y).A; a > 0 {
				c.put(x, y, p(float64(x)+0.5, float64(y)+0.5), float64(a)/255)
			}
		}
	}
}

// path is a closed outline, or several.
type path func(r *vector.Rasterizer)

func (c *canvas) fill(p paint, outlines ...path) {
	r := vector.NewRasterizer(c.w, c.h)
	for _, o := range outlines {
		o(r)
	}
	m := image.NewAlpha(image.Rect(0, 0, c.w, c.h))
	r.Draw(m, m.Rect, image.Opaque, image.Point{})
	c.mask(m, p)
}

// shadow fills with a soft edge that reaches radius far.
func (c *canvas) shadow(color rgba, radius int, outlines ...path) {
	r := vector.NewRasterizer(c.w, c.h)
	for _, o := range outlines {
		o(r)
	}
	m := image.NewAlpha(image.Rect(0, 0, c.w, c.h))
	r.Draw(m, m.Rect, image.Opaque, image.Point{})
	f := &film{c.w, c.h, make([]vec, c.w*c.h)}
	for i, a := range m.Pix {
		f.pix[i].x = float64(a) / 255
	}
	for range 3 {
		f.box(radius/3, 1, f.w, f.w, f.h)
		f.box(radius/3, f.w, 1, f.h, f.w)
	}
	for i, v := range f.pix {
		if v.x > 0.5/255 {
			c.put(i%c.w, i/c.w, color, v.x)
		}
	}
}

func f32(v float64) float32 { return float32(v) }

// polygon has its corners in x, y pairs.
func polygon(xy ...float64) path {
	return func(r *vector.Rasterizer) {
		r.MoveTo(f32(xy[0]), f32(xy[1]))
		for i := 2; i < len(xy); i += 2 {
			r.LineTo(f32(xy[i]), f32(xy[i+1]))
		}
		r.ClosePath()
	}
}

// stroke is a line of the given width through points, with round joints.
func stroke(width float64, xy ...float64) path {
	return func(r *vector.Rasterizer) {
		h := width / 2
		for i := 0; i+3 < len(xy); i += 2 {
			x0, y0, x1, y1 := xy[i], xy[i+1], xy[i+2], xy[i+3]
			d := math.Hypot(x1-x0, y1-y0)
			nx, ny := -(y1-y0)/d*h, (x1-x0)/d*h
			polygon(x0-nx, y0-ny, x0+nx, y0+ny, x1+nx, y1+ny, x1-nx, y1-ny)(r)
		}
		for i := 0; i+1 < len(xy); i += 2 {
			circle(xy[i], xy[i+1], h)(r)
		}
	}
}

// circle winds like the pieces of stroke, so that they don't cancel out.
func circle(x, y, radius float64) path {
	return rounded(x-radius, y-radius, x+radius, y+radius, radius)
}

// rounded is a rectangle with round corners.
func rounded(x0, y0, x1, y1, radius float64) path {
	const k = 0.5523 // where a Bézier curve is closest to a quarter circle
	m := radius * (1 - k)
	return func(r *vector.Rasterizer) {
		r.MoveTo(f32(x0), f32(y0+radius))
		r.LineTo(f32(x0), f32(y1-radius))
		r.CubeTo(f32(x0), f32(y1-m), f32(x0+m), f32(y1), f32(x0+radius), f32(y1))
		r.LineTo(f32(x1-radius), f32(y1))
		r.CubeTo(f32(x1-m), f32(y1), f32(x1), f32(y1-m), f32(x1), f32(y1-radius))
		r.LineTo(f32(x1), f32(y0+radius))
		r.CubeTo(f32(x1), f32(y0+m), f32(x1-m), f32(y0), f32(x1-radius), f32(y0))
		r.LineTo(f32(x0+radius), f32(y0))
		r.CubeTo(f32(x0+m), f32(y0), f32(x0), f32(y0+m), f32(x0), f32(y0+radius))
		r.ClosePath()
	}
}

// text writes s with its baseline at y. align is 0 if it starts at x, 0.5 if
// x is its middle, 1 if it ends there.
func (c *canvas) text(ttf []byte, size float64, x, y, align float64, color rgba, s string) {
	f, err := opentype.Parse(ttf)
	if err != nil {
		panic(err) // the fonts are part of the program
	}
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72})
	if err != nil {
		panic(err)
	}
	x -= align * float64(font.MeasureString(face, s)) / 64
	m := image.NewAlpha(image.Rect(0, 0, c.w, c.h))
	d := font.Drawer{Dst: m, Src: image.Opaque, Face: face, Dot: fixed.Point26_6{X: fixed.Int26_6(x * 64), Y: fixed.Int26_6(y * 64)}}
	d.DrawString(s)
	c.mask(m, flat(color))
}

// image returns the drawing.
func (c *canvas) image() *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, c.w, c.h))
	for i, p := range c.pix {
		if p.a == 0 {
			continue
		}
		for k, v := range [4]float64{p.r / p.a, p.g / p.a, p.b / p.a, p.a} {
			m.Pix[4*i+k] = uint8(clamp(255*v+0.5, 0, 255))
		}
	}
	return m
}

// part copies a rectangle of m to a picture that starts at the origin.
func part(m image.Image, r image.Rectangle) *image.NRGBA {
	p := image.NewNRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	draw.Draw(p, p.Rect, m, r.Min, draw.Src)
	return p
}
