package resize

import (
	"image"
	"math"
)

// premultiply multiplies alpha into the colours, in place.
func premultiply(m *image.NRGBA) {
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		p := m.Pix[i:][:4:4]
		switch a := uint32(p[3]); a {
		case 255:
		default:
			p[0] = byte((uint32(p[0])*a + 127) / 255)
			p[1] = byte((uint32(p[1])*a + 127) / 255)
			p[2] = byte((uint32(p[2])*a + 127) / 255)
		}
	}
}

// unpremultiply takes alpha out of the colours again, in place.
func unpremultiply(m *image.NRGBA) {
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		p := m.Pix[i:][:4:4]
		if a := uint32(p[3]); a != 0 && a != 255 {
			p[0] = byte(min(255, (uint32(p[0])*255+a/2)/a))
			p[1] = byte(min(255, (uint32(p[1])*255+a/2)/a))
			p[2] = byte(min(255, (uint32(p[2])*255+a/2)/a))
		}
	}
}

// gaussian blurs m in place, with a standard deviation of sigma pixels. The
// edge pixels go on beyond the edges. What is transparent lends no colour.
func gaussian(m *image.NRGBA, sigma float64) {
	if sigma <= 0 || m.Rect.Empty() {
		return
	}
	premultiply(m)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	b := newLineBlur(sigma, max(w, h))
	for y := range h {
		b.run(m.Pix[y*m.Stride:], 4, w)
	}
	for x := range w {
		b.run(m.Pix[4*x:], m.Stride, h)
	}
	unpremultiply(m)
}

// A lineBlur blurs lines of pixels.
type lineBlur struct {
	radius  int
	weights []uint32 // of a true kernel, 2*radius+1 that sum to 1<<16; nil: boxes
	boxes   [3]int   // radii of the boxes whose succession is nearly a Gaussian
	in      []byte
}

// smallSigma is up to where a true kernel is cheaper, or needed: three boxes
// are a coarse approximation of a narrow one.
const smallSigma = 2.5

func newLineBlur(sigma float64, longest int) *lineBlur {
	b := &lineBlur{}
	if sigma <= smallSigma {
		b.radius = max(1, int(math.Ceil(3*sigma)))
		b.weights = gaussianWeights(sigma, b.radius)
	} else {
		b.boxes = boxRadii(sigma)
		b.radius = max(b.boxes[0], b.boxes[2])
	}
	b.in = make([]byte, 4*(longest+2*b.radius))
	return b
}

func gaussianWeights(sigma float64, radius int) []uint32 {
	f := make([]float64, 2*radius+1)
	sum := 0.0
	for i := range f {
		d := float64(i - radius)
		f[i] = math.Exp(-d * d / (2 * sigma * sigma))
		sum += f[i]
	}
	w := make([]uint32, len(f))
	left := uint32(1 << 16)
	for i, v := range f {
		w[i] = uint32(math.Round(v / sum * (1 << 16)))
		left -= w[i]
	}
	w[radius] += left
	return w
}

// boxRadii returns the radii of three boxes that together have the variance of
// a Gaussian, nearly (W. M. Wells, Efficient Synthesis of Gaussian Filters by
// Cascaded Uniform Filters, 1986).
func boxRadii(sigma float64) (radii [3]int) {
	const n = 3
	low := int(math.Sqrt(12*sigma*sigma/n + 1))
	low -= 1 - low%2 // odd
	l := float64(low)
	narrow := int(math.Round((12*sigma*sigma - n*l*l - 4*n*l - 3*n) / (-4*l - 4)))
	for i := range radii {
		radii[i] = low / 2
		if i >= narrow {
			radii[i]++
		}
	}
	return radii
}

// run blurs the n pixels of a line that lie step bytes apart.
func (b *lineBlur) run(line []byte, step, n int) {
	if b.weights != nil {
		b.load(line, step, n, b.radius)
		for i := range n {
			var r, g, bl, a uint32 = 1 << 15, 1 << 15, 1 << 15, 1 << 15
			p := b.in[4*i:][:4*len(b.weights)]
			for j, w := range b.weights {
				q := p[4*j:][:4:4]
				r += w * uint32(q[0])
				g += w * uint32(q[1])
				bl += w * uint32(q[2])
				a += w * uint32(q[3])
			}
			o := line[i*step:][:4:4]
			o[0], o[1], o[2], o[3] = byte(r>>16), byte(g>>16), byte(bl>>16), byte(a>>16)
		}
		return
	}
	for _, radius := range b.boxes {
		b.load(line, step, n, radius)
		b.box(line, step, n, radius)
	}
}

// load copies a line and radius copies of its ends on both sides.
func (b *lineBlur) load(line []byte, step, n, radius int) {
	for i := range n {
		copy(b.in[4*(i+radius):][:4], line[i*step:][:4])
	}
	first, last := b.in[4*radius:][:4], b.in[4*(n-1+radius):][:4]
	for i := range radius {
		copy(b.in[4*i:][:4], first)
		copy(b.in[4*(n+radius+i):][:4], last)
	}
}

// box writes the means of 2*radius+1 pixels.
func (b *lineBlur) box(line []byte, step, n, radius int) {
	size := uint32(2*radius + 1)
	var sum [4]uint32
	for j := range int(size) {
		for c := range 4 {
			sum[c] += uint32(b.in[4*j+c])
		}
	}
	scale := (1<<32 + uint64(size)/2) / uint64(size)
	for i := range n {
		o := line[i*step:][:4:4]
		for c := range 4 {
			o[c] = byte((uint64(sum[c])*scale + 1<<31) >> 32)
		}
		if i+1 < n {
			gone, come := b.in[4*i:][:4:4], b.in[4*(i+int(size)):][:4:4]
			for c := range 4 {
				sum[c] += uint32(come[c]) - uint32(gone[c])
			}
		}
	}
}
