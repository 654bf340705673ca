package png

import (
	"bytes"
	"slices"
)

// xmpMark begins the chunk iTXt of XMP: a keyword, and that nothing is compressed
// or said of a language.
const xmpMark = "XML:com.adobe.xmp\x00\x00\x00\x00\x00"

// Metadata returns what a file holds beside its picture, each nil where it has
// none. They alias the file.
func Metadata(file []byte) (exif, xmp []byte) {
	for c := range SoundChunks(file) {
		switch c.Kind {
		case "eXIf":
			exif = c.Data
		case "iTXt":
			if rest, ok := bytes.CutPrefix(c.Data, []byte(xmpMark)); ok {
				xmp = rest
			}
		}
	}
	return exif, xmp
}

// WithEXIF returns a file of [Encode] with an EXIF block.
func WithEXIF(file, block []byte) []byte {
	out := AppendChunk(bytes.Clone(file[:HeaderBytes]), "eXIf", block)
	return append(out, file[HeaderBytes:]...)
}

var (
	chunksOfPixels  = []string{"IHDR", "PLTE", "tRNS", "IDAT", "IEND"}
	chunksOfColours = []string{"cICP", "iCCP", "sRGB", "gAMA", "cHRM"}
)

// WithoutMetadata returns a file without its metadata, texts, and bytes behind its
// end; profile says whether what its colours are stays. ok is false if the file
// does not end.
func WithoutMetadata(file []byte, profile bool) (out []byte, ok bool) {
	out = append(out, Signature...)
	for c := range SoundChunks(file) {
		if slices.Contains(chunksOfPixels, c.Kind) || profile && slices.Contains(chunksOfColours, c.Kind) {
			out = AppendChunk(out, c.Kind, c.Data)
		}
		if c.Kind == "IEND" {
			return out, true
		}
	}
	return nil, false
}
