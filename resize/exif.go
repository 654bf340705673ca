package resize

import (
	"bytes"
	"encoding/binary"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// EXIF is laid out as a TIFF file: directories of fields (EXIF 2.3, section
// 4.5). What is kept of it is written anew, so that nothing hides in gaps: no
// GPS, no maker notes, no thumbnail, no orientation, since pixels are upright.

// Fields that have a meaning here.
const (
	tagDescription = 0x010e
	tagArtist      = 0x013b
	tagCopyright   = 0x8298
	tagExif        = 0x8769 // place of the directory below
)

// keptMain are the fields of the first directory that strip=none keeps.
var keptMain = []uint16{tagDescription, 0x010f, 0x0110, 0x0131, 0x0132, tagArtist, tagCopyright}

// droppedExif are the fields of the EXIF directory that it does not.
var droppedExif = []uint16{0x927c, 0x9286, 0xa005, 0xa40b} // maker note, comment, interoperability, device settings

const (
	maxExifField  = 4 << 10 // bytes; a longer one is dropped
	maxExifFields = 128     // of one directory
	maxExifBytes  = 60 << 10
)

// An exifField is one field with its value, in the byte order of its block.
type exifField struct {
	tag, kind uint16
	count     uint32
	data      []byte
}

// An exifBlock is what is read of EXIF data.
type exifBlock struct {
	order      byteOrder
	main, exif []exifField
	gps        []exifField
}

// exifSizes are the bytes of a value of each kind.
var exifSizes = [...]uint64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}

// parseEXIF reads the first directory and the two below it that matter. It
// follows each place once, so there is nothing to loop in. What is damaged is
// left out.
func parseEXIF(b []byte) exifBlock {
	b = bytes.TrimPrefix(b, []byte("Exif\x00\x00"))
	order, at, ok := tiffHeader(b)
	if !ok {
		return exifBlock{}
	}
	x := exifBlock{order: order}
	x.main = exifFields(b, order, at)
	for _, f := range x.main {
		if f.kind != 4 || f.count != 1 {
			continue
		}
		const tagGPS = 0x8825
		switch f.tag {
		case tagExif:
			x.exif = exifFields(b, order, uint64(order.Uint32(f.data)))
		case tagGPS:
			x.gps = exifFields(b, order, uint64(order.Uint32(f.data)))
		}
	}
	return x
}

func exifFields(b []byte, order byteOrder, at uint64) (fields []exifField) {
	directory(b, order, at, func(e tiffEntry) bool {
		if int(e.kind) >= len(exifSizes) || len(fields) == maxExifFields {
			return len(fields) < maxExifFields
		}
		n := exifSizes[e.kind] * uint64(e.count)
		if n == 0 || n > maxExifField {
			return true
		}
		data := e.value
		if n > 4 {
			place := uint64(order.Uint32(e.value))
			if place+n > uint64(len(b)) {
				return true
			}
			data = b[place:]
		}
		fields = append(fields, exifField{e.tag, e.kind, e.count, data[:n]})
		return true
	})
	return fields
}

// text returns the value of a field of the first directory, "" if there is none.
func (x exifBlock) text(tag uint16) string {
	for _, f := range x.main {
		if f.tag == tag && f.kind == 2 {
			return string(bytes.TrimRight(f.data, "\x00 "))
		}
	}
	return ""
}

// keep returns a new block of what strip leaves, nil if that is nothing. rights
// completes what the block has not.
func (x exifBlock) keep(strip Strip, rights rights) []byte {
	if x.order == nil {
		x.order = binary.BigEndian
	}
	main := []exifField{}
	for _, f := range x.main {
		if slices.Contains(keptMain, f.tag) && (strip == StripNone || f.tag == tagArtist || f.tag == tagCopyright) {
			main = append(main, f)
		}
	}
	for tag, value := range map[uint16]string{tagArtist: rights.artist, tagCopyright: rights.copyright} {
		if value != "" && x.text(tag) == "" {
			data := append([]byte(value[:min(len(value), maxExifField-1)]), 0)
			main = append(main, exifField{tag, 2, uint32(len(data)), data})
		}
	}
	var below []exifField
	if strip == StripNone {
		for _, f := range x.exif {
			if !slices.Contains(droppedExif, f.tag) {
				below = append(below, f)
			}
		}
	}
	if len(main) == 0 && len(below) == 0 {
		return nil
	}
	b := writeEXIF(x.order, main, below)
	if len(b) > maxExifBytes {
		b = writeEXIF(x.order, main, nil)
	}
	if len(b) > maxExifBytes {
		return nil
	}
	return b
}

