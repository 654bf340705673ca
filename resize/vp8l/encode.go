package vp8l

import (
	"fmt"
	"image"
	"math"
)

// EncodeOptions say how a picture is encoded. The zero value is ready.
type EncodeOptions struct {
	// Check is called now and then, and its error ends the encoding; nil: never.
	Check func() error
}

// EncodeBytesOf is about how much memory encoding a picture takes beside the picture.
func EncodeBytesOf(size image.Point) int64 { return 13*int64(size.X)*int64(size.Y) + 4<<20 }

// Encode returns the data of a VP8L chunk for m, and whether a pixel of it is not opaque.
// Transparent pixels keep their colours. The error wraps [ErrLimit] or is that of Check.
func Encode(m *image.NRGBA, o EncodeOptions) (data []byte, alpha bool, err error) {
	size := m.Rect.Size()
	if err := checkSide(size); err != nil {
		return nil, false, err
	}
	argb := make([]uint32, 0, size.X*size.Y)
	all := uint32(0xff000000)
	for y := range size.Y {
		row := m.Pix[m.PixOffset(m.Rect.Min.X, m.Rect.Min.Y+y):][:4*size.X]
		for ; len(row) >= 4; row = row[4:] {
			p := uint32(row[3])<<24 | uint32(row[0])<<16 | uint32(row[1])<<8 | uint32(row[2])
			all &= p
			argb = append(argb, p)
		}
	}
	e := &encoder{check: o.Check, opaque: all == 0xff000000}
	e.w.write(signature, 8)
	e.w.write(uint32(size.X-1), 14)
	e.w.write(uint32(size.Y-1), 14)
	if e.opaque {
		e.w.write(0, 4) // no alpha, version 0
	} else {
		e.w.write(1, 4)
	}
	if err := e.picture(argb, size); err != nil {
		return nil, false, err
	}
	return e.w.end(), !e.opaque, nil
}

// EncodeGreen encodes a plane of bytes, rows without space between them, as [DecodeGreen]
// decodes it.
func EncodeGreen(plane []byte, size image.Point, o EncodeOptions) ([]byte, error) {
	if err := checkSide(size); err != nil {
		return nil, err
	}
	argb := make([]uint32, size.X*size.Y)
	for i, v := range plane[:len(argb)] {
		argb[i] = 0xff000000 | uint32(v)<<8
	}
	e := &encoder{check: o.Check, opaque: true}
	if err := e.picture(argb, size); err != nil {
		return nil, err
	}
	return e.w.end(), nil
}

func checkSide(size image.Point) error {
	if size.X < 1 || size.Y < 1 || size.X > MaxSide || size.Y > MaxSide {
		return fmt.Errorf("%w: %v", ErrLimit, size)
	}
	return nil
}

// An encoder encodes one picture.
type encoder struct {
	w      bitWriter
	check  func() error
	opaque bool
}

func (e *encoder) goOn() error {
	if e.check == nil {
		return nil
	}
	return e.check()
}

// picture writes transforms and pixels; argb is used up.
func (e *encoder) picture(argb []uint32, size image.Point) error {
	width := size.X
	palette := paletteOf(argb)
	how := e.analyze(argb, size, palette)
	if how.palette {
		e.w.write(1, 1)
		e.w.write(indexingTransform, 2)
		e.w.write(uint32(len(palette)-1), 8)
		if err := e.pixels(differences(palette), len(palette), 1, false); err != nil {
			return err
		}
		argb, width = bundle(argb, size, palette)
	}
	if how.green {
		e.w.write(1, 1)
		e.w.write(subtractGreenTransform, 2)
		for i, p := range argb {
			green := p >> 8 & 0xff
			argb[i] = subPixels(p, green<<16|green)
		}
	}
	if how.spatial {
		bits := uint(3)
		for bits < 8 && blocks(width, bits)*blocks(size.Y, bits) > 1<<16 {
			bits++
		}
		modes, err := e.predict(argb, width, size.Y, bits)
		if err != nil {
			return err
		}
		if err := e.transform(predictorTransform, modes, width, size.Y, bits); err != nil {
			return err
		}
		if how.color {
			bits += 2
			factors, err := e.decorrelate(argb, width, size.Y, bits)
			if err != nil {
				return err
			}
			if factors != nil {
				if err := e.transform(colorTransform, factors, width, size.Y, bits); err != nil {
					return err
				}
			}
		}
	}
	e.w.write(0, 1)
	return e.pixels(argb, width, size.Y, true)
}

// transform writes a transform that has data for each block of 1<<bits pixels.
func (e *encoder) transform(kind uint32, data []uint32, width, height int, bits uint) error {
	e.w.write(1, 1)
	e.w.write(kind, 2)
	e.w.write(uint32(bits-2), 3)
	return e.pixels(data, blocks(width, bits), blocks(height, bits), false)
}

// pixels writes entropy-coded pixels; those of the picture itself (main) may have a colour
// cache and several groups of prefix codes.
func (e *encoder) pixels(argb []uint32, width, height int, main bool) error {
	codes := newDistanceCodes(width)
	const depth = 12
	found, spare, err := matches(argb, width, depth, e.check)
	if err != nil {
		return err
	}
	refs := greedy(found, spare)
	cacheBits := uint(0)
	if main {
		cacheBits = bestCache(argb, refs, codes)
	}
	rounds := 1
	for range rounds {
		h := newHistogram(cacheBits)
		count(argb, refs, cacheBits, codes, &h)
		refs = cheapest(argb, found, spare, cacheBits, codes, newPrices(h))
		if err := e.goOn(); err != nil {
			return err
		}
	}
	if cacheBits > 0 {
		e.w.write(1, 1)
		e.w.write(uint32(cacheBits), 4)
	} else {
		e.w.write(0, 1)
	}
	groups := []histogram{newHistogram(cacheBits)}
	var groupOf []uint32
	bits := uint(0)
	if main {
		if groupOf, groups, bits, err = e.groups(argb, width, height, refs, cacheBits, codes); err != nil {
			return err
		}
	} else {
		count(argb, refs, cacheBits, codes, &groups[0])
	}
	words := make([][codesOfGroup][]codeWord, len(groups))
	for i := range groups {
		for code := range codesOfGroup {
			words[i][code] = e.w.writePrefixCode(groups[i].code(code))
		}
	}
	return e.references(argb, width, refs, cacheBits, codes, words, groupOf, bits)
}

