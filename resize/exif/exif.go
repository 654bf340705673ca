// Package exif reads and writes what is said about a picture beside its pixels:
// its orientation, EXIF (EXIF 2.3), and the directories of TIFF 6.0 in which that
// is laid out; of XMP and IPTC it reads whose the picture is.
//
// All of it is input from outside: what is damaged is left out, and nothing is
// followed twice.
package exif

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
	TagArtist      = 0x013b
	TagCopyright   = 0x8298
	tagExif        = 0x8769 // place of the directory below
)

// keptMain are the fields of the first directory that strip=none keeps.
var keptMain = []uint16{tagDescription, 0x010f, 0x0110, 0x0131, 0x0132, TagArtist, TagCopyright}

// droppedExif are the fields of the EXIF directory that it does not.
var droppedExif = []uint16{0x927c, 0x9286, 0xa005, 0xa40b} // maker note, comment, interoperability, device settings

const (
	maxField  = 4 << 10 // bytes; a longer one is dropped
	maxFields = 128     // of one directory
	maxBytes  = 60 << 10
)

// A Field is one field with its value, in the byte order of its block.
type Field struct {
	Tag, Kind uint16
	Count     uint32
	Data      []byte
}

// A Block is what is read of EXIF data.
type Block struct {
	Order      ByteOrder
	Main, EXIF []Field
	GPS        []Field
}

// sizes are the bytes of a value of each kind.
var sizes = [...]uint64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}

// Parse reads the first directory and the two below it that matter. It
// follows each place once, so there is nothing to loop in. What is damaged is
// left out.
func Parse(b []byte) Block {
	b = bytes.TrimPrefix(b, []byte("Exif\x00\x00"))
	order, at, ok := Header(b)
	if !ok {
		return Block{}
	}
	x := Block{Order: order}
	x.Main = fieldsOf(b, order, at)
	for _, f := range x.Main {
		if f.Kind != 4 || f.Count != 1 {
			continue
		}
		const tagGPS = 0x8825
		switch f.Tag {
		case tagExif:
			x.EXIF = fieldsOf(b, order, uint64(order.Uint32(f.Data)))
		case tagGPS:
			x.GPS = fieldsOf(b, order, uint64(order.Uint32(f.Data)))
		}
	}
	return x
}

func fieldsOf(b []byte, order ByteOrder, at uint64) (fields []Field) {
	directory(b, order, at, func(e Entry) bool {
		if int(e.Kind) >= len(sizes) || len(fields) == maxFields {
			return len(fields) < maxFields
		}
		n := sizes[e.Kind] * uint64(e.Count)
		if n == 0 || n > maxField {
			return true
		}
		data := e.Value
		if n > 4 {
			place := uint64(order.Uint32(e.Value))
			if place+n > uint64(len(b)) {
				return true
			}
			data = b[place:]
		}
		fields = append(fields, Field{e.Tag, e.Kind, e.Count, data[:n]})
		return true
	})
	return fields
}

// Text returns the value of a field of the first directory, "" if there is none.
func (x Block) Text(tag uint16) string {
	for _, f := range x.Main {
		if f.Tag == tag && f.Kind == 2 {
			return string(bytes.TrimRight(f.Data, "\x00 "))
		}
	}
	return ""
}

// keep returns a new block of artist and copyright, or of all that may be kept;
// nil if that is nothing. rights completes what the block has not.
func (x Block) keep(all bool, rights Rights) []byte {
	if x.Order == nil {
		x.Order = binary.BigEndian
	}
	main := []Field{}
	for _, f := range x.Main {
		if slices.Contains(keptMain, f.Tag) && (all || f.Tag == TagArtist || f.Tag == TagCopyright) {
			main = append(main, f)
		}
	}
	for tag, value := range map[uint16]string{TagArtist: rights.artist, TagCopyright: rights.copyright} {
		if value != "" && x.Text(tag) == "" {
			data := append([]byte(value[:min(len(value), maxField-1)]), 0)
			main = append(main, Field{tag, 2, uint32(len(data)), data})
		}
	}
	var below []Field
	if all {
		for _, f := range x.EXIF {
			if !slices.Contains(droppedExif, f.Tag) {
				below = append(below, f)
			}
		}
	}
	if len(main) == 0 && len(below) == 0 {
		return nil
	}
	b := Write(x.Order, main, below)
	if len(b) > maxBytes {
		b = Write(x.Order, main, nil)
	}
	if len(b) > maxBytes {
		return nil
	}
	return b
}

// Write returns a block of a first directory and one below it, if that has
// fields.
func Write(order ByteOrder, main, below []Field) []byte {
	b := []byte("II*\x00\x08\x00\x00\x00")
	if order.String() == binary.BigEndian.String() {
		b = []byte("MM\x00*\x00\x00\x00\x08")
	}
	if len(below) > 0 {
		main = append(main, Field{tagExif, 4, 1, make([]byte, 4)}) // the place follows
	}
	directory, place := Directory(len(b), order, main)
	place += len(b)
	b = append(b, directory...)
	if len(below) > 0 {
		order.PutUint32(b[place:], uint32(len(b)))
		directory, _ = Directory(len(b), order, below)
		b = append(b, directory...)
	}
	return b
}

