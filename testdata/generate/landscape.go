package main

import "math"

// The landscape is flat layers, one before the other, as in a paper theatre:
// sky, ridges, mist, a lake that mirrors them, and a shore with firs. All
// coordinates are fractions of its height, y downwards.
const (
	waterline = 0.66
	sunX      = 0.93
	sunY      = 0.47
)

// landscape paints a mountain lake at sunset.
func landscape(w, h int) *film {
	f := exposeSmooth(w, h, 2, func(px, py float64) vec {
		x, y := px/float64(h), py/float64(h)
		c := lake(x, y)
		if y < waterline {
			c = mountains(x, y)
		}
		return shore(x, y, c)
	})
	f.glow(h/24, 0.25)
	return f
}

var dusk = []stop{
	{0, rgb(0x14264f)}, {0.25, rgb(0x2f4a80)}, {0.45, rgb(0x6f6f9e)}, {0.6, rgb(0xc98a8c)},
	{0.74, rgb(0xf3a870)}, {0.88, rgb(0xffcf8a)}, {1, rgb(0xffe0a8)},
}

// sky is the light above the ridges: from deep blue down to the afterglow,
// with bands of cloud lit from below.
func sky(x, y float64) vec {
	t := clamp(y/waterline, 0, 1)
	c := gradient(t, dusk)
	d := math.Hypot((x-sunX)*0.8, y-sunY)
	c = c.add(vec{1.5, 0.75, 0.26}.scale(0.75 * math.Exp(-d*5.5)))
	c = c.add(vec{1.3, 0.9, 0.5}.scale(3.2 * math.Exp(-d*d*900)))

	// Clouds grow flatter towards the horizon.
	depth := 0.16 + 1.1*(sunY+0.22-y)
	if depth > 0.16 {
		q := vec{x*1.5/depth + 3, y * 2.9 / depth, 0}
		warp := fbm(q.scale(0.7), 4)
		n := fbm(vec{q.x + 1.6*warp, q.y + 0.9*warp, 0}, 6)
		below := fbm(vec{q.x + 1.6*warp, q.y + 0.9*warp + 0.22, 0}, 5)
		cover := step(0.50, 0.74, n) * step(0.16, 0.3, depth)
		lit := clamp(2.4*(n-below)+0.42, 0, 1)
		glow := math.Exp(-d * 2.0)
		shade := rgb(0x4a4a72).mix(rgb(0x8a5a72), glow)
		fire := rgb(0xd98a90).mix(vec{1.35, 0.62, 0.26}, min(1, 1.5*glow))
		c = c.mix(shade.mix(fire, lit), 0.88*cover)
	}
	if y < 0.32 {
		c = c.add(star(x, y).scale(step(0.32, 0.02, y)))
	}
	return c
}

// star is the light of the first stars.
func star(x, y float64) vec {
	const cell = 0.045
	i, j := int(math.Floor(x/cell)), int(math.Floor(y/cell))
	if random(i, j, 50) > 0.32 {
		return vec{}
	}
	dx := x/cell - float64(i) - 0.2 - 0.6*random(i, j, 51)
	dy := y/cell - float64(j) - 0.2 - 0.6*random(i, j, 52)
	r := (dx*dx + dy*dy) * cell * cell
	m := random(i, j, 53)
	return vec{0.9, 0.95, 1.05}.scale(0.75 * m * m * math.Exp(-r*1.6e6))
}

// stop is a colour at a place of a gradient.
type stop struct {
	at    float64
	color vec
}

// gradient is the colour at t between stops, whose places rise.
func gradient(t float64, stops []stop) vec {
	for i := 1; i < len(stops); i++ {
		if a, b := stops[i-1], stops[i]; t <= b.at {
			return a.color.mix(b.color, clamp((t-a.at)/(b.at-a.at), 0, 1))
		}
	}
	return stops[len(stops)-1].color
}

// ridge is a range of mountains.
type ridge struct {
	base, rise float64 // y of the foot; height of the peaks
	size       float64 // of a mountain
	seed       float64
	rock, lit  vec
	haze       float64 // light of the afterglow between it and the eye
}

// ridges go from far to near.
var ridges = []ridge{
	{0.60, 0.36, 0.62, 3.3, rgb(0x5b5a86), rgb(0xf0a690), 0.40},
	{0.63, 0.25, 0.50, 21.7, rgb(0x4a4c78), rgb(0xc07f80), 0.34},
	{0.645, 0.185, 0.42, 7.9, rgb(0x363d66), rgb(0x8a6272), 0.30},
	{0.655, 0.12, 0.33, 33.1, rgb(0x252f52), rgb(0x574a62), 0.26},
	{0.662, 0.065, 0.22, 14.6, rgb(0x161f38), rgb(0x2a2c42), 0.16},
}

// crest is the upper edge of ridge i at x.
func crest(i int, x float64) float64 {
	r := &ridges[i]
	n := ridged(vec{x/r.size + r.seed, r.seed, 0}, 7)
	// Leave a valley where the sun went down.
	valley := 1 - (0.62-0.07*float64(i))*math.Exp(-math.Pow((x-sunX)/0.26, 2))
	y := r.base - r.rise*n*valley
	if i == len(ridges)-1 {
		y -= 0.012 * woods(x, 160) // trees on the nearest
	}
	return y
}

// woods is the outline of a distant wood, in [0,1].
func woods(x, density float64) float64 {
	i := math.Floor(x * density)
	top := 0.0
	for k := i - 1; k <= i+1; k++ {
		at := (k + random(int(k), 1, 60)) / density
		t := 0.35 + 0.65*random(int(k), 2, 60)
		top = max(top, t-math.Abs(x-at)*density*1.3)
	}
	return top
}

