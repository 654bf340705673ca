package resize

import (
	"context"
	"errors"
	"fmt"
	"image"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/png"
	"s3imageserver/resize/sandbox"
)

// What decoders in a sandbox have in common.

// spareBytes is what any picture may take beyond its estimate.
const spareBytes = 48 << 20

// sandbox runs a decoder that was admitted with so many bytes of linear memory
// and the file, which lies at in. It may grow to three times as much if the budget
// has it: headers do not tell all that decoding takes.
func (w Want) sandbox(p *sandbox.Program, file []byte, linear int64, f func(i *sandbox.Instance, in sandbox.Pointer) error) error {
	ctx := w.ctx
	if ctx == nil {
		ctx = context.Background()
	}
	linear += int64(len(file))
	err := p.Run(ctx, sandbox.Room{Bytes: linear, Most: 3*linear + spareBytes, More: w.grow}, func(i *sandbox.Instance) error {
		if w.ran != nil {
			defer func() { w.ran(i.Size()) }()
		}
		in, err := i.Put(file)
		if err != nil {
			return err
		}
		return f(i, in)
	})
	switch {
	case errors.Is(err, sandbox.ErrMemory):
		return fmt.Errorf("%w: decoding takes more memory than the header says: %w", ErrLimit, err)
	case errors.Is(err, sandbox.ErrCodec):
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return err
}

// stillOf makes a picture of rows of four bytes a pixel, which row returns from
// the top, perhaps in the bytes that it is given. The picture is cut while it is
// made, if that is wanted.
func stillOf(size image.Point, o exif.Orientation, want Want, row func(y int, dst []byte) []byte) *Picture {
	var rows pngRows
	isCut := want.cuts() && want.cut.source == size && want.cut.orientation == o
	if isCut {
		rows = newCutPNG(4, want.cut)
	} else {
		rows = newWholePNG(4, size)
	}
	defer rows.close()
	line := make([]byte, 4*size.X)
	for y := 0; y < size.Y && !rows.done(); y++ {
		rows.add(png.Row{Y: y, DX: 1, Pix: row(y, line)})
	}
	p := still(rows.picture())
	p.Source, p.orientation, p.isCut = size, o, isCut
	return p
}

// memoryStill counts what stillOf holds.
func memoryStill(info Info, want Want) int64 {
	if want.cuts() {
		return 4*area(want.cut.size) + 64*int64(info.Size.X)
	}
	return 4 * area(info.Size)
}

// rowNRGBA writes pixels of four samples to dst as [image.NRGBA] has them, and
// returns it, or src if that has them like that. Samples have as many bytes as
// src is longer, the most significant one first.
func rowNRGBA(dst, src []byte, premultiplied bool) []byte {
	deep := len(src) > len(dst)
	switch r := image.Rect(0, 0, len(dst)/4, 1); {
	case deep && premultiplied:
		clear(dst)
		pixel.Unpremultiply64(&image.NRGBA{Pix: dst, Stride: len(dst), Rect: r}, &image.RGBA64{Pix: src, Stride: len(src), Rect: r})
	case deep:
		for i := range dst {
			dst[i] = pixel.To8Bits(src[2*i], src[2*i+1])
		}
	case premultiplied:
		pixel.Unpremultiply(&image.NRGBA{Pix: dst, Stride: len(dst), Rect: r}, &image.RGBA{Pix: src, Stride: len(src), Rect: r})
	default:
		return src
	}
	return dst
}
