package png

import (
	"encoding/binary"
	"hash/crc32"
	"iter"
)

const (
	// Signature begins every file.
	Signature = "\x89PNG\r\n\x1a\n"
	// HeaderBytes are those of the signature and of IHDR, with which it begins.
	HeaderBytes = len(Signature) + chunkBytes + 13

	chunkBytes = 12 // of a chunk, beside its data: length, kind, checksum
)

// A Chunk is one part of a file (PNG specification, section 5.3). It aliases the
// file.
type Chunk struct {
	Kind string
	Data []byte // of one that is cut off, what is there of it
	At   int    // where the chunk begins in the file

	whole []byte // with length, kind and checksum; nil: it is cut off
}

// Truncated reports whether the file ends before the chunk does.
func (c Chunk) Truncated() bool { return c.whole == nil }

// Sound reports whether the checksum is right.
func (c Chunk) Sound() bool {
	if c.whole == nil {
		return false
	}
	end := len(c.whole) - 4
	return crc32.ChecksumIEEE(c.whole[4:end]) == binary.BigEndian.Uint32(c.whole[end:])
}

// Chunks yields the chunks of a file, or of its first bytes, with their checksums
// right or wrong; the last one may be cut off. Less than a length and a kind is no
// chunk.
func Chunks(file []byte) iter.Seq[Chunk] {
	return chunksFrom(file, len(Signature))
}

func chunksFrom(file []byte, at int) iter.Seq[Chunk] {
	return func(yield func(Chunk) bool) {
		for c, ok := chunkAt(file, at); ok && yield(c) && !c.Truncated(); c, ok = chunkAt(file, at) {
			at += len(c.whole)
		}
	}
}

// chunkAt returns the chunk that begins at a place, and whether there is one.
func chunkAt(file []byte, at int) (c Chunk, ok bool) {
	if len(file)-at < 8 {
		return Chunk{}, false
	}
	rest := file[at:]
	n := uint64(binary.BigEndian.Uint32(rest))
	c = Chunk{Kind: string(rest[4:8]), At: at}
	if n+chunkBytes > uint64(len(rest)) {
		c.Data = rest[8:min(8+n, uint64(len(rest)))]
		return c, true
	}
	c.Data, c.whole = rest[8:8+n], rest[:chunkBytes+n]
	return c, true
}

// SoundChunks yields the chunks of a file, up to the first one that is cut off,
// but for those whose checksum is wrong: of pixels nobody looks at it here.
func SoundChunks(file []byte) iter.Seq[Chunk] {
	return func(yield func(Chunk) bool) {
		for c := range Chunks(file) {
			if c.Truncated() || (c.Kind == "IDAT" || c.Sound()) && !yield(c) {
				return
			}
		}
	}
}

// AppendChunk appends a chunk, with its length and checksum, to b.
func AppendChunk(b []byte, kind string, data []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	from := len(b)
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[from:]))
}
