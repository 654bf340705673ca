package jpeg

import (
	"bytes"
	"encoding/binary"
)

// A Segment is a marker and what belongs to it (T.81 section B.1.1), of a file
// that is all in memory. It aliases the file.
type Segment struct {
	Marker  byte   // the second byte
	Payload []byte // without marker and length; nil: it has none
	Whole   []byte // all bytes, and of SOS those of the scan too
}

// Segments yields the segments of a file from SOI to EOI; what follows it is not
// part of the picture, and bytes between segments are none of them. It ends early
// where the file is damaged.
func Segments(file []byte) func(func(Segment) bool) {
	return func(yield func(Segment) bool) {
		b := file
		for {
			i := nextFF(b)
			if i+1 >= len(b) {
				return
			}
			b = b[i:]
			if b[1] == 0 { // as a decoder does, look for the next marker
				b = b[2:]
				continue
			}
			s := Segment{Marker: b[1]}
			n := 2
			if !standsAlone(s.Marker) {
				if len(b) < 4 {
					return
				}
				n += int(binary.BigEndian.Uint16(b[2:]))
				if n < 4 || n > len(b) {
					return
				}
				s.Payload = b[4:n]
				if s.Marker == markerSOS {
					n += scanBytes(b[n:])
				}
			}
			s.Whole = b[:n]
			if !yield(s) || s.Marker == markerEOI {
				return
			}
			b = b[n:]
		}
	}
}

// standsAlone reports whether no segment belongs to a marker.
func standsAlone(m byte) bool {
	return m == markerSOI || m == markerEOI || m == markerTEM || isRestart(m)
}

func isRestart(m byte) bool { return m&^7 == markerRST0 }

// nextFF returns how many bytes lie before the next FF of b that is no fill byte,
// the last byte of b being one that tells nothing alone; len(b) if there is none.
func nextFF(b []byte) int {
	i := bytes.IndexByte(b, 0xff)
	if i < 0 {
		return len(b)
	}
	for i+1 < len(b) && b[i+1] == 0xff {
		i++
	}
	return i
}

// scanBytes returns how many bytes the entropy-coded data at the start of b
// takes, up to a marker that is neither stuffing nor a restart.
func scanBytes(b []byte) int {
	for i := 0; ; i += 2 {
		i += nextFF(b[i:])
		if i+1 >= len(b) {
			return len(b)
		}
		if m := b[i+1]; m != 0 && !isRestart(m) {
			return i
		}
	}
}

// Interleaved reports whether the first scan has so many components, as far as
// its header is in head.
func Interleaved(head []byte, components int) bool {
	for s := range Segments(head) {
		if s.Marker == markerSOS {
			return len(s.Payload) > 0 && int(s.Payload[0]) == components
		}
	}
	return false
}
