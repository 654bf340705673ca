package resize

import (
	"io"

	"golang.org/x/image/tiff"

	"s3imageserver/resize/options"
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
		l := layoutOf(head)
		r, inks := tiffReader(head, l)
		info, err := standardConfig(tiff.DecodeConfig(r))
		info.cmyk, info.decoder = inks, l.memory()
		return info, err
	},
	decode:    decodeTIFF,
	page:      pageTIFF,
	memory:    func(info Info, _ Want) int64 { return info.decoder },
	embedsICC: true,
	encode: func(w io.Writer, p *Picture, _ Quality) error {
		img, err := p.first()
		if err != nil {
			return err
		}
		return writeTIFF(w, img, fittingICC(p.ICC, img))
	},
}
