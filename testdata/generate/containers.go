package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	stdjpeg "image/jpeg"
	"math"
	"slices"
)

// withOrientation returns the JPEG file with an APP1 segment that holds
// nothing but the tag 0x0112 (EXIF 2.3 section 4.6.4), right after SOI.
func withOrientation(jpeg []byte, orientation byte) []byte {
	segment := []byte{
		0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0,
		'M', 'M', 0, 42, 0, 0, 0, 8, // big-endian; the directory starts at 8
		0, 1, // entries
		0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, // a SHORT
		0, 0, 0, 0, // no next directory
	}
	return slices.Concat(jpeg[:2], segment, jpeg[2:])
}

// stored returns the picture that looks like m when the orientation is
// obeyed.
func stored(m image.Image, orientation int) *image.NRGBA {
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	s := image.NewNRGBA(size)
	for y := range h {
		for x := range w {
			// Row 0 of what is stored is the named side of what is seen.
			var sx, sy int
			switch orientation {
			case 1: // top, left
				sx, sy = x, y
			case 2: // top, right
				sx, sy = w-1-x, y
			case 3: // bottom, right
				sx, sy = w-1-x, h-1-y
			case 4: // bottom, left
				sx, sy = x, h-1-y
			case 5: // left, top
				sx, sy = y, x
			case 6: // right, top
				sx, sy = y, w-1-x
			case 7: // right, bottom
				sx, sy = h-1-y, w-1-x
			case 8: // left, bottom
				sx, sy = h-1-y, x
			}
			s.Set(sx, sy, m.At(x, y))
		}
	}
	return s
}

// cmykJPEG encodes four planes of ink, 0 for none, as Adobe does: inverted,
// with an APP14 segment. Each plane has a scan of its own, which is the same
// as that of a gray file.
func cmykJPEG(planes [4]*image.Gray, quality int) ([]byte, error) {
	size := planes[0].Rect.Size()
	var tables, scans []byte
	for i, p := range planes {
		inverted := image.NewGray(p.Rect)
		for j, v := range p.Pix {
			inverted.Pix[j] = 255 - v
		}
		var b bytes.Buffer
		if err := stdjpeg.Encode(&b, inverted, &stdjpeg.Options{Quality: quality}); err != nil {
			return nil, err
		}
		data := b.Bytes()
		for at := 2; ; {
			marker, n := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
			if marker == 0xda {
				scans = append(scans, 0xff, 0xda, 0, 8, 1, byte(i+1), 0, 0, 63, 0)
				scans = append(scans, data[at+2+n:len(data)-2]...)
				break
			}
			// Quantization and Huffman tables are the same in all.
			if i == 0 && (marker == 0xdb || marker == 0xc4) {
				tables = append(tables, data[at:at+2+n]...)
			}
			at += 2 + n
		}
	}
	out := []byte{0xff, 0xd8, 0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0}
	out = append(out, 0xff, 0xc0, 0, 20, 8)
	out = binary.BigEndian.AppendUint16(out, uint16(size.Y))
	out = binary.BigEndian.AppendUint16(out, uint16(size.X))
	out = append(out, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0)
	return append(slices.Concat(out, tables, scans), 0xff, 0xd9), nil
}

// displayP3 is a matrix profile with the primaries of Display P3 and the
// transfer function of sRGB (ICC.1:2010, SMPTE EG 432-1). Colours are
// adapted to D50, the white of profiles.
func displayP3() []byte {
	be := binary.BigEndian
	fixed := func(b []byte, values ...float64) []byte {
		for _, v := range values {
			b = be.AppendUint32(b, uint32(int32(math.Round(v*65536))))
		}
		return b
	}
	text := func(s string) []byte {
		b := []byte("mluc\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0cenUS")
		b = be.AppendUint32(be.AppendUint32(b, uint32(2*len(s))), 28)
		for _, r := range s {
			b = be.AppendUint16(b, uint16(r))
		}
		return b
	}
	xyz := func(x, y, z float64) []byte { return fixed([]byte("XYZ \x00\x00\x00\x00"), x, y, z) }
	curve := fixed([]byte("para\x00\x00\x00\x00\x00\x03\x00\x00"), 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)
	d50 := []float64{0.96420, 1, 0.82491}
	tags := []struct {
		name string
		data []byte
	}{
		{"desc", text("Display P3")},
		{"cprt", text("CC0")},
		{"wtpt", xyz(d50[0], d50[1], d50[2])},
		{"chad", fixed([]byte("sf32\x00\x00\x00\x00"),
			1.04788, 0.02292, -0.05022, 0.02959, 0.99048, -0.01707, -0.00925, 0.01508, 0.75168)},
		{"rXYZ", xyz(0.51512, 0.24120, -0.00105)},
		{"gXYZ", xyz(0.29198, 0.69225, 0.04189)},
		{"bXYZ", xyz(0.15710, 0.06657, 0.78407)},
		{"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve},
	}

	head := make([]byte, 128)
	copy(head[8:], "\x04\x20\x00\x00mntrRGB XYZ ")
	copy(head[24:], "\x07\xea\x00\x01\x00\x01") // 1 January 2026
	copy(head[36:], "acsp")
	copy(head[68:], fixed(nil, d50...))
	table := be.AppendUint32(nil, uint32(len(tags)))
	var body []byte
	at := len(head) + 4 + 12*len(tags)
	start := 0
	for i, t := range tags {
		if i == 0 || !bytes.Equal(t.data, tags[i-1].data) { // the curves are shared
			start = at + len(body)
			body = append(body, t.data...)
			for len(body)%4 != 0 {
				body = append(body, 0)
			}
		}
		table = be.AppendUint32(be.AppendUint32(append(table, t.name...), uint32(start)), uint32(len(t.data)))
	}
	profile := slices.Concat(head, table, body)
	be.PutUint32(profile, uint32(len(profile)))
	return profile
}

// pngHeader is a PNG file that ends where the pixels should begin.
func pngHeader(w, h uint32) []byte {
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, w), h)
	b = append(b, 8, 6, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[12:]))
	return append(b, "\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e"...)
}
