package scale

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// reference is the same reduction in float64, a sample at a time, with the
// kernel's formula taken literally.
func reference(src []byte, stride int, h, v Axis, o Options) []float64 {
	wh, wv := referenceWeights(h, o), referenceWeights(v, o)
	tmp := make([]float64, h.N*v.Len)
	for y := range v.Len {
		for x, w := range wh {
			for p, f := range w {
				tmp[y*h.N+x] += f * float64(src[y*stride+p])
			}
		}
	}
	out := make([]float64, h.N*v.N)
	for y, w := range wv {
		for p, f := range w {
			for x := range h.N {
				out[y*h.N+x] += f * tmp[p*h.N+x]
			}
		}
	}
	for i, f := range out {
		out[i] = min(max(f, 0), 255)
	}
	return out
}

func referenceWeights(a Axis, o Options) []map[int]float64 {
	all := make([]map[int]float64, a.N)
	r := a.Span / float64(a.N)
	for i := range all {
		c := min(max(a.Offset+(float64(i)+0.5)*r, 0), float64(a.Len))
		w := map[int]float64{}
		sum := 0.0
		for p := range a.Len {
			var f float64
			switch d := (float64(p) + 0.5 - c) / max(r, 1); o.Filter {
			case Lanczos3:
				f = lanczos3(d)
			case CatmullRom:
				f = catmullRom(d)
			case Triangle:
				f = triangle(d)
			case Box:
				f = max(0, min(c+r/2, float64(p+1))-max(c-r/2, float64(p)))
			}
			if f == 0 {
				continue
			}
			sum += f
			if o.Undroop == 0 {
				w[p] += f
				continue
			}
			droop := droops[o.Undroop]
			w[p] += f * (1 + 2*droop)
			w[max(p-1, 0)] -= f * droop
			w[min(p+1, a.Len-1)] -= f * droop
		}
		for p := range w {
			w[p] /= sum
		}
		all[i] = w
	}
	return all
}

func scaled(src []byte, stride int, h, v Axis, o Options) []byte {
	dst := make([]byte, h.N*v.N)
	Plane(dst, h.N, src, stride, h, v, o)
	return dst
}

// compare returns the greatest difference and the PSNR in dB.
func compare(got []byte, want []float64) (worst, psnr float64) {
	se := 0.0
	for i, w := range want {
		d := math.Abs(float64(got[i]) - math.Round(w))
		worst = max(worst, d)
		se += d * d
	}
	return worst, 10 * math.Log10(255*255*float64(len(want))/(se+1e-9))
}

// scene returns a picture with slopes, edges, texture and noise.
func scene(w, h int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(w)<<32|uint64(h)))
	p := make([]byte, w*h)
	for y := range h {
		for x := range w {
			v := 128 + 60*math.Sin(float64(x)/9)*math.Cos(float64(y)/13) + 20*math.Sin(float64(x*y)/300)
			if (x/37+y/23)%3 == 0 {
				v += 50
			}
			v += r.NormFloat64() * 6
			p[y*w+x] = byte(min(max(v, 0), 255))
		}
	}
	return p
}

