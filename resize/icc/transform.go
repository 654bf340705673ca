package icc

import (
	"fmt"
	"math"
)

// A Transform converts colours of a profile to sRGB. It is safe for concurrent
// use.
type Transform struct {
	channels int
	lut      *table          // nil: matrix and curves
	lab      bool            // the connection space is Lab
	linear   [3][256]float64 // curves of the matrix; the first one is that of grey
	matrix   [9]float64      // from linear device colours to linear sRGB
	srgb     bool
}

// New reads a profile. The error wraps [ErrProfile].
func New(data []byte) (*Transform, error) {
	p, err := parse(data)
	if err != nil {
		return nil, err
	}
	t := &Transform{channels: Channels(data), lab: p.pcs == "Lab "}
	switch {
	case t.channels == 0:
		return nil, fmt.Errorf("%w: colour space %q", ErrProfile, p.space)
	case t.channels == 1:
		err = t.readGrey(p)
	case p.tags["A2B0"] != nil || p.tags["A2B1"] != nil:
		tag := p.tags["A2B0"]
		if tag == nil {
			tag = p.tags["A2B1"]
		}
		if t.lut, err = readTable(tag, t.channels); err != nil && t.channels == 3 && p.tags["rTRC"] != nil {
			t.lut = nil
			err = t.readMatrix(p)
		}
	case t.channels == 3:
		err = t.readMatrix(p)
	default:
		err = fmt.Errorf("%w: no tables", ErrProfile)
	}
	if err != nil {
		return nil, err
	}
	t.srgb = t.isSRGB()
	return t, nil
}

// Channels returns the samples of a colour: 1, 3 or 4.
func (t *Transform) Channels() int { return t.channels }

// SRGB reports whether the profile is sRGB, or so near that no sample of 8 bits
// would change by more than one or two; for grey, the curve of sRGB.
func (t *Transform) SRGB() bool { return t.srgb }

func (t *Transform) readGrey(p *profile) error {
	c, _, err := readCurve(p.tags["kTRC"])
	if err != nil {
		return err
	}
	for i := range 256 {
		v := c(float64(i) / 255)
		if t.lab {
			v = lightness(100 * v)
		}
		t.linear[0][i] = v
	}
	return nil
}

func (t *Transform) readMatrix(p *profile) error {
	t.lab = false
	var m [9]float64
	for i, name := range []string{"r", "g", "b"} {
		c, _, err := readCurve(p.tags[name+"TRC"])
		if err != nil {
			return err
		}
		for v := range 256 {
			t.linear[i][v] = c(float64(v) / 255)
		}
		xyz, err := p.xyz(name + "XYZ")
		if err != nil {
			return err
		}
		m[i], m[3+i], m[6+i] = xyz[0], xyz[1], xyz[2]
	}
	t.matrix = multiply(xyzToSRGB, m)
	return nil
}

// isSRGB compares colours on a coarse grid with themselves.
func (t *Transform) isSRGB() bool {
	const tolerance = 2
	levels := []int{0, 8, 24, 64, 128, 200, 255}
	near := func(in []byte) bool {
		out := t.RGB([4]byte{in[0], in[1%len(in)], in[2%len(in)]})
		for i, v := range out {
			if d := int(v) - int(in[i%len(in)]); d > tolerance || d < -tolerance {
				return false
			}
		}
		return true
	}
	switch t.channels {
	case 1:
		for _, v := range levels {
			if !near([]byte{byte(v)}) {
				return false
			}
		}
		return true
	case 3:
		for _, r := range levels {
			for _, g := range levels {
				for _, b := range levels {
					if !near([]byte{byte(r), byte(g), byte(b)}) {
						return false
					}
				}
			}
		}
		return true
	}
	return false
}

