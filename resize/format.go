package resize

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"unicode/utf8"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/jpeg"
	"s3imageserver/resize/options"
)

// A codec reads and writes one Format.
type codec struct {
	format options.Format
	magic  []string // first bytes of a file; '?' matches any byte
	// is reports whether a file is of the format, where magic cannot tell.
	is func(head []byte) bool
	// optIn says that files are read only where the format is named in
	// Limits.Formats.
	optIn bool
	// without is the build tag by which the format was left out of the program; of
	// such a codec nothing else but format and is may be used. "": it is there.
	without string
	// heavy says that files are decoded in a sandbox which takes much memory and
	// time: a few at once have to do.
	heavy bool
	// start, if not nil, does at once what else the first call would have to
	// wait for. It may be called often.
	start func()
	// usual is the quality that 0 stands for, if a lower one makes shorter files;
	// else 0.
	usual int
	// opaque says that files have no transparency: encode lays it on white.
	opaque bool
	// embedsICC says that encode writes the profile.
	embedsICC bool
	// chroma420 says that encode takes planes of 4:2:0 as they are.
	chroma420 bool
	// config reads the header from the first bytes of a file. It returns
	// io.ErrUnexpectedEOF if it needs more of them.
	config func(head []byte) (Info, error)
	// decode reads a whole file. Frames may be smaller than the source, but
	// never smaller than want.Min.
	decode func(file []byte, want Want) (*Picture, error)
	// stream is decode of a file that is still arriving, whose first bytes are head;
	// it is asked where Info.streams says so, and cuts the picture. It returns errAgain
	// if the file is needed as a whole. nil: decode does.
	stream func(file *stream, head []byte, info Info, want Want) (*Picture, error)
	// page returns what the first bytes of a file would be if it had no picture
	// but the n-th one, from 1, or its last one; nil: pages are its frames.
	page func(file []byte, n int) ([]byte, error)
	// memory estimates the bytes that decode and its picture hold.
	memory func(info Info, want Want) int64
	// resultBytes is what a pixel of a result takes while it is encoded: its
	// planes, the encoder's own memory, the file.
	resultBytes int64
	// encode writes a file; nil: read only.
	encode func(w io.Writer, p *Picture, q Quality) error
}

// codecs has one row a format. To add one, write resize/codec_x.go and a row.
var codecs = []*codec{&jpegCodec, &pngCodec, &webpCodec, &gifCodec, &bmpCodec, &tiffCodec, &avifCodec, &heicCodec, &jxlCodec, &icoCodec}

// Info is what the header of a file says.
type Info struct {
	Format      options.Format
	Size        image.Point // as stored, before orientation
	Animated    bool        // there may be more than one frame
	Progressive bool
	Depth       int  // bytes a pixel of the decoded picture at full size
	Alpha       bool // there may be transparency

	cmyk        bool             // colours are inks
	byRows      bool             // it may be cropped and scaled while it is decoded, row by row or in strips
	jpeg        *jpeg.Header     // of a JPEG, without its profile and its Exif data
	streams     bool             // it may be decoded while it arrives, if it is cropped or scaled
	profile     int64            // bytes that the profile may have, of JPEG and PNG
	coded       int64            // pixels of the largest picture inside, where that is not Size
	linear      int64            // bytes of memory that a decoder in a sandbox needs
	decoder     int64            // bytes that another decoder needs, with its picture
	orientation exif.Orientation // if the header has it; else it is the picture's
}

// OptInFormats returns the formats that are only read if [Limits] names them, but
// those that the program was built without.
func OptInFormats() []options.Format {
	var formats []options.Format
	for _, c := range codecs {
		if c.optIn && c.without == "" {
			formats = append(formats, c.format)
		}
	}
	return formats
}

// LeftOut returns the build tag by which a format was left out of the program, so that
// its files are refused whatever [Limits] names; "" if it was not.
func LeftOut(f options.Format) (tag string) {
	if c := codecOf(f); c != nil {
		return c.without
	}
	return ""
}

// codecOf returns the codec of a format, nil for NoFormat and the choices of
// formats.
func codecOf(f options.Format) *codec {
	for _, c := range codecs {
		if c.format == f {
			return c
		}
	}
	return nil
}

// Start prepares the codecs of the formats for their first use, which takes
// seconds of a processor for some, so that no request has to wait for it.
func Start(formats []options.Format) {
	for _, f := range formats {
		if c := codecOf(f); c != nil && c.start != nil {
			c.start()
		}
	}
}

// sniffBytes is how much of a file Sniff looks at.
const sniffBytes = 512

// Sniff returns the format of a file from its first bytes; 512 are enough. An
// error wraps [ErrNotPicture] or [ErrUnsupported]. Names and media types of
// the store are not asked: they are often wrong.
func Sniff(head []byte) (options.Format, error) {
	for _, c := range codecs {
		if c.is != nil && c.is(head) {
			return c.format, nil
		}
		for _, m := range c.magic {
			if matches(head, m) {
				return c.format, nil
			}
		}
	}
	if len(head) == 0 {
		return options.NoFormat, fmt.Errorf("%w: no bytes", ErrNotPicture)
	}
	if kind := markup(head); kind == "svg" {
		return options.NoFormat, fmt.Errorf("%w: SVG", ErrUnsupported)
	} else if kind != "" {
		return options.NoFormat, fmt.Errorf("%w: %s", ErrNotPicture, kind)
	}
	return options.NoFormat, fmt.Errorf("%w: starts with %.16q", ErrUnsupported, head)
}

func matches(head []byte, magic string) bool {
	if len(head) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && head[i] != magic[i] {
			return false
		}
	}
	return true
}

// markup names the kind of a text that starts with '<': "svg", "HTML", or "XML"
// as in a store's error document; "" for anything else. Nothing is parsed.
func markup(head []byte) string {
	head = head[:min(len(head), sniffBytes)]
	text := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"))
	switch {
	case !bytes.HasPrefix(text, []byte("<")):
		return ""
	case bytes.Contains(text, []byte("<svg")), bytes.Contains(text, []byte("<!doctype svg")):
		return "svg"
	case bytes.Contains(text, []byte("<html")), bytes.HasPrefix(text, []byte("<!doctype html")):
		return "HTML"
	case bytes.HasPrefix(text, []byte("<?xml")), bytes.HasPrefix(text, []byte("<error")):
		return "XML"
	case utf8.Valid(text):
		return "markup"
	}
	return ""
}
