package scale

import (
	"bytes"
	"image"
	"math/rand/v2"
	"testing"
)

// Rows that come one by one give what the whole picture gives, wherever its
// first transparent pixel lies.
func TestPixels(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const w, h = 83, 61
	for _, from := range []Rect{{0, 0, w, h}, {3.25, 4, 70.5, 41}, {20, 30, 9, 11}} {
		for _, size := range []image.Point{{1, 1}, {9, 11}, {40, 30}, {83, 61}, {120, 200}} {
			for _, transparent := range []int{-1, 0, 1, 29, 33, 40, 60} { // the row of it
				src := image.NewNRGBA(image.Rect(0, 0, w, h))
				for i := range src.Pix {
					src.Pix[i] = byte(rng.Uint32())
					if y := i / src.Stride; i%4 == 3 && (transparent < 0 || y < transparent) {
						src.Pix[i] = 255
					}
				}
				want := Image(src, from, size, Options{}).(*image.NRGBA)
				got := image.NewNRGBA(image.Rectangle{Max: size})
				p := NewPixels(got, Axis{Len: w, Offset: from.X, Span: from.W, N: size.X}, Axis{Len: h, Offset: from.Y, Span: from.H, N: size.Y}, Options{})
				first, end := p.c.s[0].Rows()
				for y := range h {
					if y < first || y >= end {
						p.Push(nil)
						continue
					}
					if p.Done() {
						t.Fatalf("done before row %d of %d", y, end)
					}
					p.Push(src.Pix[y*src.Stride:][:src.Stride])
				}
				if !p.Done() {
					t.Fatal("not done")
				}
				p.Close()
				if !bytes.Equal(got.Pix, want.Pix) {
					t.Errorf("%v to %v, transparent from row %d on: other pixels", from, size, transparent)
				}
			}
		}
	}
}

func TestAllOpaque(t *testing.T) {
	for n := range 30 {
		alpha := bytes.Repeat([]byte{255}, n)
		if !allOpaque(alpha) {
			t.Errorf("%d samples of 255 are not opaque", n)
		}
		for i := range alpha {
			alpha[i] = 254
			if allOpaque(alpha) {
				t.Errorf("sample %d of %d is 254, and all are opaque", i, n)
			}
			alpha[i] = 255
		}
	}
}
