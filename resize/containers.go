package resize

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/heif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/webp"
)

// Files of JPEG, PNG and WebP taken apart without decoding: to find metadata,
// to add some to a result, and to leave it out of a source that is sent as it
// is.

// A jpegSegment is a marker and what belongs to it, the bytes of a scan
// included (T.81 section B.1.1).
type jpegSegment struct {
	marker  byte
	payload []byte // without marker and length; nil: it has none
	whole   []byte // all bytes, and of SOS those of the scan too
}

// JPEG markers.
const (
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerAPP0  = 0xe0
	markerAPP1  = 0xe1
	markerAPP2  = 0xe2
	markerAPP13 = 0xed
	markerAPP14 = 0xee
	markerCOM   = 0xfe
)

// jpegSegments yields the segments from SOI to EOI; what follows it is not
// part of the picture, and bytes between segments are none of them. It ends early
// where the file is damaged.
func jpegSegments(file []byte) func(func(jpegSegment) bool) {
	return func(yield func(jpegSegment) bool) {
		b := file
		for len(b) >= 2 {
			if b[0] != 0xff || b[1] == 0 {
				// As a decoder does, look for the next marker.
				i := bytes.IndexByte(b[1:], 0xff)
				if i < 0 {
					return
				}
				b = b[1+i:]
				continue
			}
			if b[1] == 0xff { // fill
				b = b[1:]
				continue
			}
			s := jpegSegment{marker: b[1]}
			n := 2
			if s.marker != markerSOI && s.marker != markerEOI && (s.marker < 0xd0 || s.marker > 0xd7) && s.marker != 0x01 {
				if len(b) < 4 {
					return
				}
				n += int(binary.BigEndian.Uint16(b[2:]))
				if n < 4 || n > len(b) {
					return
				}
				s.payload = b[4:n]
				if s.marker == markerSOS {
					n += scanBytes(b[n:])
				}
			}
			s.whole = b[:n]
			if !yield(s) || s.marker == markerEOI {
				return
			}
			b = b[n:]
		}
	}
}

// scanBytes returns how many bytes the entropy-coded data at the start of b
// takes, up to a marker that is neither stuffing nor a restart.
func scanBytes(b []byte) int {
	for i := 0; i+1 < len(b); {
		j := bytes.IndexByte(b[i:len(b)-1], 0xff)
		if j < 0 {
			break
		}
		i += j
		if m := b[i+1]; m == 0 || (m >= 0xd0 && m <= 0xd7) {
			i += 2
		} else if m == 0xff {
			i++
		} else {
			return i
		}
	}
	return len(b)
}

const (
	exifMark = "Exif\x00\x00"
	xmpMark  = "http://ns.adobe.com/xap/1.0/\x00"
)

// metadataOf finds the metadata of a file.
func metadataOf(format options.Format, file []byte) (m exif.Metadata) {
	switch format {
	case options.JPEG:
		for s := range jpegSegments(file) {
			switch {
			case s.marker == markerAPP1 && bytes.HasPrefix(s.payload, []byte(exifMark)):
				m.EXIF = s.payload
			case s.marker == markerAPP1 && bytes.HasPrefix(s.payload, []byte(xmpMark)):
				m.XMP = s.payload[len(xmpMark):]
			case s.marker == markerAPP13:
				m.IPTC = s.payload
			case s.marker == markerSOS:
				return m
			}
		}
	case options.PNG:
		for kind, data := range pngChunks(file) {
			switch kind {
			case "eXIf":
				m.EXIF = data
			case "iTXt":
				if rest, ok := bytes.CutPrefix(data, []byte("XML:com.adobe.xmp\x00\x00\x00\x00\x00")); ok {
					m.XMP = rest
				}
			}
		}
	case options.WebP:
		body, err := webp.Body(file)
		if err != nil {
			return m
		}
		for c, err := range webp.Chunks(body) {
			if err != nil {
				return m
			}
			switch c.ID {
			case "EXIF":
				m.EXIF = c.Data
			case "XMP ":
				m.XMP = c.Data
			}
		}
	case options.TIFF:
		m.EXIF = file
	case options.AVIF, options.HEIC:
		if h, err := heif.Parse(file); err == nil {
			m.EXIF = h.EXIF
		}
	}
	return m
}

// withEXIF returns a result of ours with an EXIF block, or as it is if the
// format has no place for it.
func withEXIF(format options.Format, file, exif []byte) []byte {
	if exif == nil {
		return file
	}
	switch format {
	case options.JPEG:
		var out []byte
		for s := range jpegSegments(file) {
			if out != nil && s.marker != markerAPP0 && !bytes.Contains(out, []byte(exifMark)) {
				out = append(out, 0xff, markerAPP1)
				out = binary.BigEndian.AppendUint16(out, uint16(2+len(exifMark)+len(exif)))
				out = append(append(out, exifMark...), exif...)
			}
			out = append(out, s.whole...)
		}
		return out
	case options.PNG:
		head := len(pngSignature) + pngIHDRBytes
		return slices.Concat(file[:head], pngChunk("eXIf", exif), file[head:])
	case options.WebP:
		return webp.With(file, webp.FlagEXIF, nil, webp.AppendChunk(nil, "EXIF", exif))
	}
	return file
}

// pngChunk returns a chunk with its length and checksum.
func pngChunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

// withoutMetadata returns a source that decoded well without its metadata,
// bytes behind its end, and comments; profile says whether its colour profile
// stays. ok is false if the container is not one that can be taken apart.
func withoutMetadata(format options.Format, file []byte, profile bool) (out []byte, ok bool) {
	switch format {
	case options.JPEG:
		ended := false
		for s := range jpegSegments(file) {
			switch {
			case s.marker == markerAPP0 && bytes.HasPrefix(s.payload, []byte("JFIF\x00")):
				s.whole = jfif // a thumbnail may be in it
			case s.marker == markerAPP14 && bytes.HasPrefix(s.payload, []byte("Adobe")):
			case s.marker == markerAPP2 && profile && bytes.HasPrefix(s.payload, []byte("ICC_PROFILE\x00")):
			case s.marker >= markerAPP0 && s.marker <= 0xef, s.marker == markerCOM:
				continue
			}
			out = append(out, s.whole...)
			ended = ended || s.marker == markerEOI
		}
		return out, ended
	case options.PNG:
		out = append(out, pngSignature...)
		for kind, data := range pngChunks(file) {
			switch {
			case slices.Contains([]string{"IHDR", "PLTE", "tRNS", "IDAT", "IEND"}, kind), profile && slices.Contains([]string{"cICP", "iCCP", "sRGB", "gAMA", "cHRM"}, kind):
				out = append(out, pngChunk(kind, data)...)
			}
			if kind == "IEND" {
				return out, true
			}
		}
	case options.WebP:
		body, err := webp.Body(file)
		if err != nil {
			return nil, false
		}
		for c, err := range webp.Chunks(body) {
			if err != nil {
				return nil, false
			}
			switch c.ID {
			case "VP8X":
				c.Data = bytes.Clone(c.Data)
				c.Data[0] &= webp.FlagAnimation | webp.FlagAlpha | webp.FlagICC
				if !profile {
					c.Data[0] &^= webp.FlagICC
				}
			case "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF":
			case "ICCP":
				if !profile {
					continue
				}
			default:
				continue
			}
			out = webp.AppendChunk(out, c.ID, c.Data)
		}
		return webp.File(out), true
	}
	return nil, false
}

// jfif is an APP0 segment without a thumbnail and with square pixels.
var jfif = []byte("\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
