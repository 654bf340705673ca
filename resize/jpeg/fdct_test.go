package jpeg

import (
	"math"
	"math/rand/v2"
	"testing"
)

func fdctInput(r *rand.Rand, kind int, n int) []byte {
	src := make([]byte, n)
	for i := range src {
		switch kind % 4 {
		case 0:
			src[i] = byte(r.Uint32())
		case 1:
			src[i] = byte(-(r.Uint32() & 1))
		case 2:
			src[i] = byte(100 + r.IntN(5))
		case 3:
			src[i] = byte(min(255, i*4))
		}
	}
	return src
}

func fdctRecip(quality int) *[64]float32 {
	var e encoder
	e.setQuality(quality)
	return &e.recip[0]
}

// fdctReference is T.81 section A.3.3 in float64.
func fdctReference(src []byte, stride, u, v int) float64 {
	sum := 0.0
	for y := range 8 {
		for x := range 8 {
			sum += (float64(src[y*stride+x]) - 128) * math.Cos(float64(2*x+1)*float64(u)*math.Pi/16) *
				math.Cos(float64(2*y+1)*float64(v)*math.Pi/16)
		}
	}
	for _, k := range [2]int{u, v} {
		if k == 0 {
			sum /= math.Sqrt2
		}
	}
	return sum / 4
}

func TestFDCT(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	recip := fdctRecip(100) // every step is 1
	for i := range 200 {
		stride := 8 + r.IntN(9)
		src := fdctInput(r, i, 7*stride+8)
		var b [64]int16
		mask := fdct(&b, src, stride, recip, false)
		for u := range 8 {
			for v := range 8 {
				want := fdctReference(src, stride, u, v)
				if d := math.Abs(float64(b[8*u+v]) - want); d > 0.505 {
					t.Fatalf("coefficient (%d, %d) = %d; want %.3f", u, v, b[8*u+v], want)
				}
				if mask>>(8*u+v)&1 != 0 != (b[8*u+v] != 0) {
					t.Fatalf("mask of coefficient %d = %d", b[8*u+v], mask>>(8*u+v)&1)
				}
			}
		}
	}
}

// compareFDCT checks that assembly and Go agree bit for bit.
func compareFDCT(t *testing.T, r *rand.Rand, kind, quality, off, stride int) {
	src := fdctInput(r, kind, off+7*stride+8)[off:]
	recip := fdctRecip(quality)
	var a, b struct {
		before [8]int16
		blk    [64]int16
		behind [8]int16
	}
	ma := fdct(&a.blk, src, stride, recip, false)
	mb := fdct(&b.blk, src, stride, recip, true)
	if a != b || ma != mb {
		t.Fatalf("kind %d q%d offset %d stride %d: %v, %x; Go %v, %x", kind, quality, off, stride, a, ma, b, mb)
	}
}

func TestFDCTAssembly(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 9))
	for i := range 2000 {
		compareFDCT(t, r, i, 1+r.IntN(100), r.IntN(33), 8+r.IntN(40))
	}
}

func FuzzFDCT(f *testing.F) {
	f.Add(uint64(1), uint8(0), uint8(75), uint8(3), uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, kind, quality, off, extra uint8) {
		compareFDCT(t, rand.New(rand.NewPCG(seed, 1)), int(kind), int(quality)%100+1, int(off), 8+int(extra))
	})
}

func TestMaskToZigzag(t *testing.T) {
	for k, z := range encZigzag {
		if got := maskToZigzag(1 << z); got != 1<<k {
			t.Errorf("coefficient %d: mask %x; want %x", k, got, uint64(1)<<k)
		}
	}
}
