// Package tiff reads TIFF files (TIFF 6.0) by x/image, with what that refuses or
// takes for something else put right or refused here, and writes them with a
// writer of its own.
//
// Files are input from outside; errors wrap [ErrMalformed] or [ErrUnsupported].
package tiff

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"

	"golang.org/x/image/tiff"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/icc"
	"s3imageserver/resize/pixel"
)

var (
	// ErrMalformed says that a file is not built as TIFF is.
	ErrMalformed = errors.New("malformed TIFF")
	// ErrUnsupported says that pixels are stored in a way that is not read.
	ErrUnsupported = errors.New("unsupported TIFF")
)

// A Header is what the first directory says of its picture.
type Header struct {
	Size   image.Point
	Inks   bool  // colours are those of CMYK
	Memory int64 // bytes that decoding takes at the most, with the picture
}

// Parse reads the first directory, as far as it is in head. It returns io.EOF or
// io.ErrUnexpectedEOF if that is not all.
func Parse(head []byte) (Header, error) {
	l := layoutOf(head)
	r, inks := reader(head, l)
	c, err := tiff.DecodeConfig(r)
	return Header{Size: image.Pt(c.Width, c.Height), Inks: inks, Memory: l.memory()}, err
}

// Decode reads the first page: a picture as package pixel normalizes them. Inks
// were read as colours and alpha. Of fax pages x/image does not ask which value is
// black: where it is zero, they are reversed (TIFF 6.0, page 37).
func Decode(file []byte) (image.Image, error) {
	l := layoutOf(file)
	if err := l.readable(); err != nil {
		return nil, err
	}
	r, inks := reader(file, l)
	img, err := tiff.Decode(r)
	if err != nil {
		return nil, err
	}
	if inks {
		switch m := img.(type) {
		case *image.NRGBA:
			img = &image.CMYK{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
		case *image.NRGBA64:
			out := image.NewCMYK(m.Rect)
			for i := range out.Pix {
				out.Pix[i] = pixel.To8Bits(m.Pix[2*i], m.Pix[2*i+1])
			}
			img = out
		default:
			return nil, fmt.Errorf("%w of inks in another layout", ErrUnsupported)
		}
	}
	switch m := img.(type) {
	case *image.Gray:
		if l.fax() && l.photometric == photometricBlackIsZero {
			for i, v := range m.Pix {
				m.Pix[i] = 255 - v
			}
		}
	case *image.Paletted:
		widenMap(m.Palette)
	case *image.RGBA: // fresh: its bytes become those of the picture
		out := &image.NRGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
		if l.samples > 3 {
			pixel.Unpremultiply(out, m)
		}
		img = out
	}
	return pixel.Normalize(img), nil
}

// widenMap makes colours of 16 bits of those of 8, which some writers left in
// the map: none is above 255 then.
func widenMap(colors color.Palette) {
	for _, c := range colors {
		if c, ok := c.(color.RGBA64); !ok || max(c.R, c.G, c.B) > 255 {
			return
		}
	}
	for i, c := range colors {
		c := c.(color.RGBA64)
		colors[i] = color.RGBA64{c.R * 257, c.G * 257, c.B * 257, c.A}
	}
}

// Profile returns the colour profile that the first directory names, nil if there
// is none. It aliases file.
func Profile(file []byte) []byte {
	for e := range exif.Entries(file) {
		if e.Tag != tagProfile || e.Count <= 4 || e.Count > icc.MaxBytes {
			continue
		}
		at := uint64(e.Order.Uint32(e.Value))
		if at+uint64(e.Count) <= uint64(len(file)) {
			return file[at : at+uint64(e.Count)]
		}
	}
	return nil
}

// Page returns a header that names the n-th directory as the first one, or the
// last one if there are not so many.
func Page(file []byte, n int) ([]byte, error) {
	order, _, ok := exif.Header(file)
	if !ok {
		return nil, io.ErrUnexpectedEOF
	}
	at, _, err := pages(file, n)
	if err != nil {
		return nil, err
	}
	return order.AppendUint32(bytes.Clone(file[:4]), uint32(at)), nil
}

// Pages counts the pages of a file, up to a fault or to most.
func Pages(file []byte, most int) int {
	_, n, _ := pages(file, most)
	return n
}

// pages follows the chain of directories up to the most-th, and returns where the
// last one begins and how many there are.
func pages(file []byte, most int) (last uint64, n int, err error) {
	for at, err := range exif.Directories(file) {
		if err != nil {
			return last, n, err
		}
		last = at
		if n++; n == most {
			break
		}
	}
	if n == 0 {
		return 0, 0, fmt.Errorf("%w: no directory", ErrMalformed)
	}
	return last, n, nil
}
