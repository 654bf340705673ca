package vp8

import (
	"bytes"
	"image"
	"testing"

	gen "github.com/gen2brain/webp"
	"golang.org/x/image/vp8"
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

// BenchmarkDecode decodes what BenchmarkEncode writes, in rows; BenchmarkDecodeXImage
// does it by golang.org/x/image/vp8.
func BenchmarkDecode(b *testing.B) {
	frame, err := Encode(noisy(800, 600, 1), Options{Quality: 75, Effort: 2})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(800 * 600)
	b.ReportAllocs()
	for b.Loop() {
		if err := DecodeRows(frame, nil, func(*image.YCbCr) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeXImage(b *testing.B) {
	frame, err := Encode(noisy(800, 600, 1), Options{Quality: 75, Effort: 2})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(800 * 600)
	b.ReportAllocs()
	for b.Loop() {
		d := vp8.NewDecoder()
		d.Init(bytes.NewReader(frame), len(frame))
		if _, err := d.DecodeFrameHeader(); err != nil {
			b.Fatal(err)
		}
		if _, err := d.DecodeFrame(); err != nil {
			b.Fatal(err)
		}
	}
}
