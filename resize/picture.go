package resize

import (
	"image"
	"iter"
	"time"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/icc"
	"s3imageserver/resize/pixel"
)

// A Picture is what a file holds.
//
// Frames are decoded as they are ranged over, which may be done once; a frame's
// image is valid until the next one is asked for. They are of one of these
// types: *image.YCbCr, *image.NYCbCrA, *image.Gray, *image.NRGBA, *image.CMYK,
// with bounds that start at zero, and all of one size.
type Picture struct {
	Frames iter.Seq2[Frame, error]
	Count  int // of frames, at least 1
	Loops  int // how often an animation is played; 0 means for ever
	Pages  int // pictures in the file, where only one of them is read; else 0

	// Scale is how many pixels a frame has for one of the source, along a side:
	// 1, or less if the file was decoded at a reduced size. Frames cover
	// Source.X*Scale by Source.Y*Scale pixels, the last ones perhaps in part.
	Scale  float64
	Source image.Point // size in the header

	nonconforming bool // the file is not as its specification has it, though nothing is missing
	resampled     bool // frames are what Want.resample asked for
	orientation   exif.Orientation
	ICC           []byte // profile; nil: sRGB
}

// A Frame is one image of a picture and how long it is shown.
type Frame struct {
	Image image.Image
	Delay time.Duration // 0 for the only frame of a still picture
}

// still returns a picture of one image at full size.
func still(img image.Image) *Picture {
	return &Picture{
		Frames: func(yield func(Frame, error) bool) { yield(Frame{Image: img}, nil) },
		Count:  1,
		Scale:  1,
		Source: img.Bounds().Size(),
	}
}

// mapped returns p with f applied to every image as it is asked for.
func (p *Picture) mapped(f func(image.Image) (image.Image, error)) *Picture {
	q := *p
	q.Frames = func(yield func(Frame, error) bool) {
		left := p.Count
		for frame, err := range p.Frames {
			if err == nil {
				frame.Image, err = f(frame.Image)
			}
			left--
			if !yield(frame, err) || err != nil || left == 0 {
				return
			}
		}
	}
	return &q
}

// last returns p with its last frame alone.
func (p *Picture) last() *Picture {
	q := *p
	q.Count, q.Loops = 1, 0
	q.Frames = func(yield func(Frame, error) bool) {
		n := 0
		for frame, err := range p.Frames {
			if n++; n < p.Count && err == nil {
				continue
			}
			frame.Delay = 0
			yield(frame, err)
			return
		}
	}
	return &q
}

// first returns the first frame's image.
func (p *Picture) first() (image.Image, error) {
	for frame, err := range p.Frames {
		return frame.Image, err
	}
	return nil, ErrMalformed
}

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
