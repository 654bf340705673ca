// Package look finds what is in a picture: edges to trim, what catches the eye, a
// hash, and how similar another one is.
package look

import (
	"image"
	"math/bits"

	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
)

// Focus returns the focal point of what is kept of a picture that is cut, for
// a gravity that looks: the part with most detail, or what catches the eye. m is a small picture of the whole; arithmetic is in
// integers, so that every machine keeps the same part.
func Focus(m *image.NRGBA, keep image.Point, detailed bool) options.Gravity {
	size := m.Rect.Size()
	x, y := (size.X-keep.X)/2, (size.Y-keep.Y)/2
	if detailed {
		luma := lumaOf(m)
		if keep.X < size.X {
			x = mostEntropy(luma, size.X, size.Y, 1, size.X, keep.X)
		}
		if keep.Y < size.Y {
			y = mostEntropy(luma, size.Y, size.X, size.X, 1, keep.Y)
		}
	} else {
		columns, rows := interest(m)
		x, y = bestWindow(columns, keep.X), bestWindow(rows, keep.Y)
	}
	fraction := func(at, keep, size int) uint16 {
		return uint16(min(options.FocalOne, (2*at+keep)*options.FocalOne/(2*size)))
	}
	return options.FocalPoint(fraction(x, keep.X, size.X), fraction(y, keep.Y, size.Y))
}

// lumaOf returns the luma of every pixel; a transparent one has that of grey.
func lumaOf(m *image.NRGBA) []uint8 {
	luma := make([]uint8, len(m.Pix)/4)
	for i := range luma {
		p := m.Pix[4*i:][:4:4]
		y := (77*int(p[0]) + 150*int(p[1]) + 29*int(p[2]) + 128) >> 8
		luma[i] = uint8(128 + (y-128)*int(p[3])/255)
	}
	return luma
}

// mostEntropy returns where the window of that length begins whose luma has
// most entropy (Shannon). There are n lines of m samples, next apart, whose
// samples are step apart; of equal windows the one nearest to the centre wins.
func mostEntropy(luma []uint8, n, m, next, step, length int) int {
	var histogram [64]int
	count := func(line, d int) {
		for i := range m {
			histogram[luma[line*next+i*step]>>2] += d
		}
	}
	for line := range length {
		count(line, 1)
	}
	best, at := -1, 0
	for start := 0; ; start++ {
		// The entropy of a window is log2(N) - sum(n*log2(n))/N: all have the
		// same N, so the least sum wins.
		sum := 0
		for _, k := range histogram {
			sum += k * log2(k)
		}
		if best < 0 || sum < best || sum == best && offCentre(start, length, n) < offCentre(at, length, n) {
			best, at = sum, start
		}
		if start+length >= n {
			return at
		}
		count(start, -1)
		count(start+length, 1)
	}
}

func offCentre(start, length, n int) int { return max(2*start+length-n, n-2*start-length) }

// log2 returns the logarithm of n in 1/4096; 0 for 0.
func log2(n int) int {
	if n < 2 {
		return 0
	}
	whole := bits.Len(uint(n)) - 1
	x := uint64(n) << 30 >> whole // in [1, 2), 30 fractional bits
	fraction := 0
	for range 12 { // a square has twice the logarithm
		x = x * x >> 30
		fraction *= 2
		if x >= 2<<30 {
			x >>= 1
			fraction++
		}
	}
	return whole<<12 + fraction
}

// interest returns how much catches the eye in every column and every row:
// edges, colours that are unlike those of the rest, and skin.
func interest(m *image.NRGBA) (columns, rows []int) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	columns, rows = make([]int, w), make([]int, h)
	soft := paint.Blur(m, 1.5)
	mean := meanColor(soft)
	luma := lumaOf(soft)
	for y := range h {
		for x := range w {
			p := soft.Pix[4*(y*w+x):][:4:4]
			// Difference of the colour to the mean (R. Achanta and others,
			// Frequency-tuned Salient Region Detection, 2009).
			own := 0
			for c := range 3 {
				own += square(int(p[c]) - mean[c])
			}
			own = sqrt(own) // 0 to 441
			at := y*w + x
			left, right := luma[at-min(x, 1)], luma[at+min(w-1-x, 1)]
			above, below := luma[at-w*min(y, 1)], luma[at+w*min(h-1-y, 1)]
			edge := sqrt(square(int(right)-int(left)) + square(int(below)-int(above))) // 0 to 361
			score := (own + 3*edge + skin(p)*(64+edge)/64) * int(p[3]) / 255
			columns[x] += score
			rows[y] += score
		}
	}
	return columns, rows
}

func square(n int) int { return n * n }

// sqrt returns the whole part of the root of a number below 1<<30.
func sqrt(n int) int {
	r := 0
	for bit := 1 << 14; bit > 0; bit >>= 1 {
		if (r+bit)*(r+bit) <= n {
			r += bit
		}
	}
	return r
}

func meanColor(m *image.NRGBA) (mean [3]int) {
	weight := 1
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		a := int(m.Pix[i+3])
		for c := range 3 {
			mean[c] += a * int(m.Pix[i+c])
		}
		weight += a
	}
	for c := range mean {
		mean[c] /= weight
	}
	return mean
}

// skin returns how much a colour is like skin, 0 to 255: by its distance to the
// middle of the region of D. Chai and K. N. Ngan, Face Segmentation Using
// Skin-Color Map, 1999: Cb 77 to 127, Cr 133 to 173.
func skin(p []uint8) int {
	r, g, b := int(p[0]), int(p[1]), int(p[2])
	y := (77*r + 150*g + 29*b) >> 8
	if y < 50 || y > 245 {
		return 0
	}
	cb := 128 + (-43*r-85*g+128*b)/256
	cr := 128 + (128*r-107*g-21*b)/256
	far := max(square(cb-102)*255/square(25), square(cr-153)*255/square(20))
	return max(0, 255-far)
}

// bestWindow returns where the window of that length begins whose sum is the
// largest, its middle counting twice as much as its ends. Of equal windows the
// one nearest to the centre wins.
func bestWindow(line []int, length int) int {
	n := len(line)
	best, at := int64(-1), 0
	for start := 0; start+length <= n; start++ {
		sum := int64(0)
		for i := range length {
			sum += int64(line[start+i]) * int64(length+min(2*i+1, 2*(length-i)-1))
		}
		if sum > best || sum == best && offCentre(start, length, n) < offCentre(at, length, n) {
			best, at = sum, start
		}
	}
	return at
}
