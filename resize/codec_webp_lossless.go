package resize

import (
	"bytes"
	"fmt"
	"image"

	gen "github.com/gen2brain/webp"

	"s3imageserver/resize/vp8l"
	"s3imageserver/resize/webp"
)

// smallestWebPMethod is the effort from which on libwebp writes lossless pictures: it
// takes many times as long as our own encoder, for a few hundredths of the bytes.
const smallestWebPMethod = 5

// losslessWebPBytes is what encoding a picture takes beside it, and beside what a lossy
// one takes.
func losslessWebPBytes(size image.Point, method int) int64 {
	const (
		ofLossy   = 8 // a pixel
		ofLibwebp = 210
	)
	own := vp8l.EncodeBytesOf(size) - ofLossy*area(size)
	if method >= smallestWebPMethod {
		return own + ofLibwebp*area(size)
	}
	return own
}

// losslessChunks is webpImageChunks without loss.
func losslessChunks(img image.Image, q Quality) (chunks []byte, alpha bool, err error) {
	own, alpha, err := vp8l.Encode(atOrigin(img), vp8l.EncodeOptions{})
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrLimit, err)
	}
	if q.WebPMethod >= smallestWebPMethod {
		other, err := chunkOfLibwebp(img, q)
		if err != nil {
			return nil, false, err
		}
		if len(other) < len(own) {
			own = other
		}
	}
	return webp.AppendChunk(nil, "VP8L", own), alpha, nil
}

// chunkOfLibwebp returns the VP8L chunk that libwebp writes.
func chunkOfLibwebp(img image.Image, q Quality) ([]byte, error) {
	var file bytes.Buffer
	if err := gen.Encode(&file, atOrigin(img), gen.Options{Quality: q.quality(), Method: q.WebPMethod, Lossless: true, Exact: true}); err != nil {
		return nil, err
	}
	body, err := webp.Body(file.Bytes())
	if err != nil {
		return nil, fromBelow(err)
	}
	for c, err := range webp.Chunks(body) {
		if err != nil {
			return nil, fromBelow(err)
		}
		if c.ID == "VP8L" {
			return c.Data, nil
		}
	}
	return nil, fmt.Errorf("%w: a WebP without a picture", ErrMalformed)
}
