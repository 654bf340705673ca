package options

import "strings"

// A Format is a kind of image file, or a choice of them. The zero value,
// [NoFormat], is none.
type Format uint8

// The formats of files.
const (
	NoFormat Format = iota
	JPEG
	PNG
	WebP
	GIF
	BMP
	TIFF
	AVIF
	HEIC
	JXL
	ICO
)

// Formats that are chosen by the picture. Auto is also for the server to narrow
// by what the client accepts; a Resizer takes it for AutoJPEG.
const (
	Auto     Format = 0xff - iota
	AutoAVIF        // AVIF; animations, very small and large pictures become WebP
	AutoWebP        // WebP
	AutoJPEG        // what every client reads: JPEG, PNG with transparency and of lossless sources, GIF of GIF and animations
)

// autoNames are the names of the choices, from Auto on.
var autoNames = []string{"auto", "auto-avif", "auto-webp", "auto-jpeg"}

// formats has one row a format of files, in the order of the constants.
var formats = []struct {
	format    Format
	names     []string // as in URLs and file names; the first one is canonical
	mediaType string
	writable  bool
}{
	{JPEG, []string{"jpeg", "jpg"}, "image/jpeg", true},
	{PNG, []string{"png"}, "image/png", true},
	{WebP, []string{"webp"}, "image/webp", true},
	{GIF, []string{"gif"}, "image/gif", true},
	{BMP, []string{"bmp"}, "image/bmp", true},
	{TIFF, []string{"tiff", "tif"}, "image/tiff", true},
	{AVIF, []string{"avif"}, "image/avif", true},
	{HEIC, []string{"heic", "heif"}, "image/heic", false},
	{JXL, []string{"jxl"}, "image/jxl", false},
	{ICO, []string{"ico"}, "image/x-icon", false},
}

// writableNames are the canonical names of the formats that can be written.
func writableNames() (names []string) {
	for _, f := range formats {
		if f.writable {
			names = append(names, f.names[0])
		}
	}
	return names
}

// FormatByName returns the format of a name such as "jpg", "WebP" or "auto",
// without regard to case; NoFormat for an unknown one.
func FormatByName(name string) Format {
	for i, n := range autoNames {
		if strings.EqualFold(n, name) {
			return Auto - Format(i)
		}
	}
	for _, f := range formats {
		for _, n := range f.names {
			if strings.EqualFold(n, name) {
				return f.format
			}
		}
	}
	return NoFormat
}

// FormatByMediaType returns the format of a media type as [Format.MediaType]
// spells it; NoFormat for another one.
func FormatByMediaType(mediaType string) Format {
	for _, f := range formats {
		if f.mediaType == mediaType {
			return f.format
		}
	}
	return NoFormat
}

// String returns the canonical name, "" for NoFormat.
func (f Format) String() string {
	if f.IsAuto() {
		return autoNames[Auto-f]
	}
	if f.isFile() {
		return formats[f-1].names[0]
	}
	return ""
}

// MediaType returns the media type, as in Content-Type; "" for NoFormat and
// the choices of formats.
func (f Format) MediaType() string {
	if f.isFile() {
		return formats[f-1].mediaType
	}
	return ""
}

// Writable reports whether files of the format can be written.
func (f Format) Writable() bool { return f.isFile() && formats[f-1].writable }

// isFile reports whether f is a format of files.
func (f Format) isFile() bool { return f != NoFormat && int(f) <= len(formats) }

// IsAuto reports whether f stands for a choice of formats.
func (f Format) IsAuto() bool { return f >= AutoJPEG }

// Slow reports whether results may be made one at a time, since they take long and
// much memory: AVIF without loss is written in a sandbox, and that which has to be
// similar to the source is read in one.
func (o *Options) Slow() bool {
	return (o.Format == AVIF || o.Format == AutoAVIF) && (o.Lossless || o.AutoQuality != 0)
}
