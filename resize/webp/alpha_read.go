package webp

import (
	"bytes"
	"fmt"
	"image"

	"golang.org/x/image/vp8l"
)

// DecodeAlpha returns the plane of an ALPH chunk (RFC 9649, section 2.7.1.2): a byte a
// pixel, rows without space between them. More bytes than the plane has are passed over.
func DecodeAlpha(chunk []byte, size image.Point) ([]byte, error) {
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
		if plane, err = losslessAlpha(data, size); err != nil {
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
func losslessAlpha(data []byte, size image.Point) ([]byte, error) {
	const most = 1 << 14
	if size.X > most || size.Y > most {
		return nil, fmt.Errorf("%w: WebP transparency of %v", ErrMalformed, size)
	}
	w, h := size.X-1, size.Y-1
	head := []byte{0x2f, byte(w), byte(w>>8 | h<<6), byte(h >> 2), byte(h >> 10)}
	m, err := vp8l.Decode(bytes.NewReader(append(head, data...)))
	if err != nil {
		return nil, fmt.Errorf("%w: WebP transparency: %w", ErrMalformed, err)
	}
	pixels := m.(*image.NRGBA).Pix
	plane := make([]byte, len(pixels)/4)
	for i := range plane {
		plane[i] = pixels[4*i+1]
	}
	return plane, nil
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
