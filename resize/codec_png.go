package resize

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"sync"

	"s3imageserver/resize/scale"
)

// PNG, mostly by our own reader, the rest by image/png; profile and orientation are found here. Of an APNG the
// default image is read.
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
	memory: func(info Info, _ Want) int64 {
		return int64(info.Size.X) * int64(info.Size.Y) * int64(4+info.Depth)
	},
	encode: encodePNG,
}

const (
	pngSignature = "\x89PNG\r\n\x1a\n"
	pngIHDRBytes = 25 // the chunk with its length, type and checksum
)

func configPNG(head []byte) (Info, error) {
	if len(head) < len(pngSignature)+pngIHDRBytes {
		return Info{}, io.ErrUnexpectedEOF
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
	return Info{Size: image.Pt(int(w), int(h)), Depth: depth, Alpha: ihdr[17]&4 != 0}, nil
}

func decodePNG(file []byte, _ Want) (*Picture, error) {
	img, err := decodePlainPNG(file)
	if err != nil {
		img, err = png.Decode(bytes.NewReader(file))
	}
	if err != nil {
		return nil, err
	}
	p := still(plain(img))
	for kind, data := range pngChunks(file) {
		switch kind {
		case "iCCP":
			p.ICC = inflateICC(data)
		case "eXIf":
			p.orientation = exifOrientation(data)
		}
	}
	return p, nil
}

// pngChunks yields type and data of every chunk of a file that image/png has
// read, which checked them up to the last one it needed.
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
// costs a third of the time for an eighth more bytes.
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
	encoder := png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: &pngBuffers}
	profile := fittingICC(p.ICC, img)
	if m, ok := img.(*image.NRGBA); ok {
		few := exactPalette(m, maxColors)
		if q.Quality > 0 && q.Quality < 100 && (few == nil || len(few.Palette) > colorsOf(q.Quality)) {
			few = quantizeAlpha(m, colorsOf(q.Quality))
		}
		if few != nil {
			img = few
			encoder.CompressionLevel = png.DefaultCompression
		}
	}
	if b := img.Bounds(); b.Dx()*b.Dy() <= smallPNGPixels {
		encoder.CompressionLevel = png.DefaultCompression
	}
	if profile == nil {
		return encoder.Encode(w, img)
	}
	var file bytes.Buffer
	if err := encoder.Encode(&file, img); err != nil {
		return err
	}
	head := file.Next(len(pngSignature) + pngIHDRBytes)
	chunk, err := iccChunk(profile)
	if err != nil {
		return err
	}
	_, err = io.MultiReader(bytes.NewReader(head), bytes.NewReader(chunk), &file).(io.WriterTo).WriteTo(w)
	return err
}

// iccChunk returns an iCCP chunk.
func iccChunk(profile []byte) ([]byte, error) {
	var data bytes.Buffer
	data.WriteString("icc\x00\x00")
	z := zlib.NewWriter(&data)
	_, err := z.Write(profile)
	if err := errors.Join(err, z.Close()); err != nil {
		return nil, err
	}
	return pngChunk("iCCP", data.Bytes()), nil
}

var pngBuffers pngBufferPool

// pngBufferPool keeps the encoder's buffers between pictures.
type pngBufferPool struct{ pool sync.Pool }

func (p *pngBufferPool) Get() *png.EncoderBuffer {
	b, _ := p.pool.Get().(*png.EncoderBuffer)
	return b
}

func (p *pngBufferPool) Put(b *png.EncoderBuffer) { p.pool.Put(b) }
