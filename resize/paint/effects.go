// Package paint changes pictures and lays things over them: effects, frame,
// watermark, text, background, tilt. A picture goes in, a picture comes out.
package paint

import (
	"image"
	"image/color"
	"math"

	"s3imageserver/resize/options"
	"s3imageserver/resize/pixel"
)

// Effects does the effects; img may be changed.
func Effects(img image.Image, e options.Effects) image.Image {
	if planes, ok := img.(*image.YCbCr); ok && e.OnlyGray() {
		return &image.Gray{Pix: planes.Y, Stride: planes.YStride, Rect: planes.Rect}
	}
	if e.OnlySharpens() && sharpenPlanes(img, e.Sharpen.Float()) {
		return img
	}
	m := pixel.Of(img)
	applyColors(m, e)
	if e.Pixelate > 1 {
		pixelate(m, e.Pixelate)
	}
	if e.Blur > 0 {
		m = Blur(m, e.Blur.Float())
	}
	if e.Sharpen > 0 {
		sharpen(m, e.Sharpen.Float())
	}
	if e.Bitonal {
		byLuma(m, &bitonalTable, 255)
	}
	return m
}

// applyColors does the effects that look at one pixel at a time: first those of each
// channel, then those that mix them linearly, then those that look at the luma.
func applyColors(m *image.NRGBA, e options.Effects) {
	if tone := toneOf(e); tone != nil {
		eachPixel(m, func(p *[4]byte) {
			p[0], p[1], p[2] = tone[p[0]], tone[p[1]], tone[p[2]]
		})
	}
	if mix, ok := mixOf(e); ok {
		var k [9]int32
		for i, v := range mix {
			k[i] = int32(math.Round(v * (1 << 14)))
		}
		eachPixel(m, func(p *[4]byte) {
			r, g, b := int32(p[0]), int32(p[1]), int32(p[2])
			p[0] = clamp14(k[0]*r + k[1]*g + k[2]*b)
			p[1] = clamp14(k[3]*r + k[4]*g + k[5]*b)
			p[2] = clamp14(k[6]*r + k[7]*g + k[8]*b)
		})
	}
	if e.Tint != 0 {
		strength := uint32(e.Tint & 0xff)
		byLuma(m, tintTable(e.Tint), strength)
	}
	if e.Duotone != (options.Duotone{}) {
		byLuma(m, duotoneTable(e.Duotone), 255)
	}
	if e.Invert {
		eachPixel(m, func(p *[4]byte) { p[0], p[1], p[2] = 255-p[0], 255-p[1], 255-p[2] })
	}
}

func eachPixel(m *image.NRGBA, f func(p *[4]byte)) {
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		f((*[4]byte)(m.Pix[i:]))
	}
}

// clamp14 returns a number with 14 fractional bits as a sample.
func clamp14(v int32) byte { return byte(max(0, min(255, (v+1<<13)>>14))) }

// toneOf returns what the channels become, nil if nothing changes.
func toneOf(e options.Effects) *[256]byte {
	if e.Brightness == 0 && e.Contrast == 0 && e.Gamma == 0 {
		return nil
	}
	var table [256]byte
	for i := range table {
		v := float64(i)/255 + e.Brightness.Float()/100
		v = float64((v-0.5)*(1+e.Contrast.Float()/100)) + 0.5
		v = math.Max(0, math.Min(1, v))
		if e.Gamma != 0 {
			v = math.Pow(v, 1/e.Gamma.Float())
		}
		table[i] = byte(math.Round(v * 255))
	}
	return &table
}

// A matrix makes red, green and blue of the same three, row by row.
type matrix [9]float64

// times returns the matrix that does n, then m.
func (m matrix) times(n matrix) (p matrix) {
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				p[3*i+j] += float64(m[3*i+k] * n[3*k+j])
			}
		}
	}
	return p
}

// Weights of the channels in luma, ITU-R BT.601, as in JPEG.
const lumaR, lumaG, lumaB = 0.299, 0.587, 0.114

// mixOf returns the linear effects as one matrix, and whether there are any. Saturation
// and sepia are those of Filter Effects Module Level 1, section 9.6, with the
// luma of BT.601.
func mixOf(e options.Effects) (m matrix, ok bool) {
	m = matrix{1, 0, 0, 0, 1, 0, 0, 0, 1}
	saturation := 1 + e.Saturation.Float()/100
	if saturation != 1 {
		m = saturate(saturation).times(m)
	}
	if e.Hue != 0 {
		m = rotateHue(e.Hue.Float()).times(m)
	}
	if e.Gray {
		m = saturate(0).times(m)
	}
	if e.Sepia != 0 {
		k := e.Sepia.Float() / 100
		s := matrix{0.393, 0.769, 0.189, 0.349, 0.686, 0.168, 0.272, 0.534, 0.131}
		for i := range s {
			s[i] = float64(s[i] * k)
			if i%4 == 0 {
				s[i] += 1 - k
			}
		}
		m = s.times(m)
	}
	return m, saturation != 1 || e.Hue != 0 || e.Gray || e.Sepia != 0
}

func saturate(s float64) matrix {
	r, g, b := float64(lumaR*(1-s)), float64(lumaG*(1-s)), float64(lumaB*(1-s))
	return matrix{r + s, g, b, r, g + s, b, r, g, b + s}
}

