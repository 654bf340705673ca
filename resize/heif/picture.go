package heif

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"slices"

	"s3imageserver/resize/isobmff"
)

// What libheif is given of a HEIC file: one picture, as it is coded. The files
// of other encoders have in them what it stumbles over.

// A Picture is one picture of a file for the decoder.
type Picture struct {
	File []byte
	Size image.Point // of what of the decoded picture counts, from its corner
	Mono bool        // so does only its luma
}

// Picture returns the item of that number.
func (h Header) Picture(file []byte, id uint32) (Picture, error) {
	var of Header
	if err := of.describe(h.Meta.Of(id)); err != nil {
		return Picture{}, err
	}
	item := Picture{Size: of.Size}
	tile := id
	if h.Meta.kind(id) == "grid" {
		tiles := h.Meta.Items[id].Parts
		if len(tiles) == 0 {
			return item, fmt.Errorf("%w: grid without tiles", ErrMalformed)
		}
		tile = tiles[0]
	}
	item.Mono = h.monochrome(tile)
	if h.Meta.kind(id) != "hvc1" || h.CICP.Matrix == identity && h.CICP != (CICP{}) {
		item.File = withPrimary(file, id)
		return item, nil
	}
	var err error
	item.File, err = h.tiled(file, id, of.Size)
	return item, err
}

// monochrome reports whether an item is coded without colours.
func (h Header) monochrome(item uint32) bool {
	for _, p := range h.Meta.Of(item) {
		if p.Kind == "hvcC" && len(p.Data) > 16 {
			return p.Data[16]&3 == 0 // chroma_format_idc
		}
	}
	return false
}

// withPrimary returns the file with an item as the primary one, which may not be
// hidden. It is not to be
// turned or cropped, and goes without auxiliary pictures, which would be decoded
// for nothing. What is coded without colours is to get some, see coloured.
func withPrimary(file []byte, item uint32) []byte {
	end := 0
	for x := range isobmff.Boxes(file) {
		if end = x.End; x.Kind == "meta" {
			break
		}
	}
	file = bytes.Clone(file)
	head := file[:end]
	if ftyp, ok := isobmff.Find(head, "ftyp"); ok && len(ftyp.Data) >= 4 {
		copy(ftyp.Data, "heic") // libheif goes by the major brand alone
	}
	meta, _ := isobmff.Find(head, "meta")
	body := meta.Data[min(4, len(meta.Data)):]
	switch pitm, _ := isobmff.Find(body, "pitm"); {
	case len(pitm.Data) >= 8 && pitm.Data[0] == 1:
		binary.BigEndian.PutUint32(pitm.Data[4:], item)
	case len(pitm.Data) >= 6 && pitm.Data[0] == 0:
		binary.BigEndian.PutUint16(pitm.Data[4:], uint16(item))
	}
	for e := range itemEntries(body) {
		if e.id == item {
			e.data[3] &^= 1 // hidden
		}
	}
	iprp, _ := isobmff.Find(body, "iprp")
	ipco, _ := isobmff.Find(iprp.Data, "ipco")
	for p := range isobmff.Boxes(ipco.Data) {
		switch p.Kind {
		case "clap", "irot", "imir":
			copy(p.Name, "free")
		case "pixi":
			if len(p.Data) > 4 && p.Data[4] == 1 {
				copy(p.Name, "free")
			}
		case "hvcC":
			coloured(p.Data)
		case "colr":
			if len(p.Data) >= len(asCoded) && string(p.Data[:4]) == "nclx" && binary.BigEndian.Uint16(p.Data[8:]) != identity {
				copy(p.Data, asCoded)
			}
		}
	}
	if iref, _ := isobmff.Find(body, "iref"); len(iref.Data) > 4 {
		for r := range isobmff.Boxes(iref.Data[4:]) {
			if r.Kind == "auxl" {
				copy(r.Name, "free")
			}
		}
	}
	return file
}

// identity is the matrix of samples that are green, blue and red (ITU-T H.273).
const identity = 0

