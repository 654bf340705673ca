package look

import (
	"image"
	"math"
	"slices"

	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

// PerceptualHash returns 64 bits that are mostly equal for pictures that look
// alike: whether each of the lowest 8 by 8 frequencies of the luma, scaled to
// 32 by 32, is above their median (Zauner, 2010, section 3.2.1). The bit of the
// lowest one comes first.
func PerceptualHash(m *image.NRGBA) uint64 {
	const side, low = 32, 8
	size := m.Rect.Size()
	small := scale.Image(m, scale.Rect{W: float64(size.X), H: float64(size.Y)}, image.Pt(side, side), scale.Options{})
	luma := Luma(pixel.Normalize(small))
	var cos [low][side]float64
	for u := range low {
		for x := range side {
			cos[u][x] = math.Cos(math.Pi * float64(u) * (2*float64(x) + 1) / (2 * side))
		}
	}
	var rows [side][low]float64
	for y := range side {
		for u := range low {
			for x := range side {
				rows[y][u] += float64(float64(luma.Pix[y*luma.Stride+x]) * cos[u][x])
			}
		}
	}
	var f [low * low]float64
	for v := range low {
		for u := range low {
			for y := range side {
				f[v*low+u] += float64(rows[y][u] * cos[v][y])
			}
		}
	}
	sorted := slices.Clone(f[1:]) // without the mean
	slices.Sort(sorted)
	median := sorted[len(sorted)/2]
	var hash uint64
	for _, v := range f {
		hash <<= 1
		if v > median {
			hash |= 1
		}
	}
	return hash
}
