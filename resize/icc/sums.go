package icc

// sums converts by curves and a matrix. What a sample of a channel gives to the
// three linear samples of sRGB is found in a table, all three in one number; three
// such numbers are added, and each field of the sum is looked up in the curve of
// sRGB, which begins below black and ends above white.
type sums struct {
	part  [3][256]uint64
	curve [curveSteps]byte
	shift uint // from a field to a place in curve
}

const (
	fieldBits  = 21
	fieldMask  = 1<<fieldBits - 1
	curveSteps = 1 << 16
	// mostGiven is what one sample gives at most: no profile of a device has so much.
	mostGiven = 8.0
)

// newSums takes the curves of the channels and the matrix from linear device
// colours to linear sRGB.
func newSums(linear *[3][256]float64, m [9]float64) *sums {
	give := func(to, from, v int) float64 {
		return max(-mostGiven, min(mostGiven, finite(float64(m[3*to+from]*linear[from][v]))))
	}
	low, width := 0.0, 1.0 // of what any colour comes to; black and white are in it
	for to := range 3 {
		var lo, hi float64
		for from := range 3 {
			l, h := 0.0, 0.0
			for v := range 256 {
				g := give(to, from, v)
				l, h = min(l, g), max(h, g)
			}
			lo, hi = lo+l, hi+h
		}
		low = min(low, lo)
		width = max(width, hi)
	}
	width -= low
	// As many bits of fraction as fit a field, with room for what rounding adds:
	// two steps of the curve and three times a half.
	bits := uint(20)
	for width*float64(uint64(1)<<bits) >= fieldMask-1<<8 {
		bits--
	}
	s := &sums{shift: 5} // the curve is as long as a field has values then
	one := float64(uint64(1) << bits)
	steps := int(uint64(1) << bits >> s.shift) // of the curve between black and white
	black := int(-low*float64(steps)) + 1
	for v := range 256 {
		// Of a grey each field is what the matrix says, rounded once: the sample
		// that gives most takes the errors of the others.
		for to := range 3 {
			var n [3]int64
			largest, sum, total := 0, int64(0), 0.0
			for from := range 3 {
				g := give(to, from, v)
				total += g
				n[from] = round(float64(g * one))
				sum += n[from]
				if max(n[from], -n[from]) > max(n[largest], -n[largest]) {
					largest = from
				}
			}
			n[largest] += round(float64(total*one)) - sum
			n[0] += int64(black) << s.shift
			for from := range 3 {
				s.part[from][v] += uint64(n[from]) << (fieldBits * to)
			}
		}
	}
	// A step has the sample of its middle.
	at := black
	for v, end := range thresholds {
		for ; float64(at-black)+0.5 < end*float64(steps); at++ {
			s.curve[at] = byte(v)
		}
	}
	for ; at < curveSteps; at++ {
		s.curve[at] = 255
	}
	return s
}

// finite returns x, and 0 for what is no number.
func finite(x float64) float64 {
	if x-x != 0 {
		return 0
	}
	return x
}

func round(x float64) int64 {
	if x < 0 {
		return -int64(0.5 - x)
	}
	return int64(x + 0.5)
}

func (s *sums) rgb(in [4]byte) [3]byte {
	v := s.part[0][in[0]] + s.part[1][in[1]] + s.part[2][in[2]]
	at := func(field uint) byte { return s.curve[uint16(v>>(fieldBits*field)&fieldMask>>s.shift)] }
	return [3]byte{at(0), at(1), at(2)}
}

// pixels is rgb of pixels of four bytes, of which the last one stays.
func (s *sums) pixels(dst, src []byte) {
	shift := s.shift & 31
	for len(src) >= 4 && len(dst) >= 4 {
		v := s.part[0][src[0]] + s.part[1][src[1]] + s.part[2][src[2]]
		dst[0] = s.curve[uint16(uint32(v)&fieldMask>>shift)]
		dst[1] = s.curve[uint16(uint32(v>>fieldBits)&fieldMask>>shift)]
		dst[2] = s.curve[uint16(uint32(v>>(2*fieldBits))&fieldMask>>shift)]
		dst[3] = src[3]
		src, dst = src[4:], dst[4:]
	}
}