// groups writes which group of prefix codes the tiles of the picture have, or that there is
// but one.
func (e *encoder) groups(argb []uint32, width, height int, refs []reference, cacheBits uint, codes *distanceCodes) (groupOf []uint32, groups []histogram, bits uint, err error) {
	for bits = 4; bits < 9 && blocks(width, bits)*blocks(height, bits) > max(4, min(mostTiles, width*height>>9)); bits++ {
	}
	if tiles := tilesOf(argb, width, height, refs, cacheBits, bits, codes); len(tiles) > 1 {
		groupOf, groups, err = e.cluster(tiles, cacheBits)
	} else {
		groups = []histogram{newHistogram(cacheBits)}
		groups[0].add(tiles[0])
	}
	if err != nil || len(groups) == 1 {
		e.w.write(0, 1)
		return nil, groups, 0, err
	}
	e.w.write(1, 1)
	e.w.write(uint32(bits-2), 3)
	data := make([]uint32, len(groupOf))
	for i, g := range groupOf {
		data[i] = 0xff000000 | g<<8
	}
	return groupOf, groups, bits, e.pixels(data, blocks(width, bits), blocks(height, bits), false)
}

// references writes the symbols of the picture.
func (e *encoder) references(argb []uint32, width int, refs []reference, cacheBits uint, codes *distanceCodes, words [][codesOfGroup][]codeWord, groupOf []uint32, bits uint) error {
	cache := newColorCache(cacheBits)
	w := &e.w
	across := blocks(width, bits)
	group := &words[0]
	i, x, y := 0, 0, 0
	for k, r := range refs {
		if k&0xffff == 0 {
			if err := e.goOn(); err != nil {
				return err
			}
		}
		if groupOf != nil {
			group = &words[groupOf[y>>bits*across+x>>bits]]
		}
		n := max(1, r.length())
		if r.length() > 0 {
			s, extra, more := prefixed(n)
			w.code(group[greenCode][literals+s])
			w.write(extra, more)
			s, extra, more = prefixed(codes.of(r.back()))
			w.code(group[distanceCode][s])
			w.write(extra, more)
			cache.putAll(argb[i:][:n])
		} else if place, there := cache.put(argb[i]); there {
			w.code(group[greenCode][literals+lengthSymbols+int(place)])
		} else {
			a := argb[i]
			w.code(group[greenCode][a>>8&0xff])
			w.code(group[redCode][a>>16&0xff])
			w.code(group[blueCode][a&0xff])
			w.code(group[alphaCode][a>>24])
		}
		i += n
		for x += n; x >= width; x -= width {
			y++
		}
	}
	return nil
}

// A method is which transforms a picture gets.
type method struct{ palette, green, spatial, color bool }

// analyze chooses the transforms by entropies of the pixels that are not as one of their
// neighbours.
func (e *encoder) analyze(argb []uint32, size image.Point, palette []uint32) method {
	type plane [literals]uint32
	var direct, spatial, green, spatialGreen [4]plane
	var indices plane
	index := indexOf(palette)
	n := 0
	for y := range size.Y {
		for x := range size.X {
			i := y*size.X + x
			p := argb[i]
			left := uint32(0xff000000)
			switch {
			case x > 0:
				left = argb[i-1]
			case y > 0:
				left = argb[i-size.X]
			}
			if p == left || y > 0 && p == argb[i-size.X] {
				continue
			}
			n++
			d := subPixels(p, left)
			add := func(planes *[4]plane, v uint32) {
				planes[0][v>>24]++
				planes[1][uint8(v>>16)]++
				planes[2][uint8(v>>8)]++
				planes[3][uint8(v)]++
			}
			add(&direct, p)
			add(&spatial, d)
			g := p >> 8 & 0xff
			add(&green, subPixels(p, g<<16|g))
			g = d >> 8 & 0xff
			add(&spatialGreen, subPixels(d, g<<16|g))
			if palette != nil {
				indices[index(p)]++
			}
		}
	}
	// size of the entropies and of what the transforms take.
	sum := func(planes *[4]plane) int64 {
		total := int64(0)
		for i := range planes {
			s, _ := entropy(planes[i][:])
			total += s
		}
		return total
	}
	tiles := int64(blocks(size.X, 4) * blocks(size.Y, 4) << entropyBits)
	best, how := int64(math.MaxInt64), method{}
	for _, m := range []struct {
		size int64
		method
	}{
		{sum(&direct), method{}},
		{sum(&green), method{green: true}},
		{sum(&spatial) + 3*tiles, method{spatial: true, color: true}},
		{sum(&spatialGreen) + 3*tiles, method{green: true, spatial: true, color: true}},
	} {
		if m.size < best {
			best, how = m.size, m.method
		}
	}
	if palette != nil {
		if s, _ := entropy(indices[:]); s+int64(8*len(palette))<<entropyBits <= best {
			how = method{palette: true}
		}
	}
	return how
}
