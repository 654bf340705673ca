package scale

import (
	"bytes"
	"image/color"
	"math/rand/v2"
	"slices"
	"testing"
)

func randomKernels(r *rand.Rand, n, taps, length int) *kernels {
	k := &kernels{n: n, len: length, taps: taps, reach: length}
	k.start = make([]int32, (n+hgroup-1)/hgroup*hgroup)
	for i := range k.start {
		k.start[i] = int32(r.IntN(length - taps + 1))
	}
	k.weights = make([]int16, len(k.start)*taps)
	for i := range k.weights {
		k.weights[i] = int16(r.Uint32()) >> r.IntN(16)
	}
	return k
}

func checkHrow(t *testing.T, r *rand.Rand, n, taps, off int) {
	length := taps + r.IntN(100)
	k := randomKernels(r, n, taps, length)
	src := make([]byte, off+length)
	for i := range src {
		src[i] = byte(r.Uint32())
	}
	src = src[off:]
	m := len(k.start)
	want, got := make([]int16, m+32), make([]int16, off+m+32)
	for i := range got {
		got[i] = 0x5a5a
	}
	hrowGeneric(want, src, k)
	hrowAsm(&got[off], &src[0], &k.start[0], &k.weights[0], k.taps, m/hgroup)
	if !slices.Equal(got[off:][:n], want[:n]) {
		t.Fatalf("hrow n=%d taps=%d offset %d: assembly and Go differ", n, taps, off)
	}
	for i, v := range got {
		if (i < off || i >= off+m) && v != 0x5a5a {
			t.Fatalf("hrow n=%d taps=%d offset %d: writes behind dst", n, taps, off)
		}
	}
}

func checkVrow(t *testing.T, r *rand.Rand, n, taps, off int) {
	stride := (n+15)&^15 + 16*r.IntN(3)
	ring := make([]int16, off+taps*stride)
	for i := range ring {
		ring[i] = int16(r.Uint32()) >> r.IntN(3)
	}
	ring = ring[off:]
	w := make([]int16, taps)
	for i := range w {
		w[i] = int16(r.Uint32()) >> r.IntN(16)
	}
	want := bytes.Repeat([]byte{0xa5}, off+n+64)
	got := slices.Clone(want)
	vrowGeneric(want[off:][:n], ring, stride, w)
	vrow(got[off:][:n], ring, stride, w)
	if !bytes.Equal(got, want) {
		t.Fatalf("vrow n=%d taps=%d offset %d: assembly and Go differ, or canary lost", n, taps, off)
	}
}

func checkYCbCrRow(t *testing.T, r *rand.Rand, n, off int) {
	var in [3][]byte
	for i := range in {
		in[i] = make([]byte, off+n)
		for j := range in[i] {
			in[i][j] = byte(r.Uint32())
		}
		in[i] = in[i][off:]
	}
	want := bytes.Repeat([]byte{0xa5}, off+4*n+64)
	got := slices.Clone(want)
	ycbcrRowGeneric(want[off:][:4*n], in[0], in[1], in[2])
	YCbCrRow(got[off:][:4*n], in[0], in[1], in[2])
	if !bytes.Equal(got, want) {
		t.Fatalf("ycbcrRow n=%d offset %d: assembly and Go differ, or canary lost", n, off)
	}
}

func checkSplitRow(t *testing.T, r *rand.Rand, n, off int) {
	src := make([]byte, off+4*n)
	for i := range src {
		src[i] = byte(r.Uint32()) | byte(r.IntN(2)*255)
	}
	src = src[off:]
	var got, want [4][]byte
	for _, f := range []func(p func(i int) []byte, generic bool){
		func(p func(i int) []byte, generic bool) {
			if generic {
				splitRowGeneric(p(0), p(1), p(2), p(3), src)
			} else {
				splitRow(p(0), p(1), p(2), p(3), src)
			}
		},
		func(p func(i int) []byte, generic bool) {
			if generic {
				premultiplyRowGeneric(p(0), p(1), p(2), p(3), src)
			} else {
				premultiplyRow(p(0), p(1), p(2), p(3), src)
			}
		},
	} {
		for i, to := range []*[4][]byte{&got, &want} {
			for j := range to {
				to[j] = bytes.Repeat([]byte{0xa5}, off+n+40)
			}
			f(func(j int) []byte { return to[j][off:][:n] }, i == 1)
		}
		for j := range got {
			if !bytes.Equal(got[j], want[j]) {
				t.Fatalf("split n=%d offset %d: channel %d: assembly and Go differ, or canary lost", n, off, j)
			}
		}
	}
}

