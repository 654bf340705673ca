package main

import "math"

// balloon hangs in the picture: its middle and radius are in heights of the
// picture, y downwards.
type balloon struct {
	x, y, r float64
	far     float64 // how much haze lies before it, in [0,1]
	cloth   func(gore int, up float64) vec
	skin    *lathe
}

const gores = 20

// fleet goes from near to far.
var fleet = func() []*balloon {
	red, cream, gold, navy := rgb(0xc8342c), rgb(0xf6e7c8), rgb(0xf0a92c), rgb(0x25427e)
	teal, coral, plum, sky := rgb(0x1f8f8b), rgb(0xf0705a), rgb(0x6a3a78), rgb(0x7fb8dc)
	b := []*balloon{
		{x: 0.350, y: 0.335, r: 0.190, cloth: func(g int, up float64) vec {
			switch zig := up + 0.045*math.Abs(float64(g%4)-1.5); {
			case zig > 0.80:
				return red
			case zig > 0.68:
				return gold
			case zig > 0.56:
				return cream
			case zig > 0.44:
				return navy
			}
			return []vec{red, gold}[g%2]
		}},
		{x: 0.135, y: 0.560, r: 0.072, far: 0.30, cloth: func(g int, up float64) vec {
			if up > 0.45 && up < 0.60 {
				return cream
			}
			return []vec{teal, sky}[g/2%2]
		}},
		{x: 0.560, y: 0.610, r: 0.052, far: 0.45, cloth: func(g int, up float64) vec {
			return []vec{plum, coral, gold, coral}[g%4]
		}},
		{x: 0.585, y: 0.115, r: 0.036, far: 0.52, cloth: func(g int, up float64) vec {
			return []vec{coral, cream}[(g+int(up*7))%2]
		}},
		{x: 0.095, y: 0.185, r: 0.026, far: 0.66, cloth: func(g int, up float64) vec {
			return []vec{navy, gold}[g/2%2]
		}},
		{x: 0.265, y: 0.690, r: 0.020, far: 0.74, cloth: func(g int, up float64) vec {
			return []vec{red, cream}[g%2]
		}},
	}
	for i, o := range b {
		// Seen from a little below.
		axis := vec{0.03 * (random(i, 1, 80) - 0.5), 1, 0.13}.unit()
		o.skin = newLathe(axis.scale(-1.32), axis.scale(2.36), nil,
			0.13, 0.20, 0.40, 0.66, 0.88, 1.0, 1.055, 1.055, 1.01, 0.86, 0.58, 0)
	}
	return b
}()

// balloons paints a dawn over hills in mist, w wide and h high.
func balloons(w, h int) *film {
	f := exposeSmooth(w, h, 3, func(px, py float64) vec {
		x, y := px/float64(h), py/float64(h)
		for _, b := range fleet {
			if c, ok := b.look(x, y); ok {
				return c.mix(dawn(x, y), b.far)
			}
		}
		return dawn(x, y)
	})
	f.glow(h/30, 0.2)
	return f
}

