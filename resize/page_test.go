package resize

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"slices"
	"testing"

	"golang.org/x/image/tiff"

	"s3imageserver/resize/options"
)

// tiffPages returns a TIFF with one page a size, each of one grey. Places are
// moved by hand, as there is no writer of many pages.
func tiffPages(t testing.TB, sizes ...image.Point) []byte {
	t.Helper()
	var out []byte
	link := 4 // where the place of the next directory goes
	for i, size := range sizes {
		m := image.NewGray(image.Rectangle{Max: size})
		for j := range m.Pix {
			m.Pix[j] = byte(40 * (i + 1))
		}
		var b bytes.Buffer
		if err := tiff.Encode(&b, m, nil); err != nil {
			t.Fatal(err)
		}
		page, base := b.Bytes(), len(out)
		le := binary.LittleEndian
		at := int(le.Uint32(page[4:]))
		n := int(le.Uint16(page[at:]))
		for j := range n {
			e := page[at+2+12*j:]
			size := map[uint16]uint32{3: 2, 4: 4, 5: 8}[le.Uint16(e[2:])] * le.Uint32(e[4:])
			if size > 4 || le.Uint16(e) == 273 { // the value lies elsewhere, or is a place
				le.PutUint32(e[8:], le.Uint32(e[8:])+uint32(base))
			}
		}
		out = append(out, page...)
		le.PutUint32(out[link:], uint32(base+at))
		link = base + at + 2 + 12*n
	}
	return out
}

// Pages of TIFF and pictures of ICO are asked for by number; the last one stands
// for those beyond.
func TestPagesOfFiles(t *testing.T) {
	sizes := []image.Point{{30, 20}, {20, 40}, {50, 10}}
	many := tiffPages(t, sizes...)
	icons := slices.Concat([]byte{0, 0, 1, 0, 3, 0})
	var pictures []byte
	for _, side := range []int{8, 32, 16} {
		one := icoFile(side, 32)
		entry := bytes.Clone(one[6:22])
		binary.LittleEndian.PutUint32(entry[12:], uint32(6+3*16+len(pictures)))
		icons = append(icons, entry...)
		pictures = append(pictures, one[22:]...)
	}
	icons = append(icons, pictures...)
	tests := []struct {
		name string
		file []byte
		page int
		want image.Point
		grey int // 0: not looked at
	}{
		{"the first page", many, 0, sizes[0], 40},
		{"page 1", many, 1, sizes[0], 40},
		{"page 2", many, 2, sizes[1], 80},
		{"page 3", many, 3, sizes[2], 120},
		{"a page beyond the last", many, 4, sizes[2], 120},
		{"the largest icon", icons, 0, image.Pt(32, 32), 0},
		{"icon 1", icons, 1, image.Pt(8, 8), 0},
		{"icon 2", icons, 2, image.Pt(32, 32), 0},
		{"icon 3", icons, 3, image.Pt(16, 16), 0},
		{"an icon beyond the last", icons, 9, image.Pt(16, 16), 0},
	}
	for _, tt := range tests {
		for _, format := range []options.Format{options.PNG, options.WebP, options.GIF} {
			file := bytes.Clone(tt.file)
			kept := []byte(nil)
			result, err := everything.Resize(t.Context(), Source{Body: bytes.NewReader(file), Size: int64(len(file)), Keep: func(b []byte) { kept = bytes.Clone(b) }}, options.Options{Format: format, Page: tt.page})
			if err != nil || result.Size != tt.want {
				t.Errorf("%s as %v: %v, %v; want %v", tt.name, format, result, err, tt.want)
				continue
			}
			if !bytes.Equal(kept, tt.file) {
				t.Errorf("%s as %v: another source is kept", tt.name, format)
			}
			if img := toPNG(t, result.Body, options.Options{}); tt.grey != 0 && format == options.PNG {
				if got := color.GrayModel.Convert(img.At(3, 3)).(color.Gray).Y; int(got) != tt.grey {
					t.Errorf("%s: grey %d; want %d", tt.name, got, tt.grey)
				}
			}
		}
	}
	for name, file := range map[string][]byte{"TIFF": many, "ICO": icons} {
		d, err := everything.Inspect(t.Context(), bytes.NewReader(file), int64(len(file)), []string{"frames"})
		if err != nil || d.Frames != 3 || d.Loops != nil {
			t.Errorf("%s: %+v, %v; want 3 pages", name, d, err)
		}
	}
}

// Chains of directories end, whatever they say.
func TestTIFFChains(t *testing.T) {
	many := tiffPages(t, image.Pt(5, 4), image.Pt(4, 3))
	le := binary.LittleEndian
	first := le.Uint32(many[4:])
	second := le.Uint32(many[first+2+12*uint32(le.Uint16(many[first:])):])
	end := second + 2 + 12*uint32(le.Uint16(many[second:]))
	loop := bytes.Clone(many)
	le.PutUint32(loop[end:], first)
	beyond := bytes.Clone(many)
	le.PutUint32(beyond[end:], 1<<31)
	none := bytes.Clone(many)
	le.PutUint32(none[4:], 0)
	tests := []struct {
		name string
		file []byte
		n    int
		want error
	}{
		{"a chain that ends", many, 2, nil},
		{"a chain that comes back", loop, 2, nil},
		{"a chain that leaves the file", beyond, 2, nil},
		{"a chain that is cut", many[:end+2], 2, nil},
		{"no directory", none, 0, ErrMalformed},
	}
	for _, tt := range tests {
		_, n, err := tiffDirectories(tt.file, options.MaxPage)
		if n != tt.n || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %d directories, %v; want %d", tt.name, n, err, tt.n)
		}
		_, err = resizeBytes(t, everything, tt.file, options.Options{Format: options.PNG, Page: options.MaxPage})
		if err != nil && errorKind(err) == "" {
			t.Errorf("%s: undocumented error %v", tt.name, err)
		}
		if _, err := resizeBytes(t, everything, tt.file, options.Options{Format: options.PNG, Page: 2}); (err == nil) != (tt.n == 2) {
			t.Errorf("%s: page 2: %v", tt.name, err)
		}
	}
}
