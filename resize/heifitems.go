package resize

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
)

// The items of a HEIF file: pictures, what belongs to them, metadata.

// A heifMeta is the content of a meta box.
type heifMeta struct {
	body, iprp []byte
	properties []box // by their numbers, from one
	primary    uint32
}

func parseMeta(body []byte) (heifMeta, error) {
	m := heifMeta{body: body}
	var ok bool
	if m.primary, ok = primaryItem(body); !ok {
		return m, fmt.Errorf("%w: no primary item", ErrMalformed)
	}
	iprp, _ := find(body, "iprp")
	m.iprp = iprp.data
	ipco, _ := find(m.iprp, "ipco")
	for p := range boxes(ipco.data) {
		if len(m.properties) == maxHEIFProperties {
			return m, fmt.Errorf("%w: more than %d properties", ErrLimit, maxHEIFProperties)
		}
		m.properties = append(m.properties, p)
	}
	return m, nil
}

// of returns the properties of an item, in the order in which they are applied.
func (m heifMeta) of(item uint32) (of []box) {
	for _, i := range associations(m.iprp, item) {
		if i >= 1 && i <= len(m.properties) {
			of = append(of, m.properties[i-1])
		}
	}
	return of
}

// A heifMask is the picture in the file that holds the opacity of the primary
// item: white is opaque. The zero value stands for none.
type heifMask struct {
	item          uint32
	premultiplied bool // colours are multiplied with it
}

// mask finds the auxiliary item of opacity that refers to the primary one
// (ISO/IEC 23008-12, section 6.6.2.1.1).
func (m heifMeta) mask() (found heifMask) {
	for r := range references(m.body) {
		if found.item == 0 && r.kind == "auxl" && slices.Contains(r.to, m.primary) && slices.ContainsFunc(m.of(r.from), isAlpha) {
			found.item = r.from
		}
	}
	for r := range references(m.body) {
		if found.item != 0 && r.kind == "prem" && r.from == m.primary && slices.Contains(r.to, found.item) {
			found.premultiplied = true
		}
	}
	return found
}

// primaryItem returns the number in the pitm box.
func primaryItem(meta []byte) (id uint32, ok bool) {
	p, _ := find(meta, "pitm")
	switch {
	case len(p.data) >= 6 && p.data[0] == 0:
		return uint32(binary.BigEndian.Uint16(p.data[4:])), true
	case len(p.data) >= 8 && p.data[0] == 1:
		return binary.BigEndian.Uint32(p.data[4:]), true
	}
	return 0, false
}

// associations returns the one-based places of the properties of an item, in
// the order in which they are applied (ISO/IEC 23008-12, section 9.3).
func associations(iprp []byte, item uint32) (places []int) {
	for x := range boxes(iprp) {
		if x.kind != "ipma" || len(x.data) < 8 {
			continue
		}
		version, wide := x.data[0], x.data[3]&1 != 0
		count := binary.BigEndian.Uint32(x.data[4:])
		b := x.data[8:]
		for range min(count, maxHEIFItems) {
			var id uint32
			switch {
			case version == 0 && len(b) >= 3:
				id, b = uint32(binary.BigEndian.Uint16(b)), b[2:]
			case version != 0 && len(b) >= 5:
				id, b = binary.BigEndian.Uint32(b), b[4:]
			default:
				return places
			}
			n := int(b[0])
			b = b[1:]
			for range n {
				switch {
				case wide && len(b) >= 2:
					if id == item {
						places = append(places, int(binary.BigEndian.Uint16(b)&0x7fff))
					}
					b = b[2:]
				case !wide && len(b) >= 1:
					if id == item {
						places = append(places, int(b[0]&0x7f))
					}
					b = b[1:]
				default:
					return places
				}
			}
		}
	}
	return places
}

func isAlpha(p box) bool {
	if p.kind != "auxC" || len(p.data) < 4 {
		return false
	}
	kind := p.data[4:]
	return bytes.HasPrefix(kind, []byte("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")) || bytes.HasPrefix(kind, []byte("urn:mpeg:hevc:2015:auxid:1"))
}

// A reference says that an item has to do with others.
type reference struct {
	kind string
	from uint32
	to   []uint32
}

