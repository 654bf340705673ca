package main

import "math"

// stillLife shoots fruit and vessels on a wooden table beside a window.
func stillLife(w, h, paths int) *film {
	s := &scene{
		window: window{
			corner: vec{-6.4, 2.6, 5.6}, u: vec{-0.6, 0, -4.6}, v: vec{0, 4.4, 0},
			light: vec{17, 14.6, 11.4}, cols: 2, rows: 3,
		},
		room: func(d vec) vec {
			// A dim room, a little brighter and warmer on the right, where
			// the far wall returns the light.
			return vec{0.062, 0.070, 0.086}.scale(0.8 + 0.4*d.y).
				add(vec{0.075, 0.055, 0.036}.scale(step(0, 1, d.x)))
		},
	}
	s.add(
		&plane{at: vec{0, 0, -0.6}, n: vec{0, 1, 0}, u: vec{1, 0, 0}, v: vec{0, 0, 1}, halfV: 3.4,
			mat: &material{finish: glazed, rough: 0.10, paint: walnut}},
		&plane{at: vec{0, 0, -5.2}, n: vec{0, 0, 1}, u: vec{1, 0, 0}, v: vec{0, 1, 0},
			mat: &material{paint: plaster}},
	)
	s.vase(vec{-1.42, 0, -0.75})
	s.bowl(vec{1.05, 0, -0.35})
	s.pear(vec{-0.42, 0, 0.95}, vec{0.10, 1.55, -0.10}, 0.3)
	s.pear(vec{-1.05, 0.44, 0.62}, vec{-1.28, 0.10, 0.62}, 2.1)
	s.grapes()
	s.goblet(vec{2.58, 0, -1.15})
	s.add(
		&ball{vec{1.62, 0.46, 1.42}, 0.46, &material{finish: glass, paint: plain(vec{0.93, 0.985, 0.97})}},
		&ball{vec{0.62, 0.2, 1.55}, 0.2, &material{finish: metal, rough: 0.015, paint: plain(rgb(0xf2cf86))}},
	)
	c := camera{eye: vec{0.25, 2.55, 9.2}, target: vec{-0.06, 1.40, 0}, fov: 0.505, aperture: 0.085, focus: 8.55}
	f := c.shoot(s, w, h, paths).denoise()
	f.glow(w/90, 0.05)
	return f
}

// plain is the same colour everywhere.
func plain(c vec) func(vec, *vec) vec { return func(vec, *vec) vec { return c } }

// walnut is a table top of planks.
func walnut(p vec, n *vec) vec {
	z := p.y + 0.31
	plank := math.Floor(z / 1.15)
	in := z - plank*1.15
	off := 37 * random(int(plank), 3, 1)
	// Growth rings, cut along the trunk: long arches.
	warp := fbm(vec{p.x*0.35 + off, in*1.4 + off, off}, 4)
	rings := math.Sin(50*warp + 9*in)
	fibre := fbm(vec{p.x*1.3 + off, z * 46, 1}, 3)
	pore := step(0.62, 0.72, noise(vec{p.x*5 + off, z * 120, 2}))
	t := clamp(0.45+0.22*rings+0.9*(fibre-0.5), 0, 1)
	c := rgb(0x4a2a18).mix(rgb(0x9a6438), t)
	c = c.scale(1 - 0.35*pore).scale(0.85 + 0.3*random(int(plank), 8, 1))
	gap := min(in, 1.15-in)
	return c.scale(lerp(0.25, 1, step(0.002, 0.014, gap)))
}

// plaster is a wall with traces of the trowel.
func plaster(p vec, n *vec) vec {
	a := fbm(vec{p.x * 0.5, p.y * 0.5, 0}, 5)
	b := fbm(vec{p.x*2 + 3*a, p.y*2.4 + 3*a, 0}, 4)
	return rgb(0x4d5b59).mix(rgb(0x86958c), clamp(1.7*(0.6*a+0.4*b)-0.35, 0, 1))
}

// bend tilts the normal by the slope of noise of the given size.
func bend(n *vec, p vec, size, strength float64) {
	const d = 0.01
	q := p.scale(1 / size)
	v := noise(q)
	g := vec{
		noise(q.add(vec{d, 0, 0})) - v, noise(q.add(vec{0, d, 0})) - v, noise(q.add(vec{0, 0, d})) - v,
	}.scale(strength / d)
	*n = n.sub(g.sub(n.scale(g.dot(*n)))).unit()
}

