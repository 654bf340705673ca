package resize

import (
	"encoding/binary"
	"image"

	"s3imageserver/resize/icc"
	"s3imageserver/resize/scale"
)

// profile returns the embedded profile, or one that is made of the numbers; nil
// for sRGB.
func (h heif) profile() []byte {
	if h.icc != nil {
		return h.icc
	}
	return h.cicp.profile()
}

// profile returns a profile of the colour space; nil for sRGB and unknown ones.
func (c cicp) profile() []byte {
	if c == (cicp{}) {
		return nil
	}
	return icc.Numbers(c.primaries, c.transfer)
}

// toSRGB returns img, whose colours are those of the profile, in sRGB. A profile
// that is damaged or does not fit the picture is no profile.
func toSRGB(img image.Image, profile []byte) image.Image {
	if fittingICC(profile, img) == nil {
		// Grey with alpha is kept as colours that are grey.
		if m, ok := img.(*image.NRGBA); !ok || spaceOf(profile) != "GRAY" || !colourless(m) {
			return img
		}
	}
	t, err := icc.New(profile)
	if err != nil || t.SRGB() {
		return img
	}
	switch m := img.(type) {
	case *image.Gray:
		out := image.NewGray(m.Rect)
		var table [256]byte
		for i := range table {
			table[i] = t.RGB([4]byte{byte(i)})[0]
		}
		for y := range m.Rect.Dy() {
			row := m.Pix[y*m.Stride:][:m.Rect.Dx()]
			for x, v := range row {
				out.Pix[y*out.Stride+x] = table[v]
			}
		}
		return out
	case *image.CMYK:
		out := image.NewNRGBA(m.Rect)
		for y := range m.Rect.Dy() {
			convertRow(out.Pix[y*out.Stride:], m.Pix[y*m.Stride:][:4*m.Rect.Dx()], t, true)
		}
		return out
	case *image.YCbCr:
		out := scale.NRGBA(m)
		convertRow(out.Pix, out.Pix, t, false)
		return out
	}
	out := toNRGBA(img)
	convertRow(out.Pix, out.Pix, t, false)
	return out
}

// colourless reports whether all pixels are grey.
func colourless(m *image.NRGBA) bool {
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride:][:4*m.Rect.Dx()]
		for i := 0; i < len(row); i += 4 {
			if row[i] != row[i+1] || row[i] != row[i+2] {
				return false
			}
		}
	}
	return true
}

// convertRow converts pixels of four bytes each. The fourth one of the source
// is black ink, or else alpha, which stays. Neighbours are often equal.
func convertRow(dst, src []byte, t *icc.Transform, ink bool) {
	var last [4]byte
	rgb := t.RGB(last)
	for i := 0; i+4 <= len(src); i += 4 {
		c := [4]byte(src[i:])
		alpha := byte(255)
		if !ink {
			alpha, c[3] = c[3], 0
		}
		if c != last {
			last, rgb = c, t.RGB(c)
		}
		dst[i], dst[i+1], dst[i+2], dst[i+3] = rgb[0], rgb[1], rgb[2], alpha
	}
}

// needsSRGB reports whether colours of the profile would look wrong without it.
func needsSRGB(profile []byte) bool {
	if profile == nil {
		return false
	}
	t, err := icc.New(profile)
	return err == nil && !t.SRGB()
}

// rgbOf returns the picture of planes whose matrix and range may not be those
// of JFIF, as image/color has them: BT.601 and the full range.
func rgbOf(m *image.YCbCr, c cicp) image.Image {
	if c == (cicp{}) {
		return m // what HEIC means without numbers is not known; cameras write JFIF's
	}
	kr, kb := 0.299, 0.114
	switch c.matrix {
	case 1:
		kr, kb = 0.2126, 0.0722
	case 9:
		kr, kb = 0.2627, 0.0593
	}
	if c.fullRange == 0 {
		expandRange(m)
	}
	if kr == 0.299 {
		return m
	}
	// The difference to BT.601 is linear in the chroma samples. With R-Y =
	// 2(1-kr)Cr, B-Y = 2(1-kb)Cb and G from both, the planes of the same RGB by
	// BT.601 follow; luma changes too, so this is done per pixel.
	out := image.NewNRGBA(m.Rect)
	kg := 1 - kr - kb
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			i, j := m.YOffset(x, y), m.COffset(x, y)
			l, cb, cr := float64(m.Y[i]), float64(m.Cb[j])-128, float64(m.Cr[j])-128
			p := out.Pix[y*out.Stride+4*x:][:4]
			r, b := l+float64(2*(1-kr)*cr), l+float64(2*(1-kb)*cb)
			p[0], p[1], p[2], p[3] = clampByte(r+0.5), clampByte((l-float64(kr*r)-float64(kb*b))/kg+0.5), clampByte(b+0.5), 255
		}
	}
	return out
}

// tiffProfile returns the profile in a TIFF file's first directory, nil if there
// is none.
func tiffProfile(file []byte) []byte {
	const tagICC = 34675
	for e := range tiffEntries(file) {
		if e.tag != tagICC || e.count <= 4 || e.count > maxICCBytes {
			continue
		}
		at := uint64(e.order.Uint32(e.value))
		if at+uint64(e.count) <= uint64(len(file)) {
			return file[at : at+uint64(e.count)]
		}
	}
	return nil
}

// A byteOrder reads and writes numbers.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// A tiffEntry is one field of a directory (TIFF 6.0, section 2).
type tiffEntry struct {
	order byteOrder
	tag   uint16
	kind  uint16
	count uint32
	value []byte // 4 bytes: the value, or where it lies
}

// tiffEntries yields the entries of the first directory. Only that one is read,
// so there is nothing to loop in.
func tiffEntries(b []byte) func(func(tiffEntry) bool) {
	return func(yield func(tiffEntry) bool) {
		order, at, ok := tiffHeader(b)
		if ok {
			directory(b, order, at, yield)
		}
	}
}

// tiffHeader returns the byte order and where the first directory begins.
func tiffHeader(b []byte) (order byteOrder, at uint64, ok bool) {
	if len(b) < 8 {
		return nil, 0, false
	}
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return nil, 0, false
	}
	return order, uint64(order.Uint32(b[4:])), true
}

// directory yields the entries of the directory at a place.
func directory(b []byte, order byteOrder, at uint64, yield func(tiffEntry) bool) {
	if at+2 > uint64(len(b)) {
		return
	}
	const entryBytes = 12
	n := int(order.Uint16(b[at:]))
	entries := b[at+2:]
	for i := 0; i < n && (i+1)*entryBytes <= len(entries); i++ {
		e := entries[i*entryBytes:]
		if !yield(tiffEntry{order, order.Uint16(e), order.Uint16(e[2:]), order.Uint32(e[4:]), e[8:12]}) {
			return
		}
	}
}