func TestPlane(t *testing.T) {
	type size struct{ w, h int }
	tests := []struct {
		name string
		src  size
		h, v Axis
	}{
		{"shrinks a little", size{200, 150}, Whole(200, 180), Whole(150, 131)},
		{"shrinks", size{400, 300}, Whole(400, 120), Whole(300, 90)},
		{"shrinks much", size{900, 700}, Whole(900, 31), Whole(700, 17)},
		{"enlarges", size{40, 30}, Whole(40, 163), Whole(30, 111)},
		{"enlarges across, shrinks down", size{40, 300}, Whole(40, 100), Whole(300, 41)},
		{"crop at a fraction", size{300, 200}, Axis{Len: 300, Offset: 33.3, Span: 150.25, N: 77}, Axis{Len: 200, Offset: 0.4, Span: 99.9, N: 51}},
		{"crop at the far edges", size{300, 200}, Axis{Len: 300, Offset: 200, Span: 100, N: 33}, Axis{Len: 200, Offset: 150.5, Span: 49.5, N: 33}},
		{"chroma of an odd picture", size{101, 76}, Axis{Len: 101, Offset: 0, Span: 100.5, N: 34}, Axis{Len: 76, Offset: 0, Span: 75.5 * 52 / 51, N: 26}},
		{"same size", size{64, 48}, Whole(64, 64), Whole(48, 48)},
		{"a part at its own size", size{64, 48}, Axis{Len: 64, Offset: 5, Span: 40, N: 40}, Axis{Len: 48, Offset: 47, Span: 1, N: 1}},
		{"a sample of a short row", size{10, 3}, Axis{Len: 10, Offset: 5, Span: 1, N: 1}, Axis{Len: 3, Offset: 1, Span: 2, N: 2}},
		{"one sample", size{1, 1}, Whole(1, 1), Whole(1, 1)},
		{"one sample enlarged", size{1, 1}, Whole(1, 40), Whole(1, 7)},
		{"to one sample", size{333, 222}, Whole(333, 1), Whole(222, 1)},
		{"one row", size{500, 1}, Whole(500, 99), Whole(1, 1)},
		{"one column", size{1, 500}, Whole(1, 1), Whole(500, 99)},
	}
	for _, tt := range tests {
		for _, o := range []Options{{}, {Filter: CatmullRom}, {Filter: Box}, {Filter: Triangle}, {Undroop: 1}, {Undroop: 2}} {
			src := scene(tt.src.w, tt.src.h)
			got := scaled(src, tt.src.w, tt.h, tt.v, o)
			want := reference(src, tt.src.w, tt.h, tt.v, o)
			worst, psnr := compare(got, want)
			floor := 70.0
			if o.Filter == Box || o.Filter == Triangle {
				floor = 68 // its weights are simple fractions: many results lie half way
			}
			if worst > 1 || psnr < floor && len(want) > 400 {
				t.Errorf("%s, %+v: worst error %v levels, PSNR %.1f dB; want at most 1, at least %v", tt.name, o, worst, psnr, floor)
			}
			both(t, func() []byte { return scaled(src, tt.src.w, tt.h, tt.v, o) }, fmt.Sprint(tt.name, o))
		}
	}
}

// both checks that f gives the same bytes with and without assembly.
func both(t *testing.T, f func() []byte, name string) {
	t.Helper()
	if !useAsm {
		return
	}
	a := f()
	useAsm = false
	b := f()
	useAsm = true
	if !bytes.Equal(a, b) {
		t.Errorf("%s: assembly and Go differ", name)
	}
}

func TestFlatStaysFlat(t *testing.T) {
	for _, v := range []byte{0, 1, 127, 128, 254, 255} {
		src := bytes.Repeat([]byte{v}, 97*61)
		for _, f := range []Filter{Lanczos3, CatmullRom, Box, Triangle} {
			for _, n := range []int{1, 2, 9, 33, 60, 61, 97, 200} {
				for u := range uint8(len(droops)) {
					got := scaled(src, 97, Axis{Len: 97, Offset: 0.3, Span: 96.1, N: n}, Axis{Len: 61, Offset: 0, Span: 61, N: n}, Options{Filter: f, Undroop: u})
					for i, g := range got {
						if g != v {
							t.Fatalf("%v to %d: sample %d = %d; want %d", f, n, i, g, v)
						}
					}
				}
			}
		}
	}
}

func TestSameSizeCopies(t *testing.T) {
	src := scene(75, 44)
	for _, f := range []Filter{Lanczos3, CatmullRom, Box, Triangle} {
		got := make([]byte, 75*44)
		s := NewScaler(got, 75, Whole(75, 75), Whole(44, 44), Options{Filter: f})
		if !s.h.unit || !s.v.unit {
			t.Errorf("%v: same size is not seen to be a copy", f)
		}
		for y := range 44 {
			s.Push(src[y*75:][:75])
		}
		s.Close()
		if !bytes.Equal(got, src) || !bytes.Equal(scaled(src, 75, Whole(75, 75), Whole(44, 44), Options{Filter: f}), src) {
			t.Errorf("%v: same size changes samples", f)
		}
	}
}

func TestScalerStreams(t *testing.T) {
	const w, h = 120, 400
	src := scene(w, h)
	hx, vx := Axis{Len: w, Offset: 10, Span: 100, N: 37}, Axis{Len: h, Offset: 150.5, Span: 100, N: 29}
	want := scaled(src, w, hx, vx, Options{})
	got := make([]byte, 37*29)
	s := NewScaler(got, 37, hx, vx, Options{})
	defer s.Close()
	first, end := s.Rows()
	if first < 130 || first > 150 || end > 270 || end < 251 {
		t.Errorf("Rows() = %d, %d; want just around [150, 251)", first, end)
	}
	if a, b := s.Columns(); a > 10 || b < 110 {
		t.Errorf("Columns() = %d, %d; want [10, 110) inside", a, b)
	}
	row := make([]byte, w)
	for y := range h {
		switch {
		case y < first || y >= end:
			s.Push(nil)
		default:
			copy(row, src[y*w:])
			s.Push(row)
			clear(row) // it must not be kept
		}
		if done := y >= end-1; s.Done() != done {
			t.Fatalf("after row %d: Done() = %v; want %v", y, s.Done(), done)
		}
	}
	if !bytes.Equal(got, want) {
		t.Error("row by row differs from the whole plane")
	}
}

