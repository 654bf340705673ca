package resize

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"iter"
	"slices"
)

var (
	// errWebPMalformed says that chunks are not what they have to be.
	errWebPMalformed = errors.New("malformed WebP")
	// errWebPLimit says that a file would be longer than one can be.
	errWebPLimit = errors.New("WebP beyond a limit")
)

// Flags of the VP8X chunk.
const (
	webpAnimation = 1 << 1
	webpExif      = 1 << 3
	webpAlpha     = 1 << 4
	webpICC       = 1 << 5
)

// A chunk is one part of a WebP file (RFC 9649, section 2.3).
type chunk struct {
	id   string
	data []byte
}

const riffHeaderBytes = 12 // "RIFF", size, "WEBP"

// riffChunks yields the chunks in data: what follows the header of a WebP file,
// or the frame data of an ANMF chunk. A chunk that ends beyond it is an error.
func riffChunks(data []byte) iter.Seq2[chunk, error] {
	return func(yield func(chunk, error) bool) {
		for len(data) >= 8 {
			n := uint64(binary.LittleEndian.Uint32(data[4:]))
			if n > uint64(len(data)-8) {
				yield(chunk{}, fmt.Errorf("%w: WebP chunk %.4q of %d bytes ends beyond the file", errWebPMalformed, data, n))
				return
			}
			c := chunk{string(data[:4]), data[8 : 8+n]}
			data = data[8+n:]
			if n%2 == 1 && len(data) > 0 {
				data = data[1:]
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

// webpBody returns what follows the header of a WebP file, cut to the length
// that the header names. A file that is shorter is an error.
func webpBody(file []byte) ([]byte, error) {
	if len(file) < riffHeaderBytes || string(file[:4]) != "RIFF" || string(file[8:12]) != "WEBP" {
		return nil, fmt.Errorf("%w: no WebP header", errWebPMalformed)
	}
	n := uint64(binary.LittleEndian.Uint32(file[4:])) + 8
	if n > uint64(len(file)) || n < riffHeaderBytes {
		return nil, fmt.Errorf("%w: WebP of %d bytes, of which %d are there", errWebPMalformed, n, len(file))
	}
	return file[riffHeaderBytes:n], nil
}

// appendChunk appends a chunk and its padding to b.
func appendChunk(b []byte, id string, data ...[]byte) []byte {
	n := 0
	for _, d := range data {
		n += len(d)
	}
	b = append(b, id...)
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	for _, d := range data {
		b = append(b, d...)
	}
	if n%2 == 1 {
		b = append(b, 0)
	}
	return b
}

// checkRIFF refuses chunks of n bytes that are longer than the header of a WebP
// file can say (RFC 9649, section 2.4: 2^32 - 10 with the header's last 4 bytes).
func checkRIFF(n int) error {
	const most = 1<<32 - 10 - 4
	if int64(n) > most {
		return fmt.Errorf("%w: a WebP of %d bytes", errWebPLimit, n)
	}
	return nil
}

// webpFile returns a WebP file of those chunks.
func webpFile(chunks []byte) []byte {
	file := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(chunks)))
	file = append(file, "WEBP"...)
	return append(file, chunks...)
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func appendUint24(b []byte, v int) []byte { return append(b, byte(v), byte(v>>8), byte(v>>16)) }

// vp8x returns the chunk of that name: what a file has in it, and its canvas.
func vp8x(flags byte, size image.Point) []byte {
	data := appendUint24(appendUint24([]byte{flags, 0, 0, 0}, size.X-1), size.Y-1)
	return appendChunk(nil, "VP8X", data)
}

// webpWith returns a file with flags set in its VP8X chunk, which is added if
// there is none, and chunks before and behind the others.
func webpWith(file []byte, flags byte, before, behind []byte) []byte {
	body, err := webpBody(file)
	if err != nil {
		return file
	}
	if !bytes.HasPrefix(body, []byte("VP8X")) {
		h, err := parseWebP(file)
		if err != nil {
			return file
		}
		if h.alpha {
			flags |= webpAlpha
		}
		body = append(vp8x(0, h.size), body...)
	} else {
		body = bytes.Clone(body)
	}
	const head = 8 + 10
	body[8] |= flags
	return webpFile(slices.Concat(body[:head], before, body[head:], behind))
}
