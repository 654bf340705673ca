package resize

import "encoding/binary"

// A byteOrder reads and writes numbers.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// A tiffEntry is one field of a directory (TIFF 6.0, section 2).
type tiffEntry struct {
	order byteOrder
	tag   uint16
	kind  uint16
	count uint32
	value []byte // 4 bytes: the value, or where it lies
}

// tiffEntries yields the entries of the first directory. Only that one is read,
// so there is nothing to loop in.
func tiffEntries(b []byte) func(func(tiffEntry) bool) {
	return func(yield func(tiffEntry) bool) {
		order, at, ok := tiffHeader(b)
		if ok {
			directory(b, order, at, yield)
		}
	}
}

// tiffHeader returns the byte order and where the first directory begins.
func tiffHeader(b []byte) (order byteOrder, at uint64, ok bool) {
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

// directory yields the entries of the directory at a place.
func directory(b []byte, order byteOrder, at uint64, yield func(tiffEntry) bool) {
	if at+2 > uint64(len(b)) {
		return
	}
	const entryBytes = 12
	n := int(order.Uint16(b[at:]))
	entries := b[at+2:]
	for i := 0; i < n && (i+1)*entryBytes <= len(entries); i++ {
		e := entries[i*entryBytes:]
		if !yield(tiffEntry{order, order.Uint16(e), order.Uint16(e[2:]), order.Uint32(e[4:]), e[8:12]}) {
			return
		}
	}
}

// number returns the first number of an entry that holds it itself.
func (e tiffEntry) number() uint32 {
	const bytes, short = 1, 3
	switch e.kind {
	case bytes:
		return uint32(e.value[0])
	case short:
		return uint32(e.order.Uint16(e.value))
	}
	return e.order.Uint32(e.value)
}

// numberIn returns the first number of an entry of shorts, 0 if it does not lie
// in file.
func (e tiffEntry) numberIn(file []byte) uint32 {
	if e.count <= 2 {
		return e.number()
	}
	at := uint64(e.order.Uint32(e.value))
	if at+2 > uint64(len(file)) {
		return 0
	}
	return uint32(e.order.Uint16(file[at:]))
}
