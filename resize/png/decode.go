package png

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
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

const (
	signature   = "\x89PNG\r\n\x1a\n"
	headerBytes = 25 // of the chunk IHDR

	chunkBytes = 12 // of a chunk, beside its data
)

// ParseHeader reads the first 33 bytes of a file, but for the checksum.
func ParseHeader(head []byte) (h Header, err error) {
	if len(head) < len(signature)+headerBytes || string(head[:len(signature)]) != signature {
		return h, FormatError("no signature")
	}
	ihdr := head[len(signature):][:headerBytes]
	if binary.BigEndian.Uint32(ihdr) != headerBytes-chunkBytes || string(ihdr[4:8]) != "IHDR" {
		return h, FormatError("no IHDR")
	}
	w, height := binary.BigEndian.Uint32(ihdr[8:]), binary.BigEndian.Uint32(ihdr[12:])
	const most = 1<<31 - 1
	if w == 0 || height == 0 || w > most || height > most {
		return h, FormatError(fmt.Sprintf("%d x %d pixels", w, height))
	}
	h = Header{Size: image.Pt(int(w), int(height)), Depth: int(ihdr[16]), Interlaced: ihdr[20] == 1, color: ihdr[17]}
	if !h.valid() || ihdr[18]|ihdr[19] != 0 || ihdr[20] > 1 {
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

// bits returns the bits of a pixel.
func (h *Header) bits() int {
	return h.Depth * map[byte]int{gray: 1, rgb: 3, indexed: 1, grayAlpha: 2, rgba: 4}[h.color]
}

// checked reports whether the checksum of a chunk is right.
func checked(chunk []byte) bool {
	end := len(chunk) - 4
	return crc32.ChecksumIEEE(chunk[4:end]) == binary.BigEndian.Uint32(chunk[end:])
}

// A File is a file whose chunks before the pixels have been walked. It aliases
// the bytes that it was made of.
type File struct {
	Header
	// Samples are those of a pixel that Decode hands on, a byte each: 1 (grey), 3
	// (RGB) or 4 (RGBA).
	Samples int
	// Odd reports that something was passed over that is not as the specification
	// has it. Decode may set it.
	Odd bool

	palette []byte // three bytes a colour
	trns    []byte // as in its chunk; nil: no transparency but that of the pixels
	rest    []byte // from the first chunk of pixels on
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
	if !checked(file[len(signature):][:headerBytes]) {
		return nil, FormatError("IHDR is damaged")
	}
	f := &File{Header: h}
	rest := file[len(signature)+headerBytes:]
	for {
		if len(rest) < chunkBytes {
			return nil, FormatError("no pixels")
		}
		n, kind := uint64(binary.BigEndian.Uint32(rest)), string(rest[4:8])
		if kind == "IDAT" {
			f.rest = rest
			break
		}
		if n > uint64(len(rest)-chunkBytes) || kind == "IEND" {
			return nil, FormatError("no pixels")
		}
		if kind == "IHDR" {
			return nil, FormatError("a second IHDR")
		}
		chunk := rest[:chunkBytes+n]
		rest = rest[chunkBytes+n:]
		if !checked(chunk) {
			f.Odd = true
			continue
		}
		switch data := chunk[8 : 8+n]; kind {
		case "PLTE":
			f.setPalette(data)
		case "tRNS":
			f.setTransparency(data)
		}
	}
	if h.color == indexed && f.palette == nil {
		return nil, FormatError("no palette")
	}
	f.Samples = f.samples()
	return f, nil
}

func (f *File) setPalette(data []byte) {
	if f.color == gray || f.color == grayAlpha || f.palette != nil || len(data) == 0 || len(data)%3 != 0 || len(data) > 3*256 {
		f.Odd = true
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
	f.Odd = true
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
	if !partial && total > most*(int64(len(f.rest))+64) {
		return ErrDamaged
	}
	largest := rowBytes(f.Size.X)
	cur, above := make([]byte, largest), make([]byte, largest)
	to := f.converter()
	more, y := true, 0
	var stopped error
	data := pixelData{rest: f.rest}
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
	f.Odd = f.Odd || data.odd || err == inflate.ErrLonger
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
	rest  []byte
	wrong bool // a checksum is
	odd   bool // something is not as it should be, but of no matter
	ended bool
}

// next returns the pixels of the next chunk that has some, nil after the last
// one. Of one that is cut off it returns what is there: whether that is enough the
// pixels tell.
func (p *pixelData) next() []byte {
	for !p.ended {
		if len(p.rest) < chunkBytes {
			p.odd, p.ended = true, true // no IEND
			if len(p.rest) > 8 && string(p.rest[4:8]) == "IDAT" {
				return p.rest[8:]
			}
			return nil
		}
		n, kind := uint64(binary.BigEndian.Uint32(p.rest)), string(p.rest[4:8])
		if n > uint64(len(p.rest)-chunkBytes) {
			p.odd, p.ended = true, true
			if kind != "IDAT" {
				return nil
			}
			return p.rest[8:][:min(n, uint64(len(p.rest)-8))]
		}
		chunk := p.rest[:chunkBytes+n]
		p.rest = p.rest[chunkBytes+n:]
		switch kind {
		case "IDAT":
			p.wrong = p.wrong || !checked(chunk)
			if n > 0 {
				return chunk[8 : 8+n]
			}
		case "IEND":
			p.ended = true
			p.odd = p.odd || n != 0 || !checked(chunk)
		default:
			p.odd = p.odd || kind[0]&0x20 == 0 || kind == "tRNS" || !checked(chunk)
		}
	}
	return nil
}

// walk looks at the chunks that the pixels did not need.
func (p *pixelData) walk() {
	for p.next() != nil {
		p.odd = true
	}
}
