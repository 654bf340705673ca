package resize

import (
	"image"

	"s3imageserver/resize/icc"
	"s3imageserver/resize/pixel"
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

// conversion returns what gives a picture of the profile's colours those of sRGB;
// nil if they would not look wrong without it. It may change the picture. A profile
// that is damaged or does not fit the picture is no profile.
func conversion(profile []byte) func(image.Image) image.Image {
	t := icc.Cached(profile)
	if t == nil || t.SRGB() {
		return nil
	}
	return func(img image.Image) image.Image { return toSRGB(img, profile, t) }
}

func toSRGB(img image.Image, profile []byte, t *icc.Transform) image.Image {
	if fittingICC(profile, img) == nil {
		// Grey with alpha is kept as colours that are grey.
		if m, ok := img.(*image.NRGBA); !ok || spaceOf(profile) != "GRAY" || !colourless(m) {
			return img
		}
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
			t.Pixels(out.Pix[y*out.Stride:], m.Pix[y*m.Stride:][:4*m.Rect.Dx()])
		}
		return out
	}
	out := pixel.Of(img)
	for y := range out.Rect.Dy() {
		row := out.Pix[y*out.Stride:][:4*out.Rect.Dx()]
		t.Pixels(row, row)
	}
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
