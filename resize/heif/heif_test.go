package heif

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"slices"
	"testing"

	"s3imageserver/resize/icc"
	"s3imageserver/resize/isobmff"
	"s3imageserver/resize/picturetest"
)

// sample returns a sample file.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	return picturetest.File(t, "../testdata/"+name)
}

// What the boxes of a file say is bounded, whatever they say.
func FuzzHeader(f *testing.F) {
	for _, name := range []string{"photo.heic", "photo-alpha.heic", "icon.heic", "photo-part.avif"} {
		f.Add(sample(f, name))
	}
	f.Add(sample(f, "photo.avif"))
	f.Add([]byte("\x00\x00\x00\x10ftypavif\x00\x00\x00\x00\x00\x00\x00\x00meta"))
	f.Fuzz(func(t *testing.T, data []byte) {
		CodingOf(data)
		h, err := Parse(data)
		if err != nil {
			return
		}
		if h.Orientation < 1 || h.Orientation > 8 || h.Coded < area(h.Size) || len(h.ICC) > icc.MaxBytes || len(h.EXIF) > len(data) {
			t.Fatalf("%+v", h)
		}
		if h.Crop.Empty() || !h.Crop.In(image.Rectangle{Max: h.Size}) {
			t.Fatalf("%v of %v is shown", h.Crop, h.Size)
		}
		h.Profile()
		item, err := h.Picture(data, h.Meta.Primary)
		if err != nil {
			return
		}
		if len(item.File) != len(data) {
			t.Fatalf("%d bytes for the decoder, of %d", len(item.File), len(data))
		}
		_ = h.Complete(data) // any error: it must end
	})
}

// A clean aperture is rounded and clamped; one that makes no sense is refused.
func TestCleanAperture(t *testing.T) {
	size := image.Pt(100, 80)
	tests := []struct {
		name string
		n    [8]int32
		want image.Rectangle // empty: refused
	}{
		{"the middle", [8]int32{50, 1, 40, 1, 0, 1, 0, 1}, image.Rect(25, 20, 75, 60)},
		{"a corner", [8]int32{50, 1, 40, 1, -25, 1, 20, 1}, image.Rect(0, 40, 50, 80)},
		{"an odd side", [8]int32{99, 1, 79, 1, -1, 2, -1, 2}, image.Rect(0, 0, 99, 79)},
		{"fractions", [8]int32{101, 2, 161, 4, 0, 7, 0, 9}, image.Rect(24, 19, 75, 59)},
		{"beyond the edge", [8]int32{50, 1, 40, 1, 40, 1, 0, 1}, image.Rect(65, 20, 100, 60)},
		{"far larger", [8]int32{1 << 30, 1, 1 << 30, 1, 0, 1, 0, 1}, image.Rect(0, 0, 100, 80)},
		{"outside", [8]int32{10, 1, 10, 1, 1000, 1, 0, 1}, image.Rectangle{}},
		{"divided by nothing", [8]int32{50, 0, 40, 1, 0, 1, 0, 1}, image.Rectangle{}},
		{"divided by less than nothing", [8]int32{50, 1, 40, 1, 0, -1, 0, 1}, image.Rectangle{}},
		{"of no width", [8]int32{0, 1, 40, 1, 0, 1, 0, 1}, image.Rectangle{}},
		{"of a negative width", [8]int32{-50, 1, 40, 1, 0, 1, 0, 1}, image.Rectangle{}},
	}
	for _, tt := range tests {
		var b []byte
		for _, n := range tt.n {
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		}
		got, err := cleanAperture(b, size)
		if tt.want.Empty() {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("%s: %v, %v; want ErrMalformed", tt.name, got, err)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("%s: %v, %v; want %v", tt.name, got, err, tt.want)
		}
	}
	if _, err := cleanAperture(make([]byte, 31), size); !errors.Is(err, ErrMalformed) {
		t.Errorf("a short box: %v; want ErrMalformed", err)
	}
}

