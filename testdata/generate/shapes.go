package main

import "math"

// group is shapes within a ball, or anywhere if r is 0.
type group struct {
	at     vec
	r      float64
	shapes []shape
}

func (s *group) add(shapes ...shape) { s.shapes = append(s.shapes, shapes...) }

// group adds a group to s and returns it.
func (s *group) group(at vec, r float64) *group {
	g := &group{at: at, r: r}
	s.add(g)
	return g
}

func (s *group) intersect(r ray, h *hit) bool {
	if s.r > 0 && !reaches(r, s.at, s.r, h.t) {
		return false
	}
	found := false
	for _, o := range s.shapes {
		if o.intersect(r, h) {
			found = true
		}
	}
	return found
}

// reaches reports whether r enters a ball before t.
func reaches(r ray, at vec, radius, t float64) bool {
	oc := at.sub(r.o)
	b := oc.dot(r.d)
	k := oc.dot(oc) - radius*radius
	return k < 0 || b > 0 && b*b > k && b-t < math.Sqrt(b*b-k)
}

// plane is a rectangle or a whole plane, with its own axes.
type plane struct {
	at, n, u, v  vec
	halfU, halfV float64 // 0 is endless
	mat          *material
}

func (s *plane) intersect(r ray, h *hit) bool {
	den := s.n.dot(r.d)
	if den == 0 {
		return false
	}
	t := s.n.dot(s.at.sub(r.o)) / den
	if t < near || t >= h.t {
		return false
	}
	p := r.at(t).sub(s.at)
	a, b := p.dot(s.u), p.dot(s.v)
	if s.halfU > 0 && math.Abs(a) > s.halfU || s.halfV > 0 && math.Abs(b) > s.halfV {
		return false
	}
	*h = hit{t, s.n, vec{a, b, 0}, s.mat}
	return true
}

// ball is a sphere.
type ball struct {
	at  vec
	r   float64
	mat *material
}

func (s *ball) intersect(r ray, h *hit) bool {
	oc := r.o.sub(s.at)
	b := oc.dot(r.d)
	k := b*b - oc.dot(oc) + s.r*s.r
	if k < 0 {
		return false
	}
	k = math.Sqrt(k)
	t := -b - k
	if t < near {
		t = -b + k
	}
	if t < near || t >= h.t {
		return false
	}
	p := r.at(t).sub(s.at)
	*h = hit{t, p.scale(1 / s.r), p, s.mat}
	return true
}

// ring is a flat annulus: the rim of a vessel.
type ring struct {
	at, n        vec
	inner, outer float64
	mat          *material
}

func (s *ring) intersect(r ray, h *hit) bool {
	den := s.n.dot(r.d)
	if den == 0 {
		return false
	}
	t := s.n.dot(s.at.sub(r.o)) / den
	if t < near || t >= h.t {
		return false
	}
	p := r.at(t).sub(s.at)
	if d := p.dot(p); d < s.inner*s.inner || d > s.outer*s.outer {
		return false
	}
	*h = hit{t, s.n, p, s.mat}
	return true
}

// lathe is a surface of revolution. The square of its radius is a quadratic
// spline along the axis, so each piece of it is a quadric that a ray hits
// where a quadratic equation says, and the normal never jumps.
type lathe struct {
	at     vec
	u, w   vec // across
	axis   vec
	height float64
	mid    vec     // of a ball around it
	bound  float64 // its radius
	pieces []piece
	mat    *material
}

// piece is r² = a + b*y + c*y² for y in [y0,y1).
type piece struct{ y0, y1, a, b, c float64 }

// newLathe turns radii, evenly spaced along the axis, which starts at at and
// is as long as the vector axis. The spline comes close to the inner radii
// without touching them.
func newLathe(at, axis vec, mat *material, radii ...float64) *lathe {
	s := &lathe{at: at, axis: axis.unit(), height: axis.len(), mat: mat}
	s.u, s.w = basis(s.axis)
	s.mid = at.add(axis.scale(0.5))
	n := len(radii) - 1
	gap := s.height / float64(n)
	sq := make([]float64, len(radii))
	for i, r := range radii {
		sq[i] = r * r
		s.bound = max(s.bound, math.Hypot(r, s.height/2))
	}
	line := func(y0, y1, r0, r1 float64) piece {
		b := (r1 - r0) / (y1 - y0)
		return piece{y0, y1, r0 - b*y0, b, 0}
	}
	s.pieces = append(s.pieces, line(0, gap/2, sq[0], (sq[0]+sq[1])/2))
	for i := 1; i < n; i++ {
		y0 := (float64(i) - 0.5) * gap
		p0, p1, p2 := (sq[i-1]+sq[i])/2, sq[i], (sq[i]+sq[i+1])/2
		// A Bézier curve with these values, in powers of y.
		c := (p0 - 2*p1 + p2) / (gap * gap)
		b := 2 * (p1 - p0) / gap
		s.pieces = append(s.pieces, piece{y0, y0 + gap, p0 - b*y0 + c*y0*y0, b - 2*c*y0, c})
	}
	s.pieces = append(s.pieces, line(s.height-gap/2, s.height, (sq[n-1]+sq[n])/2, sq[n]))
	return s
}

func (s *lathe) intersect(r ray, h *hit) bool {
	// Most rays miss the ball around it.
	if !reaches(r, s.mid, s.bound, h.t) {
		return false
	}
	o := r.o.sub(s.at)
	ox, oy, oz := o.dot(s.u), o.dot(s.axis), o.dot(s.w)
	dx, dy, dz := r.d.dot(s.u), r.d.dot(s.axis), r.d.dot(s.w)
	found := false
	for i := range s.pieces {
		q := &s.pieces[i]
		a := dx*dx + dz*dz - q.c*dy*dy
		b := ox*dx + oz*dz - q.b*dy/2 - q.c*oy*dy
		c := ox*ox + oz*oz - q.a - q.b*oy - q.c*oy*oy
		k := b*b - a*c
		if k < 0 || a == 0 {
			continue
		}
		k = math.Sqrt(k)
		for _, t := range [2]float64{(-b - k) / a, (-b + k) / a} {
			if t < near || t >= h.t {
				continue
			}
			y := oy + t*dy
			if y < q.y0 || y >= q.y1 {
				continue
			}
			x, z := ox+t*dx, oz+t*dz
			n := s.u.scale(x).add(s.w.scale(z)).sub(s.axis.scale(q.b/2 + q.c*y))
			*h = hit{t, n.unit(), vec{x, y, z}, s.mat}
			found = true
		}
	}
	return found
}
