package vp8

import (
	"bytes"
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
			for i := range a { // what only a hostile file has
				a[i] = int16(r.Uint32())
			}
			x, y = src, src
			fast.inverse(x[at:], x[at:], stride, &a)
			plain.inverse(y[at:], y[at:], stride, &a)
			if x != y {
				t.Fatalf("inverse of %v differs in place", a)
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

// The loop filters have the results of those in Go, and change nothing else.
func TestLoopFilters(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	fast, plain := kernels{}, kernels{generic: true}
	type filter = func(k kernels, y, cb, cr []byte, yStride, cStride int, t *edgeThresholds)
	filters := map[string]filter{"left": kernels.filterLeft, "top": kernels.filterTop, "columns": kernels.filterColumns, "rows": kernels.filterRows}
	changed := map[string]int{}
	for n := range 4000 {
		yStride, cStride := 16+r.IntN(40), 8+r.IntN(20)
		luma, chroma := make([]byte, 3+16*yStride+16), make([]byte, 3+8*cStride+8)
		fill := func(p []byte) {
			level, noise, jumps := r.IntN(256), 1<<r.IntN(9), []int{20, 300, 5000}[r.IntN(3)]
			for i := range p {
				p[i] = byte(max(0, min(255, level+r.IntN(noise)-noise/2)))
				if r.IntN(jumps) == 0 {
					level = r.IntN(256)
				}
			}
		}
		fill(luma)
		fill(chroma)
		other := bytes.Clone(chroma)
		fill(other)
		th := thresholdsOf(r.IntN(64), r.IntN(8))
		if n%10 == 0 {
			th = edgeThresholds{limit: uint8(r.IntN(190)), interior: uint8(r.IntN(64)), high: uint8(r.IntN(3))}
		}
		at := r.IntN(4)
		for name, f := range filters {
			ay, acb, acr := bytes.Clone(luma), bytes.Clone(chroma), bytes.Clone(other)
			by, bcb, bcr := bytes.Clone(luma), bytes.Clone(chroma), bytes.Clone(other)
			f(fast, ay[at:], acb[at:], acr[at:], yStride, cStride, &th)
			f(plain, by[at:], bcb[at:], bcr[at:], yStride, cStride, &th)
			if !bytes.Equal(ay, by) || !bytes.Equal(acb, bcb) || !bytes.Equal(acr, bcr) {
				t.Fatalf("%s with %+v, strides %d and %d: luma %v, cb %v, cr %v", name, th, yStride, cStride, bytes.Equal(ay, by), bytes.Equal(acb, bcb), bytes.Equal(acr, bcr))
			}
			if !bytes.Equal(ay, luma) {
				changed[name]++
			}
		}
	}
	for name := range filters {
		if changed[name] < 500 {
			t.Errorf("%s changed luma only %d times", name, changed[name])
		}
	}
}

// Every sample is stretched as in Go, of lengths that are no multiple of a register's.
func TestStretch(t *testing.T) {
	for name, s := range map[string]*stretching{"luma": &lumaStretch, "chroma": &chromaStretch} {
		for n := range 300 {
			a := make([]byte, n+5)
			for i := range a {
				a[i] = byte(i + n)
			}
			b := bytes.Clone(a)
			kernels{}.stretch(a[:n], s)
			kernels{generic: true}.stretch(b[:n], s)
			if !bytes.Equal(a, b) {
				t.Fatalf("%s, %d samples: %v; want %v", name, n, a, b)
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