// rotateHue turns the chroma of YCbCr (JFIF 1.02), from red to yellow to green.
func rotateHue(degrees float64) matrix {
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	const blue, red = 2 * (1 - lumaB), 2 * (1 - lumaR) // of full chroma
	to := matrix{
		lumaR, lumaG, lumaB,
		-lumaR / blue, -lumaG / blue, (1 - lumaB) / blue,
		(1 - lumaR) / red, -lumaG / red, -lumaB / red,
	}
	from := matrix{
		1, 0, red,
		1, -lumaB / lumaG * blue, -lumaR / lumaG * red,
		1, blue, 0,
	}
	return from.times(matrix{1, 0, 0, 0, cos, -sin, 0, sin, cos}).times(to)
}

// byLuma blends every pixel with the colour that a table has for its luma, by
// strength of 255 parts.
func byLuma(m *image.NRGBA, table *[256][3]byte, strength uint32) {
	eachPixel(m, func(p *[4]byte) {
		c := &table[luma(p[:])]
		for i := range 3 {
			p[i] = byte((uint32(p[i])*(255-strength) + uint32(c[i])*strength + 127) / 255)
		}
	})
}

// tintTable has the colours of one hue for all luma.
func tintTable(c options.Color) *[256][3]byte {
	var table [256][3]byte
	_, cb, cr := color.RGBToYCbCr(byte(c>>24), byte(c>>16), byte(c>>8))
	for y := range table {
		r, g, b := color.YCbCrToRGB(byte(y), cb, cr)
		table[y] = [3]byte{r, g, b}
	}
	return &table
}

// bitonalTable has black for the darker half of all luma, and white for the rest.
var bitonalTable = func() (table [256][3]byte) {
	for y := 128; y < 256; y++ {
		table[y] = [3]byte{255, 255, 255}
	}
	return table
}()

func duotoneTable(d options.Duotone) *[256][3]byte {
	var table [256][3]byte
	for y := range table {
		for i := range 3 {
			dark, light := uint32(d.Dark>>(24-8*i))&0xff, uint32(d.Light>>(24-8*i))&0xff
			table[y][i] = byte((dark*uint32(255-y) + light*uint32(y) + 127) / 255)
		}
	}
	return &table
}

// pixelate gives every pixel the mean colour of its block of n by n.
func pixelate(m *image.NRGBA, n int) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for y0 := 0; y0 < h; y0 += n {
		y1 := min(h, y0+n)
		for x0 := 0; x0 < w; x0 += n {
			x1 := min(w, x0+n)
			var sum [4]uint64
			for y := y0; y < y1; y++ {
				row := m.Pix[y*m.Stride:][4*x0 : 4*x1]
				for i := 0; i < len(row); i += 4 {
					a := uint64(row[i+3])
					sum[0] += a * uint64(row[i])
					sum[1] += a * uint64(row[i+1])
					sum[2] += a * uint64(row[i+2])
					sum[3] += a
				}
			}
			var c [4]byte
			if a := sum[3]; a > 0 {
				pixels := uint64((y1 - y0) * (x1 - x0))
				c = [4]byte{byte((sum[0] + a/2) / a), byte((sum[1] + a/2) / a), byte((sum[2] + a/2) / a), byte((a + pixels/2) / pixels)}
			}
			for y := y0; y < y1; y++ {
				row := m.Pix[y*m.Stride:][4*x0 : 4*x1]
				for i := 0; i < len(row); i += 4 {
					copy(row[i:i+4], c[:])
				}
			}
		}
	}
}

// sharpen adds to every pixel what its luma differs from that of a blurred picture,
// and leaves chroma as it is: an edge between two colours gets no fringes.
func sharpen(m *image.NRGBA, sigma float64) {
	soft := Blur(m, sigma)
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		p := m.Pix[i:][:3:3]
		more := luma(p) - luma(soft.Pix[i:])
		for c, v := range p {
			p[c] = byte(max(0, min(255, int(v)+more)))
		}
	}
}

// luma is that of JFIF (BT.601).
func luma(p []byte) int {
	return (19595*int(p[0]) + 38470*int(p[1]) + 7471*int(p[2]) + 1<<15) >> 16
}

// sharpenPlanes is sharpen of a picture whose luma is a plane of its own. It
// reports whether that is so.
func sharpenPlanes(img image.Image, sigma float64) bool {
	var plane *image.Gray
	switch m := img.(type) {
	case *image.Gray:
		plane = m
	case *image.YCbCr:
		plane = &image.Gray{Pix: m.Y[m.YOffset(m.Rect.Min.X, m.Rect.Min.Y):], Stride: m.YStride, Rect: image.Rectangle{Max: m.Rect.Size()}}
	default:
		return false
	}
	soft := blurred(plane, sigma).(*image.Gray)
	for y := range soft.Rect.Dy() {
		row := plane.Pix[y*plane.Stride:][:soft.Rect.Dx()]
		for x, v := range soft.Pix[y*soft.Stride:][:len(row)] {
			row[x] = byte(max(0, min(255, 2*int(row[x])-int(v))))
		}
	}
	return true
}
