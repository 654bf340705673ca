package resize

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"io"

	"golang.org/x/image/bmp"

	"s3imageserver/resize/options"
	"s3imageserver/resize/pixel"
)

// BMP, read where the configuration names it.
var bmpCodec = codec{
	format:      options.BMP,
	resultBytes: 18,
	opaque:      true,
	magic:       []string{"BM????\x00\x00\x00\x00"},
	optIn:       true,
	config: func(head []byte) (Info, error) {
		c, err := bmp.DecodeConfig(readerBMP(head))
		info, err := standardConfig(c, err)
		info.decoder = 4 * area(info.Size)
		if _, ok := c.ColorModel.(color.Palette); ok {
			info.decoder += area(info.Size)
		}
		return info, err
	},
	decode: func(file []byte, _ Want) (*Picture, error) {
		img, err := bmp.Decode(readerBMP(file))
		if err != nil {
			return nil, err
		}
		if m, ok := img.(*image.RGBA); ok { // opaque, and fresh
			img = &image.NRGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
		}
		return still(pixel.Normalize(img)), nil
	},
	memory: func(info Info, _ Want) int64 { return info.decoder },
	// Transparency lies on white: few readers know of any in BMP.
	encode: func(w io.Writer, p *Picture, _ Quality) error {
		img, err := p.first()
		if err != nil {
			return err
		}
		if size := img.Bounds().Size(); 4*area(size) > 1<<32-1-2048 { // 32 bits, with headers and palette
			return fmt.Errorf("%w: BMP has no %v pixels", ErrLimit, size)
		}
		if m, ok := img.(*image.Gray); ok {
			return bmp.Encode(w, m)
		}
		return bmp.Encode(w, pixel.OnWhite(pixel.Copy(img)))
	},
}

// readerBMP reads a file with the header of Windows, which package bmp wants, also
// where it is one of OS/2: 12 bytes, with palettes of three bytes a colour, or 16
// or 64 that begin like those of Windows.
func readerBMP(file []byte) io.Reader {
	const fileHeader, windows, most = 14, 40, 256
	whole := bytes.NewReader(file)
	if len(file) < fileHeader+16 {
		return whole
	}
	le := binary.LittleEndian
	offset, length := int64(le.Uint32(file[10:])), int(le.Uint32(file[14:]))
	if length != 12 && length != 16 && length != 64 || len(file) < fileHeader+length || offset < int64(fileHeader+length) || offset > int64(len(file)) {
		return whole
	}
	old := file[fileHeader+4 : fileHeader+length]
	head := append(bytes.Clone(file[:fileHeader]), make([]byte, windows)...)
	head[fileHeader] = windows
	each := 4
	if length == 12 {
		each = 3
		info := head[fileHeader+4:]
		le.PutUint32(info, uint32(le.Uint16(old)))
		le.PutUint32(info[4:], uint32(le.Uint16(old[2:])))
		copy(info[8:12], old[4:]) // planes and bits
	} else {
		copy(head[fileHeader+4:], old)
	}
	bits := le.Uint16(head[28:])
	if bits <= 8 {
		colors := file[fileHeader+length : offset]
		n := min(len(colors)/each, 1<<bits, most)
		for i := range n {
			head = append(head, colors[i*each], colors[i*each+1], colors[i*each+2], 0)
		}
		le.PutUint32(head[46:], uint32(n))
	}
	le.PutUint32(head[10:], uint32(len(head)))
	return io.MultiReader(bytes.NewReader(head), bytes.NewReader(file[offset:]))
}

// standardConfig makes an Info of what a decoder of the standard library's kind
// says. A head that is too short is seen as io.ErrUnexpectedEOF, in the way of
// those decoders.
func standardConfig(c image.Config, err error) (Info, error) {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return Info{Size: image.Pt(c.Width, c.Height), Depth: 4, Alpha: true}, err
}
