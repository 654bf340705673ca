package main

import "math"

// ray is a half-line; d is a unit vector.
type ray struct{ o, d vec }

func (r ray) at(t float64) vec { return r.o.add(r.d.scale(t)) }

// finish is how a surface treats light.
type finish uint8

const (
	matte  finish = iota
	glazed        // matte below a clear coat
	metal
	glass
)

// material is what a shape is made of.
type material struct {
	finish finish
	rough  float64 // of reflections, 0 is a mirror

	// paint returns the colour at p, and may bend the normal n.
	// p is relative to the shape.
	paint func(p vec, n *vec) vec
}

// hit is where a ray meets a shape.
type hit struct {
	t     float64
	n     vec // points outwards
	local vec // relative to the shape
	mat   *material
}

// shape is anything that a ray can hit.
type shape interface {
	// intersect reports whether r hits the shape before h.t, and if so
	// replaces h.
	intersect(r ray, h *hit) bool
}

// near keeps a ray from hitting the surface it starts on.
const near = 1e-4

// window is a rectangle that shines, with bars between its panes. It is the
// only light besides the room.
type window struct {
	corner, u, v vec // edges u and v start at the corner
	light        vec
	cols, rows   float64
}

// emit is the light from the point a, b of the window, both in [0,1].
func (w *window) emit(a, b float64) vec {
	_, fa := math.Modf(a * w.cols)
	_, fb := math.Modf(b * w.rows)
	if min(fa, 1-fa) < 0.045*w.cols/2 || min(fb, 1-fb) < 0.03*w.rows/2 {
		return vec{}
	}
	return w.light
}

// scene is a room with shapes and one window.
type scene struct {
	group
	window window
	room   func(d vec) vec // light from direction d where nothing is hit
}

// visible returns the part of light that goes from p straight to a point
// dist away. Glass bundles it, roughly as a lens does: bright where the
// light passes straight, dim towards the rim.
func (s *scene) visible(p, d vec, dist float64) float64 {
	part := 1.0
	for range 4 {
		h := hit{t: dist}
		if !s.intersect(ray{p, d}, &h) {
			return part
		}
		if h.mat.finish != glass {
			return 0
		}
		c := math.Abs(h.n.dot(d))
		part *= 0.25 + 1.15*c*c*c*c*c
		p = p.add(d.scale(h.t + near))
		dist -= h.t + near
	}
	return 0
}

// direct is the light of the window on a matte white surface at p.
func (s *scene) direct(p, n vec, rnd *sampler) vec {
	a, b := rnd.next(), rnd.next()
	e := s.window.emit(a, b)
	if e.x == 0 {
		return vec{}
	}
	to := s.window.corner.add(s.window.u.scale(a)).add(s.window.v.scale(b)).sub(p)
	dist := to.len()
	d := to.scale(1 / dist)
	normal := s.window.u.cross(s.window.v)
	cos := n.dot(d)
	if cos <= 0 {
		return vec{}
	}
	size := math.Abs(normal.dot(d)) / (dist * dist)
	part := s.visible(p, d, dist)
	return e.scale(part * cos * size / math.Pi)
}

// seen is the light of the window on a ray that goes at most t far.
func (s *scene) seen(r ray, t float64) (vec, bool) {
	w := &s.window
	n := w.u.cross(w.v)
	den := n.dot(r.d)
	if den == 0 {
		return vec{}, false
	}
	tw := n.dot(w.corner.sub(r.o)) / den
	if tw < near || tw > t {
		return vec{}, false
	}
	p := r.at(tw).sub(w.corner)
	a, b := p.dot(w.u)/w.u.dot(w.u), p.dot(w.v)/w.v.dot(w.v)
	if a < 0 || a > 1 || b < 0 || b > 1 {
		return vec{}, false
	}
	return w.emit(a, b), true
}

// radiance follows one path of light backwards from the eye. The first
// surface that both reflects and lets through is followed both ways:
// to choose by chance is what makes most of the noise.
func (s *scene) radiance(r ray, rnd *sampler) vec { return s.follow(r, rnd, true, false) }

