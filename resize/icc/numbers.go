package icc

import (
	"encoding/binary"
	"math"
)

// Numbers returns a profile for RGB by the numbers of ITU-T H.273, as AVIF, HEIC
// and PNG name colours; nil for sRGB, and for those that have none here. White
// is that of D65. HDR (PQ, HLG) is mapped so that its reference white, 203 cd/m²
// (ITU-R BT.2408), is white, and what is brighter too.
func Numbers(primaries, transfer byte) []byte {
	xy, ok := primariesOf[primaries]
	if !ok {
		return nil
	}
	if primaries == 1 && shownAsSRGB(transfer) {
		return nil
	}
	return Measured(d65, xy, transfer, 0)
}

var primariesOf = map[byte][6]float64{
	1:  {0.640, 0.330, 0.300, 0.600, 0.150, 0.060}, // BT.709
	9:  {0.708, 0.292, 0.170, 0.797, 0.131, 0.046}, // BT.2020
	12: {0.680, 0.320, 0.265, 0.690, 0.150, 0.060}, // Display P3
}

// Known reports whether the numbers are ones that [Numbers] knows: if it has no
// profile for them, they are sRGB.
func Known(primaries, transfer byte) bool {
	_, ok := primariesOf[primaries]
	return ok && curveOf(transfer, 0) != nil
}

// Gray returns a profile for grey of a transfer as [Numbers] has them, or of a
// gamma if that is not 0; nil for a transfer that is not known.
func Gray(transfer byte, gamma float64) []byte {
	curve := curveOf(transfer, gamma)
	if curve == nil {
		return nil
	}
	return build("GRAY", []tag{{"desc", descTag("H.273")}, {"wtpt", xyzTag(whiteX, whiteY, whiteZ)}, {"kTRC", curve}, {"cprt", descTag("CC0")}})
}

// d65 is where white lies, by x and y.
var d65 = [2]float64{0.3127, 0.3290}

// shownAsSRGB reports whether a transfer by the numbers of ITU-T H.273 is meant
// so: what cameras write with BT.709 is.
func shownAsSRGB(transfer byte) bool {
	switch transfer {
	case 1, 2, 6, 13, 14, 15:
		return true
	}
	return false
}

