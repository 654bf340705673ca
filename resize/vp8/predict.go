package vp8

import "encoding/binary"

// Modes of predicting a macroblock, its luma or its chroma (RFC 6386, section
// 12.2).
const (
	modeDC = iota
	modeTM
	modeV
	modeH
	modes16
)

// Modes of predicting a 4x4 block (section 12.3). The first four are to blocks
// what the modes of the same numbers are to macroblocks.
const (
	block4DC = iota
	block4TM
	block4VE
	block4HE
	block4RD
	block4VR
	block4LD
	block4VL
	block4HD
	block4HU
	modes4
)

// A word is eight samples. Times eachLane a sample is eight of it.
const (
	eachLane = 0x0101010101010101
	topBits  = 0x80 * eachLane
)

// predict writes a prediction of n x n samples, n being 8 or 16, to dst, n apart,
// from the row above and the column to the left of p[at]. Where the picture has
// neither, the samples there are 127 and 129, which only DC leaves out: hasAbove
// and hasLeft say what it may use.
func predict(dst []byte, n, mode int, p []byte, at int, hasAbove, hasLeft bool) {
	row := p[at-stride:]
	a, b := binary.LittleEndian.Uint64(row), binary.LittleEndian.Uint64(row[n-8:])
	if mode == modeTM {
		corner := int64(p[at-stride-1])
		if n == 16 {
			dst, left := (*[256]byte)(dst), (*[15*stride + 1]byte)(p[at-1:])
			for i := 0; i <= 240; i += 16 {
				d := int64(left[i/16*stride]) - corner
				binary.LittleEndian.PutUint64(dst[i:i+8], addToEach(a, d))
				binary.LittleEndian.PutUint64(dst[i+8:i+16], addToEach(b, d))
			}
			return
		}
		dst, left := (*[64]byte)(dst), (*[7*stride + 1]byte)(p[at-1:])
		for i := 0; i <= 56; i += 8 {
			binary.LittleEndian.PutUint64(dst[i:i+8], addToEach(a, int64(left[i/8*stride])-corner))
		}
		return
	}
	// The others are a row, or a sample at the left, or neither.
	used := uint64(0)
	switch mode {
	case modeDC:
		a = eachLane * uint64(meanOfEdge(p, at, n, hasAbove, hasLeft))
		b = a
	case modeH:
		a, b, used = 0, 0, eachLane
	}
	if n == 16 {
		dst, left := (*[256]byte)(dst), (*[15*stride + 1]byte)(p[at-1:])
		for i := 0; i <= 240; i += 16 {
			l := used * uint64(left[i/16*stride])
			binary.LittleEndian.PutUint64(dst[i:i+8], a|l)
			binary.LittleEndian.PutUint64(dst[i+8:i+16], b|l)
		}
		return
	}
	eight, left := (*[64]byte)(dst), (*[7*stride + 1]byte)(p[at-1:])
	for i := 0; i <= 56; i += 8 {
		binary.LittleEndian.PutUint64(eight[i:i+8], a|used*uint64(left[i/8*stride]))
	}
}

// addToEach adds d, from -255 to 255, to the eight samples of a word and clamps
// what it gets to 0 and 255.
func addToEach(word uint64, d int64) uint64 {
	// To subtract is to add to 255 minus a sample.
	sign := d >> 63
	a, b := word^uint64(sign), eachLane*uint64(d^sign-sign)
	// The top bits are added apart, so that no lane carries into the next one.
	sum := (a&^topBits + b&^topBits) ^ (a^b)&topBits
	full := (a&b | (a|b)&^sum) & topBits >> 7
	return (sum | 255*full) ^ uint64(sign)
}

// meanOfEdge returns the rounded mean of the n samples above and the n to the
// left, as far as there are any.
func meanOfEdge(p []byte, at, n int, hasAbove, hasLeft bool) byte {
	sum, count := 0, 0
	if hasAbove {
		for _, v := range p[at-stride:][:n] {
			sum += int(v)
		}
		count += n
	}
	if hasLeft {
		for y := range n {
			sum += int(p[at+y*stride-1])
		}
		count += n
	}
	if count == 0 {
		return 128
	}
	return byte((sum + count/2) / count)
}

// An edge is the samples around a 4x4 block, from the lowest of those to the
// left, up to the corner and on to the last of the eight above: 13 in all.
type edge [16]byte

// A prediction is 4x4 samples, row by row.
type prediction = [16]byte

func edgeOf(p []byte, at int) (e edge) {
	from := (*[4*stride + 1]byte)(p[at-stride-1:])
	e[0], e[1], e[2], e[3], e[4] = from[4*stride], from[3*stride], from[2*stride], from[stride], from[0]
	*(*[8]byte)(e[5:13]) = [8]byte(from[1:9])
	return e
}

