package vp8

import (
	"bytes"
	"image"
	"testing"

	gen "github.com/gen2brain/webp"
)

// BenchmarkEncode encodes a picture of noise and edges; BenchmarkLibwebp does the
// same with the compiled C library.
func BenchmarkEncode(b *testing.B) {
	m := noisy(800, 600, 1)
	b.SetBytes(800 * 600)
	for b.Loop() {
		if _, err := Encode(m, Options{Quality: 75, Effort: 2}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLibwebp(b *testing.B) {
	m := noisy(800, 600, 1)
	input := &image.NYCbCrA{YCbCr: *m, A: bytes.Repeat([]byte{255}, 800*600), AStride: 800}
	b.SetBytes(800 * 600)
	for b.Loop() {
		if err := gen.Encode(new(bytes.Buffer), input, gen.Options{Quality: 75, Method: 2}); err != nil {
			b.Fatal(err)
		}
	}
}
