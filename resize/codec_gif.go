package resize

import (
	"fmt"
	"image"
	"image/color"
	stdgif "image/gif"
	"io"
	"time"

	"s3imageserver/resize/gif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
	"s3imageserver/resize/palette"
	"s3imageserver/resize/pixel"
)

// GIF, read by our own package frame by frame, written by image/gif.
var gifCodec = codec{
	format:      options.GIF,
	resultBytes: 12,
	usual:       100, // below it by smaller palettes
	magic:       []string{"GIF87a", "GIF89a"},
	config: func(head []byte) (Info, error) {
		size, err := gif.Size(head)
		return Info{Size: size, Animated: true, Depth: 4}, err
	},
	decode: decodeGIF,
	memory: func(info Info, _ Want) int64 {
		pixels := 16 * area(info.Size) // canvas, what it was before, a frame, its copy
		return pixels + 1<<18          // blocks, palettes and rows
	},
	encode: encodeGIF,
}

func area(p image.Point) int64 { return int64(p.X) * int64(p.Y) }

func decodeGIF(file []byte, want Want) (*Picture, error) {
	f, err := gif.Parse(file, want.Limits.Frames)
	if err != nil {
		return nil, err
	}
	if n := len(f.Frames) - 1; f.Cut && n > 0 {
		f.Frames = f.Frames[:n] // the last one, of which a part is missing
	} else if f.Cut {
		if err := want.damaged(fmt.Errorf("%w: the GIF ends before its picture does", ErrMalformed)); err != nil {
			return nil, err
		}
	}
	// A frame may be larger than the canvas, and all of it has to be decoded.
	sum := int64(0)
	for i := range f.Frames {
		sum += max(area(f.Frames[i].Bounds.Size()), area(f.Size))
		if i == 0 && sum > want.Limits.Pixels {
			return nil, fmt.Errorf("%w: a GIF frame of %v", ErrLimit, f.Frames[i].Bounds.Size())
		}
	}
	if f.More || sum > want.Limits.FramePixels {
		f.Frames = f.Frames[:1]
	}
	p := &Picture{
		Count:  len(f.Frames),
		Loops:  f.Loops,
		Scale:  1,
		Source: f.Size,
		Frames: func(yield func(Frame, error) bool) { drawGIF(f, want, yield) },
	}
	if want.only > 0 {
		f.Frames = f.Frames[:min(want.only, len(f.Frames))]
		p.Count, p.Loops = 1, 0
	}
	return p, nil
}

// drawGIF draws the frames one over the other and yields what is seen then, or
// the last one alone if only that is wanted.
func drawGIF(f *gif.File, want Want, yield func(Frame, error) bool) {
	var canvas paint.Canvas // made when it is needed
	var buf []byte
	var seen, before *image.NRGBA
	for i, frame := range f.Frames {
		last := want.only > 0 && i == len(f.Frames)-1
		img, err := frame.Decode(f.Size, buf)
		if err != nil {
			if err := want.damaged(err); err != nil {
				yield(Frame{}, err)
				return
			}
		}
		if i == 0 && last && img.Rect.Size() == f.Size {
			yield(Frame{Image: img}, nil)
			return
		}
		buf = img.Pix
		if i == 0 {
			canvas = paint.NewCanvas(f.Size)
		}
		if frame.Disposal == gif.Previous && !last {
			before = canvas.CopyTo(before)
		}
		bounds := img.Rect
		img.Rect = image.Rectangle{Max: bounds.Size()}
		canvas.Blend(img, bounds.Min)
		if last {
			yield(Frame{Image: canvas.NRGBA}, nil)
			return
		}
		if want.only == 0 {
			seen = canvas.CopyTo(seen)
			if !yield(Frame{seen, frame.Delay}, nil) {
				return
			}
		}
		switch frame.Disposal {
		case gif.Clear:
			canvas.Clear(bounds)
		case gif.Previous:
			canvas.NRGBA, before = before, canvas.NRGBA
		}
	}
}

// encodeGIF writes an animation as the rectangles that change. A frame that is
// transparent somewhere cannot be drawn over another one: the one before it is
// written whole, and cleared.
func encodeGIF(w io.Writer, p *Picture, q Quality) error {
	colors := palette.ColorsAt(q.Quality)
	out := stdgif.GIF{
		Config:    image.Config{Width: p.Source.X, Height: p.Source.Y},
		LoopCount: gifLoops(p.Loops),
	}
	// Whether a frame is cleared depends on the next one: write one behind.
	var below, current *image.NRGBA // below: what current is drawn on; nil: nothing
	var delay time.Duration
	add := func(cleared bool) {
		part := current.Rect
		if below != nil && !cleared {
			part = paint.Changed(below, current)
		}
		out.Image = append(out.Image, gifFrame(current, part, colors, cleared))
		out.Delay = append(out.Delay, gifDelay(delay))
		disposal := byte(stdgif.DisposalNone)
		if cleared {
			disposal = stdgif.DisposalBackground
		}
		out.Disposal = append(out.Disposal, disposal)
	}
	for frame, err := range p.Frames {
		if err != nil {
			return err
		}
		img := palette.BinaryAlpha(pixel.Copy(frame.Image))
		if current != nil {
			cleared := !img.Opaque()
			add(cleared)
			below = current
			if cleared {
				below = nil
			}
		}
		current, delay = img, frame.Delay
	}
	if current == nil {
		return fmt.Errorf("%w: no frame", ErrMalformed)
	}
	add(p.Count > 1 && !current.Opaque()) // the first frame of the next round comes
	return stdgif.EncodeAll(w, &out)
}

// gifFrame returns a part of a frame with a palette of at most that many colours.
// Of one that is to be cleared one of them is transparent: browsers clear to
// that in any case, others to the background colour where a frame has none.
func gifFrame(m *image.NRGBA, part image.Rectangle, colors int, cleared bool) *image.Paletted {
	img := pixel.Copy(m.SubImage(part))
	cleared = cleared && img.Opaque()
	if cleared {
		colors--
	}
	small := palette.Quantize(img, colors)
	small.Rect = small.Rect.Add(part.Min)
	if cleared {
		small.Palette = append(small.Palette, color.NRGBA{})
	}
	if len(small.Palette) < 2 {
		small.Palette = append(small.Palette, color.NRGBA{A: 255}) // image/gif wants two
	}
	return small
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