// Directory returns a directory that begins at that place of a file, with the
// values of its fields behind it. Fields are sorted by their tags. exifPlace is
// where in b the value of tagExif lies, which is the place of another directory.
func Directory(at int, order ByteOrder, fields []Field) (b []byte, exifPlace int) {
	slices.SortStableFunc(fields, func(a, b Field) int { return int(a.Tag) - int(b.Tag) })
	u16 := func(v uint16) { b = order.AppendUint16(b, v) }
	u32 := func(v uint32) { b = order.AppendUint32(b, v) }
	values := uint32(at + 2 + entryBytes*len(fields) + 4)
	u16(uint16(len(fields)))
	var behind []byte
	for _, f := range fields {
		u16(f.Tag)
		u16(f.Kind)
		u32(f.Count)
		if len(f.Data) <= 4 {
			if f.Tag == tagExif {
				exifPlace = len(b)
			}
			b = append(b, f.Data...)
			b = append(b, make([]byte, 4-len(f.Data))...)
			continue
		}
		u32(values + uint32(len(behind)))
		behind = append(behind, f.Data...)
		if len(behind)%2 == 1 {
			behind = append(behind, 0)
		}
	}
	u32(0) // no further directory: that would be a thumbnail, or a page
	return append(b, behind...), exifPlace
}

// Rights say whose a picture is; empty: not known.
type Rights struct{ artist, copyright string }

// A Metadata is what a file holds beside its picture; nil where it has none.
type Metadata struct{ EXIF, XMP, IPTC []byte }

// Keep returns the EXIF block of artist and copyright, or of all that may be kept.
func (m Metadata) Keep(all bool) []byte {
	r := rightsOfIPTC(m.IPTC)
	x := rightsOfXMP(m.XMP)
	if r.artist == "" {
		r.artist = x.artist
	}
	if r.copyright == "" {
		r.copyright = x.copyright
	}
	return Parse(m.EXIF).keep(all, r)
}

// rightsOfIPTC reads by-line and copyright notice of an IPTC block (IPTC-IIM 4.2,
// datasets 2:80 and 2:116) inside of Photoshop's image resources.
func rightsOfIPTC(b []byte) (r Rights) {
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

func rightsOfDatasets(b []byte) (r Rights) {
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

func rightsOfXMP(b []byte) (r Rights) {
	b = b[:min(len(b), maxXMPBytes)]
	if m := xmpCreator.FindSubmatch(b); m != nil {
		r.artist = string(bytes.TrimSpace(m[1]))
	}
	if m := xmpRights.FindSubmatch(b); m != nil {
		r.copyright = string(bytes.TrimSpace(m[1]))
	}
	return r
}

// names are the fields that Details shows.
var names = map[uint16]string{
	tagDescription: "ImageDescription", 0x010f: "Make", 0x0110: "Model", 0x0131: "Software", 0x0132: "DateTime",
	TagArtist: "Artist", TagCopyright: "Copyright",
	0x829a: "ExposureTime", 0x829d: "FNumber", 0x8827: "ISO", 0x9003: "DateTimeOriginal", 0x9204: "ExposureBias",
	0x9209: "Flash", 0x920a: "FocalLength", 0xa405: "FocalLengthIn35mm", 0xa433: "LensMake", 0xa434: "LensModel",
}

// Readable returns the fields that have a name, as text; nil if there are none.
func (x Block) Readable() map[string]string {
	var m map[string]string
	for _, f := range slices.Concat(x.Main, x.EXIF) {
		name, ok := names[f.Tag]
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
func (x Block) value(f Field) string {
	switch {
	case f.Kind == 2:
		text := string(bytes.TrimRight(f.Data, "\x00 "))
		return strings.ToValidUTF8(text[:min(len(text), 200)], "\uFFFD")
	case f.Kind == 3:
		return strconv.Itoa(int(x.Order.Uint16(f.Data)))
	case f.Kind == 4:
		return strconv.FormatUint(uint64(x.Order.Uint32(f.Data)), 10)
	case f.Kind == 5 || f.Kind == 10:
		n, d := int64(x.Order.Uint32(f.Data)), int64(x.Order.Uint32(f.Data[4:]))
		if f.Kind == 10 {
			n, d = int64(int32(n)), int64(int32(d))
		}
		switch {
		case d == 0:
			return ""
		case f.Tag == 0x829a && n > 0 && n < d: // an exposure is a fraction
			return "1/" + strconv.FormatFloat(math.Round(float64(d)/float64(n)), 'f', -1, 64)
		}
		return strconv.FormatFloat(math.Round(float64(n)/float64(d)*100)/100, 'f', -1, 64)
	}
	return ""
}

// A Place is where a picture was taken, in degrees.
type Place struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// Place returns where the picture was taken, nil if it does not say (EXIF 2.3,
// section 4.6.6).
func (x Block) Place() *Place {
	degrees := func(tag uint16) (float64, bool) {
		sign := 1.0
		for _, f := range x.GPS {
			if f.Tag == tag && len(f.Data) > 0 && (f.Data[0] == 'S' || f.Data[0] == 'W') {
				sign = -1
			}
		}
		for _, f := range x.GPS {
			if f.Tag != tag+1 || f.Kind != 5 || f.Count != 3 {
				continue
			}
			sum, unit := 0.0, 1.0
			for i := range 3 {
				n, d := x.Order.Uint32(f.Data[8*i:]), x.Order.Uint32(f.Data[8*i+4:])
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

// OrientationOf returns the orientation in an EXIF block, upright if it has
// none or is damaged. The block starts with a TIFF header; writers often leave
// "Exif\0\0" before it (EXIF 2.3, section 4.5).
func OrientationOf(exif []byte) Orientation {
	exif = bytes.TrimPrefix(exif, []byte("Exif\x00\x00"))
	const tagOrientation, typeShort = 0x0112, 3
	for e := range Entries(exif) {
		if e.Tag != tagOrientation {
			continue
		}
		if v := e.Order.Uint16(e.Value); e.Kind == typeShort && v >= 1 && v <= 8 {
			return Orientation(v)
		}
		return 1
	}
	return 1
}
