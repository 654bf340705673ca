package resize

import (
	"encoding/binary"
	"image"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/png"
	"s3imageserver/resize/scale"
)

// A rowSink makes a picture of rows that come one by one, from the top, of
// pixels of 1, 3 or 4 bytes.
type rowSink interface {
	add(row png.Row)
	done() bool // no more rows are needed
	picture() image.Image
	close()
}

// A wholeRows keeps every pixel.
type wholeRows struct {
	img     image.Image
	samples int // of a pixel that comes
	pix     []byte
	stride  int
	n       int // bytes of a pixel that is kept
}

func newWholeRows(samples int, size image.Point) *wholeRows {
	bounds := image.Rectangle{Max: size}
	if samples == 1 {
		m := image.NewGray(bounds)
		return &wholeRows{m, samples, m.Pix, m.Stride, 1}
	}
	m := image.NewNRGBA(bounds)
	return &wholeRows{m, samples, m.Pix, m.Stride, 4}
}

func (p *wholeRows) add(row png.Row) {
	dst := p.pix[row.Y*p.stride:][:p.stride]
	switch {
	case row.DX != 1:
		p.spread(dst[row.X*p.n:], row)
	case p.samples == 3:
		widen(dst, row.Pix)
	default:
		copy(dst, row.Pix)
	}
}

// spread writes pixels that are some apart.
func (p *wholeRows) spread(dst []byte, row png.Row) {
	step := row.DX * p.n
	for at, src := 0, row.Pix; len(src) >= p.samples; at, src = at+step, src[p.samples:] {
		if p.samples == 1 {
			dst[at] = src[0]
			continue
		}
		to := dst[at:][:4]
		to[3] = 255
		copy(to, src[:p.samples])
	}
}

func (p *wholeRows) done() bool           { return false }
func (p *wholeRows) picture() image.Image { return p.img }
func (p *wholeRows) close()               {}

// newResampledRows returns what resamples the rows of a picture as they come.
func newResampledRows(samples int, c resample) rowSink {
	part, options := c.at(1)
	x, y := c.axes(c.source, part, options)
	bounds := image.Rectangle{Max: c.size}
	if samples == 1 {
		m := image.NewGray(bounds)
		return resampledGrayRows{m, scale.NewScaler(m.Pix, m.Stride, x, y, options)}
	}
	m := image.NewNRGBA(bounds)
	p := &resampledRows{img: m, pixels: scale.NewPixels(m, x, y, options)}
	if samples == 3 {
		p.wide = make([]byte, 4*c.source.X)
	}
	return p
}

type resampledGrayRows struct {
	img    *image.Gray
	scaler *scale.Scaler
}

func (p resampledGrayRows) add(row png.Row)      { p.scaler.Push(row.Pix) }
func (p resampledGrayRows) done() bool           { return p.scaler.Done() }
func (p resampledGrayRows) picture() image.Image { return p.img }
func (p resampledGrayRows) close()               { p.scaler.Close() }

type resampledRows struct {
	img    *image.NRGBA
	pixels *scale.Pixels
	wide   []byte // a row of four bytes a pixel; nil: they are
}

func (p *resampledRows) add(row png.Row) {
	if p.wide == nil {
		p.pixels.Push(row.Pix)
		return
	}
	widen(p.wide, row.Pix)
	p.pixels.Push(p.wide)
}

func (p *resampledRows) done() bool           { return p.pixels.Done() }
func (p *resampledRows) picture() image.Image { return p.img }
func (p *resampledRows) close()               { p.pixels.Close() }

// widen writes pixels of three bytes as opaque ones of four.
func widen(dst, src []byte) {
	for len(src) >= 4 && len(dst) >= 4 {
		binary.LittleEndian.PutUint32(dst, binary.LittleEndian.Uint32(src)|0xff<<24)
		src, dst = src[3:], dst[4:]
	}
	if len(src) >= 3 && len(dst) >= 4 {
		dst[0], dst[1], dst[2], dst[3] = src[0], src[1], src[2], 255
	}
}

// stillOf makes a picture of rows of four bytes a pixel, which row returns from
// the top, perhaps in the bytes that it is given. The picture is resampled while it is
// made, if that is wanted.
func stillOf(size image.Point, o exif.Orientation, want Want, row func(y int, dst []byte) []byte) *Picture {
	var rows rowSink
	resampled := want.resamples() && want.resample.source == size && want.resample.orientation == o
	if resampled {
		rows = newResampledRows(4, want.resample)
	} else {
		rows = newWholeRows(4, size)
	}
	defer rows.close()
	line := make([]byte, 4*size.X)
	for y := 0; y < size.Y && !rows.done(); y++ {
		rows.add(png.Row{Y: y, DX: 1, Pix: row(y, line)})
	}
	p := still(rows.picture())
	p.Source, p.orientation, p.resampled = size, o, resampled
	return p
}

// memoryStill counts what stillOf holds.
func memoryStill(info Info, want Want) int64 {
	if want.resamples() {
		return 4*area(want.resample.size) + 64*int64(info.Size.X)
	}
	return 4 * area(info.Size)
}

// rowNRGBA writes pixels of four samples to dst as [image.NRGBA] has them, and
// returns it, or src if that has them like that. Samples have as many bytes as
// src is longer, the most significant one first.
func rowNRGBA(dst, src []byte, premultiplied bool) []byte {
	deep := len(src) > len(dst)
	switch r := image.Rect(0, 0, len(dst)/4, 1); {
	case deep && premultiplied:
		clear(dst)
		pixel.Unpremultiply64(&image.NRGBA{Pix: dst, Stride: len(dst), Rect: r}, &image.RGBA64{Pix: src, Stride: len(src), Rect: r})
	case deep:
		for i := range dst {
			dst[i] = pixel.To8Bits(src[2*i], src[2*i+1])
		}
	case premultiplied:
		pixel.Unpremultiply(&image.NRGBA{Pix: dst, Stride: len(dst), Rect: r}, &image.RGBA{Pix: src, Stride: len(src), Rect: r})
	default:
		return src
	}
	return dst
}
