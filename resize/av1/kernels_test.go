package av1

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The kernels of this CPU have the results of those in Go, to the bit, and write
// nothing else.
func TestKernels(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	fast, plain := kernels{}, kernels{generic: true}
	numbers := func(n, bits int) []int32 {
		out := make([]int32, n+16) // some more, which must stay
		for i := range out {
			switch r.IntN(4) {
			case 0:
			case 1:
				out[i] = int32(r.IntN(9)) - 4
			default:
				out[i] = int32(r.IntN(2<<bits)) - 1<<bits
			}
		}
		return out
	}
	samples := func(n int) []uint8 {
		out := make([]uint8, n)
		kind := r.IntN(3)
		for i := range out {
			switch out[i] = uint8(r.IntN(256)); kind {
			case 0:
				out[i] = uint8(255 * r.IntN(2))
			case 1:
				out[i] = 100 + out[i]%8
			}
		}
		return out
	}
	for round := range 300 {
		w, h := 4<<r.IntN(5), 4<<r.IntN(5)
		n := w * h
		for kind := range flows {
			for log := range flows[kind] {
				f := &flows[kind][log]
				if f.n == 0 {
					continue
				}
				m := w
				a := numbers(m*f.n, 16)
				b := slices.Clone(a)
				fast.steps(a[:m*f.n], m, &f.inverse, 1<<15-1)
				plain.steps(b[:m*f.n], m, &f.inverse, 1<<15-1)
				if !slices.Equal(a, b) {
					t.Fatalf("steps of flow %d of %d, %d columns, differ", kind, f.n, m)
				}
				c, d := numbers(m*f.n, 16), numbers(m*f.n, 16)
				copy(d, c)
				fast.moves(c[:m*f.n], a[:m*f.n], m, f.forwardMoves)
				plain.moves(d[:m*f.n], a[:m*f.n], m, f.forwardMoves)
				if !slices.Equal(c, d) {
					t.Fatalf("moves of flow %d of %d, %d columns, differ", kind, f.n, m)
				}
			}
		}
		src := numbers(n, 17)
		a, b := numbers(n, 10), make([]int32, n+16)
		copy(b, a)
		fast.transpose(a, src[:n], w, h)
		plain.transpose(b, src[:n], w, h)
		if !slices.Equal(a, b) {
			t.Fatalf("transpose of %dx%d differs", w, h)
		}
		shift, factor := r.IntN(14), int32(1+r.IntN(2)*2895)
		limit := []int32{math.MaxInt32, 1<<15 - 1}[round%2]
		a, b = slices.Clone(src), slices.Clone(src)
		fast.scale(a[:n], factor, shift, limit)
		plain.scale(b[:n], factor, shift, limit)
		if !slices.Equal(a, b) {
			t.Fatalf("scale by %d, shift %d, limit %d differs", factor, shift, limit)
		}
		stride := w + r.IntN(9)
		off := r.IntN(8)
		pixels, pred := samples(stride*h+off+16), samples(n)
		e, still := fast.residual(a, pixels[off:], stride, pred, w, h)
		want, wantStill := plain.residual(b, pixels[off:], stride, pred, w, h)
		if e != want || still != wantStill || !slices.Equal(a, b) {
			t.Fatalf("residual of %dx%d: %d, %d; want %d, %d", w, h, e, still, want, wantStill)
		}
		if v, want := fast.satd(pixels[off:], stride, pred, w, h), plain.satd(pixels[off:], stride, pred, w, h); v != want {
			t.Fatalf("satd of %dx%d: %d; want %d", w, h, v, want)
		}
		p, q := bytes.Clone(pixels), bytes.Clone(pixels)
		some := numbers(n, 2+r.IntN(14))
		fast.add(p[off:], stride, pred, some, w, h)
		plain.add(q[off:], stride, pred, some, w, h)
		if !bytes.Equal(p, q) {
			t.Fatalf("add of %dx%d differs", w, h)
		}
		bits, k := samples(n/8+8), make([]uint8, n/8+8)
		copy(k, bits)
		least := int32(1 + r.IntN(1000))
		fast.large(bits, src[:n], least)
		plain.large(k, src[:n], least)
		if !bytes.Equal(bits, k) {
			t.Fatalf("large of %d differs", n)
		}
		above, left, corner := samples(w), samples(h), samples(1)[0]
		p, q = samples(n+8), make([]uint8, n+8)
		copy(q, p)
		fast.paeth(p, above, left, corner)
		plain.paeth(q, above, left, corner)
		if !bytes.Equal(p, q) {
			t.Fatalf("paeth of %dx%d differs", w, h)
		}
		e1 := &edges{w: w, h: h}
		copy(e1.above[edgeZero:], above)
		copy(e1.left[edgeZero:], left)
		e2 := *e1
		e2.kernels = plain
		m := smoothPred + mode(round%3)
		e1.predict(p, m, 0)
		e2.predict(q, m, 0)
		if !bytes.Equal(p, q) {
			t.Fatalf("mode %d of %dx%d differs", m, w, h)
		}
		levels := numbers(n, 1+r.IntN(16))
		step, halvings := acQ[r.IntN(256)], r.IntN(3)
		copy(b, a)
		fast.dequantize(a[:n], levels[:n], step, halvings)
		plain.dequantize(b[:n], levels[:n], step, halvings)
		if !slices.Equal(a, b) {
			t.Fatalf("dequantize by %d, %d differs", step, halvings)
		}
	}
}
