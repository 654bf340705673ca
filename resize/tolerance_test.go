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
	"slices"
	"testing"

	"s3imageserver/resize/icc"
)

// A pngPart is a chunk of a file that is taken apart and put together again.
type pngPart struct {
	kind string
	data []byte
	bad  bool // its checksum is wrong
}

func partsOfPNG(file []byte) (parts []pngPart) {
	for kind, data := range pngChunks(file) {
		parts = append(parts, pngPart{kind, data, false})
	}
	return parts
}

func joinedPNG(parts ...pngPart) []byte {
	file := []byte(pngSignature)
	for _, p := range parts {
		chunk := pngChunk(p.kind, p.data)
		if p.bad {
			chunk[len(chunk)-1] ^= 1
		}
		file = append(file, chunk...)
	}
	return file
}

// with returns parts with one more in front of the first one of that kind.
func with(parts []pngPart, before string, p pngPart) []pngPart {
	i := slices.IndexFunc(parts, func(q pngPart) bool { return q.kind == before })
	return slices.Insert(slices.Clone(parts), i, p)
}

func without(parts []pngPart, kind string) []pngPart {
	return slices.DeleteFunc(slices.Clone(parts), func(p pngPart) bool { return p.kind == kind })
}

// spoiled returns parts with a wrong checksum of every chunk of that kind.
func spoiled(parts []pngPart, kind string) []pngPart {
	parts = slices.Clone(parts)
	for i := range parts {
		parts[i].bad = parts[i].bad || parts[i].kind == kind
	}
	return parts
}

// shownAs compares what is made of a file with the picture that it should be.
func shownAs(t *testing.T, name string, file []byte, want image.Image) {
	t.Helper()
	for _, o := range []Options{{}, {Width: 11, Height: 7, Fit: Stretch}} {
		o.Format = PNG
		result, err := resizeBytes(t, &Resizer{}, file, o)
		if err != nil {
			t.Errorf("%s, %v: %v", name, o, err)
			continue
		}
		if result.Damaged {
			t.Errorf("%s, %v: counts as damaged", name, o)
		}
		// What is sent is a file that nobody needs to be tolerant of.
		got, err := png.Decode(bytes.NewReader(result.Body))
		if err != nil {
			t.Errorf("%s, %v: the result: %v", name, o, err)
			continue
		}
		var sound bytes.Buffer
		if err := png.Encode(&sound, want); err != nil {
			t.Fatal(err)
		}
		if p := psnr(got, toPNG(t, sound.Bytes(), o)); p < 1000 {
			t.Errorf("%s, %v: %.1f dB to the right picture", name, o, p)
		}
	}
}

