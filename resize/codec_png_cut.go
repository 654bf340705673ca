package resize

import (
	"encoding/binary"
	"image"

	"s3imageserver/resize/png"
	"s3imageserver/resize/scale"
)

// decodePlainPNG reads what most files are, what [png.Rows] reads; of the others
// its error is [png.ErrNotPlain]: image/png reads them, or knows what is wrong.
//
// The picture is cut as c says while it is decoded, so that no more than a few
// rows of it are in memory, with the same result as if it had been decoded
// first; the zero cut means the whole picture.
func decodePlainPNG(file []byte, c cut) (image.Image, error) {
	h, ok := png.ParseHeader(file)
	if !ok || c != (cut{}) && c.source != h.Size {
		return nil, png.ErrNotPlain
	}
	var to pngRows // made with the first row: before, the file may be anything
	defer func() {
		if to != nil {
			to.close()
		}
	}()
	err := png.Rows(file, func(row []byte) bool {
		if to == nil {
			to = newPNGRows(h, c)
		}
		to.add(row)
		return !to.done()
	})
	if err != nil {
		return nil, err
	}
	return to.picture(), nil
}

func newPNGRows(h png.Header, c cut) pngRows {
	if c == (cut{}) {
		return newWholePNG(h.Samples, h.Size)
	}
	return newCutPNG(h.Samples, c)
}

// A pngRows makes a picture of rows that come one by one, from the top, of
// pixels of 1, 3 or 4 bytes.
type pngRows interface {
	add(row []byte)
	done() bool // no more rows are needed
	picture() image.Image
	close()
}

// A wholePNG keeps every pixel.
type wholePNG struct {
	img     image.Image
	samples int
	rest    []byte // of the pixels, not written yet
	line    int    // bytes of a row of them
}

func newWholePNG(samples int, size image.Point) *wholePNG {
	bounds := image.Rectangle{Max: size}
	if samples == 1 {
		m := image.NewGray(bounds)
		return &wholePNG{m, samples, m.Pix, m.Stride}
	}
	m := image.NewNRGBA(bounds)
	return &wholePNG{m, samples, m.Pix, m.Stride}
}

func (p *wholePNG) add(row []byte) {
	if p.samples == 3 {
		widen(p.rest[:p.line], row)
	} else {
		copy(p.rest[:p.line], row)
	}
	p.rest = p.rest[p.line:]
}

func (p *wholePNG) done() bool           { return len(p.rest) == 0 }
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

func (p cutGrayPNG) add(row []byte)       { p.scaler.Push(row) }
func (p cutGrayPNG) done() bool           { return p.scaler.Done() }
func (p cutGrayPNG) picture() image.Image { return p.img }
func (p cutGrayPNG) close()               { p.scaler.Close() }

type cutPNG struct {
	img    *image.NRGBA
	pixels *scale.Pixels
	wide   []byte // a row of four bytes a pixel; nil: they are
}

func (p *cutPNG) add(row []byte) {
	if p.wide != nil {
		widen(p.wide, row)
		row = p.wide
	}
	p.pixels.Push(row)
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
