package webp

import (
	"bytes"
	"errors"
	"image"
	"math/rand/v2"
	"testing"
)

// filtered returns a plane less what each filter predicts of it: what DecodeAlpha has
// to undo.
func filtered(plane []byte, width, filter int) []byte {
	out := bytes.Clone(plane)
	for i := range plane {
		out[i] -= byte(alphaPrediction(filter, plane, width, i%width, i/width))
	}
	return out
}

// Planes come back, of each filter, as they are and as our encoder writes them.
func TestAlphaIsRead(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []image.Point{{1, 1}, {1, 9}, {9, 1}, {37, 21}} {
		plane := make([]byte, size.X*size.Y)
		for i := range plane {
			plane[i] = byte(r.IntN(256))
		}
		for filter := range alphaFilters {
			chunk := append([]byte{byte(filter << 2)}, filtered(plane, size.X, filter)...)
			got, err := DecodeAlpha(append(chunk, "more"...), size)
			if err != nil || !bytes.Equal(got, plane) {
				t.Errorf("%v, filter %d: another plane, %v", size, filter, err)
			}
			if _, err := DecodeAlpha(chunk[:len(chunk)-1], size); !errors.Is(err, ErrMalformed) {
				t.Errorf("%v, filter %d, a byte is missing: %v; want ErrMalformed", size, filter, err)
			}
		}
		got, err := DecodeAlpha(alphaChunk(plane, size.X, size), size)
		if err != nil || !bytes.Equal(got, plane) {
			t.Errorf("%v, compressed: another plane, %v", size, err)
		}
	}
	for name, chunk := range map[string][]byte{"nothing": nil, "no pixels": {1}, "method 2": {2, 0, 0}, "method 3": {3, 0, 0}} {
		if _, err := DecodeAlpha(chunk, image.Pt(2, 1)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
	if _, err := DecodeAlpha([]byte{1, 0}, image.Pt(1<<14+1, 1)); !errors.Is(err, ErrMalformed) {
		t.Errorf("a width that VP8L has not: %v; want ErrMalformed", err)
	}
}

// FuzzDecodeAlpha: whatever the bytes, there is a plane of that size or an error.
func FuzzDecodeAlpha(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4}, uint8(1))
	f.Add(alphaChunk([]byte{1, 2, 3, 4, 5, 6}, 3, image.Pt(3, 2)), uint8(2))
	f.Fuzz(func(t *testing.T, chunk []byte, width uint8) {
		size := image.Pt(int(width)+1, 2)
		plane, err := DecodeAlpha(chunk, size)
		if err == nil && len(plane) != size.X*size.Y || err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d bytes for %v, %v", len(plane), size, err)
		}
	})
}

// Headers tell that a picture is lossy and nothing else, where they can.
func TestLossyIsKnown(t *testing.T) {
	frame := []byte("\x10\x00\x00\x9d\x01\x2a\x05\x00\x07\x00")
	big := bytes.Repeat([]byte{1}, 1000)
	for name, tt := range map[string]struct {
		chunks []byte
		want   bool
	}{
		"a simple file":      {AppendChunk(nil, "VP8 ", frame), true},
		"a lossless one":     {AppendChunk(nil, "VP8L", []byte("\x2f\x04\x00\x00\x00\x00\x00\x00\x00\x00")), false},
		"with a profile":     {AppendChunk(AppendChunk(VP8X(FlagICC, image.Pt(5, 7)), "ICCP", big[:333]), "VP8 ", frame), true},
		"with transparency":  {AppendChunk(AppendChunk(VP8X(FlagAlpha, image.Pt(5, 7)), "ALPH", big), "VP8 ", frame), false},
		"with nothing":       {VP8X(0, image.Pt(5, 7)), false},
		"lossless, extended": {AppendChunk(VP8X(0, image.Pt(5, 7)), "VP8L", big), false},
		"animated":           {AppendChunk(VP8X(FlagAnimation, image.Pt(5, 7)), "ANIM", big), false},
		"a profile cut off":  {AppendChunk(VP8X(FlagICC, image.Pt(5, 7)), "ICCP", big)[:500], false},
		"a profile of 4 GB":  {append(VP8X(FlagICC, image.Pt(5, 7)), "ICCP\xff\xff\xff\xffVP8 "...), false},
		"unknown before it":  {AppendChunk(AppendChunk(VP8X(0, image.Pt(5, 7)), "abcd", big[:3]), "VP8 ", frame), true},
	} {
		h, err := Parse(File(tt.chunks))
		if err != nil || h.Lossy != tt.want || h.Size != image.Pt(5, 7) && h.Size != image.Pt(5, 1) {
			t.Errorf("%s: %+v, %v; want lossy: %v", name, h, err, tt.want)
		}
	}
}
