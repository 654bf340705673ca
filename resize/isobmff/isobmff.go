// Package isobmff walks through the boxes of ISO base media files (ISO/IEC
// 14496-12), in which HEIF and JPEG XL lie.
package isobmff

import (
	"encoding/binary"
	"iter"
)

// A Box is one part of such a file (ISO/IEC 14496-12, section 4.2).
type Box struct {
	Kind      string
	Name      []byte // the kind in place
	Data      []byte // without the header; cut where the bytes end
	End       int    // where the next box begins
	Truncated bool   // data is shorter than the box says
}

// Boxes yields the boxes in b, one behind the other. One with a length that
// cannot be is the last.
func Boxes(b []byte) iter.Seq[Box] {
	return func(yield func(Box) bool) {
		end := 0
		for len(b) >= 8 {
			n, head := uint64(binary.BigEndian.Uint32(b)), uint64(8)
			switch n {
			case 0: // up to the end of the file
				n = uint64(len(b))
			case 1:
				if len(b) < 16 {
					return
				}
				n, head = binary.BigEndian.Uint64(b[8:]), 16
			}
			if n < head {
				return
			}
			x := Box{Kind: string(b[4:8]), Name: b[4:8], Truncated: n > uint64(len(b))}
			end += int(min(n, uint64(len(b))))
			x.End = end
			x.Data = b[min(head, uint64(len(b))):min(n, uint64(len(b)))]
			if !yield(x) || x.Truncated {
				return
			}
			b = b[n:]
		}
	}
}

// Find returns the first box of that kind in b.
func Find(b []byte, kind string) (Box, bool) {
	for x := range Boxes(b) {
		if x.Kind == kind {
			return x, true
		}
	}
	return Box{}, false
}

// Make returns a box of parts.
func Make(kind string, parts ...[]byte) []byte {
	b := append(make([]byte, 4), kind...)
	for _, p := range parts {
		b = append(b, p...)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}
