package scale

import (
	"fmt"
	"math"
)

// An Axis says which part of a line of samples becomes how many samples.
// The part [Offset, Offset+Span) is measured in source samples from the
// left (or upper) edge of the first one, and may be fractional: sample p
// covers [p, p+1). Result sample i is centred on Offset + (i+1/2)*Span/N.
//
// A crop is another Offset and Span, so it costs nothing extra. Kernels
// reach beyond the part into the rest of the line, and are cut and
// normalized again at its ends, or at Lo and Hi.
type Axis struct {
	Len    int     // samples in the source, at least 1
	Offset float64 // where the part begins
	Span   float64 // how long it is, more than 0
	N      int     // samples in the result, at least 1

	// Lo and Hi bound the samples that have weights to [Lo, Hi). A Hi of 0 stands
	// for Len.
	Lo, Hi int
}

// ends returns the samples that may have weights: [lo, hi).
func (a Axis) ends() (lo, hi int) {
	if a.Hi == 0 {
		return a.Lo, a.Len
	}
	return a.Lo, a.Hi
}

// Whole returns the Axis that makes n samples of all of a line of length
// samples.
func Whole(length, n int) Axis {
	return Axis{Len: length, Span: float64(length), N: n}
}

func (a Axis) check() {
	lo, hi := a.ends()
	if a.Len < 1 || a.N < 1 || lo < 0 || lo >= hi || hi > a.Len || !(a.Span > 0) || math.IsInf(a.Span, 0) ||
		math.IsNaN(a.Offset) || math.IsInf(a.Offset, 0) {
		panic(fmt.Sprintf("scale: bad axis %+v", a))
	}
}

const (
	weightBits = 14
	weightOne  = 1 << weightBits

	// hpad and vpad are what the kernels need the number of taps to be a
	// multiple of, hgroup the number of results of the horizontal one.
	vpad   = 2
	hgroup = 8
)

// kernels holds the weights of every result sample of one Axis.
// It doesn't change once made and is shared.
type kernels struct {
	n, len int // samples in the result, in the source
	taps   int // weights of each result sample, padded with zeros
	reach  int // one more than the last source sample read; may exceed len
	first  int // the first source sample that has a weight

	// start[i] is the first source sample of result i. It doesn't decrease.
	// start and weights are padded to a multiple of hgroup results.
	start []int32
	// last[i] is the last source sample that result i or an earlier one
	// needs. It doesn't decrease and is less than start[i]+taps.
	last []int32
	// weights holds taps weights for each result, with 14 fractional bits.
	// Those of each result sum to exactly 16384, so flat stays flat.
	weights []int16
	// unit says that result i is source sample first+i.
	unit bool
}

// droops has the a of a kernel convolved with [-a, 1+2a, -a], by the N of N/8 at
// which a picture was decoded. Of 1/8 it is the Taylor expansion of 1/sinc, which
// undoes the average of 8x8; that of 2/8 was found by trying.
var droops = [...]float64{1: 1.0 / 24, 2: 1.0 / 50}

// newKernels computes the weights of a. The number of taps will be a
// multiple of pad.
func newKernels(a Axis, f Filter, droop uint8, pad int) *kernels {
	first, end := a.ends()
	ratio := a.Span / float64(a.N)
	sup := f.support(ratio)
	if droop != 0 {
		sup++
	}
	room := min(end-first, int(min(2*sup, 1<<30))+3) // bounds the taps of a result
	var (
		fw  = make([]float64, room)
		tmp = make([]float64, room)
		q   = make([]int16, a.N*room)
		k   = &kernels{n: a.N, len: a.Len, last: make([]int32, a.N)}
	)
	k.start = make([]int32, (a.N+hgroup-1)/hgroup*hgroup)
	at := make([]int32, a.N) // position of q[i*room]
	for i := range a.N {
		c := a.Offset + float64((float64(i)+0.5)*ratio)
		c = min(max(c, float64(first)), float64(end))
		lo := max(int(math.Ceil(c-sup-0.5)), first)
		hi := min(int(math.Floor(c+sup-0.5)), end-1)
		if f == Box {
			lo, hi = max(int(math.Floor(c-sup)), first), min(int(math.Ceil(c+sup))-1, end-1)
		}
		if hi < lo || hi-lo >= room {
			lo = min(int(c), end-1)
			hi = lo
		}
		w := fw[:hi-lo+1]
		f.fill(w, lo, c, ratio)
		if droop != 0 {
			undroop(w, tmp, droops[droop])
		}
		qi := q[i*room:][:len(w)]
		quantize(qi, w)
		// Kernels end in weights that round to nothing: drop them.
		m := len(qi)
		for m > 1 && qi[m-1] == 0 {
			m--
		}
		s := 0
		for s < m-1 && qi[s] == 0 {
			s++
		}
		at[i] = int32(lo)
		k.start[i] = int32(lo + s)
		k.last[i] = int32(lo + m - 1)
	}
	k.pack(q, room, at, pad)
	return k
}

// pack trims the weights q to the number of taps that are needed.
func (k *kernels) pack(q []int16, room int, first []int32, pad int) {
	n := k.n
	k.unit = true
	for i := range n {
		k.unit = k.unit && k.start[i] == k.last[i] && k.start[i] == k.start[0]+int32(i)
	}
	for i := 1; i < n; i++ {
		k.last[i] = max(k.last[i], k.last[i-1])
	}
	for i := n - 2; i >= 0; i-- {
		k.start[i] = min(k.start[i], k.start[i+1])
	}
	for i := range n {
		k.taps = max(k.taps, int(k.last[i]-k.start[i])+1)
	}
	k.first = int(k.start[0])
	k.taps = (k.taps + pad - 1) / pad * pad
	k.weights = make([]int16, len(k.start)*k.taps)
	for i := range n {
		s := min(int(k.start[i]), max(k.len-k.taps, 0)) // a kernel lies inside the line
		k.start[i] = int32(s)
		w := k.weights[i*k.taps:][:k.taps]
		for j, v := range q[i*room:][:room] {
			if v != 0 {
				w[int(first[i])+j-s] = v
			}
		}
	}
	for i := n; i < len(k.start); i++ {
		k.start[i] = k.start[n-1]
	}
	k.reach = int(k.start[n-1]) + k.taps
}

// undroop convolves w with [-droop, 1+2*droop, -droop], in place.
func undroop(w, tmp []float64, droop float64) {
	tmp = tmp[:len(w)]
	copy(tmp, w)
	end := len(w) - 1
	for j := range w {
		w[j] = float64(tmp[j]*(1+2*droop)) - float64(droop*tmp[max(j-1, 0)]) - float64(droop*tmp[min(j+1, end)])
	}
}

// quantize writes w, normalized to a sum of 16384, to q. The running sum is
// rounded rather than each weight, so that errors don't add up however wide
// the kernel is.
func quantize(q []int16, w []float64) {
	sum := 0.0
	for _, v := range w {
		sum += v
	}
	if !(sum > 1e-9) { // no sample near enough: take the nearest
		clear(q)
		q[len(q)/2] = weightOne
		return
	}
	run, was := 0.0, 0.0
	for j, v := range w {
		run += v
		r := math.Round(run / sum * weightOne)
		q[j] = int16(min(max(r-was, math.MinInt16), math.MaxInt16))
		was = r
	}
}

// bytes returns about how much memory k holds.
func (k *kernels) bytes() int {
	return 128 + 4*len(k.start) + 4*len(k.last) + 2*len(k.weights)
}