// Measured returns a profile for RGB whose white, red, green and blue lie at x
// and y of CIE 1931: of a transfer as [Numbers] has them, or of a gamma if that
// is not 0. It is nil for what cannot be.
func Measured(white [2]float64, primaries [6]float64, transfer byte, gamma float64) []byte {
	curve := curveOf(transfer, gamma)
	if curve == nil {
		return nil
	}
	m := colorants(white, primaries)
	for _, v := range m {
		if math.IsNaN(v) || math.Abs(v) > 4 {
			return nil
		}
	}
	tags := []tag{
		{"desc", descTag("H.273")}, {"wtpt", xyzTag(whiteX, whiteY, whiteZ)},
		{"rXYZ", xyzTag(m[0], m[3], m[6])}, {"gXYZ", xyzTag(m[1], m[4], m[7])}, {"bXYZ", xyzTag(m[2], m[5], m[8])},
		{"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve}, {"cprt", descTag("CC0")},
	}
	return build("RGB ", tags)
}

// curveOf returns the tag of a transfer's curve, or of a gamma if that is not 0;
// nil for a transfer that is not known.
func curveOf(transfer byte, gamma float64) []byte {
	switch {
	case gamma != 0:
		return gammaTag(gamma)
	case shownAsSRGB(transfer):
		return parametricTag(2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)
	case transfer == 4:
		return gammaTag(2.2)
	case transfer == 5:
		return gammaTag(2.8)
	case transfer == 8:
		return gammaTag(1)
	case transfer == 16:
		return sampledTag(func(x float64) float64 { return min(1, pq(x)/203) })
	case transfer == 17: // of cinemas
		return gammaTag(2.6)
	case transfer == 18:
		return sampledTag(func(x float64) float64 { return min(1, hlg(x)) })
	}
	return nil
}

// pq returns the cd/m² of a sample (SMPTE ST 2084).
func pq(x float64) float64 {
	const m1, m2, c1, c2, c3 = 2610.0 / 16384, 2523.0 / 32, 3424.0 / 4096, 2413.0 / 128, 2392.0 / 128
	p := math.Pow(x, 1/m2)
	return 10000 * math.Pow(max(p-c1, 0)/(c2-float64(c3*p)), 1/m1)
}

// hlg returns the linear value of a sample, 1 for reference white, at a sample
// of 0.75 (ITU-R BT.2100).
func hlg(x float64) float64 {
	const a, b, c = 0.17883277, 0.28466892, 0.55991073
	inverse := func(x float64) float64 {
		if x <= 0.5 {
			return x * x / 3
		}
		return (math.Exp((x-c)/a) + b) / 12
	}
	return math.Pow(inverse(x)/inverse(0.75), 1.2)
}

// colorants returns the XYZ of primaries given as x and y, for a white that is
// adapted to D50 by Bradford's method (ICC.1, annex E).
func colorants(at [2]float64, xy [6]float64) [9]float64 {
	var m [9]float64
	for i := range 3 {
		x, y := xy[2*i], xy[2*i+1]
		m[i], m[3+i], m[6+i] = x/y, 1, (1-x-y)/y
	}
	white := [3]float64{at[0] / at[1], 1, (1 - at[0] - at[1]) / at[1]}
	inv := invert(m)
	for i := range 3 {
		s := float64(inv[3*i]*white[0]) + float64(inv[3*i+1]*white[1]) + float64(inv[3*i+2]*white[2])
		m[i], m[3+i], m[6+i] = m[i]*s, m[3+i]*s, m[6+i]*s
	}
	bradford := [9]float64{0.8951, 0.2664, -0.1614, -0.7502, 1.7135, 0.0367, 0.0389, -0.0685, 1.0296}
	cone := func(x, y, z float64) (c [3]float64) {
		for i := range c {
			c[i] = float64(bradford[3*i]*x) + float64(bradford[3*i+1]*y) + float64(bradford[3*i+2]*z)
		}
		return c
	}
	from, to := cone(white[0], white[1], white[2]), cone(whiteX, whiteY, whiteZ)
	scale := [9]float64{0: to[0] / from[0], 4: to[1] / from[1], 8: to[2] / from[2]}
	return multiply(multiply(invert(bradford), multiply(scale, bradford)), m)
}

type tag struct {
	name string
	data []byte
}

// build returns a version 4 display profile for a space of those tags (section 7).
func build(space string, tags []tag) []byte {
	b := make([]byte, headerBytes+4+12*len(tags))
	b[8], b[9] = 4, 0x30
	copy(b[12:], "mntr"+space+"XYZ ")
	copy(b[36:], "acsp")
	copy(b[68:], xyzTag(whiteX, whiteY, whiteZ)[8:])
	binary.BigEndian.PutUint32(b[headerBytes:], uint32(len(tags)))
	at := map[string]int{}
	for i, t := range tags {
		start, ok := at[string(t.data)]
		if !ok {
			start = len(b)
			at[string(t.data)] = start
			b = append(b, t.data...)
			b = append(b, make([]byte, -len(b)&3)...)
		}
		e := b[headerBytes+4+12*i:]
		copy(e, t.name)
		binary.BigEndian.PutUint32(e[4:], uint32(start))
		binary.BigEndian.PutUint32(e[8:], uint32(len(t.data)))
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

func fixed(v float64) []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(int32(math.Round(v*65536))))
}

func xyzTag(x, y, z float64) []byte {
	b := append([]byte("XYZ \x00\x00\x00\x00"), fixed(x)...)
	return append(append(b, fixed(y)...), fixed(z)...)
}

func parametricTag(numbers ...float64) []byte {
	b := []byte("para\x00\x00\x00\x00\x00\x03\x00\x00")
	for _, n := range numbers {
		b = append(b, fixed(n)...)
	}
	return b
}

func gammaTag(g float64) []byte {
	return append([]byte("para\x00\x00\x00\x00\x00\x00\x00\x00"), fixed(g)...)
}

func sampledTag(f func(float64) float64) []byte {
	const points = 1024
	b := binary.BigEndian.AppendUint32([]byte("curv\x00\x00\x00\x00"), points)
	for i := range points {
		b = binary.BigEndian.AppendUint16(b, uint16(float64(65535*clamp(f(float64(i)/(points-1))))+0.5))
	}
	return b
}

// descTag returns a text in one language (section 10.15).
func descTag(text string) []byte {
	b := []byte("mluc\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0cenUS")
	b = binary.BigEndian.AppendUint32(b, uint32(2*len(text)))
	b = binary.BigEndian.AppendUint32(b, 28)
	for _, c := range []byte(text) {
		b = append(b, 0, c)
	}
	return b
}
