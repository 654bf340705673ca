package resize

import (
	"encoding/binary"
	"iter"
)

// A box is one part of such a file (ISO/IEC 14496-12, section 4.2).
type box struct {
	kind string
	name []byte // the kind in place
	data []byte // without the header; cut where the bytes end
	end  int    // where the next box begins
	cut  bool   // data is shorter than the box says
}

// boxes yields the boxes in b, one behind the other. One with a length that
// cannot be is the last.
func boxes(b []byte) iter.Seq[box] {
	return func(yield func(box) bool) {
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
			x := box{kind: string(b[4:8]), name: b[4:8], cut: n > uint64(len(b))}
			end += int(min(n, uint64(len(b))))
			x.end = end
			x.data = b[min(head, uint64(len(b))):min(n, uint64(len(b)))]
			if !yield(x) || x.cut {
				return
			}
			b = b[n:]
		}
	}
}

// find returns the first box of that kind in b.
func find(b []byte, kind string) (box, bool) {
	for x := range boxes(b) {
		if x.kind == kind {
			return x, true
		}
	}
	return box{}, false
}

// makeBox returns a box of parts.
func makeBox(kind string, parts ...[]byte) []byte {
	b := append(make([]byte, 4), kind...)
	for _, p := range parts {
		b = append(b, p...)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}
