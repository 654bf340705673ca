package resize

import (
	"image"
	"iter"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/scale"
)

// look finds what only the pixels tell: where the edges to trim end, and what
// catches the eye. Of an animation the first frame decides. The picture that it
// returns has the same frames.
func (j *job) look(p *Picture) (*Picture, seen, error) {
	var s seen
	o := j.options
	if o.Trim == 0 && !o.Gravity.DependsOnPicture() {
		return p, s, nil
	}
	next, stop := iter.Pull2(p.Frames)
	j.close = append(j.close, stop)
	first, err, ok := next()
	if !ok {
		return nil, s, ErrMalformed
	}
	if err != nil {
		return nil, s, err
	}
	q := *p
	q.Frames = func(yield func(Frame, error) bool) {
		for f, err, ok := first, error(nil), true; ok; f, err, ok = next() {
			if !yield(f, err) {
				return
			}
		}
	}
	turn := p.orientation
	if o.Orient != 0 {
		turn = o.Orient
	}
	if o.Trim != 0 {
		s.region = trimmed(first.Image, p, turn, o)
	}
	if o.Gravity.DependsOnPicture() {
		s.gravity = j.focus(j.proxy(first.Image, p, s))
	}
	return &q, s, nil
}

// trimmed returns the part of the upright source whose edges are not of one
// colour: that of the upper left corner of what Crop leaves.
func trimmed(img image.Image, p *Picture, turn exif.Orientation, o options.Options) image.Rectangle {
	region := o.Crop.Of(turn.Size(p.Source))
	stored := integer(rectangle(turn.Stored(scale.Rect(float(region)), p.Source)))
	at := turn.Stored(scale.Rect{X: float64(region.Min.X), Y: float64(region.Min.Y), W: 1, H: 1}, p.Source)
	corner := integer(rectangle(at)).Min
	left := trim(img, stored, corner, o.Trim)
	return integer(rectangle(turn.Shown(scale.Rect(float(left)), p.Source)))
}

// trim returns the part of r whose outermost rows and columns have a pixel that
// differs from the one at corner by more than tolerance in a channel; r if none
// has. Pixels that are alone, as specks of dust are, do not count, unless all of
// them are.
func trim(img image.Image, r image.Rectangle, corner image.Point, tolerance int) image.Rectangle {
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
		return toNRGBA(m.SubImage(r))
	}
	return toNRGBA(img)
}

func float(r image.Rectangle) rectangle {
	return rectangle{float64(r.Min.X), float64(r.Min.Y), float64(r.Dx()), float64(r.Dy())}
}

// integer returns a rectangle whose corners are whole numbers already.
func integer(r rectangle) image.Rectangle {
	x, y := int(r.X), int(r.Y)
	return image.Rect(x, y, x+int(r.W), y+int(r.H))
}

// proxySide is the longer side of the picture that is looked at instead of the
// whole one.
const proxySide = 144

// proxy returns a small picture of what is to be laid into the box: cropped,
// trimmed and turned, but not tilted.
func (j *job) proxy(img image.Image, p *Picture, s seen) *image.NRGBA {
	o := j.options
	o = options.Options{Orient: o.Orient, Crop: o.Crop, Angle: o.Angle, Flip: o.Flip, Width: proxySide, Height: proxySide, Fit: options.Contain, Format: options.PNG}
	o.Angle = (o.Angle + 4500) / 9000 % 4 * 9000
	plan := planOf(p.Source, p.orientation, o, s)
	part, options := plan.cut.at(p.Scale)
	return asNRGBA(upright(scale.Image(img, part, plan.cut.size, options), plan.turn))
}
