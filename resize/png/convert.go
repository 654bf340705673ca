package png

import "encoding/binary"

// converter returns what makes pixels of Samples bytes of those of a row without
// its filter. Its result is valid until it is called again.
func (f *File) converter() func(row []byte, width int) []byte {
	if f.Depth == 8 && f.trns == nil && f.color != indexed && f.color != grayAlpha {
		return func(row []byte, _ int) []byte { return row }
	}
	out := make([]byte, f.Samples*f.Size.X)
	convert := f.conversion()
	return func(row []byte, width int) []byte {
		dst := out[:f.Samples*width]
		convert(dst, row)
		return dst
	}
}

func (f *File) conversion() func(dst, row []byte) {
	depth := f.Depth
	switch {
	case f.color == indexed:
		colors := f.colors()
		if f.Samples == 3 {
			return func(dst, row []byte) {
				for i := 0; len(dst) >= 3; i, dst = i+1, dst[3:] {
					c := &colors[sample(row, i, depth)]
					dst[0], dst[1], dst[2] = c[0], c[1], c[2]
				}
			}
		}
		return func(dst, row []byte) {
			for i := 0; len(dst) >= 4; i, dst = i+1, dst[4:] {
				*(*[4]byte)(dst) = colors[sample(row, i, depth)]
			}
		}
	case f.color == grayAlpha && depth == 8:
		return func(dst, row []byte) {
			for ; len(dst) >= 4 && len(row) >= 2; dst, row = dst[4:], row[2:] {
				dst[0], dst[1], dst[2], dst[3] = row[0], row[0], row[0], row[1]
			}
		}
	case f.color == grayAlpha:
		return func(dst, row []byte) {
			for ; len(dst) >= 4 && len(row) >= 4; dst, row = dst[4:], row[4:] {
				v := narrow16(row)
				dst[0], dst[1], dst[2], dst[3] = v, v, v, narrow16(row[2:])
			}
		}
	case f.trns == nil && depth == 16:
		return func(dst, row []byte) {
			for ; len(dst) >= 4 && len(row) >= 8; dst, row = dst[4:], row[8:] {
				v := binary.BigEndian.Uint64(row)
				dst[0], dst[1], dst[2], dst[3] = nearest8(v>>48), nearest8(v>>32&0xffff), nearest8(v>>16&0xffff), nearest8(v&0xffff)
			}
			for i := range dst {
				dst[i] = narrow16(row[2*i:])
			}
		}
	case f.color == gray && depth == 16:
		clear := string(f.trns)
		return func(dst, row []byte) {
			for ; len(dst) >= 4 && len(row) >= 2; dst, row = dst[4:], row[2:] {
				v := narrow16(row)
				dst[0], dst[1], dst[2], dst[3] = v, v, v, 255
				if string(row[:2]) == clear {
					dst[3] = 0
				}
			}
		}
	case f.color == gray:
		by := 255 / (1<<depth - 1) // what the whole range of a sample is stretched by
		if f.trns == nil {
			return func(dst, row []byte) {
				for i := range dst {
					dst[i] = byte(int(sample(row, i, depth)) * by)
				}
			}
		}
		clear := f.trns[1] & byte(1<<depth-1)
		return func(dst, row []byte) {
			for i := 0; len(dst) >= 4; i, dst = i+1, dst[4:] {
				v := sample(row, i, depth)
				g := byte(int(v) * by)
				dst[0], dst[1], dst[2], dst[3] = g, g, g, 255
				if v == clear {
					dst[3] = 0
				}
			}
		}
	case depth == 16: // RGB with a transparent colour
		clear := string(f.trns)
		return func(dst, row []byte) {
			for ; len(dst) >= 4 && len(row) >= 6; dst, row = dst[4:], row[6:] {
				dst[0], dst[1], dst[2], dst[3] = narrow16(row), narrow16(row[2:]), narrow16(row[4:]), 255
				if string(row[:6]) == clear {
					dst[3] = 0
				}
			}
		}
	}
	r, g, b := f.trns[1], f.trns[3], f.trns[5]
	return func(dst, row []byte) {
		for ; len(dst) >= 4 && len(row) >= 3; dst, row = dst[4:], row[3:] {
			dst[0], dst[1], dst[2], dst[3] = row[0], row[1], row[2], 255
			if row[0] == r && row[1] == g && row[2] == b {
				dst[3] = 0
			}
		}
	}
}

// colors returns the palette; what is beyond it is black.
func (f *File) colors() *[256][4]byte {
	var colors [256][4]byte
	for i := range colors {
		colors[i][3] = 255
		if 3*i+3 <= len(f.palette) {
			copy(colors[i][:3], f.palette[3*i:])
		}
		if i < len(f.trns) {
			colors[i][3] = f.trns[i]
		}
	}
	return &colors
}

// sample returns the i-th sample of depth bits, at most 8.
func sample(row []byte, i, depth int) byte {
	if depth == 8 {
		return row[i]
	}
	bit := i * depth
	return row[bit/8] >> (8 - depth - bit%8) & byte(1<<depth-1)
}

// narrow16 returns the 8-bit sample nearest to the 16-bit one that b begins with.
func narrow16(b []byte) byte { return nearest8(uint64(binary.BigEndian.Uint16(b))) }

func nearest8(v uint64) byte { return byte((v*255 + 32895) >> 16) }
