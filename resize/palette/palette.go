// Package palette finds few colours for pictures of many, with and without
// transparency, and lays the pixels out in them. The same picture gets the same
// palette every time.
package palette

import (
	"cmp"
	"image"
	"image/color"
	"math/bits"
	"slices"
)

// MaxColors is what a palette of GIF or PNG holds.
const MaxColors = 256

// AlphaThreshold is the alpha from which on a pixel counts as opaque where a
// format knows only opaque and transparent.
const AlphaThreshold = 128

// ColorsAt returns how many colours a palette has at a quality: all of them from
// 80 on and at 0, and so on down to 2.
func ColorsAt(quality int) int {
	if quality <= 0 || quality >= 80 {
		return MaxColors
	}
	return max(2, MaxColors*quality*quality/6400)
}

// Exact returns m with a palette if it has no more than n colours, at
// most 256, else nil.
func Exact(m *image.NRGBA, n int) *image.Paletted {
	index := make(map[[4]byte]byte, MaxColors)
	var palette color.Palette
	out := image.NewPaletted(m.Rect, nil)
	last, lastIndex := [4]byte{}, -1
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride:][:4*m.Rect.Dx()]
		for x := range m.Rect.Dx() {
			c := [4]byte(row[4*x:])
			if c[3] == 0 {
				c = [4]byte{}
			}
			if lastIndex < 0 || c != last {
				i, ok := index[c]
				if !ok {
					if len(palette) == n {
						return nil
					}
					i = byte(len(palette))
					index[c] = i
					palette = append(palette, color.NRGBA{c[0], c[1], c[2], c[3]})
				}
				last, lastIndex = c, int(i)
			}
			out.Pix[y*out.Stride+x] = byte(lastIndex)
		}
	}
	out.Palette = palette
	return out
}

// Quantize returns m with a palette of at most n colours, 2 to 256. Pixels are opaque
// or transparent after it; transparent is the last colour of the palette, if
// there are such pixels.
//
// The palette is found by splitting the colours at the mean of their widest
// axis, always in the group that is farthest from one colour (Wu's variance
// criterion over a 15-bit histogram). Three quarters of the error of every pixel
// are spread to its neighbours (Floyd and Steinberg), rows in alternating
// directions: all of it is nearer to the picture neither before nor after a blur.
func Quantize(m *image.NRGBA, n int) *image.Paletted {
	m = BinaryAlpha(m)
	if few := Exact(m, n); few != nil {
		return few
	}
	transparent := !m.Opaque()
	if transparent {
		n--
	}
	palette := MedianCut(m, n)
	out := image.NewPaletted(m.Rect, palette)
	if transparent {
		out.Palette = append(palette, color.NRGBA{})
	}
	dither(out, m, palette)
	return out
}

// BinaryAlpha returns m with alpha 0 or 255 only.
func BinaryAlpha(m *image.NRGBA) *image.NRGBA {
	if m.Opaque() {
		return m
	}
	out := image.NewNRGBA(image.Rectangle{Max: m.Rect.Size()})
	for y := range out.Rect.Dy() {
		copy(out.Pix[y*out.Stride:][:out.Stride], m.Pix[m.PixOffset(m.Rect.Min.X, m.Rect.Min.Y+y):])
	}
	for i := 0; i < len(out.Pix); i += 4 {
		if out.Pix[i+3] < AlphaThreshold {
			clear(out.Pix[i : i+4])
		} else {
			out.Pix[i+3] = 255
		}
	}
	return out
}

// A bin counts the pixels whose colours have the same 5 upper bits.
type bin struct {
	sum   [3]uint64
	count uint64
}

func binOf(r, g, b byte) int { return int(r>>3)<<10 | int(g>>3)<<5 | int(b>>3) }

// A group is a set of bins that become one colour.
type group struct {
	bins  []*bin
	axis  int     // along which its colours differ most
	mean  float64 // along axis
	error float64 // summed squared distance along axis
}

