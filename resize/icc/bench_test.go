package icc

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkPixels converts a megapixel of colours that walk about, as those of
// photographs do.
func BenchmarkPixels(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	pixels := make([]byte, 4<<20)
	for i := 4; i < len(pixels); i++ {
		pixels[i] = byte(max(0, min(255, int(pixels[i-4])+r.IntN(17)-8)))
	}
	dst := make([]byte, len(pixels))
	for name, profile := range map[string][]byte{
		"matrix":       Numbers(12, 13),
		"tables":       build("RGB ", []tag{{"A2B0", tableTag()}}),
		"inks, tables": inks(9),
	} {
		t, err := New(profile)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(pixels) / 4))
			for b.Loop() {
				t.Pixels(dst, pixels)
			}
		})
	}
}
