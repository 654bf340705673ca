package resize

import (
	"errors"
	"image"
	"io"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/jpeg"
	"s3imageserver/resize/scale"
)

var (
	// errWhole says that the picture has to be decoded before it is resampled.
	errWhole = errors.New("jpeg: not resampled while decoding")
	// errEnough ends a decoding whose rest is not needed.
	errEnough = errors.New("jpeg: enough was decoded")
)

// A jpegFile is a file that is read from its beginning.
type jpegFile interface {
	io.Reader
	// ends reports, from somewhere in a scan on, where FF is never followed by
	// anything but 00 or a marker, whether EOI is in the rest: whether the file is
	// whole, though its rest may be damaged.
	ends() (bool, error)
}

// resampleJPEG decodes a file and cuts and scales it strip by strip, so that
// no more than a strip of it is in memory, with the same result as if it had
// been decoded first. It returns errWhole if that cannot be done.
func resampleJPEG(file jpegFile, h *jpeg.Header, o *jpeg.Options, want Want) (m *jpeg.Image, err error) {
	c := want.resample
	ratio, ok := h.Ratio()
	if c == (resample{}) || c.identity() || !ok {
		return nil, errWhole
	}
	var (
		scalers []*scale.Scaler
		ended   bool // the rest of the file was looked at
	)
	defer func() {
		for _, s := range scalers {
			s.Close()
		}
	}()
	begin := func(h *jpeg.Header) error {
		if c.source != image.Pt(h.Width, h.Height) || c.orientation != exif.OrientationOf(h.Exif) {
			return errWhole // the plan is for what the header seemed to say
		}
		m = &jpeg.Image{Header: *h}
		part, options := c.at(float64(o.Scale) / 8)
		size := h.ScaledSize(o.Scale)
		if o.ChromaScale != 0 {
			ratio = image.YCbCrSubsampleRatio444
		}
		x, y := c.axes(size, part, options)
		if h.Model == jpeg.Gray {
			out := image.NewGray(image.Rectangle{Max: c.size})
			scalers = append(scalers, scale.NewScaler(out.Pix, out.Stride, x, y, options))
			m.Image = out
			return nil
		}
		to := image.YCbCrSubsampleRatio444
		if c.chroma == scale.Chroma420 {
			to = image.YCbCrSubsampleRatio420
		}
		out := image.NewYCbCr(image.Rectangle{Max: c.size}, to)
		three := scale.NewScalers(out, ratio, x, y, options)
		scalers = append(scalers, three[:]...)
		m.Image = out
		return nil
	}
	emit := func(strip *jpeg.Strip) error {
		done := true
		for i, s := range scalers {
			p := &strip.Planes[i]
			for y := range p.Height {
				s.Push(p.Pix[y*p.Stride:][:p.Stride])
			}
			done = done && s.Done()
		}
		if done && !ended && !h.Progressive { // whose end has been seen
			ended = true
			switch whole, err := file.ends(); {
			case err != nil:
				return err
			case whole:
				return errEnough
			}
		}
		return nil
	}
	some := *o
	some.Pass = func(rows [4]int) int { return passStrips(scalers, rows) }
	incomplete, err := jpeg.DecodeStrips(file, &some, begin, emit)
	if err != nil && err != errEnough {
		return nil, err
	}
	m.Incomplete = incomplete
	return m, nil
}

// passStrips returns how many strips lie above all that the scalers need, and
// skips them there.
func passStrips(scalers []*scale.Scaler, rows [4]int) int {
	n := -1
	for i, s := range scalers {
		first, end := s.Rows()
		if first >= end {
			return 0
		}
		if strips := first / rows[i]; n < 0 || strips < n {
			n = strips
		}
	}
	for i, s := range scalers {
		s.Skip(n * rows[i])
	}
	return n
}
