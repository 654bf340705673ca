package heif

import (
	"encoding/binary"
	"fmt"
	"image"
	"math"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/isobmff"
	"s3imageserver/resize/scale"
)

// transform takes over a property that changes what is shown: a part, a turn, a
// mirror. What is shown after it is a part of the coded picture again, and an
// orientation of that.
func (h *Header) transform(p isobmff.Box) error {
	switch {
	case p.Kind == "clap":
		shown := h.Orientation.Size(h.Crop.Size())
		part, err := cleanAperture(p.Data, shown)
		if err != nil {
			return err
		}
		r := h.Orientation.Stored(scale.Rect{X: float64(part.Min.X), Y: float64(part.Min.Y), W: float64(part.Dx()), H: float64(part.Dy())}, h.Crop.Size())
		h.Crop = image.Rect(0, 0, int(r.W), int(r.H)).Add(image.Pt(int(r.X), int(r.Y))).Add(h.Crop.Min)
	case p.Kind == "irot" && len(p.Data) >= 1: // anti-clockwise, in quarters
		h.Orientation = h.Orientation.Then([]exif.Orientation{1, 8, 3, 6}[p.Data[0]&3])
	case p.Kind == "imir" && len(p.Data) >= 1: // 0: top and bottom change places; 1: left and right
		h.Orientation = h.Orientation.Then([]exif.Orientation{4, 2}[p.Data[0]&1])
	}
	return nil
}

// cleanAperture returns the part of a picture of that size that a clap box says
// is to be shown (ISO/IEC 14496-12, section 12.1.4): width and height, and how
// far its centre lies from that of the picture, all of them fractions. Parts of
// pixels are rounded, and what lies outside of the picture is left out.
func cleanAperture(data []byte, size image.Point) (image.Rectangle, error) {
	if len(data) < 32 {
		return image.Rectangle{}, fmt.Errorf("%w: clap box of %d bytes", ErrMalformed, len(data))
	}
	var f [4]float64 // width, height, horizontal and vertical offset
	for i := range f {
		n, d := int32(binary.BigEndian.Uint32(data[8*i:])), int32(binary.BigEndian.Uint32(data[8*i+4:]))
		if d <= 0 {
			return image.Rectangle{}, fmt.Errorf("%w: clap of %d/%d", ErrMalformed, n, d)
		}
		f[i] = float64(n) / float64(d)
	}
	side := func(whole int, length, offset float64) (from, to int) {
		at := math.Floor(float64((float64(whole)-length)/2) + offset)
		return int(min(max(0, at), float64(whole))), int(min(max(0, at+math.Round(length)), float64(whole)))
	}
	var r image.Rectangle
	r.Min.X, r.Max.X = side(size.X, f[0], f[2])
	r.Min.Y, r.Max.Y = side(size.Y, f[1], f[3])
	if f[0] <= 0 || f[1] <= 0 || r.Empty() {
		return r, fmt.Errorf("%w: clap of %g x %g, %+g %+g from the centre of %v", ErrMalformed, f[0], f[1], f[2], f[3], size)
	}
	return r, nil
}
