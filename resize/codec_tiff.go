package resize

import (
	"image"
	"io"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/tiff"
)

// TIFF, read where the configuration names it: its decoder had the most faults
// of all. Of several pages the first one is read, or the one that is asked for.
// Our own writer writes it.
var tiffCodec = codec{
	format:      options.TIFF,
	resultBytes: 14,
	magic:       []string{"II*\x00", "MM\x00*"},
	optIn:       true,
	// The directory may lie anywhere in the file. If the head does not hold it,
	// the whole file is read.
	config: func(head []byte) (Info, error) {
		h, err := tiff.Parse(head)
		info, err := standardConfig(image.Config{Width: h.Size.X, Height: h.Size.Y}, err)
		info.cmyk, info.decoder = h.Inks, h.Memory
		return info, err
	},
	decode: decodeTIFF,
	page: func(file []byte, n int) ([]byte, error) {
		head, err := tiff.Page(file, n)
		return head, fromBelow(err)
	},
	memory:    func(info Info, _ Want) int64 { return info.decoder },
	embedsICC: true,
	encode: func(w io.Writer, p *Picture, _ Quality) error {
		img, err := p.first()
		if err != nil {
			return err
		}
		return tiff.Encode(w, img, fittingICC(p.ICC, img))
	},
}

func decodeTIFF(file []byte, _ Want) (*Picture, error) {
	img, err := tiff.Decode(file)
	if err != nil {
		return nil, fromBelow(err)
	}
	p := still(img)
	p.orientation = exif.OrientationOf(file) // a TIFF file is laid out as EXIF is
	p.ICC = tiff.Profile(file)
	p.Pages = tiff.Pages(file, options.MaxPage)
	return p, nil
}
