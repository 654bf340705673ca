package png

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"s3imageserver/resize/inflate"
)

// A FormatError says why a file is no PNG of which anything could be shown.
type FormatError string

func (e FormatError) Error() string { return "png: " + string(e) }

// ErrDamaged says that pixels of a file are missing or that their checksums are
// wrong: what was handed on before may be wrong, and is all there is.
var ErrDamaged = errors.New("png: damaged pixels")

// A Header is what IHDR says (PNG specification, section 11.2.1).
type Header struct {
	Size       image.Point
	Depth      int // bits a sample: 1, 2, 4, 8 or 16
	Interlaced bool

	color byte
}

// ParseHeader reads the first [HeaderBytes] of a file, but for the checksum.
func ParseHeader(head []byte) (h Header, err error) {
	if len(head) < HeaderBytes || string(head[:len(Signature)]) != Signature {
		return h, FormatError("no signature")
	}
	c, _ := chunkAt(head[:HeaderBytes], len(Signature))
	if c.Kind != "IHDR" || len(c.Data) != 13 || c.Truncated() {
		return h, FormatError("no IHDR")
	}
	ihdr := c.Data
	w, height := binary.BigEndian.Uint32(ihdr), binary.BigEndian.Uint32(ihdr[4:])
	const most = 1<<31 - 1
	if w == 0 || height == 0 || w > most || height > most {
		return h, FormatError(fmt.Sprintf("%d x %d pixels", w, height))
	}
	h = Header{Size: image.Pt(int(w), int(height)), Depth: int(ihdr[8]), Interlaced: ihdr[12] == 1, color: ihdr[9]}
	if !h.valid() || ihdr[10]|ihdr[11] != 0 || ihdr[12] > 1 {
		return h, FormatError("a kind of PNG that there is not")
	}
	return h, nil
}

// valid reports whether the depth is one that the kind of pixels may have.
func (h *Header) valid() bool {
	switch h.color {
	case gray:
		return h.Depth == 1 || h.Depth == 2 || h.Depth == 4 || h.Depth == 8 || h.Depth == 16
	case indexed:
		return h.Depth == 1 || h.Depth == 2 || h.Depth == 4 || h.Depth == 8
	case rgb, grayAlpha, rgba:
		return h.Depth == 8 || h.Depth == 16
	}
	return false
}

// Alpha reports whether the pixels have an alpha channel.
func (h *Header) Alpha() bool { return h.color == grayAlpha || h.color == rgba }

// Gray reports whether the pixels are grey; one shade may be transparent.
func (h *Header) Gray() bool { return h.color == gray }

// Colourless reports whether the pixels are grey, with an alpha channel or without.
func (h *Header) Colourless() bool { return h.color == gray || h.color == grayAlpha }

// bits returns the bits of a pixel.
func (h *Header) bits() int {
	return h.Depth * map[byte]int{gray: 1, rgb: 3, indexed: 1, grayAlpha: 2, rgba: 4}[h.color]
}

// A File is a file whose chunks before the pixels have been walked. It aliases
// the bytes that it was made of.
type File struct {
	Header
	// Samples are those of a pixel that Decode hands on, a byte each: 1 (grey), 3
	// (RGB) or 4 (RGBA).
	Samples int
	// Nonconforming reports that something was passed over that is not as the specification
	// has it. Decode may set it.
	Nonconforming bool

	palette []byte // three bytes a colour
	trns    []byte // as in its chunk; nil: no transparency but that of the pixels
	file    []byte
	at      int // where the first chunk of pixels begins
}

// Parse walks the chunks of a file up to its pixels. As the reference library
// does, it leaves out what is not as it should be where the pixels do not need
// it: chunks whose checksum is wrong, and transparency that is out of place, of
// a wrong length, or in a picture with an alpha channel. The error is a
// [FormatError].
func Parse(file []byte) (*File, error) {
	h, err := ParseHeader(file)
	if err != nil {
		return nil, err
	}
	const widest = 1 << 25 // so that the bits of a row are an int everywhere
	if h.Size.X >= widest {
		return nil, FormatError(fmt.Sprintf("%d pixels a row", h.Size.X))
	}
	f := &File{Header: h}
	for c := range Chunks(file) {
		switch {
		case c.At == len(Signature):
			if !c.Sound() {
				return nil, FormatError("IHDR is damaged")
			}
			continue
		case len(file)-c.At < chunkBytes, c.Kind == "IEND", c.Truncated() && c.Kind != "IDAT":
			return nil, FormatError("no pixels")
		case c.Kind == "IHDR":
			return nil, FormatError("a second IHDR")
		}
		if c.Kind == "IDAT" {
			f.file, f.at = file, c.At
			break
		}
		if !c.Sound() {
			f.Nonconforming = true
			continue
		}
		switch c.Kind {
		case "PLTE":
			f.setPalette(c.Data)
		case "tRNS":
			f.setTransparency(c.Data)
		}
	}
	if f.file == nil {
		return nil, FormatError("no pixels")
	}
	if h.color == indexed && f.palette == nil {
		return nil, FormatError("no palette")
	}
	f.Samples = f.samples()
	return f, nil
}

func (f *File) setPalette(data []byte) {
	if f.color == gray || f.color == grayAlpha || f.palette != nil || len(data) == 0 || len(data)%3 != 0 || len(data) > 3*256 {
		f.Nonconforming = true
		return
	}
	f.palette = data
}

