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

func decodeGIF(file []byte, want Want) (*Picture, error) {
	f, err := gif.Parse(file, want.Limits.Frames)
	if err != nil {
		return nil, err
	}
	n := len(f.Frames)
	if f.More || !want.Limits.keepsFrames(n, f.Size) {
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

// encodeGIF writes an animation as the rectangles that change, or, if it has
// transparent pixels, as whole frames that replace each other.
func encodeGIF(w io.Writer, p *Picture, _ Quality) error {
	out := stdgif.GIF{
		Config:    image.Config{Width: p.Source.X, Height: p.Source.Y},
		LoopCount: gifLoops(p.Loops),
	}
	var before *image.NRGBA
	for frame, err := range p.Frames {
		if err != nil {
			return err
		}
		img := withBinaryAlpha(toNRGBA(frame.Image))
		part := img.Rect
		disposal := byte(stdgif.DisposalNone)
		if !img.Opaque() {
			disposal = stdgif.DisposalBackground
		} else if before != nil && before.Opaque() {
			part = changed(before, img)
		}
		small := quantize(toNRGBA(img.SubImage(part)))
		small.Rect = small.Rect.Add(part.Min)
		if len(small.Palette) < 2 {
			small.Palette = append(small.Palette, color.NRGBA{A: 255}) // image/gif wants two
		}
		out.Image = append(out.Image, small)
		out.Delay = append(out.Delay, int(frame.Delay/(10*time.Millisecond)))
		out.Disposal = append(out.Disposal, disposal)
		before = img
	}
	if len(out.Image) == 0 {
		return fmt.Errorf("%w: no frame", ErrMalformed)
	}
	return stdgif.EncodeAll(w, &out)
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
