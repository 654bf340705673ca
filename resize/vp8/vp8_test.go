package vp8

import (
	"bytes"
	"image"
	"math"
	"math/rand/v2"
	"testing"

	"golang.org/x/image/vp8"
)

// noisy returns a picture of gradients, edges and noise of limited range.
func noisy(w, h int, seed uint64) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	r := rand.New(rand.NewPCG(seed, 0))
	for y := range h {
		for x := range w {
			v := 16 + (x*3+y)%200
			if x/9%2 == y/7%2 {
				v = 220 - v/2
			}
			if x > w/2 {
				v += r.IntN(20)
			}
			m.Y[m.YOffset(x, y)] = byte(min(235, v))
			m.Cb[m.COffset(x, y)] = byte(100 + x/4%60)
			m.Cr[m.COffset(x, y)] = byte(90 + y/3%70 + r.IntN(4))
		}
	}
	return m
}

func decode(t *testing.T, frame []byte) *image.YCbCr {
	t.Helper()
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(frame), len(frame))
	if _, err := d.DecodeFrameHeader(); err != nil {
		t.Fatal(err)
	}
	m, err := d.DecodeFrame()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Without the loop filter a decoder shows exactly what the encoder predicted
// from.
func TestDecoderSeesWhatTheEncoderSaw(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {16, 16}, {17, 33}, {64, 48}, {130, 100}} {
		for _, quality := range []int{0, 20, 50, 75, 90, 100} {
			m := noisy(size.X, size.Y, 1)
			checkSeen(t, m, Options{Quality: quality, Effort: 2})
		}
	}
}

// checkSeen encodes m without the loop filter and compares what a decoder shows
// with what the encoder predicted from.
func checkSeen(t *testing.T, m *image.YCbCr, o Options) {
	t.Helper()
	e := newEncoder(m, o)
	e.analyse()
	for i := range e.segments {
		e.segments[i].filter = 0
	}
	seen := image.NewYCbCr(image.Rect(0, 0, 16*e.width, 16*e.height), image.YCbCrSubsampleRatio420)
	e.encodeInto(seen)
	_, frame := e.frame(maxPartition)
	got := decode(t, frame)
	size := m.Rect.Size()
	if got.Rect.Size() != size {
		t.Fatalf("size %v, %+v: decoded as %v", size, o, got.Rect)
	}
	for y := range size.Y {
		for x := range size.X {
			if a, b := got.YCbCrAt(x, y), seen.YCbCrAt(x, y); a != b {
				t.Fatalf("size %v, %+v: sample at %d, %d is %v; the encoder had %v", size, o, x, y, a, b)
			}
		}
	}
}

// Planes that are cut out of larger ones, with sides that are no multiple of a
// macroblock's.
func TestPartOfAPicture(t *testing.T) {
	whole := noisy(100, 80, 3)
	part := whole.SubImage(image.Rect(10, 6, 73, 51)).(*image.YCbCr)
	alone := image.NewYCbCr(image.Rect(0, 0, 63, 45), image.YCbCrSubsampleRatio420)
	for y := range 45 {
		for x := range 63 {
			c := part.YCbCrAt(10+x, 6+y)
			alone.Y[alone.YOffset(x, y)], alone.Cb[alone.COffset(x, y)], alone.Cr[alone.COffset(x, y)] = c.Y, c.Cb, c.Cr
		}
	}
	a, err := Encode(part, Options{Quality: 80, Effort: 2})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Encode(alone, Options{Quality: 80, Effort: 2})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("a part of a picture gives other bytes than the same samples alone")
	}
}

// What is decoded is near what was encoded: the nearer, the higher the quality,
// and with more effort there are no more bytes.
func TestQualityAndEffort(t *testing.T) {
	m := noisy(160, 128, 4)
	before := 0.0
	for _, quality := range []int{0, 25, 50, 75, 90, 100} {
		frame, err := Encode(m, Options{Quality: quality, Effort: 2})
		if err != nil {
			t.Fatal(err)
		}
		p := psnr(m, decode(t, frame))
		if p <= before {
			t.Errorf("quality %d has a PSNR of %.2f dB; want more than %.2f", quality, p, before)
		}
		before = p
	}
	if before < 46 {
		t.Errorf("quality 100 has a PSNR of %.2f dB; want 46", before)
	}
	var sizes []int
	for effort := range 7 {
		frame, err := Encode(m, Options{Quality: 60, Effort: effort})
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(frame))
	}
	if sizes[6] > sizes[2] || sizes[2] > sizes[0] {
		t.Errorf("bytes by effort: %v; want fewer", sizes)
	}
}

