package icc

import (
	"encoding/binary"
	"fmt"
	"math"
)

// A curve maps [0,1] to numbers, mostly of the same range.
type curve func(x float64) float64

func identity(x float64) float64 { return x }

// readCurve reads a curveType or parametricCurveType (sections 10.6 and 10.18)
// at the start of b and returns how long it is.
func readCurve(b []byte) (c curve, length int, err error) {
	if len(b) < 12 {
		return nil, 0, fmt.Errorf("%w: curve of %d bytes", ErrProfile, len(b))
	}
	switch string(b[:4]) {
	case "curv":
		n := binary.BigEndian.Uint32(b[8:])
		if uint64(n)*2 > uint64(len(b)-12) {
			return nil, 0, fmt.Errorf("%w: curve of %d points", ErrProfile, n)
		}
		return sampled(b[12:][:2*n]), 12 + 2*int(n), nil
	case "para":
		return parametric(b)
	}
	return nil, 0, fmt.Errorf("%w: curve of type %q", ErrProfile, b[:4])
}

// sampled returns the curve of a table of 16-bit numbers: none for a straight
// line, one for an exponent of 8.8 bits.
func sampled(table []byte) curve {
	switch n := len(table) / 2; n {
	case 0:
		return identity
	case 1:
		gamma := float64(binary.BigEndian.Uint16(table)) / 256
		return func(x float64) float64 { return math.Pow(max(0, x), gamma) }
	default:
		points := make([]float64, n)
		for i := range points {
			points[i] = float64(binary.BigEndian.Uint16(table[2*i:])) / 65535
		}
		return interpolated(points)
	}
}

// interpolated returns the curve through at least one point, evenly spaced.
func interpolated(points []float64) curve {
	last := len(points) - 1
	return func(x float64) float64 {
		at := float64(clamp(x) * float64(last))
		i := min(int(at), last)
		if i == last {
			return points[last]
		}
		f := at - float64(i)
		return points[i] + float64(f*(points[i+1]-points[i]))
	}
}

func parametric(b []byte) (curve, int, error) {
	kind := int(binary.BigEndian.Uint16(b[8:]))
	counts := []int{1, 3, 4, 5, 7}
	if kind >= len(counts) || len(b) < 12+4*counts[kind] {
		return nil, 0, fmt.Errorf("%w: parametric curve %d", ErrProfile, kind)
	}
	var p [7]float64
	for i := range counts[kind] {
		p[i] = s15Fixed16(b[12+4*i:])
	}
	g, a, bb, c, d, e, f := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	power := func(x float64) float64 { return math.Pow(max(0, float64(a*x)+bb), g) }
	var fn curve
	switch kind {
	case 0:
		fn = func(x float64) float64 { return math.Pow(max(0, x), g) }
	case 1, 2:
		fn = func(x float64) float64 {
			if float64(a*x)+bb < 0 {
				return c
			}
			return power(x) + c // c is 0 for kind 1
		}
		if kind == 1 {
			fn = func(x float64) float64 { return power(x) }
		}
	default: // 3, 4
		fn = func(x float64) float64 {
			if x < d {
				return float64(c*x) + f
			}
			return power(x) + e
		}
	}
	return func(x float64) float64 {
		v := fn(x)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return 0
		}
		return v
	}, 12 + 4*counts[kind], nil
}

func clamp(x float64) float64 {
	if !(x > 0) { // NaN too
		return 0
	}
	return min(x, 1)
}
