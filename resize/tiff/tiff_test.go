package tiff

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	xtiff "golang.org/x/image/tiff"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/icc"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
)

// What is written is read as it was, by x/image and by vips: in one strip and
// in several, of every number of samples.
func TestTIFF(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 900, 401))
	for i := range gray.Pix {
		gray.Pix[i] = byte(i * i >> 7)
	}
	pictures := map[string]image.Image{
		"one pixel": picturetest.Noisy(image.Pt(1, 1), false), "one column": picturetest.Noisy(image.Pt(1, 77), false), "one row": picturetest.Noisy(image.Pt(33, 1), true),
		"colours": picturetest.Noisy(image.Pt(701, 300), false), "alpha": picturetest.Noisy(image.Pt(701, 300), true), "grey": gray,
	}
	profile := icc.Numbers(12, 13)
	for name, m := range pictures {
		var file bytes.Buffer
		if err := Encode(&file, m, nil); err != nil {
			t.Fatal(err)
		}
		got, err := xtiff.Decode(bytes.NewReader(file.Bytes()))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(pixel.Copy(got).Pix, pixel.Copy(m).Pix) {
			t.Errorf("%s: other pixels", name)
		}
		if _, ok := got.(*image.Gray); ok != (name == "grey") {
			t.Errorf("%s: read as %T", name, got)
		}
		var kept bytes.Buffer
		if err := Encode(&kept, m, profile); err != nil {
			t.Fatal(err)
		}
		if got := Profile(kept.Bytes()); !bytes.Equal(got, profile) {
			t.Errorf("%s: profile of %d bytes", name, len(got))
		}

		if seen := byVips(t, kept.Bytes()); seen != nil && !bytes.Equal(pixel.Copy(seen).Pix, pixel.Copy(m).Pix) {
			t.Errorf("%s: vips reads other pixels", name)
		}
	}
}

