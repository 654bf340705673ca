package main

import (
	"image"
	"image/color"
	"slices"
)

// colorsOf picks n colours for frames: a median cut, then a few rounds in
// which each colour moves to the middle of those it stands for.
func colorsOf(frames []*image.NRGBA, n int) color.Palette {
	count := map[[3]uint8]int{}
	for _, f := range frames {
		for i := 0; i < len(f.Pix); i += 4 {
			count[[3]uint8{f.Pix[i] &^ 3, f.Pix[i+1] &^ 3, f.Pix[i+2] &^ 3}]++
		}
	}
	all := make([]tally, 0, len(count))
	for c, n := range count {
		all = append(all, tally{[3]float64{float64(c[0]) + 1.5, float64(c[1]) + 1.5, float64(c[2]) + 1.5}, float64(n)})
	}
	slices.SortFunc(all, func(a, b tally) int { return slices.Compare(a.c[:], b.c[:]) })

	boxes := [][]tally{all}
	for len(boxes) < n {
		worst, axis, most := 0, 0, 0.0
		for i, b := range boxes {
			if a, s := spread(b); s > most {
				worst, axis, most = i, a, s
			}
		}
		if most == 0 {
			break
		}
		b := boxes[worst]
		slices.SortStableFunc(b, func(x, y tally) int {
			switch d := x.c[axis] - y.c[axis]; {
			case d < 0:
				return -1
			case d > 0:
				return 1
			}
			return 0
		})
		var total, half float64
		for _, t := range b {
			total += t.n
		}
		cut := 0
		for cut < len(b)-1 && half < total/2 {
			half += b[cut].n
			cut++
		}
		cut = max(cut, 1)
		boxes[worst] = b[:cut:cut]
		boxes = append(boxes, b[cut:])
	}
	p := make(color.Palette, len(boxes))
	for i, b := range boxes {
		p[i] = middle(b)
	}
	for range 6 {
		index := nearestIn(p)
		groups := make([][]tally, len(p))
		for _, t := range all {
			i := index(t.c[0], t.c[1], t.c[2])
			groups[i] = append(groups[i], t)
		}
		for i, g := range groups {
			if len(g) > 0 {
				p[i] = middle(g)
			}
		}
	}
	return p
}

// tally is how often a colour occurs.
type tally struct {
	c [3]float64
	n float64
}

func middle(b []tally) color.RGBA {
	var sum [3]float64
	var n float64
	for _, t := range b {
		for k := range sum {
			sum[k] += t.c[k] * t.n
		}
		n += t.n
	}
	return color.RGBA{uint8(sum[0]/n + 0.5), uint8(sum[1]/n + 0.5), uint8(sum[2]/n + 0.5), 255}
}

// spread returns the axis on which b differs most, and its squared error.
func spread(b []tally) (axis int, err float64) {
	for k := range 3 {
		var n, sum, squares float64
		for _, t := range b {
			// Rare colours count too, or highlights would be lost.
			w := min(t.n, 400)
			n += w
			sum += w * t.c[k]
			squares += w * t.c[k] * t.c[k]
		}
		if e := squares - sum*sum/n; e > err+1e-6 {
			axis, err = k, e
		}
	}
	return axis, err
}

// nearestIn returns a function that finds the closest colour of p.
func nearestIn(p color.Palette) func(r, g, b float64) uint8 {
	flat := make([][3]float64, len(p))
	for i, c := range p {
		q := c.(color.RGBA)
		flat[i] = [3]float64{float64(q.R), float64(q.G), float64(q.B)}
	}
	known := map[[3]int16]uint8{}
	return func(r, g, b float64) uint8 {
		key := [3]int16{int16(r), int16(g), int16(b)}
		if i, ok := known[key]; ok {
			return i
		}
		best, least := 0, 1e18
		for i, c := range flat {
			dr, dg, db := float64(key[0])-c[0], float64(key[1])-c[1], float64(key[2])-c[2]
			if d := 2*dr*dr + 4*dg*dg + 3*db*db; d < least {
				best, least = i, d
			}
		}
		known[key] = uint8(best)
		return uint8(best)
	}
}
