package vp8l

import (
	"fmt"
	"image"
)

// DecodeOptions say how a picture is decoded. The zero value is ready.
type DecodeOptions struct {
	// Check is called now and then, and its error ends the decoding; nil: never.
	Check func() error
}

// BytesOf is how much memory decoding a picture takes at the most beside the picture itself,
// of 4 bytes a pixel: its pixels before the transforms, what blocks of 4 pixels say, and the
// tables of codes.
func BytesOf(size image.Point) int64 {
	const transforms = 1
	return (4+transforms+bytesOfEntries)*int64(size.X)*int64(size.Y) + bytesOfEntry*leastEntries + 2<<20
}

// Decode decodes a VP8L chunk. Transparent pixels keep their colours; the header's word on
// alpha is a hint that changes nothing (section 3.4).
//
// The error wraps [ErrMalformed] or [ErrLimit], or is that of Check.
func Decode(data []byte, o DecodeOptions) (*image.NRGBA, error) {
	h, err := ParseHeader(data)
	if err != nil {
		return nil, err
	}
	d := decoder{r: bitReader{data: data[headerBytes:]}, check: o.Check}
	img := image.NewNRGBA(image.Rectangle{Max: h.Size})
	err = d.picture(h.Size, func(y int, row []uint32) {
		pix := img.Pix[y*img.Stride:][:4*len(row)]
		for x, p := range row {
			q := pix[4*x:][:4:4]
			q[0], q[1], q[2], q[3] = uint8(p>>16), uint8(p>>8), uint8(p), uint8(p>>24)
		}
	})
	if err != nil {
		return nil, err
	}
	return img, nil
}

// DecodeGreen decodes a picture of that size without its header, and returns its green
// alone: what a plane of transparency is (section 2.7.1.2), without space between rows.
func DecodeGreen(data []byte, size image.Point, o DecodeOptions) ([]byte, error) {
	if size.X < 1 || size.Y < 1 || size.X > MaxSide || size.Y > MaxSide {
		return nil, fmt.Errorf("%w: %v", ErrMalformed, size)
	}
	d := decoder{r: bitReader{data: data}, check: o.Check}
	plane := make([]byte, size.X*size.Y)
	err := d.picture(size, func(y int, row []uint32) {
		out := plane[y*size.X:][:len(row)]
		for x, p := range row {
			out[x] = uint8(p >> 8)
		}
	})
	if err != nil {
		return nil, err
	}
	return plane, nil
}

// A decoder decodes one picture.
type decoder struct {
	r       bitReader
	check   func() error
	entries int // of all tables, and how many there may be
	most    int
}

// picture decodes the transforms and the pixels, and hands on row by row (section 3.8.2).
func (d *decoder) picture(size image.Point, put func(y int, row []uint32)) error {
	d.most = leastEntries + size.X*size.Y/pixelsOfEntry
	transforms, width, err := d.transforms(size)
	if err != nil {
		return err
	}
	pixels, err := d.pixels(width, size.Y, true)
	if err != nil {
		return err
	}
	scratch := make([]uint32, size.X)
	for y := range size.Y {
		if err := d.goOn(y); err != nil {
			return err
		}
		row := pixels[y*width:][:width]
		for i := len(transforms) - 1; i >= 0; i-- {
			row = transforms[i].inverse(y, row, scratch)
		}
		put(y, row)
	}
	return nil
}

// goOn asks whether anybody still wants the picture.
func (d *decoder) goOn(y int) error {
	if d.check == nil || y%16 != 0 {
		return nil
	}
	return d.check()
}

// transforms reads the transforms, in the order in which they were done, and the width of
// the pixels that are written.
func (d *decoder) transforms(size image.Point) (all []*transform, width int, err error) {
	width = size.X
	var seen [transformKinds]bool
	for d.r.read(1) != 0 {
		t := &transform{kind: int(d.r.read(2)), width: width}
		if seen[t.kind] {
			return nil, 0, fmt.Errorf("%w: a transform is there twice", ErrMalformed)
		}
		seen[t.kind] = true
		switch t.kind {
		case predictorTransform, colorTransform:
			t.bits = uint(d.r.read(3)) + 2
			if t.data, err = d.pixels(blocks(width, t.bits), blocks(size.Y, t.bits), false); err != nil {
				return nil, 0, err
			}
			if t.kind == predictorTransform {
				t.before = make([]uint32, width+1)
			}
		case indexingTransform:
			colors := int(d.r.read(8)) + 1
			palette, err := d.pixels(colors, 1, false)
			if err != nil {
				return nil, 0, err
			}
			t.setPalette(palette)
			width = blocks(width, t.bits)
		}
		if d.r.overrun() {
			return nil, 0, ErrTruncated
		}
		all = append(all, t)
	}
	return all, width, nil
}

// A group is the five prefix codes of a part of a picture.
type group struct {
	codes [codesOfGroup]prefixCode
	// literal is red, blue and alpha where these take no bits.
	literal uint32
	trivial bool
}

