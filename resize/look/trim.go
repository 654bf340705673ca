package look

import (
	"image"

	"s3imageserver/resize/pixel"
)

// Trim returns the part of r whose outermost rows and columns have a pixel that
// differs from the one at corner by more than tolerance in a channel; r if none
// has. Pixels that are alone, as specks of dust are, do not count, unless all of
// them are.
func Trim(img image.Image, r image.Rectangle, corner image.Point, tolerance int) image.Rectangle {
	one := strip(img, image.Rectangle{corner, corner.Add(image.Pt(1, 1))})
	t := trimmer{ground: [4]byte(one.Pix[:4]), tolerance: tolerance}
	kept := t.extent(img, r)
	if kept.Empty() {
		t.specks = true
		kept = t.extent(img, r)
	}
	if kept.Empty() {
		return r
	}
	return kept
}

// A trimmer tells pixels from the ground that they are on.
type trimmer struct {
	ground    [4]byte
	tolerance int
	specks    bool // pixels count that are alone

	above, line, below []byte // rows of pixels; nil: outside
}

// extent returns the smallest rectangle that has all pixels of r that count.
func (t *trimmer) extent(img image.Image, r image.Rectangle) (kept image.Rectangle) {
	const rows = 16 // at once: few bytes, and chroma samples that are whole
	t.above, t.line, t.below = nil, nil, nil
	for y := r.Min.Y; y < r.Max.Y; y += rows {
		s := strip(img, image.Rect(r.Min.X, y, r.Max.X, min(r.Max.Y, y+rows)))
		for dy := range s.Rect.Dy() {
			t.next(s.Pix[dy*s.Stride:][:4*r.Dx()])
			kept = kept.Union(t.run(r.Min.X, y+dy-1))
		}
	}
	t.next(nil)
	return kept.Union(t.run(r.Min.X, r.Max.Y-1))
}

func (t *trimmer) next(row []byte) { t.above, t.line, t.below = t.line, t.below, row }

// run returns what of the line, which begins at that place, lies between its
// outermost pixels that count.
func (t *trimmer) run(x, y int) image.Rectangle {
	first, last := 0, len(t.line)-4
	for first <= last && !t.counts(first) {
		first += 4
	}
	if first > last {
		return image.Rectangle{}
	}
	for !t.counts(last) {
		last -= 4
	}
	return image.Rect(x+first/4, y, x+last/4+1, y+1)
}

// counts reports whether the pixel at byte i of the line differs from the ground,
// and one of its neighbours too.
func (t *trimmer) counts(i int) bool {
	if !t.differs(t.line, i) {
		return false
	}
	if t.specks || t.differs(t.line, i-4) || t.differs(t.line, i+4) {
		return true
	}
	for _, row := range [2][]byte{t.above, t.below} {
		if t.differs(row, i-4) || t.differs(row, i) || t.differs(row, i+4) {
			return true
		}
	}
	return false
}

// differs reports whether the pixel at byte i of a row does; none is outside.
func (t *trimmer) differs(row []byte, i int) bool {
	return i >= 0 && i < len(row) && !alike(row[i:], t.ground, t.tolerance)
}

// alike reports whether two colours differ by at most tolerance in each channel.
// Transparent ones have no colour.
func alike(p []byte, q [4]byte, tolerance int) bool {
	if p[3] == 0 && q[3] == 0 {
		return true
	}
	for i, v := range q {
		if d := int(p[i]) - int(v); d > tolerance || -d > tolerance {
			return false
		}
	}
	return true
}

// strip returns a part of a picture, whose bounds start at zero.
func strip(img image.Image, r image.Rectangle) *image.NRGBA {
	if m, ok := img.(interface {
		SubImage(image.Rectangle) image.Image
	}); ok {
		return pixel.Copy(m.SubImage(r))
	}
	return pixel.Copy(img)
}
