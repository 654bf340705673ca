package resize

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/icc"
	"s3imageserver/resize/isobmff"
)

// Pictures in ISO base media files: HEIF (ISO/IEC 23008-12) with HEVC, which is
// HEIC, or with AV1, which is AVIF. The decoders are C inside of a sandbox; what
// memory they will need is read here, before they start.

var (
	// errHEIFMalformed says that boxes or coded pictures are not what they have to
	// be.
	errHEIFMalformed = errors.New("malformed HEIF")
	// errHEIFUnsupported says that a file is built in a way that is not read.
	errHEIFUnsupported = errors.New("unsupported HEIF")
	// errHEIFLimit says that there is more of something than is read.
	errHEIFLimit = errors.New("HEIF beyond a limit")
)

// A heifCoding is how the pictures of a file are coded.
type heifCoding uint8

// What is read: AVIF has AV1, HEIC has HEVC.
const (
	heifNone heifCoding = iota
	heifAV1
	heifHEVC
)

// heifKind tells AVIF from HEIC by the brands of the first box: heifNone if it is
// neither.
func heifKind(head []byte) heifCoding {
	if len(head) < 16 || string(head[4:8]) != "ftyp" {
		return heifNone
	}
	n := min(int(binary.BigEndian.Uint32(head)), len(head))
	kind := heifNone
	for at := 8; at+4 <= n; at += 4 {
		switch string(head[at : at+4]) {
		case "avif", "avis":
			return heifAV1
		case "heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs":
			kind = heifHEVC
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
	var meta isobmff.Box
	for x := range isobmff.Boxes(head) {
		switch {
		case x.Kind == "meta" && x.Cut:
			return heif{}, io.ErrUnexpectedEOF
		case x.Kind == "meta":
			meta = x
		case x.Cut:
			return heif{}, io.ErrUnexpectedEOF
		}
		if meta.Data != nil {
			break
		}
	}
	if meta.Data == nil {
		return heif{}, io.ErrUnexpectedEOF // if there is more of the file
	}
	if len(meta.Data) < 4 {
		return heif{}, fmt.Errorf("%w: meta box of %d bytes", errHEIFMalformed, len(meta.Data))
	}
	m, err := parseMeta(meta.Data[4:])
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
	h.coded = max(h.coded, heifArea(h.size))
	h.exif = m.exifItem(head)
	return h, nil
}

// measure notes what a property says of the memory that decoding takes,
// whatever item it belongs to.
func (h *heif) measure(p isobmff.Box) error {
	switch p.Kind {
	case "ispe":
		if len(p.Data) >= 12 {
			h.coded = max(h.coded, int64(binary.BigEndian.Uint32(p.Data[4:]))*int64(binary.BigEndian.Uint32(p.Data[8:])))
		}
	case "pixi":
		for i := 5; i < len(p.Data); i++ {
			h.deep = h.deep || p.Data[i] > 8
		}
	case "av1C":
		if len(p.Data) >= 4 {
			h.deep = h.deep || p.Data[2]&0x40 != 0 // high_bitdepth
			h.planes = max(h.planes, [8]float64{3, 3, 2, 1.5, 1, 1, 1, 1}[p.Data[2]>>2&7])
			size, _ := av1Size(p.Data[4:])
			h.coded = max(h.coded, heifArea(size))
		}
	case "hvcC":
		for nal := range hevcSets(p.Data) {
			if size, ok := hevcSize(nal); ok {
				h.coded = max(h.coded, heifArea(size))
			}
		}
		if len(p.Data) > 17 {
			h.planes = max(h.planes, [4]float64{1.5, 1.5, 2, 3}[p.Data[16]&3]) // one without colours gets some
			h.deep = h.deep || p.Data[17]&7 != 0                               // bit_depth_luma_minus8
		}
	case "auxC":
		h.alpha = h.alpha || isAlpha(p)
	}
	if h.coded < 0 {
		return fmt.Errorf("%w: sides beyond all measure", errHEIFLimit)
	}
	return nil
}

// describe takes over the properties of an item.
func (h *heif) describe(properties []isobmff.Box) error {
	for _, p := range properties {
		h.apply(p)
	}
	if h.size == (image.Point{}) {
		return fmt.Errorf("%w: an item has no size", errHEIFMalformed)
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
func (h *heif) apply(p isobmff.Box) {
	switch p.Kind {
	case "ispe":
		if len(p.Data) >= 12 {
			w, ht := binary.BigEndian.Uint32(p.Data[4:]), binary.BigEndian.Uint32(p.Data[8:])
			if w < 1<<31 && ht < 1<<31 {
				h.size = image.Pt(int(w), int(ht))
			}
		}
	case "colr":
		if len(p.Data) < 4 {
			return
		}
		switch kind, rest := string(p.Data[:4]), p.Data[4:]; {
		case kind == "prof" || kind == "rICC":
			if len(rest) <= icc.MaxBytes {
				h.icc = rest
			}
		case kind == "nclx" && len(rest) >= 7:
			h.cicp = cicp{byte(binary.BigEndian.Uint16(rest)), byte(binary.BigEndian.Uint16(rest[2:])), byte(binary.BigEndian.Uint16(rest[4:])), rest[6] >> 7}
		}
	}
}

// profile returns the embedded profile, or one that is made of the numbers; nil
// for sRGB.
func (h heif) profile() []byte {
	if h.icc != nil {
		return h.icc
	}
	return h.cicp.profile()
}

// profile returns a profile of the colour space; nil for sRGB and unknown ones.
func (c cicp) profile() []byte {
	if c == (cicp{}) {
		return nil
	}
	return icc.Numbers(c.primaries, c.transfer)
}

func heifArea(p image.Point) int64 { return int64(p.X) * int64(p.Y) }