// vase is of celadon, darker where the glaze ran together.
func (s *group) vase(at vec) {
	glaze := &material{finish: glazed, rough: 0.012, paint: func(p vec, n *vec) vec {
		run := fbm(vec{3 * math.Atan2(p.z, p.x), p.y * 0.8, 4}, 4)
		t := clamp(p.y/3.25+0.5*(run-0.5), 0, 1)
		c := rgb(0x1f5a63).mix(rgb(0x6fa79b), step(0.05, 0.8, t))
		c = c.mix(rgb(0xc9b583), step(0.93, 1.0, t+0.03)) // thin on the lip
		speck := dots(p.scale(15), 0.75)
		return c.scale(1 - 0.35*speck)
	}}
	s = s.group(at.add(vec{0, 1.7, 0}), 2.2)
	radii := []float64{0.50, 0.56, 0.78, 0.98, 1.09, 1.09, 0.97, 0.73, 0.46, 0.33, 0.31, 0.38, 0.54}
	s.add(newLathe(at, vec{0, 3.2, 0}, glaze, radii...))
	for i := range radii {
		radii[i] *= 0.9
	}
	s.add(newLathe(at, vec{0, 3.2, 0}, glaze, radii...),
		&ring{at.add(vec{0, 3.199, 0}), vec{0, 1, 0}, 0.486, 0.54, glaze})
}

// bowl is of white china with a blue band, full of oranges.
func (s *group) bowl(at vec) {
	china := &material{finish: glazed, rough: 0.008, paint: func(p vec, n *vec) vec {
		c := vec{0.80, 0.78, 0.73}
		band := step(0.80, 0.81, p.y)*step(0.925, 0.915, p.y) + step(0.74, 0.745, p.y)*step(0.775, 0.77, p.y)
		return c.mix(rgb(0x1d3f80), 0.92*band)
	}}
	s = s.group(at.add(vec{0, 1.05, 0}), 1.85)
	outer := []float64{0.52, 0.50, 0.66, 1.02, 1.24, 1.36, 1.43, 1.47}
	s.add(newLathe(at, vec{0, 1.02, 0}, china, outer...))
	inner := make([]float64, len(outer))
	for i, r := range outer {
		inner[i] = r - 0.05
	}
	inner[0], inner[1] = 0, 0.35
	white := &material{finish: glazed, rough: 0.008, paint: plain(vec{0.80, 0.78, 0.73})}
	s.add(newLathe(at.add(vec{0, 0.05, 0}), vec{0, 0.97, 0}, white, inner...),
		&ring{at.add(vec{0, 1.019, 0}), vec{0, 1, 0}, 1.42, 1.47, white})

	for i, p := range []vec{
		{-0.62, 0.98, 0.22}, {0.20, 0.96, 0.62}, {0.72, 0.98, -0.10}, {-0.12, 1.0, -0.62}, {0.08, 1.62, 0.02},
	} {
		s.orange(at.add(p), 0.535+0.02*random(i, 4, 4), i)
	}
}

// orange has pores, and a green star where it was cut off.
func (s *group) orange(at vec, r float64, seed int) {
	stalk := vec{random(seed, 1, 5) - 0.5, 0.75, random(seed, 2, 5)}.unit()
	peel := &material{finish: glazed, rough: 0.09, paint: func(p vec, n *vec) vec {
		d := p.unit().dot(stalk)
		if d > 0.9955 {
			return rgb(0x5d6a2c).scale(0.6 + 0.8*noise(p.scale(60)))
		}
		*n = n.add(stalk.scale(0.9 * step(0.965, 0.995, d))).unit()
		bend(n, p.add(vec{float64(seed) * 9, 0, 0}), 0.030, 0.075)
		hue := fbm(p.scale(2.2).add(vec{float64(seed), 0, 9}), 3)
		c := rgb(0xe8780c).mix(rgb(0xf6a21a), step(0.3, 0.7, hue))
		return c.mix(rgb(0xb9a03a), 0.6*step(0.95, 0.992, d))
	}}
	s.add(&ball{at, r, peel})
}