// pixels decodes entropy-coded pixels (section 3.8.3). Only those of the picture itself may
// have several groups of codes.
func (d *decoder) pixels(width, height int, main bool) ([]uint32, error) {
	r := &d.r
	cacheBits := uint(0)
	if r.read(1) != 0 {
		if cacheBits = uint(r.read(4)); cacheBits < 1 || cacheBits > maxCacheBits {
			return nil, fmt.Errorf("%w: a colour cache of %d bits", ErrMalformed, cacheBits)
		}
	}
	var tiles []uint32
	tileBits, tilesX, groups := uint(0), 0, 1
	if main && r.read(1) != 0 {
		tileBits = uint(r.read(3)) + 2
		tilesX = blocks(width, tileBits)
		var err error
		if tiles, err = d.pixels(tilesX, blocks(height, tileBits), false); err != nil {
			return nil, err
		}
		for i, t := range tiles {
			tiles[i] = t >> 8 & 0xffff
			groups = max(groups, int(tiles[i])+1)
		}
	}
	all, err := d.groups(groups, cacheBits)
	if err != nil {
		return nil, err
	}
	cache := newColorCache(cacheBits)
	out := make([]uint32, width*height)
	g := &all[0]
	tileMask := -1 // of x, where another tile begins
	if tiles != nil {
		tileMask = 1<<tileBits - 1
	}
	x, y := 0, 0
	asked := -1 // the row in which was asked last; repetitions may leave out where rows begin
	for pos := 0; pos < len(out); {
		if y != asked {
			if r.overrun() {
				return nil, ErrTruncated
			}
			if y>>4 != asked>>4 {
				if err := d.goOn(0); err != nil {
					return nil, err
				}
			}
			asked = y
		}
		if tiles != nil && x&tileMask == 0 {
			g = &all[tiles[y>>tileBits*tilesX+x>>tileBits]]
		}
		r.fill()
		switch s := g.codes[greenCode].next(r); {
		case s < literals:
			p := g.literal | s<<8
			if !g.trivial {
				red := g.codes[redCode].next(r)
				r.fill()
				blue := g.codes[blueCode].next(r)
				p = g.codes[alphaCode].next(r)<<24 | red<<16 | s<<8 | blue
			}
			cache.put(p)
			out[pos] = p
			pos++
			if x++; x == width {
				x = 0
				y++
			}
		case s < literals+lengthSymbols:
			length := r.prefixed(s - literals)
			r.fill()
			distance := distanceOf(r.prefixed(g.codes[distanceCode].next(r)), width)
			if distance > pos || length > len(out)-pos {
				if r.overrun() {
					return nil, ErrTruncated
				}
				return nil, fmt.Errorf("%w: a repetition from outside of the picture", ErrMalformed)
			}
			repeatPixels(out, pos, distance, length)
			cache.putAll(out[pos:][:length])
			pos += length
			for x += length; x >= width; x -= width {
				y++
			}
			if tiles != nil && pos < len(out) { // in the midst of a tile
				g = &all[tiles[y>>tileBits*tilesX+x>>tileBits]]
			}
		default:
			p := cache.colors[s-literals-lengthSymbols] // the code has no other symbols
			cache.put(p)
			out[pos] = p
			pos++
			if x++; x == width {
				x = 0
				y++
			}
		}
	}
	if r.overrun() {
		return nil, ErrTruncated
	}
	return out, nil
}

// groups reads groups of prefix codes (section 3.7.2.2).
func (d *decoder) groups(n int, cacheBits uint) ([]group, error) {
	greens := literals + lengthSymbols
	if cacheBits > 0 {
		greens += 1 << cacheBits
	}
	all := make([]group, 0, min(n, 256)) // as many as the data has, not as it says
	lengths := make([]uint8, greens)
	for i := range n {
		if err := d.goOn(i); err != nil {
			return nil, err
		}
		var g group
		d.entries += groupEntries
		for code, symbols := range [codesOfGroup]int{greens, literals, literals, literals, distanceSymbols} {
			var err error
			if g.codes[code], err = d.r.readPrefixCode(lengths[:symbols]); err != nil {
				return nil, err
			}
			if d.r.overrun() {
				return nil, ErrTruncated
			}
			if d.entries += cap(g.codes[code].table); d.entries > d.most {
				return nil, fmt.Errorf("%w: %d groups of prefix codes", ErrLimit, n)
			}
		}
		red, one := g.codes[redCode].single()
		blue, two := g.codes[blueCode].single()
		alpha, three := g.codes[alphaCode].single()
		g.trivial = one && two && three
		g.literal = alpha<<24 | red<<16 | blue
		all = append(all, g)
	}
	return all, nil
}

// prefixed returns the length or the distance code that a symbol begins (section 3.6.2.2).
func (r *bitReader) prefixed(symbol uint32) int {
	if symbol < 4 {
		return int(symbol) + 1
	}
	extra := uint(symbol-2) >> 1
	return int((2+symbol&1)<<extra+r.read(extra)) + 1
}

// distanceOf returns how many pixels back a distance code means.
func distanceOf(code, width int) int {
	if code > len(neighbours) {
		return code - len(neighbours)
	}
	n := neighbours[code-1]
	return max(1, int(n[0])+int(n[1])*width)
}

// repeatPixels copies pixels from so far back, which may overlap.
func repeatPixels(out []uint32, pos, distance, length int) {
	if distance >= length {
		copy(out[pos:][:length], out[pos-distance:])
		return
	}
	for i := pos; i < pos+length; i++ {
		out[i] = out[i-distance]
	}
}
