package resize

import (
	"image"
	"strings"

	"s3imageserver/resize/vp8"
)

// Formats that are chosen by the picture. Auto is also for the server to narrow
// by what the client accepts; a Resizer takes it for AutoJPEG.
const (
	Auto     Format = 0xff - iota
	AutoAVIF        // AVIF; animations, very small and large pictures become WebP
	AutoWebP        // WebP
	AutoJPEG        // what every client reads: JPEG, PNG with transparency and of lossless sources, GIF of GIF and animations
)

// autoNames are the names of the formats above, in that order.
var autoNames = []string{"auto", "auto-avif", "auto-webp", "auto-jpeg"}

// Slow reports whether results may be made one at a time, since they take long and
// much memory: AVIF without loss is written in a sandbox, and that which has to be
// similar to the source is read in one.
func (o *Options) Slow() bool {
	return (o.Format == AVIF || o.Format == AutoAVIF) && (o.Lossless || o.AutoQuality != 0)
}

// IsAuto reports whether f stands for a choice of formats.
func (f Format) IsAuto() bool { return f >= AutoJPEG }

func autoByName(name string) Format {
	for i, n := range autoNames {
		if strings.EqualFold(n, name) {
			return Auto - Format(i)
		}
	}
	return NoFormat
}

// leastAVIF is from how many pixels on AVIF is chosen. Below, its boxes, some 280 bytes,
// outweigh what it saves: at 64 pixels a side WebP takes 0.6 to 0.9 of its bytes, at 160
// 0.9 to 1.1.
const leastAVIF = 20_000

// A subject is what the choice of a format depends on.
type subject struct {
	source   Format
	alpha    bool // transparent somewhere
	animated bool
	size     image.Point // of the result
}

// resolve returns the format that f stands for. AVIF of more pixels than
// Limits.AVIFPixels is WebP, since its encoder takes longer; where f leaves the
// choice, what WebP has no room for is what everyone reads.
func (f Format) resolve(s subject, l Limits) Format {
	if f.IsAuto() && max(s.size.X, s.size.Y) > vp8.MaxSide {
		f = AutoJPEG
	}
	switch f {
	case AutoAVIF:
		f = AVIF
		if s.animated || area(s.size) < leastAVIF {
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
func (f Format) accepts(g Format) bool {
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
