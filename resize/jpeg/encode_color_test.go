package jpeg

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// compareColor checks that assembly and Go agree on a row of n pixels.
func compareColor(t *testing.T, r *rand.Rand, n, off int) {
	a, b := make([]byte, off+4*n), make([]byte, off+4*n)
	extreme := r.IntN(2) == 0
	for i := range a {
		a[i], b[i] = byte(r.Uint32()), byte(r.Uint32())
		if extreme {
			a[i], b[i] = -(a[i] & 1), -(b[i] & 1)
		}
	}
	a, b = a[off:], b[off:]
	canary := bytes.Repeat([]byte{0xa5}, off+n+40)
	m := (n + 1) / 2
	y, y2 := slices.Clone(canary), slices.Clone(canary)
	cb, cb2 := slices.Clone(canary), slices.Clone(canary)
	cr, cr2 := slices.Clone(canary), slices.Clone(canary)
	lumaRow(y[off:][:n], a, false)
	lumaRow(y2[off:][:n], a, true)
	chromaRow420(cb[off:][:m], cr[off:][:m], a, b, false)
	chromaRow420(cb2[off:][:m], cr2[off:][:m], a, b, true)
	if !bytes.Equal(y, y2) || !bytes.Equal(cb, cb2) || !bytes.Equal(cr, cr2) {
		t.Fatalf("%d pixels, offset %d: assembly and Go differ, or canary lost", n, off)
	}
	for i, c := range y {
		if (i < off || i >= off+n) && c != 0xa5 {
			t.Fatalf("%d pixels, offset %d: writes behind dst", n, off)
		}
	}
	for i := range cb {
		if (i < off || i >= off+m) && (cb[i] != 0xa5 || cr[i] != 0xa5) {
			t.Fatalf("%d pixels, offset %d: writes behind cb or cr", n, off)
		}
	}
}

func TestEncodeColorAssembly(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 9))
	for n := 1; n < 200; n++ {
		for off := range 5 {
			compareColor(t, r, n, off)
		}
	}
}

func FuzzEncodeColor(f *testing.F) {
	f.Add(uint64(1), uint16(100), uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, off uint8) {
		compareColor(t, rand.New(rand.NewPCG(seed, 1)), int(n)%3000+1, int(off))
	})
}
