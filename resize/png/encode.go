// Package png reads and writes PNG files (PNG specification, third edition): a
// decoder that hands on rows as they come, and an encoder that looks for the
// filter of each row 32 bytes at a time, which takes image/png a quarter of all
// time that a thumbnail takes.
package png

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// Options say how to write a picture.
type Options struct {
	// Level is what zlib calls it: 1 (fast) to 9 (small). 0 means 6.
	Level int
	// ICC is a profile of the colours; nil means sRGB.
	ICC []byte
}

// ErrUnsupported says that a picture is not of a kind that is written.
var ErrUnsupported = errors.New("png: unsupported image")

// Encode writes m, an *image.Gray, *image.NRGBA or *image.Paletted of at least
// one pixel: 8 bits a sample, without an alpha channel where all is opaque, or
// 1, 2, 4 or 8 bits for up to 256 colours. Rows of palettes are not filtered. o
// may be nil. The error is [ErrUnsupported] or that of w.
//
// Encode is safe for concurrent use.
func Encode(w io.Writer, m image.Image, o *Options) error {
	if o == nil {
		o = &Options{}
	}
	size := m.Bounds().Size()
	if size.X < 1 || size.Y < 1 || size.X > 1<<31-1 || size.Y > 1<<31-1 {
		return fmt.Errorf("%w: %v pixels", ErrUnsupported, size)
	}
	r, err := rowsOf(m)
	if err != nil {
		return err
	}
	f := &file{w: w}
	f.write([]byte(Signature))
	header := binary.BigEndian.AppendUint32(nil, uint32(size.X))
	header = binary.BigEndian.AppendUint32(header, uint32(size.Y))
	f.chunk("IHDR", append(header, r.depth, r.color, 0, 0, 0))
	if o.ICC != nil {
		f.chunk("iCCP", profile(o.ICC))
	}
	if r.palette != nil {
		colors, alpha := paletteOf(r.palette)
		f.chunk("PLTE", colors)
		if len(alpha) > 0 {
			f.chunk("tRNS", alpha)
		}
	}
	level := o.Level
	if level == 0 {
		level = 6
	}
	f.pixels(r, size, level)
	f.chunk("IEND", nil)
	return f.err
}

// Colour types (PNG specification, section 11.2.1).
const (
	gray      = 0
	rgb       = 2
	indexed   = 3
	grayAlpha = 4
	rgba      = 6
)

// rows are a picture as PNG has it.
type rows struct {
	depth, color byte
	palette      color.Palette // nil: there is none
	bits         int           // of a pixel
	pack         func(dst []byte, y int)
}

func rowsOf(m image.Image) (*rows, error) {
	at, n := m.Bounds().Min, m.Bounds().Dx()
	switch m := m.(type) {
	case *image.Gray:
		return &rows{depth: 8, color: gray, bits: 8, pack: func(dst []byte, y int) {
			copy(dst, m.Pix[m.PixOffset(at.X, at.Y+y):][:n])
		}}, nil
	case *image.NRGBA:
		if m.Opaque() {
			return &rows{depth: 8, color: rgb, bits: 24, pack: func(dst []byte, y int) {
				narrow(dst, m.Pix[m.PixOffset(at.X, at.Y+y):][:4*n])
			}}, nil
		}
		return &rows{depth: 8, color: rgba, bits: 32, pack: func(dst []byte, y int) {
			copy(dst, m.Pix[m.PixOffset(at.X, at.Y+y):][:4*n])
		}}, nil
	case *image.Paletted:
		if len(m.Palette) < 1 || len(m.Palette) > 256 {
			return nil, fmt.Errorf("%w: a palette of %d colours", ErrUnsupported, len(m.Palette))
		}
		depth := 8
		for _, d := range []int{4, 2, 1} {
			if len(m.Palette) <= 1<<d {
				depth = d
			}
		}
		return &rows{depth: byte(depth), color: indexed, palette: m.Palette, bits: depth, pack: func(dst []byte, y int) {
			packIndexes(dst, m.Pix[m.PixOffset(at.X, at.Y+y):][:n], depth)
		}}, nil
	}
	return nil, fmt.Errorf("%w: %T", ErrUnsupported, m)
}

