package av1

import (
	_ "embed"
	"encoding/binary"
	"math/bits"
	"sync"
)

//go:embed cdf.bin
var packedCDFs string

// cdfs are the CDFs of one tile. Each is N cumulative probabilities of 15 bits,
// the last one 32768, and a counter; the constants cdf... say where they lie.
type cdfs [cdfAll]uint16

// defaultCDFs has the CDFs that a frame begins with, by quantizer set.
var defaultCDFs = sync.OnceValue(func() *[4]cdfs {
	number := func(i int) uint16 { return binary.BigEndian.Uint16([]byte(packedCDFs[2*i : 2*i+2])) }
	var sets [4]cdfs
	for i := range sets {
		for j := range sets[i] {
			if j < cdfModes {
				sets[i][j] = number(j)
			} else {
				sets[i][j] = number(j + i*(cdfAll-cdfModes))
			}
		}
	}
	return &sets
})

// quantizerSet is the index of the coefficient CDFs for base_q_idx (section
// 6.8.2, init_coeff_cdfs).
func quantizerSet(qIndex int) int {
	switch {
	case qIndex <= 20:
		return 0
	case qIndex <= 60:
		return 1
	case qIndex <= 120:
		return 2
	}
	return 3
}

// symbolWriter is the arithmetic coder: the reverse of the symbol decoder of
// section 8.2.
//
// The interval is [low, low+rng) in units of the last 16 bits of low. Above them
// low has n bits that are not written yet, and above these a carry into what is
// written. The stream begins one bit below the top of the first interval, since
// the decoder reads 15 bits for a range of 16: n begins at -1.
type symbolWriter struct {
	out []byte
	low uint64
	rng uint32
	n   int
}

func (w *symbolWriter) reset() {
	w.out = w.out[:0]
	w.low, w.rng, w.n = 0, 1<<15, -1
}

// code narrows the interval to that of symbol s of n, of which cdf has the
// cumulative probabilities (section 8.2.6).
func (w *symbolWriter) code(cdf []uint16, n, s int) {
	r := w.rng >> 8
	prev := w.rng
	if s > 0 {
		prev = r*((32768-uint32(cdf[s-1]))>>6)>>1 + 4*uint32(n-s)
	}
	cur := r*((32768-uint32(cdf[s]))>>6)>>1 + 4*uint32(n-1-s)
	w.low += uint64(w.rng - prev)
	w.normalize(prev - cur)
}

func (w *symbolWriter) normalize(rng uint32) {
	d := 16 - bits.Len32(rng)
	w.rng = rng << d
	w.low <<= d
	w.n += d
	if w.n >= 24 {
		w.flush()
	}
}

// flush writes whole bytes of what is pending.
func (w *symbolWriter) flush() {
	for w.n >= 8 {
		w.n -= 8
		w.byte(uint(w.low >> (16 + w.n)))
		w.low &= 1<<(16+w.n) - 1
	}
}

// byte appends the low 8 bits of b after the carry in bit 8 went into what is
// written.
func (w *symbolWriter) byte(b uint) {
	if b>>8 != 0 {
		i := len(w.out) - 1
		for w.out[i] == 0xff {
			w.out[i] = 0
			i--
		}
		w.out[i]++
	}
	w.out = append(w.out, byte(b))
}

// finish writes the shortest number within the interval that ends in the one bit
// that section 8.2.4 wants, and returns all bytes.
func (w *symbolWriter) finish() []byte {
	w.low = (w.low+0x3fff)&^0x3fff | 0x4000
	w.flush()
	// Bits 15 and 14 end the stream.
	v, n := w.low>>14, w.n+2
	v <<= uint(-n) & 7
	n += -n & 7
	for n > 0 {
		n -= 8
		w.byte(uint(v >> n))
		v &= 1<<n - 1
	}
	return w.out
}

// bit writes a bit of even probability (section 8.2.5).
func (w *symbolWriter) bit(b uint) {
	v := w.rng>>8<<7 + 4 // (rng>>8)·(16384>>6)>>1 + 4
	if b == 0 {
		w.normalize(w.rng - v)
	} else {
		w.low += uint64(w.rng - v)
		w.normalize(v)
	}
}

// literal writes the n low bits of v, most significant first.
func (w *symbolWriter) literal(v uint, n int) {
	for n > 0 {
		n--
		w.bit(v >> n & 1)
	}
}

// adapt moves a CDF of n symbols towards symbol s (section 8.2.6).
func adapt(cdf []uint16, n, s int) {
	cdf = cdf[:n+1]
	count := cdf[n]
	rate := uint16(4)
	if n >= 4 {
		rate++
	}
	if count > 15 {
		rate++
	}
	if count > 31 {
		rate++
	}
	for i := range cdf[:s] {
		cdf[i] -= cdf[i] >> rate
	}
	for i := s; i < n-1; i++ {
		cdf[i] += (32768 - cdf[i]) >> rate
	}
	if count < 32 {
		cdf[n]++
	}
}
