package palette

import (
	"image/color"
	"math"
	"slices"
)

// A spot is a bin's mean, how many pixels it stands for, and the colour that comes
// nearest.
type spot struct {
	point
	count  int64
	nearby uint8
}

// rounds of improvement of the colours. Most is gained in the first four.
const rounds = 5

// Palette returns at most n colours, 2 to 256, that stand for those that were
// counted; at least one. The last one has no alpha if there are such pixels.
//
// The colours are split at the mean of their widest axis, always in the group that
// is farthest from one colour (Wu's variance criterion); then every colour moves to
// the mean of those that are nearest to it, some times over (Lloyd's algorithm).
func (h *Histogram) Palette(n int) *Palette {
	spots := h.spots()
	if h.clear {
		n--
	}
	if len(spots) == 0 {
		return newPalette(nil, h.clear)
	}
	points, opaque := split(spots, n)
	near := newSpace(points, opaque)
	for range rounds {
		moved := improve(spots, near)
		near.moved()
		if !moved {
			break
		}
	}
	p := newPalette(near, h.clear)
	p.meanError = meanError(spots, points)
	return p
}

// Fits reports whether colours come nearly as near to those of the palette as to those of
// one of their own: an error that is not seen, or not much more than one of as many
// colours for all of the pictures that the palette is made for.
func (p *Palette) Fits(h *Histogram) bool {
	const unseen, times = 2 * one, 2
	spots := h.spots()
	if len(spots) == 0 {
		return true
	}
	if p.near == nil {
		return false
	}
	for i := range spots {
		spots[i].nearby = uint8(p.near.index(spots[i].point))
	}
	return meanError(spots, p.near.points) <= max(unseen, times*p.meanError)
}

// meanError returns the root of the mean squared error of a sample, in sixteenths.
func meanError(spots []spot, points []point) float64 {
	var count, sum float64
	for i := range spots {
		s := &spots[i]
		count += float64(s.count)
		sum += float64(float64(s.count) * float64(s.distance(points[s.nearby])))
	}
	return math.Sqrt(sum / count / float64(weights[0]+weights[1]+weights[2]))
}

// A group is a set of spots that become one colour.
type group struct {
	spots []spot
	axis  int     // along which its colours differ most
	mean  float64 // along axis
	error float64 // summed squared distance along axis
}

func measure(spots []spot) group {
	g := group{spots: spots}
	var count float64
	var sum, squares [4]float64
	for i := range spots {
		s := &spots[i]
		n := float64(s.count)
		count += n
		for j, v := range s.point {
			x := float64(v)
			sum[j] += float64(n * x)
			squares[j] += float64(float64(n*x) * x)
		}
	}
	if len(spots) < 2 {
		return g
	}
	for j := range sum {
		if e := (squares[j] - sum[j]*sum[j]/count) * float64(weights[j]); e > g.error {
			g.axis, g.mean, g.error = j, sum[j]/count, e
		}
	}
	return g
}

// split returns at most n colours, opaque ones first, and how many of them are. It
// changes the order of the spots.
func split(spots []spot, n int) (points []point, opaque int) {
	groups := []group{measure(spots)}
	if others := others(spots); len(others) > 0 && len(others) < len(spots) && n > 1 {
		groups = []group{measure(spots[:len(spots)-len(others)]), measure(others)}
	}
	for len(groups) < n {
		worst := 0
		for i := range groups {
			if groups[i].error > groups[worst].error {
				worst = i
			}
		}
		g := groups[worst]
		// The spots up to the mean come first.
		low := 0
		for i := range g.spots {
			if float64(g.spots[i].point[g.axis]) <= g.mean {
				g.spots[i], g.spots[low] = g.spots[low], g.spots[i]
				low++
			}
		}
		if g.error <= 0 || low == 0 || low == len(g.spots) {
			break // no group has two different colours
		}
		groups[worst] = measure(g.spots[:low])
		groups = append(groups, measure(g.spots[low:]))
	}
	solid := func(g group) bool { return len(others(g.spots)) == 0 }
	slices.SortStableFunc(groups, func(a, b group) int {
		switch {
		case solid(a) == solid(b):
			return 0
		case solid(a):
			return -1
		}
		return 1
	})
	for i, g := range groups {
		var s sums
		for j := range g.spots {
			g.spots[j].nearby = uint8(i)
			s.add(&g.spots[j])
		}
		points = append(points, s.mean())
		if solid(g) {
			opaque++
		}
	}
	return points, opaque
}

// others moves the spots that are not opaque behind those that are, and returns them.
func others(spots []spot) []spot {
	n := 0
	for i := range spots {
		if spots[i].point[3] == full {
			spots[i], spots[n] = spots[n], spots[i]
			n++
		}
	}
	return spots[n:]
}

type sums struct {
	sum   [4]int64
	count int64
}

func (s *sums) add(p *spot) {
	s.count += p.count
	for j, v := range p.point {
		s.sum[j] += p.count * int64(v)
	}
}

func (s *sums) mean() (p point) {
	for j, v := range s.sum {
		p[j] = int32((v + s.count/2) / s.count)
	}
	return p
}

// improve moves each colour of near to the mean of the spots that are nearest to it. It reports
// whether anything moved.
func improve(spots []spot, near *space) bool {
	points := near.points
	// What is less than half as far from its colour as any other colour is need
	// not be looked for: a quarter of the squared distance.
	quarter := make([]int32, len(points))
	for i, p := range points {
		quarter[i] = math.MaxInt32
		for j, q := range points {
			if i != j {
				quarter[i] = min(quarter[i], p.distance(q)/4)
			}
		}
	}
	all := make([]sums, len(points))
	for i := range spots {
		s := &spots[i]
		if s.distance(points[s.nearby]) >= quarter[s.nearby] {
			s.nearby = uint8(near.index(s.point))
		}
		all[s.nearby].add(s)
	}
	moved := false
	for i := range points {
		if all[i].count == 0 {
			continue // its place is as good as any
		}
		if p := all[i].mean(); p != points[i] {
			points[i], moved = p, true
		}
	}
	return moved
}

// A Palette is a list of colours in which pixels can be laid out: those that were counted
// for it. It is for one goroutine at a time.
type Palette struct {
	colors color.Palette
	near   *space
	clear  int // index of what has no alpha, -1: none
	// meanError is that of a sample without dithering, in sixteenths.
	meanError float64
}

// newPalette takes the colours of near, rounded to whole samples; nil: there are none.
func newPalette(near *space, clear bool) *Palette {
	p := &Palette{near: near, clear: -1}
	if near != nil {
		for i, c := range near.points {
			n := c.straight()
			p.colors = append(p.colors, n)
			near.points[i] = pointOf(uint32(n.R) | uint32(n.G)<<8 | uint32(n.B)<<16 | uint32(n.A)<<24)
		}
	}
	if clear {
		p.clear = len(p.colors)
		p.colors = append(p.colors, color.NRGBA{})
	}
	return p
}

// Colors returns the colours, which must not be changed.
func (p *Palette) Colors() color.Palette { return p.colors }
