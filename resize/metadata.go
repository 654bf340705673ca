package resize

import (
	"s3imageserver/resize/exif"
	"s3imageserver/resize/heif"
	"s3imageserver/resize/jpeg"
	"s3imageserver/resize/options"
	"s3imageserver/resize/png"
	"s3imageserver/resize/webp"
)

// Files are taken apart without decoding: to find metadata, to add some to a
// result, and to leave it out of a source that is sent as it is.

// metadataOf finds the metadata of a file.
func metadataOf(format options.Format, file []byte) (m exif.Metadata) {
	switch format {
	case options.JPEG:
		m.EXIF, m.XMP, m.IPTC = jpeg.Metadata(file)
	case options.PNG:
		m.EXIF, m.XMP = png.Metadata(file)
	case options.WebP:
		m.EXIF, m.XMP = webp.Metadata(file)
	case options.TIFF:
		m.EXIF = file
	case options.AVIF, options.HEIC:
		if h, err := heif.Parse(file); err == nil {
			m.EXIF = h.EXIF
		}
	}
	return m
}

// withEXIF returns a result of ours with an EXIF block, or as it is if the block is
// nil or the format has no place for it.
func withEXIF(format options.Format, file, block []byte) []byte {
	if block == nil {
		return file
	}
	switch format {
	case options.JPEG:
		return jpeg.WithEXIF(file, block)
	case options.PNG:
		return png.WithEXIF(file, block)
	case options.WebP:
		return webp.WithEXIF(file, block)
	}
	return file
}

// withoutMetadata returns a source that decoded well without its metadata,
// bytes behind its end, and comments; profile says whether its colour profile
// stays. ok is false if the container is not one that can be taken apart.
func withoutMetadata(format options.Format, file []byte, profile bool) (out []byte, ok bool) {
	switch format {
	case options.JPEG:
		return jpeg.WithoutMetadata(file, profile)
	case options.PNG:
		return png.WithoutMetadata(file, profile)
	case options.WebP:
		return webp.WithoutMetadata(file, profile)
	}
	return nil, false
}