func psnr(a, b *image.YCbCr) float64 {
	sum := 0.0
	for y := range a.Rect.Dy() {
		for x := range a.Rect.Dx() {
			d := float64(a.Y[a.YOffset(x, y)]) - float64(b.Y[b.YOffset(x, y)])
			sum += d * d
		}
	}
	return 10 * math.Log10(255*255*float64(a.Rect.Dx()*a.Rect.Dy())/sum)
}

// A picture of one colour stays that colour, at every quality.
func TestPlainColours(t *testing.T) {
	for _, c := range [][3]byte{{16, 128, 128}, {235, 128, 128}, {81, 90, 240}, {0, 0, 0}, {255, 255, 255}} {
		m := image.NewYCbCr(image.Rect(0, 0, 40, 40), image.YCbCrSubsampleRatio420)
		for p, plane := range [][]byte{m.Y, m.Cb, m.Cr} {
			for i := range plane {
				plane[i] = c[p]
			}
		}
		for _, quality := range []int{50, 75, 100} {
			frame, err := Encode(m, Options{Quality: quality, Effort: 2})
			if err != nil {
				t.Fatal(err)
			}
			got := decode(t, frame)
			for _, at := range []image.Point{{0, 0}, {20, 20}, {39, 39}} {
				v := got.YCbCrAt(at.X, at.Y)
				if abs(int(v.Y)-int(c[0])) > 2 || abs(int(v.Cb)-int(c[1])) > 3 || abs(int(v.Cr)-int(c[2])) > 3 {
					t.Errorf("quality %d: %v became %v at %v", quality, c, v, at)
				}
			}
		}
	}
}

func abs(v int) int { return max(v, -v) }

func TestSizes(t *testing.T) {
	for _, size := range []image.Point{{0, 5}, {5, 0}, {MaxSide + 1, 1}, {1, MaxSide + 1}} {
		if _, err := Encode(image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420), Options{}); err != ErrSize {
			t.Errorf("size %v: %v; want ErrSize", size, err)
		}
	}
	for _, size := range []image.Point{{MaxSide, 1}, {1, MaxSide}} {
		frame, err := Encode(noisy(size.X, size.Y, 5), Options{Quality: 50, Effort: 1})
		if err != nil {
			t.Fatal(err)
		}
		if got := decode(t, frame).Rect.Size(); got != size {
			t.Errorf("size %v was decoded as %v", size, got)
		}
	}
}

// FuzzEncode: whatever the samples, kernels and plain Go give the same frame, and
// a decoder shows what the encoder saw.
func FuzzEncode(f *testing.F) {
	f.Add([]byte{0, 255, 3, 9}, uint8(20), uint8(17), uint8(75), uint8(2))
	f.Add(bytes.Repeat([]byte{255, 0}, 100), uint8(33), uint8(1), uint8(100), uint8(6))
	f.Add([]byte("rows of text"), uint8(60), uint8(50), uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, w, h, quality, effort uint8) {
		m := image.NewYCbCr(image.Rect(0, 0, 1+int(w%80), 1+int(h%80)), image.YCbCrSubsampleRatio420)
		n := 0
		for _, plane := range [][]byte{m.Y, m.Cb, m.Cr} {
			for i := range plane {
				if len(data) > 0 {
					plane[i] = data[n%len(data)] + byte(n/len(data))
					n++
				}
			}
		}
		o := Options{Quality: int(quality), Effort: int(effort)}
		frame, err := Encode(m, o)
		if err != nil {
			t.Fatal(err)
		}
		o.generic = true
		plain, err := Encode(m, o)
		if err != nil || !bytes.Equal(frame, plain) {
			t.Fatalf("kernels give other bytes than plain Go (%v)", err)
		}
		checkSeen(t, m, o)
	})
}