// mountains is everything down to the water.
func mountains(x, y float64) vec {
	c := sky(x, y)
	for i := range ridges {
		r := &ridges[i]
		top := crest(i, x)
		if y >= top {
			c = r.slope(i, x, y, top)
		}
		// Mist lies in front of each ridge, thicker to its foot.
		drift := fbm(vec{x*3 + r.seed, y*14 + r.seed, 0}, 4)
		m := step(r.base-0.10, r.base+0.012, y+0.06*(drift-0.5))
		mist := rgb(0xf2b896).mix(rgb(0x9a8fae), clamp(math.Abs(x-sunX)*1.05, 0, 1))
		if i < len(ridges)-1 {
			c = c.mix(mist, m*(0.72-0.10*float64(i)))
		}
	}
	return c
}

// slope shades a ridge with ribs of rock that run down from its crest.
func (r *ridge) slope(i int, x, y, top float64) vec {
	const d = 0.004
	down := (y - top) / r.rise
	rib := func(x float64) float64 {
		warp := 0.35 * fbm(vec{x * 6 / r.size, y * 9, r.seed}, 3)
		return ridged(vec{(x+warp*0.2)*2.6/r.size + r.seed, down*1.5 + warp, 0}, 5)
	}
	side := 1.0
	if x > sunX {
		side = -1
	}
	light := clamp(0.42+side*(rib(x)-rib(x+d))*4.5, 0, 1) * step(1.1, 0.0, down)
	c := r.rock.mix(r.lit, light)
	if i < 2 { // snow in the high gullies
		snow := step(0.50, 0.66, rib(x)+0.28*(0.35-down)) * step(0.75, 0.1, down)
		c = c.mix(rgb(0xe9b7ae).mix(rgb(0x8f95bd), 1-light), 0.55*snow)
	}
	return c.mix(rgb(0xd99a8c), r.haze*math.Exp(-math.Abs(x-sunX)*2))
}

// lake mirrors the mountains, shaken by ripples that grow towards the shore.
func lake(x, y float64) vec {
	depth := (y - waterline) / (1 - waterline)
	near := 0.02 + depth
	ripple := fbm(vec{x * 5 / near, 26 * math.Log(near), 1}, 4) - 0.5
	fine := fbm(vec{x * 16 / near, 90 * math.Log(near), 5}, 3) - 0.5
	calm := step(0.42, 0.58, fbm(vec{x * 1.2, y * 9, 8}, 3))
	shake := (0.4 + 0.6*calm) * (0.10*ripple + 0.05*fine) * (0.12 + depth)
	my := waterline - (y-waterline)*0.97 + shake
	c := mountains(x+0.3*shake, min(my, waterline-1e-6))
	c = c.mul(vec{0.80, 0.82, 0.88})
	// Looking down, one sees into the dark water.
	c = c.mix(rgb(0x0c1a30), 0.12+0.5*step(0.1, 1.1, depth))
	line := math.Exp(-math.Pow((y-waterline)/0.0025, 2))
	return c.add(rgb(0xf5c9a0).scale(0.25 * line))
}

// firs stand on the shore: x of the trunk, y of the foot, height.
var firs = func() (f []vec) {
	for i := range 120 {
		t := random(i, 0, 70)
		x := 0.62 * t * t
		if i%5 < 2 {
			x = 1.5 - 0.40*t*t
		}
		size := 0.05 + 0.10*random(i, 1, 70)
		if i%9 == 0 {
			size += 0.12
		}
		f = append(f, vec{x, ground(x) + 0.012, size * (0.35 + 0.9*step(0.66, 0.0, min(x, 1.53-x)*1.2))})
	}
	return f
}()

// ground is the edge of the near shore.
func ground(x float64) float64 {
	l, r := step(0.70, 0.0, x), step(1.02, 1.5, x)
	return 1.02 - 0.15*l - 0.11*r - 0.020*fbm(vec{x * 9, 2, 0}, 5)
}

// shore covers c with the near bank and its trees.
func shore(x, y float64, c vec) vec {
	dark := rgb(0x070b14)
	grass := ground(x) - 0.012*math.Pow(noise(vec{x * 420, 0.5, 0}), 2)
	if y > grass {
		tint := fbm(vec{x * 20, y * 40, 3}, 4)
		return dark.mix(rgb(0x1d2025), tint*step(grass+0.10, grass, y))
	}
	for i, f := range firs {
		if fir(i, x-f.x, (f.y-y)/f.z, f.z) {
			return dark.mix(rgb(0x26304a), 0.35*random(i, 3, 71)*step(0.2, 1, (f.y-y)/f.z))
		}
	}
	return c
}

// fir reports whether a tree of the given height covers a point dx beside
// its trunk; up is 0 at the foot and 1 at the top.
func fir(seed int, dx, up, height float64) bool {
	if up < 0 || up > 1 || math.Abs(dx) > 0.26*height {
		return false
	}
	dx /= height
	if math.Abs(dx) < 0.012*(1.1-up) {
		return true
	}
	side := 0
	if dx < 0 {
		side = 1
	}
	// Branches droop: look up where this one left the trunk.
	tier := (up + 0.45*math.Abs(dx)) * 21
	n, f := math.Modf(tier)
	reach := (1 - up) * 0.235 * (0.55 + 0.6*random(seed, int(n), 72+side)) * (1.05 - 0.8*f*f)
	ragged := 0.02 * (noise(vec{dx * 190, up * 190, float64(seed)}) - 0.5)
	return up > 0.07 && math.Abs(dx) < reach+ragged
}
