package main

import "math"

// hash mixes three integers to 64 bits (the finalizer of splitmix64).
func hash(x, y, z int) uint64 {
	h := uint64(x)*0x9e3779b97f4a7c15 ^ uint64(y)*0xc2b2ae3d27d4eb4f ^ uint64(z)*0x165667b19e3779f9
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// random is a number in [0,1) for each lattice point.
func random(x, y, z int) float64 { return float64(hash(x, y, z)>>11) / (1 << 53) }

// noise is smooth value noise in [0,1] with features of size 1.
func noise(p vec) float64 {
	fx, fy, fz := math.Floor(p.x), math.Floor(p.y), math.Floor(p.z)
	x, y, z := int(fx), int(fy), int(fz)
	u, v, w := fade(p.x-fx), fade(p.y-fy), fade(p.z-fz)
	var plane [2]float64
	for k := range plane {
		a := lerp(random(x, y, z+k), random(x+1, y, z+k), u)
		b := lerp(random(x, y+1, z+k), random(x+1, y+1, z+k), u)
		plane[k] = lerp(a, b, v)
		if w == 0 {
			return a + (b-a)*v
		}
	}
	return lerp(plane[0], plane[1], w)
}

func fade(t float64) float64 { return t * t * t * (t*(t*6-15) + 10) }

// fbm sums octaves of noise, each half as large and half as strong; the
// result is in [0,1], mostly near 0.5.
func fbm(p vec, octaves int) float64 {
	sum, total, amplitude := 0.0, 0.0, 1.0
	for i := range octaves {
		sum += amplitude * noise(p)
		total += amplitude
		amplitude /= 2
		// A turn between octaves hides the lattice; p.z stays where it is,
		// so that planes of noise stay planes.
		p = vec{1.6*p.x + 1.2*p.y + 17.3, 1.6*p.y - 1.2*p.x + 5.1, 2 * p.z}
		if p.z != 0 {
			p.z += float64(i)
		}
	}
	return sum / total
}

// ridged is like fbm, with sharp crests instead of round hills.
func ridged(p vec, octaves int) float64 {
	sum, total, amplitude := 0.0, 0.0, 1.0
	for range octaves {
		n := 1 - math.Abs(2*noise(p)-1)
		sum += amplitude * n * n
		total += amplitude
		amplitude /= 2
		p = vec{1.6*p.x + 1.2*p.y + 31.7, 1.6*p.y - 1.2*p.x + 11.9, p.z}
	}
	return sum / total
}

// dots is 1 in round dots, at most one in each cell of size 1, and 0 between
// them; part of the cells have one.
func dots(p vec, part float64) float64 {
	x, y, z := int(math.Floor(p.x)), int(math.Floor(p.y)), int(math.Floor(p.z))
	if random(x, y, z) > part {
		return 0
	}
	at := vec{
		float64(x) + 0.35 + 0.3*random(x, y, z+1001),
		float64(y) + 0.35 + 0.3*random(x, y, z+1002),
		float64(z) + 0.35 + 0.3*random(x, y, z+1003),
	}
	r := 0.18 + 0.17*random(x, y, z+1004)
	return step(r, 0.6*r, p.sub(at).len())
}

// sampler hands out the random numbers of one light path. Its first
// dimensions follow a rank-1 lattice, shifted anew in each pixel, which
// leaves much less noise than independent numbers.
type sampler struct {
	x, y, index int
	dim         int
	state       uint64
}

const latticeDims = 12

// alphas are the powers of 1/g, with g the real root of g^13 = g + 1: the
// golden ratio in twelve dimensions (Roberts, 2018).
var alphas = func() (a [latticeDims]float64) {
	g := 2.0
	for range 64 {
		g = math.Pow(1+g, 1.0/(latticeDims+1))
	}
	for i := range a {
		a[i] = math.Mod(math.Pow(1/g, float64(i+1)), 1)
	}
	return a
}()

func newSampler(x, y, index int) sampler {
	return sampler{x: x, y: y, index: index, state: hash(x, y, index+1000)}
}

func (s *sampler) next() float64 {
	d := s.dim
	s.dim++
	if d < latticeDims {
		_, f := math.Modf(random(s.x, s.y, d) + float64(s.index)*alphas[d])
		return f
	}
	s.state += 0x9e3779b97f4a7c15
	h := (s.state ^ s.state>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return float64((h^h>>31)>>11) / (1 << 53)
}

// disk returns a point in the unit disk.
func (s *sampler) disk() (x, y float64) {
	r, a := math.Sqrt(s.next()), 2*math.Pi*s.next()
	return r * math.Cos(a), r * math.Sin(a)
}

// hemisphere returns a unit vector around n, with the density of a cosine.
func (s *sampler) hemisphere(n vec) vec {
	x, y := s.disk()
	u, v := basis(n)
	return u.scale(x).add(v.scale(y)).add(n.scale(math.Sqrt(max(0, 1-x*x-y*y))))
}
