package main

import (
	"image"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// film holds a picture in linear light, before it is developed.
type film struct {
	w, h int
	pix  []vec
}

// expose calls at for each pixel of a w by h film, on all cores.
func expose(w, h int, at func(x, y int) vec) *film {
	f := &film{w, h, make([]vec, w*h)}
	var row atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for y := int(row.Add(1)) - 1; y < h; y = int(row.Add(1)) - 1 {
				for x := range w {
					f.pix[y*w+x] = at(x, y)
				}
			}
		})
	}
	wg.Wait()
	return f
}

// exposeSmooth is expose with n by n samples a pixel; at gets coordinates
// where a pixel is one unit wide.
func exposeSmooth(w, h, n int, at func(x, y float64) vec) *film {
	return expose(w, h, func(x, y int) vec {
		var sum vec
		for i := range n * n {
			dx := (float64(i%n) + 0.5) / float64(n)
			dy := (float64(i/n) + 0.5) / float64(n)
			sum = sum.add(at(float64(x)+dx, float64(y)+dy))
		}
		return sum.scale(1 / float64(n*n))
	})
}

// shrink returns the film at w by h pixels; each is the mean of those
// it covers.
func (f *film) shrink(w, h int) *film {
	return expose(w, h, func(x, y int) vec {
		x0, x1 := float64(x*f.w)/float64(w), float64((x+1)*f.w)/float64(w)
		y0, y1 := float64(y*f.h)/float64(h), float64((y+1)*f.h)/float64(h)
		var sum vec
		var area float64
		for sy := int(y0); sy < min(f.h, int(math.Ceil(y1))); sy++ {
			wy := min(y1, float64(sy+1)) - max(y0, float64(sy))
			for sx := int(x0); sx < min(f.w, int(math.Ceil(x1))); sx++ {
				a := wy * (min(x1, float64(sx+1)) - max(x0, float64(sx)))
				sum = sum.add(f.pix[sy*f.w+sx].scale(a))
				area += a
			}
		}
		return sum.scale(1 / area)
	})
}

// denoise takes for each pixel the mean of those around it that are about as
// bright, as the processor of a camera does.
func (f *film) denoise() *film {
	// A small blur tells how bright a place is without its noise.
	guide := make([]float64, len(f.pix))
	expose(1, f.h, func(_, y int) vec {
		for x := range f.w {
			sum, n := 0.0, 0.0
			for j := max(0, y-1); j <= min(f.h-1, y+1); j++ {
				for i := max(0, x-1); i <= min(f.w-1, x+1); i++ {
					c := f.pix[j*f.w+i]
					sum += math.Sqrt(0.3*c.x + 0.6*c.y + 0.1*c.z)
					n++
				}
			}
			guide[y*f.w+x] = sum / n
		}
		return vec{}
	})
	const reach = 3
	return expose(f.w, f.h, func(x, y int) vec {
		g := guide[y*f.w+x]
		scale := 1 / (0.10*g + 0.015)
		var sum vec
		total := 0.0
		for j := max(0, y-reach); j <= min(f.h-1, y+reach); j++ {
			for i := max(0, x-reach); i <= min(f.w-1, x+reach); i++ {
				d := (guide[j*f.w+i] - g) * scale
				d = 1 / (1 + d*d)
				w := d * d * d / float64(4+(x-i)*(x-i)+(y-j)*(y-j))
				sum = sum.add(f.pix[j*f.w+i].scale(w))
				total += w
			}
		}
		return sum.scale(1 / total)
	})
}

// glow adds a soft halo of the given strength around what is brighter than
// white. radius is in pixels.
func (f *film) glow(radius int, strength float64) {
	halo := &film{f.w, f.h, make([]vec, len(f.pix))}
	for i, c := range f.pix {
		if m := c.max(); m > 1 {
			halo.pix[i] = c.scale(min(m-1, 8) / m)
		}
	}
	for range 3 { // three boxes are nearly a Gaussian
		halo.box(radius, 1, f.w, f.w, f.h)
		halo.box(radius, f.w, 1, f.h, f.w)
	}
	for i, c := range halo.pix {
		f.pix[i] = f.pix[i].add(c.scale(strength))
	}
}

// box blurs lines of n pixels that are stride apart.
func (f *film) box(radius, stride, next, n, lines int) {
	line := make([]vec, n)
	for l := range lines {
		for i := range line {
			line[i] = f.pix[l*next+i*stride]
		}
		var sum vec
		for i := -radius; i < n+radius; i++ {
			if i+radius < n {
				sum = sum.add(line[max(0, min(n-1, i+radius))])
			}
			if i-radius-1 >= 0 {
				sum = sum.sub(line[i-radius-1])
			}
			if i >= 0 && i < n {
				f.pix[l*next+i*stride] = sum.scale(1 / float64(2*radius+1))
			}
		}
	}
}

// develop maps light to sRGB. The curve is straight in the shadows and
// rolls off towards white. grain is the standard deviation of noise to add,
// in steps of 8-bit sRGB; if there is any, the result is dithered too, which
// keeps even skies from banding.
func (f *film) develop(exposure, grain float64) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, f.w, f.h))
	expose(1, f.h, func(_, y int) vec {
		for x := range f.w {
			c := f.pix[y*f.w+x].scale(exposure)
			// Very bright colours lose saturation, as on film.
			l := 0.2126*c.x + 0.7152*c.y + 0.0722*c.z
			c = c.mix(vec{l, l, l}, 0.5*step(0.9, 6, l))
			s := newSampler(x, y, 7)
			s.dim = latticeDims
			g, round := 0.0, 0.5
			if grain > 0 {
				g, round = grain*(s.next()+s.next()+s.next()+s.next()-2)*math.Sqrt(3), s.next()
			}
			p := m.Pix[y*m.Stride+4*x:]
			for i, v := range [3]float64{c.x, c.y, c.z} {
				p[i] = uint8(clamp(255*toSRGB(shoulder(v))+g+round, 0, 255))
			}
			p[3] = 255
		}
		return vec{}
	})
	return m
}

// shoulder is the identity up to 0.55 and approaches 1 above.
func shoulder(v float64) float64 {
	const knee = 0.55
	if v < knee {
		return max(0, v)
	}
	return 1 - (1-knee)*math.Exp(-(v-knee)/(1-knee))
}