// pear stands or lies along axis; blush turns its red cheek.
func (s *group) pear(at, axis vec, blush float64) {
	up := axis.unit()
	skin := &material{finish: glazed, rough: 0.07, paint: func(p vec, n *vec) vec {
		a := math.Atan2(p.z, p.x)
		t := p.y / 1.55
		mottle := fbm(p.scale(5), 4)
		c := rgb(0xc9b52c).mix(rgb(0x93a02b), step(0.35, 0.65, mottle))
		red := step(-0.1, 0.95, math.Cos(a-blush)+0.9*(mottle-0.5)) * step(0.98, 0.45, t)
		c = c.mix(rgb(0xb4401e), 0.85*red)
		russet := step(0.84, 0.98, t+0.16*(mottle-0.5)) + step(0.09, 0.0, t)
		c = c.mix(rgb(0x8a6a33), 0.7*min(1, russet))
		speck := dots(p.scale(18), 0.8)
		bend(n, p, 0.16, 0.012)
		return c.mix(rgb(0x7a5a26), 0.55*speck)
	}}
	s.add(newLathe(at, axis, skin, 0, 0.47, 0.61, 0.665, 0.65, 0.56, 0.43, 0.335, 0.30, 0.27, 0.21, 0))
	stalk := &material{paint: func(p vec, n *vec) vec {
		return rgb(0x4f3820).scale(0.6 + 0.8*noise(p.scale(25)))
	}}
	top := at.add(axis.scale(0.965))
	lean := vec{0.16, 0, 0.05}
	s.add(
		newLathe(top, up.scale(0.24).add(lean.scale(0.25)), stalk, 0.036, 0.033, 0.030, 0.030),
		newLathe(top.add(up.scale(0.235)).add(lean.scale(0.245)), up.scale(0.2).add(lean.scale(0.6)), stalk, 0.030, 0.031, 0.036, 0.045, 0.046, 0),
	)
}

// grapes lie in a heap beside the bowl.
func (s *group) grapes() {
	const r = 0.205
	s = s.group(vec{-2.25, 0.5, 1.1}, 1.15)
	place := func(x, y, z float64, seed int) {
		skin := &material{finish: glazed, rough: 0.03, paint: func(p vec, n *vec) vec {
			// The bloom is rubbed off here and there.
			bloom := step(0.35, 0.75, fbm(p.scale(7).add(vec{float64(seed) * 3, 1, 1}), 3))
			c := rgb(0x3a1030).mix(rgb(0x5a1a38), random(seed, 6, 6))
			return c.mix(rgb(0x7c6f96), 0.42*bloom)
		}}
		j := func(k int) float64 { return 0.05 * (random(seed, k, 9) - 0.5) }
		s.add(&ball{vec{x + j(1), y, z + j(2)}, r * (0.94 + 0.1*random(seed, 3, 9)), skin})
	}
	seed := 0
	for _, layer := range []struct {
		y, x, z float64
		rows    []int
	}{
		{0.20, -2.85, 0.55, []int{3, 4, 4, 3}},
		{0.52, -2.69, 0.70, []int{2, 3, 2}},
		{0.84, -2.51, 0.90, []int{1, 2}},
	} {
		for k, n := range layer.rows {
			for i := range n {
				x := layer.x + 0.40*float64(i) - 0.2*float64(n-layer.rows[0])
				place(x, layer.y, layer.z+0.355*float64(k), seed)
				seed++
			}
		}
	}
	stem := &material{paint: plain(rgb(0x6d6a35))}
	s.add(newLathe(vec{-2.45, 0.9, 1.05}, vec{0.22, 0.45, -0.15}, stem, 0.03, 0.028, 0.026, 0.03, 0.045, 0))
}

// goblet is of copper.
func (s *group) goblet(at vec) {
	copper := &material{finish: metal, rough: 0.05, paint: func(p vec, n *vec) vec {
		tarnish := fbm(p.scale(2.5).add(vec{3, 0, 3}), 4)
		return rgb(0xe39a6c).mix(rgb(0x8f5a44), step(0.4, 0.75, tarnish))
	}}
	s = s.group(at.add(vec{0, 1.07, 0}), 1.35)
	radii := []float64{0.62, 0.60, 0.26, 0.12, 0.11, 0.20, 0.12, 0.34, 0.60, 0.72, 0.74, 0.72, 0.70}
	s.add(newLathe(at, vec{0, 2.15, 0}, copper, radii...))
	in := []float64{0, 0.55, 0.66, 0.70, 0.69, 0.67}
	s.add(newLathe(at.add(vec{0, 1.28, 0}), vec{0, 0.87, 0}, copper, in...),
		&ring{at.add(vec{0, 2.149, 0}), vec{0, 1, 0}, 0.67, 0.70, copper})
}
