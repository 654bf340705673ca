package resize

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"io"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/palette"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/png"
	"s3imageserver/resize/scale"
)

// PNG (ISO/IEC 15948), read and written by our own package; profile and
// orientation are found here. Of an APNG the default image is read.
var pngCodec = codec{
	format:      options.PNG,
	resultBytes: 14,
	embedsICC:   true,
	usual:       100, // below it by palettes
	magic:       []string{pngSignature},
	config:      configPNG,
	decode:      decodePNG,
	memory:      memoryPNG,
	encode:      encodePNG,
}

const (
	pngSignature = "\x89PNG\r\n\x1a\n"
	pngIHDRBytes = 25 // the chunk with its length, type and checksum
)

func configPNG(head []byte) (Info, error) {
	if len(head) < len(pngSignature)+pngIHDRBytes {
		return Info{}, io.ErrUnexpectedEOF
	}
	h, err := png.ParseHeader(head)
	if err != nil {
		return Info{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	info := Info{Size: h.Size, Depth: 4, Alpha: h.Alpha(), plain: !h.Interlaced}
	if h.Gray() {
		info.Depth = 1
	}
	// What follows up to the pixels, as far as it is here.
	for rest := head[len(pngSignature)+pngIHDRBytes:]; ; {
		if len(rest) < 8 {
			info.Depth = 4 // there may be a transparent colour
			break
		}
		n, kind := uint64(binary.BigEndian.Uint32(rest)), string(rest[4:8])
		if kind == "IDAT" {
			break
		}
		if n+12 > uint64(len(rest)) {
			info.Depth = 4
			break
		}
		switch kind {
		case "eXIf":
			info.orientation = exif.OrientationOf(rest[8 : 8+n])
		case "tRNS":
			info.Depth = 4
		case "iCCP":
			info.profile = int64(min(1032*n, maxICCBytes))
		}
		rest = rest[12+n:]
	}
	return info, nil
}

// memoryPNG counts the pixels that are decoded, and the rows that are held beside
// them; of a file that is cut while it is decoded there are only rows.
func memoryPNG(info Info, want Want) int64 {
	rows := rowsOfPNG*8*int64(info.Size.X) + 1<<20 + info.profile // and the buffers of the reader
	if info.plain && want.cuts() {
		return rows
	}
	return area(info.Size)*int64(info.Depth) + rows
}

// rowsOfPNG is how many rows of pixels of 8 bytes are held beside the picture:
// three of the reader, and those that the scaler sums up.
const rowsOfPNG = 8

func decodePNG(file []byte, want Want) (*Picture, error) {
	var o exif.Orientation
	var colours pngColours
	for kind, data := range pngChunks(file) {
		colours.take(kind, data)
		if kind == "eXIf" {
			o = exif.OrientationOf(data)
		}
	}
	f, err := png.Parse(file)
	if err != nil {
		return nil, err
	}
	img, isCut, err := decodePixelsPNG(f, file, o, want)
	if err != nil {
		return nil, err
	}
	p := still(img)
	p.isCut, p.orientation, p.ICC, p.odd = isCut, o, colours.of(greyPNG(file)), f.Odd
	if isCut {
		p.Source = want.cut.source
	}
	return p, nil
}

// greyPNG reports whether the colours of a file are grey, with alpha or without.
func greyPNG(file []byte) bool { return file[len(pngSignature)+8+9]&2 == 0 }

// decodePixelsPNG reads a file whose orientation is o, and cuts it on the way if
// it can.
func decodePixelsPNG(f *png.File, file []byte, o exif.Orientation, want Want) (img image.Image, isCut bool, err error) {
	if want.cuts() && want.cut.orientation == o && want.cut.source == f.Size && !f.Interlaced {
		img, err = decodeRowsPNG(f, want.cut, want)
		if err == nil || want.show == nil {
			return img, true, err
		}
	}
	// If the header said that rows would do, there must be room for all now.
	if info, err := configPNG(file[:min(len(file), headBytes)]); err == nil && info.plain && want.cuts() {
		if err := want.more(memoryPNG(info, Want{})); err != nil {
			return nil, false, err
		}
	}
	img, err = decodeRowsPNG(f, cut{}, want)
	return img, false, err
}

// pngChunks yields type and data of every chunk of a file, up to the first one
// that is not whole, but for those whose checksum is wrong: of pixels nobody looks
// at it here.
func pngChunks(file []byte) func(func(kind string, data []byte) bool) {
	return func(yield func(string, []byte) bool) {
		rest := file[min(len(file), len(pngSignature)):]
		for len(rest) >= 12 {
			n := uint64(binary.BigEndian.Uint32(rest))
			if n > uint64(len(rest)-12) {
				return
			}
			kind, data, sum := string(rest[4:8]), rest[8:8+n], binary.BigEndian.Uint32(rest[8+n:])
			if (kind == "IDAT" || crc32.ChecksumIEEE(rest[4:8+n]) == sum) && !yield(kind, data) {
				return
			}
			rest = rest[12+n:]
		}
	}
}

// inflateICC returns the profile of an iCCP chunk: a name, NUL, a method, and
// the compressed profile (PNG specification, section 11.3.2.3). It is nil if
// anything is wrong with it, or it is longer than maxICCBytes.
func inflateICC(data []byte) []byte {
	_, compressed, ok := bytes.Cut(data, []byte{0})
	if !ok || len(compressed) < 1 || compressed[0] != 0 {
		return nil
	}
	r, err := zlib.NewReader(bytes.NewReader(compressed[1:]))
	if err != nil {
		return nil
	}
	// What is too long takes no memory.
	n, err := io.Copy(io.Discard, io.LimitReader(r, maxICCBytes+1))
	if err != nil || n > maxICCBytes {
		return nil
	}
	if err := r.(zlib.Resetter).Reset(bytes.NewReader(compressed[1:]), nil); err != nil {
		return nil
	}
	profile := make([]byte, n)
	if _, err := io.ReadFull(r, profile); err != nil {
		return nil
	}
	return profile
}

// Above this many pixels a photograph is compressed fast instead of small: it
// takes a fifth less of the whole time for one in forty bytes more.
const smallPNGPixels = 100_000

func encodePNG(w io.Writer, p *Picture, q Quality) error {
	img, err := p.first()
	if err != nil {
		return err
	}
	switch m := img.(type) {
	case *image.YCbCr:
		img = scale.NRGBA(m)
	case *image.NYCbCrA, *image.CMYK:
		img = pixel.Copy(m)
	}
	const fast, small, indexes = 1, 6, 7 // of what is not filtered a level more costs less and is worth more
	o := png.Options{Level: fast, ICC: fittingICC(p.ICC, img)}
	if m, ok := img.(*image.NRGBA); ok {
		few := palette.Exact(m, palette.MaxColors)
		if q.Quality > 0 && q.Quality < 100 && (few == nil || len(few.Palette) > palette.ColorsAt(q.Quality)) {
			few = palette.Quantize(m, palette.ColorsAt(q.Quality))
		}
		if few != nil {
			img = few
			o.Level = indexes
		}
	}
	if area(img.Bounds().Size()) <= smallPNGPixels {
		o.Level = max(o.Level, small)
	}
	return png.Encode(w, img, &o)
}
