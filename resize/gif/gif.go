// Package gif reads GIF files (GIF89a specification) one frame at a time.
//
// image/gif decodes all frames at once, which lets a file of a few kilobytes
// take gigabytes, and refuses files that browsers show: frames that reach
// beyond the canvas, for one. Here the blocks are walked first, and the pixels
// of a frame are decoded when they are asked for.
package gif

import (
	"bytes"
	"compress/lzw"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"time"
)

// A FormatError reports that the input is not a valid GIF file.
type FormatError string

func (e FormatError) Error() string { return "gif: " + string(e) }

// A Disposal says what happens to a frame's place before the next frame is
// drawn (section 23).
type Disposal uint8

// The disposals. Values that the specification leaves open count as Keep.
const (
	Keep     Disposal = iota // it stays
	Clear                    // it becomes transparent
	Previous                 // what was there before comes back
)

// A File is a GIF file whose blocks have been walked.
type File struct {
	Size   image.Point // of the canvas
	Loops  int         // how often the animation is played; 0 means for ever
	Frames []Frame
	// More reports that the file has more frames than Parse was to read.
	More bool
	// Cut reports that the file ends within the pixels of its last frame.
	Cut bool
}

// A Frame is one image of a file.
type Frame struct {
	Bounds   image.Rectangle // on the canvas; may reach beyond it
	Delay    time.Duration
	Disposal Disposal

	transparent int // index of the transparent colour; -1: none
	palette     []byte
	interlaced  bool
	data        []byte // from the LZW minimum code size on
}

const (
	headerBytes = 13 // signature and logical screen descriptor
	hasPalette  = 1 << 7

	blockExtension = 0x21
	blockImage     = 0x2c
	blockTrailer   = 0x3b
	labelControl   = 0xf9
	labelApp       = 0xff
)

// Size returns the size of the canvas from the first bytes of a file: where the
// screen has no width or no height, that of the first frame, as browsers have it.
// io.ErrUnexpectedEOF means that it needs more than these.
func Size(head []byte) (image.Point, error) {
	if len(head) < headerBytes {
		return image.Point{}, io.ErrUnexpectedEOF
	}
	if s := string(head[:6]); s != "GIF87a" && s != "GIF89a" {
		return image.Point{}, FormatError("no signature")
	}
	size := image.Pt(int(binary.LittleEndian.Uint16(head[6:])), int(binary.LittleEndian.Uint16(head[8:])))
	if size.X > 0 && size.Y > 0 {
		return size, nil
	}
	p := parser{rest: head[headerBytes:]}
	first, err := p.first(head[10])
	if err == errTruncated {
		err = io.ErrUnexpectedEOF
	}
	return first.Bounds.Max, err
}

// first reads the description of the first frame behind a header with these flags.
func (p *parser) first(flags byte) (f Frame, err error) {
	if _, err := p.palette(flags); err != nil {
		return f, err
	}
	for {
		kind, err := p.take(1)
		if err != nil {
			return f, err
		}
		switch kind[0] {
		case blockExtension:
			err = p.extension(&File{}, &f)
		case blockImage:
			_, err = p.descriptor(&f)
			return f, err
		case 0:
		default:
			err = FormatError("no frame")
		}
		if err != nil {
			return f, err
		}
	}
}

var errTruncated = FormatError("the file ends before its pixels do")

