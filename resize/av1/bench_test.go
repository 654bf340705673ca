package av1

import (
	"fmt"
	"io"
	"testing"
)

func BenchmarkEncode(b *testing.B) {
	for _, effort := range []int{0, 4, 9} {
		b.Run(fmt.Sprintf("effort_%d", effort), func(b *testing.B) {
			b.ReportAllocs()
			pixels := 0
			for b.Loop() {
				for _, m := range photographs(b) {
					size := m.Bounds().Size()
					pixels += size.X * size.Y
					if err := Encode(io.Discard, m, &Options{Effort: effort}); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/(float64(pixels)/1e6), "ms/MP")
		})
	}
}
