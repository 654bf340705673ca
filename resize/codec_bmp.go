package resize

import (
	"bytes"
	"fmt"
	"image"
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
		return standardConfig(bmp.DecodeConfig(bytes.NewReader(head)))
	},
	decode: func(file []byte, _ Want) (*Picture, error) {
		img, err := bmp.Decode(bytes.NewReader(file))
		if err != nil {
			return nil, err
		}
		return still(plain(img)), nil
	},
	memory: memoryStandard,
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

// memoryStandard counts the decoder's picture, of up to 8 bytes a pixel, and
// the 4 of the one that is made of it.
func memoryStandard(info Info, _ Want) int64 {
	return 12 * int64(info.Size.X) * int64(info.Size.Y)
}