// Parse walks the blocks of a file and reads the descriptions of at most max
// frames; it stops behind them. Frames alias file. A file need not have a trailer;
// one without a frame is an error.
func Parse(file []byte, max int) (*File, error) {
	size, err := Size(file)
	if err == io.ErrUnexpectedEOF {
		err = errTruncated
	}
	if err != nil {
		return nil, err
	}
	p := parser{rest: file[headerBytes:]}
	f := &File{Size: size, Loops: 1}
	global, err := p.palette(file[10])
	if err != nil {
		return nil, err
	}
	next := Frame{transparent: -1}
	for {
		kind, err := p.take(1)
		if err != nil {
			return f.ended(err)
		}
		switch kind[0] {
		case blockExtension:
			err = p.extension(f, &next)
		case blockImage:
			if len(f.Frames) == max {
				f.More = true
				return f, nil
			}
			err = p.image(&next, global)
			f.Cut = err == errTruncated && next.data != nil
			if err == nil || f.Cut {
				f.Frames = append(f.Frames, next)
				next = Frame{transparent: -1}
			}
		case blockTrailer:
			if len(f.Frames) == 0 {
				return nil, FormatError("no frame")
			}
			return f, nil
		case 0: // padding between blocks, as some writers leave
		default:
			// Garbage behind whole frames ends the animation, as in browsers.
			if len(f.Frames) > 0 {
				return f, nil
			}
			err = FormatError(fmt.Sprintf("unknown block %#02x", kind[0]))
		}
		if err != nil {
			return f.ended(err)
		}
	}
}

// ended returns the file as far as it was walked when there was that error.
func (f *File) ended(err error) (*File, error) {
	if err == errTruncated && len(f.Frames) > 0 {
		return f, nil
	}
	return nil, err
}

type parser struct{ rest []byte }

func (p *parser) take(n int) ([]byte, error) {
	if n > len(p.rest) {
		return nil, errTruncated
	}
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b, nil
}

// palette reads a colour table if the flags announce one.
func (p *parser) palette(flags byte) ([]byte, error) {
	if flags&hasPalette == 0 {
		return nil, nil
	}
	return p.take(3 << (flags&7 + 1))
}

// subBlocks passes over data sub-blocks and their terminator (section 15).
func (p *parser) subBlocks() error {
	for {
		n, err := p.take(1)
		if err != nil {
			return err
		}
		if n[0] == 0 {
			return nil
		}
		if _, err := p.take(int(n[0])); err != nil {
			return err
		}
	}
}

// extension reads the graphic control of the next frame and the loop count;
// others are passed over.
func (p *parser) extension(f *File, next *Frame) error {
	label, err := p.take(1)
	if err != nil {
		return err
	}
	switch data := p.rest; {
	case label[0] == labelControl && len(data) >= 5 && data[0] >= 4:
		next.Delay = time.Duration(binary.LittleEndian.Uint16(data[2:])) * 10 * time.Millisecond
		switch data[1] >> 2 & 7 {
		case 2:
			next.Disposal = Clear
		case 3:
			next.Disposal = Previous
		default:
			next.Disposal = Keep
		}
		next.transparent = -1
		if data[1]&1 != 0 {
			next.transparent = int(data[4])
		}
	case label[0] == labelApp && len(data) >= 16 && (string(data[:12]) == "\x0bNETSCAPE2.0" || string(data[:12]) == "\x0bANIMEXTS1.0") && data[12] == 3 && data[13] == 1:
		// The count says how often the animation is repeated, not played.
		if f.Loops = int(binary.LittleEndian.Uint16(data[14:])); f.Loops > 0 {
			f.Loops++
		}
	}
	return p.subBlocks()
}

// descriptor reads an image descriptor (section 20).
func (p *parser) descriptor(f *Frame) (flags byte, err error) {
	d, err := p.take(9)
	if err != nil {
		return 0, err
	}
	u16 := func(i int) int { return int(binary.LittleEndian.Uint16(d[i:])) }
	at := image.Pt(u16(0), u16(2))
	f.Bounds = image.Rectangle{at, at.Add(image.Pt(u16(4), u16(6)))}
	f.interlaced = d[8]&(1<<6) != 0
	return d[8], nil
}

// image reads an image descriptor and passes over its data (sections 20 to 22).
// Of data that is cut off the frame gets what is there.
func (p *parser) image(f *Frame, global []byte) error {
	flags, err := p.descriptor(f)
	if err != nil {
		return err
	}
	f.palette, err = p.palette(flags)
	if err != nil {
		return err
	}
	if f.palette == nil {
		f.palette = global
	}
	start := p.rest
	if _, err := p.take(1); err != nil {
		return err
	}
	err = p.subBlocks()
	f.data = start[:len(start)-len(p.rest)]
	if err != nil {
		f.data = start
	}
	return err
}

