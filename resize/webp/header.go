package webp

import (
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"time"
)

// A Header is what the first chunk of a file says.
type Header struct {
	Size     image.Point // of the canvas
	Animated bool
	Alpha    bool // there may be transparency
	// Lossy says that there is one picture of VP8, and no transparency beside it, as
	// far as that is known.
	Lossy bool
}

// Parse reads the first chunk: the canvas of VP8X, or the size of a simple file. Of
// what follows VP8X it looks at the headers of chunks that are in head. It returns
// io.ErrUnexpectedEOF if head is too short for the first one.
func Parse(head []byte) (Header, error) {
	if len(head) < headerBytes+8+10 {
		return Header{}, io.ErrUnexpectedEOF
	}
	h := Header{}
	data := head[headerBytes+8:]
	switch id := string(head[headerBytes:][:4]); id {
	case "VP8X":
		h.Size = image.Pt(1+uint24(data[4:]), 1+uint24(data[7:]))
		h.Animated = data[0]&FlagAnimation != 0
		h.Alpha = data[0]&FlagAlpha != 0
		h.Lossy = firstPicture(head[headerBytes:]) == "VP8 "
	case "VP8 ":
		if string(data[3:6]) != "\x9d\x01\x2a" {
			return Header{}, fmt.Errorf("%w: VP8 start code", ErrMalformed)
		}
		h.Size = image.Pt(int(binary.LittleEndian.Uint16(data[6:])&0x3fff), int(binary.LittleEndian.Uint16(data[8:])&0x3fff))
		h.Lossy = true
	case "VP8L":
		if data[0] != 0x2f {
			return Header{}, fmt.Errorf("%w: VP8L signature", ErrMalformed)
		}
		bits := binary.LittleEndian.Uint32(data[1:])
		h.Size = image.Pt(int(bits&0x3fff)+1, int(bits>>14&0x3fff)+1)
		h.Alpha = bits>>28&1 != 0
	default:
		return Header{}, fmt.Errorf("%w: first WebP chunk is %q", ErrMalformed, id)
	}
	return h, nil
}

// firstPicture returns the ID of the first chunk in data that belongs to a picture, ""
// if none begins there.
func firstPicture(data []byte) string {
	for len(data) >= 8 {
		switch id := string(data[:4]); id {
		case "ALPH", "VP8 ", "VP8L", "ANIM", "ANMF":
			return id
		}
		n := uint64(binary.LittleEndian.Uint32(data[4:]))
		n += 8 + n%2
		if n > uint64(len(data)) {
			break
		}
		data = data[n:]
	}
	return ""
}

// An Image has the data of the chunks of one picture, still or a frame; nil: there is
// none of that kind. Alpha counts beside Lossy only.
type Image struct{ Alpha, Lossy, Lossless []byte }

// Add takes a chunk that belongs to a picture, up to the first one of pixels.
func (m *Image) Add(c Chunk) {
	if m.Lossy != nil || m.Lossless != nil {
		return
	}
	switch c.ID {
	case "ALPH":
		m.Alpha = c.Data
	case "VP8 ":
		m.Lossy = c.Data
	case "VP8L":
		m.Lossless = c.Data
	}
}

// A Frame is one ANMF chunk (RFC 9649, section 2.7.1.1).
type Frame struct {
	Bounds  image.Rectangle
	Delay   time.Duration
	Replace bool // the frame replaces what is below it, else it is blended
	Dispose bool // the frame's place is cleared before the next one
	Image   Image
}

// ParseFrame reads an ANMF chunk.
func ParseFrame(data []byte) (Frame, error) {
	if len(data) < 16 {
		return Frame{}, fmt.Errorf("%w: WebP frame of %d bytes", ErrMalformed, len(data))
	}
	at := image.Pt(2*uint24(data), 2*uint24(data[3:]))
	f := Frame{
		Bounds:  image.Rectangle{at, at.Add(image.Pt(1+uint24(data[6:]), 1+uint24(data[9:])))},
		Delay:   time.Duration(uint24(data[12:])) * time.Millisecond,
		Replace: data[15]&2 != 0,
		Dispose: data[15]&1 != 0,
	}
	for c, err := range Chunks(data[16:]) {
		if err != nil {
			return Frame{}, err
		}
		f.Image.Add(c)
	}
	return f, nil
}
