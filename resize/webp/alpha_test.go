package webp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"golang.org/x/image/vp8l"
)

// alphaPlanes are planes that are easy and hard to compress.
func alphaPlanes() map[string]*image.Alpha {
	r := rand.New(rand.NewPCG(1, 2))
	plane := func(w, h int, f func(x, y int) int) *image.Alpha {
		m := image.NewAlpha(image.Rect(0, 0, w, h))
		for y := range h {
			for x := range w {
				m.Pix[y*m.Stride+x] = byte(f(x, y))
			}
		}
		return m
	}
	disc := func(x, y int) int { return max(0, min(255, 20*(60-isqrt((x-70)*(x-70)+(y-60)*(y-60))))) }
	return map[string]*image.Alpha{
		"clear":         plane(50, 40, func(int, int) int { return 0 }),
		"one value":     plane(50, 40, func(int, int) int { return 200 }),
		"one pixel":     plane(1, 1, func(int, int) int { return 7 }),
		"a column":      plane(1, 300, func(_, y int) int { return y / 2 }),
		"a row":         plane(300, 1, func(x, _ int) int { return x / 2 }),
		"two values":    plane(31, 17, func(x, y int) int { return (x + y) % 2 * 255 }),
		"noise":         plane(97, 61, func(int, int) int { return r.IntN(256) }),
		"two of noise":  plane(97, 61, func(int, int) int { return r.IntN(2) * 255 }),
		"slope":         plane(200, 150, func(x, y int) int { return x }),
		"slope down":    plane(200, 150, func(x, y int) int { return y }),
		"slope across":  plane(200, 150, func(x, y int) int { return (x + y) / 2 }),
		"disc":          plane(140, 120, disc),
		"long":          plane(3000, 40, func(x, y int) int { return x / 2900 * 255 }),
		"rare symbols":  plane(300, 300, func(x, y int) int { return int(255 / (1 + 4*r.ExpFloat64())) }),
		"rows repeated": plane(77, 200, func(x, y int) int { return x * (y / 50) * 7 }),
	}
}

func isqrt(n int) int {
	s := 0
	for (s+1)*(s+1) <= n {
		s++
	}
	return s
}

// What the ALPH chunk says is the plane, for another reader of VP8L.
func TestAlphaChunk(t *testing.T) {
	for name, m := range alphaPlanes() {
		size := m.Rect.Size()
		chunk := alphaChunk(m.Pix, m.Stride, size)
		if chunk[0]&3 != 1 || chunk[0]>>4 != 0 {
			t.Errorf("%s: header %#x", name, chunk[0])
		}
		// The chunk has no header of VP8L: size and version stand in the file.
		head := binary.LittleEndian.AppendUint32([]byte{0x2f}, uint32(size.X-1)|uint32(size.Y-1)<<14)
		decoded, err := vp8l.Decode(bytes.NewReader(append(head, chunk[1:]...)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		filter := int(chunk[0] >> 2)
		got := make([]byte, len(m.Pix))
		for y := range size.Y {
			for x := range size.X {
				i := y*m.Stride + x
				got[i] = decoded.At(x, y).(color.NRGBA).G + alphaPrediction(filter, got, m.Stride, x, y)
			}
		}
		if !bytes.Equal(got, m.Pix) {
			t.Errorf("%s, filter %d: another plane", name, filter)
		}
		t.Logf("%s: %d samples, filter %d, %d bytes", name, len(m.Pix), filter, len(chunk))
	}
}

// alphaPrediction is what a filter expects of a sample (RFC 9649, section
// 2.7.1.2). The first row is expected to be like the sample to the left, the
// first column like the one above.
func alphaPrediction(filter int, a []byte, stride, x, y int) byte {
	i := y*stride + x
	switch {
	case filter == alphaPlain || x == 0 && y == 0:
		return 0
	case y == 0 || filter == alphaLeft && x > 0:
		return a[i-1]
	case x == 0 || filter == alphaAbove:
		return a[i-stride]
	}
	return byte(max(0, min(255, int(a[i-1])+int(a[i-stride])-int(a[i-stride-1]))))
}

// A file is no longer than its header can say.
func TestLongestFile(t *testing.T) {
	if err := CheckLength(1<<32 - 14); err != nil {
		t.Error(err)
	}
	if err := CheckLength(1<<32 - 13); !errors.Is(err, ErrLimit) {
		t.Errorf("a WebP of 4 GB: %v", err)
	}
}

func FuzzAlphaChunk(f *testing.F) {
	f.Add([]byte{0, 255, 255, 0, 0, 0, 1, 2}, uint8(3))
	f.Add(bytes.Repeat([]byte{0}, 200), uint8(20))
	f.Fuzz(func(t *testing.T, a []byte, width uint8) {
		w := int(width) + 1
		h := len(a) / w
		if h == 0 {
			return
		}
		size := image.Pt(w, h)
		chunk := alphaChunk(a, w, size)
		head := binary.LittleEndian.AppendUint32([]byte{0x2f}, uint32(w-1)|uint32(h-1)<<14)
		decoded, err := vp8l.Decode(bytes.NewReader(append(head, chunk[1:]...)))
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, w*h)
		for i := range got {
			got[i] = decoded.At(i%w, i/w).(color.NRGBA).G + alphaPrediction(int(chunk[0]>>2), got, w, i%w, i/w)
		}
		if !bytes.Equal(got, a[:w*h]) {
			t.Fatalf("another plane: %v", got)
		}
	})
}

func BenchmarkAlphaChunk(b *testing.B) {
	m := alphaPlanes()["disc"]
	b.SetBytes(int64(len(m.Pix)))
	for b.Loop() {
		alphaChunk(m.Pix, m.Stride, m.Rect.Size())
	}
}
