package paint

import (
	"image"
	"math"

	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

const (
	tiltPhases = 256 // places between two samples
	tiltBits   = 12  // fractional bits of a weight
)

// cubic has the weights of the four samples around a place, by Catmull and Rom;
// those of each place sum to 1<<tiltBits.
var cubic = cubicTable()

func cubicTable() (table [tiltPhases][4]int32) {
	for i := range table {
		t := float64(float64(i) / tiltPhases)
		w := [4]float64{
			(float64((-t+2)*t) - 1) * t / 2,
			(float64((float64(3*t)-5)*t*t) + 2) / 2,
			(float64((float64(-3*t)+4)*t) + 1) * t / 2,
			(t - 1) * t * t / 2,
		}
		sum := int32(0)
		for j, v := range w {
			table[i][j] = int32(math.Round(v * (1 << tiltBits)))
			sum += table[i][j]
		}
		table[i][1] += 1<<tiltBits - sum // the largest or nearly so
	}
	return table
}

// Tilt returns a part of img turned clockwise by degrees about its centre, at
// the given size. The part is in pixels of img from the centre, after turning.
// Outside of img is transparent. It changes img.
func Tilt(img *image.NRGBA, degrees float64, part scale.Rect, size image.Point) *image.NRGBA {
	pixel.Premultiply(img)
	out := image.NewNRGBA(image.Rectangle{Max: size})
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	stepX, stepY := part.W/float64(size.X), part.H/float64(size.Y)
	const one = 1 << 24 // places are integers, so that every machine finds the same
	fix := func(f float64) int64 { return int64(math.Round(f * one)) }
	// A step to the right and a step down in the result are these in img.
	rightX, rightY := fix(stepX*cos), fix(-stepX*sin)
	downX, downY := fix(stepY*sin), fix(stepY*cos)
	u, v := part.X+float64(stepX/2), part.Y+float64(stepY/2)
	startX := fix(float64(u*cos)+float64(v*sin)+float64(float64(img.Rect.Dx())/2)-0.5) + one/tiltPhases/2
	startY := fix(float64(v*cos)-float64(u*sin)+float64(float64(img.Rect.Dy())/2)-0.5) + one/tiltPhases/2
	for y := range size.Y {
		sx, sy := startX+int64(y)*downX, startY+int64(y)*downY
		row := out.Pix[y*out.Stride:][:4*size.X]
		for i := 0; i < len(row); i += 4 {
			x0, y0 := int(sx>>24), int(sy>>24)
			wx, wy := &cubic[sx>>16&(tiltPhases-1)], &cubic[sy>>16&(tiltPhases-1)]
			cubicSample((*[4]byte)(row[i:]), img, x0, y0, wx, wy)
			sx, sy = sx+rightX, sy+rightY
		}
	}
	pixel.Unpremultiply(out, &image.RGBA{Pix: out.Pix, Stride: out.Stride, Rect: out.Rect})
	return out
}

// cubicSample sets dst to the sum of the four by four samples around (x, y).
// Colours are premultiplied.
func cubicSample(dst *[4]byte, img *image.NRGBA, x, y int, wx, wy *[4]int32) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	if x < -2 || y < -2 || x > w || y > h {
		return
	}
	const drop = 6 // bits between the two directions, so that sums fit
	const half = 1 << (2*tiltBits - drop - 1)
	sum := [4]int32{half, half, half, half}
	if x >= 1 && y >= 1 && x+3 <= w && y+3 <= h {
		at := (y-1)*img.Stride + 4*(x-1)
		for _, wj := range wy {
			p := (*[16]byte)(img.Pix[at:])
			for c := range 4 {
				v := wx[0]*int32(p[c]) + wx[1]*int32(p[4+c]) + wx[2]*int32(p[8+c]) + wx[3]*int32(p[12+c])
				sum[c] += wj * (v >> drop)
			}
			at += img.Stride
		}
	} else {
		for j, wj := range wy {
			for i, wi := range wx {
				if at := image.Pt(x-1+i, y-1+j); at.In(img.Rect) {
					p := (*[4]byte)(img.Pix[at.Y*img.Stride+4*at.X:])
					for c, v := range p {
						sum[c] += wj * (wi * int32(v) >> drop)
					}
				}
			}
		}
	}
	alpha := max(0, min(255, sum[3]>>(2*tiltBits-drop)))
	for c := range 3 {
		dst[c] = byte(max(0, min(alpha, sum[c]>>(2*tiltBits-drop)))) // no colour is above its alpha
	}
	dst[3] = byte(alpha)
}
