package resize

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"slices"
	"testing"
)

// A HEIC file is one by any of its brands.
func TestHEICBrands(t *testing.T) {
	file := readOwn(t, "photo.heic")
	want := toPNGBy(t, everything, file, Options{})
	for _, brand := range []string{"mif1", "msf1", "hevc", "heim", "heis", "heix", "hevx"} {
		other := bytes.Clone(file)
		ftyp, _ := find(other, "ftyp")
		copy(ftyp.data, brand)
		if string(ftyp.data[8:12]) != "mif1" && string(ftyp.data[8:12]) != "heic" {
			t.Fatalf("compatible with %q", ftyp.data[8:])
		}
		copy(ftyp.data[8:], "heic")
		if p := psnr(toPNGBy(t, everything, other, Options{}), want); p < 60 {
			t.Errorf("%s: PSNR %.1f dB to the file with brand heic", brand, p)
		}
	}
}

// An AVIF or a HEIC file whose end is missing is refused: decoders answer with
// what they have, which may be nothing.
func TestCutHEIF(t *testing.T) {
	for _, name := range []string{"photo.avif", "photo-part.avif", "photo.heic", "photo-alpha.heic"} {
		file := readOwn(t, name)
		for _, percent := range []int{99, 95, 90, 80, 60} {
			if _, err := resizeBytes(t, everything, file[:len(file)*percent/100], Options{Format: PNG}); !errors.Is(err, ErrMalformed) {
				t.Errorf("%d %% of %s: %v; want ErrMalformed", percent, name, err)
			}
		}
	}
}

// withOther returns the file with other data in all properties of a kind.
func withOther(t *testing.T, file []byte, kind string, change func(data []byte)) []byte {
	t.Helper()
	out := bytes.Clone(file)
	meta, _ := find(out, "meta")
	iprp, _ := find(meta.data[4:], "iprp")
	ipco, _ := find(iprp.data, "ipco")
	n := 0
	for p := range boxes(ipco.data) {
		if p.kind == kind {
			change(p.data)
			n++
		}
	}
	if n == 0 {
		t.Fatalf("no property %s", kind)
	}
	return out
}

// Coded pictures are believed, not the boxes around them.
func TestHEIFSizesThatDiffer(t *testing.T) {
	file := readOwn(t, "photo.avif")
	lie := withOther(t, file, "ispe", func(b []byte) { copy(b[4:], "\x00\x00\x00\x10\x00\x00\x00\x10") })
	if _, err := resizeBytes(t, everything, lie, Options{Format: PNG}); !errors.Is(err, ErrMalformed) {
		t.Errorf("AV1 in a box of 16 x 16: %v; want ErrMalformed", err)
	}
	blind := withOther(t, lie, "av1C", func(b []byte) { clear(b[4:]) }) // no OBUs that tell
	if _, err := resizeBytes(t, everything, blind, Options{Format: PNG}); !errors.Is(err, ErrMalformed) {
		t.Errorf("the same without OBUs in the box: %v; want ErrMalformed", err)
	}
	// A second parameter set among the coded data, of 8192 x 8192.
	h, err := parseHEIF(readOwn(t, "photo.heic"))
	if err != nil {
		t.Fatal(err)
	}
	file = repeatedOnce(t, h, readOwn(t, "photo.heic"))
	if h, err = parseHEIF(file); err != nil {
		t.Fatal(err)
	}
	data, err := h.meta.data(file, h.meta.primary)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.meta.checkCoded(h.meta.primary, data); err != nil {
		t.Errorf("as it is: %v", err)
	}
	set := hevcSet(8192, 8192)
	if size, ok := hevcSize(set); !ok || size != image.Pt(8192, 8192) {
		t.Fatalf("the set says %v, %v", size, ok)
	}
	within := slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(len(set))), set, data)
	if err := h.meta.checkCoded(h.meta.primary, within); !errors.Is(err, ErrMalformed) {
		t.Errorf("a set within: %v; want ErrMalformed", err)
	}
}

// hevcSet returns the beginning of a sequence parameter set.
func hevcSet(w, h int) []byte {
	var bits []byte // one each
	put := func(v, n int) {
		for i := n - 1; i >= 0; i-- {
			bits = append(bits, byte(v>>i&1))
		}
	}
	golomb := func(v int) {
		n := 0
		for (v+1)>>(n+1) > 0 {
			n++
		}
		put(0, n)
		put(v+1, n+1)
	}
	put(hevcSequenceSet<<9|1, 16)
	put(0, 4+3+1)
	put(1<<6|1, 8)
	for range 10 {
		put(0xff, 8) // no three zeros in a row
	}
	put(0xff, 8)
	golomb(0)
	golomb(1)
	golomb(w)
	golomb(h)
	put(1<<15, 16)
	var set []byte
	for i, b := range bits {
		if i%8 == 0 {
			set = append(set, 0)
		}
		set[i/8] |= b << (7 - i%8)
	}
	return set
}

