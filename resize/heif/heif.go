// Package heif reads what the boxes of HEIF files (ISO/IEC 23008-12) say of their
// pictures, which are coded with HEVC, as in HEIC, or with AV1, as in AVIF. It
// decodes none: the decoders are C inside of a sandbox, and what memory they will
// need, and whether all that they will read is there, is known before they start.
//
// Files are input from outside: what grows with them is bounded, and errors wrap
// [ErrMalformed], [ErrUnsupported] or [ErrLimit].
package heif

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

var (
	// ErrMalformed says that boxes or coded pictures are not what they have to
	// be.
	ErrMalformed = errors.New("malformed HEIF")
	// ErrUnsupported says that a file is built in a way that is not read.
	ErrUnsupported = errors.New("unsupported HEIF")
	// ErrLimit says that there is more of something than is read.
	ErrLimit = errors.New("HEIF beyond a limit")
)

// A Coding is how the pictures of a file are coded.
type Coding uint8

// What is read: AVIF has AV1, HEIC has HEVC.
const (
	None Coding = iota
	AV1
	HEVC
)

// CodingOf tells AVIF from HEIC by the brands of the first box: None if it is
// neither.
func CodingOf(head []byte) Coding {
	if len(head) < 16 || string(head[4:8]) != "ftyp" {
		return None
	}
	n := min(int(binary.BigEndian.Uint32(head)), len(head))
	kind := None
	for at := 8; at+4 <= n; at += 4 {
		switch string(head[at : at+4]) {
		case "avif", "avis":
			return AV1
		case "heic", "heix", "hevc", "hevx", "heim", "heis", "hevm", "hevs":
			kind = HEVC
		}
	}
	return kind
}

// A Header is what the boxes of a file say of its picture.
type Header struct {
	Meta        Meta
	Size        image.Point      // of the primary item as it is coded, before rotation
	Crop        image.Rectangle  // what is shown of it, by clap
	Coded       int64            // pixels of the largest picture that the decoder will make
	Deep        bool             // more than 8 bits a sample
	Planes      float64          // samples a pixel, of colours, at the most
	Orientation exif.Orientation // of what is shown, by irot and imir
	Alpha       bool
	Mask        Mask
	ICC         []byte // the embedded profile; nil: none
	CICP        CICP   // colour by numbers; zero: not given
	EXIF        []byte // nil: none
}

// CICP is a colour space by the numbers of ITU-T H.273. The zero value stands
// for none.
type CICP struct{ Primaries, Transfer, Matrix, FullRange byte }

const (
	maxItems        = 4096
	maxProperties   = 1024
	maxAssociations = 1 << 16 // of properties with items
	maxTargets      = 1 << 16 // of references
	maxExtents      = 1 << 16 // of items
)

// Parse reads the meta box. It returns io.ErrUnexpectedEOF if that is not
// all in head. Boxes are not nested more than three deep, so nothing recurses.
func Parse(head []byte) (Header, error) {
	var meta isobmff.Box
	for x := range isobmff.Boxes(head) {
		switch {
		case x.Kind == "meta" && x.Truncated:
			return Header{}, io.ErrUnexpectedEOF
		case x.Kind == "meta":
			meta = x
		case x.Truncated:
			return Header{}, io.ErrUnexpectedEOF
		}
		if meta.Data != nil {
			break
		}
	}
	if meta.Data == nil {
		return Header{}, io.ErrUnexpectedEOF // if there is more of the file
	}
	if len(meta.Data) < 4 {
		return Header{}, fmt.Errorf("%w: meta box of %d bytes", ErrMalformed, len(meta.Data))
	}
	m, err := parseMeta(meta.Data[4:])
	if err != nil {
		return Header{}, err
	}
	h := Header{Meta: m, Orientation: 1}
	for _, p := range m.Properties {
		if err := h.measure(p); err != nil {
			return Header{}, err
		}
	}
	if err := h.describe(m.Of(m.Primary)); err != nil {
		return Header{}, err
	}
	h.Mask = m.mask()
	h.Coded = max(h.Coded, area(h.Size))
	h.EXIF = m.exifItem(head)
	return h, nil
}

