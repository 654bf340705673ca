package webp

import (
	"bytes"
	"errors"
	"fmt"
	"image"

	"s3imageserver/resize/vp8l"
)

// DecodeAlpha returns the plane of an ALPH chunk (RFC 9649, section 2.7.1.2): a byte a
// pixel, rows without space between them. More bytes than the plane has are passed over.
// check is called now and then, and its error ends the decoding; nil: never.
func DecodeAlpha(chunk []byte, size image.Point, check func() error) ([]byte, error) {
	if len(chunk) == 0 {
		return nil, fmt.Errorf("%w: WebP transparency of no bytes", ErrMalformed)
	}
	head, data := chunk[0], chunk[1:]
	var plane []byte
	switch n := size.X * size.Y; head & 3 {
	case 0:
		if len(data) < n {
			return nil, fmt.Errorf("%w: WebP transparency of %d bytes for %v", ErrMalformed, len(data), size)
		}
		plane = bytes.Clone(data[:n])
	case 1:
		var err error
		if plane, err = losslessAlpha(data, size, check); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%w: WebP transparency is compressed by method %d", ErrMalformed, head&3)
	}
	unfilter(plane, size.X, int(head>>2&3))
	return plane, nil
}

// losslessAlpha decodes a plane that is written as the green of VP8L without its
// header.
func losslessAlpha(data []byte, size image.Point, check func() error) ([]byte, error) {
	plane, err := vp8l.DecodeGreen(data, size, vp8l.DecodeOptions{Check: check})
	switch {
	case errors.Is(err, vp8l.ErrMalformed):
		return nil, fmt.Errorf("%w: WebP transparency: %w", ErrMalformed, err)
	case errors.Is(err, vp8l.ErrLimit):
		return nil, fmt.Errorf("%w: WebP transparency: %w", ErrLimit, err)
	}
	return plane, err
}

// unfilter adds to each sample what was predicted of it. The first row is predicted
// from the left, the first column from above.
func unfilter(plane []byte, width, filter int) {
	if filter == alphaPlain {
		return
	}
	for i := 1; i < width; i++ {
		plane[i] += plane[i-1]
	}
	for y := width; y < len(plane); y += width {
		row, above := plane[y:][:width], plane[y-width:][:width]
		row[0] += above[0]
		switch filter {
		case alphaLeft:
			for i := 1; i < len(row); i++ {
				row[i] += row[i-1]
			}
		case alphaAbove:
			for i := 1; i < len(row); i++ {
				row[i] += above[i]
			}
		case alphaGradient:
			for i := 1; i < len(row); i++ {
				row[i] += byte(max(0, min(255, int(row[i-1])+int(above[i])-int(above[i-1]))))
			}
		}
	}
}
