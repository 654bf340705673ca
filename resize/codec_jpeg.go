package resize

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"io"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/jpeg"
	"s3imageserver/resize/options"
	"s3imageserver/resize/pixel"
)

// JPEG, ITU-T T.81, by our own decoder and encoder.
var jpegCodec = codec{
	format:      options.JPEG,
	resultBytes: 8,
	is:          isJPEG,
	chroma420:   true,
	usual:       defaultQuality,
	opaque:      true,
	embedsICC:   true,
	config:      configJPEG,
	decode:      decodeJPEG,
	stream:      streamJPEG,
	memory:      memoryJPEG,
	encode:      encodeJPEG,
}

func configJPEG(head []byte) (Info, error) {
	// More bytes may follow: their absence is no end of the file.
	h, err := jpeg.ReadHeader(io.MultiReader(bytes.NewReader(head), endless{io.ErrUnexpectedEOF}))
	if err != nil {
		return Info{}, fromJPEG(err)
	}
	size := image.Pt(h.Width, h.Height)
	_, inRatio := h.Ratio()
	streams := inRatio && size.Y != 0
	if size.Y == 0 {
		// A DNL segment behind the first scan tells the height (T.81 section
		// B.2.5): count with the largest one that the decoder could allow.
		size.Y = 65535
	}
	info := Info{Size: size, Progressive: h.Progressive, Depth: h.Components, cmyk: h.Components == 4, orientation: exif.OrientationOf(h.Exif)}
	info.profile = int64(len(h.ICC))
	h.Height, h.Exif, h.ICC = size.Y, nil, nil
	info.jpeg = &h
	info.byRows = h.Progressive || jpeg.Interleaved(head, h.Components)
	info.streams = info.byRows && streams
	return info, nil
}

// isJPEG reports whether a file begins with SOI and has a marker soon. Some
// writers leave a few bytes between the two.
func isJPEG(head []byte) bool {
	if !bytes.HasPrefix(head, []byte("\xff\xd8")) {
		return false
	}
	for rest := head[2:min(len(head), sniffBytes)]; ; {
		i := bytes.IndexByte(rest, 0xff)
		if i < 0 || i+1 == len(rest) {
			return i == 0 // of a file of three bytes
		}
		if m := rest[i+1]; m >= 0xc0 && m != 0xff {
			return true
		}
		rest = rest[i+1:]
	}
}

// endless is a reader that has only an error.
type endless struct{ err error }

func (e endless) Read([]byte) (int, error) { return 0, e.err }

// scalesJPEG returns at which scale a picture is decoded, and how much of it: as
// little as the result does not show. What is left to the resampler decides that,
// and what the encoder keeps. The bounds are those at which photographs, pages of
// text and screens of lines are not below libvips, which decodes larger, in any
// quality up to 90; see bench/engine.
//
// Chroma of 4:2:0 is decoded as large as luma at 4/8 where the result shows that:
// halved, it might have less detail than the result.
func scalesJPEG(h *jpeg.Header, size image.Point, want Want) jpeg.Options {
	o := jpeg.Options{Scale: 8}
	if want.Min == (image.Point{}) {
		return o
	}
	q := want.shown
	scaled := jpeg.Header{Width: size.X, Height: size.Y}
	for _, n := range []int{1, 2, 4} {
		s := scaled.ScaledSize(n)
		// How many samples there are for one of the result, along a side.
		left := margin * min(float64(s.X)/float64(want.Min.X), float64(s.Y)/float64(want.Min.Y))
		if left >= leastLeft(n, q, want.fast) {
			o.Scale = n
			o.Short = n == 2 && left >= 3 || n == 4 && left >= 3 && q <= 90
			o.Approximate = n == 2 || n == 4 && (left >= 3 || left >= 2.5 && q <= 80)
			break
		}
	}
	if ratio, ok := h.Ratio(); o.Scale == 4 && ok && ratio == image.YCbCrSubsampleRatio420 && want.fine {
		o.ChromaScale = 2 * o.Scale
	}
	return o
}

// leastLeft returns how much must be left to the resampler of a picture that is
// decoded at n/8 for a result of quality q.
func leastLeft(n, q int, fast bool) float64 {
	switch {
	case n < 4 && fast && q <= 80, n == 4 && q < 85:
		return margin
	}
	return 2
}

func decodeJPEG(file []byte, want Want) (*Picture, error) {
	h, err := jpeg.ReadHeader(bytes.NewReader(file))
	if err != nil {
		return nil, fromJPEG(err)
	}
	o := scalesJPEG(&h, image.Pt(h.Width, h.Height), want)
	o.MaxPixels, o.MaxScans, o.Damaged = int(want.Limits.Pixels), want.Limits.Scans, want.show != nil
	m, err := resampleJPEG(newFileReader(file, want), &h, &o, want)
	resampled := err == nil
	if err == errWhole {
		if err := want.reserveWholeJPEG(file); err != nil {
			return nil, err
		}
		m, err = jpeg.Decode(newFileReader(file, want), &o)
	}
	if err == nil && m.Incomplete && h.Progressive && (o.Scale == 1 || o.Approximate) {
		// Whether what was passed over is all there does not depend on the size that
		// is asked for.
		var complete bool
		if complete, err = isCompleteJPEG(file, &o, want); err == nil {
			m.Incomplete = !complete
		}
	}
	if ended := want.ended(); ended != nil {
		return nil, ended
	}
	if err != nil {
		return nil, fromJPEG(err)
	}
	if m.Incomplete {
		if err := want.damaged(errIncompleteJPEG); err != nil {
			return nil, err
		}
	}
	if rgb, ok := m.Image.(*image.RGBA); ok { // opaque, as all that JPEG has
		m.Image = &image.NRGBA{Pix: rgb.Pix, Stride: rgb.Stride, Rect: rgb.Rect}
	}
	return pictureJPEG(m, &o, resampled), nil
}