// Where the means of an edge begin, in what the tables of the directions pick
// from: the samples themselves, the means of two, weighted means of three.
const (
	samplesAt = 0
	pairsAt   = 16
	triplesAt = 32
)

// directions say for each sample of the modes from VE on which mean it is.
var directions = directionTables()

func directionTables() (d [modes4][16]uint8) {
	for y := range 4 {
		for x := range 4 {
			i := 4*y + x
			pair := func(n int) uint8 { return uint8(pairsAt + n) }
			triple := func(n int) uint8 { return uint8(triplesAt + n) }
			d[block4VE][i] = triple(5 + x)
			d[block4HE][i] = triple(3 - y)
			d[block4RD][i] = triple(4 - y + x)
			d[block4LD][i] = triple(6 + x + y)
			switch {
			case y%2 == 0 && x >= y/2:
				d[block4VR][i] = pair(4 + x - y/2)
			case y%2 == 1 && x >= y/2:
				d[block4VR][i] = triple(4 + x - y/2)
			default:
				d[block4VR][i] = triple(5 - y)
			}
			switch {
			case x == 3 && y >= 2:
				d[block4VL][i] = triple(8 + y)
			case y%2 == 0:
				d[block4VL][i] = pair(5 + x + y/2)
			default:
				d[block4VL][i] = triple(6 + x + y/2)
			}
			switch {
			case x%2 == 0 && y >= x/2:
				d[block4HD][i] = pair(3 - y + x/2)
			case x%2 == 1 && y >= x/2:
				d[block4HD][i] = triple(4 - y + x/2)
			default:
				d[block4HD][i] = triple(3 + x)
			}
			switch n := x + 2*y; {
			case n > 5:
				d[block4HU][i] = samplesAt
			case n%2 == 0:
				d[block4HU][i] = pair(2 - n/2)
			default:
				d[block4HU][i] = triple(2 - n/2)
			}
		}
	}
	return d
}

// predict4Generic sets all to the predictions of a block by every mode, and
// differences to how much they differ from 4x4 samples of src.
func predict4Generic(all *[modes4]prediction, differences *[modes4]uint32, src []byte, e *edge) {
	var means [48]byte
	copy(means[:], e[:13])
	for i := range 12 {
		means[pairsAt+i] = byte((int(e[i]) + int(e[i+1]) + 1) / 2)
	}
	means[triplesAt] = byte((3*int(e[0]) + int(e[1]) + 2) / 4)
	for i := 1; i < 12; i++ {
		means[triplesAt+i] = byte((int(e[i-1]) + 2*int(e[i]) + int(e[i+1]) + 2) / 4)
	}
	means[triplesAt+12] = byte((int(e[11]) + 3*int(e[12]) + 2) / 4)
	for m := block4VE; m < modes4; m++ {
		for i, from := range directions[m] {
			all[m][i] = means[from]
		}
	}
	sum := 4
	for i := range 4 {
		sum += int(e[i]) + int(e[5+i])
	}
	for i := range 16 {
		all[block4DC][i] = byte(sum / 8)
		all[block4TM][i] = clamp(int32(e[5+i%4]) + int32(e[3-i/4]) - int32(e[4]))
	}
	for m := range all {
		differences[m] = difference4(src, all[m][:], 4)
	}
}

// differenceGeneric returns the sum over blocks of 4x4 of the magnitudes of the
// Hadamard transform of src - pred, n x n samples, halved: about what it costs to
// write the difference. Rows of pred are n apart.
func differenceGeneric(src, pred []byte, n int) (sum uint32) {
	for y := 0; y < n; y += 4 {
		for x := 0; x < n; x += 4 {
			sum += difference4(src[y*stride+x:], pred[y*n+x:], n)
		}
	}
	return sum
}

// difference4 is that of one block.
func difference4(src, pred []byte, predStride int) (sum uint32) {
	var t [16]int32
	for y := range 4 {
		a, b := src[y*stride:][:4], pred[y*predStride:][:4]
		d0, d1, d2, d3 := int32(a[0])-int32(b[0]), int32(a[1])-int32(b[1]), int32(a[2])-int32(b[2]), int32(a[3])-int32(b[3])
		s0, s1, s2, s3 := d0+d1, d0-d1, d2+d3, d2-d3
		t[4*y], t[4*y+1], t[4*y+2], t[4*y+3] = s0+s2, s1+s3, s0-s2, s1-s3
	}
	for x := range 4 {
		s0, s1, s2, s3 := t[x]+t[4+x], t[x]-t[4+x], t[8+x]+t[12+x], t[8+x]-t[12+x]
		// The sum of |a + b| and |a - b| is twice the larger of |a| and |b|.
		sum += uint32(max(s0, -s0, s2, -s2) + max(s1, -s1, s3, -s3))
	}
	return sum
}
