package heif

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"

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
	item.File = withPrimary(file, id)
	return item, nil
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

// coloured makes a configuration say that there are colours. The stream says
// what there is; of this libheif takes what it makes of it. It takes any picture
// for one without colours where the box that counts channels counts one, which
// many an encoder writes for all, and none where that box is missing.
func coloured(config []byte) {
	if len(config) > 16 && config[16]&3 == 0 {
		config[16] |= 1 // chroma_format_idc: 4:2:0
	}
}
