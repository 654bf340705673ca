package webp

import (
	"fmt"
	"image"

	"s3imageserver/resize/vp8l"
)

// Transparency in lossy WebP is a plane of its own, compressed without loss as
// the green channel of a picture in VP8L (RFC 9649, sections 2.7.1.2 and 3).

// Filters of alpha, as the chunk's first byte numbers them.
const (
	alphaPlain = iota
	alphaLeft
	alphaAbove
	alphaGradient
	alphaFilters
)

// alphaChunk returns the data of an ALPH chunk for rows of size.X samples each. It
// filters nothing: VP8L has predictors of its own, where they pay. size is one that
// VP8L has.
func alphaChunk(a []byte, stride int, size image.Point) []byte {
	plane := a
	if stride != size.X {
		plane = make([]byte, size.X*size.Y)
		for y := range size.Y {
			copy(plane[y*size.X:][:size.X], a[y*stride:])
		}
	}
	data, err := vp8l.EncodeGreen(plane, size, vp8l.EncodeOptions{})
	if err != nil {
		panic(fmt.Sprintf("webp: transparency: %v", err))
	}
	const compressed = 1
	return append([]byte{compressed | alphaPlain<<2}, data...)
}
