package heif

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"slices"

	"s3imageserver/resize/isobmff"
)

// The items of a HEIF file: pictures, what belongs to them, metadata.

// A Meta is the content of a meta box.
type Meta struct {
	body, iprp []byte
	Properties []isobmff.Box // by their numbers, from one
	Primary    uint32
	Items      map[uint32]Item
	references []reference
	idat       []byte // items that lie in the meta box
}

// An Item is what the boxes say of an item.
type Item struct {
	kind       string       // four characters; empty: not said
	Properties []int        // places of its properties, from one, in the order in which they are applied
	Parts      []uint32     // items that it is made of, as a grid is
	extents    []itemExtent // where it lies
}

// An itemExtent is a part of an item.
type itemExtent struct {
	at, length uint64 // length 0: up to the end
	method     byte   // where it lies; 0: in the file, 1: in the idat box
}

// parseMeta reads each box once: what is asked for an item later is looked up.
func parseMeta(body []byte) (Meta, error) {
	m := Meta{body: body, Items: map[uint32]Item{}}
	var ok bool
	if m.Primary, ok = primaryItem(body); !ok {
		return m, fmt.Errorf("%w: no primary item", ErrMalformed)
	}
	iprp, _ := isobmff.Find(body, "iprp")
	m.iprp = iprp.Data
	ipco, _ := isobmff.Find(m.iprp, "ipco")
	for p := range isobmff.Boxes(ipco.Data) {
		if len(m.Properties) == maxProperties {
			return m, fmt.Errorf("%w: more than %d properties", ErrLimit, maxProperties)
		}
		m.Properties = append(m.Properties, p)
	}
	for e := range itemEntries(body) {
		i := m.Items[e.id]
		if i.kind == "" {
			i.kind = e.kind
			m.Items[e.id] = i
		}
	}
	if err := m.associate(); err != nil {
		return m, err
	}
	targets := 0
	for r := range references(body) {
		if targets += len(r.to); targets > maxTargets {
			return m, fmt.Errorf("%w: items refer to more than %d others", ErrLimit, maxTargets)
		}
		m.references = append(m.references, r)
		if i := m.Items[r.from]; r.kind == "dimg" && i.Parts == nil {
			i.Parts = r.to
			m.Items[r.from] = i
		}
	}
	idat, _ := isobmff.Find(body, "idat")
	m.idat = idat.Data
	return m, m.locate()
}

// associate reads which properties items have.
func (m *Meta) associate() error {
	left := maxAssociations
	for a := range associations(m.iprp) {
		if left--; left < 0 {
			return fmt.Errorf("%w: more than %d associations of properties", ErrLimit, maxAssociations)
		}
		i := m.Items[a.item]
		i.Properties = append(i.Properties, a.place)
		m.Items[a.item] = i
	}
	return nil
}

// Of returns the properties of an item, in the order in which they are applied.
func (m Meta) Of(item uint32) (of []isobmff.Box) {
	for _, i := range m.Items[item].Properties {
		if i >= 1 && i <= len(m.Properties) {
			of = append(of, m.Properties[i-1])
		}
	}
	return of
}

// kind returns the kind of an item, "" if it is not said.
func (m Meta) kind(item uint32) string { return m.Items[item].kind }

// A Mask is the picture in the file that holds the opacity of the primary
// item: white is opaque. The zero value stands for none.
type Mask struct {
	Item          uint32
	Premultiplied bool // colours are multiplied with it
}

// mask finds the auxiliary item of opacity that refers to the primary one
// (ISO/IEC 23008-12, section 6.6.2.1.1).
func (m Meta) mask() (found Mask) {
	looked := map[uint32]bool{} // at its properties, in vain
	for _, r := range m.references {
		if r.kind != "auxl" || looked[r.from] || !slices.Contains(r.to, m.Primary) {
			continue
		}
		if slices.ContainsFunc(m.Of(r.from), isAlpha) {
			found.Item = r.from
			break
		}
		looked[r.from] = true
	}
	for _, r := range m.references {
		if found.Item != 0 && r.kind == "prem" && r.from == m.Primary && slices.Contains(r.to, found.Item) {
			found.Premultiplied = true
		}
	}
	return found
}

// primaryItem returns the number in the pitm box.
func primaryItem(meta []byte) (id uint32, ok bool) {
	p, _ := isobmff.Find(meta, "pitm")
	switch {
	case len(p.Data) >= 6 && p.Data[0] == 0:
		return uint32(binary.BigEndian.Uint16(p.Data[4:])), true
	case len(p.Data) >= 8 && p.Data[0] == 1:
		return binary.BigEndian.Uint32(p.Data[4:]), true
	}
	return 0, false
}

// An association says that an item has a property.
type association struct {
	item  uint32
	place int // of the property, from one
}

// associations yields what the ipma boxes say, in the order in which properties
// are applied (ISO/IEC 23008-12, section 9.3), up to what cannot be.
func associations(iprp []byte) iter.Seq[association] {
	return func(yield func(association) bool) {
		for x := range isobmff.Boxes(iprp) {
			if x.Kind == "ipma" && len(x.Data) >= 8 && !associationsOf(x.Data, yield) {
				return
			}
		}
	}
}

// associationsOf yields what one ipma box says, and reports whether to go on.
func associationsOf(data []byte, yield func(association) bool) bool {
	version, wide := data[0], data[3]&1 != 0
	count := binary.BigEndian.Uint32(data[4:])
	b := data[8:]
	for range min(count, maxItems) {
		var id uint32
		switch {
		case version == 0 && len(b) >= 3:
			id, b = uint32(binary.BigEndian.Uint16(b)), b[2:]
		case version != 0 && len(b) >= 5:
			id, b = binary.BigEndian.Uint32(b), b[4:]
		default:
			return false
		}
		n := int(b[0])
		b = b[1:]
		for range n {
			var place int
			switch {
			case wide && len(b) >= 2:
				place, b = int(binary.BigEndian.Uint16(b)&0x7fff), b[2:]
			case !wide && len(b) >= 1:
				place, b = int(b[0]&0x7f), b[1:]
			default:
				return false
			}
			if !yield(association{id, place}) {
				return false
			}
		}
	}
	return true
}