// Decode returns the pixels of the part of the frame that lies within canvas
// (from the origin), with bounds on the canvas. Colours beyond the palette are
// transparent black; without any palette they are black. buf is used for the
// pixels if it is large enough, and may be nil. If the pixels end early or are
// damaged, there is an error, and the image has those that came before; the others
// are transparent.
func (f *Frame) Decode(canvas image.Point, buf []byte) (*image.NRGBA, error) {
	bounds := f.Bounds.Intersect(image.Rectangle{Max: canvas})
	n := 4 * bounds.Dx() * bounds.Dy()
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	out := &image.NRGBA{Pix: buf[:n], Stride: 4 * bounds.Dx(), Rect: bounds}
	colors := f.colors()
	r, err := newPixels(f.data)
	row := make([]byte, f.Bounds.Dx())
	if len(row) == 0 {
		return out, err
	}
	for y := range f.rows() {
		n := 0
		if err == nil {
			n, err = r.read(row)
		}
		if y += f.Bounds.Min.Y; y >= bounds.Max.Y {
			if err != nil && !f.interlaced {
				break
			}
			continue
		}
		dst := out.Pix[out.PixOffset(bounds.Min.X, y):][:out.Stride]
		n = min(n, bounds.Dx())
		for x, index := range row[:n] {
			copy(dst[4*x:4*x+4], colors[index][:])
		}
		clear(dst[4*n:])
	}
	return out, err
}

func (f *Frame) colors() (colors [256][4]byte) {
	if len(f.palette) == 0 {
		for i := range colors {
			colors[i][3] = 255
		}
	}
	for i := range len(f.palette) / 3 {
		colors[i] = [4]byte{f.palette[3*i], f.palette[3*i+1], f.palette[3*i+2], 255}
	}
	if f.transparent >= 0 {
		colors[f.transparent] = [4]byte{}
	}
	return colors
}

// rows yields the rows of the frame in the order of the file (appendix E).
func (f *Frame) rows() func(func(int) bool) {
	h := f.Bounds.Dy()
	passes := []struct{ start, step int }{{0, 1}}
	if f.interlaced {
		passes = []struct{ start, step int }{{0, 8}, {4, 8}, {2, 4}, {1, 2}}
	}
	return func(yield func(int) bool) {
		for _, p := range passes {
			for y := p.start; y < h; y += p.step {
				if !yield(y) {
					return
				}
			}
		}
	}
}

// pixels reads the indices of a frame.
type pixels struct{ r io.ReadCloser }

func newPixels(data []byte) (pixels, error) {
	width := int(data[0])
	if width < 2 || width > 8 {
		return pixels{}, FormatError(fmt.Sprintf("LZW code size %d", width))
	}
	return pixels{lzw.NewReader(&subBlockReader{rest: data[1:]}, lzw.LSB, width)}, nil
}

func (p pixels) read(row []byte) (n int, err error) {
	n, err = io.ReadFull(p.r, row)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = FormatError("not enough pixels in a frame")
	}
	return n, err
}

// A subBlockReader reads the bytes of data sub-blocks that have been walked; the
// last one may be cut off.
type subBlockReader struct {
	rest    []byte
	current bytes.Reader
}

func (r *subBlockReader) ReadByte() (byte, error) {
	if r.current.Len() == 0 && !r.next() {
		return 0, io.EOF
	}
	return r.current.ReadByte()
}

func (r *subBlockReader) Read(p []byte) (int, error) {
	if r.current.Len() == 0 && !r.next() {
		return 0, io.EOF
	}
	return r.current.Read(p)
}

func (r *subBlockReader) next() bool {
	if len(r.rest) == 0 || r.rest[0] == 0 {
		return false
	}
	n := min(len(r.rest), 1+int(r.rest[0]))
	r.current.Reset(r.rest[1:n])
	r.rest = r.rest[n:]
	return true
}
