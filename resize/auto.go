package resize

import (
	"image"

	"s3imageserver/resize/vp8"
)

// A subject is what the choice of a format depends on.
type subject struct {
	source   Format
	alpha    bool // transparent somewhere
	animated bool
	size     image.Point // of the result
}

// resolve returns the format that f stands for. AVIF of more pixels than
// Limits.AVIFPixels is WebP, since its encoder takes long; where f leaves the
// choice, what WebP has no room for is what everyone reads.
func resolve(f Format, s subject, l Limits) Format {
	if f.IsAuto() && max(s.size.X, s.size.Y) > vp8.MaxSide {
		f = AutoJPEG
	}
	switch f {
	case AutoAVIF:
		f = AVIF
		if s.animated {
			f = WebP
		}
	case AutoWebP:
		f = WebP
	case Auto, AutoJPEG:
		switch {
		case s.animated, s.source == GIF:
			f = GIF
		case s.alpha, s.source == PNG, s.source == ICO, s.source == BMP:
			f = PNG
		default:
			f = JPEG
		}
	}
	if f == AVIF && area(s.size) > l.AVIFPixels {
		return WebP
	}
	return f
}

// accepts reports whether a client that is served f reads files of format g.
func accepts(f, g Format) bool {
	switch f {
	case AutoAVIF:
		return g == AVIF || g == WebP || g == JPEG || g == PNG || g == GIF
	case AutoWebP:
		return g == WebP || g == JPEG || g == PNG || g == GIF
	case Auto, AutoJPEG:
		return g == JPEG || g == PNG || g == GIF
	}
	return f == g
}