// follow is radiance that splits at most once, if split. A path that was
// blurred, by a rough reflection, doesn't look for the window in others: it
// would take luck to find it.
func (s *scene) follow(r ray, rnd *sampler, split, blurred bool) vec {
	var sum vec
	carry := vec{1, 1, 1}
	mirrored := true // so far: the window counts if hit
	chance := false  // the path is an unlikely one
	diffuse := 0     // matte surfaces met
	for range 9 {
		h := hit{t: math.Inf(1)}
		ok := s.intersect(r, &h)
		if mirrored {
			if e, lit := s.seen(r, h.t); lit {
				if m := e.max(); chance && m > 1.5 {
					e = e.scale(1.5 / m) // or it would sparkle
				}
				return sum.add(carry.mul(e))
			}
		}
		if !ok {
			return sum.add(carry.mul(s.room(r.d)))
		}
		p, n := r.at(h.t), h.n
		color := h.mat.paint(h.local, &n)
		inside := n.dot(r.d) > 0
		if inside {
			n = n.scale(-1)
		}
		out := p.add(n.scale(near))
		switch h.mat.finish {
		case glass:
			if split && !inside {
				split = false
				f := fresnel(-n.dot(r.d), 0.04)
				sum = sum.add(carry.mul(s.follow(ray{out, reflect(r.d, n)}, rnd, false, blurred)).scale(f))
				carry = carry.scale(1 - f)
				r = refract(r, p, n, false)
				continue
			}
			r = throughGlass(r, p, n, inside, rnd)
			chance = true
			if inside {
				carry = carry.mul(vec{math.Pow(color.x, h.t), math.Pow(color.y, h.t), math.Pow(color.z, h.t)})
			}
			continue
		case metal:
			carry = carry.mul(color)
			mirrored = mirrored && !blurred
			blurred = blurred || h.mat.rough > 0.03
			r = ray{out, rougher(reflect(r.d, n), n, h.mat.rough, rnd)}
			continue
		case glazed:
			if diffuse > 0 {
				break // too faint to follow
			}
			f := fresnel(-n.dot(r.d), 0.04)
			coat := ray{out, rougher(reflect(r.d, n), n, h.mat.rough, rnd)}
			rough := blurred || h.mat.rough > 0.03
			if split {
				split = false
				sum = sum.add(carry.mul(s.follow(coat, rnd, false, rough)).scale(f))
				carry = carry.scale(1 - f)
			} else if rnd.next() < f {
				mirrored = mirrored && !blurred
				r, blurred, chance = coat, rough, true
				continue
			}
		}
		carry = carry.mul(color)
		sum = sum.add(carry.mul(s.direct(out, n, rnd)))
		if diffuse++; diffuse > 1 {
			// What is left hardly matters: take it from the room.
			return sum.add(carry.mul(s.room(n)).scale(0.5))
		}
		r, mirrored = ray{out, rnd.hemisphere(n)}, false
	}
	return sum
}

// throughGlass refracts or reflects r at p, by chance.
func throughGlass(r ray, p, n vec, inside bool, rnd *sampler) ray {
	t := refract(r, p, n, inside)
	outer := -n.dot(r.d)
	if inside {
		outer = n.scale(-1).dot(t.d)
	}
	if rnd.next() < fresnel(outer, 0.04) {
		return ray{p.add(n.scale(near)), reflect(r.d, n)}
	}
	return t
}

// refract bends r into or out of glass; if it can't leave, it is reflected.
func refract(r ray, p, n vec, inside bool) ray {
	const index = 1.5
	eta := 1 / index
	if inside {
		eta = index
	}
	cos := -n.dot(r.d)
	k := 1 - eta*eta*(1-cos*cos)
	if k < 0 {
		return ray{p.add(n.scale(near)), reflect(r.d, n)}
	}
	d := r.d.scale(eta).add(n.scale(eta*cos - math.Sqrt(k)))
	return ray{p.sub(n.scale(near)), d.unit()}
}

// fresnel is Schlick's approximation.
func fresnel(cos, straight float64) float64 {
	m := clamp(1-cos, 0, 1)
	return straight + (1-straight)*m*m*m*m*m
}

// rougher scatters a reflection.
func rougher(d, n vec, rough float64, rnd *sampler) vec {
	if rough == 0 {
		return d
	}
	x, y := rnd.disk()
	u, v := basis(d)
	e := d.add(u.scale(x * rough)).add(v.scale(y * rough)).unit()
	if e.dot(n) <= 0 {
		return d
	}
	return e
}

// camera has a thin lens.
type camera struct {
	eye, target vec
	fov         float64 // vertical, in radians
	aperture    float64 // radius of the lens
	focus       float64 // distance of what is sharp
}

// shoot exposes a w by h film with n paths a pixel.
func (c *camera) shoot(s *scene, w, h, n int) *film {
	forward := c.target.sub(c.eye).unit()
	right := forward.cross(vec{0, 1, 0}).unit()
	up := right.cross(forward)
	unit := 2 * math.Tan(c.fov/2) / float64(h)
	return expose(w, h, func(x, y int) vec {
		var sum vec
		for i := range n {
			rnd := newSampler(x, y, i)
			px := (float64(x) + rnd.next() - float64(w)/2) * unit
			py := (float64(h)/2 - float64(y) - rnd.next()) * unit
			d := forward.add(right.scale(px)).add(up.scale(py))
			lx, ly := rnd.disk()
			lens := right.scale(lx * c.aperture).add(up.scale(ly * c.aperture))
			sharp := c.eye.add(d.scale(c.focus))
			o := c.eye.add(lens)
			light := s.radiance(ray{o, sharp.sub(o).unit()}, &rnd)
			// One path that hits the window by luck must not outshine all.
			if m := light.max(); m > 6 {
				light = light.scale(6 / m)
			}
			sum = sum.add(light)
		}
		return sum.scale(1 / float64(n))
	})
}