// narrow writes pixels of four bytes without the fourth one.
func narrow(dst, src []byte) {
	for len(src) >= 8 && len(dst) >= 8 {
		v := binary.LittleEndian.Uint64(src)
		binary.LittleEndian.PutUint64(dst, v&0xffffff|v>>8&0xffffff000000)
		src, dst = src[8:], dst[6:]
	}
	for len(src) >= 4 && len(dst) >= 3 {
		dst[0], dst[1], dst[2] = src[0], src[1], src[2]
		src, dst = src[4:], dst[3:]
	}
}

// packIndexes writes indexes of depth bits, the first one in the highest bits.
func packIndexes(dst, src []byte, depth int) {
	if depth == 8 {
		copy(dst, src)
		return
	}
	clear(dst)
	each := 8 / depth
	for i, v := range src {
		dst[i/each] |= v << (8 - depth - i%each*depth)
	}
}

// paletteOf returns the colours of a palette, three bytes each, and the alpha of
// those up to the last one that is not opaque.
func paletteOf(p color.Palette) (colors, alpha []byte) {
	opaque := 0
	for i, c := range p {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		colors = append(colors, n.R, n.G, n.B)
		alpha = append(alpha, n.A)
		if n.A != 255 {
			opaque = i + 1
		}
	}
	return colors, alpha[:opaque]
}

// profile is the data of an iCCP chunk: a name, NUL, the method, the compressed
// profile (PNG specification, section 11.3.2.3).
func profile(icc []byte) []byte {
	data := appender("icc\x00\x00")
	z := zlib.NewWriter(&data)
	z.Write(icc) // an appender has no errors
	z.Close()
	return data
}

type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}

// A file writes chunks until the first error, which it keeps.
type file struct {
	w   io.Writer
	err error
}

func (f *file) write(p []byte) {
	if f.err == nil {
		_, f.err = f.w.Write(p)
	}
}

// chunk writes one (PNG specification, section 5.3).
func (f *file) chunk(kind string, data []byte) {
	head := append(binary.BigEndian.AppendUint32(make([]byte, 0, 8), uint32(len(data))), kind...)
	f.write(head)
	f.write(data)
	sum := crc32.Update(crc32.ChecksumIEEE(head[4:]), crc32.IEEETable, data)
	f.write(binary.BigEndian.AppendUint32(nil, sum))
}

// Write makes an IDAT chunk of what zlib gives it.
func (f *file) Write(p []byte) (int, error) {
	f.chunk("IDAT", p)
	return len(p), f.err
}

// idatBytes is the most that a chunk of pixels has.
const idatBytes = 32 << 10

// A compressor is what is kept between pictures: a third of a megabyte of tables.
type compressor struct {
	zlib *zlib.Writer
	idat *bufio.Writer
}

var compressors [zlib.BestCompression + 1]sync.Pool // by level

func newCompressor(w io.Writer, level int) (*compressor, error) {
	if level < zlib.BestSpeed || level > zlib.BestCompression {
		return nil, fmt.Errorf("png: level %d", level)
	}
	if c, ok := compressors[level].Get().(*compressor); ok {
		c.idat.Reset(w)
		c.zlib.Reset(c.idat)
		return c, nil
	}
	b := bufio.NewWriterSize(w, idatBytes)
	z, err := zlib.NewWriterLevel(b, level)
	return &compressor{z, b}, err
}

// pixels writes the rows.
func (f *file) pixels(r *rows, size image.Point, level int) {
	z, err := newCompressor(f, level)
	if err != nil {
		f.err = err
		return
	}
	defer func() {
		z.idat.Reset(nil) // f is not kept
		compressors[level].Put(z)
	}()
	n, bpp := (size.X*r.bits+7)/8, max(1, r.bits/8)
	cur, above := newLine(n), newLine(n)
	out := make([]byte, 1+len(cur))
	for y := range size.Y {
		if f.err != nil {
			return
		}
		r.pack(cur.bytes(n), y)
		if r.palette != nil { // what is near in a palette means nothing
			out[0] = filterNone
			copy(out[1:], cur.bytes(n))
		} else {
			filter(out, cur, above, n, bpp)
		}
		if _, err := z.zlib.Write(out[:1+n]); err != nil {
			f.err = err
			return
		}
		cur, above = above, cur
	}
	if f.err = z.zlib.Close(); f.err == nil {
		f.err = z.idat.Flush()
	}
}
