package resize

import (
	"bytes"
	"encoding/binary"
	"image"
)

// maxICCBytes is the largest colour profile that is kept; printers' tables have
// up to 3 MB.
const maxICCBytes = 4 << 20

// fittingICC returns profile if it can belong to pixels like those of img, else
// nil. The colour space of a profile is in bytes 16 to 19 of its header, the
// file signature in 36 to 39 (ICC.1:2022, section 7.2).
func fittingICC(profile []byte, img image.Image) []byte {
	if len(profile) < 128 || len(profile) > maxICCBytes || string(profile[36:40]) != "acsp" {
		return nil
	}
	space := "RGB "
	switch img.(type) {
	case *image.Gray:
		space = "GRAY"
	case *image.CMYK:
		space = "CMYK"
	}
	if string(profile[16:20]) != space {
		return nil
	}
	return profile
}

// exifOrientation returns the orientation in an EXIF block, upright if it has
// none or is damaged. The block starts with a TIFF header; writers often leave
// "Exif\0\0" before it (EXIF 2.3, section 4.5).
func exifOrientation(exif []byte) orientation {
	exif = bytes.TrimPrefix(exif, []byte("Exif\x00\x00"))
	if len(exif) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(exif[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	// Only the first directory (IFD0) is read, so there is nothing to loop in.
	at := uint64(order.Uint32(exif[4:]))
	if at+2 > uint64(len(exif)) {
		return 1
	}
	const entryBytes, tagOrientation, typeShort = 12, 0x0112, 3
	n := int(order.Uint16(exif[at:]))
	entries := exif[at+2:]
	for i := 0; i < n && (i+1)*entryBytes <= len(entries); i++ {
		e := entries[i*entryBytes:]
		if order.Uint16(e) != tagOrientation {
			continue
		}
		if v := order.Uint16(e[8:]); order.Uint16(e[2:]) == typeShort && v >= 1 && v <= 8 {
			return orientation(v)
		}
		return 1
	}
	return 1
}
