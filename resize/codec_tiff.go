package resize

import (
	"bytes"

	"golang.org/x/image/tiff"
)

// TIFF, read only, where the configuration names it: its decoder had the most
// faults of all.
var tiffCodec = codec{
	format:    TIFF,
	names:     []string{"tiff", "tif"},
	mediaType: "image/tiff",
	magic:     []string{"II*\x00", "MM\x00*"},
	optIn:     true,
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
		return p, nil
	},
	memory: memoryStandard,
}