// RGB returns the sRGB colour of a device colour. Of grey the first sample
// counts; inks are 0 for none and 255 for all.
func (t *Transform) RGB(in [4]byte) [3]byte {
	if t.lut == nil {
		r := t.linear[0][in[0]]
		if t.channels == 1 {
			v := encode(r)
			return [3]byte{v, v, v}
		}
		g, b := t.linear[1][in[1]], t.linear[2][in[2]]
		m := &t.matrix
		return [3]byte{
			encode(float64(m[0]*r) + float64(m[1]*g) + float64(m[2]*b)),
			encode(float64(m[3]*r) + float64(m[4]*g) + float64(m[5]*b)),
			encode(float64(m[6]*r) + float64(m[7]*g) + float64(m[8]*b)),
		}
	}
	v := t.lut.eval(&[4]float64{float64(in[0]) / 255, float64(in[1]) / 255, float64(in[2]) / 255, float64(in[3]) / 255})
	x, y, z := t.connection(v)
	m := &xyzToSRGB
	return [3]byte{
		encode(float64(m[0]*x) + float64(m[1]*y) + float64(m[2]*z)),
		encode(float64(m[3]*x) + float64(m[4]*y) + float64(m[5]*z)),
		encode(float64(m[6]*x) + float64(m[7]*y) + float64(m[8]*z)),
	}
}

// White of the connection space (section 7.2.16).
const whiteX, whiteY, whiteZ = 0.9642, 1.0, 0.8249

// connection returns the XYZ of an encoded colour (section 6.3.4).
func (t *Transform) connection(v [outputs]float64) (x, y, z float64) {
	if !t.lab {
		const one = 1 + 32767.0/32768
		return v[0] * one, v[1] * one, v[2] * one
	}
	l, a, b := 100*v[0], float64(255*v[1])-128, float64(255*v[2])-128
	if t.lut.legacy {
		l, a, b = 100*v[0]*65535/65280, float64(v[1]*65535/256)-128, float64(v[2]*65535/256)-128
	}
	fy := (float64(l) + 16) / 116
	return whiteX * labInverse(fy+float64(a/500)), whiteY * labInverse(fy), whiteZ * labInverse(fy-float64(b/200))
}

// labInverse is the inverse of the function in the definition of CIELAB (ISO
// 11664-4).
func labInverse(f float64) float64 {
	if f > 6.0/29 {
		return f * f * f
	}
	return 3 * 36.0 / 841 * (f - 4.0/29)
}

// lightness returns the luminance of L* in [0,100].
func lightness(l float64) float64 { return labInverse((float64(l) + 16) / 116) }

// sRGB's primaries adapted to the white of the connection space, as its own
// profile has them: columns are red, green and blue.
var (
	srgbToXYZ = [9]float64{
		0.4360747, 0.3850649, 0.1430804,
		0.2225045, 0.7168786, 0.0606169,
		0.0139322, 0.0971045, 0.7141733,
	}
	xyzToSRGB = invert(srgbToXYZ)
)

func multiply(a, b [9]float64) (c [9]float64) {
	for i := range 3 {
		for j := range 3 {
			c[3*i+j] = float64(a[3*i]*b[j]) + float64(a[3*i+1]*b[3+j]) + float64(a[3*i+2]*b[6+j])
		}
	}
	return c
}

func invert(m [9]float64) [9]float64 {
	c := [9]float64{
		float64(m[4]*m[8]) - float64(m[5]*m[7]), float64(m[2]*m[7]) - float64(m[1]*m[8]), float64(m[1]*m[5]) - float64(m[2]*m[4]),
		float64(m[5]*m[6]) - float64(m[3]*m[8]), float64(m[0]*m[8]) - float64(m[2]*m[6]), float64(m[2]*m[3]) - float64(m[0]*m[5]),
		float64(m[3]*m[7]) - float64(m[4]*m[6]), float64(m[1]*m[6]) - float64(m[0]*m[7]), float64(m[0]*m[4]) - float64(m[1]*m[3]),
	}
	d := float64(m[0]*c[0]) + float64(m[1]*c[3]) + float64(m[2]*c[6])
	for i := range c {
		c[i] /= d
	}
	return c
}

// encodeSteps is fine enough that the steepest part of the curve, 12.92*255 a
// unit, is off by a tenth of a level.
const encodeSteps = 1 << 14

var encodeTable = func() (t [encodeSteps + 1]byte) {
	for i := range t {
		t[i] = byte(float64(255*gammaSRGB(float64(i)/encodeSteps)) + 0.5)
	}
	return t
}()

// encode returns the sample of a linear value (IEC 61966-2-1).
func encode(linear float64) byte {
	return encodeTable[int(float64(clamp(linear)*encodeSteps)+0.5)]
}

func gammaSRGB(v float64) float64 {
	if v <= 0.0031308 {
		return 12.92 * v
	}
	return float64(1.055*math.Pow(v, 1/2.4)) - 0.055
}
