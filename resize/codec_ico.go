package resize

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"io"

	"s3imageserver/resize/options"
	"s3imageserver/resize/png"
)

// ICO, read only, where the configuration names it: the largest picture of the
// file unless a page is asked for, which is a PNG or a device-independent bitmap
// with a mask.
var icoCodec = codec{
	format: options.ICO,
	magic:  []string{"\x00\x00\x01\x00"},
	optIn:  true,
	config: func(head []byte) (Info, error) {
		e, err := largestIcon(head)
		if err != nil {
			return Info{}, err
		}
		if e.png {
			info, err := configPNG(e.data)
			info.Alpha = true
			return info, err
		}
		return Info{Size: e.size, Depth: 4, Alpha: true, decoder: 4 * area(e.size)}, nil
	},
	decode: decodeICO,
	page:   pageICO,
	memory: func(info Info, want Want) int64 {
		if info.decoder == 0 {
			return memoryPNG(info, want)
		}
		return info.decoder
	},
}

// An icon is one picture of a file.
type icon struct {
	size image.Point
	bits int    // a pixel
	data []byte // PNG, or a BITMAPINFOHEADER and what follows
	png  bool
}

// largestIcon returns the picture with most pixels, of those the one with most
// bits. The sizes are those of the pictures themselves: the directory often
// lies.
func largestIcon(file []byte) (icon, error) {
	const head, entry = 6, 16
	if len(file) < head {
		return icon{}, io.ErrUnexpectedEOF
	}
	n := int(binary.LittleEndian.Uint16(file[4:]))
	if n == 0 {
		return icon{}, fmt.Errorf("%w: ICO without a picture", ErrMalformed)
	}
	if n > maxIcons {
		return icon{}, fmt.Errorf("%w: ICO of %d pictures", ErrLimit, n)
	}
	if len(file) < head+n*entry {
		return icon{}, io.ErrUnexpectedEOF
	}
	var best icon
	for i := range n {
		e := file[head+i*entry:]
		length, at := uint64(binary.LittleEndian.Uint32(e[8:])), uint64(binary.LittleEndian.Uint32(e[12:]))
		if at+length > uint64(len(file)) || length < dibHeaderBytes {
			return icon{}, io.ErrUnexpectedEOF
		}
		c := icon{data: file[at : at+length]}
		if err := c.read(); err != nil {
			return icon{}, err
		}
		if a, b := area(c.size), area(best.size); a > b || (a == b && c.bits > best.bits) {
			best = c
		}
	}
	return best, nil
}

const (
	maxIcons       = 256 // of a file
	dibHeaderBytes = 40
)

// read finds size and depth in the picture's own header.
func (c *icon) read() error {
	if bytes.HasPrefix(c.data, []byte(png.Signature)) {
		const ihdr = 8 + 8 + 13 // signature, length and name, and what counts here
		if string(c.data[12:16]) != "IHDR" {
			return fmt.Errorf("%w: icon whose PNG begins with %q", ErrMalformed, c.data[12:16])
		}
		w, h := binary.BigEndian.Uint32(c.data[16:]), binary.BigEndian.Uint32(c.data[20:ihdr])
		if w == 0 || h == 0 || w > 1<<30 || h > 1<<30 {
			return fmt.Errorf("%w: icon of %d x %d pixels", ErrMalformed, w, h)
		}
		c.size, c.bits, c.png = image.Pt(int(w), int(h)), 32, true
		return nil
	}
	w, h := int32(binary.LittleEndian.Uint32(c.data[4:])), int32(binary.LittleEndian.Uint32(c.data[8:]))
	c.bits = int(binary.LittleEndian.Uint16(c.data[14:]))
	c.size = image.Pt(int(w), int(h/2)) // the mask is counted too
	switch {
	case binary.LittleEndian.Uint32(c.data) != dibHeaderBytes, binary.LittleEndian.Uint32(c.data[16:]) != 0:
		return fmt.Errorf("%w: a kind of bitmap that icons do not have", ErrMalformed)
	case w <= 0 || h <= 1 || w > 1<<15 || h > 1<<16:
		return fmt.Errorf("%w: icon of %d x %d pixels", ErrMalformed, w, h/2)
	}
	return nil
}

