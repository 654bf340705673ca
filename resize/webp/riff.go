// Package webp takes WebP files (RFC 9649) apart and puts them together: chunks of
// RIFF, the headers of files and frames, transparency, and the planes that VP8
// wants. It codes no pictures: that is for VP8 and VP8L.
//
// Files are input from outside; errors wrap [ErrMalformed] or [ErrLimit].
package webp

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
	// ErrMalformed says that chunks are not what they have to be.
	ErrMalformed = errors.New("malformed WebP")
	// ErrLimit says that a file would be longer than one can be.
	ErrLimit = errors.New("WebP beyond a limit")
)

// Flags of the VP8X chunk.
const (
	FlagAnimation = 1 << 1
	FlagEXIF      = 1 << 3
	FlagAlpha     = 1 << 4
	FlagICC       = 1 << 5
)

// A Chunk is one part of a WebP file (RFC 9649, section 2.3).
type Chunk struct {
	ID   string
	Data []byte
}

const headerBytes = 12 // "RIFF", size, "WEBP"

// Chunks yields the chunks in data: what follows the header of a WebP file,
// or the frame data of an ANMF chunk. A chunk that ends beyond it comes last, with an
// error and what there is of it.
func Chunks(data []byte) iter.Seq2[Chunk, error] {
	return func(yield func(Chunk, error) bool) {
		for len(data) >= 8 {
			n := uint64(binary.LittleEndian.Uint32(data[4:]))
			if n > uint64(len(data)-8) {
				yield(Chunk{string(data[:4]), data[8:]}, fmt.Errorf("%w: WebP chunk %.4q of %d bytes ends beyond the file", ErrMalformed, data, n))
				return
			}
			c := Chunk{string(data[:4]), data[8 : 8+n]}
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

// Body returns what follows the header of a WebP file, cut to the length
// that the header names. A file that is shorter is an error; what there is of it is
// returned too.
func Body(file []byte) ([]byte, error) {
	if len(file) < headerBytes || string(file[:4]) != "RIFF" || string(file[8:12]) != "WEBP" {
		return nil, fmt.Errorf("%w: no WebP header", ErrMalformed)
	}
	n := uint64(binary.LittleEndian.Uint32(file[4:])) + 8
	if n < headerBytes {
		return nil, fmt.Errorf("%w: WebP of %d bytes", ErrMalformed, n)
	}
	if n > uint64(len(file)) {
		return file[headerBytes:], fmt.Errorf("%w: WebP of %d bytes, of which %d are there", ErrMalformed, n, len(file))
	}
	return file[headerBytes:n], nil
}

// AppendChunk appends a chunk and its padding to b.
func AppendChunk(b []byte, id string, data ...[]byte) []byte {
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

// CheckLength refuses chunks of n bytes that are longer than the header of a WebP
// file can say (RFC 9649, section 2.4: 2^32 - 10 with the header's last 4 bytes).
func CheckLength(n int64) error {
	const most = 1<<32 - 10 - 4
	if n > most {
		return fmt.Errorf("%w: a WebP of %d bytes", ErrLimit, n)
	}
	return nil
}

// File returns a WebP file of those chunks.
func File(chunks []byte) []byte {
	file := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(chunks)))
	file = append(file, "WEBP"...)
	return append(file, chunks...)
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func AppendUint24(b []byte, v int) []byte { return append(b, byte(v), byte(v>>8), byte(v>>16)) }

// VP8X returns the chunk of that name: what a file has in it, and its canvas.
func VP8X(flags byte, size image.Point) []byte {
	data := AppendUint24(AppendUint24([]byte{flags, 0, 0, 0}, size.X-1), size.Y-1)
	return AppendChunk(nil, "VP8X", data)
}

// With returns a file with flags set in its VP8X chunk, which is added if
// there is none, and chunks before and behind the others.
func With(file []byte, flags byte, before, behind []byte) []byte {
	body, err := Body(file)
	if err != nil {
		return file
	}
	if !bytes.HasPrefix(body, []byte("VP8X")) {
		h, err := Parse(file)
		if err != nil {
			return file
		}
		if h.Alpha {
			flags |= FlagAlpha
		}
		body = append(VP8X(0, h.Size), body...)
	} else {
		body = bytes.Clone(body)
	}
	const head = 8 + 10
	body[8] |= flags
	return File(slices.Concat(body[:head], before, body[head:], behind))
}