func TestRows(t *testing.T) {
	if !useAsm {
		t.Skip("no assembly in this build, or none for this CPU")
	}
	r := rand.New(rand.NewPCG(2, 3))
	for n := 1; n < 100; n++ {
		for _, taps := range []int{hpad, 2 * hpad, 3 * hpad, 5 * hpad, 10 * hpad} {
			checkHrow(t, r, n, taps, r.IntN(17))
		}
		for _, taps := range []int{2, 4, 6, 20, 34} {
			checkVrow(t, r, n, taps, r.IntN(17))
		}
		checkYCbCrRow(t, r, n, r.IntN(17))
		checkSplitRow(t, r, n, r.IntN(17))
	}
}

func FuzzRows(f *testing.F) {
	f.Add(uint64(1), uint16(33), uint8(2), uint8(3))
	f.Add(uint64(9), uint16(1), uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, taps, off uint8) {
		if !useAsm {
			t.Skip("no assembly here")
		}
		r := rand.New(rand.NewPCG(seed, 7))
		w := int(n)%2000 + 1
		checkHrow(t, r, w, (int(taps)%20+1)*hpad, int(off)%33)
		checkVrow(t, r, w, (int(taps)+1)*2, int(off)%33)
		checkYCbCrRow(t, r, w, int(off)%33)
		checkSplitRow(t, r, w, int(off)%33)
	})
}

// FuzzScale compares any geometry with the float64 reference.
func FuzzScale(f *testing.F) {
	f.Add(uint64(1), uint8(40), uint8(30), uint8(13), uint8(70), 0.0, 1.0, 0.25, 0.5, uint8(0))
	f.Add(uint64(2), uint8(1), uint8(1), uint8(1), uint8(1), 0.5, 0.1, 0.0, 1.0, uint8(1))
	f.Add(uint64(3), uint8(200), uint8(3), uint8(7), uint8(1), 0.9, 0.3, 0.0, 1.0, uint8(6))
	f.Add(uint64(2), uint8(10), uint8(1), uint8(1), uint8(1), 0.5, 0.1, 0.0, 1.0, uint8(1))
	f.Fuzz(func(t *testing.T, seed uint64, w, h, dw, dh uint8, x, sx, y, sy float64, opt uint8) {
		in := func(v float64) bool { return v >= 0 && v <= 1 }
		if w == 0 || h == 0 || dw == 0 || dh == 0 || !in(x) || !in(sx) || !in(y) || !in(sy) || sx < 1e-6 || sy < 1e-6 {
			t.Skip("not a geometry")
		}
		hx := Axis{Len: int(w), Offset: x * float64(w), Span: sx * float64(w), N: int(dw)}
		vx := Axis{Len: int(h), Offset: y * float64(h), Span: sy * float64(h), N: int(dh)}
		o := Options{Filter: Filter(opt % 3), Undroop: opt >> 2 % 3}
		r := rand.New(rand.NewPCG(seed, 5))
		src := make([]byte, int(w)*int(h))
		for i := range src {
			src[i] = byte(r.Uint32())
		}
		got := scaled(src, int(w), hx, vx, o)
		want := reference(src, int(w), hx, vx, o)
		if worst, _ := compare(got, want); worst > 1 {
			t.Fatalf("%+v %+v %+v: worst error %v levels; want at most 1", hx, vx, o, worst)
		}
		both(t, func() []byte { return scaled(src, int(w), hx, vx, o) }, "fuzzed geometry")
	})
}

// Every colour converts as package image/color has it.
func TestYCbCrRowColours(t *testing.T) {
	y, cb, cr := make([]byte, 256), make([]byte, 256), make([]byte, 256)
	dst := make([]byte, 4*256)
	for u := 0; u < 256; u += 5 {
		for v := 0; v < 256; v += 3 {
			for i := range y {
				y[i], cb[i], cr[i] = byte(i), byte(u), byte(v)
			}
			YCbCrRow(dst, y, cb, cr)
			for i := range y {
				r, g, b := color.YCbCrToRGB(byte(i), byte(u), byte(v))
				if want := [4]byte{r, g, b, 255}; [4]byte(dst[4*i:]) != want {
					t.Fatalf("YCbCr %d %d %d = %v; want %v", i, u, v, dst[4*i:][:4], want)
				}
			}
		}
	}
}
