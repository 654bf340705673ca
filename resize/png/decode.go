package png

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"

	"s3imageserver/resize/inflate"
)

// ErrNotPlain says that a file is of a kind that [Rows] does not read, or that
// something is wrong with it.
var ErrNotPlain = errors.New("png: not plain")

// A Header is what IHDR says of a plain file.
type Header struct {
	Size    image.Point
	Samples int // of a pixel, a byte each: 1 (grey), 3 (RGB) or 4 (RGBA)
}

// ParseHeader reads the first bytes of a file. ok says whether it may be plain: 8
// bits a sample, grey or colours, with alpha or without, no interlacing, and no
// palette. It needs 29 bytes.
func ParseHeader(head []byte) (h Header, ok bool) {
	if len(head) < len(signature)+headerBytes || string(head[:len(signature)]) != signature {
		return h, false
	}
	ihdr := head[len(signature):]
	h.Size = image.Pt(int(binary.BigEndian.Uint32(ihdr[8:])), int(binary.BigEndian.Uint32(ihdr[12:])))
	h.Samples = map[byte]int{gray: 1, rgb: 3, rgba: 4}[ihdr[17]]
	const widest = 1 << 28 // so that the bytes of a row are an int everywhere
	ok = ihdr[16] == 8 && h.Samples != 0 && ihdr[18]|ihdr[19]|ihdr[20] == 0 && h.Size.X > 0 && h.Size.X <= widest && h.Size.Y > 0
	return h, ok
}

const (
	signature   = "\x89PNG\r\n\x1a\n"
	headerBytes = 21 // of IHDR, with its length and type
)

// Rows decodes a plain file, which has no transparent colour either, row by row
// from the top, in half the time of image/png, and calls take with each row: of
// Size.X pixels of so many samples, valid until take returns. When take returns
// false no more rows are decoded, but the rest is still looked at.
//
// The error is [ErrNotPlain], after any number of rows: image/png knows what is
// wrong, or reads the file. Rows is safe for concurrent use.
func Rows(file []byte, take func(row []byte) (more bool)) error {
	h, ok := ParseHeader(file)
	if !ok {
		return ErrNotPlain
	}
	data, err := pixelData(file)
	if err != nil {
		return err
	}
	stride := 1 + h.Samples*h.Size.X
	const most = 1032 // how much longer the pixels can be than their DEFLATE data
	if int64(stride)*int64(h.Size.Y) > most*(int64(len(data))+64) {
		return ErrNotPlain
	}
	cur, above := make([]byte, stride), make([]byte, stride)
	more := true
	err = inflate.Rows(data, h.Size.Y, stride, func(row []byte) error {
		if !more {
			if row[0] >= filters {
				return ErrNotPlain
			}
			return nil
		}
		copy(cur, row)
		if !unfilter(cur, above, h.Samples) {
			return ErrNotPlain
		}
		more = take(cur[1:])
		cur, above = above, cur
		return nil
	})
	if err != nil {
		return ErrNotPlain
	}
	return nil
}

// pixelData returns the compressed pixels of a file whose chunks are in order and
// whole; ErrNotPlain otherwise.
func pixelData(file []byte) (data []byte, err error) {
	parts, ended := 0, false
	rest := file[len(signature):]
	for first := true; len(rest) >= 12; first = false {
		n := uint64(binary.BigEndian.Uint32(rest))
		if n > uint64(len(rest)-12) {
			return nil, ErrNotPlain
		}
		kind, chunk := string(rest[4:8]), rest[8:8+n]
		if crc32.ChecksumIEEE(rest[4:8+n]) != binary.BigEndian.Uint32(rest[8+n:]) {
			return nil, ErrNotPlain
		}
		rest = rest[12+n:]
		switch {
		case first != (kind == "IHDR"), kind == "tRNS", kind == "PLTE":
			return nil, ErrNotPlain
		case kind == "IDAT":
			if parts++; parts == 1 {
				data = chunk
				continue
			}
			if parts == 2 {
				data = append(make([]byte, 0, len(file)), data...)
			}
			data = append(data, chunk...)
		case kind == "IEND":
			ended = true
		case kind[0]&0x20 == 0 && kind != "IHDR":
			return nil, ErrNotPlain
		}
		if ended {
			break
		}
	}
	if !ended || parts == 0 {
		return nil, ErrNotPlain
	}
	return data, nil
}
