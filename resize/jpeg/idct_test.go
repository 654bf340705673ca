package jpeg

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"
)

// slowIDCT is the definition: T.81 section A.3.3 with n for 8, scaled to keep
// the mean. b is transposed.
func slowIDCT(b []float64, n int) []float64 {
	out := make([]float64, n*n)
	for y := range n {
		for x := range n {
			sum := 0.0
			for v := range n {
				for u := range n {
					f := b[n*u+v] / 8
					if u > 0 {
						f *= math.Sqrt2 * math.Cos(float64((2*x+1)*u)*math.Pi/float64(2*n))
					}
					if v > 0 {
						f *= math.Sqrt2 * math.Cos(float64((2*y+1)*v)*math.Pi/float64(2*n))
					}
					sum += f
				}
			}
			out[y*n+x] = sum + 128
		}
	}
	return out
}

// transformBlock applies the inverse DCT of size n to b, which has 64 values
// in zigzag order, and writes to dst.
func transformBlock(dst []byte, stride, n int, b *[64]int16, q *dequant, generic bool) {
	var block [80]int16
	for k, v := range b {
		block[layouts[n].slots[k]] = v
	}
	switch n {
	case 1:
		dst[0] = idct1(block[0], q.dc)
	case 2:
		idct2(dst, stride, (*[4]int16)(block[:4]), &q.step2)
	case 4:
		idct4(dst, stride, (*[16]int16)(block[:16]), &q.step4, &kernels{generic: generic})
	case 8:
		idct8(dst, stride, (*[64]int16)(block[:64]), &q.step8, &kernels{generic: generic})
	}
}

func TestIDCTEqualsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 4, 8} {
		worst, differ, total := 0.0, 0, 0
		for range 2000 {
			var steps [64]uint16
			var b [64]int16
			var q dequant
			for k := range steps {
				steps[k] = uint16(1 + rng.IntN(40))
				if rng.IntN(3) == 0 {
					b[k] = int16(rng.IntN(600)-300) / int16(steps[k])
				}
			}
			q.init(&steps)
			f := make([]float64, n*n)
			for k, v := range b {
				if s := layouts[n].slots[k]; s != dropped {
					f[s] = float64(v) * float64(steps[k])
				}
			}
			want := slowIDCT(f, n)
			got := make([]byte, 64)
			transformBlock(got, 8, n, &b, &q, false)
			for y := range n {
				for x := range n {
					w := min(max(want[y*n+x], 0), 255)
					e := math.Abs(float64(got[y*8+x]) - w)
					worst = max(worst, e)
					if got[y*8+x] != byte(math.RoundToEven(w)) {
						differ++
					}
					total++
				}
			}
		}
		t.Logf("N=%d: worst distance from the exact value %.4f, %d of %d samples not rounded to nearest", n, worst, differ, total)
		if worst > 0.501 {
			t.Errorf("N=%d: off by %.4f from the exact value; want at most half a level", n, worst)
		}
	}
}

// equalIDCT reports where assembly and Go differ, or write where they should
// not.
func equalIDCT(t *testing.T, n, stride, offset int, b *[64]int16, steps *[64]uint16) {
	t.Helper()
	var q dequant
	q.init(steps)
	size := (n-1)*stride + n
	var out [2][]byte
	for i, generic := range []bool{false, true} {
		buf := bytes.Repeat([]byte{0xa5}, offset+size+40)
		transformBlock(buf[offset:offset+size], stride, n, b, &q, generic)
		out[i] = buf
	}
	if !bytes.Equal(out[0], out[1]) {
		t.Fatalf("N=%d stride %d: dispatched %x; generic %x; block %v steps %v", n, stride, out[0], out[1], b, steps)
	}
	for i, v := range out[0] {
		in := i >= offset && i < offset+size && (i-offset)%stride < n
		if !in && v != 0xa5 {
			t.Fatalf("N=%d stride %d: byte %d, outside the block, was written", n, stride, i-offset)
		}
	}
}

func TestIDCTAssemblyEqualsGo(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	extremes := []int16{-32768, 32767, -1, 0, 1, 1023, -1024, 2047}
	rounds := 20000
	if testing.Short() {
		rounds = 2000
	}
	for i := range rounds {
		var b [64]int16
		var steps [64]uint16
		for k := range b {
			switch i % 4 {
			case 0: // photographs
				if rng.IntN(k+1) < 3 {
					b[k] = int16(rng.IntN(201) - 100)
				}
				steps[k] = uint16(1 + rng.IntN(60))
			case 1:
				b[k], steps[k] = int16(rng.Uint32()), uint16(rng.Uint32())
			case 2:
				b[k], steps[k] = extremes[rng.IntN(len(extremes))], uint16(1+rng.IntN(255))
			case 3:
				if rng.IntN(20) == 0 {
					b[k] = int16(rng.IntN(4096) - 2048)
				}
				steps[k] = 65535
			}
		}
		for _, n := range []int{4, 8} {
			equalIDCT(t, n, n+rng.IntN(40), rng.IntN(33), &b, &steps)
		}
	}
}

func TestDCSampleEqualsIDCT(t *testing.T) {
	for _, step := range []uint16{1, 2, 3, 16, 17, 99, 255, 65535} {
		var q dequant
		q.init(&[64]uint16{step})
		for dc := -2100; dc < 2100; dc++ {
			var b [64]int16
			b[0] = int16(dc)
			got := make([]byte, 64)
			transformBlock(got, 8, 8, &b, &q, true)
			if want := dcSample(b[0], q.step8[0]); got[0] != want || got[63] != want {
				t.Fatalf("DC %d step %d: %d, %d; want %d", dc, step, got[0], got[63], want)
			}
		}
	}
}

func FuzzIDCT(f *testing.F) {
	f.Add([]byte("some coefficients and steps"), uint8(8))
	f.Add(bytes.Repeat([]byte{0xff, 0x7f}, 200), uint8(3))
	f.Fuzz(func(t *testing.T, data []byte, stride uint8) {
		var b [64]int16
		var steps [64]uint16
		for i := range 128 {
			if len(data) < 2 {
				break
			}
			v := uint16(data[0]) | uint16(data[1])<<8
			if data = data[2:]; i < 64 {
				b[i] = int16(v)
			} else {
				steps[i-64] = v
			}
		}
		for _, n := range []int{4, 8} {
			equalIDCT(t, n, n+int(stride), int(stride&7), &b, &steps)
		}
	})
}