// MedianCut returns at most n opaque colours that stand for those of m, without
// what is transparent; at least one.
func MedianCut(m *image.NRGBA, n int) color.Palette {
	histogram := make([]bin, 1<<15)
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride:][:4*m.Rect.Dx()]
		for i := 0; i < len(row); i += 4 {
			if row[i+3] == 0 {
				continue
			}
			h := &histogram[binOf(row[i], row[i+1], row[i+2])]
			h.count++
			for j := range h.sum {
				h.sum[j] += uint64(row[i+j])
			}
		}
	}
	var all []*bin
	for i := range histogram {
		if histogram[i].count > 0 {
			all = append(all, &histogram[i])
		}
	}
	groups := []group{measure(all)}
	for len(groups) < n {
		worst := 0
		for i := range groups {
			if groups[i].error > groups[worst].error {
				worst = i
			}
		}
		g := groups[worst]
		if g.error == 0 {
			break // no group has two different colours
		}
		slices.SortFunc(g.bins, func(a, b *bin) int {
			return compareMeans(a.sum[g.axis], a.count, b.sum[g.axis], b.count)
		})
		cut := 1
		for cut < len(g.bins)-1 && float64(g.bins[cut].sum[g.axis]) <= g.mean*float64(g.bins[cut].count) {
			cut++
		}
		groups[worst] = measure(g.bins[:cut])
		groups = append(groups, measure(g.bins[cut:]))
	}
	palette := make(color.Palette, len(groups), n+1)
	for i, g := range groups {
		palette[i] = g.color()
	}
	return palette
}

// compareMeans compares sumA/countA with sumB/countB, exactly.
func compareMeans(sumA, countA, sumB, countB uint64) int {
	highA, lowA := bits.Mul64(sumA, countB)
	highB, lowB := bits.Mul64(sumB, countA)
	return cmp.Or(cmp.Compare(highA, highB), cmp.Compare(lowA, lowB))
}

func measure(bins []*bin) group {
	g := group{bins: bins}
	var count float64
	var sum, squares [3]float64
	for _, b := range bins {
		n := float64(b.count)
		count += n
		for j, s := range b.sum {
			sum[j] += float64(s)
			squares[j] += float64(s) * float64(s) / n
		}
	}
	if len(bins) < 2 {
		return g
	}
	weights := [3]float64{0.5, 1, 0.25} // the eye's, roughly
	for j := range sum {
		if e := (squares[j] - sum[j]*sum[j]/count) * weights[j]; e > g.error {
			g.axis, g.mean, g.error = j, sum[j]/count, e
		}
	}
	return g
}

func (g group) color() color.NRGBA {
	var sum [3]uint64
	var count uint64
	for _, b := range g.bins {
		count += b.count
		for j, s := range b.sum {
			sum[j] += s
		}
	}
	mean := func(j int) uint8 { return uint8((sum[j] + count/2) / count) }
	return color.NRGBA{mean(0), mean(1), mean(2), 255}
}

// dither sets the pixels of out to the colours of the palette that come nearest
// to m; transparent ones get the index behind the palette.
func dither(out *image.Paletted, m *image.NRGBA, palette color.Palette) {
	nearest := NewNearest(palette)
	w := m.Rect.Dx()
	// Errors in 64ths, with one pixel more on either side.
	here, below := make([][3]int, w+2), make([][3]int, w+2)
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride:]
		x, step := 0, 1
		if y%2 == 1 {
			x, step = w-1, -1
		}
		for range w {
			if row[4*x+3] == 0 {
				out.Pix[y*out.Stride+x] = byte(len(palette))
				x += step
				continue
			}
			var c [3]int
			for j := range c {
				c[j] = max(0, min(255, int(row[4*x+j])+(here[x+1][j]+32)>>6))
			}
			i := nearest.Index(c)
			out.Pix[y*out.Stride+x] = byte(i)
			for j := range c {
				e := c[j] - nearest.palette[i][j]
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

// Nearest finds the nearest colour of a palette, once for all colours
// with the same 5 upper bits.
type Nearest struct {
	palette [][3]int
	cache   [1 << 15]uint16 // index + 1; 0: not yet known
}

// NewNearest takes the opaque colours of a palette.
func NewNearest(palette color.Palette) *Nearest {
	n := &Nearest{palette: make([][3]int, len(palette))}
	for i, c := range palette {
		r, g, b, _ := c.RGBA()
		n.palette[i] = [3]int{int(r >> 8), int(g >> 8), int(b >> 8)}
	}
	return n
}

// Index returns the place in the palette of the colour that is nearest to c, whose
// samples are 0 to 255.
func (n *Nearest) Index(c [3]int) int {
	slot := &n.cache[binOf(byte(c[0]), byte(c[1]), byte(c[2]))]
	if *slot == 0 {
		best, least := 0, 1<<30
		for i, p := range n.palette {
			dr, dg, db := c[0]&^7+4-p[0], c[1]&^7+4-p[1], c[2]&^7+4-p[2]
			if d := 2*dr*dr + 4*dg*dg + db*db; d < least {
				best, least = i, d
			}
		}
		*slot = uint16(best + 1)
	}
	return int(*slot - 1)
}
