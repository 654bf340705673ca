package main

import (
	"image"
	"math"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/vector"
)

// logo draws a bucket with pictures in it, above the name of the product.
// Its colours hold on white and on black.
func logo() image.Image {
	const w, h = 1024, 1024
	c := newCanvas(w, h)

	// Two pictures stick out of the bucket.
	card := func(cx, cy, angle float64, draw func(at func(u, v float64) (float64, float64))) {
		sin, cos := math.Sincos(angle)
		draw(func(u, v float64) (float64, float64) { return cx + u*cos - v*sin, cy + u*sin + v*cos })
	}
	quad := func(at func(u, v float64) (float64, float64), u, v float64) path {
		ax, ay := at(-u, -v)
		bx, by := at(-u, v)
		cx, cy := at(u, v)
		dx, dy := at(u, -v)
		return polygon(ax, ay, bx, by, cx, cy, dx, dy)
	}
	card(620, 330, 0.20, func(at func(u, v float64) (float64, float64)) {
		c.shadow(hex(0x0b1b3a).fade(0.30), 24, quad(at, 158, 190))
		c.fill(flat(hex(0xffffff)), quad(at, 160, 192))
		c.fill(down(150, 520, hex(0xffb35c), hex(0xf0567a)), quad(at, 138, 170))
		x, y := at(-10, -70)
		c.fill(flat(hex(0xfff1c9)), circle(x, y, 52))
	})
	card(412, 320, -0.13, func(at func(u, v float64) (float64, float64)) {
		c.shadow(hex(0x0b1b3a).fade(0.35), 24, quad(at, 178, 208))
		c.fill(flat(hex(0xffffff)), quad(at, 180, 210))
		c.fill(down(130, 500, hex(0x3aa0f5), hex(0xa9e2ff)), quad(at, 156, 186))
		x, y := at(66, -94)
		c.fill(flat(hex(0xffe28a)), circle(x, y, 42))
		ridge := func(color rgba, uv ...float64) {
			for i := 0; i < len(uv); i += 2 {
				uv[i], uv[i+1] = at(uv[i], uv[i+1])
			}
			c.fill(flat(color), polygon(uv...))
		}
		ridge(hex(0x2f7fb8), 156, 186, -156, 186, -156, 60, -60, -62, 10, 30, 78, -34, 156, 70)
		ridge(hex(0xf4fbff), -60, -62, -94, -19, -66, -28, -48, -8, -28, -20)
		ridge(hex(0x1d5c8f), 156, 186, -156, 186, -156, 130, -84, 60, 24, 150, 96, 84, 156, 136)
	})

	// The bucket is open above, so its far rim is behind the pictures.
	bucket := func(grow float64) path {
		return func(r *vector.Rasterizer) {
			r.MoveTo(f32(196-grow), f32(452))
			r.LineTo(f32(262-grow), f32(746))
			r.CubeTo(f32(276), f32(806+grow), f32(748), f32(806+grow), f32(762+grow), f32(746))
			r.LineTo(f32(828+grow), f32(452))
			r.CubeTo(f32(760), f32(536), f32(264), f32(536), f32(196-grow), f32(452))
			r.ClosePath()
		}
	}
	c.shadow(hex(0x0b1b3a).fade(0.25), 20, bucket(-8))
	side := func(x, y float64) rgba {
		t := (x - 200) / 620
		base := hex(0x12a4a8).mix(hex(0x2b5fd9), clamp(t, 0, 1))
		shine := math.Exp(-math.Pow((t-0.2-0.04*(y-600)/300)/0.06, 2))
		return base.mix(hex(0xffffff), 0.28*shine).mix(hex(0x0b1f5a), 0.35*step(0.7, 1.05, t))
	}
	c.fill(side, bucket(0))
	lip := func(x, y float64) rgba { return hex(0x5fd4d0).mix(hex(0x6f9bff), clamp((x-190)/640, 0, 1)) }
	var edge []float64
	for i := range 65 {
		t := float64(i) / 64
		s := 1 - t
		edge = append(edge,
			s*s*s*196+3*s*s*t*264+3*s*t*t*760+t*t*t*828,
			s*s*s*452+3*s*s*t*536+3*s*t*t*536+t*t*t*452)
	}
	c.fill(lip, stroke(26, edge...))

	name := func(x, _ float64) rgba { return hex(0x139aa6).mix(hex(0x3a6be0), clamp((x-120)/780, 0, 1)) }
	word := newCanvas(w, h)
	word.text(gobold.TTF, 124, w/2, 946, 0.5, hex(0xffffff), "s3imageserver")
	for i, p := range word.pix {
		if p.a > 0 {
			c.put(i%w, i/w, name(float64(i%w), 0), p.a)
		}
	}
	return c.image()
}

// notFound draws an empty frame whose picture is torn, in quiet colours that
// compress to almost nothing.
func notFound() image.Image {
	const w, h = 1200, 800
	c := newCanvas(w, h)
	c.fill(flat(hex(0xeef1f5)), polygon(0, 0, w, 0, w, h, 0, h))
	frame := func(color rgba, grow float64) {
		c.fill(flat(color), rounded(380-grow, 220-grow, 820+grow, 580+grow, 34+grow))
	}
	frame(hex(0xb9c3d0), 14)
	frame(hex(0xf8fafc), 0)
	in := newCanvas(w, h)
	in.fill(flat(hex(0xdfe6ee)), rounded(404, 244, 796, 556, 18))
	in.fill(flat(hex(0xf3d9a4)), circle(700, 330, 40))
	in.fill(flat(hex(0xb4c3d2)), polygon(404, 500, 520, 368, 640, 500, 640, 556, 404, 556))
	in.fill(flat(hex(0x9db0c3)), polygon(500, 556, 668, 410, 796, 520, 796, 556))
	card := newCanvas(w, h)
	card.fill(flat(hex(0xffffff)), rounded(404, 244, 796, 556, 18))
	for i, p := range in.pix {
		if a := card.pix[i].a; a > 0 && p.a > 0 {
			c.put(i%w, i/w, rgba{p.r / p.a, p.g / p.a, p.b / p.a, 1}, a)
		}
	}
	c.fill(flat(hex(0xeef1f5)), stroke(22, 640, 190, 572, 300, 626, 372, 556, 470, 600, 612))
	return c.image()
}
