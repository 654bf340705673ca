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

// cell is what the luma of 8x8 samples is like.
type cell struct {
	variance int32
	// Sums over gradients (x, y): of x²+y², x²-y² and 2xy. The angle of (across,
	// diagonal) is twice that of the gradients.
	energy, across, diagonal int32
	// drawn is set where edges stand in what is flat, as in drawings and text.
	drawn bool
}

// analysis is what is known of a picture before it is encoded.
type analysis struct {
	cells    []cell // rows of 8 a superblock
	stride   int
	activity []int16 // 256·log2(f(v)) less its mean, by 16x16 block, rows of 4 a superblock
}

// analyse fills a. Blocks outside of the picture are not counted.
func (f *frame) analyse(a *analysis) {
	a.stride = f.tiles.sbCols * 8
	w, h := a.stride, f.tiles.sbRows*8
	a.cells = grown(a.cells, w*h)
	for y := range h {
		for x := range w {
			a.cells[y*w+x] = f.cell(x*8, y*8)
		}
	}
	a.activity = grown(a.activity, w*h/4)
	sum, n := 0, 0
	for y := 0; y < h; y += 2 {
		for x := 0; x < w; x += 2 {
			c, d := a.cells[y*w+x:][:2], a.cells[(y+1)*w+x:][:2]
			v := max(int(c[0].variance+c[1].variance+d[0].variance+d[1].variance)/4, 1)
			log := bits.Len(uint(v)) - 1
			l := varianceLog2[4*log+v<<2>>log&3]
			a.activity[y*w/4+x/2] = l
			if x*8 < f.width && y*8 < f.height {
				sum += int(l)
				n++
			}
		}
	}
	mean := int16(sum / n)
	for i := range a.activity {
		a.activity[i] -= mean
	}
}

// cell returns what the 8x8 luma samples at x, y are like; gradients are those of
// every second sample.
func (f *frame) cell(x, y int) cell {
	p := &f.src[0]
	var c cell
	sum, square, flat := int32(0), int32(0), 0
	for i := range 8 {
		row := p.pix[(y+i)*p.stride+x:][:8]
		for _, v := range row {
			sum += int32(v)
			square += int32(v) * int32(v)
		}
		if i&1 == 1 {
			continue
		}
		below := p.pix[(y+i+1)*p.stride+x:][:8]
		for j := 0; j < 8; j += 2 {
			a, b, d, e := int32(row[j]), int32(row[j+1]), int32(below[j]), int32(below[j+1])
			gx, gy := b-a+e-d, d-a+e-b
			if a == b && a == d && a == e {
				flat++
			}
			c.energy += gx*gx + gy*gy
			c.across += gx*gx - gy*gy
			c.diagonal += 2 * gx * gy
		}
	}
	c.variance = (square - sum*sum>>6) >> 6
	c.drawn = c.variance >= 4 && flat >= 6 || c.variance >= 64 && flat >= 4
	return c
}

// activityOf is the mean of the activity of a block, in 1/256 of a power of two.
func (a *analysis) activityOf(row, col int, b blockSize) int {
	stride := a.stride / 2
	x0, y0 := col>>2, row>>2
	w, h := (b.w4()+3)>>2, (b.h4()+3)>>2
	sum := 0
	for y := range h {
		for x := range w {
			sum += int(a.activity[(y0+y)*stride+x0+x])
		}
	}
	return sum / (w * h)
}

// variances returns the mean and the largest variance of the 8x8 of a block.
func (a *analysis) variances(row, col int, b blockSize) (mean, most int) {
	w, h := (b.w4()+1)>>1, (b.h4()+1)>>1
	for y := range h {
		for _, c := range a.cells[(row>>1+y)*a.stride+col>>1:][:w] {
			mean += int(c.variance)
			most = max(most, int(c.variance))
		}
	}
	return mean / (w * h), most
}

// drawn reports whether a quarter of a block is, but for what is flat.
func (a *analysis) drawn(row, col int, b blockSize) bool {
	w, h := (b.w4()+1)>>1, (b.h4()+1)>>1
	n := 0
	for y := range h {
		for _, c := range a.cells[(row>>1+y)*a.stride+col>>1:][:w] {
			n += b2i(c.drawn)
		}
	}
	return 4*n >= w*h
}

// A direction is a directional mode with an angle delta.
type direction struct {
	mode  mode
	delta int8
}

// directions are all angles from 36 to 212 degrees.
var directions = func() (d []direction) {
	for _, m := range []mode{d45Pred, d67Pred, vPred, d113Pred, d135Pred, d157Pred, hPred, d203Pred} {
		for delta := int8(-3); delta <= 3; delta++ {
			d = append(d, direction{m, delta})
		}
	}
	return d
}()

// doubled are the cosine and the sine of 6·i degrees, times 1024.
var doubled = [60][2]int32{
	{1024, 0}, {1018, 107}, {1002, 213}, {974, 316}, {935, 416}, {887, 512}, {828, 602}, {761, 685}, {685, 761}, {602, 828},
	{512, 887}, {416, 935}, {316, 974}, {213, 1002}, {107, 1018}, {0, 1024}, {-107, 1018}, {-213, 1002}, {-316, 974}, {-416, 935},
	{-512, 887}, {-602, 828}, {-685, 761}, {-761, 685}, {-828, 602}, {-887, 512}, {-935, 416}, {-974, 316}, {-1002, 213}, {-1018, 107},
	{-1024, 0}, {-1018, -107}, {-1002, -213}, {-974, -316}, {-935, -416}, {-887, -512}, {-828, -602}, {-761, -685}, {-685, -761}, {-602, -828},
	{-512, -887}, {-416, -935}, {-316, -974}, {-213, -1002}, {-107, -1018}, {0, -1024}, {107, -1018}, {213, -1002}, {316, -974}, {416, -935},
	{512, -887}, {602, -828}, {685, -761}, {761, -685}, {828, -602}, {887, -512}, {935, -416}, {974, -316}, {1002, -213}, {1018, -107},
}

// nearestDirection is the index in directions of the one nearest to 3·i degrees.
var nearestDirection = func() (n [60]uint8) {
	for i := range n {
		best := 360
		for k, d := range directions {
			off := abs(d.mode.angle() + 3*int(d.delta) - 3*i)
			if off = min(off, abs(180-off)); off < best {
				best, n[i] = off, uint8(k)
			}
		}
	}
	return n
}()

// direction returns the index in directions of the one along which a block changes
// least, and how clear it is, 0 to 256.
func (a *analysis) direction(row, col int, b blockSize) (index, clear int) {
	w, h := (b.w4()+1)>>1, (b.h4()+1)>>1
	var energy, across, diagonal int64
	for y := range h {
		for _, c := range a.cells[(row>>1+y)*a.stride+col>>1:][:w] {
			energy += int64(c.energy)
			across += int64(c.across)
			diagonal += int64(c.diagonal)
		}
	}
	if energy == 0 {
		return 0, 0
	}
	// Edges lie across gradients: twice their angle from the horizontal, upwards, has
	// the cosine -across and the sine diagonal.
	project := func(i int) int64 {
		d := &doubled[i]
		return -across*int64(d[0]) + diagonal*int64(d[1])
	}
	at, best := 0, project(0)
	for i := 5; i < 60; i += 5 {
		if v := project(i); v > best {
			at, best = i, v
		}
	}
	for around, i := at, -2; i <= 2; i++ {
		k := (around + i + 60) % 60
		if v := project(k); v > best {
			at, best = k, v
		}
	}
	return int(nearestDirection[at]), int(best >> 2 / energy)
}

// grown returns a slice of n elements of any value, s itself if it has room.
func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
