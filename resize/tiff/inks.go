package tiff

import (
	"bytes"
	"io"

	"s3imageserver/resize/exif"
)

// TIFF with four inks a pixel: x/image reads none, but it reads four samples of
// colours and alpha, which are stored alike. It is given the file with another
// directory behind it, that says so.

// reader returns the file as x/image reads it, and whether its colours will
// be inks.
func reader(file []byte, l layout) (r io.Reader, inks bool) {
	order, _, ok := exif.Header(file)
	inks = l.photometric == photometricInks && l.samples == 4
	stray := l.predictor != 1 && !l.predicts()
	if !ok || !inks && !stray {
		return bytes.NewReader(file), false
	}
	const alpha = 2
	short := func(v uint16) []byte { return append(order.AppendUint16(nil, v), 0, 0) }
	var fields []exif.Field
	for e := range exif.Entries(file) {
		f := exif.Field{Tag: e.Tag, Kind: e.Kind, Count: e.Count, Data: e.Value} // a place stays that of the value
		switch {
		case e.Tag == tagPhotometric && inks:
			f.Kind, f.Count, f.Data = kindShort, 1, short(photometricRGB)
		case e.Tag == tagExtraSamples && inks, e.Tag == tagPredictor && stray:
			continue
		}
		fields = append(fields, f)
	}
	if inks {
		fields = append(fields, exif.Field{Tag: tagExtraSamples, Kind: kindShort, Count: 1, Data: short(alpha)})
	}
	directory, _ := exif.Directory(len(file), order, fields)
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
