package main

import "math"

// vec is a point, a direction, or a colour in linear light.
type vec struct{ x, y, z float64 }

func (a vec) add(b vec) vec            { return vec{a.x + b.x, a.y + b.y, a.z + b.z} }
func (a vec) sub(b vec) vec            { return vec{a.x - b.x, a.y - b.y, a.z - b.z} }
func (a vec) mul(b vec) vec            { return vec{a.x * b.x, a.y * b.y, a.z * b.z} }
func (a vec) scale(s float64) vec      { return vec{a.x * s, a.y * s, a.z * s} }
func (a vec) dot(b vec) float64        { return a.x*b.x + a.y*b.y + a.z*b.z }
func (a vec) len() float64             { return math.Sqrt(a.dot(a)) }
func (a vec) unit() vec                { return a.scale(1 / a.len()) }
func (a vec) max() float64             { return max(a.x, a.y, a.z) }
func (a vec) mix(b vec, t float64) vec { return a.scale(1 - t).add(b.scale(t)) }

func (a vec) cross(b vec) vec {
	return vec{a.y*b.z - a.z*b.y, a.z*b.x - a.x*b.z, a.x*b.y - a.y*b.x}
}

// reflect mirrors the direction d at a surface with the unit normal n.
func reflect(d, n vec) vec { return d.sub(n.scale(2 * d.dot(n))) }

// basis returns two unit vectors that are orthogonal to the unit vector n
// and to each other (Duff et al., Building an Orthonormal Basis, Revisited).
func basis(n vec) (u, v vec) {
	s := math.Copysign(1, n.z)
	a := -1 / (s + n.z)
	b := n.x * n.y * a
	return vec{1 + s*n.x*n.x*a, s * b, -s * n.x}, vec{b, s + n.y*n.y*a, -n.y}
}

// rgb is a colour from its sRGB notation, 0xRRGGBB, in linear light.
func rgb(hex uint32) vec {
	return vec{linear[hex>>16&255], linear[hex>>8&255], linear[hex&255]}
}

// linear is toLinear of all 8-bit values.
var linear = func() (t [256]float64) {
	for i := range t {
		t[i] = toLinear(float64(i) / 255)
	}
	return t
}()

// toLinear and toSRGB are the transfer functions of IEC 61966-2-1.
func toLinear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func toSRGB(v float64) float64 {
	if v <= 0.0031308 {
		return v * 12.92
	}
	return 1.055*math.Pow(v, 1/2.4) - 0.055
}

func clamp(v, lo, hi float64) float64 { return max(lo, min(v, hi)) }

// lerp goes from a to b as t goes from 0 to 1.
func lerp(a, b, t float64) float64 { return a + (b-a)*t }

// step is 0 up to a, 1 from b on, and smooth between. a may exceed b.
func step(a, b, v float64) float64 {
	t := clamp((v-a)/(b-a), 0, 1)
	return t * t * (3 - 2*t)
}
