package palette

import (
	"encoding/binary"
	"image"
)

// lay sets the pixels of out to the colours nearest to those of m.
func (p *Palette) lay(out *image.Paletted, m *image.NRGBA) {
	w := m.Rect.Dx()
	for y := range m.Rect.Dy() {
		row, dst := m.Pix[y*m.Stride:][:4*w], out.Pix[y*out.Stride:][:w]
		for x := range dst {
			c := binary.LittleEndian.Uint32(row[4*x:])
			if c>>24 == 0 && p.clear >= 0 {
				dst[x] = byte(p.clear)
			} else {
				dst[x] = byte(p.near.index(pointOf(c)))
			}
		}
	}
}

// How much of the error of a pixel is spread, in 64ths: in calm places, where steps
// between colours would show, and in busy ones, where nothing of it is seen but a
// longer file. A place is busy whose neighbours differ by busy times the mean error of a
// sample.
const (
	calmStrength = 46
	busyStrength = 6
	busy         = 4
)

// staying is how much farther than the nearest colour that of a neighbour may be, in
// squared mean errors, to be taken: runs make short files.
const staying = 0.4

// Dither sets the pixels of out to colours of the palette, and spreads part of the error of
// every pixel to its neighbours (Floyd and Steinberg), rows in alternating directions.
// Pixels for which same is true become clear ones; same may be nil.
func (p *Palette) Dither(out *image.Paletted, m *image.NRGBA, same []bool) {
	w := m.Rect.Dx()
	strength := p.strength()
	tolerance := p.tolerance()
	activity := newActivity(m)
	// Errors in 64ths, with one pixel more on either side.
	here, below := make([]point, w+2), make([]point, w+2)
	for y := range m.Rect.Dy() {
		row, dst := m.Pix[y*m.Stride:][:4*w], out.Pix[y*out.Stride:][:w]
		above := out.Pix[max(0, y-1)*out.Stride:][:w]
		active := activity.row(y)
		x, step := 0, 1
		if y%2 == 1 {
			x, step = w-1, -1
		}
		before := p.clear
		for range w {
			pixel := binary.LittleEndian.Uint32(row[4*x:])
			switch {
			case p.clear >= 0 && (pixel>>24 == 0 || same != nil && same[y*w+x]):
				dst[x] = byte(p.clear)
				before = p.clear
			default:
				c := pointOf(pixel)
				for j, e := range here[x+1] {
					c[j] = max(0, min(full, c[j]+(e+32)>>6))
				}
				if pixel>>24 == 255 {
					c[3] = full // nothing shines through
				}
				i := p.near.index(c)
				limit := c.distance(p.near.points[i]) + tolerance
				if up := int(above[x]); y > 0 && p.reaches(up, &c, limit) {
					i = up
				} else if p.reaches(before, &c, limit) {
					i = before
				}
				dst[x], before = byte(i), i
				q, part := &p.near.points[i], strength[active[x]]
				ahead, back, under, far := &here[x+1+step], &below[x+1-step], &below[x+1], &below[x+1+step]
				for j := range c {
					e := (c[j] - q[j]) * part / 16
					ahead[j] += 7 * e
					back[j] += 3 * e
					under[j] += 5 * e
					far[j] += e
				}
			}
			x += step
		}
		here, below = below, here
		clear(below)
	}
}

// reaches reports whether a colour is nearer to c than the limit.
func (p *Palette) reaches(i int, c *point, limit int32) bool {
	return i >= 0 && i < len(p.near.points) && p.near.takes(i, c) && c.distance(p.near.points[i]) < limit
}

// strength returns how much of an error is spread, by activity.
func (p *Palette) strength() (s [maxActivity + 1]int32) {
	for a := range s {
		f := float64(a) / max(0.01, busy*p.meanError/one)
		s[a] = busyStrength + int32(float64((calmStrength-busyStrength)*max(0, 1-f))+0.5)
	}
	return s
}

// tolerance is what staying says, as a squared distance.
func (p *Palette) tolerance() int32 {
	sum := weights[0] + weights[1] + weights[2]
	return int32(min(1<<24, staying*float64(sum)*float64(p.meanError*p.meanError)))
}

// An activity tells how much the pixels around another one differ.
type activity struct {
	luma          []byte
	width, height int
	out           []uint16
}

const maxActivity = 2 * 255

func newActivity(m *image.NRGBA) *activity {
	a := &activity{width: m.Rect.Dx(), height: m.Rect.Dy()}
	a.luma = make([]byte, a.width*a.height)
	a.out = make([]uint16, a.width)
	for y := range a.height {
		row, luma := m.Pix[y*m.Stride:][:4*a.width], a.luma[y*a.width:][:a.width]
		for x := range luma {
			p := binary.LittleEndian.Uint32(row[4*x:])
			luma[x] = byte((2*(p&255) + 5*(p>>8&255) + p>>16&255) >> 3)
		}
	}
	return a
}

// row returns the differences across the pixels of a row, 0 to maxActivity. They are
// valid until the next call.
func (a *activity) row(y int) []uint16 {
	row := func(y int) []byte { return a.luma[max(0, min(a.height-1, y))*a.width:][:a.width] }
	up, here, down := row(y-1), row(y), row(y+1)
	for x := range a.out {
		left, right := here[max(0, x-1)], here[min(a.width-1, x+1)]
		a.out[x] = uint16(max(left, right)-min(left, right)) + uint16(max(up[x], down[x])-min(up[x], down[x]))
	}
	return a.out
}
