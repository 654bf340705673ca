// Package scale resamples 8-bit pictures plane by plane.
//
// A picture stays in the planes it came in (Y, Cb, Cr at their own sizes;
// no RGB is made of a JPEG), a crop is part of the axes and costs nothing,
// and rows are taken as they are decoded, so the source need never be in
// memory as a whole. See [Scaler] for one plane and [Image] for pictures.
//
// Arithmetic is integer: weights have 14 fractional bits, rows between the
// two passes 6. On amd64 with AVX2 the passes are assembly, which gives the
// same bytes as the Go code; the build tag purego leaves it out.
package scale

import "image"

// Options say how to resample. The zero value is Lanczos3 with the chroma
// resolution of the source.
type Options struct {
	Filter Filter

	// Undroop sharpens just as much as decoding a JPEG at 1/8 (1) or 2/8 (2) has
	// blurred. Wrong for any other source; 0 does not sharpen.
	Undroop uint8

	// Chroma is the resolution of chroma in the result. It matters to
	// *image.YCbCr and *image.NYCbCrA only.
	Chroma Chroma

	// Within bounds the pixels that [Image] looks at, relative to the upper left
	// corner of the source's bounds; a side of 0 is that of the source. Scalers
	// have axes for that.
	Within image.Rectangle
}

// Chroma is a choice of chroma resolution.
type Chroma uint8

const (
	ChromaSame Chroma = iota // as the source has it
	Chroma420                // half the width and height
	Chroma444                // full
)