// streamJPEG is decodeJPEG of a file that is still arriving.
func streamJPEG(file *stream, _ []byte, info Info, want Want) (*Picture, error) {
	o := scalesJPEG(info.jpeg, info.Size, want)
	o.MaxPixels, o.MaxScans = int(want.Limits.Pixels), want.Limits.Scans
	m, err := resampleJPEG(streamReader{file}, info.jpeg, &o, want)
	switch {
	case want.ended() != nil:
		return nil, want.ended()
	case err == errWhole, err == errAgain:
		return nil, errAgain
	case err != nil:
		return nil, fromJPEG(err)
	case m.Incomplete && info.Progressive && (o.Scale == 1 || o.Approximate):
		return nil, errAgain // all of its scans have to be looked at
	case m.Incomplete:
		return nil, errIncompleteJPEG
	}
	return pictureJPEG(m, &o, true), nil
}

var errIncompleteJPEG = fmt.Errorf("%w: JPEG is damaged, or ends before its picture does", ErrMalformed)

// pictureJPEG returns what was decoded.
func pictureJPEG(m *jpeg.Image, o *jpeg.Options, resampled bool) *Picture {
	p := still(pixel.Normalize(m.Image))
	p.nonconforming = m.Nonconforming
	p.Scale = float64(o.Scale) / 8
	p.Source = image.Pt(m.Width, m.Height)
	p.resampled = resampled
	p.orientation = exif.OrientationOf(m.Exif)
	p.ICC = m.ICC
	return p
}

// A fileReader reads a file until nobody waits for its picture any more.
type fileReader struct {
	*bytes.Reader
	file []byte
	want Want
}

func newFileReader(file []byte, want Want) fileReader {
	return fileReader{bytes.NewReader(file), file, want}
}

func (r fileReader) Read(p []byte) (int, error) {
	if err := r.want.ended(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

func (r fileReader) ends() (bool, error) {
	return bytes.LastIndex(r.file[len(r.file)-r.Len():], endOfImage) >= 0, nil
}

// endOfImage is EOI as it stands in a file.
var endOfImage = []byte{0xff, 0xd9}

// A streamReader reads a file that is still arriving.
type streamReader struct{ *stream }

// ends is as that of a file. If the rest has no EOI it would have to be decoded, and
// is gone.
func (r streamReader) ends() (bool, error) {
	some, afterFF := false, false
	found, err := r.rest(func(chunk []byte) bool {
		if len(chunk) == 0 {
			return false
		}
		found := afterFF && chunk[0] == endOfImage[1] || bytes.Contains(chunk, endOfImage)
		some, afterFF = true, chunk[len(chunk)-1] == endOfImage[0]
		return found
	})
	if err == nil && !found && some {
		err = errAgain
	}
	return found, err
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

// isCompleteJPEG reports whether all data of all scans of a progressive file is
// there.
func isCompleteJPEG(file []byte, o *jpeg.Options, want Want) (bool, error) {
	h, err := jpeg.ReadHeader(bytes.NewReader(file))
	if err != nil {
		return false, err
	}
	if err := want.reserve(h.DecodeBytes(&jpeg.Options{Scale: 2}, true)); err != nil {
		return false, err
	}
	complete, err := jpeg.Complete(newFileReader(file, want), o)
	if want.show != nil && err != nil && !errors.Is(err, jpeg.ErrLimit) {
		return false, nil // damage that the size does not show
	}
	return complete, err
}

// memoryJPEG counts the planes at the scale that is decoded, whole or in strips,
// what colours they are made into, and the coefficients of a progressive file. Of a
// result, which has no header yet, it counts the planes at full size.
func memoryJPEG(info Info, want Want) int64 {
	if info.jpeg == nil {
		return 3*area(info.Size) + 1<<20
	}
	return bytesOfJPEG(&info, want, info.byRows && want.resamples())
}

func bytesOfJPEG(info *Info, want Want, strips bool) int64 {
	h := info.jpeg
	if _, ok := h.Ratio(); !ok {
		strips = false
	}
	o := scalesJPEG(h, info.Size, want)
	return h.DecodeBytes(&o, strips) + 1<<20 + 5*info.profile // tables and buffers; its segments, and put together
}

// reserveWholeJPEG makes sure that the whole picture may be held, where the header
// said that strips of it would do.
func (w Want) reserveWholeJPEG(file []byte) error {
	info, err := configJPEG(file)
	if err != nil || !w.resamples() {
		return err
	}
	return w.reserve(max(0, bytesOfJPEG(&info, w, false)-memoryJPEG(info, w)))
}

func encodeJPEG(w io.Writer, p *Picture, q Quality) error {
	img, err := p.first()
	if err != nil {
		return err
	}
	if m, ok := img.(*image.CMYK); ok {
		img = pixel.Copy(m)
	}
	img = pixel.OnWhite(img)
	return jpeg.Encode(w, img, &jpeg.EncodeOptions{Quality: q.quality(), Progressive: q.Progressive, Chroma444: q.Chroma444, ICC: fittingICC(p.ICC, img)})
}
