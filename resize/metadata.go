package resize

import (
	"bytes"
	"image"

	"s3imageserver/resize/icc"
)

// maxICCBytes is the largest colour profile that is kept; printers' tables have
// up to 3 MB.
const maxICCBytes = icc.MaxBytes

// fittingICC returns profile if it can belong to pixels like those of img, else
// nil.
func fittingICC(profile []byte, img image.Image) []byte {
	space := "RGB "
	switch img.(type) {
	case *image.Gray:
		space = "GRAY"
	case *image.CMYK:
		space = "CMYK"
	}
	if spaceOf(profile) != space {
		return nil
	}
	return profile
}

// spaceOf returns the colour space of a profile, as in "RGB "; "" if it is none.
// It is in bytes 16 to 19 of the header, the file signature in 36 to 39
// (ICC.1:2022, section 7.2).
func spaceOf(profile []byte) string {
	if len(profile) < 128 || len(profile) > maxICCBytes || string(profile[36:40]) != "acsp" {
		return ""
	}
	return string(profile[16:20])
}

// exifOrientation returns the orientation in an EXIF block, upright if it has
// none or is damaged. The block starts with a TIFF header; writers often leave
// "Exif\0\0" before it (EXIF 2.3, section 4.5).
func exifOrientation(exif []byte) orientation {
	exif = bytes.TrimPrefix(exif, []byte("Exif\x00\x00"))
	const tagOrientation, typeShort = 0x0112, 3
	for e := range tiffEntries(exif) {
		if e.tag != tagOrientation {
			continue
		}
		if v := e.order.Uint16(e.value); e.kind == typeShort && v >= 1 && v <= 8 {
			return orientation(v)
		}
		return 1
	}
	return 1
}
