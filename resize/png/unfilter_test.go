package png

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Samples of 16 bits become the nearest ones of 8.
func TestNarrow16(t *testing.T) {
	for v := range 1 << 16 {
		if got, want := narrow16([]byte{byte(v >> 8), byte(v)}), byte((v*255+32767)/65535); got != want {
			t.Fatalf("%d becomes %d; want %d", v, got, want)
		}
	}
}

// The fast ways through a row give what the plain one does: rows of all lengths,
// noisy and flat, of every filter.
func TestUnfilter(t *testing.T) {
	plain := func(row, above []byte, bpp int) {
		at := func(b []byte, i int) int {
			if i < 0 {
				return 0
			}
			return int(b[1+i])
		}
		for i := range len(row) - 1 {
			left, up, corner := at(row, i-bpp), at(above, i), at(above, i-bpp)
			var like int
			switch row[0] {
			case 1:
				like = left
			case 2:
				like = up
			case 3:
				like = (left + up) / 2
			case 4:
				p := left + up - corner
				switch a, b, c := max(p-left, left-p), max(p-up, up-p), max(p-corner, corner-p); {
				case a <= b && a <= c:
					like = left
				case b <= c:
					like = up
				default:
					like = corner
				}
			}
			row[1+i] += byte(like)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for _, bpp := range []int{1, 2, 3, 4, 6, 8} {
		for pixels := range 70 {
			for filter := range byte(5) {
				for _, noise := range []int{1, 2, 256} { // one in so many bytes is another one
					row, above := make([]byte, 1+bpp*pixels), make([]byte, 1+bpp*pixels)
					for i := range row[1:] {
						above[1+i] = byte(40 * (i % bpp))
						if noise == 256 || noise == 2 && r.IntN(40) == 0 {
							row[1+i], above[1+i] = byte(r.IntN(256)), byte(r.IntN(256))
						}
					}
					row[0] = filter
					want := bytes.Clone(row)
					plain(want, above, bpp)
					if !unfilter(row, above, bpp) || !bytes.Equal(row, want) {
						t.Fatalf("filter %d, %d pixels of %d bytes, noise %d: %v; want %v", filter, pixels, bpp, noise, row, want)
					}
				}
			}
		}
	}
}
