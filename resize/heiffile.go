package resize

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"io"
	"slices"
)

// What libheif is given of a HEIC file: one picture, as it is coded. The files
// of other encoders have in them what it stumbles over.

// A heicItem is one picture of a file for the decoder.
type heicItem struct {
	file io.Reader
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
	tile, kind := id, itemKind(h.meta.body, id)
	var tiles []uint32
	if kind == "grid" {
		for r := range references(h.meta.body) {
			if r.kind == "dimg" && r.from == id {
				tiles = r.to
			}
		}
		if len(tiles) == 0 {
			return item, fmt.Errorf("%w: grid without tiles", ErrMalformed)
		}
		tile = tiles[0]
	}
	item.mono = h.monochrome(tile)
	if !tooNarrow(of.size.X) {
		item.file = withPrimary(file, id)
		return item, nil
	}
	if kind != "hvc1" && len(tiles) != 1 {
		return item, fmt.Errorf("%w: HEIC of %d pixels a row, of parts", ErrUnsupported, of.size.X)
	}
	var err error
	item.file, err = h.repeated(file, tile)
	return item, err
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

// widest is the number of samples that rows in the memory of libheif have at
// least.
const widest = 64

// tooNarrow reports whether rows of chroma have fewer samples than that: the decoder copies
// rows of the length of those in memory, and takes them for shorter.
func tooNarrow(width int) bool {
	return ((width+1)/2+15)/16*16 < widest
}

// withPrimary returns the file with an item as the primary one, which may not be
// hidden. It is not to be
// turned or cropped, and goes without auxiliary pictures, which would be decoded
// for nothing. What is coded without colours is to get some, see coloured.
func withPrimary(file []byte, item uint32) io.Reader {
	end := 0
	for x := range boxes(file) {
		if end = x.end; x.kind == "meta" {
			break
		}
	}
	head := bytes.Clone(file[:end])
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
	return io.MultiReader(bytes.NewReader(head), bytes.NewReader(file[end:]))
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

// repeated returns a file with the picture of one item as often in a row as
// makes it wide enough for the decoder: a grid (ISO/IEC 23008-12, section
// 6.6.2.3).
func (h heif) repeated(file []byte, item uint32) (io.Reader, error) {
	data := itemData(file, h.meta.body, item)
	var config box
	var tile heif
	of := h.meta.of(item)
	if err := tile.describe(of); err != nil {
		return nil, err
	}
	for _, p := range of {
		if p.kind == "hvcC" {
			config = p
		}
	}
	if data == nil || config.data == nil {
		return nil, fmt.Errorf("%w: narrow HEIC that does not lie in one piece", ErrUnsupported)
	}
	config.data = bytes.Clone(config.data)
	coloured(config.data)
	const most = 2 * widest
	times := (most + tile.size.X - 1) / tile.size.X
	size := image.Pt(times*tile.size.X, tile.size.Y)

	be16 := func(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
	be32 := func(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
	extent := func(p image.Point) []byte { return makeBox("ispe", make([]byte, 4), be32(p.X), be32(p.Y)) }
	channels := []byte{0, 0, 0, 0, 3, 8, 8, 8}
	// Every tile is an item of its own, with the same bytes: libheif allows no
	// item twice. The grid is the last one.
	all, last := be16(times+1), be16(times+1)
	entry := func(id []byte, kind string) []byte {
		return makeBox("infe", []byte{2, 0, 0, 0}, id, []byte{0, 0}, []byte(kind), []byte{0})
	}
	var entries, dimg, ipma []byte
	for i := range times {
		id := be16(i + 1)
		entries = append(entries, entry(id, "hvc1")...)
		dimg = append(dimg, id...)
		ipma = append(append(ipma, id...), 3, 0x81, 2, 4)
	}
	entries = append(entries, entry(last, "grid")...)
	ipma = append(append(ipma, last...), 2, 3, 4)
	grid := append([]byte{0, 1, 0, byte(times - 1)}, append(be32(size.X), be32(size.Y)...)...)
	ftyp := makeBox("ftyp", []byte("heic\x00\x00\x00\x00mif1heic"))
	meta := func(at int) []byte {
		var iloc []byte
		for i := range times {
			iloc = slices.Concat(iloc, be16(i+1), []byte{0, 0, 0, 0, 0, 1}, be32(at), be32(len(data)))
		}
		iloc = slices.Concat(iloc, last, []byte{0, 1, 0, 0, 0, 1}, be32(0), be32(len(grid)))
		return makeBox("meta", make([]byte, 4),
			makeBox("hdlr", make([]byte, 8), []byte("pict"), make([]byte, 13)),
			makeBox("pitm", make([]byte, 4), last),
			makeBox("iloc", []byte{1, 0, 0, 0, 0x44, 0}, all, iloc), // offsets and lengths of four bytes
			makeBox("idat", grid),
			makeBox("iinf", make([]byte, 4), all, entries),
			makeBox("iref", make([]byte, 4), makeBox("dimg", last, be16(times), dimg)),
			makeBox("iprp",
				makeBox("ipco", makeBox("hvcC", config.data), extent(tile.size), extent(size), makeBox("pixi", channels)),
				makeBox("ipma", make([]byte, 4), be32(times+1), ipma)))
	}
	const header = 8 // of mdat
	at := len(ftyp) + len(meta(0)) + header
	return io.MultiReader(bytes.NewReader(ftyp), bytes.NewReader(meta(at)), bytes.NewReader(makeBox("mdat", data))), nil
}

// makeBox returns a box of parts.
func makeBox(kind string, parts ...[]byte) []byte {
	b := append(make([]byte, 4), kind...)
	for _, p := range parts {
		b = append(b, p...)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}
