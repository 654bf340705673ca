package av1

import (
	"math"
	"math/rand/v2"
	"testing"
)

// What the forward transform makes of a residual, the inverse one takes back, but
// for rounding, for every size and type.
func TestTransformsRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	for size := range txSizes {
		for set := range txTypesOf {
			if set != txSet(size, false) && set != txSet(size, true) {
				continue
			}
			for _, typ := range txTypesOf[set] {
				w, h := 1<<size.wLog2(), 1<<size.hLog2()
				var a, b block64
				coefs := make([]int32, min(w, 32)*min(h, 32))
				want := make([]int32, w*h)
				for i := range want {
					// Low frequencies: a transform of 64 codes no others.
					x, y := float64(i%w)/float64(w), float64(i/w)/float64(h)
					want[i] = int32(100*math.Sin(3*x+y)) + int32(60*math.Cos(5*y))
					if max(w, h) < 64 {
						want[i] += r.Int32N(100) - 50
					}
				}
				copy(a[:], want)
				kernels{}.forward(coefs, &a, &b, size, typ)
				for i := range coefs {
					coefs[i] = clip16(coefs[i])
				}
				kernels{}.inverse(&a, &b, coefs, size, typ)
				worst := int32(0)
				for i, v := range want {
					worst = max(worst, v-a[i], a[i]-v)
				}
				if limit := int32(2 + 4*size.halvings()); worst > limit {
					t.Errorf("%dx%d, type %d: samples are %d off; want at most %d", w, h, typ, worst, limit)
				}
			}
		}
	}
}

// The inverse DCT is compared with its definition.
func TestInverseDCT(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for n := 2; n <= 6; n++ {
		size := 1 << n
		src, dst := make([]int32, size), make([]int32, size)
		for i := range src {
			src[i] = r.Int32N(400) - 200
		}
		want := make([]float64, size)
		for x := range want {
			for k, c := range src {
				v := float64(c) * math.Cos(math.Pi*float64((2*x+1)*k)/float64(2*size))
				if k == 0 {
					v *= math.Sqrt2 / 2
				}
				want[x] += v
			}
		}
		kernels{}.inverse1D(dst, append([]int32(nil), src...), n, 1, kindDCT)
		for i, v := range want {
			if d := math.Abs(v - float64(dst[i])); d > 6 {
				t.Errorf("DCT of %d: sample %d is %d; want %.1f", size, i, dst[i], v)
			}
		}
	}
}
