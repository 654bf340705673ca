package resize

import (
	"fmt"
	"image"
	"image/color"
	stdgif "image/gif"
	"io"
	"time"

	"s3imageserver/resize/gif"
)

// GIF, read by our own package frame by frame, written by image/gif.
var gifCodec = codec{
	format:      GIF,
	names:       []string{"gif"},
	mediaType:   "image/gif",
	resultBytes: 12,
	usual:       100, // below it by smaller palettes
	magic:       []string{"GIF87a", "GIF89a"},
	config: func(head []byte) (Info, error) {
		size, err := gif.Size(head)
		return Info{Size: size, Animated: true, Depth: 4}, err
	},
	decode: decodeGIF,
	memory: func(info Info, _ Want) int64 {
		return 16 * int64(info.Size.X) * int64(info.Size.Y) // canvas, what it was before, a frame, its copy
	},
	encode: encodeGIF,
}

func area(p image.Point) int64 { return int64(p.X) * int64(p.Y) }

func decodeGIF(file []byte, want Want) (*Picture, error) {
	f, err := gif.Parse(file, want.Limits.Frames)
	if err != nil {
		return nil, err
	}
	n := len(f.Frames)
	// A frame may be larger than the canvas, and all of it has to be decoded.
	sum := int64(0)
	for i := range f.Frames {
		sum += max(area(f.Frames[i].Bounds.Size()), area(f.Size))
		if i == 0 && sum > want.Limits.Pixels {
			return nil, fmt.Errorf("%w: a GIF frame of %v", ErrLimit, f.Frames[i].Bounds.Size())
		}
	}
	if f.More || sum > want.Limits.FramePixels {
		n = 1
	}
	return &Picture{
		Count:  n,
		Loops:  f.Loops,
		Scale:  1,
		Source: f.Size,
		Frames: func(yield func(Frame, error) bool) {
			canvas := newCanvas(f.Size)
			var buf []byte
			for _, frame := range f.Frames[:n] {
				img, err := frame.Decode(f.Size, buf)
				if err != nil {
					yield(Frame{}, err)
					return
				}
				buf = img.Pix
				var before *image.NRGBA
				if frame.Disposal == gif.Previous {
					before = canvas.copy()
				}
				bounds := img.Rect
				img.Rect = image.Rectangle{Max: bounds.Size()}
				canvas.blend(img, bounds.Min)
				if !yield(Frame{canvas.copy(), frame.Delay}, nil) {
					return
				}
				switch frame.Disposal {
				case gif.Clear:
					canvas.clear(bounds)
				case gif.Previous:
					canvas.NRGBA = before
				}
			}
		},
	}, nil
}

// encodeGIF writes an animation as the rectangles that change. A frame that is
// transparent somewhere cannot be drawn over another one: the one before it is
// written whole, and cleared.
func encodeGIF(w io.Writer, p *Picture, q Quality) error {
	colors := colorsOf(q.Quality)
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
			part = changed(below, current)
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
		img := withBinaryAlpha(toNRGBA(frame.Image))
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
	img := toNRGBA(m.SubImage(part))
	cleared = cleared && img.Opaque()
	if cleared {
		colors--
	}
	small := quantize(img, colors)
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
