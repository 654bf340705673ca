package vp8

import (
	"encoding/binary"
	"math"
)

// A stretching is the way from the limited range of samples, of ITU-R BT.601, to the
// full one.
type stretching struct {
	full [256]byte
	// The same as arithmetic: a sample less base, and of that factor parts of 32768
	// more, rounded, above offset, clamped.
	base, factor, offset int
}

var lumaStretch, chromaStretch = stretchings()

func stretchings() (luma, chroma stretching) {
	for i := range 256 {
		luma.full[i] = byte(math.Max(0, math.Min(255, float64((float64(i)-16)*255/219)+0.5)))
		chroma.full[i] = byte(math.Max(0, math.Min(255, float64((float64(i)-128)*255/224)+128.5)))
	}
	// 36/219 and 31/224 of a sample; the second one is cut off, so that a half is none.
	luma.base, luma.factor = 16, 5387
	chroma.base, chroma.factor, chroma.offset = 128, 4534, 128
	return luma, chroma
}

// stretchGeneric stretches samples in place.
func stretchGeneric(p []byte, s *stretching) {
	t := &s.full
	for ; len(p) >= 8; p = p[8:] {
		v := binary.LittleEndian.Uint64(p)
		low := uint32(t[byte(v)]) | uint32(t[byte(v>>8)])<<8 | uint32(t[byte(v>>16)])<<16 | uint32(t[byte(v>>24)])<<24
		high := uint32(t[byte(v>>32)]) | uint32(t[byte(v>>40)])<<8 | uint32(t[byte(v>>48)])<<16 | uint32(t[byte(v>>56)])<<24
		binary.LittleEndian.PutUint64(p, uint64(low)|uint64(high)<<32)
	}
	for i, v := range p {
		p[i] = t[v]
	}
}