// hostileMeta returns a file whose items have properties by an ipma box of so
// many items with so many each, several times, and that many auxiliary items.
func hostileMeta(ipmas, items, each, auxiliary int) []byte {
	be16 := func(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
	ipma := append([]byte{0, 0, 0, 0}, binary.BigEndian.AppendUint32(nil, uint32(items))...)
	for i := range items {
		ipma = append(append(ipma, be16(i+1)...), byte(each))
		ipma = append(ipma, bytes.Repeat([]byte{1}, each)...)
	}
	parts := [][]byte{makeBox("ipco", makeBox("ispe", make([]byte, 4), []byte{0, 0, 0, 16, 0, 0, 0, 16}))}
	for range ipmas {
		parts = append(parts, makeBox("ipma", ipma))
	}
	iref := [][]byte{make([]byte, 4)}
	for i := range auxiliary {
		iref = append(iref, makeBox("auxl", be16(i%max(1, items)+2), be16(1), be16(1)))
	}
	return append(makeBox("ftyp", []byte("avif\x00\x00\x00\x00mif1avif")),
		makeBox("meta", make([]byte, 4), makeBox("pitm", make([]byte, 4), be16(1)), makeBox("iref", iref...), makeBox("iprp", parts...))...)
}

// Boxes are read once, however many items refer to each other, and what there is
// too much of is refused.
func TestHEIFOfManyAssociations(t *testing.T) {
	for name, file := range map[string][]byte{
		"4096 items of 255 properties": hostileMeta(1, 4096, 255, 4096),
		"12 boxes of them":             hostileMeta(12, 4096, 255, 4096),
	} {
		if _, err := parseHEIF(file); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v; want ErrLimit", name, err)
		}
	}
	h, err := parseHEIF(hostileMeta(1, 2000, 30, 4096))
	if err != nil || len(h.meta.of(7)) != 30 || h.mask.item != 0 {
		t.Errorf("%d properties, %v; want 30", len(h.meta.of(7)), err)
	}
}

// An item of parts that overlap is no longer than the file.
func TestHEIFOfManyExtents(t *testing.T) {
	be := binary.BigEndian
	iloc := be.AppendUint16([]byte{0, 0, 0, 0, 0x44, 0}, 1)
	iloc = be.AppendUint16(be.AppendUint16(be.AppendUint16(iloc, 1), 0), 1000)
	for range 1000 {
		iloc = be.AppendUint32(be.AppendUint32(iloc, 0), 900)
	}
	file := append(makeBox("ftyp", []byte("avif\x00\x00\x00\x00mif1avif")), makeBox("meta", make([]byte, 4),
		makeBox("pitm", make([]byte, 4), []byte{0, 1}), makeBox("iloc", iloc),
		makeBox("iprp", makeBox("ipco", makeBox("ispe", make([]byte, 4), []byte{0, 0, 0, 16, 0, 0, 0, 16})), makeBox("ipma", []byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1})))...)
	h, err := parseHEIF(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.meta.data(file, 1); !errors.Is(err, ErrMalformed) {
		t.Errorf("%v; want ErrMalformed", err)
	}
	if err := h.complete(file[:800]); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("of the first bytes: %v; want io.ErrUnexpectedEOF", err)
	}
}

// FuzzHEIFAssociations compares what is indexed with a look through the boxes for
// each item.
func FuzzHEIFAssociations(f *testing.F) {
	f.Add(byte(0), byte(0), []byte{0, 0, 0, 2, 0, 1, 2, 1, 2, 0, 2, 1, 1})
	f.Add(byte(1), byte(1), []byte{0, 0, 0, 1, 0, 0, 0, 1, 2, 0, 1, 0x80, 2})
	f.Fuzz(func(t *testing.T, version, flags byte, data []byte) {
		iprp := slices.Concat(
			makeBox("ipco", makeBox("ispe", make([]byte, 12)), makeBox("irot", []byte{1})),
			makeBox("ipma", []byte{version, 0, 0, flags}, data), makeBox("ipma", []byte{version, 0, 0, flags}, data))
		m, err := parseMeta(slices.Concat(makeBox("pitm", make([]byte, 4), []byte{0, 1}), makeBox("iprp", iprp)))
		if err != nil {
			if !errors.Is(err, ErrLimit) {
				t.Fatal(err)
			}
			return
		}
		for id, item := range m.items {
			var want []int
			for a := range associations(iprp) {
				if a.item == id {
					want = append(want, a.place)
				}
			}
			if !slices.Equal(item.properties, want) {
				t.Fatalf("item %d has %v; want %v", id, item.properties, want)
			}
			if len(m.items) > 32 {
				return // enough
			}
		}
	})
}
