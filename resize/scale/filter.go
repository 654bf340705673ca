package scale

import (
	"fmt"
	"math"
)

// A Filter is a resampling kernel. When a picture shrinks the kernel is
// widened by the ratio, so that every source sample counts and nothing
// aliases.
type Filter uint16

const (
	// Lanczos3 is sinc(x)·sinc(x/3), support 3: sharp, with slight ringing.
	Lanczos3 Filter = iota
	// CatmullRom is the cubic with B=0, C=1/2, support 2.
	CatmullRom
	// Box averages the area under each result sample, exactly, by overlap.
	// When enlarging it keeps hard edges: a result sample that lies inside
	// one source sample equals it.
	Box
	// Triangle is 1-|x|, support 1: linear interpolation when enlarging, with
	// no ringing.
	Triangle

	// gaussian and all above are those that Gaussian returns.
	gaussian Filter = 256
)

// gaussianUnit is how many Filters there are for a standard deviation of 1.
const gaussianUnit = 64

// Gaussian returns the Filter that blurs with a standard deviation of sigma
// result samples (source samples when enlarging), from 1/64 to 500; support
// 3.5 times that.
func Gaussian(sigma float64) Filter {
	return gaussian + Filter(math.Round(max(1, min(500, sigma)*gaussianUnit)))
}

// sigma returns the standard deviation of a Filter that Gaussian returned.
func (f Filter) sigma() float64 { return float64(f-gaussian) / gaussianUnit }

// String returns the name of the constant.
func (f Filter) String() string {
	switch f {
	case Lanczos3:
		return "Lanczos3"
	case CatmullRom:
		return "CatmullRom"
	case Box:
		return "Box"
	case Triangle:
		return "Triangle"
	}
	if f > gaussian {
		return fmt.Sprintf("Gaussian(%v)", f.sigma())
	}
	return fmt.Sprintf("Filter(%d)", uint16(f))
}

// support returns half the width of the kernel, in source samples, where
// one result sample spans ratio source samples.
func (f Filter) support(ratio float64) float64 {
	switch f {
	case Box:
		return ratio / 2
	case CatmullRom:
		return 2 * max(ratio, 1)
	case Triangle:
		return max(ratio, 1)
	default:
		if f > gaussian {
			return 3.5 * f.sigma() * max(ratio, 1)
		}
		return 3 * max(ratio, 1)
	}
}

// fill sets w[j] to the weight, not normalized, of the source sample that
// covers [first+j, first+j+1) in a result sample centred on c.
func (f Filter) fill(w []float64, first int, c, ratio float64) {
	switch f {
	case Box:
		lo, hi := c-float64(ratio/2), c+float64(ratio/2)
		for j := range w {
			p := float64(first + j)
			w[j] = max(0, min(hi, p+1)-max(lo, p))
		}
	case CatmullRom:
		sc := max(ratio, 1)
		for j := range w {
			w[j] = catmullRom((float64(first+j) + 0.5 - c) / sc)
		}
	case Triangle:
		sc := max(ratio, 1)
		for j := range w {
			w[j] = triangle((float64(first+j) + 0.5 - c) / sc)
		}
	default:
		sc := max(ratio, 1)
		if f > gaussian {
			sc *= f.sigma()
			for j := range w {
				x := (float64(first+j) + 0.5 - c) / sc
				w[j] = math.Exp(-x * x / 2)
			}
			return
		}
		fillLanczos3(w, (float64(first)+0.5-c)/sc, 1/sc)
	}
}

// fillLanczos3 sets w[j] = lanczos3(x+j*d). The two sines advance by
// rotation instead of being computed for every sample, which is where half
// the time of a small resize would go.
func fillLanczos3(w []float64, x, d float64) {
	s1, c1 := math.Sincos(math.Pi * x)
	s3, c3 := math.Sincos(math.Pi / 3 * x)
	ds1, dc1 := math.Sincos(math.Pi * d)
	ds3, dc3 := math.Sincos(math.Pi / 3 * d)
	for j := range w {
		switch xj := x + float64(float64(j)*d); {
		case math.Abs(xj) < 0.01:
			w[j] = lanczos3(xj)
		case math.Abs(xj) >= 3:
			w[j] = 0
		default:
			w[j] = 3 / (math.Pi * math.Pi) * s1 * s3 / (xj * xj)
		}
		s1, c1 = float64(s1*dc1)+float64(c1*ds1), float64(c1*dc1)-float64(s1*ds1)
		s3, c3 = float64(s3*dc3)+float64(c3*ds3), float64(c3*dc3)-float64(s3*ds3)
	}
}

func lanczos3(x float64) float64 {
	x = math.Abs(x)
	if x < 1e-9 {
		return 1
	}
	if x >= 3 {
		return 0
	}
	px := math.Pi * x
	return 3 * math.Sin(px) * math.Sin(px/3) / (px * px)
}

func catmullRom(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1:
		return 1 + float64(x*x*(float64(1.5*x)-2.5))
	case x < 2:
		return 2 + float64(x*(-4+float64(x*(2.5-float64(0.5*x)))))
	}
	return 0
}

func triangle(x float64) float64 { return max(0, 1-math.Abs(x)) }