func decodeICO(file []byte, want Want) (*Picture, error) {
	c, err := largestIcon(file)
	if err != nil {
		return nil, err
	}
	var p *Picture
	if c.png {
		if p, err = decodePNG(c.data, want); err != nil {
			return nil, err
		}
	} else {
		img, err := c.bitmap()
		if err != nil {
			return nil, err
		}
		p = still(img)
	}
	p.Pages = int(binary.LittleEndian.Uint16(file[4:]))
	return p, nil
}

// bitmap decodes a device-independent bitmap: rows from bottom to top, each
// padded to four bytes; below it a mask of one bit a pixel, 1 for transparent,
// which counts unless the pixels have an alpha of their own.
func (c icon) bitmap() (*image.NRGBA, error) {
	var palette []byte
	rest := c.data[dibHeaderBytes:]
	if c.bits <= 8 {
		n := int(binary.LittleEndian.Uint32(c.data[32:]))
		if n == 0 || n > 1<<c.bits {
			n = 1 << c.bits
		}
		if len(rest) < 4*n {
			return nil, io.ErrUnexpectedEOF
		}
		palette, rest = rest[:4*n], rest[4*n:]
	}
	switch c.bits {
	case 1, 4, 8, 24, 32:
	default:
		return nil, fmt.Errorf("%w: icon of %d bits a pixel", ErrMalformed, c.bits)
	}
	stride := (c.size.X*c.bits + 31) / 32 * 4
	maskStride := (c.size.X + 31) / 32 * 4
	if len(rest) < stride*c.size.Y {
		return nil, io.ErrUnexpectedEOF
	}
	mask := rest[stride*c.size.Y:]
	img := image.NewNRGBA(image.Rectangle{Max: c.size})
	alpha := false
	for y := range c.size.Y {
		row := rest[(c.size.Y-1-y)*stride:][:stride]
		for x := range c.size.X {
			p := img.Pix[y*img.Stride+4*x:][:4]
			var bgr []byte
			switch c.bits {
			case 24:
				bgr = row[3*x:]
			case 32:
				bgr = row[4*x:]
				alpha = alpha || bgr[3] != 0
			default:
				bit := x * c.bits
				i := int(row[bit/8]>>(8-c.bits-bit%8)) & (1<<c.bits - 1)
				if 4*i+3 > len(palette) {
					return nil, fmt.Errorf("%w: colour %d of a palette of %d", ErrMalformed, i, len(palette)/4)
				}
				bgr = palette[4*i:]
			}
			p[0], p[1], p[2], p[3] = bgr[2], bgr[1], bgr[0], 255
			if c.bits == 32 {
				p[3] = bgr[3]
			}
		}
	}
	if alpha || len(mask) < maskStride*c.size.Y {
		if !alpha && c.bits == 32 {
			setOpaque(img)
		}
		return img, nil
	}
	setOpaque(img)
	for y := range c.size.Y {
		row := mask[(c.size.Y-1-y)*maskStride:]
		for x := range c.size.X {
			if row[x/8]>>(7-x%8)&1 == 1 {
				clear(img.Pix[y*img.Stride+4*x:][:4])
			}
		}
	}
	return img, nil
}

func setOpaque(m *image.NRGBA) {
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
}

// pageICO returns the head of a file with the n-th entry alone.
func pageICO(file []byte, n int) ([]byte, error) {
	const head, entry = 6, 16
	if len(file) < head {
		return nil, io.ErrUnexpectedEOF
	}
	count := int(binary.LittleEndian.Uint16(file[4:]))
	if count == 0 {
		return nil, fmt.Errorf("%w: ICO without a picture", ErrMalformed)
	}
	at := head + (min(n, count)-1)*entry
	if len(file) < at+entry {
		return nil, io.ErrUnexpectedEOF
	}
	return append(binary.LittleEndian.AppendUint16(bytes.Clone(file[:4]), 1), file[at:at+entry]...), nil
}