func TestSkipRefusesNeededRows(t *testing.T) {
	s := NewScaler(make([]byte, 100), 10, Whole(10, 10), Axis{Len: 100, Offset: 50, Span: 10, N: 10}, Options{})
	first, _ := s.Rows()
	s.Skip(first)
	defer func() {
		if recover() == nil {
			t.Error("Skip of a needed row didn't panic")
		}
	}()
	s.Skip(1)
}

func TestStrideBytesAreKept(t *testing.T) {
	const stride = 50
	dst := bytes.Repeat([]byte{0xa5}, stride*20)
	src := scene(90, 60)
	for n := 1; n < 40; n++ {
		for i := range dst {
			dst[i] = 0xa5
		}
		Plane(dst[3:], stride, src, 90, Whole(90, n), Whole(60, 19), Options{})
		for i, b := range dst {
			in := i >= 3 && (i-3)%stride < n && (i-3)/stride < 19
			if !in && b != 0xa5 {
				t.Fatalf("width %d: byte %d outside of the result was written", n, i)
			}
		}
	}
}

func TestScalerAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations not counted: the race detector makes pools forget")
	}
	src := scene(300, 200)
	dst := make([]byte, 100*67)
	n := testing.AllocsPerRun(20, func() {
		Plane(dst, 100, src, 300, Whole(300, 100), Whole(200, 67), Options{})
	})
	if n > 0.5 {
		t.Errorf("resampling a plane allocates %v times; want 0", n)
	}
}

func TestCacheIsBounded(t *testing.T) {
	var c axisCache
	for i := range 2000 {
		c.get(axisKey{Whole(3000, 100+i), Lanczos3, 0, hpad})
	}
	sum := 0
	for _, k := range c.m {
		sum += k.bytes()
	}
	if len(c.m) > cacheEntries || c.bytes > cacheBytes || sum != c.bytes {
		t.Errorf("%d entries, %d bytes (counted %d); want at most %d, %d", len(c.m), c.bytes, sum, cacheEntries, cacheBytes)
	}
	c.get(axisKey{Whole(65000, 65000), Lanczos3, 0, 64})
	if _, ok := c.m[axisKey{Whole(65000, 65000), Lanczos3, 0, 64}]; ok {
		t.Error("an entry beyond the limit is kept")
	}
}

// Undoing the droop must bring the reduction of what a JPEG has at 1/8 and 2/8
// nearer to that of the picture itself.
func TestUndroop(t *testing.T) {
	const w, h = 1600, 800
	src := scene(w, h)
	for _, tt := range []struct {
		undroop uint8
		n       int // the side of what is averaged
		w, h    int // of the result
		better  float64
	}{{1, 8, 120, 60, 0.5}, {2, 4, 240, 120, 0.3}} {
		n := tt.n
		small := make([]byte, w/n*h/n)
		for i := range small {
			sum := 0
			for j := range n * n {
				sum += int(src[(i/(w/n)*n+j/n)*w+i%(w/n)*n+j%n])
			}
			small[i] = byte((sum + n*n/2) / (n * n))
		}
		want := reference(src, w, Whole(w, tt.w), Whole(h, tt.h), Options{})
		to := func(o Options) float64 {
			_, psnr := compare(scaled(small, w/n, Whole(w/n, tt.w), Whole(h/n, tt.h), o), want)
			return psnr
		}
		if plain, sharp := to(Options{}), to(Options{Undroop: tt.undroop}); sharp < plain+tt.better {
			t.Errorf("of 1/%d: PSNR %.2f dB without, %.2f dB with; want %v more", n, plain, sharp, tt.better)
		}
	}
}

// However wide the kernel, rounding of its weights must not add up.
func TestWideKernels(t *testing.T) {
	for _, n := range []int{1, 3, 20} {
		src := scene(60000, 1)
		h := Whole(60000, n)
		if worst, _ := compare(scaled(src, 60000, h, Whole(1, 1), Options{}), reference(src, 60000, h, Whole(1, 1), Options{})); worst > 1 {
			t.Errorf("60000 to %d: worst error %v levels; want at most 1", n, worst)
		}
	}
}
