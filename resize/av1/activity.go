package av1

import "math/bits"

// Squared errors count for less where a picture is busy: the lambda of each 16x16
// block is scaled by its variance v, by f(v) = 67.04·(1-exp(-0.00215·v)) + 17.49 over
// the geometric mean of f in the picture. That is libaom's rule for structural
// similarity. All of it is in integers, so that every machine makes the same bytes.

// varianceLog2 is 256·log2(f(v)) where v lies between (4+i%4)/4 and (5+i%4)/4 times
// 1<<(i/4).
var varianceLog2 = [60]int16{
	1060, 1061, 1062, 1063, 1064, 1065, 1067, 1068, 1070, 1073, 1076, 1079, 1083, 1089, 1094,
	1099, 1107, 1117, 1127, 1136, 1150, 1167, 1183, 1198, 1219, 1244, 1267, 1288, 1317, 1349,
	1377, 1402, 1433, 1467, 1494, 1516, 1542, 1568, 1586, 1600, 1613, 1624, 1630, 1634, 1637,
	1638, 1639, 1639, 1639, 1639, 1639, 1639, 1639, 1639, 1639, 1639, 1639, 1639, 1639, 1639,
}

// exp2 is 256·2^(i/16).
var exp2 = [17]int32{256, 267, 279, 292, 304, 318, 332, 347, 362, 378, 395, 412, 431, 450, 470, 490, 512}

// power is 256·2^(x/256) for x above -2048.
func power(x int) int64 {
	x += 2048
	i, part := x>>4&15, int32(x&15)
	m := exp2[i] + (exp2[i+1]-exp2[i])*part>>4
	return int64(m) << (x >> 8) >> 8
}

// activity is 256·log2(f(v)) less its mean, by 16x16 block of luma; each row has
// 4 blocks a superblock. Blocks outside the picture are not counted.
func (f *frame) activityMap() []int16 {
	w, h := f.tiles.sbCols*4, f.tiles.sbRows*4
	m := make([]int16, w*h)
	sum, n := 0, 0
	for y := range h {
		for x := range w {
			v := 0
			for i := range 4 {
				v += f.variance8(x*16+i&1*8, y*16+i>>1*8)
			}
			v = max(v/4, 1)
			log := bits.Len(uint(v)) - 1
			l := varianceLog2[4*log+v<<2>>log&3]
			m[y*w+x] = l
			if x*16 < f.width && y*16 < f.height {
				sum += int(l)
				n++
			}
		}
	}
	mean := int16(sum / n)
	for i := range m {
		m[i] -= mean
	}
	return m
}

// variance8 is the variance of the 8x8 luma samples at x, y.
func (f *frame) variance8(x, y int) int {
	p := &f.src[0]
	sum, square := 0, 0
	for i := range 8 {
		for _, v := range p.pix[(y+i)*p.stride+x:][:8] {
			sum += int(v)
			square += int(v) * int(v)
		}
	}
	return (square - sum*sum>>6) >> 6
}

// activityOf is the mean of the activity of a block, in 1/256 of a power of two.
func (f *frame) activityOf(row, col int, b blockSize) int {
	stride := f.tiles.sbCols * 4
	x0, y0 := col>>2, row>>2
	w, h := (b.w4()+3)>>2, (b.h4()+3)>>2
	sum := 0
	for y := range h {
		for x := range w {
			sum += int(f.activity[(y0+y)*stride+x0+x])
		}
	}
	return sum / (w * h)
}
