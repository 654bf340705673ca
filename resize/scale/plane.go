package scale

import (
	"fmt"
	"sync"
)

// A Scaler resamples one plane that is fed to it row by row. It keeps only
// as many rows of the result's width as its vertical kernel has taps.
//
// It is for one goroutine at a time. Different Scalers are independent.
type Scaler struct {
	h, v   *kernels
	ring   []int16 // v.taps rows of stride samples; source row y is in y%v.taps
	stride int
	short  []byte  // copy of a row that is shorter than the kernel
	turned []int16 // a row of v.weights, turned to match the ring

	dst       []byte
	dstStride int
	row       int // next source row
	out       int // next row of the result
}

var scalers = sync.Pool{New: func() any { return new(Scaler) }}

// NewScaler returns a Scaler that writes h.N by v.N samples to dst, whose
// rows are stride bytes apart. Every sample lies in [0,255]; bytes of dst
// between the rows are left alone. dst must hold the result and is the
// caller's; the Scaler writes to it in [Scaler.Push] only.
//
// It panics if an axis is not valid or dst is too short.
//
// Call [Scaler.Close] when done to let another Scaler use its buffers.
func NewScaler(dst []byte, stride int, h, v Axis, o Options) *Scaler {
	s := newScaler(h, v, o)
	if stride < h.N || len(dst) < (v.N-1)*stride+h.N {
		panic(fmt.Sprintf("scale: %dx%d samples, %d apart, don't fit in %d bytes", h.N, v.N, stride, len(dst)))
	}
	s.dst, s.dstStride = dst, stride
	return s
}

// newScaler returns a Scaler without a destination, for put and next.
func newScaler(h, v Axis, o Options) *Scaler {
	h.check()
	v.check()
	s := scalers.Get().(*Scaler)
	s.h = axes.get(axisKey{h, o.Filter, o.Undroop, hpad})
	s.v = axes.get(axisKey{v, o.Filter, o.Undroop, vpad})
	s.row, s.out = 0, 0
	s.stride = (h.N + 15) &^ 15
	s.ring = grow(s.ring, s.v.taps*s.stride)
	s.turned = grow(s.turned, s.v.taps)
	if s.h.reach > s.h.len {
		s.short = grow(s.short, s.h.reach)
		clear(s.short)
	}
	return s
}

// grow returns a slice of n elements of any value, b itself if it can.
func grow[E any](b []E, n int) []E {
	if cap(b) < n {
		return make([]E, n)
	}
	return b[:n]
}

// Close gives the buffers of s back. s must not be used afterwards.
func (s *Scaler) Close() {
	s.h, s.v, s.dst = nil, nil, nil
	const keep = 8 << 20
	if 2*cap(s.ring) > keep {
		s.ring = nil
	}
	scalers.Put(s)
}

// Rows returns the range [first, end) of source rows that the result
// depends on. Rows outside may be passed as nil, or skipped.
func (s *Scaler) Rows() (first, end int) {
	return s.v.first, int(s.v.last[s.v.n-1]) + 1
}

// Columns returns the range [first, end) of source columns that the result
// depends on. The others may hold anything.
func (s *Scaler) Columns() (first, end int) {
	return s.h.first, int(s.h.last[s.h.n-1]) + 1
}

// Push takes the next source row, from the top, and writes the rows of the
// result that are now complete. The row must hold as many samples as the
// horizontal axis says, unless it is outside of [Scaler.Rows]. It is not
// kept. Rows after the last one needed are ignored.
func (s *Scaler) Push(row []byte) {
	s.put(row)
	for s.ready() {
		s.next(s.dst[s.out*s.dstStride:][:s.h.n])
	}
}

// Skip passes over n source rows, none of which may be one of [Scaler.Rows].
func (s *Scaler) Skip(n int) {
	first, end := s.Rows()
	if n < 0 || s.row+n > first && s.row < end && n > 0 {
		panic("scale: a row that is needed was skipped")
	}
	s.row += n
}

// Done reports whether the result is complete.
func (s *Scaler) Done() bool { return s.out == s.v.n }

// Complete returns the number of rows of the result that are complete.
func (s *Scaler) Complete() int { return s.out }

// put resamples the next source row horizontally.
// All that is ready must have been taken by next.
func (s *Scaler) put(row []byte) {
	y := s.row
	s.row++
	if s.out == s.v.n || y < int(s.v.start[s.out]) {
		return
	}
	row = row[:s.h.len]
	if s.h.reach > s.h.len {
		copy(s.short, row)
		row = s.short
	}
	hrow(s.ring[y%s.v.taps*s.stride:][:s.stride], row, s.h)
}

// ready reports whether next has a row to give.
func (s *Scaler) ready() bool {
	return s.out < s.v.n && s.row > int(s.v.last[s.out])
}

// next writes the next row of the result to dst, of length s.h.n.
func (s *Scaler) next(dst []byte) {
	taps := s.v.taps
	w := s.v.weights[s.out*taps:][:taps]
	at := int(s.v.start[s.out]) % taps
	copy(s.turned[at:], w)
	copy(s.turned, w[taps-at:])
	vrow(dst, s.ring, s.stride, s.turned)
	s.out++
}

// Plane resamples the whole plane src, whose rows are srcStride bytes
// apart, to dst, as [NewScaler] says.
func Plane(dst []byte, stride int, src []byte, srcStride int, h, v Axis, o Options) {
	s := NewScaler(dst, stride, h, v, o)
	defer s.Close()
	if s.h.unit && s.v.unit {
		x, y := s.h.first, s.v.first
		for i := range v.N {
			copy(dst[i*stride:][:h.N], src[(y+i)*srcStride+x:])
		}
		return
	}
	first, end := s.Rows()
	s.Skip(first)
	for y := first; y < end; y++ {
		s.Push(src[y*srcStride:][:h.Len])
	}
}
