package resize

import (
	"image"

	"s3imageserver/resize/icc"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

// maxICCBytes is the largest colour profile that is kept; printers' tables have
// up to 3 MB.
const maxICCBytes = icc.MaxBytes

// fittingICC returns profile if it can belong to pixels like those of img, else
// nil.
func fittingICC(profile []byte, img image.Image) []byte {
	space := "RGB "
	switch img.(type) {
	case *image.Gray:
		space = "GRAY"
	case *image.CMYK:
		space = "CMYK"
	}
	if spaceOf(profile) != space {
		return nil
	}
	return profile
}

// spaceOf returns the colour space of a profile, as in "RGB "; "" if it is none.
// It is in bytes 16 to 19 of the header, the file signature in 36 to 39
// (ICC.1:2022, section 7.2).
func spaceOf(profile []byte) string {
	if len(profile) < 128 || len(profile) > maxICCBytes || string(profile[36:40]) != "acsp" {
		return ""
	}
	return string(profile[16:20])
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
	out := pixel.Copy(img)
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
