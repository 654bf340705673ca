package resize

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/tiff"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/icc"
	"s3imageserver/resize/options"
	"s3imageserver/resize/pixel"
)

// noisy returns a picture whose neighbours are alike, by chance.
func noisy(size image.Point, alpha bool) *image.NRGBA {
	r := rand.New(rand.NewPCG(1, uint64(size.X)))
	m := image.NewNRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			c := color.NRGBA{byte(x + r.IntN(9)), byte(y + r.IntN(9)), byte(x ^ y), 255}
			if alpha {
				c.A = byte(x * y)
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

// What is written is read as it was, by x/image and by vips: in one strip and
// in several, of every number of samples.
func TestTIFF(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 900, 401))
	for i := range gray.Pix {
		gray.Pix[i] = byte(i * i >> 7)
	}
	pictures := map[string]image.Image{
		"one pixel": noisy(image.Pt(1, 1), false), "one column": noisy(image.Pt(1, 77), false), "one row": noisy(image.Pt(33, 1), true),
		"colours": noisy(image.Pt(701, 300), false), "alpha": noisy(image.Pt(701, 300), true), "grey": gray,
	}
	profile := icc.Numbers(12, 13)
	for name, m := range pictures {
		var file bytes.Buffer
		if err := tiffCodec.encode(&file, still(m), Quality{}); err != nil {
			t.Fatal(err)
		}
		got, err := tiff.Decode(bytes.NewReader(file.Bytes()))
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
		withProfile := still(m)
		withProfile.ICC = profile
		var kept bytes.Buffer
		if err := tiffCodec.encode(&kept, withProfile, Quality{}); err != nil {
			t.Fatal(err)
		}
		if got := tiffProfile(kept.Bytes()); bytes.Equal(got, profile) == (name == "grey") {
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
	m := noisy(image.Pt(40, 30), true)
	var file bytes.Buffer
	if err := writeTIFF(&file, m, nil); err != nil {
		t.Fatal(err)
	}
	b := file.Bytes()
	for e := range exif.Entries(b) {
		if e.Tag == tagPhotometric {
			e.Order.PutUint16(e.Value, photometricInks)
		}
	}
	info, err := tiffCodec.config(b)
	if err != nil || !info.cmyk || info.Size != image.Pt(40, 30) {
		t.Fatalf("%+v, %v", info, err)
	}
	got := pixel.Copy(toPNGBy(t, everything, b, options.Options{}))
	for y := range 30 {
		for x := range 40 {
			c := m.NRGBAAt(x, y)
			want := color.NRGBAModel.Convert(color.CMYK{c.R, c.G, c.B, c.A}).(color.NRGBA)
			if g := got.NRGBAAt(x, y); abs(int(g.R)-int(want.R)) > 1 || abs(int(g.G)-int(want.G)) > 1 || abs(int(g.B)-int(want.B)) > 1 || g.A != 255 {
				t.Fatalf("at %d, %d: %v; want %v", x, y, g, want)
			}
		}
	}
}

// Bits in reverse order are refused, unless they are those of a fax.
func TestTIFFReversed(t *testing.T) {
	withTag := func(compression, fillOrder uint16) []byte {
		var file bytes.Buffer
		if err := writeTIFF(&file, noisy(image.Pt(9, 9), false), nil); err != nil {
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
	if _, err := decodeTIFF(withTag(8, 2), Want{}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("%v; want ErrUnsupported", err)
	}
	for name, file := range map[string][]byte{"a fax": withTag(4, 2), "bits as usual": withTag(8, 1)} {
		if _, err := decodeTIFF(file, Want{}); errors.Is(err, ErrUnsupported) {
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
		p, err := decodeTIFF(fax(photometric), Want{})
		if err != nil {
			t.Fatal(err)
		}
		img, err := p.first()
		if err != nil {
			t.Fatal(err)
		}
		if got := color.GrayModel.Convert(img.At(3, 0)).(color.Gray).Y; got != want {
			t.Errorf("photometric %d: a white run is %d; want %d", photometric, got, want)
		}
	}
}

// icc=keep writes the profile of the source.
func TestTIFFKeepsProfile(t *testing.T) {
	result, err := resizeBytes(t, everything, readSample(t, "edge/p3.jpg"), options.Options{Width: 20, Format: options.TIFF, Profile: options.ProfileKeep})
	if err != nil {
		t.Fatal(err)
	}
	if name := icc.Description(tiffProfile(result.Body)); !strings.Contains(name, "P3") {
		t.Errorf("profile %q; want Display P3", name)
	}
}

// BenchmarkTIFF prints times of our writer and of that of x/image side by side.
func BenchmarkTIFF(b *testing.B) {
	p, err := decodeJPEG(readSample(b, "photos/still-life.jpg"), Want{})
	if err != nil {
		b.Fatal(err)
	}
	img, err := p.first()
	if err != nil {
		b.Fatal(err)
	}
	large := pixel.Copy(img)
	b.Run("ours", func(b *testing.B) {
		var file bytes.Buffer
		for b.Loop() {
			file.Reset()
			if err := writeTIFF(&file, large, nil); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(file.Len()), "bytes")
	})
	b.Run("x_image", func(b *testing.B) {
		var file bytes.Buffer
		for b.Loop() {
			file.Reset()
			if err := tiff.Encode(&file, large, &tiff.Options{Compression: tiff.Deflate}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(file.Len()), "bytes")
	})
}

// deflatedTIFF returns a file of ramps in strips of so many rows.
func deflatedTIFF(t testing.TB, w, h, samples, bits, rows int) []byte {
	t.Helper()
	le := binary.LittleEndian
	b := []byte("II*\x00\x00\x00\x00\x00")
	var offsets, lengths []byte
	for y0 := 0; y0 < h; y0 += rows {
		var strip bytes.Buffer
		z := zlib.NewWriter(&strip)
		for y := y0; y < min(h, y0+rows); y++ {
			line := make([]byte, w*samples*bits/8)
			for i := range line {
				line[i] = byte(i/7 + y)
			}
			_, _ = z.Write(line) // to memory
		}
		_ = z.Close()
		offsets, lengths = le.AppendUint32(offsets, uint32(len(b))), le.AppendUint32(lengths, uint32(strip.Len()))
		b = append(b, strip.Bytes()...)
	}
	place := func(data []byte) uint32 {
		if len(data) <= 4 {
			return le.Uint32(append(data, 0, 0, 0, 0))
		}
		at := len(b)
		b = append(b, data...)
		return uint32(at)
	}
	var depths []byte
	for range samples {
		depths = le.AppendUint16(depths, uint16(bits))
	}
	strips := uint32(len(offsets) / 4)
	entries := [][4]uint32{
		{256, 4, 1, uint32(w)}, {257, 4, 1, uint32(h)}, {258, 3, uint32(samples), place(depths)}, {259, 3, 1, 8}, {262, 3, 1, 2},
		{273, 4, strips, place(offsets)}, {277, 3, 1, uint32(samples)}, {278, 4, 1, uint32(rows)}, {279, 4, strips, place(lengths)},
	}
	if samples == 4 {
		entries = append(entries, [4]uint32{338, 3, 1, 2})
	}
	le.PutUint32(b[4:], uint32(len(b)))
	b = le.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		b = le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, uint16(e[0])), uint16(e[1])), e[2]), e[3])
	}
	return append(b, 0, 0, 0, 0)
}

// What the decoder would read as other pixels is refused: planes one behind the
// other, and what the directory leaves open.
func TestTIFFLayouts(t *testing.T) {
	if _, err := decodeTIFF(readOwn(t, "planar-tiles.tif"), Want{}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("planes: %v; want ErrUnsupported", err)
	}
	good := deflatedTIFF(t, 40, 30, 3, 8, 30)
	if _, err := decodeTIFF(good, Want{}); err != nil {
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
		if _, err := decodeTIFF(file, Want{}); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v; want ErrUnsupported", name, err)
		}
	}
}

func deepPalette(t *testing.T) []byte {
	file := deflatedTIFF(t, 8, 8, 1, 16, 8)
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
	img := pixel.Copy(toPNGBy(t, everything, readOwn(t, "map-of-8-bits.tif"), options.Options{}))
	for at, want := range map[image.Point]color.NRGBA{{}: {13, 4, 60, 255}, {X: 48, Y: 32}: {139, 129, 60, 255}, {X: 95, Y: 63}: {245, 250, 60, 255}} {
		if got := img.NRGBAAt(at.X, at.Y); got != want {
			t.Errorf("%v: %v; want %v", at, got, want)
		}
	}
}

// A predictor counts with the compressions that it is for, as other readers have
// it.
func TestTIFFStrayPredictor(t *testing.T) {
	m := noisy(image.Pt(20, 10), false)
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
	p, err := decodeTIFF(b, Want{})
	if err != nil {
		t.Fatal(err)
	}
	img, err := p.first()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pixel.Copy(img).Pix, m.Pix) {
		t.Error("other pixels")
	}
}
