package vp8

import (
	"errors"
	"image"
	"math/rand/v2"
	"testing"
)

// textured returns grey noise with a pattern of which every block is predicted
// in another way.
func textured(w, h int) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	r := rand.New(rand.NewPCG(1, 2))
	for y := range h {
		for x := range w {
			v := 98 + r.IntN(60)
			if (x/5+y/7)%3 == 0 {
				v += 30
			}
			m.Y[y*m.YStride+x] = byte(v)
		}
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = 128, 128
	}
	return m
}

// partitionOf returns the length of the first partition that a frame names.
func partitionOf(frame []byte) int {
	return (int(frame[0]) | int(frame[1])<<8 | int(frame[2])<<16) >> 5
}

// distance returns the mean squared difference of luma.
func distance(a, b *image.YCbCr) float64 {
	sum := 0
	size := a.Rect.Size()
	for y := range size.Y {
		for x := range size.X {
			d := int(a.Y[a.YOffset(x, y)]) - int(b.Y[b.YOffset(x, y)])
			sum += d * d
		}
	}
	return float64(sum) / float64(size.X*size.Y)
}

// The first partition is never longer than it may be, the picture decodes and
// looks as before, and what fits has the same bytes as without a limit.
func TestPartitionIsBounded(t *testing.T) {
	m := textured(1200, 800)
	o := Options{Quality: 75, Effort: 2}
	whole, err := Encode(m, o)
	if err != nil {
		t.Fatal(err)
	}
	free := partitionOf(whole)
	plain := distance(m, decode(t, whole))
	tests := []struct {
		limit int
		err   error
	}{
		{free, nil}, {free - 1, nil}, {free * 3 / 4, nil}, {free / 2, nil}, {free / 3, nil}, {200, ErrPartition},
	}
	for _, tt := range tests {
		o.partition = tt.limit
		frame, err := Encode(m, o)
		if !errors.Is(err, tt.err) {
			t.Errorf("partition of %d bytes: %v; want %v", tt.limit, err, tt.err)
		}
		if err != nil {
			continue
		}
		if n := partitionOf(frame); n > tt.limit {
			t.Errorf("the first partition has %d bytes; the most is %d", n, tt.limit)
		}
		if (tt.limit >= free) != (string(frame) == string(whole)) {
			t.Errorf("partition of %d bytes of %d: the frame is as without a limit: %v", tt.limit, free, string(frame) == string(whole))
		}
		if len(frame) > len(whole)*11/10 {
			t.Errorf("partition of %d bytes of %d: %d bytes in all; without a limit %d", tt.limit, free, len(frame), len(whole))
		}
		if d := distance(m, decode(t, frame)); d > 1.5*plain {
			t.Errorf("partition of %d bytes of %d: squared error %.1f; without a limit %.1f", tt.limit, free, d, plain)
		}
	}
}

// A picture whose modes take more than 19 bits can name.
func TestPartitionAtItsBound(t *testing.T) {
	if testing.Short() {
		t.Skip("18 megapixels are not encoded")
	}
	m := textured(4600, 4000)
	o := Options{Quality: 75, Effort: 1}
	e := newEncoder(m, o)
	e.analyse()
	e.encode()
	if n, frame := e.frame(maxPartition); n <= maxPartition || frame != nil {
		t.Fatalf("the first partition would have %d bytes: the picture tests nothing", n)
	}
	frame, err := Encode(m, o)
	if err != nil {
		t.Fatal(err)
	}
	if got := decode(t, frame); got.Rect != m.Rect || distance(m, got) > 120 {
		t.Errorf("decoded as %v, squared error %.1f", got.Rect, distance(m, got))
	}
}
