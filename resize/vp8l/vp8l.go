// Package vp8l decodes and encodes VP8L, the lossless WebP (RFC 9649, section 3): the data of
// a VP8L chunk, and planes of transparency, which are the green of such pictures.
//
// Pixels are worked on as uint32 of alpha, red, green and blue, from the highest byte on.
// Results are the same on every machine. Nothing here is shared: all functions are safe for
// concurrent use.
package vp8l

import (
	"errors"
	"fmt"
	"image"
)

// MaxSide is how long the sides of a picture are at the most, in pixels.
const MaxSide = 1 << 14

var (
	// ErrMalformed says that data is no VP8L.
	ErrMalformed = errors.New("malformed VP8L")
	// ErrTruncated says that data ends before the picture does.
	ErrTruncated = fmt.Errorf("%w: it ends early", ErrMalformed)
	// ErrLimit says that a picture needs more prefix codes than any encoder writes.
	ErrLimit = errors.New("VP8L beyond a limit")
)

// A Header is what the first five bytes say (section 3.4).
type Header struct {
	Size  image.Point
	Alpha bool // some pixels may be transparent
}

const (
	signature   = 0x2f
	headerBytes = 5
)

// ParseHeader reads the beginning of a VP8L chunk.
func ParseHeader(data []byte) (h Header, err error) {
	if len(data) < headerBytes || data[0] != signature {
		return h, fmt.Errorf("%w: no signature", ErrMalformed)
	}
	v := uint32(data[1]) | uint32(data[2])<<8 | uint32(data[3])<<16 | uint32(data[4])<<24
	if v>>29 != 0 {
		return h, fmt.Errorf("%w: version %d", ErrMalformed, v>>29)
	}
	h.Size = image.Pt(int(v&(MaxSide-1))+1, int(v>>14&(MaxSide-1))+1)
	h.Alpha = v>>28&1 != 0
	return h, nil
}

// Kinds of transforms (section 3.5).
const (
	predictorTransform = iota
	colorTransform
	subtractGreenTransform
	indexingTransform
	transformKinds
)

// Numbers of symbols of prefix codes (section 3.6).
const (
	literals        = 256
	lengthSymbols   = 24
	distanceSymbols = 40
	maxCacheBits    = 11

	maxCodeLength = 15 // bits
)

// A prefix code group has a code for each of these, in this order.
const (
	greenCode = iota // and lengths, and the colour cache
	redCode
	blueCode
	alphaCode
	distanceCode
	codesOfGroup
)

// codeOrder is the order in which lengths of the code of code lengths are written
// (section 3.7.2.1.2).
var codeOrder = [19]byte{17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// neighbours are the pixels that the first distance codes stand for: so far to the left,
// and so many rows above (section 3.6.2.2).
var neighbours = [120][2]int8{
	{0, 1}, {1, 0}, {1, 1}, {-1, 1}, {0, 2}, {2, 0}, {1, 2}, {-1, 2}, {2, 1}, {-2, 1}, {2, 2}, {-2, 2},
	{0, 3}, {3, 0}, {1, 3}, {-1, 3}, {3, 1}, {-3, 1}, {2, 3}, {-2, 3}, {3, 2}, {-3, 2}, {0, 4}, {4, 0},
	{1, 4}, {-1, 4}, {4, 1}, {-4, 1}, {3, 3}, {-3, 3}, {2, 4}, {-2, 4}, {4, 2}, {-4, 2}, {0, 5}, {3, 4},
	{-3, 4}, {4, 3}, {-4, 3}, {5, 0}, {1, 5}, {-1, 5}, {5, 1}, {-5, 1}, {2, 5}, {-2, 5}, {5, 2}, {-5, 2},
	{4, 4}, {-4, 4}, {3, 5}, {-3, 5}, {5, 3}, {-5, 3}, {0, 6}, {6, 0}, {1, 6}, {-1, 6}, {6, 1}, {-6, 1},
	{2, 6}, {-2, 6}, {6, 2}, {-6, 2}, {4, 5}, {-4, 5}, {5, 4}, {-5, 4}, {3, 6}, {-3, 6}, {6, 3}, {-6, 3},
	{0, 7}, {7, 0}, {1, 7}, {-1, 7}, {5, 5}, {-5, 5}, {7, 1}, {-7, 1}, {4, 6}, {-4, 6}, {6, 4}, {-6, 4},
	{2, 7}, {-2, 7}, {7, 2}, {-7, 2}, {3, 7}, {-3, 7}, {7, 3}, {-7, 3}, {5, 6}, {-5, 6}, {6, 5}, {-6, 5},
	{8, 0}, {4, 7}, {-4, 7}, {7, 4}, {-7, 4}, {8, 1}, {8, 2}, {6, 6}, {-6, 6}, {8, 3}, {5, 7}, {-5, 7},
	{7, 5}, {-7, 5}, {8, 4}, {6, 7}, {-6, 7}, {7, 6}, {-7, 6}, {8, 5}, {7, 7}, {-7, 7}, {8, 6}, {8, 7},
}

// blocks returns how many blocks of 1<<bits pixels cover n.
func blocks(n int, bits uint) int { return (n + 1<<bits - 1) >> bits }

// A colorCache has a place for each of the colours that were there lately (section 3.6.2.3).
// One of no bits has none.
type colorCache struct {
	colors []uint32
	shift  uint
}

func newColorCache(bits uint) colorCache {
	if bits == 0 {
		return colorCache{}
	}
	return colorCache{make([]uint32, 1<<bits), 32 - bits}
}

// put gives a colour its place, and reports which that is and whether it had it already.
func (c *colorCache) put(argb uint32) (place uint32, there bool) {
	if c.colors == nil {
		return 0, false
	}
	place = c.place(argb)
	there = c.colors[place] == argb
	c.colors[place] = argb
	return place, there
}

// putAll gives colours their places.
func (c *colorCache) putAll(argb []uint32) {
	if c.colors == nil {
		return
	}
	for _, a := range argb {
		c.colors[c.place(a)] = a
	}
}

func (c *colorCache) place(argb uint32) uint32 { return argb * 0x1e35a7bd >> c.shift }
