package exif

import (
	"encoding/binary"
	"io"
	"iter"
)

// A ByteOrder reads and writes numbers.
type ByteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// An Entry is one field of a directory (TIFF 6.0, section 2).
type Entry struct {
	Order ByteOrder
	Tag   uint16
	Kind  uint16
	Count uint32
	Value []byte // 4 bytes: the value, or where it lies
}

// Entries yields the entries of the first directory. Only that one is read,
// so there is nothing to loop in.
func Entries(b []byte) func(func(Entry) bool) {
	return func(yield func(Entry) bool) {
		order, at, ok := Header(b)
		if ok {
			directory(b, order, at, yield)
		}
	}
}

// Header returns the byte order and where the first directory begins.
func Header(b []byte) (order ByteOrder, at uint64, ok bool) {
	if len(b) < 8 {
		return nil, 0, false
	}
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return nil, 0, false
	}
	return order, uint64(order.Uint32(b[4:])), true
}

const entryBytes = 12 // of a directory

// Directories yields where each directory of the chain begins (TIFF 6.0, section
// 2). A chain that comes back to a directory ends before it; one that leads out of
// b ends with io.ErrUnexpectedEOF.
func Directories(b []byte) iter.Seq2[uint64, error] {
	return func(yield func(uint64, error) bool) {
		order, at, ok := Header(b)
		if !ok {
			yield(0, io.ErrUnexpectedEOF)
			return
		}
		visited := map[uint64]bool{}
		for at != 0 && !visited[at] {
			if at+2 > uint64(len(b)) {
				yield(0, io.ErrUnexpectedEOF)
				return
			}
			visited[at] = true
			if !yield(at, nil) {
				return
			}
			next := at + 2 + entryBytes*uint64(order.Uint16(b[at:]))
			if next+4 > uint64(len(b)) {
				yield(0, io.ErrUnexpectedEOF)
				return
			}
			at = uint64(order.Uint32(b[next:]))
		}
	}
}

// directory yields the entries of the directory at a place.
func directory(b []byte, order ByteOrder, at uint64, yield func(Entry) bool) {
	if at+2 > uint64(len(b)) {
		return
	}
	n := int(order.Uint16(b[at:]))
	entries := b[at+2:]
	for i := 0; i < n && (i+1)*entryBytes <= len(entries); i++ {
		e := entries[i*entryBytes:]
		if !yield(Entry{order, order.Uint16(e), order.Uint16(e[2:]), order.Uint32(e[4:]), e[8:12]}) {
			return
		}
	}
}

// Number returns the first number of an entry that holds it itself.
func (e Entry) Number() uint32 {
	const bytes, short = 1, 3
	switch e.Kind {
	case bytes:
		return uint32(e.Value[0])
	case short:
		return uint32(e.Order.Uint16(e.Value))
	}
	return e.Order.Uint32(e.Value)
}

// NumberIn returns the first number of an entry of shorts, 0 if it does not lie
// in file.
func (e Entry) NumberIn(file []byte) uint32 {
	if e.Count <= 2 {
		return e.Number()
	}
	at := uint64(e.Order.Uint32(e.Value))
	if at+2 > uint64(len(file)) {
		return 0
	}
	return uint32(e.Order.Uint16(file[at:]))
}
