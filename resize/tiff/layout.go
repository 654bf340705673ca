package tiff

import (
	"fmt"
	"image"
	"math"

	"s3imageserver/resize/exif"
)

// Tags of a directory (TIFF 6.0, section 8, and what came later) that tell how
// pixels are stored.
const (
	tagWidth, tagHeight, tagBits, tagCompression       = 256, 257, 258, 259
	tagPhotometric, tagFillOrder, tagStripOffsets      = 262, 266, 273
	tagSamples, tagRowsPerStrip, tagStripLengths       = 277, 278, 279
	tagPlanar, tagT4Options, tagPredictor, tagColorMap = 284, 292, 317, 320
	tagTileWidth, tagTileLength, tagInkSet             = 322, 323, 332
	tagExtraSamples, tagProfile                        = 338, 34675

	kindShort, kindLong, kindUndefined = 3, 4, 7

	raw, fax3, fax4, lzw          = 1, 3, 4, 5
	deflate, packBits, deflateOld = 8, 32773, 32946
	differences                   = 2 // of neighbours in a row: a predictor

	photometricWhiteIsZero, photometricBlackIsZero, photometricRGB = 0, 1, 2
	photometricOfMap, photometricInks                              = 3, 5
)

// A layout is how the pixels of a page are stored.
type layout struct {
	photometric, compression, planar, fillOrder, predictor, t4, inkSet uint32

	size    image.Point
	block   image.Point // a strip or a tile
	bits    uint32      // of the first sample
	samples uint32
	counted uint32 // samples whose bits are given
}

// layoutOf reads the first directory of a file.
func layoutOf(file []byte) layout {
	l := layout{compression: raw, planar: 1, fillOrder: 1, predictor: 1, inkSet: 1, bits: 1, samples: 1, counted: 1}
	var width, height, rows, tileWidth, tileLength uint32
	for e := range exif.Entries(file) {
		v := e.Number()
		switch e.Tag {
		case tagPhotometric:
			l.photometric = v
		case tagCompression:
			l.compression = max(v, 1) // 0 stands for none, too
		case tagPlanar:
			l.planar = v
		case tagFillOrder:
			l.fillOrder = v
		case tagPredictor:
			l.predictor = v
		case tagT4Options:
			l.t4 = v
		case tagInkSet:
			l.inkSet = v
		case tagSamples:
			l.samples = v
		case tagBits:
			l.counted, l.bits = e.Count, e.NumberIn(file)
		case tagWidth:
			width = v
		case tagHeight:
			height = v
		case tagRowsPerStrip:
			rows = v
		case tagTileWidth:
			tileWidth = v
		case tagTileLength:
			tileLength = v
		}
	}
	side := func(n uint32) int { return int(min(n, math.MaxInt32)) }
	l.size = image.Pt(side(width), side(height))
	l.block = l.size
	if rows > 0 {
		l.block.Y = min(l.block.Y, side(rows))
	}
	if tileWidth > 0 {
		l.block = image.Pt(side(tileWidth), side(tileLength))
	}
	return l
}

// fax reports whether rows are coded as by fax machines.
func (l layout) fax() bool { return l.compression == fax3 || l.compression == fax4 }

// predicts reports whether a predictor counts: with other compressions readers
// do not look at it.
func (l layout) predicts() bool {
	return l.compression == lzw || l.compression == deflate || l.compression == deflateOld
}

// readable refuses what x/image would not refuse, but read as other pixels.
func (l layout) readable() error {
	const apart, lowestFirst, twoDimensional, notCMYK = 2, 2, 1, 2
	kind := ""
	switch {
	case l.planar == apart && l.samples > 1:
		kind = "whose samples lie in planes of their own"
	case l.fillOrder == lowestFirst && !l.fax():
		kind = "whose bits are in reverse order"
	case l.compression == fax3 && l.t4&twoDimensional != 0:
		kind = "of fax rows that depend on each other (Group 3, 2-D)"
	case l.predicts() && l.predictor > differences:
		kind = "of another predictor"
	case l.photometric == photometricOfMap && l.bits > 8:
		kind = "of a palette of more than 256 colours"
	case l.samples != l.counted && l.samples > 1:
		kind = "that does not give the bits of each sample"
	case l.photometric == photometricInks && l.inkSet == notCMYK:
		kind = "of inks that are not those of CMYK"
	default:
		return nil
	}
	return fmt.Errorf("%w %s", ErrUnsupported, kind)
}

// memory estimates what x/image allocates while it decodes, and what becomes of
// it: the picture, the largest block in a buffer that doubles, and the pixels as
// a Picture has them.
func (l layout) memory() int64 {
	wide := int64(1) // bytes a sample of the decoded picture
	if l.bits > 8 {
		wide = 2
	}
	var n int64
	switch {
	case l.photometric == photometricOfMap:
		n = (1 + 4) * area(l.size)
	case l.samples == 1:
		n = wide*area(l.size) + (wide-1)*area(l.size)
	default:
		n = 4*wide*area(l.size) + 4*(wide-1)*area(l.size)
	}
	block := area(l.block) * int64(min(l.samples, 16)) * int64(min(l.bits, 64)) / 8
	const least, free = 512, 512 // of a bytes.Buffer, and of it before each read
	switch l.compression {
	case raw:
		const chunk = 10 << 20
		if block >= chunk {
			return n + 5*block // it grows by a quarter each time
		}
		return n + block
	case packBits:
		return n + 5*block
	}
	const reader = 45 << 10 // of one block; they are garbage when it is read
	if area(l.block) > 0 {
		n += min(area(l.size)/area(l.block)*reader, 4<<20)
	}
	size := int64(least)
	for size < block+free {
		size *= 2
	}
	return n + 2*size // with those before
}

func area(p image.Point) int64 { return int64(p.X) * int64(p.Y) }
