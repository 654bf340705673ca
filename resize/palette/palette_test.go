package palette

import (
	"image"
	"image/color"
	"math/rand/v2"
	"slices"
	"testing"
)

func paletteOf(m *image.NRGBA, n int) color.Palette {
	var h Histogram
	h.Add(m, nil)
	return h.Palette(n).Colors()
}

// rowsOf returns a picture of which every row is the same: it takes no more
// memory than one.
func rowsOf(row []color.NRGBA, height int) *image.NRGBA {
	m := &image.NRGBA{Rect: image.Rect(0, 0, len(row), height)}
	for _, c := range row {
		m.Pix = append(m.Pix, c.R, c.G, c.B, c.A)
	}
	return m
}

// The palette of a whole page: a sum of 2^32 and more belongs to white.
func TestPaletteOfManyPixels(t *testing.T) {
	white := color.NRGBA{255, 255, 255, 255}
	row := slices.Repeat([]color.NRGBA{white}, 5000)
	for i := range 300 { // more colours than a palette has
		row[i] = color.NRGBA{byte(i), byte(i / 2), byte(255 - i), 255}
	}
	few := paletteOf(rowsOf(row, 1), 64)
	many := paletteOf(rowsOf(row, 4000), 64) // 18.8 million of them white
	if !slices.Contains(many, color.Color(white)) {
		t.Errorf("no white in the palette %v", many)
	}
	if !slices.Equal(few, many) {
		t.Errorf("the palette of 4000 equal rows is %v; that of one %v", many, few)
	}
}

// The nearest colour is the nearest of all, also where cells meet and alpha is partial.
func TestNearestIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, opaque := range []bool{true, false} {
		for _, count := range []int{1, 2, 16, 256} {
			colour := func() point {
				c := point{r.Int32N(full + 1), r.Int32N(full + 1), r.Int32N(full + 1), full}
				if !opaque && r.IntN(4) > 0 {
					c[3] = r.Int32N(full + 1)
					for i := range 3 {
						c[i] = min(c[i], c[3])
					}
				}
				return c
			}
			points := make([]point, count)
			for i := range points {
				points[i] = colour()
			}
			near := newNearest(points, opaque)
			for i := range 20000 {
				c := colour()
				if i%3 == 0 { // at the edge of a cell
					c[i%2] = min(full, c[i%2]&^127-int32(i&1))
					c[i%2] = max(0, c[i%2])
				}
				got, want := near.index(c), 0
				for j := range points {
					if c.distance(points[j]) < c.distance(points[want]) {
						want = j
					}
				}
				if got != want {
					t.Fatalf("of %d colours %d is nearest to %v at %d; want %d at %d", count, got, c, c.distance(points[got]), want, c.distance(points[want]))
				}
			}
			// What is known of points that have moved is forgotten.
			for i := range points {
				points[i] = colour()
			}
			near.moved()
			if c := points[count-1]; near.index(c) != slices.IndexFunc(points, func(p point) bool { return p == c }) {
				t.Errorf("of %d colours that moved the last one is not found", count)
			}
		}
	}
}

// Rounds of k-means make the error smaller, and the palette of a picture of few colours
// is those colours.
func TestImprove(t *testing.T) {
	m := noisy(120, 80)
	var h Histogram
	h.Add(m, nil)
	spots := h.spots()
	points, opaque := split(spots, 32)
	before := meanError(spots, points)
	near := newSpace(points, opaque)
	for range rounds {
		improve(spots, near)
		near.moved()
	}
	improve(spots, near)
	if after := meanError(spots, points); after > 0.97*before {
		t.Errorf("the mean error is %.2f after the rounds; %.2f before", after, before)
	}
	few := rowsOf([]color.NRGBA{{1, 2, 3, 255}, {255, 0, 9, 255}, {200, 100, 50, 128}, {}, {1, 2, 4, 255}}, 3)
	got := paletteOf(few, 5)
	for x := range 5 {
		if c := few.NRGBAAt(x, 0); !slices.ContainsFunc(got, func(g color.Color) bool { return near4(g.(color.NRGBA), c) }) {
			t.Errorf("%v is not in the palette %v", c, got)
		}
	}
	if got[len(got)-1] != (color.NRGBA{}) {
		t.Errorf("the last colour of %v is not clear", got)
	}
}

// near4 reports whether samples differ by 1 at most: translucent ones are rounded.
func near4(a, b color.NRGBA) bool {
	d := func(x, y uint8) bool { return max(x, y)-min(x, y) <= 1 }
	return d(a.R, b.R) && d(a.G, b.G) && d(a.B, b.B) && a.A == b.A
}

// Opaque stays opaque, clear stays clear, and what is the same becomes clear.
func TestDitherKeepsAlpha(t *testing.T) {
	m := noisy(60, 40)
	for i := range m.Pix {
		switch y := i / m.Stride; {
		case i%4 == 3 && y < 10:
			clear(m.Pix[i-3 : i+1])
		case i%4 == 3 && y < 20:
			m.Pix[i] = byte(10 + 12*y)
		}
	}
	for _, n := range []int{2, 3, 16, 256} {
		got := Quantize(m, n)
		if len(got.Palette) > n {
			t.Errorf("%d colours; want at most %d", len(got.Palette), n)
		}
		for y := range 40 {
			for x := range 60 {
				_, _, _, a := got.At(x, y).RGBA()
				if y < 10 && a != 0 || y >= 20 && n > 2 && a != 0xffff {
					t.Fatalf("%d colours: pixel %d,%d with alpha %d has alpha %d", n, x, y, m.NRGBAAt(x, y).A, a>>8)
				}
			}
		}
	}
	same := make([]bool, 60*40)
	for i := range same {
		same[i] = i%3 == 0
	}
	var h Histogram
	h.Add(m, same)
	h.AddClear()
	p := h.Palette(16)
	out := image.NewPaletted(m.Rect, p.Colors())
	p.Dither(out, m, same)
	for i, s := range same {
		if s && int(out.Pix[i]) != len(p.Colors())-1 {
			t.Fatalf("pixel %d is shown already and has colour %d", i, out.Pix[i])
		}
	}
	var none Histogram
	none.AddClear()
	if got := none.Palette(2).Colors(); len(got) != 1 {
		t.Errorf("the palette of nothing is %v", got)
	}
}

// The same picture gets the same pixels every time, also the second time that a
// program runs.
func TestSamePalette(t *testing.T) {
	m := noisy(90, 70)
	a, b := Quantize(m, 64), Quantize(m, 64)
	if !slices.Equal(a.Pix, b.Pix) || !slices.Equal(a.Palette, b.Palette) {
		t.Error("two palettes of one picture differ")
	}
	var whole, halves Histogram
	whole.Add(m, nil)
	top := m.SubImage(image.Rect(0, 0, 90, 35)).(*image.NRGBA)
	bottom := &image.NRGBA{Pix: m.Pix[35*m.Stride:], Stride: m.Stride, Rect: image.Rect(0, 0, 90, 35)}
	halves.Add(top, nil)
	halves.Add(bottom, nil)
	p := whole.Palette(64)
	if !slices.Equal(p.Colors(), halves.Palette(64).Colors()) {
		t.Error("the palette of two halves is not that of the whole")
	}
	if !p.Fits(&halves) {
		t.Error("a palette does not fit its own picture")
	}
	other := rowsOf([]color.NRGBA{{0, 255, 0, 255}, {255, 0, 255, 255}}, 1)
	var h Histogram
	h.Add(other, nil)
	if p.Fits(&h) {
		t.Error("a palette fits colours that it has not")
	}
}