// references yields what the iref box holds (ISO/IEC 14496-12, section 8.11.12),
// up to maxHEIFItems.
func references(meta []byte) iter.Seq[reference] {
	return func(yield func(reference) bool) {
		iref, _ := find(meta, "iref")
		if len(iref.data) < 4 {
			return
		}
		wide := iref.data[0] != 0
		left := maxHEIFItems
		for x := range boxes(iref.data[4:]) {
			b := x.data
			take := func() (id uint32, ok bool) {
				switch {
				case wide && len(b) >= 4:
					id, b = binary.BigEndian.Uint32(b), b[4:]
				case !wide && len(b) >= 2:
					id, b = uint32(binary.BigEndian.Uint16(b)), b[2:]
				default:
					return 0, false
				}
				return id, true
			}
			from, ok := take()
			if !ok || len(b) < 2 {
				return
			}
			r := reference{kind: x.kind, from: from}
			count := binary.BigEndian.Uint16(b)
			b = b[2:]
			for range min(count, maxHEIFItems) {
				to, ok := take()
				if !ok {
					return
				}
				r.to = append(r.to, to)
			}
			if left--; !yield(r) || left == 0 {
				return
			}
		}
	}
}

// An itemEntry is what the iinf box says of an item.
type itemEntry struct {
	id   uint32
	kind string
	data []byte // of its box
}

// itemEntries yields what the iinf box holds (ISO/IEC 14496-12, section 8.11.6),
// up to maxHEIFItems. Only versions that have a kind are known.
func itemEntries(meta []byte) iter.Seq[itemEntry] {
	return func(yield func(itemEntry) bool) {
		iinf, _ := find(meta, "iinf")
		if len(iinf.data) < 8 {
			return
		}
		entries := iinf.data[6:]
		if iinf.data[0] != 0 {
			entries = iinf.data[8:]
		}
		left := maxHEIFItems
		for x := range boxes(entries) {
			e := itemEntry{data: x.data}
			switch {
			case x.kind != "infe" || len(x.data) < 12:
				continue
			case x.data[0] == 2:
				e.id, e.kind = uint32(binary.BigEndian.Uint16(x.data[4:])), string(x.data[8:12])
			case x.data[0] == 3 && len(x.data) >= 14:
				e.id, e.kind = binary.BigEndian.Uint32(x.data[4:]), string(x.data[10:14])
			}
			if left--; !yield(e) || left == 0 {
				return
			}
		}
	}
}

func itemKind(meta []byte, item uint32) string {
	for e := range itemEntries(meta) {
		if e.id == item {
			return e.kind
		}
	}
	return ""
}

// exifItem returns the EXIF data that lies in file, nil if there is none in it.
func exifItem(file, meta []byte) []byte {
	var id uint32
	for e := range itemEntries(meta) {
		if e.kind == "Exif" {
			id = e.id
		}
	}
	if id == 0 {
		return nil
	}
	data := itemData(file, meta, id)
	if len(data) < 4 {
		return nil
	}
	skip := uint64(binary.BigEndian.Uint32(data)) + 4 // to the TIFF header
	if skip > uint64(len(data)) {
		return nil
	}
	return data[skip:]
}

// itemData returns the bytes of an item that lies in one piece in the file, as
// the iloc box says (ISO/IEC 14496-12, section 8.11.3); nil otherwise.
func itemData(file, meta []byte, item uint32) []byte {
	x, _ := find(meta, "iloc")
	b := x.data
	if len(b) < 8 {
		return nil
	}
	version := b[0]
	sizes := [4]int{int(b[4] >> 4), int(b[4] & 15), int(b[5] >> 4), int(b[5] & 15)} // offset, length, base, index
	idBytes := 2
	if version == 2 {
		idBytes = 4
	}
	b = b[6:]
	take := func(n int) (v uint64, ok bool) {
		if n > 8 || len(b) < n {
			return 0, false
		}
		for _, c := range b[:n] {
			v = v<<8 | uint64(c)
		}
		b = b[n:]
		return v, true
	}
	count, ok := take(idBytes)
	if !ok {
		return nil
	}
	for range min(count, maxHEIFItems) {
		var id, method, base, extents uint64
		if id, ok = take(idBytes); !ok {
			return nil
		}
		if version > 0 {
			if method, ok = take(2); !ok {
				return nil
			}
		}
		if _, ok = take(2); !ok {
			return nil
		}
		if base, ok = take(sizes[2]); !ok {
			return nil
		}
		if extents, ok = take(2); !ok {
			return nil
		}
		for range extents {
			if version > 0 {
				if _, ok = take(sizes[3]); !ok {
					return nil
				}
			}
			offset, ok1 := take(sizes[0])
			length, ok2 := take(sizes[1])
			if !ok1 || !ok2 {
				return nil
			}
			if uint32(id) != item {
				continue
			}
			from := file
			if method&15 == 1 {
				idat, _ := find(meta, "idat")
				from = idat.data
			}
			at := base + offset
			if extents != 1 || at < base || at > uint64(len(from)) || length > uint64(len(from))-at {
				return nil
			}
			return from[at : at+length]
		}
	}
	return nil
}
