package palette

import (
	"image"
	"image/color"
	"math"
	"slices"
)

// QuantizeAlpha is quantize for a format whose colours may be translucent. It
// works on premultiplied samples, so that colours count as much as they show.
func QuantizeAlpha(m *image.NRGBA, n int) *image.Paletted {
	if hasBinaryAlpha(m) {
		return Quantize(m, n)
	}
	colors := premultipliedHistogram(m)
	groups := splitColors(colors, n)
	palette := make(color.Palette, len(groups))
	points := make([][4]int, len(groups))
	for i, g := range groups {
		points[i] = meanPoint(g)
		palette[i] = straight(points[i])
	}
	out := image.NewPaletted(m.Rect, palette)
	ditherAlpha(out, m, points)
	return out
}

func hasBinaryAlpha(m *image.NRGBA) bool {
	for i := 3; i < len(m.Pix); i += 4 {
		if a := m.Pix[i]; a != 0 && a != 255 {
			return false
		}
	}
	return true
}

// premultiplied returns the samples of a pixel times its alpha.
func premultiplied(p []byte) [4]int {
	a := int(p[3])
	return [4]int{(int(p[0])*a + 127) / 255, (int(p[1])*a + 127) / 255, (int(p[2])*a + 127) / 255, a}
}

// straight returns the colour of premultiplied samples.
func straight(c [4]int) color.NRGBA {
	if c[3] == 0 {
		return color.NRGBA{}
	}
	channel := func(v int) uint8 { return uint8(min(255, (v*255+c[3]/2)/c[3])) }
	return color.NRGBA{channel(c[0]), channel(c[1]), channel(c[2]), uint8(c[3])}
}

// A bin4 counts the pixels whose samples have the same 5 upper bits, 4 of alpha.
type bin4 struct {
	sum   [4]uint64
	count uint64
}

func bin4Of(c [4]int) int { return c[3]>>4<<15 | c[0]>>3<<10 | c[1]>>3<<5 | c[2]>>3 }

func premultipliedHistogram(m *image.NRGBA) []bin4 {
	bins := map[int]*bin4{}
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride:][:4*m.Rect.Dx()]
		for i := 0; i < len(row); i += 4 {
			c := premultiplied(row[i:])
			b := bins[bin4Of(c)]
			if b == nil {
				b = &bin4{}
				bins[bin4Of(c)] = b
			}
			b.count++
			for j, v := range c {
				b.sum[j] += uint64(v)
			}
		}
	}
	places := make([]int, 0, len(bins))
	for place := range bins {
		places = append(places, place)
	}
	slices.Sort(places) // the same order every time
	list := make([]bin4, len(places))
	for i, place := range places {
		list[i] = *bins[place]
	}
	return list
}

// splitColors splits the bins into at most n groups, as MedianCut does.
func splitColors(bins []bin4, n int) [][]bin4 {
	groups := [][]bin4{bins}
	type spread struct {
		axis        int
		mean, error float64
	}
	spreadOf := func(g []bin4) (s spread) {
		weights := [4]float64{0.5, 1, 0.25, 1}
		for j := range weights {
			var count, sum, squares float64
			for _, b := range g {
				v, c := float64(b.sum[j]), float64(b.count)
				count, sum, squares = count+c, sum+v, squares+v*v/c
			}
			if e := (squares - sum*sum/count) * weights[j]; e > s.error {
				s = spread{j, sum / count, e}
			}
		}
		return s
	}
	spreads := []spread{spreadOf(bins)}
	for len(groups) < n {
		worst := 0
		for i := range spreads {
			if spreads[i].error > spreads[worst].error {
				worst = i
			}
		}
		g, s := groups[worst], spreads[worst]
		if s.error <= 0 || len(g) < 2 {
			break
		}
		slices.SortStableFunc(g, func(a, b bin4) int {
			return compareMeans(a.sum[s.axis], a.count, b.sum[s.axis], b.count)
		})
		cut := 1
		for cut < len(g)-1 && float64(g[cut].sum[s.axis]) <= s.mean*float64(g[cut].count) {
			cut++
		}
		groups[worst], spreads[worst] = g[:cut], spreadOf(g[:cut])
		groups, spreads = append(groups, g[cut:]), append(spreads, spreadOf(g[cut:]))
	}
	return groups
}

func meanPoint(g []bin4) (c [4]int) {
	var sum [4]uint64
	var count uint64
	for _, b := range g {
		count += b.count
		for j, v := range b.sum {
			sum[j] += v
		}
	}
	for j, v := range sum {
		c[j] = int((v + count/2) / count)
	}
	return c
}

// ditherAlpha sets the pixels of out to the points that come nearest to m,
// spreading the errors as dither does.
func ditherAlpha(out *image.Paletted, m *image.NRGBA, points [][4]int) {
	cache := make([]uint16, 1<<19) // index + 1 by bin4Of; 0: not yet known
	nearest := func(c [4]int) int {
		slot := &cache[bin4Of(c)]
		if *slot == 0 {
			best, least := 0, math.MaxInt
			for i, p := range points {
				dr, dg, db, da := c[0]-p[0], c[1]-p[1], c[2]-p[2], c[3]-p[3]
				if d := 2*dr*dr + 4*dg*dg + db*db + 4*da*da; d < least {
					best, least = i, d
				}
			}
			*slot = uint16(best + 1)
		}
		return int(*slot - 1)
	}
	w := m.Rect.Dx()
	here, below := make([][4]int, w+2), make([][4]int, w+2)
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride:]
		x, step := 0, 1
		if y%2 == 1 {
			x, step = w-1, -1
		}
		for range w {
			c := premultiplied(row[4*x:])
			for j := range c {
				c[j] = max(0, min(255, c[j]+(here[x+1][j]+32)>>6))
			}
			i := nearest(c)
			out.Pix[y*out.Stride+x] = byte(i)
			for j := range c {
				e := c[j] - points[i][j]
				here[x+1+step][j] += 21 * e
				below[x+1-step][j] += 9 * e
				below[x+1][j] += 15 * e
				below[x+1+step][j] += 3 * e
			}
			x += step
		}
		here, below = below, here
		clear(below)
	}
}
