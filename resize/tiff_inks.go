package resize

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"io"
	"slices"

	"golang.org/x/image/tiff"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/pixel"
)

// TIFF with four inks a pixel: x/image reads none, but it reads four samples of
// colours and alpha, which are stored alike. It is given the file with another
// directory behind it, that says so.

const (
	tagPhotometric, tagSamples, tagExtraSamples = 262, 277, 338

	photometricBlackIsZero, photometricRGB, photometricInks = 1, 2, 5
)

// tiffReader returns the file as x/image reads it, and whether its colours will
// be inks.
func tiffReader(file []byte, l tiffLayout) (r io.Reader, inks bool) {
	order, _, ok := exif.Header(file)
	inks = l.photometric == photometricInks && l.samples == 4
	stray := l.predictor != 1 && !l.predicts()
	if !ok || !inks && !stray {
		return bytes.NewReader(file), false
	}
	const short, alpha = 3, 2
	var entries []exif.Entry
	for e := range exif.Entries(file) {
		switch {
		case e.Tag == tagPhotometric && inks:
			e.Kind, e.Count = short, 1
			e.Value = append(order.AppendUint16(nil, photometricRGB), 0, 0)
		case e.Tag == tagExtraSamples && inks, e.Tag == tagPredictor && stray:
			continue
		}
		entries = append(entries, e)
	}
	if inks {
		value := append(order.AppendUint16(nil, alpha), 0, 0)
		entries = append(entries, exif.Entry{Order: order, Tag: tagExtraSamples, Kind: short, Count: 1, Value: value})
	}
	slices.SortStableFunc(entries, func(a, b exif.Entry) int { return int(a.Tag) - int(b.Tag) })
	directory := order.AppendUint16(nil, uint16(len(entries)))
	for _, e := range entries {
		directory = order.AppendUint16(directory, e.Tag)
		directory = order.AppendUint16(directory, e.Kind)
		directory = order.AppendUint32(directory, e.Count)
		directory = append(directory, e.Value...)
	}
	directory = append(directory, 0, 0, 0, 0)
	if int64(len(file))+int64(len(directory)) > 1<<32-1 {
		return bytes.NewReader(file), false
	}
	head := order.AppendUint32(bytes.Clone(file[:4]), uint32(len(file)))
	return &patchedReader{head: head, file: file, tail: directory}, inks
}

// A patchedReader reads a file with other first bytes and with more behind it.
// It is read at places only.
type patchedReader struct{ head, file, tail []byte }

func (p *patchedReader) ReadAt(b []byte, at int64) (n int, err error) {
	size := int64(len(p.file) + len(p.tail))
	if at < 0 || at >= size {
		return 0, io.EOF
	}
	for n < len(b) && at < size {
		var part []byte
		switch i := at - int64(len(p.file)); {
		case at < int64(len(p.head)):
			part = p.head[at:]
		case i < 0:
			part = p.file[at:]
		default:
			part = p.tail[i:]
		}
		k := copy(b[n:], part)
		n += k
		at += int64(k)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (p *patchedReader) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

// decodeTIFF reads the first page. Inks were read as colours and alpha. Of fax
// pages x/image does not ask which value is black: where it is zero, they are
// reversed (TIFF 6.0, page 37).
func decodeTIFF(file []byte, _ Want) (*Picture, error) {
	l := layoutOf(file)
	if err := l.readable(); err != nil {
		return nil, err
	}
	r, inks := tiffReader(file, l)
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
			return nil, fmt.Errorf("%w: TIFF of inks in another layout", ErrUnsupported)
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
			pixel.Unmultiply(out, m)
		}
		img = out
	}
	p := still(pixel.Normalize(img))
	p.orientation = exif.OrientationOf(file) // a TIFF file is laid out as EXIF is
	p.ICC = tiffProfile(file)
	_, p.Pages, _ = tiffDirectories(file, options.MaxPage) // up to a fault
	return p, nil
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
