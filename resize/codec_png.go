package resize

import (
	"bytes"
	"compress/zlib"
	"fmt"
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
	magic:       []string{png.Signature},
	config:      configPNG,
	decode:      decodePNG,
	memory:      memoryPNG,
	encode:      encodePNG,
}

func configPNG(head []byte) (Info, error) {
	if len(head) < png.HeaderBytes {
		return Info{}, io.ErrUnexpectedEOF
	}
	h, err := png.ParseHeader(head)
	if err != nil {
		return Info{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	info := Info{Size: h.Size, Depth: 4, Alpha: h.Alpha(), plain: !h.Interlaced}
	reached, clear := false, false // the pixels; a colour that is transparent
	for c := range png.Chunks(head) {
		if reached = c.Kind == "IDAT"; reached || c.Cut() {
			break
		}
		switch c.Kind {
		case "eXIf":
			info.orientation = exif.OrientationOf(c.Data)
		case "tRNS":
			clear = true
		case "iCCP":
			info.profile = min(1032*int64(len(c.Data)), maxICCBytes)
		}
	}
	if h.Gray() && reached && !clear {
		info.Depth = 1
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
	for c := range png.SoundChunks(file) {
		colours.take(c.Kind, c.Data)
		if c.Kind == "eXIf" {
			o = exif.OrientationOf(c.Data)
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
	p.isCut, p.orientation, p.ICC, p.odd = isCut, o, colours.of(f.Colourless()), f.Odd
	if isCut {
		p.Source = want.cut.source
	}
	return p, nil
}

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
	const fast, small = 1, 6
	o := png.Options{Level: fast, ICC: fittingICC(p.ICC, img)}
	if m, ok := img.(*image.NRGBA); ok {
		few := palette.Exact(m, palette.MaxColors)
		if q.Quality > 0 && q.Quality < 100 && (few == nil || len(few.Palette) > palette.ColorsAt(q.Quality)) {
			few = palette.QuantizeAlpha(m, palette.ColorsAt(q.Quality))
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
