package resize

import (
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"time"
)

// A webpHeader is what the first chunk of a file says.
type webpHeader struct {
	size     image.Point // of the canvas
	animated bool
	alpha    bool // there may be transparency
}

// parseWebP reads the first chunk only: the canvas of VP8X, or the size of a
// simple file. It returns io.ErrUnexpectedEOF if head is too short.
func parseWebP(head []byte) (webpHeader, error) {
	if len(head) < riffHeaderBytes+8+10 {
		return webpHeader{}, io.ErrUnexpectedEOF
	}
	h := webpHeader{}
	data := head[riffHeaderBytes+8:]
	switch id := string(head[riffHeaderBytes:][:4]); id {
	case "VP8X":
		h.size = image.Pt(1+uint24(data[4:]), 1+uint24(data[7:]))
		h.animated = data[0]&webpAnimation != 0
		h.alpha = data[0]&webpAlpha != 0
	case "VP8 ":
		if string(data[3:6]) != "\x9d\x01\x2a" {
			return webpHeader{}, fmt.Errorf("%w: VP8 start code", errWebPMalformed)
		}
		h.size = image.Pt(int(binary.LittleEndian.Uint16(data[6:])&0x3fff), int(binary.LittleEndian.Uint16(data[8:])&0x3fff))
	case "VP8L":
		if data[0] != 0x2f {
			return webpHeader{}, fmt.Errorf("%w: VP8L signature", errWebPMalformed)
		}
		bits := binary.LittleEndian.Uint32(data[1:])
		h.size = image.Pt(int(bits&0x3fff)+1, int(bits>>14&0x3fff)+1)
		h.alpha = bits>>28&1 != 0
	default:
		return webpHeader{}, fmt.Errorf("%w: first WebP chunk is %q", errWebPMalformed, id)
	}
	return h, nil
}

// A webpFrame is one ANMF chunk (RFC 9649, section 2.7.1.1).
type webpFrame struct {
	bounds  image.Rectangle
	delay   time.Duration
	replace bool // the frame replaces what is below it, else it is blended
	dispose bool // the frame's place is cleared before the next one
	chunks  []byte
}

// parseWebPFrame reads an ANMF chunk.
func parseWebPFrame(data []byte) (webpFrame, error) {
	if len(data) < 16 {
		return webpFrame{}, fmt.Errorf("%w: WebP frame of %d bytes", errWebPMalformed, len(data))
	}
	at := image.Pt(2*uint24(data), 2*uint24(data[3:]))
	f := webpFrame{
		bounds:  image.Rectangle{at, at.Add(image.Pt(1+uint24(data[6:]), 1+uint24(data[9:])))},
		delay:   time.Duration(uint24(data[12:])) * time.Millisecond,
		replace: data[15]&2 != 0,
		dispose: data[15]&1 != 0,
	}
	for c, err := range riffChunks(data[16:]) {
		if err != nil {
			return webpFrame{}, err
		}
		if c.id == "ALPH" || c.id == "VP8 " || c.id == "VP8L" {
			f.chunks = appendChunk(f.chunks, c.id, c.data)
		}
	}
	return f, nil
}
