package resize

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"

	"s3imageserver/resize/inflate"
	"s3imageserver/resize/scale"
)

// errNotPlain says that a PNG is of a kind that image/png reads.
var errNotPlain = errors.New("png: not plain")

// decodePlainPNG reads what most files are: 8 bits a sample, grey or colours,
// with alpha or without, no interlacing, no palette and no transparent colour.
// It takes half the time of image/png, which reads the others: errNotPlain.
// What is wrong with a file is told by image/png too.
//
// The picture is cut as c says while it is decoded, so that no more than a few
// rows of it are in memory, with the same result as if it had been decoded
// first; the zero cut means the whole picture.
func decodePlainPNG(file []byte, c cut) (image.Image, error) {
	info, err := configPNG(file)
	if err != nil || !info.plain || info.Size.X <= 0 || info.Size.Y <= 0 || c != (cut{}) && c.source != info.Size {
		return nil, errNotPlain
	}
	data, err := pngData(file)
	if err != nil {
		return nil, err
	}
	samples := pngSamples[file[len(pngSignature)+17]]
	stride := 1 + samples*info.Size.X
	const most = 1032 // how much longer the pixels can be than their DEFLATE data
	if int64(stride)*int64(info.Size.Y) > most*(int64(len(data))+64) {
		return nil, errNotPlain
	}
	var to pngRows
	if c == (cut{}) {
		to = newWholePNG(samples, info.Size)
	} else {
		to = newCutPNG(samples, c)
	}
	defer to.close()
	cur, above := make([]byte, stride), make([]byte, stride)
	err = inflate.Rows(data, info.Size.Y, stride, func(row []byte) error {
		if to.done() { // the rest is only looked at
			if row[0] > 4 {
				return errNotPlain
			}
			return nil
		}
		copy(cur, row)
		if !unfilter(cur, above, samples) {
			return errNotPlain
		}
		to.add(cur[1:])
		cur, above = above, cur
		return nil
	})
	if err != nil {
		return nil, errNotPlain
	}
	return to.picture(), nil
}

// pngSamples are the samples of a pixel by the colour type of plain files (PNG
// specification, section 11.2.1).
var pngSamples = map[byte]int{0: 1, 2: 3, 6: 4}

// A pngRows makes a picture of rows that come one by one, from the top, of
// pixels of 1, 3 or 4 bytes.
type pngRows interface {
	add(row []byte)
	done() bool // no more rows are needed
	picture() image.Image
	close()
}

// A wholePNG keeps every pixel.
type wholePNG struct {
	img     image.Image
	samples int
	rest    []byte // of the pixels, not written yet
	line    int    // bytes of a row of them
}

func newWholePNG(samples int, size image.Point) *wholePNG {
	bounds := image.Rectangle{Max: size}
	if samples == 1 {
		m := image.NewGray(bounds)
		return &wholePNG{m, samples, m.Pix, m.Stride}
	}
	m := image.NewNRGBA(bounds)
	return &wholePNG{m, samples, m.Pix, m.Stride}
}

func (p *wholePNG) add(row []byte) {
	if p.samples == 3 {
		widen(p.rest[:p.line], row)
	} else {
		copy(p.rest[:p.line], row)
	}
	p.rest = p.rest[p.line:]
}

func (p *wholePNG) done() bool           { return len(p.rest) == 0 }
func (p *wholePNG) picture() image.Image { return p.img }
func (p *wholePNG) close()               {}

// newCutPNG returns what scales the rows of the part c as they come.
func newCutPNG(samples int, c cut) pngRows {
	part, options := c.at(1)
	x := scale.Axis{Len: c.source.X, Offset: part.X, Span: part.W, N: c.size.X}
	y := scale.Axis{Len: c.source.Y, Offset: part.Y, Span: part.H, N: c.size.Y}
	bounds := image.Rectangle{Max: c.size}
	if samples == 1 {
		m := image.NewGray(bounds)
		return cutGrayPNG{m, scale.NewScaler(m.Pix, m.Stride, x, y, options)}
	}
	m := image.NewNRGBA(bounds)
	p := &cutPNG{img: m, pixels: scale.NewPixels(m, x, y, options)}
	if samples == 3 {
		p.wide = make([]byte, 4*c.source.X)
	}
	return p
}

type cutGrayPNG struct {
	img    *image.Gray
	scaler *scale.Scaler
}

func (p cutGrayPNG) add(row []byte)       { p.scaler.Push(row) }
func (p cutGrayPNG) done() bool           { return p.scaler.Done() }
func (p cutGrayPNG) picture() image.Image { return p.img }
func (p cutGrayPNG) close()               { p.scaler.Close() }

type cutPNG struct {
	img    *image.NRGBA
	pixels *scale.Pixels
	wide   []byte // a row of four bytes a pixel; nil: they are
}

func (p *cutPNG) add(row []byte) {
	if p.wide != nil {
		widen(p.wide, row)
		row = p.wide
	}
	p.pixels.Push(row)
}

func (p *cutPNG) done() bool           { return p.pixels.Done() }
func (p *cutPNG) picture() image.Image { return p.img }
func (p *cutPNG) close()               { p.pixels.Close() }

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

