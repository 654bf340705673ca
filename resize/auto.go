package resize

import (
	"image"

	"s3imageserver/resize/options"
	"s3imageserver/resize/vp8"
)

// leastAVIF is from how many pixels on AVIF is chosen. Below, its boxes, some 280 bytes,
// outweigh what it saves: at 64 pixels a side WebP takes 0.6 to 0.9 of its bytes, at 160
// 0.9 to 1.1.
const leastAVIF = 20_000

// A subject is what the choice of a format depends on.
type subject struct {
	source   options.Format
	alpha    bool // transparent somewhere
	animated bool
	size     image.Point // of the result
}

// resolve returns the format that f stands for. AVIF of more pixels than
// Limits.AVIFPixels is WebP, since its encoder takes longer; where f leaves the
// choice, what WebP has no room for is what everyone reads.
func resolve(f options.Format, s subject, l Limits) options.Format {
	if f.IsAuto() && max(s.size.X, s.size.Y) > vp8.MaxSide {
		f = options.AutoJPEG
	}
	switch f {
	case options.AutoAVIF:
		f = options.AVIF
		if s.animated || area(s.size) < leastAVIF {
			f = options.WebP
		}
	case options.AutoWebP:
		f = options.WebP
	case options.Auto, options.AutoJPEG:
		switch {
		case s.animated, s.source == options.GIF:
			f = options.GIF
		case s.alpha, s.source == options.PNG, s.source == options.ICO, s.source == options.BMP:
			f = options.PNG
		default:
			f = options.JPEG
		}
	}
	if f == options.AVIF && area(s.size) > l.AVIFPixels {
		return options.WebP
	}
	return f
}

// accepts reports whether a client that is served f reads files of format g.
func accepts(f, g options.Format) bool {
	switch f {
	case options.AutoAVIF:
		return g == options.AVIF || g == options.WebP || g == options.JPEG || g == options.PNG || g == options.GIF
	case options.AutoWebP:
		return g == options.WebP || g == options.JPEG || g == options.PNG || g == options.GIF
	case options.Auto, options.AutoJPEG:
		return g == options.JPEG || g == options.PNG || g == options.GIF
	}
	return f == g
}
