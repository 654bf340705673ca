package resize

import (
	"encoding/binary"
	"image"

	"s3imageserver/resize/png"
	"s3imageserver/resize/scale"
)

// decodeRowsPNG decodes a picture and cuts it as c says while it does, so that no
// more than a few rows of it are in memory, with the same result as if it had
// been decoded first; the zero cut means the whole picture. Of a damaged one the
// pixels that are missing are transparent, black where it has only shades of grey;
// it is not cut on the way.
func decodeRowsPNG(f *png.File, c cut, want Want) (image.Image, error) {
	var to pngRows // made with the first row: before, the file may be anything
	defer func() {
		if to != nil {
			to.close()
		}
	}()
	whole := c == cut{}
	err := f.Decode(whole && want.show != nil, func(row png.Row) (more bool, err error) {
		if to == nil {
			to = newPNGRows(f, c)
		}
		to.add(row)
		return !to.done(), want.ended()
	})
	if err := want.ended(); err != nil {
		return nil, err
	}
	if err != nil {
		if to == nil || !whole {
			return nil, err
		}
		if err := want.damaged(err); err != nil {
			return nil, err
		}
	}
	return to.picture(), nil
}

func newPNGRows(f *png.File, c cut) pngRows {
	if c == (cut{}) {
		return newWholePNG(f.Samples, f.Size)
	}
	return newCutPNG(f.Samples, c)
}

// A pngRows makes a picture of rows that come one by one, from the top, of
// pixels of 1, 3 or 4 bytes.
type pngRows interface {
	add(row png.Row)
	done() bool // no more rows are needed
	picture() image.Image
	close()
}

// A wholePNG keeps every pixel.
type wholePNG struct {
	img     image.Image
	samples int // of a pixel that comes
	pix     []byte
	stride  int
	n       int // bytes of a pixel that is kept
}

func newWholePNG(samples int, size image.Point) *wholePNG {
	bounds := image.Rectangle{Max: size}
	if samples == 1 {
		m := image.NewGray(bounds)
		return &wholePNG{m, samples, m.Pix, m.Stride, 1}
	}
	m := image.NewNRGBA(bounds)
	return &wholePNG{m, samples, m.Pix, m.Stride, 4}
}

func (p *wholePNG) add(row png.Row) {
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
func (p *wholePNG) spread(dst []byte, row png.Row) {
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

func (p *wholePNG) done() bool           { return false }
func (p *wholePNG) picture() image.Image { return p.img }
func (p *wholePNG) close()               {}

// newCutPNG returns what scales the rows of the part c as they come.
func newCutPNG(samples int, c cut) pngRows {
	part, options := c.at(1)
	x := scale.Axis{Len: c.source.X, Offset: part.X, Span: part.W, N: c.size.X, Lo: options.Within.Min.X, Hi: options.Within.Max.X}
	y := scale.Axis{Len: c.source.Y, Offset: part.Y, Span: part.H, N: c.size.Y, Lo: options.Within.Min.Y, Hi: options.Within.Max.Y}
	bounds := image.Rectangle{Max: c.size}
	if samples == 1 {
		m := image.NewGray(bounds)
		return cutGrayPNG{m, scale.NewScaler(m.Pix, m.Stride, x, y, options)}
	}
	m := image.NewNRGBA(bounds)
	p := &cutPNG{img: m, pixels: scale.NewPixels(m, x, y, options)}
	if samples == 3 {
		p.wide = make([]byte, 4*c.source.X)
	}
	return p
}

type cutGrayPNG struct {
	img    *image.Gray
	scaler *scale.Scaler
}

func (p cutGrayPNG) add(row png.Row)      { p.scaler.Push(row.Pix) }
func (p cutGrayPNG) done() bool           { return p.scaler.Done() }
func (p cutGrayPNG) picture() image.Image { return p.img }
func (p cutGrayPNG) close()               { p.scaler.Close() }

type cutPNG struct {
	img    *image.NRGBA
	pixels *scale.Pixels
	wide   []byte // a row of four bytes a pixel; nil: they are
}

func (p *cutPNG) add(row png.Row) {
	if p.wide == nil {
		p.pixels.Push(row.Pix)
		return
	}
	widen(p.wide, row.Pix)
	p.pixels.Push(p.wide)
}

func (p *cutPNG) done() bool           { return p.pixels.Done() }
func (p *cutPNG) picture() image.Image { return p.img }
func (p *cutPNG) close()               { p.pixels.Close() }

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
