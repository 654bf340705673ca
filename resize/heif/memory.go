package heif

// What decoders that are C inside of a sandbox need of its memory, beside the file.

// MemoryHEVC estimates the memory of libde265 inside of libheif: planes as they are coded, as
// the library has them, and as it hands them out. Of a grid it decodes one tile
// after the other.
func (h Header) MemoryHEVC() int64 {
	const base = 1 << 20
	n := float64(2.6*h.Planes) + 3.2
	if h.Deep {
		n = float64(5.4*h.Planes) + 4
	}
	if tiles := h.Meta.Items[h.Meta.Primary].Parts; len(tiles) > 0 {
		whole := 2 * h.Planes
		if h.Deep {
			whole = 4 * h.Planes
		}
		return base + int64(whole*float64(h.Coded)) + int64(n*float64(h.Coded)/float64(len(tiles)))
	}
	return base + int64(n*float64(h.Coded))
}

// MemoryAV1 estimates the memory of dav1d inside of libavif: the coded planes, and twice
// the pixels that are made of them.
func (h Header) MemoryAV1() int64 {
	const base = 3 << 20
	n := 2*4*1.04 + float64(1.1*h.Planes)
	if h.Alpha {
		n++
	}
	if h.Deep {
		n *= 2
	}
	return base + int64(n*float64(h.Coded))
}
