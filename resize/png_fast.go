package resize

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"

	"s3imageserver/resize/inflate"
)

// errNotPlain says that a PNG is of a kind that image/png reads.
var errNotPlain = errors.New("png: not plain")

// decodePlainPNG reads what most files are: 8 bits a sample, grey or colours,
// with alpha or without, no interlacing, no palette and no transparent colour.
// It takes half the time of image/png, which reads the others: errNotPlain.
// What is wrong with a file is told by image/png too.
func decodePlainPNG(file []byte) (image.Image, error) {
	info, err := configPNG(file)
	if err != nil || string(file[:len(pngSignature)]) != pngSignature {
		return nil, errNotPlain
	}
	ihdr := file[len(pngSignature)+8:]
	samples := map[byte]int{0: 1, 2: 3, 6: 4}[ihdr[9]]
	if ihdr[8] != 8 || samples == 0 || ihdr[10] != 0 || ihdr[11] != 0 || ihdr[12] != 0 || info.Size.X <= 0 || info.Size.Y <= 0 {
		return nil, errNotPlain
	}
	data, err := pngData(file)
	if err != nil {
		return nil, err
	}
	stride := 1 + samples*info.Size.X
	const most = 1032 // how much longer the pixels can be than their DEFLATE data
	if int64(stride)*int64(info.Size.Y) > most*(int64(len(data))+64) {
		return nil, errNotPlain
	}
	rows := make([]byte, stride*info.Size.Y)
	if err := inflate.Zlib(rows, data); err != nil {
		return nil, errNotPlain
	}
	if !unfilter(rows, stride, samples) {
		return nil, errNotPlain
	}
	bounds := image.Rectangle{Max: info.Size}
	if samples == 1 {
		m := image.NewGray(bounds)
		for y := range info.Size.Y {
			copy(m.Pix[y*m.Stride:][:m.Stride], rows[y*stride+1:])
		}
		return m, nil
	}
	m := image.NewNRGBA(bounds)
	for y := range info.Size.Y {
		row := rows[y*stride+1:][:stride-1]
		dst := m.Pix[y*m.Stride:][:m.Stride]
		if samples == 4 {
			copy(dst, row)
			continue
		}
		for len(row) >= 3 && len(dst) >= 4 {
			dst[0], dst[1], dst[2], dst[3] = row[0], row[1], row[2], 255
			row, dst = row[3:], dst[4:]
		}
	}
	return m, nil
}

// pngData returns the compressed pixels of a file whose chunks are in order and
// whole; errNotPlain otherwise.
func pngData(file []byte) (data []byte, err error) {
	parts, ended := 0, false
	rest := file[len(pngSignature):]
	for first := true; len(rest) >= 12; first = false {
		n := uint64(binary.BigEndian.Uint32(rest))
		if n > uint64(len(rest)-12) {
			return nil, errNotPlain
		}
		kind, chunk := string(rest[4:8]), rest[8:8+n]
		if crc32.ChecksumIEEE(rest[4:8+n]) != binary.BigEndian.Uint32(rest[8+n:]) {
			return nil, errNotPlain
		}
		rest = rest[12+n:]
		switch {
		case first != (kind == "IHDR"), kind == "tRNS", kind == "PLTE":
			return nil, errNotPlain
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
			return nil, errNotPlain
		}
		if ended {
			break
		}
	}
	if !ended || parts == 0 {
		return nil, errNotPlain
	}
	return data, nil
}

// unfilter undoes the filters of rows that each begin with the number of theirs
// (PNG specification, section 9). bpp is the bytes of a pixel, 1, 3 or 4. It
// returns false if there is no such filter.
func unfilter(rows []byte, stride, bpp int) bool {
	above := make([]byte, stride)
	for at := 0; at < len(rows); at += stride {
		row := rows[at : at+stride]
		cur, up := row[1:], above[1:stride]
		switch row[0] {
		case 0:
		case 1:
			for i := bpp; i < len(cur); i++ {
				cur[i] += cur[i-bpp]
			}
		case 2:
			for i, v := range up[:len(cur)] {
				cur[i] += v
			}
		case 3:
			for i := range min(bpp, len(cur)) {
				cur[i] += up[i] / 2
			}
			for i := bpp; i < len(cur); i++ {
				cur[i] += byte((int(cur[i-bpp]) + int(up[i])) / 2)
			}
		case 4:
			for c := range bpp {
				paeth(cur, up, c, bpp)
			}
		default:
			return false
		}
		above = row
	}
	return true
}

// paeth undoes the filter of Paeth of every bpp-th byte from c on: each is
// nearest to what lies on its left, above, or above on the left.
func paeth(cur, up []byte, c, bpp int) {
	left, corner := int32(0), int32(0)
	up = up[:len(cur)]
	for i := c; i < len(cur); i += bpp {
		above := int32(up[i])
		x, y := above-corner, left-corner
		pa, pb, pc := x, y, x+y
		pa = (pa ^ pa>>31) - pa>>31
		pb = (pb ^ pb>>31) - pb>>31
		pc = (pc ^ pc>>31) - pc>>31
		p := left
		if pb < pa {
			p = above
		}
		if pc < min(pa, pb) {
			p = corner
		}
		left = (p + int32(cur[i])) & 255
		cur[i] = byte(left)
		corner = above
	}
}