// What libpng and browsers show of files that are not as the specification has
// them is shown, and what is sent is a sound file.
func TestToleratedPNG(t *testing.T) {
	size := image.Pt(33, 21)
	rows := func(bits int) []byte {
		stride := 1 + (size.X*bits+7)/8
		b := make([]byte, stride*size.Y)
		for i := range b {
			b[i] = byte(i*7 + i/stride*31)
			if i%stride == 0 {
				b[i] = byte(i / stride % 5)
			}
		}
		return b
	}
	pixels := func(file []byte) image.Image {
		m, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	var (
		rgb       = partsOfPNG(rawPNG(pngKind{8, 2, 0, false}, size, rows(24)))
		grayAlpha = partsOfPNG(rawPNG(pngKind{8, 4, 0, false}, size, rows(16)))
		gray      = partsOfPNG(rawPNG(pngKind{16, 0, 1, false}, size, make([]byte, 2000)))
		palette   = partsOfPNG(rawPNG(pngKind{4, 3, 0, false}, size, rows(4)))
		trns      = pngPart{kind: "tRNS", data: []byte{0, 100, 200}}
		profile   = pngPart{kind: "iCCP", data: append([]byte("p3\x00\x00"), zipped(t, icc.Numbers(12, 13))...)}
		more      = slices.Clone(rgb)
	)
	more[1].data = zipped(t, append(rows(24), make([]byte, 5000)...))
	split := slices.Clone(rgb)
	split[1].data = rgb[1].data[:30]
	split = slices.Insert(split, 2, pngPart{kind: "IDAT"}, pngPart{kind: "tEXt", data: []byte("a\x00b")}, pngPart{kind: "IDAT", data: rgb[1].data[30:]})
	for _, tt := range []struct {
		name  string
		file  []byte
		sound []pngPart
	}{
		{"a text with a wrong checksum", joinedPNG(with(rgb, "IDAT", pngPart{"tEXt", []byte("a\x00b"), true})...), rgb},
		{"gAMA with a wrong checksum", joinedPNG(with(rgb, "IDAT", pngPart{"gAMA", []byte{0, 1, 0x86, 0xa0}, true})...), rgb},
		{"a profile with a wrong checksum, which nobody can trust", joinedPNG(with(rgb, "IDAT", pngPart{"iCCP", profile.data, true})...), rgb},
		{"transparency with a wrong checksum", joinedPNG(with(palette, "IDAT", pngPart{"tRNS", trns.data, true})...), palette},
		{"IEND with a wrong checksum", joinedPNG(spoiled(rgb, "IEND")...), rgb},
		{"no IEND", joinedPNG(without(rgb, "IEND")...), rgb},
		{"no IEND, of a palette", joinedPNG(without(palette, "IEND")...), palette},
		{"IEND cut off", joinedPNG(rgb...)[:len(joinedPNG(rgb...))-7], rgb},
		{"more rows than the header says", joinedPNG(more...), rgb},
		{"transparency before the palette", joinedPNG(with(palette, "PLTE", trns)...), palette},
		{"transparency behind the pixels", joinedPNG(with(palette, "IEND", trns)...), palette},
		{"transparency of grey with alpha", joinedPNG(with(grayAlpha, "IDAT", pngPart{kind: "tRNS", data: []byte{0, 7}})...), grayAlpha},
		{"transparency of a wrong length", joinedPNG(with(rgb, "IDAT", pngPart{kind: "tRNS", data: []byte{0, 7}})...), rgb},
		{"gAMA and sBIT behind the pixels", joinedPNG(with(with(rgb, "IEND", pngPart{kind: "gAMA", data: []byte{0, 0, 0xb1, 0x8f}}), "IEND", pngPart{kind: "sBIT", data: []byte{8, 8, 8}})...), rgb},
		{"a palette of grey", joinedPNG(with(gray, "IDAT", pngPart{kind: "PLTE", data: []byte{1, 2, 3}})...), gray},
		{"a palette behind the pixels", joinedPNG(with(rgb, "IEND", pngPart{kind: "PLTE", data: []byte{1, 2, 3}})...), rgb},
		{"two palettes", joinedPNG(with(palette, "IDAT", pngPart{kind: "PLTE", data: []byte{1, 2, 3}})...), palette},
		{"chunks between those of the pixels", joinedPNG(split...), rgb},
		{"a critical chunk that nobody knows", joinedPNG(with(rgb, "IDAT", pngPart{kind: "ABCD"})...), rgb},
		{"a broken chunk behind the pixels", append(joinedPNG(without(rgb, "IEND")...), "\x7f\xff\xff\xfftEXtabc"...), rgb},
	} {
		shownAs(t, tt.name, tt.file, pixels(joinedPNG(tt.sound...)))
	}
	// The profile counts where it is whole.
	got := toPNG(t, joinedPNG(with(rgb, "IDAT", profile)...), Options{})
	if p := psnr(got, pixels(joinedPNG(rgb...))); p > 40 {
		t.Errorf("a profile of P3 changes nothing: %.1f dB", p)
	}
	for name, file := range map[string][]byte{
		"IHDR with a wrong checksum":                     joinedPNG(spoiled(rgb, "IHDR")...),
		"a palette with a wrong checksum that is needed": joinedPNG(spoiled(palette, "PLTE")...),
		"a palette behind the pixels that need it":       joinedPNG(with(without(palette, "PLTE"), "IEND", palette[1])...),
		"no pixels":         joinedPNG(without(rgb, "IDAT")...),
		"two headers":       joinedPNG(with(rgb, "IDAT", rgb[0])...),
		"pixels cut off":    joinedPNG(rgb...)[:200],
		"depth 3":           joinedPNG(append([]pngPart{{kind: "IHDR", data: slices.Concat(rgb[0].data[:8], []byte{3, 0, 0, 0, 0})}}, rgb[1:]...)...),
		"compression 1":     joinedPNG(append([]pngPart{{kind: "IHDR", data: slices.Concat(rgb[0].data[:8], []byte{8, 2, 1, 0, 0})}}, rgb[1:]...)...),
		"pixels of a chunk": joinedPNG(spoiled(rgb, "IDAT")...),
	} {
		if _, err := resizeBytes(t, &Resizer{}, file, Options{Width: 9, Format: PNG}); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
}

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// shows is what damaged pictures are shown by.
var shows = &Resizer{ShowDamaged: true}

// shownDamaged returns what is shown of a damaged file, which is refused where
// that is not asked for, and never kept.
func shownDamaged(t *testing.T, name string, file []byte, o Options) image.Image {
	t.Helper()
	if _, err := resizeBytes(t, &Resizer{}, file, o); !errors.Is(err, ErrMalformed) {
		t.Errorf("%s: %v; want ErrMalformed", name, err)
	}
	kept := false
	result, err := shows.Resize(t.Context(), Source{Body: bytes.NewReader(file), Size: int64(len(file)), Keep: func([]byte) { kept = true }}, o)
	if err != nil {
		t.Errorf("%s, shown: %v", name, err)
		return nil
	}
	if !result.Damaged || kept {
		t.Errorf("%s: damaged %v, kept %v", name, result.Damaged, kept)
	}
	if bytes.Equal(result.Body, file) {
		t.Errorf("%s: sent as it is", name)
	}
	m, _, err := image.Decode(bytes.NewReader(result.Body))
	if err != nil {
		t.Fatal(name, err)
	}
	return m
}

// A damaged PNG shows its first rows, and nothing where the others would be.
func TestDamagedPNG(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 200, 200))
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range m.Pix {
		m.Pix[i] = byte(rng.Uint32())
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	parts := partsOfPNG(whole)
	sum := slices.Clone(parts)
	last := &sum[len(sum)-2] // before IEND
	last.data = bytes.Clone(last.data)
	last.data[len(last.data)-1] ^= 1
	for name, file := range map[string][]byte{
		"a wrong checksum of the pixels' chunk": joinedPNG(spoiled(parts, "IDAT")...),
		"a wrong checksum of the pixels":        joinedPNG(sum...),
	} {
		for _, o := range []Options{{Format: PNG}, {Width: 50, Format: PNG}} {
			got := shownDamaged(t, name, file, o)
			if got != nil && psnr(got, toPNG(t, whole, o)) < 1000 {
				t.Errorf("%s, %v: not the whole picture", name, o)
			}
		}
	}
	for _, o := range []Options{{Format: PNG}, {Width: 100, Format: PNG}} {
		got := shownDamaged(t, "cut in the middle", whole[:len(whole)/2], o)
		if got == nil {
			continue
		}
		want, side := toPNG(t, whole, o), got.Bounds().Dx()
		top := image.Rect(0, 0, side, side/3)
		if p := psnr(part(got, top), part(want, top)); p < 1000 {
			t.Errorf("%v: the top has %.1f dB", o, p)
		}
		if c := color.NRGBAModel.Convert(got.At(side/2, side-1)).(color.NRGBA); c.A != 0 {
			t.Errorf("%v: what is missing is %v", o, c)
		}
	}
	// Nothing is shown of what has no pixels.
	for name, file := range map[string][]byte{"cut in the header": whole[:20], "cut before the first row": whole[:45]} {
		if _, err := resizeBytes(t, shows, file, Options{Format: PNG}); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
	if result, err := resizeBytes(t, shows, whole, Options{Format: PNG}); err != nil || result.Damaged {
		t.Errorf("a sound picture: %v, or damaged", err)
	}
	binary.BigEndian.PutUint32(whole[16:], 201)
	if _, err := resizeBytes(t, shows, whole, Options{Format: PNG}); !errors.Is(err, ErrMalformed) {
		t.Errorf("a header that lies: %v; want ErrMalformed", err)
	}
}

// part returns a part of an image, from 0, 0 on.
func part(m image.Image, r image.Rectangle) *image.NRGBA {
	return toNRGBA(toNRGBA(m).SubImage(r))
}