// writeEXIF returns a block of a first directory and one below it, if that has
// fields.
func writeEXIF(order byteOrder, main, below []exifField) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	if order.String() == binary.BigEndian.String() {
		b = []byte("MM\x00*\x00\x00\x00\x08")
	}
	if len(below) > 0 {
		main = append(main, exifField{tagExif, 4, 1, make([]byte, 4)}) // the place follows
	}
	b, place := appendDirectory(b, order, main)
	if len(below) > 0 {
		order.PutUint32(b[place:], uint32(len(b)))
		b, _ = appendDirectory(b, order, below)
	}
	return b
}

// appendDirectory appends the fields in the order of their tags, then their
// values. It returns where the value of tagExif lies.
func appendDirectory(b []byte, order byteOrder, fields []exifField) (out []byte, exifPlace int) {
	slices.SortFunc(fields, func(a, b exifField) int { return int(a.tag) - int(b.tag) })
	u16 := func(v uint16) { b = order.AppendUint16(b, v) }
	u32 := func(v uint32) { b = order.AppendUint32(b, v) }
	values := uint32(len(b) + 2 + 12*len(fields) + 4)
	u16(uint16(len(fields)))
	var behind []byte
	for _, f := range fields {
		u16(f.tag)
		u16(f.kind)
		u32(f.count)
		if len(f.data) <= 4 {
			if f.tag == tagExif {
				exifPlace = len(b)
			}
			b = append(b, f.data...)
			b = append(b, make([]byte, 4-len(f.data))...)
			continue
		}
		u32(values + uint32(len(behind)))
		behind = append(behind, f.data...)
		if len(behind)%2 == 1 {
			behind = append(behind, 0)
		}
	}
	u32(0) // no further directory: that would be a thumbnail
	return append(b, behind...), exifPlace
}

// rights say whose a picture is.
type rights struct{ artist, copyright string }

// A metadata is what a file holds beside its picture; nil where it has none.
type metadata struct{ exif, xmp, iptc []byte }

// keep returns the EXIF block of what strip leaves of all of it.
func (m metadata) keep(strip Strip) []byte {
	if strip == StripAll {
		return nil
	}
	r := rightsOfIPTC(m.iptc)
	x := rightsOfXMP(m.xmp)
	if r.artist == "" {
		r.artist = x.artist
	}
	if r.copyright == "" {
		r.copyright = x.copyright
	}
	return parseEXIF(m.exif).keep(strip, r)
}

// rightsOfIPTC reads by-line and copyright notice of an IPTC block (IPTC-IIM 4.2,
// datasets 2:80 and 2:116) inside of Photoshop's image resources.
func rightsOfIPTC(b []byte) (r rights) {
	b, ok := bytes.CutPrefix(b, []byte("Photoshop 3.0\x00"))
	for ok && len(b) >= 12 && string(b[:4]) == "8BIM" {
		id := binary.BigEndian.Uint16(b[4:])
		name := (int(b[6]) + 2) &^ 1 // its length byte, padded
		if 6+name+4 > len(b) {
			return r
		}
		n := uint64(binary.BigEndian.Uint32(b[6+name:]))
		b = b[6+name+4:]
		if n > uint64(len(b)) {
			return r
		}
		if id == 0x0404 {
			return rightsOfDatasets(b[:n])
		}
		b = b[min(uint64(len(b)), n+n&1):]
	}
	return r
}

func rightsOfDatasets(b []byte) (r rights) {
	for len(b) >= 5 && b[0] == 0x1c {
		record, dataset, n := b[1], b[2], int(binary.BigEndian.Uint16(b[3:]))
		if n > len(b)-5 { // also the extended form, which texts do not have
			return r
		}
		value := string(b[5 : 5+n])
		switch {
		case record == 2 && dataset == 80 && r.artist == "":
			r.artist = value
		case record == 2 && dataset == 116:
			r.copyright = value
		}
		b = b[5+n:]
	}
	return r
}

