package av1

import (
	"math/bits"
	"sync"
)

// blockSize is MiSize (section 6.10.4), without the sizes that are not written.
type blockSize uint8

const (
	block4x4 blockSize = iota
	block4x8
	block8x4
	block8x8
	block8x16
	block16x8
	block16x16
	block16x32
	block32x16
	block32x32
	block32x64
	block64x32
	block64x64
	blockSizes
)

// w4Log2 and h4Log2 are the logarithms of the sides in units of 4 samples.
func (b blockSize) w4Log2() int {
	return int("\x00\x00\x01\x01\x01\x02\x02\x02\x03\x03\x03\x04\x04"[b])
}
func (b blockSize) h4Log2() int {
	return int("\x00\x01\x00\x01\x02\x01\x02\x03\x02\x03\x04\x03\x04"[b])
}
func (b blockSize) w4() int { return 1 << b.w4Log2() }
func (b blockSize) h4() int { return 1 << b.h4Log2() }

// partition is the way a square block is cut (section 6.10.4).
type partition uint8

const (
	partitionNone partition = iota
	partitionHorz
	partitionVert
	partitionSplit
)

// cut is Partition_Subsize: the size of the parts of a square block.
func (b blockSize) cut(p partition) blockSize {
	switch p {
	case partitionHorz:
		return b - 1
	case partitionVert:
		return b - 2
	case partitionSplit:
		return b - 3
	}
	return b
}

// txSize is a transform size (section 6.10.16), without the 4:1 ones.
type txSize uint8

const (
	tx4x4 txSize = iota
	tx8x8
	tx16x16
	tx32x32
	tx64x64
	tx4x8
	tx8x4
	tx8x16
	tx16x8
	tx16x32
	tx32x16
	tx32x64
	tx64x32
	txSizes
)

// wLog2 and hLog2 are the logarithms of the sides in samples.
func (t txSize) wLog2() int { return int("\x02\x03\x04\x05\x06\x02\x03\x03\x04\x04\x05\x05\x06"[t]) }
func (t txSize) hLog2() int { return int("\x02\x03\x04\x05\x06\x03\x02\x04\x03\x05\x04\x06\x05"[t]) }

// coded is how many coefficients may be coded.
func (t txSize) coded() int { return 1 << (min(t.wLog2(), 5) + min(t.hLog2(), 5)) }

// sqr and sqrUp are Tx_Size_Sqr and Tx_Size_Sqr_Up: the largest square within and
// the smallest one around.
func (t txSize) sqr() txSize   { return txSize(min(t.wLog2(), t.hLog2()) - 2) }
func (t txSize) sqrUp() txSize { return txSize(max(t.wLog2(), t.hLog2()) - 2) }

// txFor is the transform size with the given logarithms of sides.
func txFor(wLog2, hLog2 int) txSize {
	switch wLog2 - hLog2 {
	case 0:
		return txSize(wLog2 - 2)
	case -1:
		return tx4x8 + txSize(2*(wLog2-2))
	case 1:
		return tx8x4 + txSize(2*(hLog2-2))
	}
	panic("av1: no transform of that size")
}

// maxTx is Max_Tx_Size_Rect: the transform of a whole block.
func (b blockSize) maxTx() txSize { return txFor(b.w4Log2()+2, b.h4Log2()+2) }

// split is Split_Tx_Size.
func (t txSize) split() txSize {
	if s := t.sqr(); s != t {
		return s
	}
	if t == tx4x4 {
		return t
	}
	return t - 1
}

// maxTxDepth is Max_Tx_Depth (section 5.11.15).
func (b blockSize) maxTxDepth() int {
	return int("\x00\x01\x01\x01\x02\x02\x02\x03\x03\x03\x04\x04\x04"[b])
}

// residual is the size of the chroma of block b with its logarithms of sides in
// samples (section 5.11.38, Subsampled_Size).
func (b blockSize) residual(subX, subY int) (wLog2, hLog2 int) {
	return max(b.w4Log2()-subX, 0) + 2, max(b.h4Log2()-subY, 0) + 2
}

// txType is a transform type (section 6.10.19); the first word is the column
// transform, the second the row transform.
type txType uint8

const (
	dctDCT   txType = 0
	adstDCT  txType = 1 // columns ADST, rows DCT
	dctADST  txType = 2
	adstADST txType = 3
	idtx     txType = 9
	vDCT     txType = 10 // columns DCT, rows identity
	hDCT     txType = 11
)

// class is get_tx_class (section 8.3.2): 0 for two dimensions, 1 for horizontal,
// 2 for vertical.
func (t txType) class() int {
	switch t {
	case hDCT:
		return 1
	case vDCT:
		return 2
	}
	return 0
}

// txSet is get_tx_set (section 5.11.48): which transform types a size may have.
func txSet(t txSize, reduced bool) int {
	switch {
	case t.sqrUp() >= tx32x32:
		return 0
	case reduced || t.sqr() == tx16x16:
		return 2
	}
	return 1
}

// txTypes are the transform types of a set by symbol (section 5.11.47).
var txTypesOf = [3][]txType{
	{dctDCT},
	{idtx, dctDCT, vDCT, hDCT, adstADST, adstDCT, dctADST},
	{idtx, dctDCT, adstADST, adstDCT, dctADST},
}

// symbolOf is the place of a type in a set, -1 if it is not in it.
func symbolOf(set int, t txType) int {
	for i, u := range txTypesOf[set] {
		if u == t {
			return i
		}
	}
	return -1
}

// scans has the order of coefficients by class and size of the coded part
// (section 9.2).
var scans = sync.OnceValue(func() *[3][txSizes][]uint16 {
	var s [3][txSizes][]uint16
	for t := range txSizes {
		w, h := 1<<min(t.wLog2(), 5), 1<<min(t.hLog2(), 5)
		for y := range h {
			for x := range w {
				s[2][t] = append(s[2][t], uint16(y*w+x)) // rows
			}
		}
		for x := range w {
			for y := range h {
				s[1][t] = append(s[1][t], uint16(y*w+x)) // columns
			}
		}
		for d := range w + h - 1 {
			for i := range d + 1 {
				y := i // x falls
				if w > h || w == h && d&1 == 0 {
					y = d - i
				}
				if x := d - y; y < h && x < w {
					s[0][t] = append(s[0][t], uint16(y*w+x))
				}
			}
		}
	}
	return &s
})

// places has where each coefficient stands in the order of scans.
var places = sync.OnceValue(func() *[3][txSizes][]uint16 {
	var p [3][txSizes][]uint16
	for class, sizes := range scans() {
		for size, scan := range sizes {
			p[class][size] = make([]uint16, len(scan))
			for i, pos := range scan {
				p[class][size][pos] = uint16(i)
			}
		}
	}
	return &p
})

// log2 is the logarithm of n rounded down.
func log2(n int) int { return bits.Len(uint(n)) - 1 }
