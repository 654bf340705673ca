package resize

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"image"
	stdpng "image/png"
	"io"

	"s3imageserver/resize/png"
	"s3imageserver/resize/scale"
)

// PNG (ISO/IEC 15948), read mostly by our own reader, the rest by image/png, and
// written by our own encoder; profile and orientation are found here. Of an APNG
// the default image is read.
var pngCodec = codec{
	format:      PNG,
	names:       []string{"png"},
	mediaType:   "image/png",
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
	if string(head[:len(pngSignature)]) != pngSignature {
		return Info{}, fmt.Errorf("%w: no PNG", ErrMalformed)
	}
	ihdr := head[len(pngSignature):]
	if string(ihdr[4:8]) != "IHDR" {
		return Info{}, fmt.Errorf("%w: first PNG chunk is %q", ErrMalformed, ihdr[4:8])
	}
	w, h := binary.BigEndian.Uint32(ihdr[8:]), binary.BigEndian.Uint32(ihdr[12:])
	if w > 1<<31-1 || h > 1<<31-1 {
		return Info{}, fmt.Errorf("%w: PNG of %d x %d pixels", ErrMalformed, w, h)
	}
	depth := 4
	if ihdr[16] == 16 {
		depth = 8
	}
	info := Info{Size: image.Pt(int(w), int(h)), Depth: depth, Alpha: ihdr[17]&4 != 0}
	_, info.plain = png.ParseHeader(head)
	// What follows up to the pixels, as far as it is here.
	for rest := head[len(pngSignature)+pngIHDRBytes:]; ; {
		if len(rest) < 8 {
			info.plain = false
			break
		}
		n, kind := uint64(binary.BigEndian.Uint32(rest)), string(rest[4:8])
		if kind == "IDAT" {
			break
		}
		if n+12 > uint64(len(rest)) {
			info.plain = false
			break
		}
		switch {
		case kind == "eXIf":
			info.orientation = exifOrientation(rest[8 : 8+n])
		case kind == "tRNS", kind[0]&0x20 == 0: // a transparent colour, a palette, what nobody knows
			info.plain = false
		}
		rest = rest[12+n:]
	}
	return info, nil
}

// memoryPNG counts the pixels, of 8 or 16 bits, and what they are made into; of
// a plain file that is cut while it is decoded only a few rows.
func memoryPNG(info Info, want Want) int64 {
	if info.plain && want.cuts() {
		return rowsOfPNG*4*int64(info.Size.X) + 1<<20 // buffers
	}
	return area(info.Size) * int64(4+info.Depth)
}

// rowsOfPNG is how many rows of pixels are held where only rows are: three of
// the reader, and those that the scaler sums up, in 16 bits.
const rowsOfPNG = 8

func decodePNG(file []byte, want Want) (*Picture, error) {
	var o orientation
	var colours pngColours
	for kind, data := range pngChunks(file) {
		colours.take(kind, data)
		if kind == "eXIf" {
			o = exifOrientation(data)
		}
	}
	img, isCut, err := decodePixelsPNG(file, o, want)
	if err != nil {
		return nil, err
	}
	p := still(plain(img))
	p.isCut, p.orientation, p.ICC = isCut, o, colours.of(greyPNG(file))
	if isCut {
		p.Source = want.cut.source
	}
	return p, nil
}

// greyPNG reports whether the colours of a file are grey, with alpha or without.
func greyPNG(file []byte) bool { return file[len(pngSignature)+8+9]&2 == 0 }

// decodePixelsPNG reads a file whose orientation is o, and cuts it on the way if
// it can.
func decodePixelsPNG(file []byte, o orientation, want Want) (img image.Image, isCut bool, err error) {
	cuts := want.cuts() && want.cut.orientation == o
	if cuts {
		if img, err = decodePlainPNG(file, want.cut); err == nil {
			return img, true, nil
		}
	}
	// If the header said that rows would do, there must be room for all now.
	if info, err := configPNG(file[:min(len(file), headBytes)]); err == nil && info.plain && want.cuts() {
		if err := want.more(memoryPNG(info, Want{})); err != nil {
			return nil, false, err
		}
	}
	if !cuts { // else it is not plain, as we know by now
		if img, err = decodePlainPNG(file, cut{}); err == nil {
			return img, false, nil
		}
	}
	img, err = stdpng.Decode(bytes.NewReader(file))
	return img, false, err
}

// pngChunks yields type and data of every chunk of a file, up to the first one
// that is not whole.
func pngChunks(file []byte) func(func(kind string, data []byte) bool) {
	return func(yield func(string, []byte) bool) {
		rest := file[min(len(file), len(pngSignature)):]
		for len(rest) >= 12 {
			n := uint64(binary.BigEndian.Uint32(rest))
			if n > uint64(len(rest)-12) || !yield(string(rest[4:8]), rest[8:8+n]) {
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
	profile, err := io.ReadAll(io.LimitReader(r, maxICCBytes+1))
	if err != nil || len(profile) > maxICCBytes {
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
		img = toNRGBA(m)
	}
	const fast, small = 1, 6
	o := png.Options{Level: fast, ICC: fittingICC(p.ICC, img)}
	if m, ok := img.(*image.NRGBA); ok {
		few := exactPalette(m, maxColors)
		if q.Quality > 0 && q.Quality < 100 && (few == nil || len(few.Palette) > colorsOf(q.Quality)) {
			few = quantizeAlpha(m, colorsOf(q.Quality))
		}
		if few != nil {
			img = few
			o.Level = small
		}
	}
	if area(img.Bounds().Size()) <= smallPNGPixels {
		o.Level = small
	}
	return png.Encode(w, img, &o)
}
