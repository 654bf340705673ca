package main

import "math"

// dahlia is a flower seen from above. Its petals are set at the golden
// angle, so that no two lie over one another; younger ones cover older ones.
type dahlia struct {
	x, y, r           float64
	turn              float64
	heart, belly, tip vec
	petals            []petal
}

// petal points from the heart of its flower, which is 1 in radius.
type petal struct {
	sin, cos     float64 // of its direction
	age          float64 // 0 in the heart, 1 at the rim
	reach, width float64
}

// grow gives the flower n petals.
func (f *dahlia) grow(n int) {
	for i := range n {
		p := petal{age: (float64(i) + 0.5) / float64(n)}
		p.sin, p.cos = math.Sincos(f.turn + float64(i)*math.Pi*(3-math.Sqrt(5)) + 0.05*random(i, 2, 90))
		p.reach = 0.05 + 0.95*math.Pow(p.age, 0.62)*(0.96+0.06*random(i, 1, 90))
		p.width = lerp(0.30, 0.165, math.Sqrt(p.age))
		f.petals = append(f.petals, p)
	}
}

// garden paints dahlias before leaves that are out of focus. Coordinates are
// fractions of the size.
func garden(size int) *film {
	flowers := []dahlia{
		{0.515, 0.485, 0.425, 0.3, rgb(0x5a0824), rgb(0xc41d4e), rgb(0xff8d86), nil},
		{0.045, 0.930, 0.260, 1.1, rgb(0x7a2c04), rgb(0xe07c12), rgb(0xffc964), nil},
		{0.985, 0.060, 0.200, 2.0, rgb(0x351558), rgb(0x7f3fb0), rgb(0xcfa0e8), nil},
	}
	for i, n := range []int{210, 150, 130} {
		flowers[i].grow(n)
	}
	return exposeSmooth(size, size, 2, func(px, py float64) vec {
		x, y := px/float64(size), py/float64(size)
		shade := 1.0
		for i := range flowers {
			if c, ok := flowers[i].look(x, y, &shade); ok {
				return c.scale(shade)
			}
		}
		return foliage(x, y).scale(shade)
	})
}

// look returns the colour of the flower at x, y; where there is none, it
// darkens shade near the petals.
func (f *dahlia) look(x, y float64, shade *float64) (vec, bool) {
	dx, dy := (x-f.x)/f.r, (y-f.y)/f.r
	if dx*dx+dy*dy > 1.3 {
		return vec{}, false
	}
	dark := 1.0
	for i := range f.petals {
		p := &f.petals[i]
		u, v := (dx*p.cos+dy*p.sin)/p.reach, (dy*p.cos-dx*p.sin)/p.reach
		if u < -0.05 || u > 1.25 || math.Abs(v) > 1.05*p.width+0.05/p.reach {
			continue
		}
		// The rim waves a little.
		width := petalWidth(u) * p.width * (1 + 0.05*math.Sin(u*14+float64(i)))
		if math.Abs(v) < width {
			return f.petal(i, u, v, width).scale(dark), true
		}
		// Beside a petal lies its shadow, deeper on the side away from the
		// light, which comes from above on the left.
		out := (math.Abs(v) - width) * p.reach
		if u > 1 {
			out = math.Hypot(out, (u-1)*p.reach)
		}
		lee := 0.5 + 0.5*(p.sin*math.Copysign(1, -v)*-0.7+p.cos*math.Copysign(1, v)*0.7)
		dark *= 1 - (0.16+0.16*lee)*math.Exp(-out*out*2600)
	}
	*shade *= 0.45 + 0.55*dark
	return vec{}, false
}

// petalWidth is half the width of a petal along its length, at most 1.
func petalWidth(u float64) float64 {
	if u <= 0 || u >= 1 {
		return 0
	}
	return math.Pow(math.Sin(math.Pi*math.Pow(u, 1.35)), 0.62)
}

func (f *dahlia) petal(i int, u, v, width float64) vec {
	p := &f.petals[i]
	across := v / width
	vein := noise(vec{across*7 + float64(i)*5, u * 1.5, 4})
	t := clamp(u+0.12*(vein-0.5), 0, 1)
	c := gradient(t, []stop{{0, f.heart}, {0.35, f.heart.mix(f.belly, 0.35)}, {0.72, f.belly}, {1, f.tip}})
	c = c.mix(f.heart, 0.45*step(0.35, 0, p.age)) // buds are darker
	// Petals are folded like a spoon, lit from above on the left.
	n := vec{
		-0.55*p.cos*step(0.5, 1, u) - p.sin*across*0.75,
		-0.55*p.sin*step(0.5, 1, u) + p.cos*across*0.75,
		1,
	}.unit()
	lit := max(0, n.dot(vec{-0.45, -0.5, 0.74}))
	crease := 1 - 0.22*math.Exp(-across*across*60)*step(1, 0.5, u)
	hollow := lerp(0.32, 1, step(0.25, 0.85, u))
	shine := 0.10 * math.Pow(lit, 12)
	return c.scale((0.30 + 0.95*lit) * crease * hollow * (0.93 + 0.14*vein)).add(vec{shine, shine, shine})
}

// foliage is green light through leaves: discs as a wide lens makes them of
// bright points.
func foliage(x, y float64) vec {
	n := fbm(vec{x*2.6 + 3, y*2.6 + 9, 0}, 3)
	c := rgb(0x0c2415).mix(rgb(0x2f5f2c), step(0.3, 0.75, n))
	c = c.mix(rgb(0x86a045), 0.35*step(0.9, 0.0, math.Hypot(x-0.1, y)))
	for i := range 70 {
		bx, by := random(i, 1, 95)*1.1-0.05, random(i, 2, 95)*1.1-0.05
		r := 0.022 + 0.045*random(i, 3, 95)
		d := math.Hypot(x-bx, y-by)
		if d > r*1.05 {
			continue
		}
		leaf := rgb(0x9dc45a)
		switch i % 6 {
		case 0:
			leaf = rgb(0xffe3a0)
		case 1:
			leaf = rgb(0x5fae8a)
		}
		disc := step(r*1.05, r*0.93, d) * (0.75 + 0.25*step(0.6*r, r, d))
		c = c.add(leaf.scale(0.20 * random(i, 4, 95) * disc))
	}
	return c
}