func (f *File) setTransparency(data []byte) {
	switch {
	case f.trns != nil:
	case f.color == gray && len(data) == 2, f.color == rgb && len(data) == 6,
		f.color == indexed && f.palette != nil && len(data) > 0:
		f.trns = data
		return
	}
	f.Nonconforming = true
}

func (f *File) samples() int {
	switch {
	case f.trns != nil || f.color == rgba || f.color == grayAlpha:
		return 4
	case f.color == gray:
		return 1
	}
	return 3
}

// A Row is a row of pixels, or every so many pixels of one.
type Row struct {
	Y     int
	X, DX int    // where the first pixel is, and how far each of the others from the one before
	Pix   []byte // Samples bytes a pixel; valid until the next row comes
}

// Decode decodes the pixels and calls take with each row. Those of a picture that
// is not interlaced come from the top and are whole; of another one they come
// seven times, more pixels each time. When take returns false it is not called
// any more, but the rest of the file is still looked at; its error ends the decoding
// and is returned.
//
// A file that has more pixels than its size says, or ends behind them, is whole.
// Any other error is [ErrDamaged], after any number of rows; with partial the rows are
// those of a damaged file too, as far as they can be read, else there may be
// fewer.
func (f *File) Decode(partial bool, take func(Row) (more bool, err error)) error {
	bits := f.bits()
	rowBytes := func(width int) int { return 1 + (width*bits+7)/8 }
	passes := f.passes()
	total := int64(0)
	for _, p := range passes {
		total += int64(rowBytes(p.size.X)) * int64(p.size.Y)
	}
	const most = 1032 // how much longer the pixels can be than their DEFLATE data
	if !partial && total > most*(int64(len(f.file)-f.at)+64) {
		return ErrDamaged
	}
	largest := rowBytes(f.Size.X)
	cur, above := make([]byte, largest), make([]byte, largest)
	to := f.converter()
	more, y := true, 0
	var stopped error
	data := pixelData{file: f.file, at: f.at}
	err := inflate.Rows(data.next, rowBytes(passes[0].size.X), largest, func(row []byte) (int, error) {
		p := passes[0]
		if more {
			cur, above = cur[:len(row)], above[:len(row)]
			copy(cur, row)
			if !unfilter(cur, above, max(1, bits/8)) {
				return 0, ErrDamaged
			}
			if more, stopped = take(Row{p.y + y*p.dy, p.x, p.dx, to(cur[1:], p.size.X)}); stopped != nil {
				return 0, stopped
			}
			cur, above = above, cur
		} else if row[0] >= filters {
			return 0, ErrDamaged
		}
		if y++; y == p.size.Y {
			if passes, y = passes[1:], 0; len(passes) == 0 {
				return 0, nil
			}
			above = above[:cap(above)]
			clear(above)
		}
		return rowBytes(passes[0].size.X), nil
	})
	if stopped != nil {
		return stopped
	}
	f.Nonconforming = f.Nonconforming || data.nonconforming || err == inflate.ErrLonger
	if err == inflate.ErrLonger {
		err = nil
	}
	data.walk()
	if err != nil || data.wrong {
		return ErrDamaged
	}
	return nil
}

// A pass is the pixels that come together, from x, y on, so far apart.
type pass struct {
	x, y, dx, dy int
	size         image.Point // how many there are
}

// passes returns those of the picture that have pixels (section 8.2).
func (f *File) passes() []pass {
	if !f.Interlaced {
		return []pass{{0, 0, 1, 1, f.Size}}
	}
	var all []pass
	for _, p := range []pass{{x: 0, y: 0, dx: 8, dy: 8}, {x: 4, y: 0, dx: 8, dy: 8}, {x: 0, y: 4, dx: 4, dy: 8}, {x: 2, y: 0, dx: 4, dy: 4}, {x: 0, y: 2, dx: 2, dy: 4}, {x: 1, y: 0, dx: 2, dy: 2}, {x: 0, y: 1, dx: 1, dy: 2}} {
		p.size = image.Pt((f.Size.X-p.x+p.dx-1)/p.dx, (f.Size.Y-p.y+p.dy-1)/p.dy)
		if p.size.X > 0 && p.size.Y > 0 {
			all = append(all, p)
		}
	}
	return all
}

// pixelData are the chunks of pixels, one after the other.
type pixelData struct {
	file          []byte
	at            int  // where the next chunk begins
	wrong         bool // a checksum is
	nonconforming bool // something is not as it should be, but of no matter
	ended         bool
}

// next returns the pixels of the next chunk that has some, nil after the last
// one. Of one that is cut off it returns what is there: whether that is enough the
// pixels tell.
func (p *pixelData) next() []byte {
	for !p.ended {
		c, ok := chunkAt(p.file, p.at)
		if !ok || c.Truncated() {
			p.nonconforming, p.ended = true, true // no IEND
			if c.Kind == "IDAT" && len(c.Data) > 0 {
				return c.Data
			}
			return nil
		}
		p.at += len(c.whole)
		switch c.Kind {
		case "IDAT":
			p.wrong = p.wrong || !c.Sound()
			if len(c.Data) > 0 {
				return c.Data
			}
		case "IEND":
			p.ended = true
			p.nonconforming = p.nonconforming || len(c.Data) != 0 || !c.Sound()
		default:
			p.nonconforming = p.nonconforming || c.Kind[0]&0x20 == 0 || c.Kind == "tRNS" || !c.Sound()
		}
	}
	return nil
}

// walk looks at the chunks that the pixels did not need.
func (p *pixelData) walk() {
	for p.next() != nil {
		p.nonconforming = true
	}
}
