package resize

import (
	"encoding/binary"

	"s3imageserver/resize/icc"
)

// pngColours collects what the chunks of a PNG say of its colours.
type pngColours struct {
	numbers  []byte // of cICP
	profile  []byte // of iCCP
	srgb     bool
	gamma    float64 // of samples: what light is raised to; 0: not given
	measured []float64
}

// pngFraction is what a 1 is in gAMA and cHRM.
const pngFraction = 100_000

// take reads a chunk, if it is one of colours. The first one of a kind counts.
func (c *pngColours) take(kind string, data []byte) {
	switch {
	case kind == "cICP" && len(data) == 4 && c.numbers == nil:
		c.numbers = data
	case kind == "iCCP" && c.profile == nil:
		c.profile = inflateICC(data)
	case kind == "sRGB":
		c.srgb = true
	case kind == "gAMA" && len(data) == 4 && c.gamma == 0:
		c.gamma = float64(binary.BigEndian.Uint32(data)) / pngFraction
	case kind == "cHRM" && len(data) == 32 && c.measured == nil:
		for at := range 8 {
			c.measured = append(c.measured, float64(binary.BigEndian.Uint32(data[4*at:]))/pngFraction)
		}
	}
}

// of returns the profile of the colours, nil for sRGB. cICP comes before iCCP,
// that before sRGB, and that before gAMA and cHRM (PNG specification, third
// edition, section 4.3); what is not understood is left out.
func (c *pngColours) of(grey bool) []byte {
	const rgb, full = 0, 1 // no matrix, full range
	switch n := c.numbers; {
	case n != nil && n[2] == rgb && n[3] == full && icc.Known(n[0], n[1]):
		if grey {
			return icc.Gray(n[1], 0)
		}
		return icc.Numbers(n[0], n[1])
	case c.profile != nil:
		return c.profile
	case c.srgb:
		return nil
	}
	// Browsers do not correct without gAMA. One within a twentieth of 1/2.2 is
	// meant to be sRGB's, whose writers put it there for readers of old.
	const srgb = 13 // a transfer of ITU-T H.273
	transfer, gamma := byte(0), 1/c.gamma
	switch {
	case c.gamma < 0.01 || c.gamma > 10:
		return nil
	case c.gamma > 0.95/2.2 && c.gamma < 1.05/2.2:
		transfer, gamma = srgb, 0
	}
	if grey {
		return icc.Gray(transfer, gamma)
	}
	white, primaries := [2]float64{0.3127, 0.3290}, [6]float64{0.640, 0.330, 0.300, 0.600, 0.150, 0.060} // of sRGB
	if c.measured != nil {
		white, primaries = [2]float64(c.measured), [6]float64(c.measured[2:])
	}
	return icc.Measured(white, primaries, transfer, gamma)
}
