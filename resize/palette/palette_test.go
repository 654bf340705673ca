package palette

import (
	"image"
	"image/color"
	"slices"
	"testing"
)

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
	few := MedianCut(rowsOf(row, 1), 64)
	many := MedianCut(rowsOf(row, 4000), 64) // 18.8 million of them white
	if !slices.Contains(many, color.Color(white)) {
		t.Errorf("no white in the palette %v", many)
	}
	if !slices.Equal(few, many) {
		t.Errorf("the palette of 4000 equal rows is %v; that of one %v", many, few)
	}
}

func TestCompareMeans(t *testing.T) {
	const big = 1 << 60
	tests := []struct {
		sumA, countA, sumB, countB uint64
		want                       int
	}{
		{1, 2, 1, 3, 1}, {1, 3, 1, 2, -1}, {2, 4, 1, 2, 0},
		{255 * big / 64, big, 255*big/64 + 1, big, -1}, // products of more than 64 bits
		{255*big/64 + 1, big, 255 * big / 64, big, 1},
	}
	for _, tt := range tests {
		if got := compareMeans(tt.sumA, tt.countA, tt.sumB, tt.countB); got != tt.want {
			t.Errorf("compareMeans(%d, %d, %d, %d) = %d; want %d", tt.sumA, tt.countA, tt.sumB, tt.countB, got, tt.want)
		}
	}
}