// look returns the colour of the balloon if it covers x, y.
func (b *balloon) look(x, y float64) (vec, bool) {
	u, v := (x-b.x)/b.r, (b.y-y)/b.r
	if math.Abs(u) > 1.1 || v > 1.2 || v < -2.2 {
		return vec{}, false
	}
	sun := vec{-0.72, 0.30, -0.55}.unit()
	hit := hit{t: math.Inf(1)}
	if b.skin.intersect(ray{vec{u, v, -10}, vec{0, 0, 1}}, &hit) {
		p, n := hit.local, hit.n
		if n.z > 0 { // the mouth shows the inside
			return b.cloth(0, 0).scale(0.25), true
		}
		a := (math.Atan2(p.z, p.x)/(2*math.Pi) + 1) * gores
		g, in := math.Modf(a)
		up := p.y / b.skin.height
		c := b.cloth(int(g)%gores, up)
		// Each gore bulges between its seams.
		round := n.sub(b.skin.axis.scale(n.dot(b.skin.axis)))
		side := b.skin.axis.cross(round)
		n = n.add(side.scale(0.42 * (in - 0.5))).unit()
		seam := 1 - 0.35*step(0.035, 0.01, min(in, 1-in))
		lit := max(0, n.dot(sun))
		through := 0.16 * (1 + n.dot(sun)) // cloth lets light pass
		light := vec{1.50, 1.16, 0.86}.scale(lit + through).
			add(vec{0.24, 0.29, 0.38}.scale(0.75 + 0.25*n.y)).
			add(vec{0.30, 0.20, 0.15}.scale(0.4 * (1 - n.y)))
		shine := math.Pow(max(0, reflect(vec{0, 0, 1}, n).dot(sun)), 24)
		return c.mul(light).scale(seam).add(vec{0.22, 0.18, 0.13}.scale(shine)), true
	}
	// Basket and ropes.
	if v < -1.72 && v > -1.93 && math.Abs(u) < 0.125-0.1*(-1.72-v)*0.4 {
		weave := 0.75 + 0.25*math.Sin(u*160)*math.Sin(v*120)
		rim := 1 - 0.4*step(-1.76, -1.755, v)
		return rgb(0x8a5a30).scale(weave * rim * (0.75 - 2.6*u)), true
	}
	if v < -1.28 && v > -1.73 {
		t := (-1.28 - v) / 0.45
		for _, k := range [4]float64{-1, -0.4, 0.4, 1} {
			if math.Abs(u-k*lerp(0.15, 0.118, t)) < 0.006 {
				return rgb(0x3b2c24), true
			}
		}
	}
	return vec{}, false
}

var morning = []stop{
	{0, rgb(0x4f86c0)}, {0.30, rgb(0x8fb6da)}, {0.52, rgb(0xd5d8dc)}, {0.66, rgb(0xfbdcb4)}, {0.78, rgb(0xffd09a)},
}

// dawn is the sky, and hills that come out of the mist.
func dawn(x, y float64) vec {
	c := gradient(y, morning)
	const sx, sy = 0.06, 0.70
	d := math.Hypot(x-sx, (y-sy)*1.15)
	c = c.add(vec{1.1, 0.62, 0.26}.scale(0.75 * math.Exp(-d*4.2)))
	c = c.add(vec{1.2, 0.95, 0.6}.scale(2.6 * math.Exp(-d*d*1300)))

	depth := 0.12 + 0.9*(0.72-y)
	if depth > 0.12 {
		q := vec{x*1.3/depth + 40, y * 3.4 / depth, 0}
		warp := fbm(q.scale(0.6), 4)
		n := fbm(vec{q.x + 1.8*warp, q.y + 0.8*warp, 0}, 6)
		cover := step(0.50, 0.78, n) * step(0.12, 0.3, depth)
		c = c.mix(rgb(0xfff3e4).mix(rgb(0xffe0bd), math.Exp(-2*d)), 0.75*cover)
	}

	const layers = 6
	for i := range layers {
		t := float64(i) / (layers - 1)
		seed := float64(i)*7.7 + 2
		size := lerp(0.42, 0.55, t)
		base := lerp(0.755, 1.03, t*t*0.55+0.45*t)
		top := base - lerp(0.085, 0.12, t)*fbm(vec{x/size*1.6 + seed, seed, 0}, 5)*1.5
		wood := lerp(420, 95, t)
		bare := top // without its trees
		top -= lerp(0.003, 0.016, t) * woods(x+seed, wood) * step(0.3, 0.55, fbm(vec{x*4 + seed, 1, 0}, 3))
		if y > top {
			hill := rgb(0x93abc2).mix(rgb(0x12302e), math.Pow(t, 0.8))
			grass := fbm(vec{x * 24, y * 60, seed}, 4)
			hill = hill.scale(0.8 + 0.4*grass)
			sunny := math.Exp(-1.6 * d)
			c = hill.add(vec{0.42, 0.24, 0.10}.scale(sunny * (1 - 0.6*t)))
			// Mist fills the valleys.
			drift := fbm(vec{x*4 + seed, y*16 + seed, 3}, 4)
			m := step(bare+0.004, bare+lerp(0.05, 0.16, t), y+0.05*(drift-0.5))
			mist := rgb(0xd3dfea).mix(rgb(0xffdcae), clamp(1.3*math.Exp(-1.5*d), 0, 1))
			c = c.mix(mist, m*lerp(0.95, 0.62, t))
		}
	}
	return c
}
