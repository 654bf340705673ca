package resize

import (
	"fmt"
	"image"
	"image/color"
	stdgif "image/gif"
	"io"
	"slices"
	"time"

	"s3imageserver/resize/palette"
	"s3imageserver/resize/pixel"
)

// gifHeldBytes is how much of frames is held until they get a palette together.
const gifHeldBytes = 16 << 20

// encodeGIF writes an animation as what changes: of every frame the smallest rectangle,
// and in it nothing of what is shown already. Frames share palettes.
//
// A pixel that loses its colour cannot be drawn over another one: the frame before it
// is cleared, and covers all that is to be seen then.
func encodeGIF(w io.Writer, p *Picture, q Quality) error {
	g := gifWriter{colors: palette.ColorsAt(q.Quality), moves: p.Count > 1}
	g.out.Config = image.Config{Width: p.Source.X, Height: p.Source.Y}
	g.out.LoopCount = gifLoops(p.Loops)
	for frame, err := range p.Frames {
		if err != nil {
			return err
		}
		g.add(palette.BinaryAlpha(pixel.Copy(frame.Image)), frame.Delay)
	}
	if g.current == nil {
		return fmt.Errorf("%w: no frame", ErrMalformed)
	}
	g.settle(g.moves && !g.current.Opaque()) // the first frame of the next round comes
	g.flush()
	return stdgif.EncodeAll(w, &g.out)
}

// A gifWriter takes frames one by one, as they are seen, of opaque and of clear pixels.
type gifWriter struct {
	out    stdgif.GIF
	colors int
	moves  bool // there are several frames

	current *image.NRGBA // the frame that came last; what becomes of it depends on the next one
	same    []bool       // pixels of it that are shown already
	delay   time.Duration

	held      []gifPart
	heldBytes int
}

// A gifPart is what is drawn of a frame.
type gifPart struct {
	img  *image.NRGBA // from 0, 0 on
	at   image.Point
	same []bool
}

func (g *gifWriter) add(img *image.NRGBA, delay time.Duration) {
	same := make([]bool, img.Rect.Dx()*img.Rect.Dy())
	if g.current == nil {
		markClear(same, img)
	} else if cleared := losesPixels(g.current, img); cleared {
		g.settle(true)
		markClear(same, img)
	} else {
		before := g.current
		g.settle(false)
		markSame(same, before, img)
	}
	g.current, g.same, g.delay = img, same, delay
}

// settle holds what is drawn of the current frame. One that is to be cleared covers
// all of its opaque pixels.
func (g *gifWriter) settle(cleared bool) {
	m := g.current
	part := boundsOf(m.Rect, func(i int) bool { return !g.same[i] || cleared && m.Pix[4*i+3] != 0 })
	if len(g.out.Delay) == 0 {
		part = m.Rect // readers of the first frame alone take it for the picture
	}
	size := part.Size()
	p := gifPart{img: pixel.Copy(m.SubImage(part)), at: part.Min, same: make([]bool, size.X*size.Y)}
	for y := range size.Y {
		copy(p.same[y*size.X:][:size.X], g.same[(part.Min.Y+y)*m.Rect.Dx()+part.Min.X:])
	}
	disposal := byte(stdgif.DisposalNone)
	if cleared {
		disposal = stdgif.DisposalBackground
	}
	g.out.Delay = append(g.out.Delay, gifDelay(g.delay))
	g.out.Disposal = append(g.out.Disposal, disposal)
	g.held = append(g.held, p)
	if g.heldBytes += 5 * size.X * size.Y; g.heldBytes > gifHeldBytes {
		g.flush()
	}
}

// flush lays the frames that are held out in colours: one palette for all of them, and
// one of its own for a frame that it does not fit.
func (g *gifWriter) flush() {
	var all palette.Histogram
	own := make([]*palette.Histogram, len(g.held))
	for i, p := range g.held {
		h := &palette.Histogram{}
		h.Add(p.img, p.same)
		own[i] = h
		all.Add(p.img, p.same)
	}
	// Browsers clear to transparent in any case, others to the background colour
	// where a frame has nothing transparent.
	clear := g.moves || slices.Contains(g.held[0].same, true)
	if clear {
		all.AddClear()
	}
	shared := all.Palette(g.colors)
	for i, p := range g.held {
		colors := shared
		if len(g.held) > 1 && !shared.Fits(own[i]) {
			if clear {
				own[i].AddClear()
			}
			colors = own[i].Palette(g.colors)
		}
		list := colors.Colors()
		if len(list) < 2 {
			list = append(list[:len(list):len(list)], color.NRGBA{A: 255}) // image/gif wants two
		}
		out := image.NewPaletted(p.img.Rect, list)
		colors.Dither(out, p.img, p.same)
		out.Rect = out.Rect.Add(p.at)
		g.out.Image = append(g.out.Image, out)
		if g.out.Config.ColorModel == nil && colors == shared {
			g.out.Config.ColorModel = list // frames with it need not have it
		}
	}
	g.held, g.heldBytes = nil, 0
}

// losesPixels reports whether an opaque pixel of before is clear in after.
func losesPixels(before, after *image.NRGBA) bool {
	for i := 3; i < len(after.Pix); i += 4 {
		if after.Pix[i] == 0 && before.Pix[i] != 0 {
			return true
		}
	}
	return false
}

// markClear marks pixels that are clear, where nothing is shown.
func markClear(same []bool, m *image.NRGBA) {
	for i := range same {
		same[i] = m.Pix[4*i+3] == 0
	}
}

// markSame marks pixels that are equal.
func markSame(same []bool, before, after *image.NRGBA) {
	for i := range same {
		same[i] = [4]byte(before.Pix[4*i:]) == [4]byte(after.Pix[4*i:])
	}
}

// boundsOf returns the smallest rectangle, at least a pixel, with all pixels of r that
// are wanted, by their number.
func boundsOf(r image.Rectangle, wanted func(i int) bool) (part image.Rectangle) {
	w := r.Dx()
	for y := range r.Dy() {
		first, last := 0, w-1
		for first < w && !wanted(y*w+first) {
			first++
		}
		if first == w {
			continue
		}
		for !wanted(y*w + last) {
			last--
		}
		part = part.Union(image.Rect(first, y, last+1, y+1))
	}
	if part.Empty() {
		return image.Rect(0, 0, 1, 1)
	}
	return part
}

// gifDelay returns hundredths of a second. Browsers take what is no longer than
// 10 ms for 100 ms, in WebP too: that stays so short, and nothing longer gets it.
// Files have 16 bits for it, eleven minutes.
func gifDelay(d time.Duration) int {
	const unit = 10 * time.Millisecond
	n := int(min((d+unit/2)/unit, 1<<16-1))
	if d > unit {
		return max(2, n)
	}
	return max(0, n)
}

// gifLoops returns the number of plays as image/gif counts them: 0 for ever, -1
// once, n for n+1 times.
func gifLoops(plays int) int {
	switch plays {
	case 0:
		return 0
	case 1:
		return -1
	}
	return plays - 1
}
