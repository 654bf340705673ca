package cache

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"path"
)

// A fileID names the file of an entry: the first 128 bits of the SHA-256 of the
// key's source, then those of its variant.
type fileID [32]byte

const (
	layout     = "v1" // raised when entries move
	tempFolder = layout + "/tmp"
	tempSuffix = ".part"
	nameBytes  = len("ss/ss/") + 28 + len("-") + 32 // below layout
)

func idOf(k Key) (id fileID) {
	copy(id[:16], sum128(k.Source))
	copy(id[16:], sum128(k.Variant))
	return id
}

func sum128(s string) []byte {
	var buf [256]byte // keeps the copy of a usual key off the heap
	sum := sha256.Sum256(append(buf[:0], s...))
	return sum[:16]
}

// appendName appends where the entry lies, below the folder of the cache:
// v1/ss/ss/s…-v…, with s and v in lower-case hexadecimal. All variants of a
// source lie in one folder with a common prefix, so that they can be found by
// the source alone.
func (id fileID) appendName(b []byte) []byte {
	b = append(b, layout+"/"...)
	b = hex.AppendEncode(b, id[:1])
	b = append(b, '/')
	b = hex.AppendEncode(b, id[1:2])
	b = append(b, '/')
	b = hex.AppendEncode(b, id[2:16])
	b = append(b, '-')
	return hex.AppendEncode(b, id[16:])
}

func (id fileID) name() string {
	return string(id.appendName(make([]byte, 0, len(layout)+1+nameBytes)))
}

// parseName reads a name below layout, as ss/ss/s…-v…. It reports false for
// every name that appendName would not have written: such a file is not ours.
func parseName(name string) (id fileID, ok bool) {
	if len(name) != nameBytes || name[2] != '/' || name[5] != '/' || name[34] != '-' {
		return id, false
	}
	n := 0
	for i := 0; i < len(name); {
		if i == 2 || i == 5 || i == 34 {
			i++
			continue
		}
		high, low := digit(name[i]), digit(name[i+1])
		if high > 15 || low > 15 {
			return id, false
		}
		id[n] = high<<4 | low
		n++
		i += 2
	}
	return id, true
}

// folderID returns an id whose file would lie in the folder ss/ss.
func folderID(folder string) (id fileID) {
	id[0] = digit(folder[0])<<4 | digit(folder[1])
	id[1] = digit(folder[3])<<4 | digit(folder[4])
	return id
}

// digit returns the value of a lower-case hexadecimal digit, 255 for others.
func digit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// isShard reports whether name is that of a folder of ours: two lower-case
// hexadecimal digits.
func isShard(name string) bool {
	return len(name) == 2 && digit(name[0]) < 16 && digit(name[1]) < 16
}

// tempName returns a name for a file that is being written.
func tempName() string { return path.Join(tempFolder, rand.Text()+tempSuffix) }
