package resize

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"image"
	"io"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/icc"
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
	info := Info{Size: h.Size, Depth: 4, Alpha: h.Alpha(), byRows: !h.Interlaced}
	reached, clear := false, false // the pixels; a colour that is transparent
	for c := range png.Chunks(head) {
		if reached = c.Kind == "IDAT"; reached || c.Truncated() {
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
// them; of a file that is resampled while it is decoded there are only rows.
func memoryPNG(info Info, want Want) int64 {
	rows := rowsOfPNG*8*int64(info.Size.X) + 1<<20 + info.profile // and the buffers of the reader
	if info.byRows && want.resamples() {
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
	img, resampled, err := decodePixelsPNG(f, file, o, want)
	if err != nil {
		return nil, err
	}
	p := still(img)
	p.resampled, p.orientation, p.ICC, p.nonconforming = resampled, o, colours.of(f.Colourless()), f.Nonconforming
	if resampled {
		p.Source = want.resample.source
	}
	return p, nil
}

// decodePixelsPNG reads a file whose orientation is o, and resamples it on the way if
// it can.
func decodePixelsPNG(f *png.File, file []byte, o exif.Orientation, want Want) (img image.Image, resampled bool, err error) {
	if want.resamples() && want.resample.orientation == o && want.resample.source == f.Size && !f.Interlaced {
		img, err = decodeRowsPNG(f, want.resample, want)
		if err == nil || want.show == nil {
			return img, true, err
		}
	}
	// If the header said that rows would do, there must be room for all now.
	if info, err := configPNG(file[:min(len(file), headBytes)]); err == nil && info.byRows && want.resamples() {
		if err := want.reserve(memoryPNG(info, Want{})); err != nil {
			return nil, false, err
		}
	}
	img, err = decodeRowsPNG(f, resample{}, want)
	return img, false, err
}

// decodeRowsPNG decodes a picture and resamples it as c says while it does, so that no
// more than a few rows of it are in memory, with the same result as if it had
// been decoded first; the zero c means the whole picture. Of a damaged one the
// pixels that are missing are transparent, black where it has only shades of grey;
// it is not resampled on the way.
func decodeRowsPNG(f *png.File, c resample, want Want) (image.Image, error) {
	var to rowSink // made with the first row: before, the file may be anything
	defer func() {
		if to != nil {
			to.close()
		}
	}()
	whole := c == resample{}
	err := f.Decode(whole && want.show != nil, func(row png.Row) (more bool, err error) {
		if to == nil {
			to = rowsOf(f, c)
		}
		to.add(row)
		return !to.done(), want.ended()
	})
	if err := want.ended(); err != nil {
		return nil, err
	}
	if err != nil {
		if to == nil || !whole {
			return nil, err
		}
		if err := want.damaged(err); err != nil {
			return nil, err
		}
	}
	return to.picture(), nil
}

func rowsOf(f *png.File, c resample) rowSink {
	if c == (resample{}) {
		return newWholeRows(f.Samples, f.Size)
	}
	return newResampledRows(f.Samples, c)
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

// pngColours collects what the chunks of a PNG say of its colours.
type pngColours struct {
	numbers  []byte // of cICP
	profile  []byte // of iCCP
	srgb     bool
	gamma    float64 // of samples: what light is raised to; 0: not given
	measured []float64
}

// pngFraction is what a 1 is in gAMA and cHRM.
const pngFraction = 100_000

// take reads a chunk, if it is one of colours. The first one of a kind counts.
func (c *pngColours) take(kind string, data []byte) {
	switch {
	case kind == "cICP" && len(data) == 4 && c.numbers == nil:
		c.numbers = data
	case kind == "iCCP" && c.profile == nil:
		c.profile = inflateICC(data)
	case kind == "sRGB":
		c.srgb = true
	case kind == "gAMA" && len(data) == 4 && c.gamma == 0:
		c.gamma = float64(binary.BigEndian.Uint32(data)) / pngFraction
	case kind == "cHRM" && len(data) == 32 && c.measured == nil:
		for at := range 8 {
			c.measured = append(c.measured, float64(binary.BigEndian.Uint32(data[4*at:]))/pngFraction)
		}
	}
}

// of returns the profile of the colours, nil for sRGB. cICP comes before iCCP,
// that before sRGB, and that before gAMA and cHRM (PNG specification, third
// edition, section 4.3); what is not understood is left out.
func (c *pngColours) of(grey bool) []byte {
	const rgb, full = 0, 1 // no matrix, full range
	switch n := c.numbers; {
	case n != nil && n[2] == rgb && n[3] == full && icc.Known(n[0], n[1]):
		if grey {
			return icc.Gray(n[1], 0)
		}
		return icc.Numbers(n[0], n[1])
	case c.profile != nil:
		return c.profile
	case c.srgb:
		return nil
	}
	// Browsers do not correct without gAMA. One within a twentieth of 1/2.2 is
	// meant to be sRGB's, whose writers put it there for readers of old.
	const srgb = 13 // a transfer of ITU-T H.273
	transfer, gamma := byte(0), 1/c.gamma
	switch {
	case c.gamma < 0.01 || c.gamma > 10:
		return nil
	case c.gamma > 0.95/2.2 && c.gamma < 1.05/2.2:
		transfer, gamma = srgb, 0
	}
	if grey {
		return icc.Gray(transfer, gamma)
	}
	white, primaries := [2]float64{0.3127, 0.3290}, [6]float64{0.640, 0.330, 0.300, 0.600, 0.150, 0.060} // of sRGB
	if c.measured != nil {
		white, primaries = [2]float64(c.measured), [6]float64(c.measured[2:])
	}
	return icc.Measured(white, primaries, transfer, gamma)
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
