package vp8

import (
	"math/rand/v2"
	"testing"
)

// The kernels of this CPU have the results of those in Go, to the bit.
func TestKernels(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	fast, plain := kernels{}, kernels{generic: true}
	random := func(p []byte, kind int) {
		for i := range p {
			switch p[i] = byte(r.IntN(256)); kind {
			case 0:
				p[i] = byte(255 * r.IntN(2))
			case 1:
				p[i] = 100 + p[i]%8
			}
		}
	}
	for n := range 20_000 {
		var src samples
		var pred [256]byte
		var e edge
		random(src[:], n%4)
		random(pred[:], n/4%4)
		random(e[:13], n/16%4)
		at := r.IntN(len(src) - 16*stride)
		for _, predStride := range []int{4, 8, 16} {
			var a, b block
			fast.forward(&a, src[at:], pred[r.IntN(8)*0:], predStride)
			plain.forward(&b, src[at:], pred[:], predStride)
			if a != b {
				t.Fatalf("forward: %v; want %v", a, b)
			}
			x, y := src, src
			fast.inverse(x[at:], pred[:], predStride, &a)
			plain.inverse(y[at:], pred[:], predStride, &a)
			if x != y {
				t.Fatalf("inverse of %v differs at a stride of %d", a, predStride)
			}
			s := newSegment(r.IntN(128))
			for _, q := range []*quantizer{&s.y, &s.y2, &s.color} {
				a = b
				if q == &s.y2 {
					for i := range a {
						a[i] *= 8
					}
				}
				c := a
				var la, lc block
				ma, lossA := fast.quantize(&la, &a, q)
				mc, lossC := plain.quantize(&lc, &c, q)
				if la != lc || a != c || ma != mc || lossA != lossC {
					t.Fatalf("quantize: %v %v %x %d; want %v %v %x %d", la, a, ma, lossA, lc, c, mc, lossC)
				}
			}
		}
		var pa, pb [modes4]prediction
		var da, db [modes4]uint32
		fast.predict4(&pa, &da, src[at:], &e)
		plain.predict4(&pb, &db, src[at:], &e)
		if pa != pb || da != db {
			t.Fatalf("predict4 of %v: %v %v; want %v %v", e, pa, da, pb, db)
		}
		for _, n := range []int{8, 16} {
			if a, b := fast.difference(src[at:], pred[:], n), plain.difference(src[at:], pred[:], n); a != b {
				t.Fatalf("difference of %d x %d: %d; want %d", n, n, a, b)
			}
		}
	}
}

// predict, which takes eight samples at a time, has what the modes are defined to
// be (RFC 6386, section 12.2), and writes nothing else.
func TestPredict(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	clamped := func(v int) byte { return byte(max(0, min(255, v))) }
	for round := range 2000 {
		var p samples
		for i := range p {
			p[i] = byte(r.IntN(256))
			if round%2 == 0 {
				p[i] = byte(255 * r.IntN(2))
			}
		}
		for _, n := range []int{8, 16} {
			at := map[int]int{8: atCb, 16: atY}[n]
			for mode := range modes16 {
				dst := make([]byte, n*n+8)
				hasAbove, hasLeft := r.IntN(2) == 0, r.IntN(2) == 0
				predict(dst[:n*n], n, mode, p[:], at, hasAbove, hasLeft)
				mean := meanOfEdge(p[:], at, n, hasAbove, hasLeft)
				for i, got := range dst {
					x, y := i%n, i/n
					above, want := 0, byte(0)
					if y < n {
						above = int(p[at-stride+x])
						left, corner := int(p[at+y*stride-1]), int(p[at-stride-1])
						want = [modes16]byte{modeDC: mean, modeTM: clamped(above + left - corner), modeV: byte(above), modeH: byte(left)}[mode]
					}
					if got != want {
						t.Fatalf("mode %d of %d x %d: %d at %d, %d; want %d", mode, n, n, got, x, y, want)
					}
				}
			}
		}
	}
}