// asCoded is a colour box that libheif has nothing to convert by: what the numbers
// of a file ask for is done with what it hands out. Without such a box it goes by
// those of the stream.
const asCoded = "nclx\x00\x01\x00\x0d\x00\x06\x80"

// coloured makes a configuration say that there are colours. The stream says
// what there is; of this libheif takes what it makes of it. It takes any picture
// for one without colours where the box that counts channels counts one, which
// many an encoder writes for all, and none where that box is missing.
func coloured(config []byte) {
	if len(config) > 16 && config[16]&3 == 0 {
		config[16] |= 1 // chroma_format_idc: 4:2:0
	}
}

// tiled returns a file with a coded picture as the only tile of a grid (ISO/IEC
// 23008-12, section 6.6.2.3): of grids libheif hands out the samples that were
// decoded. Those of a picture for itself it makes RGB and YCbCr again, and their
// chroma is not the same after it, at the edges by 20 levels.
func (h Header) tiled(file []byte, item uint32, size image.Point) ([]byte, error) {
	data, err := h.Meta.Data(file, item)
	if err != nil {
		return nil, err
	}
	var config []byte
	for _, p := range h.Meta.Of(item) {
		if p.Kind == "hvcC" {
			config = bytes.Clone(p.Data)
		}
	}
	if config == nil {
		return nil, fmt.Errorf("%w: HEVC without a configuration", ErrMalformed)
	}
	coloured(config)
	be16 := func(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
	be32 := func(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
	const tile, whole = 1, 2 // numbers of the items
	bits := byte(8)
	if len(config) > 17 {
		bits += config[17] & 7 // bit_depth_luma_minus8
	}
	entry := func(id int, kind string) []byte {
		return isobmff.Make("infe", []byte{2, 0, 0, 0}, be16(id), []byte{0, 0}, []byte(kind), []byte{0})
	}
	var colr []byte
	of := []byte{3, 0x81, 2, 3} // the tile: its configuration counts
	if h.CICP != (CICP{}) {
		colr = isobmff.Make("colr", []byte(asCoded))
		of = []byte{4, 0x81, 2, 3, 4}
	}
	grid := append([]byte{0, 1, 0, 0}, append(be32(size.X), be32(size.Y)...)...) // of one row, one column
	ftyp := isobmff.Make("ftyp", []byte("heic\x00\x00\x00\x00mif1heic"))
	meta := func(at int) []byte {
		return isobmff.Make("meta", make([]byte, 4),
			isobmff.Make("hdlr", make([]byte, 8), []byte("pict"), make([]byte, 13)),
			isobmff.Make("pitm", make([]byte, 4), be16(whole)),
			isobmff.Make("iloc", []byte{1, 0, 0, 0, 0x44, 0}, be16(2), // offsets and lengths of four bytes
				be16(tile), []byte{0, 0, 0, 0, 0, 1}, be32(at), be32(len(data)),
				be16(whole), []byte{0, 1, 0, 0, 0, 1}, be32(0), be32(len(grid))), // in idat
			isobmff.Make("idat", grid),
			isobmff.Make("iinf", make([]byte, 4), be16(2), entry(tile, "hvc1"), entry(whole, "grid")),
			isobmff.Make("iref", make([]byte, 4), isobmff.Make("dimg", be16(whole), be16(1), be16(tile))),
			isobmff.Make("iprp",
				isobmff.Make("ipco", isobmff.Make("hvcC", config), isobmff.Make("ispe", make([]byte, 4), be32(size.X), be32(size.Y)), isobmff.Make("pixi", []byte{0, 0, 0, 0, 3, bits, bits, bits}), colr),
				isobmff.Make("ipma", make([]byte, 4), be32(2), be16(tile), of, be16(whole), []byte{of[0] - 1}, of[2:])))
	}
	const header = 8 // of mdat
	at := len(ftyp) + len(meta(0)) + header
	return slices.Concat(ftyp, meta(at), isobmff.Make("mdat", data)), nil
}