// measure notes what a property says of the memory that decoding takes,
// whatever item it belongs to.
func (h *Header) measure(p isobmff.Box) error {
	switch p.Kind {
	case "ispe":
		if len(p.Data) >= 12 {
			h.Coded = max(h.Coded, int64(binary.BigEndian.Uint32(p.Data[4:]))*int64(binary.BigEndian.Uint32(p.Data[8:])))
		}
	case "pixi":
		for i := 5; i < len(p.Data); i++ {
			h.Deep = h.Deep || p.Data[i] > 8
		}
	case "av1C":
		if len(p.Data) >= 4 {
			h.Deep = h.Deep || p.Data[2]&0x40 != 0 // high_bitdepth
			h.Planes = max(h.Planes, [8]float64{3, 3, 2, 1.5, 1, 1, 1, 1}[p.Data[2]>>2&7])
			size, _ := av1Size(p.Data[4:])
			h.Coded = max(h.Coded, area(size))
		}
	case "hvcC":
		for nal := range hevcSets(p.Data) {
			if size, ok := hevcSize(nal); ok {
				h.Coded = max(h.Coded, area(size))
			}
		}
		if len(p.Data) > 17 {
			h.Planes = max(h.Planes, [4]float64{1.5, 1.5, 2, 3}[p.Data[16]&3]) // one without colours gets some
			h.Deep = h.Deep || p.Data[17]&7 != 0                               // bit_depth_luma_minus8
		}
	case "auxC":
		h.Alpha = h.Alpha || isAlpha(p)
	}
	if h.Coded < 0 {
		return fmt.Errorf("%w: sides beyond all measure", ErrLimit)
	}
	return nil
}

// describe takes over the properties of an item.
func (h *Header) describe(properties []isobmff.Box) error {
	for _, p := range properties {
		h.apply(p)
	}
	if h.Size == (image.Point{}) {
		return fmt.Errorf("%w: an item has no size", ErrMalformed)
	}
	h.Crop = image.Rectangle{Max: h.Size}
	for _, p := range properties { // in order: what comes first is done first
		if err := h.transform(p); err != nil {
			return err
		}
	}
	return nil
}

// apply takes over a property that does not change what is shown.
func (h *Header) apply(p isobmff.Box) {
	switch p.Kind {
	case "ispe":
		if len(p.Data) >= 12 {
			w, ht := binary.BigEndian.Uint32(p.Data[4:]), binary.BigEndian.Uint32(p.Data[8:])
			if w < 1<<31 && ht < 1<<31 {
				h.Size = image.Pt(int(w), int(ht))
			}
		}
	case "colr":
		if len(p.Data) < 4 {
			return
		}
		switch kind, rest := string(p.Data[:4]), p.Data[4:]; {
		case kind == "prof" || kind == "rICC":
			if len(rest) <= icc.MaxBytes {
				h.ICC = rest
			}
		case kind == "nclx" && len(rest) >= 7:
			h.CICP = CICP{byte(binary.BigEndian.Uint16(rest)), byte(binary.BigEndian.Uint16(rest[2:])), byte(binary.BigEndian.Uint16(rest[4:])), rest[6] >> 7}
		}
	}
}

// Profile returns the embedded profile, or one that is made of the numbers; nil
// for sRGB.
func (h Header) Profile() []byte {
	if h.ICC != nil {
		return h.ICC
	}
	return h.CICP.profile()
}

// profile returns a profile of the colour space; nil for sRGB and unknown ones.
func (c CICP) profile() []byte {
	if c == (CICP{}) {
		return nil
	}
	return icc.Numbers(c.Primaries, c.Transfer)
}

func area(p image.Point) int64 { return int64(p.X) * int64(p.Y) }
