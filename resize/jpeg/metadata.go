package jpeg

import (
	"bytes"
	"encoding/binary"
)

// What begins the payloads of segments that several kinds of data share.
const (
	jfifMark  = "JFIF\x00"
	exifMark  = "Exif\x00\x00"
	xmpMark   = "http://ns.adobe.com/xap/1.0/\x00"
	adobeMark = "Adobe"
)

// Metadata returns what a file holds beside its picture, each nil where it has
// none: EXIF with "Exif\0\0" before it, XMP, and Photoshop's image resources, in
// which IPTC is. They alias the file.
func Metadata(file []byte) (exif, xmp, resources []byte) {
	for s := range Segments(file) {
		switch {
		case s.Marker == markerAPP1 && bytes.HasPrefix(s.Payload, []byte(exifMark)):
			exif = s.Payload
		case s.Marker == markerAPP1 && bytes.HasPrefix(s.Payload, []byte(xmpMark)):
			xmp = s.Payload[len(xmpMark):]
		case s.Marker == markerAPP13:
			resources = s.Payload
		case s.Marker == markerSOS:
			return exif, xmp, resources
		}
	}
	return exif, xmp, resources
}

// WithEXIF returns a file of [Encode] with an EXIF block, which has less than 64 KB,
// in front of what is not JFIF's.
func WithEXIF(file, block []byte) (out []byte) {
	for s := range Segments(file) {
		if out != nil && s.Marker != markerAPP0 && !bytes.Contains(out, []byte(exifMark)) {
			out = append(out, 0xff, markerAPP1)
			out = binary.BigEndian.AppendUint16(out, uint16(2+len(exifMark)+len(block)))
			out = append(append(out, exifMark...), block...)
		}
		out = append(out, s.Whole...)
	}
	return out
}

// WithoutMetadata returns a file without its metadata, comments, the thumbnail of
// JFIF, and bytes behind its end; profile says whether its colour profile stays.
// ok is false if the file is damaged.
func WithoutMetadata(file []byte, profile bool) (out []byte, ok bool) {
	for s := range Segments(file) {
		switch {
		case s.Marker == markerAPP0 && bytes.HasPrefix(s.Payload, []byte(jfifMark)):
			s.Whole = jfif
		case s.Marker == markerAPP14 && bytes.HasPrefix(s.Payload, []byte(adobeMark)):
		case s.Marker == markerAPP2 && profile && bytes.HasPrefix(s.Payload, []byte(iccMark)):
		case s.Marker >= markerAPP0 && s.Marker <= markerAPP15, s.Marker == markerCOM:
			continue
		}
		out = append(out, s.Whole...)
		ok = ok || s.Marker == markerEOI
	}
	return out, ok
}

// jfif is an APP0 segment without a thumbnail and with square pixels.
var jfif = []byte("\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
