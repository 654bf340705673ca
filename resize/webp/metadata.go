package webp

import "bytes"

// Metadata returns what a file holds beside its picture, each nil where it has
// none. They alias the file.
func Metadata(file []byte) (exif, xmp []byte) {
	body, err := Body(file)
	if err != nil {
		return nil, nil
	}
	for c, err := range Chunks(body) {
		if err != nil {
			break
		}
		switch c.ID {
		case "EXIF":
			exif = c.Data
		case "XMP ":
			xmp = c.Data
		}
	}
	return exif, xmp
}

// WithEXIF returns a file with an EXIF block.
func WithEXIF(file, block []byte) []byte {
	return With(file, FlagEXIF, nil, AppendChunk(nil, "EXIF", block))
}

// WithoutMetadata returns a file without its metadata and what is not known;
// profile says whether its colour profile stays. ok is false if the file is
// damaged.
func WithoutMetadata(file []byte, profile bool) (out []byte, ok bool) {
	body, err := Body(file)
	if err != nil {
		return nil, false
	}
	for c, err := range Chunks(body) {
		if err != nil {
			return nil, false
		}
		switch c.ID {
		case "VP8X":
			c.Data = bytes.Clone(c.Data)
			c.Data[0] &= FlagAnimation | FlagAlpha | FlagICC
			if !profile {
				c.Data[0] &^= FlagICC
			}
		case "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF":
		case "ICCP":
			if !profile {
				continue
			}
		default:
			continue
		}
		out = AppendChunk(out, c.ID, c.Data)
	}
	return File(out), true
}
