package resize

import (
	"bytes"
	"io"

	"golang.org/x/image/tiff"
)

// TIFF, read where the configuration names it: its decoder had the most faults
// of all. Of several pages the first one is read, or the one that is asked for. Our own writer writes it.
var tiffCodec = codec{
	format:      TIFF,
	names:       []string{"tiff", "tif"},
	mediaType:   "image/tiff",
	resultBytes: 14,
	magic:       []string{"II*\x00", "MM\x00*"},
	optIn:       true,
	// The directory may lie anywhere in the file: a head that holds it not is
	// asked for in whole.
	config: func(head []byte) (Info, error) {
		return standardConfig(tiff.DecodeConfig(bytes.NewReader(head)))
	},
	decode: func(file []byte, _ Want) (*Picture, error) {
		img, err := tiff.Decode(bytes.NewReader(file))
		if err != nil {
			return nil, err
		}
		p := still(plain(img))
		p.orientation = exifOrientation(file) // a TIFF file is laid out as EXIF is
		p.ICC = tiffProfile(file)
		_, p.Pages, _ = tiffDirectories(file, maxPage) // up to a fault
		return p, nil
	},
	page:      pageTIFF,
	memory:    memoryStandard,
	embedsICC: true,
	encode: func(w io.Writer, p *Picture, _ Quality) error {
		img, err := p.first()
		if err != nil {
			return err
		}
		return writeTIFF(w, img, fittingICC(p.ICC, img))
	},
}