// unfilter undoes the filter of a row, which begins with its number (PNG
// specification, section 9). above is the row before, of zeros for the first
// one; bpp is the bytes of a pixel, 1, 3 or 4. It returns false if there is no
// such filter.
func unfilter(row, above []byte, bpp int) bool {
	cur, up := row[1:], above[1:len(row)]
	switch row[0] {
	case 0:
	case 1:
		for i := bpp; i < len(cur); i++ {
			cur[i] += cur[i-bpp]
		}
	case 2:
		addBytes(cur, up)
	case 3:
		for i := range min(bpp, len(cur)) {
			cur[i] += up[i] / 2
		}
		for i := bpp; i < len(cur); i++ {
			cur[i] += byte((int(cur[i-bpp]) + int(up[i])) / 2)
		}
	case 4:
		switch bpp {
		case 3:
			paeth3(cur, up)
		case 4:
			paeth4(cur, up)
		default:
			paeth1(cur, up)
		}
	default:
		return false
	}
	return true
}

// widen writes pixels of three bytes as opaque ones of four.
func widen(dst, src []byte) {
	for len(src) >= 4 && len(dst) >= 4 {
		binary.LittleEndian.PutUint32(dst, binary.LittleEndian.Uint32(src)|0xff<<24)
		src, dst = src[3:], dst[4:]
	}
	if len(src) >= 3 && len(dst) >= 4 {
		dst[0], dst[1], dst[2], dst[3] = src[0], src[1], src[2], 255
	}
}

// addBytes adds the bytes of b to those of a, eight at a time: their upper bits
// apart, so that nothing is carried into the next byte.
func addBytes(a, b []byte) {
	const upper = 0x8080808080808080
	for len(a) >= 8 && len(b) >= 8 {
		x, y := binary.LittleEndian.Uint64(a), binary.LittleEndian.Uint64(b)
		binary.LittleEndian.PutUint64(a, (x&^upper+y&^upper)^(x^y)&upper)
		a, b = a[8:], b[8:]
	}
	for i, v := range b[:len(a)] {
		a[i] += v
	}
}

// nearest returns the one of three neighbours that Paeth's filter predicts:
// nearest to what the slope between them leads to.
func nearest(left, above, corner int32) int32 {
	pa, pb := above-corner, left-corner
	pc := pa + pb
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
	return p
}

// paeth1, paeth3 and paeth4 undo the filter of Paeth in rows of pixels of so many
// bytes. The samples of a pixel do not wait for each other, so that a processor
// works at all of them at once; in variables of their own they stay in registers.
func paeth1(cur, up []byte) {
	var l, c int32
	for i, v := range up[:len(cur)] {
		a := int32(v)
		l = (nearest(l, a, c) + int32(cur[i])) & 255
		cur[i] = byte(l)
		c = a
	}
}

func paeth3(cur, up []byte) {
	var l0, l1, l2, c0, c1, c2 int32
	for len(cur) >= 3 && len(up) >= 3 {
		n := min(8*3, len(cur)/3*3)
		if n == 8*3 && isZero24(cur) && isFlat24(up, byte(c0), byte(c1), byte(c2)) {
			// Nothing changes above, and the differences are none: the left one goes on.
			for i := 0; i < n; i += 3 {
				cur[i], cur[i+1], cur[i+2] = byte(l0), byte(l1), byte(l2)
			}
			cur, up = cur[n:], up[n:]
			continue
		}
		for a, b := cur[:n], up[:n]; len(a) >= 3 && len(b) >= 3; a, b = a[3:], b[3:] {
			a0, a1, a2 := int32(b[0]), int32(b[1]), int32(b[2])
			l0 = (nearest(l0, a0, c0) + int32(a[0])) & 255
			l1 = (nearest(l1, a1, c1) + int32(a[1])) & 255
			l2 = (nearest(l2, a2, c2) + int32(a[2])) & 255
			a[0], a[1], a[2] = byte(l0), byte(l1), byte(l2)
			c0, c1, c2 = a0, a1, a2
		}
		cur, up = cur[n:], up[n:]
	}
}

// isZero24 reports whether the first 24 bytes are all 0.
func isZero24(b []byte) bool {
	le := binary.LittleEndian
	return le.Uint64(b)|le.Uint64(b[8:])|le.Uint64(b[16:]) == 0
}

// isFlat24 reports whether the first eight pixels of three bytes are all that
// one: it begins them, and each byte is the one three places before it.
func isFlat24(b []byte, p0, p1, p2 byte) bool {
	le := binary.LittleEndian
	return b[0] == p0 && b[1] == p1 && b[2] == p2 &&
		le.Uint64(b) == le.Uint64(b[3:]) && le.Uint64(b[8:]) == le.Uint64(b[11:]) && le.Uint64(b[13:]) == le.Uint64(b[16:])
}

func paeth4(cur, up []byte) {
	var l0, l1, l2, l3, c0, c1, c2, c3 int32
	for len(cur) >= 4 && len(up) >= 4 {
		a0, a1, a2, a3 := int32(up[0]), int32(up[1]), int32(up[2]), int32(up[3])
		l0 = (nearest(l0, a0, c0) + int32(cur[0])) & 255
		l1 = (nearest(l1, a1, c1) + int32(cur[1])) & 255
		l2 = (nearest(l2, a2, c2) + int32(cur[2])) & 255
		l3 = (nearest(l3, a3, c3) + int32(cur[3])) & 255
		cur[0], cur[1], cur[2], cur[3] = byte(l0), byte(l1), byte(l2), byte(l3)
		c0, c1, c2, c3 = a0, a1, a2, a3
		cur, up = cur[4:], up[4:]
	}
}