// byVips returns the picture that vips finds in a file, nil if it is not there,
// except in CI.
func byVips(t *testing.T, body []byte) image.Image {
	t.Helper()
	path, err := exec.LookPath("vips")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Log("not checked with vips: ", err)
		return nil
	}
	in, out := filepath.Join(t.TempDir(), "in"), filepath.Join(t.TempDir(), "out.png")
	if err := os.WriteFile(in, body, 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command(path, "copy", in, out).CombinedOutput(); err != nil || len(said) > 0 {
		t.Fatalf("vips: %v\n%s", err, said)
	}
	file, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// Inks are read as such: of the formula for those without a profile.
func TestTIFFInks(t *testing.T) {
	m := picturetest.Noisy(image.Pt(40, 30), true)
	var file bytes.Buffer
	if err := Encode(&file, m, nil); err != nil {
		t.Fatal(err)
	}
	b := file.Bytes()
	for e := range exif.Entries(b) {
		if e.Tag == tagPhotometric {
			e.Order.PutUint16(e.Value, photometricInks)
		}
	}
	h, err := Parse(b)
	if err != nil || !h.Inks || h.Size != image.Pt(40, 30) {
		t.Fatalf("%+v, %v", h, err)
	}
	img, err := Decode(b)
	if _, ok := img.(*image.CMYK); !ok {
		t.Fatalf("%T, %v; want inks", img, err)
	}
	got := pixel.Copy(img)
	for y := range 30 {
		for x := range 40 {
			c := m.NRGBAAt(x, y)
			want := color.NRGBAModel.Convert(color.CMYK{c.R, c.G, c.B, c.A}).(color.NRGBA)
			if g := got.NRGBAAt(x, y); max(apart(g.R, want.R), apart(g.G, want.G), apart(g.B, want.B)) > 1 || g.A != 255 {
				t.Fatalf("at %d, %d: %v; want %v", x, y, g, want)
			}
		}
	}
}

func apart(a, b uint8) uint8 { return max(a, b) - min(a, b) }

// Bits in reverse order are refused, unless they are those of a fax.
func TestTIFFReversed(t *testing.T) {
	withTag := func(compression, fillOrder uint16) []byte {
		var file bytes.Buffer
		if err := Encode(&file, picturetest.Noisy(image.Pt(9, 9), false), nil); err != nil {
			t.Fatal(err)
		}
		b := file.Bytes()
		for e := range exif.Entries(b) {
			switch e.Tag {
			case 259:
				e.Order.PutUint16(e.Value, compression)
			case 278: // rows of a strip, which may be left out
				tag := e.Value[:0:0]
				tag = e.Order.AppendUint16(tag, 266)
				copy(b[bytes.Index(b, e.Order.AppendUint16(e.Order.AppendUint16(nil, 278), 4)):], tag)
				e.Order.PutUint16(e.Value, fillOrder)
			}
		}
		return b
	}
	if _, err := Decode(withTag(8, 2)); !errors.Is(err, ErrUnsupported) {
		t.Errorf("%v; want ErrUnsupported", err)
	}
	for name, file := range map[string][]byte{"a fax": withTag(4, 2), "bits as usual": withTag(8, 1)} {
		if _, err := Decode(file); errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A fax whose zeros are black is reversed: its white runs are zeros.
func TestTIFFFax(t *testing.T) {
	fax := func(photometric uint16) []byte {
		data := []byte{0x80, 0x08, 0x00, 0x80} // a row as white as the one above it, and the end (T.6)
		entries := [][3]uint16{{256, 3, 8}, {257, 3, 1}, {258, 3, 1}, {259, 3, 4}, {262, 3, photometric}, {273, 3, 8}, {277, 3, 1}, {278, 3, 1}, {279, 3, uint16(len(data))}}
		le := binary.LittleEndian
		b := append([]byte("II*\x00"), 8+byte(len(data)), 0, 0, 0)
		b = le.AppendUint16(append(b, data...), uint16(len(entries)))
		for _, e := range entries {
			b = le.AppendUint16(le.AppendUint16(b, e[0]), e[1])
			b = le.AppendUint32(le.AppendUint32(b, 1), uint32(e[2]))
		}
		return append(b, 0, 0, 0, 0)
	}
	for photometric, want := range map[uint16]uint8{0: 255, 1: 0} {
		img, err := Decode(fax(photometric))
		if err != nil {
			t.Fatal(err)
		}
		if got := color.GrayModel.Convert(img.At(3, 0)).(color.Gray).Y; got != want {
			t.Errorf("photometric %d: a white run is %d; want %d", photometric, got, want)
		}
	}
}

// BenchmarkTIFF prints times of our writer and of that of x/image side by side.
func BenchmarkTIFF(b *testing.B) {
	img, err := jpeg.Decode(bytes.NewReader(picturetest.File(b, "../../testdata/photos/still-life.jpg")))
	if err != nil {
		b.Fatal(err)
	}
	large := pixel.Copy(img)
	b.Run("ours", func(b *testing.B) {
		var file bytes.Buffer
		for b.Loop() {
			file.Reset()
			if err := Encode(&file, large, nil); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(file.Len()), "bytes")
	})
	b.Run("x_image", func(b *testing.B) {
		var file bytes.Buffer
		for b.Loop() {
			file.Reset()
			if err := xtiff.Encode(&file, large, &xtiff.Options{Compression: xtiff.Deflate}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(file.Len()), "bytes")
	})
}

// What the decoder would read as other pixels is refused: planes one behind the
// other, and what the directory leaves open.
func TestTIFFLayouts(t *testing.T) {
	if _, err := Decode(picturetest.File(t, "../testdata/planar-tiles.tif")); !errors.Is(err, ErrUnsupported) {
		t.Errorf("planes: %v; want ErrUnsupported", err)
	}
	good := picturetest.DeflatedTIFF(t, 40, 30, 3, 8, 30)
	if _, err := Decode(good); err != nil {
		t.Fatal(err)
	}
	// replaced returns the file with another field in place of one.
	replaced := func(tag, by, count, value uint32) []byte {
		out := bytes.Clone(good)
		order, at, _ := exif.Header(out)
		for i := range int(order.Uint16(out[at:])) {
			e := out[int(at)+2+12*i:]
			if uint32(order.Uint16(e)) == tag {
				order.PutUint16(e, uint16(by))
				order.PutUint16(e[2:], 3)
				order.PutUint32(e[4:], count)
				order.PutUint32(e[8:], value)
			}
		}
		return out
	}
	for name, file := range map[string][]byte{
		"planes in strips":             replaced(278, 284, 1, 2),
		"the bits of one sample":       replaced(258, 258, 1, 8),
		"another predictor":            replaced(279, 317, 1, 3),
		"a palette of 16 bits":         deepPalette(t),
		"lowest bits first":            replaced(278, 266, 1, 2),
		"a fax that looks at the rows": twoDimensionalFax(),
	} {
		if _, err := Decode(file); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v; want ErrUnsupported", name, err)
		}
	}
}

func deepPalette(t *testing.T) []byte {
	file := picturetest.DeflatedTIFF(t, 8, 8, 1, 16, 8)
	for e := range exif.Entries(file) {
		if e.Tag == tagPhotometric {
			e.Order.PutUint16(e.Value, uint16(photometricOfMap))
		}
	}
	return file
}

func twoDimensionalFax() []byte {
	le := binary.LittleEndian
	entries := [][2]uint16{{256, 8}, {257, 1}, {258, 1}, {259, 3}, {262, 0}, {273, 8}, {277, 1}, {278, 1}, {279, 4}, {292, 1}}
	b := append([]byte("II*\x00\x0c\x00\x00\x00\x00\x10\x01\x00"), le.AppendUint16(nil, uint16(len(entries)))...)
	for _, e := range entries {
		b = le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, e[0]), 3), 1), uint32(e[1]))
	}
	return append(b, 0, 0, 0, 0)
}

