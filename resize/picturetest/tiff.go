package picturetest

import (
	"bytes"
	"encoding/binary"
	"image"
	"testing"

	"github.com/klauspost/compress/zlib"
	"golang.org/x/image/tiff"
)

// DeflatedTIFF returns a file of ramps in strips of so many rows.
func DeflatedTIFF(t testing.TB, w, h, samples, bits, rows int) []byte {
	t.Helper()
	le := binary.LittleEndian
	b := []byte("II*\x00\x00\x00\x00\x00")
	var offsets, lengths []byte
	for y0 := 0; y0 < h; y0 += rows {
		var strip bytes.Buffer
		z := zlib.NewWriter(&strip)
		for y := y0; y < min(h, y0+rows); y++ {
			line := make([]byte, w*samples*bits/8)
			for i := range line {
				line[i] = byte(i/7 + y)
			}
			_, _ = z.Write(line) // to memory
		}
		_ = z.Close()
		offsets, lengths = le.AppendUint32(offsets, uint32(len(b))), le.AppendUint32(lengths, uint32(strip.Len()))
		b = append(b, strip.Bytes()...)
	}
	place := func(data []byte) uint32 {
		if len(data) <= 4 {
			return le.Uint32(append(data, 0, 0, 0, 0))
		}
		at := len(b)
		b = append(b, data...)
		return uint32(at)
	}
	var depths []byte
	for range samples {
		depths = le.AppendUint16(depths, uint16(bits))
	}
	strips := uint32(len(offsets) / 4)
	entries := [][4]uint32{
		{256, 4, 1, uint32(w)}, {257, 4, 1, uint32(h)}, {258, 3, uint32(samples), place(depths)}, {259, 3, 1, 8}, {262, 3, 1, 2},
		{273, 4, strips, place(offsets)}, {277, 3, 1, uint32(samples)}, {278, 4, 1, uint32(rows)}, {279, 4, strips, place(lengths)},
	}
	if samples == 4 {
		entries = append(entries, [4]uint32{338, 3, 1, 2})
	}
	le.PutUint32(b[4:], uint32(len(b)))
	b = le.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		b = le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, uint16(e[0])), uint16(e[1])), e[2]), e[3])
	}
	return append(b, 0, 0, 0, 0)
}

// TIFFPages returns a TIFF with one page a size, each of one grey. Places are
// moved by hand, as there is no writer of many pages.
func TIFFPages(t testing.TB, sizes ...image.Point) []byte {
	t.Helper()
	var out []byte
	link := 4 // where the place of the next directory goes
	for i, size := range sizes {
		m := image.NewGray(image.Rectangle{Max: size})
		for j := range m.Pix {
			m.Pix[j] = byte(40 * (i + 1))
		}
		var b bytes.Buffer
		if err := tiff.Encode(&b, m, nil); err != nil {
			t.Fatal(err)
		}
		page, base := b.Bytes(), len(out)
		le := binary.LittleEndian
		at := int(le.Uint32(page[4:]))
		n := int(le.Uint16(page[at:]))
		for j := range n {
			e := page[at+2+12*j:]
			size := map[uint16]uint32{3: 2, 4: 4, 5: 8}[le.Uint16(e[2:])] * le.Uint32(e[4:])
			if size > 4 || le.Uint16(e) == 273 { // the value lies elsewhere, or is a place
				le.PutUint32(e[8:], le.Uint32(e[8:])+uint32(base))
			}
		}
		out = append(out, page...)
		le.PutUint32(out[link:], uint32(base+at))
		link = base + at + 2 + 12*n
	}
	return out
}
