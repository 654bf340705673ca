package main

import (
	"image"
	"image/color"
	"image/gif"
	"math"
)

const orbitFrames = 24

// marble is a ball of the animation.
type marble struct {
	ball
	color  vec
	mirror float64
}

// orbit renders six marbles that circle around a seventh. Every sixth of a
// turn looks the same but for the colours, so a whole turn is one loop.
func orbit(w, h int) *gif.GIF {
	colors := []vec{rgb(0xe5484d), rgb(0xf5a524), rgb(0xf2d544), rgb(0x3fb950), rgb(0x3b82f6), rgb(0xa855f7)}
	var frames []*image.NRGBA
	for i := range orbitFrames {
		turn := 2 * math.Pi * float64(i) / orbitFrames
		marbles := []marble{{ball{vec{0, 0.78, 0}, 0.78, nil}, rgb(0xf4efe6), 0.30}}
		for k, c := range colors {
			a := turn + 2*math.Pi*float64(k)/6
			hop := 0.34 * math.Pow(math.Sin(1.5*(a+0.4)), 2)
			marbles = append(marbles, marble{ball{vec{1.85 * math.Cos(a), 0.40 + hop, 1.85 * math.Sin(a)}, 0.40, nil}, c, 0.14})
		}
		f := exposeSmooth(w, h, 3, func(px, py float64) vec {
			eye := vec{0, 2.55, 6.6}
			forward := vec{0, 0.60, 0}.sub(eye).unit()
			right := vec{1, 0, 0}
			up := right.cross(forward)
			s := 0.66 / float64(h)
			d := forward.add(right.scale((px - float64(w)/2) * s)).add(up.scale((float64(h)/2 - py) * s))
			return glance(marbles, ray{eye, d.unit()}, 0)
		})
		frames = append(frames, f.develop(1.05, 0))
	}
	return animate(frames, 8)
}

// glance is what a ray sees, with at most two reflections.
func glance(marbles []marble, r ray, depth int) vec {
	h := hit{t: math.Inf(1)}
	var at *marble
	for i := range marbles {
		if marbles[i].intersect(r, &h) {
			at = &marbles[i]
		}
	}
	key := vec{-0.5, 0.78, 0.42}.unit()
	if at == nil {
		if r.d.y >= -1e-3 {
			return rgb(0x141a2e).mix(rgb(0x2b3560), clamp(r.d.y*1.5, 0, 1)).
				add(vec{1.6, 1.55, 1.5}.scale(step(0.965, 0.985, r.d.dot(key))))
		}
		p := r.at(-r.o.y / r.d.y)
		return floor(marbles, p, r.d, depth)
	}
	p, n := r.at(h.t), h.n
	lit := max(0, n.dot(key))
	for i := range marbles {
		if m := &marbles[i]; m != at {
			lit *= m.shade(p, key)
		}
	}
	bounce := rgb(0x39466f).scale(0.5 - 0.4*n.y)
	c := at.color.mul(vec{1.05, 1.0, 0.92}.scale(lit).add(rgb(0x7e90c8).scale(0.30 + 0.22*n.y)).add(bounce.scale(0.6)))
	c = c.scale(0.35 + 0.65*step(-0.1, 0.35, p.y)) // little light beneath
	if depth < 2 {
		f := fresnel(-n.dot(r.d), at.mirror*0.35)
		m := reflect(r.d, n)
		c = c.mix(glance(marbles, ray{p.add(n.scale(near)), m}, depth+1), f)
		c = c.add(vec{1, 0.97, 0.92}.scale(0.9 * math.Pow(max(0, m.dot(key)), 90)))
	}
	return c
}

// shade is the part of the light from d that reaches p past the marble; its
// edge is soft.
func (m *marble) shade(p, d vec) float64 {
	to := m.at.sub(p)
	along := to.dot(d)
	if along < 0 {
		return 1
	}
	miss := math.Sqrt(max(0, to.dot(to)-along*along))
	soft := 0.10*along + 0.02
	return step(m.r-soft, m.r+soft, miss)
}

func floor(marbles []marble, p, d vec, depth int) vec {
	key := vec{-0.5, 0.78, 0.42}.unit()
	lit, open := 1.0, 1.0
	for i := range marbles {
		m := &marbles[i]
		lit *= m.shade(p, key)
		q := m.at.sub(p)
		l := q.len()
		open *= 1 - 0.8*max(0, q.y/l)*m.r*m.r/(l*l)
	}
	dist := math.Hypot(p.x, p.z)
	c := rgb(0x5a6aa6).mix(rgb(0x141a2e), step(1.0, 6.5, dist))
	c = c.scale((0.30 + 0.70*lit) * open)
	if depth < 1 {
		m := vec{d.x, -d.y, d.z}
		c = c.mix(glance(marbles, ray{p.add(vec{0, near, 0}), m}, depth+1), 0.16*step(6, 2, dist))
	}
	return c
}

// animate makes a looping GIF; delay is in hundredths of a second. All
// frames share one palette; those after the first store what changes.
func animate(frames []*image.NRGBA, delay int) *gif.GIF {
	size := frames[0].Rect.Size()
	palette := colorsOf(frames, 255)
	clear := uint8(len(palette))
	palette = append(palette, color.RGBA{})
	anim := &gif.GIF{Config: image.Config{ColorModel: palette, Width: size.X, Height: size.Y}}
	index := nearestIn(palette[:clear])
	shown := make([]uint8, size.X*size.Y)
	for i, f := range frames {
		m := image.NewPaletted(f.Rect, palette)
		var changed image.Rectangle
		for y := range size.Y {
			for x := range size.X {
				// The dither stays where it is, so that still parts
				// of the picture do too.
				d := (float64(bayer(x, y)) - 31.5) / 64 * 3
				p := f.Pix[y*f.Stride+4*x:]
				c := index(float64(p[0])+d, float64(p[1])+d, float64(p[2])+d)
				if at := y*size.X + x; i > 0 && shown[at] == c {
					m.Pix[y*m.Stride+x] = clear
				} else {
					shown[at] = c
					m.Pix[y*m.Stride+x] = c
					changed = changed.Union(image.Rect(x, y, x+1, y+1))
				}
			}
		}
		anim.Image = append(anim.Image, m.SubImage(changed).(*image.Paletted))
		anim.Delay = append(anim.Delay, delay)
		anim.Disposal = append(anim.Disposal, gif.DisposalNone)
	}
	return anim
}

// bayer is the 8x8 matrix of ordered dither, with values up to 63.
func bayer(x, y int) int {
	v := 0
	for bit := range 3 {
		a, b := x>>bit&1, y>>bit&1
		v |= (a ^ b) << (5 - 2*bit)
		v |= b << (4 - 2*bit)
	}
	return v
}
