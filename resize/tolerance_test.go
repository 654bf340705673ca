package resize

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	stdgif "image/gif"
	stdjpeg "image/jpeg"
	"image/png"
	"math/rand/v2"
	"slices"
	"testing"

	"s3imageserver/resize/icc"
	"s3imageserver/resize/jpeg"
	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
	ownpng "s3imageserver/resize/png"
)

// A pngPart is a chunk of a file that is taken apart and put together again.
type pngPart struct {
	kind string
	data []byte
	bad  bool // its checksum is wrong
}

func partsOfPNG(file []byte) (parts []pngPart) {
	for c := range ownpng.SoundChunks(file) {
		parts = append(parts, pngPart{c.Kind, c.Data, false})
	}
	return parts
}

func joinedPNG(parts ...pngPart) []byte {
	file := []byte(ownpng.Signature)
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
	for _, o := range []options.Options{{}, {Width: 11, Height: 7, Fit: options.Stretch}} {
		o.Format = options.PNG
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
		if p := picturetest.PSNR(got, toPNG(t, sound.Bytes(), o)); p < 1000 {
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
	got := toPNG(t, joinedPNG(with(rgb, "IDAT", profile)...), options.Options{})
	if p := picturetest.PSNR(got, pixels(joinedPNG(rgb...))); p > 40 {
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
		if _, err := resizeBytes(t, &Resizer{}, file, options.Options{Width: 9, Format: options.PNG}); !errors.Is(err, ErrMalformed) {
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
func shownDamaged(t *testing.T, name string, file []byte, o options.Options) image.Image {
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
		for _, o := range []options.Options{{Format: options.PNG}, {Width: 50, Format: options.PNG}} {
			got := shownDamaged(t, name, file, o)
			if got != nil && picturetest.PSNR(got, toPNG(t, whole, o)) < 1000 {
				t.Errorf("%s, %v: not the whole picture", name, o)
			}
		}
	}
	for _, o := range []options.Options{{Format: options.PNG}, {Width: 100, Format: options.PNG}} {
		got := shownDamaged(t, "cut in the middle", whole[:len(whole)/2], o)
		if got == nil {
			continue
		}
		want, side := toPNG(t, whole, o), got.Bounds().Dx()
		top := image.Rect(0, 0, side, side/3)
		if p := picturetest.PSNR(part(got, top), part(want, top)); p < 1000 {
			t.Errorf("%v: the top has %.1f dB", o, p)
		}
		if c := color.NRGBAModel.Convert(got.At(side/2, side-1)).(color.NRGBA); c.A != 0 {
			t.Errorf("%v: what is missing is %v", o, c)
		}
	}
	// Nothing is shown of what has no pixels.
	for name, file := range map[string][]byte{"cut in the header": whole[:20], "cut before the first row": whole[:45]} {
		if _, err := resizeBytes(t, shows, file, options.Options{Format: options.PNG}); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v; want ErrMalformed", name, err)
		}
	}
	if result, err := resizeBytes(t, shows, whole, options.Options{Format: options.PNG}); err != nil || result.Damaged {
		t.Errorf("a sound picture: %v, or damaged", err)
	}
	binary.BigEndian.PutUint32(whole[16:], 201)
	if _, err := resizeBytes(t, shows, whole, options.Options{Format: options.PNG}); !errors.Is(err, ErrMalformed) {
		t.Errorf("a header that lies: %v; want ErrMalformed", err)
	}
}

// part returns a part of an image, from 0, 0 on.
func part(m image.Image, r image.Rectangle) *image.NRGBA {
	return pixel.Copy(pixel.Copy(m).SubImage(r))
}

// photoJPEG returns a picture that is the same wherever it is made.
func photoJPEG(t *testing.T) image.Image {
	t.Helper()
	return toPNG(t, readSample(t, "orientation/upright.png"), options.Options{Width: 200, Height: 160, Fit: options.Stretch})
}

// withoutSegments returns a file without its segments of one kind.
func withoutSegments(file []byte, marker byte) (out []byte) {
	for s := range jpeg.Segments(file) {
		if s.Marker != marker {
			out = append(out, s.Whole...)
		}
	}
	return out
}

// What libjpeg and browsers show of files that are not as T.81 has them is shown,
// and what is sent is a sound file.
func TestToleratedJPEG(t *testing.T) {
	m := photoJPEG(t)
	var standard, own, progressive bytes.Buffer
	if err := stdjpeg.Encode(&standard, m, nil); err != nil { // with the tables of T.81
		t.Fatal(err)
	}
	if err := jpeg.Encode(&own, m, nil); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&progressive, m, &jpeg.EncodeOptions{Progressive: true}); err != nil {
		t.Fatal(err)
	}
	const markerSOF0, markerSOF2 = 0xc0, 0xc2
	sameIDs := func(file []byte) []byte {
		file = bytes.Clone(file)
		for s := range jpeg.Segments(file) { // segments alias the file
			switch s.Marker {
			case markerSOF0, markerSOF2:
				s.Payload[6], s.Payload[9], s.Payload[12] = 1, 1, 1
			case 0xda:
				for i := range int(s.Payload[0]) {
					s.Payload[1+2*i] = 1
				}
			}
		}
		return file
	}
	junk := func(file []byte) (out []byte) {
		for s := range jpeg.Segments(file) {
			out = append(append(out, s.Whole...), 0, 1, 2, 0xfe)
		}
		return out
	}
	for _, tt := range []struct {
		name        string
		file, sound []byte
	}{
		{"no Huffman tables", withoutSegments(standard.Bytes(), 0xc4), standard.Bytes()},
		{"components of one number", sameIDs(standard.Bytes()), standard.Bytes()},
		{"bytes behind SOI", slices.Concat([]byte{0xff, 0xd8, 0, 1, 2, 3}, own.Bytes()[2:]), own.Bytes()},
		{"bytes between segments", junk(own.Bytes()), own.Bytes()},
		{"bytes between segments, progressive", junk(progressive.Bytes()), progressive.Bytes()},
		{"no EOI", own.Bytes()[:own.Len()-2], own.Bytes()},
		{"half an EOI", own.Bytes()[:own.Len()-1], own.Bytes()},
		{"no EOI, progressive", progressive.Bytes()[:progressive.Len()-2], progressive.Bytes()},
		{"half an EOI, progressive", progressive.Bytes()[:progressive.Len()-1], progressive.Bytes()},
	} {
		for _, o := range []options.Options{{Format: options.PNG}, {Format: options.JPEG}, {Width: 100, Format: options.PNG}, {Width: 45, Format: options.PNG}, {Width: 12, Format: options.PNG}, {Width: 30, Height: 30, Format: options.PNG}} {
			got, err := resizeBytes(t, &Resizer{}, tt.file, o)
			if err != nil {
				t.Errorf("%s, %v: %v", tt.name, o, err)
				continue
			}
			want := made(t, tt.sound, o)
			pixels, _, err := image.Decode(bytes.NewReader(got.Body))
			if err != nil {
				t.Errorf("%s, %v: the result: %v", tt.name, o, err)
				continue
			}
			wanted, _, err := image.Decode(bytes.NewReader(want.Body))
			if err != nil {
				t.Fatal(err)
			}
			if p := picturetest.PSNR(pixels, wanted); p < 40 || o.Format == options.PNG && p < 1000 || got.Damaged {
				t.Errorf("%s, %v: %.1f dB to the right picture, damaged: %v", tt.name, o, p, got.Damaged)
			}
		}
	}
}

// A JPEG of which something is missing has the same status at every size, in
// whatever order it is coded; shown, its first rows are right, or all are coarse.
func TestDamagedJPEG(t *testing.T) {
	m := photoJPEG(t)
	files := map[string][]byte{}
	for _, progressive := range []bool{false, true} {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, &jpeg.EncodeOptions{Progressive: progressive, Quality: 90}); err != nil {
			t.Fatal(err)
		}
		files[map[bool]string{false: "baseline", true: "progressive"}[progressive]] = b.Bytes()
	}
	for name, whole := range files {
		for _, cut := range []int{len(whole) - 4, len(whole) - 12, len(whole) * 9 / 10, len(whole) * 2 / 3, len(whole) / 2} {
			for _, o := range []options.Options{{Format: options.PNG}, {Width: 100, Format: options.PNG}, {Width: 45, Format: options.PNG}, {Width: 12, Format: options.PNG}} {
				got := shownDamaged(t, name, whole[:cut], o)
				if got == nil {
					continue
				}
				want := toPNG(t, whole, o)
				side := got.Bounds().Dx()
				top := image.Rect(0, 0, side, max(1, side/5))
				least := 1000.0
				if name == "progressive" {
					least = 15
				}
				if o.Width == 12 {
					least = 20
				}
				if p := picturetest.PSNR(part(got, top), part(want, top)); p < least {
					t.Errorf("%s cut at %d of %d, %v: the top has %.1f dB", name, cut, len(whole), o, p)
				}
			}
		}
	}
	for _, n := range []int{0, 2, 20, 200} {
		if _, err := resizeBytes(t, shows, files["baseline"][:n], options.Options{Width: 20, Format: options.PNG}); err == nil {
			t.Errorf("shown by its first %d bytes", n)
		}
	}
}

// Behind a fault the next restart interval is right again.
func TestDamagedRestarts(t *testing.T) {
	for _, name := range []string{"restarts.jpg", "restarts-progressive.jpg"} {
		t.Run(name, func(t *testing.T) { testDamagedRestarts(t, readOwn(t, name)) })
	}
}

func testDamagedRestarts(t *testing.T, file []byte) {
	want := toPNG(t, file, options.Options{})
	size := want.Bounds().Size()
	var marks []int // where RST markers are
	for i := range len(file) - 1 {
		if file[i] == 0xff && file[i+1]&^7 == 0xd0 {
			marks = append(marks, i)
		}
	}
	if len(marks) < 8 {
		t.Fatalf("%d restart markers", len(marks))
	}
	at := marks[len(marks)/2]
	without := slices.Concat(file[:at], file[at+2:])
	misnumbered := bytes.Clone(file)
	misnumbered[at+1] = 0xd0 | (misnumbered[at+1]+4)&7
	lost := slices.Concat(file[:at], file[marks[len(marks)/2+1]:])
	twice := slices.Concat(file[:marks[len(marks)/2+1]], file[at:])
	flipped := bytes.Clone(file)
	for i := at + 10; i < marks[len(marks)/2+1]-2; i++ {
		flipped[i] = 0x5a ^ byte(i*7)&0x7f
	}
	for name, bad := range map[string][]byte{"without one": without, "misnumbered": misnumbered, "an interval is lost": lost, "one comes twice": twice, "codes that there are not": flipped} {
		for _, o := range []options.Options{{Format: options.PNG}, {Width: size.X / 2, Format: options.PNG}, {Width: size.X / 8, Format: options.PNG}} {
			if name == "codes that there are not" {
				if _, err := resizeBytes(t, &Resizer{}, bad, o); err == nil {
					continue // they are codes after all
				}
			}
			got := shownDamaged(t, name, bad, o)
			if got == nil {
				continue
			}
			sound := toPNG(t, file, o)
			g := got.Bounds().Size()
			for where, r := range map[string]image.Rectangle{"top": image.Rect(0, 0, g.X, g.Y/3), "bottom": image.Rect(0, g.Y-g.Y/4, g.X, g.Y)} {
				if p := picturetest.PSNR(part(got, r), part(sound, r)); p < 35 {
					t.Errorf("%s, %v: the %s has %.1f dB", name, o, where, p)
				}
			}
		}
	}
}

// animationOf returns a GIF of n frames of noise.
func animationOf(t *testing.T, n int, size image.Point) []byte {
	t.Helper()
	var g stdgif.GIF
	rng := rand.New(rand.NewPCG(9, 9))
	for range n {
		m := image.NewPaletted(image.Rectangle{Max: size}, color.Palette{color.NRGBA{0, 0, 0, 255}, color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 0, 255, 255}, color.NRGBA{9, 200, 9, 255}})
		for i := range m.Pix {
			m.Pix[i] = byte(rng.Uint32()) & 3
		}
		g.Image, g.Delay = append(g.Image, m), append(g.Delay, 7)
	}
	var b bytes.Buffer
	if err := stdgif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What browsers show of files that are not as GIF89a has them is shown.
func TestToleratedGIF(t *testing.T) {
	for _, frames := range []int{1, 3} {
		sound := animationOf(t, frames, image.Pt(40, 30))
		noScreen := bytes.Clone(sound)
		clear(noScreen[6:10])
		for name, file := range map[string][]byte{"no trailer": sound[:len(sound)-1], "a screen without a size": noScreen, "both": noScreen[:len(sound)-1]} {
			want, got := framesOf(t, sound, options.GIF), framesOf(t, file, options.GIF)
			if len(got) != frames {
				t.Errorf("%s: %d frames; want %d", name, len(got), frames)
				continue
			}
			for i := range got {
				if picturetest.PSNR(got[i], want[i]) < 1000 {
					t.Errorf("%s: frame %d is another one", name, i)
				}
			}
			if result := made(t, file, options.Options{Width: 20, Format: options.GIF}); result.Damaged || result.Size != image.Pt(20, 15) {
				t.Errorf("%s: %v, damaged: %v", name, result.Size, result.Damaged)
			}
		}
	}
	// Of an animation that ends within a frame the others are shown.
	file := animationOf(t, 3, image.Pt(40, 30))
	want := framesOf(t, file, options.GIF)
	got := framesOf(t, file[:len(file)-20], options.GIF)
	if len(got) != 2 || picturetest.PSNR(got[0], want[0]) < 1000 || picturetest.PSNR(got[1], want[1]) < 1000 {
		t.Errorf("cut in the last of 3 frames: %d frames, or others", len(got))
	}
}

// A damaged GIF shows the rows that there are, and its other frames.
func TestDamagedGIF(t *testing.T) {
	still := animationOf(t, 1, image.Pt(40, 30))
	cut := still[:len(still)*2/3]
	got := shownDamaged(t, "cut", cut, options.Options{Format: options.PNG})
	want := toPNG(t, still, options.Options{})
	top := image.Rect(0, 0, 40, 10)
	if got != nil && picturetest.PSNR(part(got, top), part(want, top)) < 1000 {
		t.Error("the top is another one")
	}
	if got != nil {
		if _, _, _, a := got.At(39, 29).RGBA(); a != 0 {
			t.Error("there is something where nothing was read")
		}
	}
	file := animationOf(t, 3, image.Pt(40, 30))
	bad := bytes.Clone(file)
	descriptor := []byte{0x2c, 0, 0, 0, 0, 40, 0, 30, 0}
	second := bytes.Index(bad, descriptor) + 1
	second += bytes.Index(bad[second:], descriptor)
	for i := second + 150; i < second+154; i++ { // within the pixels
		bad[i] = 0xff
	}
	if _, err := resizeBytes(t, &Resizer{}, bad, options.Options{Format: options.GIF}); !errors.Is(err, ErrMalformed) {
		t.Fatalf("codes that there are not: %v; want ErrMalformed", err)
	}
	result, err := resizeBytes(t, shows, bad, options.Options{Format: options.GIF})
	if err != nil || !result.Damaged {
		t.Fatalf("shown: %v, or not marked", err)
	}
	frames, sound := framesOf(t, result.Body, options.GIF), framesOf(t, file, options.GIF)
	if len(frames) != 3 || picturetest.PSNR(frames[0], sound[0]) < 1000 || picturetest.PSNR(frames[2], sound[2]) < 1000 {
		t.Errorf("%d frames, or the whole ones are others", len(frames))
	}
	// The first frame alone is not damaged.
	if result, err := resizeBytes(t, shows, bad, options.Options{Format: options.PNG}); err != nil || result.Damaged {
		t.Errorf("its first frame: %v, or marked", err)
	}
}

// An animation is one however many frames it has, as long as all of them together
// are not too large; of many small frames too the number is bounded.
func TestManyFrames(t *testing.T) {
	file := animationOf(t, 250, image.Pt(12, 8))
	for _, tt := range []struct {
		limits Limits
		want   int
	}{
		{Limits{}, 250},
		{Limits{FramePixels: 250 * 12 * 8}, 250},
		{Limits{FramePixels: 250*12*8 - 1}, 1},
		{Limits{Frames: 249}, 1},
	} {
		result, err := resizeBytes(t, &Resizer{Limits: tt.limits}, file, options.Options{Format: options.GIF})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(framesOf(t, result.Body, options.GIF)); got != tt.want {
			t.Errorf("%+v: %d frames; want %d", tt.limits, got, tt.want)
		}
	}
}

// Of frames that are not shown nothing is kept or copied, and what is shown is
// what it would be beside the others.
func TestOnlyFrame(t *testing.T) {
	source := readSample(t, "photos/orbit.gif")
	animated := made(t, source, options.Options{Format: options.WebP, Lossless: true}).Body
	for format, file := range map[options.Format][]byte{options.GIF: source, options.WebP: animated} {
		all := framesOf(t, file, format)
		for _, page := range []int{1, 2, 5, len(all), len(all) + 9} {
			want := Want{Limits: Limits{}.withDefaults(), only: page}
			p, err := codecOf(format).decode(file, want)
			if err != nil {
				t.Fatal(err)
			}
			m, err := p.first()
			if err != nil || p.Count != 1 || picturetest.PSNR(m, all[min(page, len(all))-1]) < 1000 {
				t.Errorf("%v, page %d: %d frames, %v, or another picture", format, page, p.Count, err)
			}
		}
	}
}

// BMP with the headers of OS/2 are read like those of Windows.
func TestBMPOfOS2(t *testing.T) {
	le := binary.LittleEndian
	size := image.Pt(7, 5)
	for _, bits := range []int{1, 4, 8, 24} {
		palette := make([]byte, 0, 4*256)
		if bits <= 8 {
			for i := range 1 << bits {
				palette = append(palette, byte(i*31), byte(i*7+3), byte(255-i*5), 0)
			}
		}
		stride := (size.X*bits + 31) / 32 * 4
		pixels := make([]byte, stride*size.Y)
		for i := range pixels {
			pixels[i] = byte(i*i + 5*i)
		}
		file := func(header, palette []byte) []byte {
			b := append([]byte("BM"), make([]byte, 12)...)
			b = slices.Concat(b, header, palette)
			le.PutUint32(b[10:], uint32(len(b)))
			return append(b, pixels...)
		}
		windows := le.AppendUint32(nil, 40)
		windows = le.AppendUint32(le.AppendUint32(windows, uint32(size.X)), uint32(size.Y))
		windows = append(le.AppendUint16(le.AppendUint16(windows, 1), uint16(bits)), make([]byte, 24)...)
		two := append(bytes.Clone(windows), make([]byte, 24)...)
		le.PutUint32(two, 64)
		short := bytes.Clone(windows[:16])
		le.PutUint32(short, 16)
		one := le.AppendUint32(nil, 12)
		for _, v := range []int{size.X, size.Y, 1, bits} {
			one = le.AppendUint16(one, uint16(v))
		}
		var triples []byte
		for i := 0; i < len(palette); i += 4 {
			triples = append(triples, palette[i:i+3]...)
		}
		r := &Resizer{Limits: Limits{Formats: []options.Format{options.BMP}}}
		want, err := resizeBytes(t, r, file(windows, palette), options.Options{Format: options.PNG})
		if err != nil {
			t.Fatal(err)
		}
		for name, f := range map[string][]byte{"12 bytes": file(one, triples), "16 bytes": file(short, palette), "64 bytes": file(two, palette)} {
			got, err := resizeBytes(t, r, f, options.Options{Format: options.PNG})
			if err != nil || !bytes.Equal(got.Body, want.Body) {
				t.Errorf("a header of %s, %d bits: %v, or another picture", name, bits, err)
			}
			for n := range f {
				if _, err := resizeBytes(t, r, f[:n], options.Options{Format: options.PNG}); err == nil {
					t.Fatalf("a header of %s, %d bits: %d of %d bytes are a picture", name, bits, n, len(f))
				}
			}
		}
	}
}
