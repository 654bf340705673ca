package resize

import (
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"iter"
)

// Pictures in ISO base media files: HEIF (ISO/IEC 23008-12) with HEVC, which is
// HEIC, or with AV1, which is AVIF. The decoders are C inside of a sandbox; what
// memory they will need is read here, before they start.

// A box is one part of such a file (ISO/IEC 14496-12, section 4.2).
type box struct {
	kind string
	data []byte // without the header; cut where the bytes end
	cut  bool   // data is shorter than the box says
}

// boxes yields the boxes in b, one behind the other. One with a length that
// cannot be is the last.
func boxes(b []byte) iter.Seq[box] {
	return func(yield func(box) bool) {
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
			x := box{kind: string(b[4:8]), cut: n > uint64(len(b))}
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

// heifKind tells AVIF from HEIC by the brands of the first box: NoFormat if it
// is neither.
func heifKind(head []byte) Format {
	if len(head) < 16 || string(head[4:8]) != "ftyp" {
		return NoFormat
	}
	n := min(int(binary.BigEndian.Uint32(head)), len(head))
	kind := NoFormat
	for at := 8; at+4 <= n; at += 4 {
		switch string(head[at : at+4]) {
		case "avif", "avis":
			return AVIF
		case "heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs":
			kind = HEIC
		}
	}
	return kind
}

// A heif is what the boxes of a file say of its picture.
type heif struct {
	size        image.Point // of the primary item as it is coded, before rotation
	coded       int64       // pixels of the largest picture that the decoder will make
	deep        bool        // more than 8 bits a sample
	orientation orientation // by irot and imir
	alpha       bool
	icc         []byte
	cicp        cicp // colour by numbers; zero: not given
	exif        []byte
}

// cicp is a colour space by the numbers of ITU-T H.273. The zero value stands
// for none.
type cicp struct{ primaries, transfer, matrix, fullRange byte }

const (
	maxHEIFItems      = 4096
	maxHEIFProperties = 1024
)

// parseHEIF reads the meta box. It returns io.ErrUnexpectedEOF if that is not
// all in head. Boxes are not nested more than three deep, so nothing recurses.
func parseHEIF(head []byte) (heif, error) {
	var meta box
	for x := range boxes(head) {
		switch {
		case x.kind == "meta" && x.cut:
			return heif{}, io.ErrUnexpectedEOF
		case x.kind == "meta":
			meta = x
		case x.cut:
			return heif{}, io.ErrUnexpectedEOF
		}
		if meta.data != nil {
			break
		}
	}
	if meta.data == nil {
		return heif{}, io.ErrUnexpectedEOF // if there is more of the file
	}
	if len(meta.data) < 4 {
		return heif{}, fmt.Errorf("%w: meta box of %d bytes", ErrMalformed, len(meta.data))
	}
	body := meta.data[4:]
	primary, ok := primaryItem(body)
	if !ok {
		return heif{}, fmt.Errorf("%w: no primary item", ErrMalformed)
	}
	iprp, _ := find(body, "iprp")
	ipco, _ := find(iprp.data, "ipco")
	var properties []box
	for p := range boxes(ipco.data) {
		if len(properties) == maxHEIFProperties {
			return heif{}, fmt.Errorf("%w: more than %d properties", ErrLimit, maxHEIFProperties)
		}
		properties = append(properties, p)
	}
	h := heif{orientation: 1}
	for _, p := range properties {
		if err := h.measure(p); err != nil {
			return heif{}, err
		}
	}
	for _, i := range associations(iprp.data, primary) {
		if i >= 1 && i <= len(properties) {
			h.apply(properties[i-1])
		}
	}
	if h.size == (image.Point{}) {
		return heif{}, fmt.Errorf("%w: the primary item has no size", ErrMalformed)
	}
	h.coded = max(h.coded, int64(h.size.X)*int64(h.size.Y))
	h.exif = exifItem(head, body)
	return h, nil
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

// measure notes what a property says of the memory that decoding takes,
// whatever item it belongs to.
func (h *heif) measure(p box) error {
	switch p.kind {
	case "ispe":
		if len(p.data) >= 12 {
			h.coded = max(h.coded, int64(binary.BigEndian.Uint32(p.data[4:]))*int64(binary.BigEndian.Uint32(p.data[8:])))
		}
	case "pixi":
		for i := 5; i < len(p.data); i++ {
			h.deep = h.deep || p.data[i] > 8
		}
	case "av1C":
		if len(p.data) >= 4 {
			h.deep = h.deep || p.data[2]&0x40 != 0 // high_bitdepth
			h.coded = max(h.coded, av1Pixels(p.data[4:]))
		}
	case "hvcC":
		if n, ok := hevcPixels(p.data); ok {
			h.coded = max(h.coded, n)
		}
		if len(p.data) > 17 {
			h.deep = h.deep || p.data[17]&7 != 0 // bit_depth_luma_minus8
		}
	case "auxC":
		for _, kind := range []string{"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", "urn:mpeg:hevc:2015:auxid:1"} {
			h.alpha = h.alpha || (len(p.data) >= 4+len(kind) && string(p.data[4:4+len(kind)]) == kind)
		}
	}
	if h.coded < 0 {
		return fmt.Errorf("%w: sides beyond all measure", ErrLimit)
	}
	return nil
}

// apply takes over a property of the primary item.
func (h *heif) apply(p box) {
	switch p.kind {
	case "ispe":
		if len(p.data) >= 12 {
			w, ht := binary.BigEndian.Uint32(p.data[4:]), binary.BigEndian.Uint32(p.data[8:])
			if w < 1<<31 && ht < 1<<31 {
				h.size = image.Pt(int(w), int(ht))
			}
		}
	case "irot": // anti-clockwise, in quarters
		if len(p.data) >= 1 {
			h.orientation = h.orientation.then([]orientation{1, 8, 3, 6}[p.data[0]&3])
		}
	case "imir": // 0: top and bottom change places; 1: left and right
		if len(p.data) >= 1 {
			h.orientation = h.orientation.then([]orientation{4, 2}[p.data[0]&1])
		}
	case "colr":
		if len(p.data) < 4 {
			return
		}
		switch kind, rest := string(p.data[:4]), p.data[4:]; {
		case kind == "prof" || kind == "rICC":
			if len(rest) <= maxICCBytes {
				h.icc = rest
			}
		case kind == "nclx" && len(rest) >= 7:
			h.cicp = cicp{byte(binary.BigEndian.Uint16(rest)), byte(binary.BigEndian.Uint16(rest[2:])), byte(binary.BigEndian.Uint16(rest[4:])), rest[6] >> 7}
		}
	}
}

// exifItem returns the EXIF data that lies in file, nil if there is none in it.
func exifItem(file, meta []byte) []byte {
	var id uint32
	iinf, _ := find(meta, "iinf")
	if len(iinf.data) < 8 {
		return nil
	}
	entries := iinf.data[6:]
	if iinf.data[0] != 0 {
		entries = iinf.data[8:]
	}
	for e := range boxes(entries) { // infe, version 2: a number, protection, a kind
		if e.kind != "infe" || len(e.data) < 12 {
			continue
		}
		switch {
		case e.data[0] == 2 && string(e.data[8:12]) == "Exif":
			id = uint32(binary.BigEndian.Uint16(e.data[4:]))
		case e.data[0] == 3 && len(e.data) >= 14 && string(e.data[10:14]) == "Exif":
			id = binary.BigEndian.Uint32(e.data[4:])
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
