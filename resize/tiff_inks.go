package resize

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"slices"

	"golang.org/x/image/tiff"
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
func tiffReader(file []byte) (r io.Reader, inks bool) {
	order, _, ok := tiffHeader(file)
	if !ok {
		return bytes.NewReader(file), false
	}
	var entries []tiffEntry
	for e := range tiffEntries(file) {
		switch v := order.Uint16(e.value); {
		case e.tag == tagPhotometric && v == photometricInks:
			inks = true
			e.value = order.AppendUint16(nil, photometricRGB)
			e.value = append(e.value, 0, 0)
		case e.tag == tagSamples && v != 4:
			return bytes.NewReader(file), false
		case e.tag == tagExtraSamples:
			continue
		}
		entries = append(entries, e)
	}
	if !inks {
		return bytes.NewReader(file), false
	}
	const short, alpha = 3, 2
	value := append(order.AppendUint16(nil, alpha), 0, 0)
	entries = append(entries, tiffEntry{order, tagExtraSamples, short, 1, value})
	slices.SortStableFunc(entries, func(a, b tiffEntry) int { return int(a.tag) - int(b.tag) })
	directory := order.AppendUint16(nil, uint16(len(entries)))
	for _, e := range entries {
		directory = order.AppendUint16(directory, e.tag)
		directory = order.AppendUint16(directory, e.kind)
		directory = order.AppendUint32(directory, e.count)
		directory = append(directory, e.value...)
	}
	directory = append(directory, 0, 0, 0, 0)
	if int64(len(file))+int64(len(directory)) > 1<<32-1 {
		return bytes.NewReader(file), false
	}
	head := order.AppendUint32(bytes.Clone(file[:4]), uint32(len(file)))
	return &patchedReader{head: head, file: file, tail: directory}, true
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

// decodeTIFF reads the first page. Inks were read as colours and alpha. Bits
// from the lowest one on are known of fax pages only: other pixels come out
// wrong, so they are refused. Of fax pages x/image does not ask which value is
// black: where it is zero, they are reversed (TIFF 6.0, page 37).
func decodeTIFF(file []byte, _ Want) (*Picture, error) {
	const tagCompression, tagFillOrder, lowestFirst, fax3, fax4 = 259, 266, 2, 3, 4
	reversed, fax, negative := false, false, false
	for e := range tiffEntries(file) {
		v := e.order.Uint16(e.value)
		reversed = reversed || e.tag == tagFillOrder && v == lowestFirst
		fax = fax || e.tag == tagCompression && (v == fax3 || v == fax4)
		negative = negative || e.tag == tagPhotometric && v == photometricBlackIsZero
	}
	if reversed && !fax {
		return nil, fmt.Errorf("%w: TIFF whose bits are in reverse order", ErrUnsupported)
	}
	r, inks := tiffReader(file)
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
				out.Pix[i] = narrow(m.Pix[2*i], m.Pix[2*i+1])
			}
			img = out
		default:
			return nil, fmt.Errorf("%w: TIFF of inks in another layout", ErrUnsupported)
		}
	}
	if m, ok := img.(*image.Gray); ok && fax && negative {
		for i, v := range m.Pix {
			m.Pix[i] = 255 - v
		}
	}
	p := still(plain(img))
	p.orientation = exifOrientation(file) // a TIFF file is laid out as EXIF is
	p.ICC = tiffProfile(file)
	_, p.Pages, _ = tiffDirectories(file, maxPage) // up to a fault
	return p, nil
}
