// Package jpeg decodes and encodes JPEG pictures (ITU-T T.81), made for
// turning large photographs into small ones.
//
// The decoder reads baseline, extended and progressive Huffman-coded files of
// 8 bits a sample with 1, 3 or 4 components in any legal sampling. It can
// produce the picture at 1/8, 1/4 or 1/2 of its size straight from the DCT
// coefficients, which skips most of the work, and leaves it in planes: nothing
// is upsampled or converted to RGB unless the file itself is RGB or CMYK.
//
// Names follow ITU-T T.81: block, MCU, scan, restart interval, DC and AC
// coefficients, zigzag.
package jpeg

import "errors"

// A FormatError reports that the input is not a valid JPEG file.
type FormatError string

func (e FormatError) Error() string { return "jpeg: invalid format: " + string(e) }

var (
	// ErrUnsupported is wrapped by the errors for files that are valid but
	// beyond this package: arithmetic coding, 12 bits a sample, lossless and
	// hierarchical processes, 2 components.
	ErrUnsupported = errors.New("jpeg: unsupported")

	// ErrLimit is wrapped by the errors for files that exceed a limit of
	// [Options].
	ErrLimit = errors.New("jpeg: limit exceeded")
)

// Second bytes of markers (T.81 table B.1).
const (
	markerTEM   = 0x01
	markerSOF0  = 0xc0 // baseline
	markerSOF1  = 0xc1 // extended sequential
	markerSOF2  = 0xc2 // progressive
	markerDHT   = 0xc4
	markerJPG   = 0xc8
	markerDAC   = 0xcc
	markerSOF15 = 0xcf
	markerRST0  = 0xd0
	markerRST7  = 0xd7
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDNL   = 0xdc
	markerDRI   = 0xdd
	markerDHP   = 0xde
	markerEXP   = 0xdf
	markerAPP0  = 0xe0
	markerAPP1  = 0xe1
	markerAPP2  = 0xe2
	markerAPP13 = 0xed
	markerAPP14 = 0xee
	markerAPP15 = 0xef
	markerCOM   = 0xfe
)

// zigzag maps a position of the zigzag sequence to 8*v+u, where v is the
// vertical and u the horizontal frequency (T.81 figure A.6).
var zigzag = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10,
	17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34,
	27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36,
	29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46,
	53, 60, 61, 54, 47, 55, 62, 63,
}