// A palette whose colours are all below 256 has them in 8 bits.
func TestTIFFMapOf8Bits(t *testing.T) {
	file := picturetest.File(t, "../testdata/map-of-8-bits.tif")
	decoded, err := Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	img := pixel.Copy(decoded)
	for at, want := range map[image.Point]color.NRGBA{{}: {13, 4, 60, 255}, {X: 48, Y: 32}: {139, 129, 60, 255}, {X: 95, Y: 63}: {245, 250, 60, 255}} {
		if got := img.NRGBAAt(at.X, at.Y); got != want {
			t.Errorf("%v: %v; want %v", at, got, want)
		}
	}
}

// A predictor counts with the compressions that it is for, as other readers have
// it.
func TestTIFFStrayPredictor(t *testing.T) {
	m := picturetest.Noisy(image.Pt(20, 10), false)
	b := []byte("II*\x00\x00\x00\x00\x00")
	for i := 0; i < len(m.Pix); i += 4 {
		b = append(b, m.Pix[i:i+3]...)
	}
	le := binary.LittleEndian
	depths := len(b)
	b = append(b, 8, 0, 8, 0, 8, 0)
	le.PutUint32(b[4:], uint32(len(b)))
	entries := [][3]uint32{{256, 1, 20}, {257, 1, 10}, {258, 3, uint32(depths)}, {259, 1, 1}, {262, 1, 2}, {273, 1, 8}, {277, 1, 3}, {278, 1, 10}, {279, 1, 600}, {317, 1, 2}}
	b = le.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		b = le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, uint16(e[0])), 3), e[1]), e[2])
	}
	b = append(b, 0, 0, 0, 0)
	img, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pixel.Copy(img).Pix, m.Pix) {
		t.Error("other pixels")
	}
}

// Chains of directories end, whatever they say.
func TestTIFFChains(t *testing.T) {
	many := picturetest.TIFFPages(t, image.Pt(5, 4), image.Pt(4, 3))
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
		_, n, err := pages(tt.file, 1000)
		if n != tt.n || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %d directories, %v; want %d", tt.name, n, err, tt.n)
		}
		head, err := Page(tt.file, 2)
		if (err == nil) != (tt.n == 2) {
			t.Errorf("%s: page 2: %v", tt.name, err)
		}
		if err != nil {
			continue
		}
		second := bytes.Clone(tt.file)
		copy(second, head)
		if img, err := Decode(second); err != nil || img.Bounds().Size() != image.Pt(4, 3) {
			t.Errorf("%s: page 2 does not decode: %v", tt.name, err)
		}
	}
}