// Texts of XMP are looked for, not parsed: no entities, no depth.
var (
	xmpCreator = regexp.MustCompile(`(?s)<dc:creator>.{0,200}?<rdf:li[^>]{0,100}>([^<&]{1,500})</rdf:li>`)
	xmpRights  = regexp.MustCompile(`(?s)<dc:rights>.{0,200}?<rdf:li[^>]{0,100}>([^<&]{1,500})</rdf:li>`)
)

const maxXMPBytes = 256 << 10

func rightsOfXMP(b []byte) (r rights) {
	b = b[:min(len(b), maxXMPBytes)]
	if m := xmpCreator.FindSubmatch(b); m != nil {
		r.artist = string(bytes.TrimSpace(m[1]))
	}
	if m := xmpRights.FindSubmatch(b); m != nil {
		r.copyright = string(bytes.TrimSpace(m[1]))
	}
	return r
}

// exifNames are the fields that Details shows.
var exifNames = map[uint16]string{
	tagDescription: "ImageDescription", 0x010f: "Make", 0x0110: "Model", 0x0131: "Software", 0x0132: "DateTime",
	tagArtist: "Artist", tagCopyright: "Copyright",
	0x829a: "ExposureTime", 0x829d: "FNumber", 0x8827: "ISO", 0x9003: "DateTimeOriginal", 0x9204: "ExposureBias",
	0x9209: "Flash", 0x920a: "FocalLength", 0xa405: "FocalLengthIn35mm", 0xa433: "LensMake", 0xa434: "LensModel",
}

// readable returns the fields that have a name, as text; nil if there are none.
func (x exifBlock) readable() map[string]string {
	var m map[string]string
	for _, f := range slices.Concat(x.main, x.exif) {
		name, ok := exifNames[f.tag]
		if !ok {
			continue
		}
		if v := x.value(f); v != "" {
			if m == nil {
				m = map[string]string{}
			}
			m[name] = v
		}
	}
	return m
}

// value returns the first value of a field as text.
func (x exifBlock) value(f exifField) string {
	switch {
	case f.kind == 2:
		text := string(bytes.TrimRight(f.data, "\x00 "))
		return strings.ToValidUTF8(text[:min(len(text), 200)], "\uFFFD")
	case f.kind == 3:
		return strconv.Itoa(int(x.order.Uint16(f.data)))
	case f.kind == 4:
		return strconv.FormatUint(uint64(x.order.Uint32(f.data)), 10)
	case f.kind == 5 || f.kind == 10:
		n, d := int64(x.order.Uint32(f.data)), int64(x.order.Uint32(f.data[4:]))
		if f.kind == 10 {
			n, d = int64(int32(n)), int64(int32(d))
		}
		switch {
		case d == 0:
			return ""
		case f.tag == 0x829a && n > 0 && n < d: // an exposure is a fraction
			return "1/" + strconv.FormatFloat(math.Round(float64(d)/float64(n)), 'f', -1, 64)
		}
		return strconv.FormatFloat(math.Round(float64(n)/float64(d)*100)/100, 'f', -1, 64)
	}
	return ""
}

// place returns where the picture was taken, nil if it does not say (EXIF 2.3,
// section 4.6.6).
func (x exifBlock) place() *Place {
	degrees := func(tag uint16) (float64, bool) {
		sign := 1.0
		for _, f := range x.gps {
			if f.tag == tag && len(f.data) > 0 && (f.data[0] == 'S' || f.data[0] == 'W') {
				sign = -1
			}
		}
		for _, f := range x.gps {
			if f.tag != tag+1 || f.kind != 5 || f.count != 3 {
				continue
			}
			sum, unit := 0.0, 1.0
			for i := range 3 {
				n, d := x.order.Uint32(f.data[8*i:]), x.order.Uint32(f.data[8*i+4:])
				if d != 0 {
					sum += float64(float64(n) / float64(d) * unit)
				}
				unit /= 60
			}
			return math.Round(sign*sum*1e6) / 1e6, sum <= 180
		}
		return 0, false
	}
	latitude, ok1 := degrees(1)
	longitude, ok2 := degrees(3)
	if !ok1 || !ok2 {
		return nil
	}
	return &Place{latitude, longitude}
}