func isAlpha(p isobmff.Box) bool {
	if p.Kind != "auxC" || len(p.Data) < 4 {
		return false
	}
	kind := p.Data[4:]
	return bytes.HasPrefix(kind, []byte("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha")) || bytes.HasPrefix(kind, []byte("urn:mpeg:hevc:2015:auxid:1"))
}

// A reference says that an item has to do with others.
type reference struct {
	kind string
	from uint32
	to   []uint32
}

// references yields what the iref box holds (ISO/IEC 14496-12, section 8.11.12),
// up to maxItems.
func references(meta []byte) iter.Seq[reference] {
	return func(yield func(reference) bool) {
		iref, _ := isobmff.Find(meta, "iref")
		if len(iref.Data) < 4 {
			return
		}
		wide := iref.Data[0] != 0
		left := maxItems
		for x := range isobmff.Boxes(iref.Data[4:]) {
			b := x.Data
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
			r := reference{kind: x.Kind, from: from}
			count := binary.BigEndian.Uint16(b)
			b = b[2:]
			for range min(count, maxItems) {
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
// up to maxItems. Only versions that have a kind are known.
func itemEntries(meta []byte) iter.Seq[itemEntry] {
	return func(yield func(itemEntry) bool) {
		iinf, _ := isobmff.Find(meta, "iinf")
		if len(iinf.Data) < 8 {
			return
		}
		entries := iinf.Data[6:]
		if iinf.Data[0] != 0 {
			entries = iinf.Data[8:]
		}
		left := maxItems
		for x := range isobmff.Boxes(entries) {
			e := itemEntry{data: x.Data}
			switch {
			case x.Kind != "infe" || len(x.Data) < 12:
				continue
			case x.Data[0] == 2:
				e.id, e.kind = uint32(binary.BigEndian.Uint16(x.Data[4:])), string(x.Data[8:12])
			case x.Data[0] == 3 && len(x.Data) >= 14:
				e.id, e.kind = binary.BigEndian.Uint32(x.Data[4:]), string(x.Data[10:14])
			}
			if left--; !yield(e) || left == 0 {
				return
			}
		}
	}
}

// exifItem returns the EXIF data that lies in file, nil if there is none in it.
func (m Meta) exifItem(file []byte) []byte {
	var id uint32
	for i, of := range m.Items {
		if of.kind == "Exif" {
			id = max(id, i)
		}
	}
	if id == 0 {
		return nil
	}
	data, _ := m.Data(file, id)
	if len(data) < 4 {
		return nil
	}
	skip := uint64(binary.BigEndian.Uint32(data)) + 4 // to the TIFF header
	if skip > uint64(len(data)) {
		return nil
	}
	return data[skip:]
}

// Data returns the bytes of an item. The error is [io.ErrUnexpectedEOF] if they
// do not all lie in file.
func (m Meta) Data(file []byte, item uint32) ([]byte, error) {
	extents := m.Items[item].extents
	var parts [][]byte
	total := 0
	for _, e := range extents {
		from := file
		switch e.method {
		case 0:
		case 1:
			from = m.idat
		default:
			return nil, fmt.Errorf("%w: an item that lies in another one", ErrUnsupported)
		}
		if e.at > uint64(len(from)) || e.length > uint64(len(from))-e.at {
			return nil, io.ErrUnexpectedEOF
		}
		part := from[e.at:]
		if e.length != 0 {
			part = part[:e.length]
		}
		if total += len(part); total > len(file) {
			return nil, fmt.Errorf("%w: the parts of an item are longer than the file", ErrMalformed)
		}
		parts = append(parts, part)
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	return slices.Concat(parts...), nil
}

// locate reads where items lie (ISO/IEC 14496-12, section 8.11.3), up to what
// cannot be.
func (m *Meta) locate() error {
	x, _ := isobmff.Find(m.body, "iloc")
	b := x.Data
	if len(b) < 8 {
		return nil
	}
	version := b[0]
	sizes := [4]int{int(b[4] >> 4), int(b[4] & 15), int(b[5] >> 4), int(b[5] & 15)} // offset, length, base, index
	if version == 0 {
		sizes[3] = 0
	}
	idBytes := 2
	if version == 2 {
		idBytes = 4
	}
	b = b[6:]
	failed := false
	take := func(n int) (v uint64) {
		if n > 8 || len(b) < n {
			failed = true
			return 0
		}
		for _, c := range b[:n] {
			v = v<<8 | uint64(c)
		}
		b = b[n:]
		return v
	}
	left := maxExtents
	for range min(take(idBytes), maxItems) {
		id := uint32(take(idBytes))
		method := byte(0)
		if version > 0 {
			method = byte(take(2) & 15)
		}
		take(2) // another file; 0: this one
		base := take(sizes[2])
		i := m.Items[id]
		known := i.extents != nil
		for range take(2) {
			take(sizes[3])
			e := itemExtent{base + take(sizes[0]), take(sizes[1]), method}
			if failed || e.at < base {
				return nil
			}
			if left--; left < 0 {
				return fmt.Errorf("%w: items of more than %d parts", ErrLimit, maxExtents)
			}
			if !known {
				i.extents = append(i.extents, e)
			}
		}
		if failed {
			return nil
		}
		m.Items[id] = i
	}
	return nil
}
