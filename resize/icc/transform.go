package icc

import (
	"encoding/binary"
	"fmt"
	"math"
	"sort"
)

// A Transform converts colours of a profile to sRGB. It is safe for concurrent
// use.
//
// What a profile says is worked out in floats; pixels are converted by integers
// that are made of it once: grey by a table, a matrix by sums, tables by a baked
// grid.
type Transform struct {
	channels int
	srgb     bool
	grey     *[256]byte
	sums     *sums
	baked    *baked
	slow     *lookup // where no grid comes near enough
}

// New reads a profile. The error wraps [ErrProfile].
func New(data []byte) (*Transform, error) {
	p, err := parse(data)
	if err != nil {
		return nil, err
	}
	t := &Transform{channels: Channels(data)}
	lab := p.pcs == "Lab "
	switch {
	case t.channels == 0:
		return nil, fmt.Errorf("%w: colour space %q", ErrProfile, p.space)
	case t.channels == 1:
		err = t.readGrey(p, lab)
	case p.tags["A2B0"] != nil || p.tags["A2B1"] != nil:
		tag := p.tags["A2B0"]
		if tag == nil {
			tag = p.tags["A2B1"]
		}
		var lut *table
		if lut, err = readTable(tag, t.channels); err == nil {
			t.take(&lookup{lut, lab})
		} else if t.channels == 3 && p.tags["rTRC"] != nil {
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

func (t *Transform) readGrey(p *profile, lab bool) error {
	c, _, err := readCurve(p.tags["kTRC"])
	if err != nil {
		return err
	}
	t.grey = new([256]byte)
	for i := range t.grey {
		v := c(float64(i) / 255)
		if lab {
			v = lightness(100 * v)
		}
		t.grey[i] = encode(v)
	}
	return nil
}

func (t *Transform) readMatrix(p *profile) error {
	var m [9]float64
	var linear [3][256]float64
	for i, name := range []string{"r", "g", "b"} {
		c, _, err := readCurve(p.tags[name+"TRC"])
		if err != nil {
			return err
		}
		for v := range 256 {
			linear[i][v] = c(float64(v) / 255)
		}
		xyz, err := p.xyz(name + "XYZ")
		if err != nil {
			return err
		}
		m[i], m[3+i], m[6+i] = xyz[0], xyz[1], xyz[2]
	}
	t.sums = newSums(&linear, multiply(xyzToSRGB, m))
	return nil
}

// take bakes the tables of a profile.
func (t *Transform) take(l *lookup) {
	if t.baked = bake(l); t.baked == nil {
		t.slow = l
	}
}

// isSRGB compares colours on a coarse grid with themselves.
func (t *Transform) isSRGB() bool {
	const tolerance = 2
	levels := []byte{0, 8, 24, 64, 128, 200, 255}
	near := func(c [4]byte) bool {
		out := t.RGB(c)
		for i, v := range out {
			if t.channels == 1 {
				i = 0
			}
			if d := int(v) - int(c[i]); d > tolerance || d < -tolerance {
				return false
			}
		}
		return true
	}
	for _, r := range levels {
		if t.channels == 1 {
			if !near([4]byte{r}) {
				return false
			}
			continue
		}
		for _, g := range levels {
			for _, b := range levels {
				if !near([4]byte{r, g, b}) {
					return false
				}
			}
		}
	}
	return t.channels != 4
}

// RGB returns the sRGB colour of a device colour. Of grey the first sample
// counts; inks are 0 for none and 255 for all.
func (t *Transform) RGB(in [4]byte) [3]byte {
	switch {
	case t.grey != nil:
		v := t.grey[in[0]]
		return [3]byte{v, v, v}
	case t.sums != nil:
		return t.sums.rgb(in)
	case t.baked != nil:
		v := t.baked.rgb(binary.LittleEndian.Uint32(in[:]))
		return [3]byte{byte(v), byte(v >> 8), byte(v >> 16)}
	}
	return t.slow.rgb(in)
}

// Pixels converts pixels of four bytes each from src to dst, which may be the same
// memory. The fourth one is black ink if there are four channels; else it is alpha,
// and stays. Of grey the first sample counts. dst is at least as long as src.
func (t *Transform) Pixels(dst, src []byte) {
	switch {
	case t.sums != nil:
		t.sums.pixels(dst, src)
		return
	case t.baked != nil:
		t.baked.pixels(dst, src)
		return
	}
	for len(src) >= 4 {
		rgb, alpha := t.RGB([4]byte(src)), src[3]
		if t.channels == 4 {
			alpha = 255
		}
		*(*[4]byte)(dst) = [4]byte{rgb[0], rgb[1], rgb[2], alpha}
		src, dst = src[4:], dst[4:]
	}
}

// A lookup is a table and the space it leads to.
type lookup struct {
	lut *table
	lab bool // else XYZ
}

// linear returns the linear sRGB of an encoded colour; it may lie outside of [0,1].
func (l *lookup) linear(v [outputs]float64) [3]float64 {
	x, y, z := l.connection(v)
	m := &xyzToSRGB
	return [3]float64{
		float64(m[0]*x) + float64(m[1]*y) + float64(m[2]*z),
		float64(m[3]*x) + float64(m[4]*y) + float64(m[5]*z),
		float64(m[6]*x) + float64(m[7]*y) + float64(m[8]*z),
	}
}

// rgb is what a baked grid comes near to.
func (l *lookup) rgb(in [4]byte) (out [3]byte) {
	v := l.lut.eval(&[4]float64{float64(in[0]) / 255, float64(in[1]) / 255, float64(in[2]) / 255, float64(in[3]) / 255})
	for i, x := range l.linear(v) {
		out[i] = encode(x)
	}
	return out
}

// White of the connection space (section 7.2.16).
const whiteX, whiteY, whiteZ = 0.9642, 1.0, 0.8249

// connection returns the XYZ of an encoded colour (section 6.3.4).
func (l *lookup) connection(v [outputs]float64) (x, y, z float64) {
	if !l.lab {
		const one = 1 + 32767.0/32768
		return v[0] * one, v[1] * one, v[2] * one
	}
	light, a, b := 100*v[0], float64(255*v[1])-128, float64(255*v[2])-128
	if l.lut.legacy {
		light, a, b = 100*v[0]*65535/65280, float64(v[1]*65535/256)-128, float64(v[2]*65535/256)-128
	}
	fy := (float64(light) + 16) / 116
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

// thresholds are the linear values that lie between a sample and the next one.
var thresholds = func() (t [255]float64) {
	for v := range t {
		t[v] = linearSRGB((float64(v) + 0.5) / 255)
	}
	return t
}()

// encode returns the sample of a linear value.
func encode(linear float64) byte {
	return byte(sort.SearchFloat64s(thresholds[:], clamp(linear)))
}

// gammaSRGB and linearSRGB are the curve of sRGB and its inverse (IEC 61966-2-1).
func gammaSRGB(v float64) float64 {
	if v <= 0.0031308 {
		return 12.92 * v
	}
	return float64(1.055*math.Pow(v, 1/2.4)) - 0.055
}

func linearSRGB(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}
