package resize

import (
	"errors"
	"image"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/scale"
	"s3imageserver/resize/vp8"
	"s3imageserver/resize/webp"
)

// decodeLossyWebP decodes a picture of that orientation, and crops and scales it on the way if it
// can.
func decodeLossyWebP(frame []byte, h webp.Header, o exif.Orientation, want Want) (img image.Image, resampled bool, err error) {
	upright := func(o exif.Orientation) bool { return o <= 1 }
	c := want.resample
	if want.resamples() && c.source == h.Size && (c.orientation == o || upright(c.orientation) && upright(o)) {
		img, err := resampleWebP(frame, c, want)
		if err == nil || want.show == nil || !errors.Is(err, ErrMalformed) {
			return img, true, err
		}
	}
	if h.Lossy && want.resamples() {
		// The header said that rows would do.
		if err := want.reserve(planesOfVP8(h.Size)); err != nil {
			return nil, false, err
		}
	}
	img, err = decodePlanesWebP(frame, h.Size, want)
	return img, false, err
}

// decodePlanesWebP decodes a whole picture, which must have that size.
func decodePlanesWebP(frame []byte, size image.Point, want Want) (*image.YCbCr, error) {
	if err := checkFrameVP8(frame, size); err != nil {
		return nil, err
	}
	m, err := vp8.Decode(frame, &vp8.DecodeOptions{FullRange: true, Damaged: want.show != nil, Check: want.ended})
	if err != nil && (m == nil || want.damaged(err) != nil) {
		return nil, fromBelow(err)
	}
	return m, nil
}

func checkFrameVP8(frame []byte, size image.Point) error {
	own, err := vp8.Size(frame)
	if err != nil {
		return fromBelow(err)
	}
	return checkSizeWebP(own, size)
}

// resampleWebP decodes a picture and crops and scales it as c says while it does, so that no more
// than some rows of it are in memory, with the same result as if it had been decoded
// first.
func resampleWebP(frame []byte, c resample, want Want) (*image.YCbCr, error) {
	if err := checkFrameVP8(frame, c.source); err != nil {
		return nil, err
	}
	part, options := c.at(1)
	x, y := c.axes(c.source, part, options)
	to := image.YCbCrSubsampleRatio444
	if c.chroma == scale.Chroma420 {
		to = image.YCbCrSubsampleRatio420
	}
	out := image.NewYCbCr(image.Rectangle{Max: c.size}, to)
	scalers := scale.NewScalers(out, image.YCbCrSubsampleRatio420, x, y, options)
	defer func() {
		for _, s := range scalers {
			s.Close()
		}
	}()
	err := vp8.DecodeRows(frame, &vp8.DecodeOptions{FullRange: true, Check: want.ended}, func(rows *image.YCbCr) error {
		n := rows.Rect.Dy()
		pushRows(scalers[0], rows.Y, rows.YStride, n)
		pushRows(scalers[1], rows.Cb, rows.CStride, (n+1)/2)
		pushRows(scalers[2], rows.Cr, rows.CStride, (n+1)/2)
		if scalers[0].Done() && scalers[1].Done() && scalers[2].Done() {
			return errEnough
		}
		return nil
	})
	if err != nil && err != errEnough {
		return nil, fromBelow(err)
	}
	return out, nil
}

func pushRows(s *scale.Scaler, pix []byte, stride, n int) {
	for i := range n {
		s.Push(pix[i*stride:][:stride])
	}
}
