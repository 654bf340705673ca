package resize

import (
	"fmt"
	"image"

	"s3imageserver/resize/gif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
)

// GIF, read by our own package frame by frame, written by image/gif.
var gifCodec = codec{
	format:      options.GIF,
	resultBytes: 16,
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
