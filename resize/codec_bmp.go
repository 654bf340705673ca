package resize

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"io"

	"golang.org/x/image/bmp"
)

// BMP, read where the configuration names it.
var bmpCodec = codec{
	format:      BMP,
	names:       []string{"bmp"},
	mediaType:   "image/bmp",
	resultBytes: 18,
	opaque:      true,
	magic:       []string{"BM????\x00\x00\x00\x00"},
	optIn:       true,
	config: func(head []byte) (Info, error) {
		c, err := bmp.DecodeConfig(bytes.NewReader(head))
		info, err := standardConfig(c, err)
		info.decoder = 4 * area(info.Size)
		if _, ok := c.ColorModel.(color.Palette); ok {
			info.decoder += area(info.Size)
		}
		return info, err
	},
	decode: func(file []byte, _ Want) (*Picture, error) {
		img, err := bmp.Decode(bytes.NewReader(file))
		if err != nil {
			return nil, err
		}
		if m, ok := img.(*image.RGBA); ok { // opaque, and fresh
			img = &image.NRGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
		}
		return still(plain(img)), nil
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
		return bmp.Encode(w, onWhite(toNRGBA(img)))
	},
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