// Coded pictures are believed, not the boxes around them: a second parameter set
// among the coded data, of 8192 x 8192, is found.
func TestParameterSetsWithin(t *testing.T) {
	file := sample(t, "photo.heic")
	h, err := Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	tile := h.Meta.Items[h.Meta.Primary].Parts[0]
	data, err := h.Meta.Data(file, tile)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Meta.checkCoded(tile, data); err != nil {
		t.Errorf("as it is: %v", err)
	}
	set := hevcSet(8192, 8192)
	if size, ok := hevcSize(set); !ok || size != image.Pt(8192, 8192) {
		t.Fatalf("the set says %v, %v", size, ok)
	}
	within := slices.Concat(binary.BigEndian.AppendUint32(nil, uint32(len(set))), set, data)
	if err := h.Meta.checkCoded(tile, within); !errors.Is(err, ErrMalformed) {
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
	parts := [][]byte{isobmff.Make("ipco", isobmff.Make("ispe", make([]byte, 4), []byte{0, 0, 0, 16, 0, 0, 0, 16}))}
	for range ipmas {
		parts = append(parts, isobmff.Make("ipma", ipma))
	}
	iref := [][]byte{make([]byte, 4)}
	for i := range auxiliary {
		iref = append(iref, isobmff.Make("auxl", be16(i%max(1, items)+2), be16(1), be16(1)))
	}
	return append(isobmff.Make("ftyp", []byte("avif\x00\x00\x00\x00mif1avif")),
		isobmff.Make("meta", make([]byte, 4), isobmff.Make("pitm", make([]byte, 4), be16(1)), isobmff.Make("iref", iref...), isobmff.Make("iprp", parts...))...)
}

// Boxes are read once, however many items refer to each other, and what there is
// too much of is refused.
func TestFileOfManyAssociations(t *testing.T) {
	for name, file := range map[string][]byte{
		"4096 items of 255 properties": hostileMeta(1, 4096, 255, 4096),
		"12 boxes of them":             hostileMeta(12, 4096, 255, 4096),
	} {
		if _, err := Parse(file); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v; want ErrLimit", name, err)
		}
	}
	h, err := Parse(hostileMeta(1, 2000, 30, 4096))
	if err != nil || len(h.Meta.Of(7)) != 30 || h.Mask.Item != 0 {
		t.Errorf("%d properties, %v; want 30", len(h.Meta.Of(7)), err)
	}
}

// An item of parts that overlap is no longer than the file.
func TestFileOfManyExtents(t *testing.T) {
	be := binary.BigEndian
	iloc := be.AppendUint16([]byte{0, 0, 0, 0, 0x44, 0}, 1)
	iloc = be.AppendUint16(be.AppendUint16(be.AppendUint16(iloc, 1), 0), 1000)
	for range 1000 {
		iloc = be.AppendUint32(be.AppendUint32(iloc, 0), 900)
	}
	file := append(isobmff.Make("ftyp", []byte("avif\x00\x00\x00\x00mif1avif")), isobmff.Make("meta", make([]byte, 4),
		isobmff.Make("pitm", make([]byte, 4), []byte{0, 1}), isobmff.Make("iloc", iloc),
		isobmff.Make("iprp", isobmff.Make("ipco", isobmff.Make("ispe", make([]byte, 4), []byte{0, 0, 0, 16, 0, 0, 0, 16})), isobmff.Make("ipma", []byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1})))...)
	h, err := Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Meta.Data(file, 1); !errors.Is(err, ErrMalformed) {
		t.Errorf("%v; want ErrMalformed", err)
	}
	if err := h.Complete(file[:800]); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("of the first bytes: %v; want io.ErrUnexpectedEOF", err)
	}
}

// FuzzAssociations compares what is indexed with a look through the boxes for
// each item.
func FuzzAssociations(f *testing.F) {
	f.Add(byte(0), byte(0), []byte{0, 0, 0, 2, 0, 1, 2, 1, 2, 0, 2, 1, 1})
	f.Add(byte(1), byte(1), []byte{0, 0, 0, 1, 0, 0, 0, 1, 2, 0, 1, 0x80, 2})
	f.Fuzz(func(t *testing.T, version, flags byte, data []byte) {
		iprp := slices.Concat(
			isobmff.Make("ipco", isobmff.Make("ispe", make([]byte, 12)), isobmff.Make("irot", []byte{1})),
			isobmff.Make("ipma", []byte{version, 0, 0, flags}, data), isobmff.Make("ipma", []byte{version, 0, 0, flags}, data))
		m, err := parseMeta(slices.Concat(isobmff.Make("pitm", make([]byte, 4), []byte{0, 1}), isobmff.Make("iprp", iprp)))
		if err != nil {
			if !errors.Is(err, ErrLimit) {
				t.Fatal(err)
			}
			return
		}
		for id, item := range m.Items {
			var want []int
			for a := range associations(iprp) {
				if a.item == id {
					want = append(want, a.place)
				}
			}
			if !slices.Equal(item.Properties, want) {
				t.Fatalf("item %d has %v; want %v", id, item.Properties, want)
			}
			if len(m.Items) > 32 {
				return // enough
			}
		}
	})
}
