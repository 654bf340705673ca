// Package vp8 encodes and decodes still pictures as key frames of VP8 (RFC 6386), the
// lossy compression of WebP.
//
// A picture comes in planes of 4:2:0 with the limited range of ITU-R BT.601.
// The decoder has every sample of libwebp's, before that interpolates chroma. In the
// encoder every macroblock is predicted from its neighbours, as a whole or in blocks of
// 4x4, whichever costs less: squared error plus bits at the price that the
// quantizer sets. Macroblocks belong to one of four segments by how much goes on
// in them; calm ones get finer steps, because there errors show.
//
// Names follow RFC 6386: macroblock, segment, token, band, context, DC, AC, Y2.
package vp8

import (
	"cmp"
	"errors"
	"image"
)

// MaxSide is the longest side of a picture, in pixels (RFC 6386, section 9.1).
const MaxSide = 1<<14 - 1

// ErrSize is the error for pictures without pixels or with a side above
// [MaxSide].
var ErrSize = errors.New("vp8: no such size")

// ErrPartition is the error for pictures of so many macroblocks that even the
// shortest modes do not fit the first partition. Below 100 megapixels there are
// none.
var ErrPartition = errors.New("vp8: too many macroblocks for the first partition")

// maxPartition is the longest first partition in bytes: its length has 19 bits
// (RFC 6386, section 9.1).
const maxPartition = 1<<19 - 1

// Options say how a picture is encoded.
type Options struct {
	// Quality is from 0, the fewest bytes, to 100.
	Quality int
	// Effort is from 0, the fastest, to 4, the fewest bytes; more is 4.
	Effort int
	// generic leaves the kernels in assembly out.
	generic bool
	// partition is the longest first partition in bytes; 0 means maxPartition.
	partition int
}

// Encode returns m as a frame of VP8, which is what a "VP8 " chunk of WebP holds.
// m must be 4:2:0; its samples have limited range and are not changed. The same
// picture and options give the same bytes on every machine. It may be called
// concurrently.
//
// Where the modes of all macroblocks are too long for the first partition, as
// those of detailed pictures from 20 megapixels on, it encodes once more, with
// blocks of 4x4 only as far as they fit. The error is [ErrSize] or [ErrPartition].
func Encode(m *image.YCbCr, o Options) ([]byte, error) {
	size := m.Rect.Size()
	if size.X < 1 || size.Y < 1 || size.X > MaxSide || size.Y > MaxSide {
		return nil, ErrSize
	}
	if m.SubsampleRatio != image.YCbCrSubsampleRatio420 {
		panic("vp8: Encode called with other planes than 4:2:0")
	}
	limit := cmp.Or(o.partition, maxPartition)
	e := newEncoder(m, o)
	e.analyse()
	e.encode()
	head, frame := e.frame(limit)
	if frame != nil {
		return frame, nil
	}
	// What is not modes of luma and chroma stays about as long, but for the
	// probabilities of tokens: two bytes each at the most.
	const tokens = 2 * contexts * branches
	others := (head-int(e.modeBits/(8*256)))*33/32 + tokens
	for _, most := range []int64{int64(limit-others) * 8 * 256, 0} {
		if most < 0 {
			continue
		}
		e = newEncoder(m, o)
		e.limited, e.mostModeBits = true, most
		e.analyse()
		e.encode()
		if _, frame = e.frame(limit); frame != nil {
			return frame, nil
		}
	}
	return nil, ErrPartition
}
