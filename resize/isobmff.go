package resize

import (
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"iter"
	"s3imageserver/resize/exif"
)

// Pictures in ISO base media files: HEIF (ISO/IEC 23008-12) with HEVC, which is
// HEIC, or with AV1, which is AVIF. The decoders are C inside of a sandbox; what
// memory they will need is read here, before they start.

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
	meta        heifMeta
	size        image.Point      // of the primary item as it is coded, before rotation
	crop        image.Rectangle  // what is shown of it, by clap
	coded       int64            // pixels of the largest picture that the decoder will make
	deep        bool             // more than 8 bits a sample
	planes      float64          // samples a pixel, of colours, at the most
	orientation exif.Orientation // of what is shown, by irot and imir
	alpha       bool
	mask        heifMask
	icc         []byte
	cicp        cicp // colour by numbers; zero: not given
	exif        []byte
}

// cicp is a colour space by the numbers of ITU-T H.273. The zero value stands
// for none.
type cicp struct{ primaries, transfer, matrix, fullRange byte }

const (
	maxHEIFItems        = 4096
	maxHEIFProperties   = 1024
	maxHEIFAssociations = 1 << 16 // of properties with items
	maxHEIFTargets      = 1 << 16 // of references
	maxHEIFExtents      = 1 << 16 // of items
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
	m, err := parseMeta(meta.data[4:])
	if err != nil {
		return heif{}, err
	}
	h := heif{meta: m, orientation: 1}
	for _, p := range m.properties {
		if err := h.measure(p); err != nil {
			return heif{}, err
		}
	}
	if err := h.describe(m.of(m.primary)); err != nil {
		return heif{}, err
	}
	h.mask = m.mask()
	h.coded = max(h.coded, area(h.size))
	h.exif = m.exifItem(head)
	return h, nil
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
			h.planes = max(h.planes, [8]float64{3, 3, 2, 1.5, 1, 1, 1, 1}[p.data[2]>>2&7])
			size, _ := av1Size(p.data[4:])
			h.coded = max(h.coded, area(size))
		}
	case "hvcC":
		for nal := range hevcSets(p.data) {
			if size, ok := hevcSize(nal); ok {
				h.coded = max(h.coded, area(size))
			}
		}
		if len(p.data) > 17 {
			h.planes = max(h.planes, [4]float64{1.5, 1.5, 2, 3}[p.data[16]&3]) // one without colours gets some
			h.deep = h.deep || p.data[17]&7 != 0                               // bit_depth_luma_minus8
		}
	case "auxC":
		h.alpha = h.alpha || isAlpha(p)
	}
	if h.coded < 0 {
		return fmt.Errorf("%w: sides beyond all measure", ErrLimit)
	}
	return nil
}

// describe takes over the properties of an item.
func (h *heif) describe(properties []box) error {
	for _, p := range properties {
		h.apply(p)
	}
	if h.size == (image.Point{}) {
		return fmt.Errorf("%w: an item has no size", ErrMalformed)
	}
	h.crop = image.Rectangle{Max: h.size}
	for _, p := range properties { // in order: what comes first is done first
		if err := h.transform(p); err != nil {
			return err
		}
	}
	return nil
}

// apply takes over a property that does not change what is shown.
func (h *heif) apply(p box) {
	switch p.kind {
	case "ispe":
		if len(p.data) >= 12 {
			w, ht := binary.BigEndian.Uint32(p.data[4:]), binary.BigEndian.Uint32(p.data[8:])
			if w < 1<<31 && ht < 1<<31 {
				h.size = image.Pt(int(w), int(ht))
			}
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
