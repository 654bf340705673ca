package resize

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	stdjpeg "image/jpeg"
	"io"

	"s3imageserver/resize/jpeg"
)

// JPEG, ITU-T T.81, by our own decoder and encoder. What the decoder declines
// goes to image/jpeg.
var jpegCodec = codec{
	format:      JPEG,
	names:       []string{"jpeg", "jpg"},
	mediaType:   "image/jpeg",
	resultBytes: 8,
	magic:       []string{"\xff\xd8\xff"},
	chroma420:   true,
	usual:       defaultQuality,
	opaque:      true,
	embedsICC:   true,
	config:      configJPEG,
	decode:      decodeJPEG,
	memory:      memoryJPEG,
	encode:      encodeJPEG,
}

func configJPEG(head []byte) (Info, error) {
	// More bytes may follow: their absence is no end of the file.
	h, err := jpeg.ReadHeader(io.MultiReader(bytes.NewReader(head), endless{io.ErrUnexpectedEOF}))
	if errors.Is(err, jpeg.ErrUnsupported) {
		// What our own decoder declines, image/jpeg may read, at full size.
		c, err := stdjpeg.DecodeConfig(bytes.NewReader(head))
		return Info{Size: image.Pt(c.Width, c.Height), Depth: standardJPEGDepth, cmyk: true}, err
	}
	if err != nil {
		return Info{}, fromJPEG(err)
	}
	size := image.Pt(h.Width, h.Height)
	if size.Y == 0 {
		// A DNL segment behind the first scan tells the height (T.81 section
		// B.2.5): count with the largest one that the decoder could allow.
		size.Y = 65535
	}
	return Info{Size: size, Progressive: h.Progressive, Depth: h.Components, cmyk: h.Components == 4, orientation: exifOrientation(h.Exif)}, nil
}

// endless is a reader that has only an error.
type endless struct{ err error }

func (e endless) Read([]byte) (int, error) { return 0, e.err }

// jpegScale returns the smallest N of N/8 that serves a result for which a
// picture of at least min is decoded.
//
// At 4/8 the margin in min is enough: 54 dB of luma to a Lanczos reduction of
// the full picture, at least as good as libvips. The few coefficients of 1/8
// and 2/8 filter less well and have to be twice as large as the result.
func jpegScale(size, min image.Point) int {
	if min == (image.Point{}) {
		return 8
	}
	const more = 2 / margin
	h := jpeg.Header{Width: size.X, Height: size.Y}
	for _, n := range []int{1, 2, 4} {
		x, y := float64(min.X), float64(min.Y)
		if n < 4 {
			x, y = x*more, y*more
		}
		if s := h.ScaledSize(n); float64(s.X) >= x && float64(s.Y) >= y {
			return n
		}
	}
	return 8
}

// approximateScale is the scale at which progressive files are decoded without
// the scans that only refine: at 2/8 it costs an eighth, and the resampler
// that halves the picture again hides the difference.
const approximateScale = 2

func decodeJPEG(file []byte, want Want) (*Picture, error) {
	h, err := jpeg.ReadHeader(bytes.NewReader(file))
	if errors.Is(err, jpeg.ErrUnsupported) {
		return decodeStandardJPEG(file)
	}
	if err != nil {
		return nil, fromJPEG(err)
	}
	n := jpegScale(image.Pt(h.Width, h.Height), want.Min)
	o := jpeg.Options{
		Scale:       n,
		Approximate: n == approximateScale,
		MaxPixels:   int(want.Limits.Pixels),
		MaxScans:    want.Limits.Scans,
	}
	m, isCut, err := decodeCutJPEG(file, &h, &o, want.cut)
	if err == errWhole {
		m, err = jpeg.Decode(bytes.NewReader(file), &o)
	}
	switch {
	case err != nil:
		return nil, fromJPEG(err)
	case m.Incomplete:
		return nil, fmt.Errorf("%w: JPEG ends before its picture does", ErrMalformed)
	}
	p := still(plain(m.Image))
	p.Scale = float64(n) / 8
	p.Source = image.Pt(m.Width, m.Height)
	p.isCut = isCut
	p.orientation = exifOrientation(m.Exif)
	p.ICC = m.ICC
	return p, nil
}

// standardJPEGDepth is what image/jpeg holds of a pixel: the coefficients of a
// progressive file, and the planes.
const standardJPEGDepth = 16

// decodeStandardJPEG reads a file whose kind our own decoder declines.
func decodeStandardJPEG(file []byte) (*Picture, error) {
	img, err := stdjpeg.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	return still(plain(img)), nil
}

func fromJPEG(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case errors.Is(err, jpeg.ErrLimit):
		return fmt.Errorf("%w: %w", ErrLimit, err)
	}
	return fmt.Errorf("%w: %w", ErrMalformed, err)
}

// memoryJPEG counts the planes at the scale that is decoded, and a progressive
// file's coefficients: 1, 5, 25 or 64 of each block, two bytes each.
func memoryJPEG(info Info, want Want) int64 {
	if info.Depth == standardJPEGDepth {
		return standardJPEGDepth * int64(info.Size.X) * int64(info.Size.Y)
	}
	n := int64(jpegScale(info.Size, want.Min))
	pixels := int64(info.Size.X) * int64(info.Size.Y) * int64(max(info.Depth, 1))
	bytes := pixels * n * n / 64
	if info.Progressive {
		coefficients := map[int64]int64{1: 1, 2: 5, 4: 25, 8: 64}[n]
		bytes += pixels / 64 * (2*coefficients + 8)
	}
	return bytes + 1<<20 // tables and buffers
}

func encodeJPEG(w io.Writer, p *Picture, q Quality) error {
	img, err := p.first()
	if err != nil {
		return err
	}
	if m, ok := img.(*image.CMYK); ok {
		img = toNRGBA(m)
	}
	img = onWhite(img)
	return jpeg.Encode(w, img, &jpeg.EncodeOptions{Quality: q.quality(), Progressive: q.Progressive, Chroma444: q.Chroma444, ICC: fittingICC(p.ICC, img)})
}
