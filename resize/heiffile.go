package resize

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
)

// What libheif is given of a HEIC file: one picture, as it is coded. The files
// of other encoders have in them what it stumbles over.

// A heicItem is one picture of a file for the decoder.
type heicItem struct {
	file []byte
	size image.Point // of what of the decoded picture counts, from its corner
	mono bool        // so does only its luma
}

// item returns the item of that number.
func (h heif) item(file []byte, id uint32) (heicItem, error) {
	var of heif
	if err := of.describe(h.meta.of(id)); err != nil {
		return heicItem{}, err
	}
	item := heicItem{size: of.size}
	tile := id
	if h.meta.kind(id) == "grid" {
		tiles := h.meta.items[id].parts
		if len(tiles) == 0 {
			return item, fmt.Errorf("%w: grid without tiles", errHEIFMalformed)
		}
		tile = tiles[0]
	}
	item.mono = h.monochrome(tile)
	item.file = withPrimary(file, id)
	return item, nil
}

// monochrome reports whether an item is coded without colours.
func (h heif) monochrome(item uint32) bool {
	for _, p := range h.meta.of(item) {
		if p.kind == "hvcC" && len(p.data) > 16 {
			return p.data[16]&3 == 0 // chroma_format_idc
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
	for x := range boxes(file) {
		if end = x.end; x.kind == "meta" {
			break
		}
	}
	file = bytes.Clone(file)
	head := file[:end]
	if ftyp, ok := find(head, "ftyp"); ok && len(ftyp.data) >= 4 {
		copy(ftyp.data, "heic") // libheif goes by the major brand alone
	}
	meta, _ := find(head, "meta")
	body := meta.data[min(4, len(meta.data)):]
	switch pitm, _ := find(body, "pitm"); {
	case len(pitm.data) >= 8 && pitm.data[0] == 1:
		binary.BigEndian.PutUint32(pitm.data[4:], item)
	case len(pitm.data) >= 6 && pitm.data[0] == 0:
		binary.BigEndian.PutUint16(pitm.data[4:], uint16(item))
	}
	for e := range itemEntries(body) {
		if e.id == item {
			e.data[3] &^= 1 // hidden
		}
	}
	iprp, _ := find(body, "iprp")
	ipco, _ := find(iprp.data, "ipco")
	for p := range boxes(ipco.data) {
		switch p.kind {
		case "clap", "irot", "imir":
			copy(p.name, "free")
		case "pixi":
			if len(p.data) > 4 && p.data[4] == 1 {
				copy(p.name, "free")
			}
		case "hvcC":
			coloured(p.data)
		}
	}
	if iref, _ := find(body, "iref"); len(iref.data) > 4 {
		for r := range boxes(iref.data[4:]) {
			if r.kind == "auxl" {
				copy(r.name, "free")
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
