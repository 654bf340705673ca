package resize

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"slices"
	"testing"

	"s3imageserver/resize/heif"
	"s3imageserver/resize/isobmff"
	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
)

// The opacity of HEIC is that of the picture that it was made of.
func TestHEICMask(t *testing.T) {
	photo := toPNG(t, readOwn(t, "photo.png"), options.Options{})
	want := image.NewNRGBA(photo.Bounds())
	for y := range want.Rect.Dy() {
		for x := range want.Rect.Dx() {
			c := color.NRGBAModel.Convert(photo.At(x, y)).(color.NRGBA)
			c.A = byte(17 * x / 8)
			want.SetNRGBA(x, y, c)
		}
	}
	file := readOwn(t, "photo-alpha.heic")
	compareAlpha(t, "photo-alpha.heic", toPNGBy(t, everything, file, options.Options{}), want)
	if info, err := heicCodec.config(file); err != nil || !info.Alpha || info.Size != image.Pt(121, 91) {
		t.Errorf("%+v, %v; want alpha and 121 x 91", info, err)
	}
	if info, _ := heicCodec.config(readOwn(t, "photo.heic")); info.Alpha {
		t.Error("an opaque file has alpha")
	}
	// The rows of this one are shorter than those that the decoder has at least.
	icon, err := png.Decode(bytes.NewReader(readOwn(t, "icon.png")))
	if err != nil {
		t.Fatal(err)
	}
	compareAlpha(t, "icon.heic", toPNGBy(t, everything, readOwn(t, "icon.heic"), options.Options{}), pixel.Copy(icon))
}

func compareAlpha(t *testing.T, name string, got image.Image, want *image.NRGBA) {
	t.Helper()
	g := pixel.Copy(got)
	if g.Rect != want.Rect {
		t.Fatalf("%s: %v; want %v", name, g.Rect, want.Rect)
	}
	worst := 0
	for i := 3; i < len(want.Pix); i += 4 {
		worst = max(worst, abs(int(g.Pix[i])-int(want.Pix[i])))
	}
	if worst > 12 {
		t.Errorf("%s: alpha differs by %d", name, worst)
	}
	opaque := pixel.Copy(want)
	for i := 0; i < len(want.Pix); i += 4 {
		if want.Pix[i+3] < 64 { // nobody sees these colours
			clear(g.Pix[i : i+4])
			clear(opaque.Pix[i : i+4])
		}
	}
	setOpaque(g)
	setOpaque(opaque)
	if p := picturetest.PSNR(g, opaque); p < 30 {
		t.Errorf("%s: PSNR %.1f dB", name, p)
	}
}

// clap is a clean aperture of whole pixels in a picture of that size.
func clap(size image.Point, r image.Rectangle) []byte {
	var b []byte
	for _, n := range []int{r.Dx(), 1, r.Dy(), 1, 2*r.Min.X + r.Dx() - size.X, 2, 2*r.Min.Y + r.Dy() - size.Y, 2} {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(n)))
	}
	return isobmff.Make("clap", b)
}

// withProperties returns a HEIF file with properties more for its primary item.
func withProperties(t *testing.T, file []byte, more ...[]byte) []byte {
	t.Helper()
	h, err := heif.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	out := bytes.Clone(file)
	meta, _ := isobmff.Find(out, "meta")
	body := meta.Data[4:]
	iprp, _ := isobmff.Find(body, "iprp")
	old, _ := isobmff.Find(iprp.Data, "ipco")
	ipco := slices.Concat(old.Data, slices.Concat(more...))
	var ipma []byte
	for _, id := range slices.Sorted(maps.Keys(h.Meta.Items)) {
		places := h.Meta.Items[id].Properties
		if id == h.Meta.Primary {
			for i := range more {
				places = append(places, len(h.Meta.Properties)+1+i)
			}
		}
		ipma = append(binary.BigEndian.AppendUint16(ipma, uint16(id)), byte(len(places)))
		for _, p := range places {
			ipma = append(ipma, 0x80|byte(p))
		}
	}
	ipma = append([]byte{0, 0, 0, 0, 0, 0, 0, byte(len(h.Meta.Items))}, ipma...)
	// The new box lies at the end, so that no offset changes.
	var parts [][]byte
	for x := range isobmff.Boxes(body) {
		if x.Kind != "iprp" {
			parts = append(parts, isobmff.Make(x.Kind, x.Data))
		}
	}
	parts = append(parts, isobmff.Make("iprp", isobmff.Make("ipco", ipco), isobmff.Make("ipma", ipma)))
	copy(meta.Name, "free")
	return append(out, isobmff.Make("meta", append([][]byte{make([]byte, 4)}, parts...)...)...)
}

// Clean apertures, turns and mirrors are those of the file, in its order.
func TestHEIFTransformations(t *testing.T) {
	photo := pixel.Copy(toPNG(t, readOwn(t, "photo.png"), options.Options{}))
	heicFile := repeatedOnce(t, readOwn(t, "photo.heic")) // without the grid that the file has
	whole := image.Pt(122, 92)
	part := image.Rect(12, 20, 74, 60)
	at := func(f func(x, y int) (int, int), w, h int) *image.NRGBA {
		out := image.NewNRGBA(image.Rect(0, 0, w, h))
		for y := range h {
			for x := range w {
				sx, sy := f(x, y)
				out.SetNRGBA(x, y, photo.NRGBAAt(sx, sy))
			}
		}
		return out
	}
	tests := []struct {
		name string
		file []byte
		want *image.NRGBA
	}{
		{"an AVIF of avifenc: cropped, turned to the left", readOwn(t, "photo-part.avif"),
			at(func(x, y int) (int, int) { return 11 + 62 - y, 20 + x }, 41, 63)},
		{"clap", withProperties(t, heicFile, clap(whole, part)),
			at(func(x, y int) (int, int) { return 12 + x, 20 + y }, 62, 40)},
		{"clap of odd places", withProperties(t, heicFile, clap(whole, image.Rect(13, 21, 74, 60))),
			at(func(x, y int) (int, int) { return 13 + x, 21 + y }, 61, 39)},
		{"clap, then irot", withProperties(t, heicFile, clap(whole, part), isobmff.Make("irot", []byte{1})),
			at(func(x, y int) (int, int) { return 12 + 61 - y, 20 + x }, 40, 62)},
		{"clap, then imir", withProperties(t, heicFile, clap(whole, part), isobmff.Make("imir", []byte{1})),
			at(func(x, y int) (int, int) { return 12 + 61 - x, 20 + y }, 62, 40)},
		{"irot, then clap", withProperties(t, heicFile, isobmff.Make("irot", []byte{3}), clap(image.Pt(92, 122), image.Rect(5, 7, 45, 69))),
			at(func(x, y int) (int, int) { return 7 + y, 91 - 5 - x }, 40, 62)},
	}
	for _, tt := range tests {
		got := toPNGBy(t, everything, tt.file, options.Options{})
		if got.Bounds() != tt.want.Rect {
			t.Errorf("%s: %v; want %v", tt.name, got.Bounds(), tt.want.Rect)
			continue
		}
		if p := picturetest.PSNR(got, tt.want); p < 29 {
			t.Errorf("%s: PSNR %.1f dB", tt.name, p)
		}
		// What the header says is what a box is laid in.
		small := toPNGBy(t, everything, tt.file, options.Options{Width: 20})
		if want := options.RoundDown.Scaled(tt.want.Rect.Dy(), 20, tt.want.Rect.Dx()); small.Bounds().Dy() != want {
			t.Errorf("%s: 20 x %d; want 20 x %d", tt.name, small.Bounds().Dy(), want)
		}
	}
}

// repeatedOnce returns a file with the first tile of a grid as its only item.
func repeatedOnce(t *testing.T, file []byte) []byte {
	t.Helper()
	h, err := heif.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	tiles := h.Meta.Items[h.Meta.Primary].Parts
	if len(tiles) == 0 {
		t.Fatal("no grid")
	}
	out := bytes.Clone(file)
	meta, _ := isobmff.Find(out, "meta")
	pitm, _ := isobmff.Find(meta.Data[4:], "pitm")
	binary.BigEndian.PutUint16(pitm.Data[4:], uint16(tiles[0]))
	return out
}

// HEIC files that libheif itself wrote were refused by its older version: for a
// box that counts one channel, and for rows shorter than it has in memory.
func TestCorpusHEIC(t *testing.T) {
	for name, want := range map[string]image.Point{
		"libheif__hevc32.heif": {32, 32}, "libheif__rainbow-451x461.heic": {451, 461}, "libheif__with-alpha-512x512.heic": {512, 512}, "thumbor__image.heic": {256, 256},
	} {
		if _, err := os.Stat(corpusFolder); err != nil {
			t.Skip("not tested with the corpus of pictures: ", err)
		}
		img := toPNGBy(t, everything, readCorpus(t, "heic/"+name), options.Options{})
		if img.Bounds().Size() != want {
			t.Errorf("%s: %v; want %v", name, img.Bounds().Size(), want)
		}
		if o, ok := img.(interface{ Opaque() bool }); ok && o.Opaque() == (want.X == 512) {
			t.Errorf("%s: opaque is %v", name, o.Opaque())
		}
	}
}

// A grid of several tiles, as telephones write it, is put together.
func TestHEICGrid(t *testing.T) {
	photo := pixel.Copy(toPNG(t, readOwn(t, "photo.png"), options.Options{}))
	file := repeatedOnce(t, readOwn(t, "photo.heic"))
	h, err := heif.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	got := pixel.Copy(toPNGBy(t, everything, gridOf(t, file, h.Meta.Primary, 2), options.Options{}))
	if got.Rect.Size() != image.Pt(2*122, 92) {
		t.Fatalf("%v; want two pictures beside each other", got.Rect)
	}
	for _, x := range []int{0, 122} {
		tile := got.SubImage(image.Rect(x, 0, x+121, 91))
		if p := picturetest.PSNR(pixel.Copy(tile), photo); p < 30 {
			t.Errorf("tile at %d: PSNR %.1f dB", x, p)
		}
	}
}

// gridOf returns a file in which the picture of one item stands so many times
// beside itself: a grid (ISO/IEC 23008-12, section 6.6.2.3).
func gridOf(t *testing.T, file []byte, item uint32, times int) []byte {
	t.Helper()
	h, err := heif.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := h.Meta.Data(file, item)
	if err != nil {
		t.Fatal(err)
	}
	var config isobmff.Box
	var tile image.Point
	for _, p := range h.Meta.Of(item) {
		switch p.Kind {
		case "hvcC":
			config = p
		case "ispe":
			tile = image.Pt(int(binary.BigEndian.Uint32(p.Data[4:])), int(binary.BigEndian.Uint32(p.Data[8:])))
		}
	}
	size := image.Pt(times*tile.X, tile.Y)
	be16 := func(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
	be32 := func(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
	extent := func(p image.Point) []byte { return isobmff.Make("ispe", make([]byte, 4), be32(p.X), be32(p.Y)) }
	channels := []byte{0, 0, 0, 0, 3, 8, 8, 8}
	// Every tile is an item of its own, with the same bytes: libheif allows no
	// item twice. The grid is the last one.
	all, last := be16(times+1), be16(times+1)
	entry := func(id []byte, kind string) []byte {
		return isobmff.Make("infe", []byte{2, 0, 0, 0}, id, []byte{0, 0}, []byte(kind), []byte{0})
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
	ftyp := isobmff.Make("ftyp", []byte("heic\x00\x00\x00\x00mif1heic"))
	meta := func(at int) []byte {
		var iloc []byte
		for i := range times {
			iloc = slices.Concat(iloc, be16(i+1), []byte{0, 0, 0, 0, 0, 1}, be32(at), be32(len(data)))
		}
		iloc = slices.Concat(iloc, last, []byte{0, 1, 0, 0, 0, 1}, be32(0), be32(len(grid)))
		return isobmff.Make("meta", make([]byte, 4),
			isobmff.Make("hdlr", make([]byte, 8), []byte("pict"), make([]byte, 13)),
			isobmff.Make("pitm", make([]byte, 4), last),
			isobmff.Make("iloc", []byte{1, 0, 0, 0, 0x44, 0}, all, iloc), // offsets and lengths of four bytes
			isobmff.Make("idat", grid),
			isobmff.Make("iinf", make([]byte, 4), all, entries),
			isobmff.Make("iref", make([]byte, 4), isobmff.Make("dimg", last, be16(times), dimg)),
			isobmff.Make("iprp",
				isobmff.Make("ipco", isobmff.Make("hvcC", config.Data), extent(tile), extent(size), isobmff.Make("pixi", channels)),
				isobmff.Make("ipma", make([]byte, 4), be32(times+1), ipma)))
	}
	const header = 8 // of mdat
	at := len(ftyp) + len(meta(0)) + header
	return slices.Concat(ftyp, meta(at), isobmff.Make("mdat", data))
}

// Grids whose rows are shorter than libheif has them in memory are read, too.
func TestNarrowHEICGrid(t *testing.T) {
	if _, err := os.Stat(corpusFolder); err != nil {
		t.Skip("not tested with the corpus of pictures: ", err)
	}
	file := readCorpus(t, "heic/libheif__hevc32.heif")
	h, err := heif.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	one := pixel.Copy(toPNGBy(t, everything, file, options.Options{}))
	got := pixel.Copy(toPNGBy(t, everything, gridOf(t, file, h.Meta.Primary, 1), options.Options{}))
	if got.Rect.Size() != image.Pt(64, 64) {
		t.Fatalf("%v; want the coded picture", got.Rect)
	}
	if p := picturetest.PSNR(pixel.Copy(got.SubImage(one.Rect)), one); p < 30 {
		t.Errorf("PSNR %.1f dB to the picture that is no grid", p)
	}
}

// A HEIC file is one by any of its brands.
func TestHEICBrands(t *testing.T) {
	file := readOwn(t, "photo.heic")
	want := toPNGBy(t, everything, file, options.Options{})
	for _, brand := range []string{"mif1", "msf1", "hevc", "heim", "heis", "heix", "hevx"} {
		other := bytes.Clone(file)
		ftyp, _ := isobmff.Find(other, "ftyp")
		copy(ftyp.Data, brand)
		if string(ftyp.Data[8:12]) != "mif1" && string(ftyp.Data[8:12]) != "heic" {
			t.Fatalf("compatible with %q", ftyp.Data[8:])
		}
		copy(ftyp.Data[8:], "heic")
		if p := picturetest.PSNR(toPNGBy(t, everything, other, options.Options{}), want); p < 60 {
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
			if _, err := resizeBytes(t, everything, file[:len(file)*percent/100], options.Options{Format: options.PNG}); !errors.Is(err, ErrMalformed) {
				t.Errorf("%d %% of %s: %v; want ErrMalformed", percent, name, err)
			}
		}
	}
}

// withOther returns the file with other data in all properties of a kind.
func withOther(t *testing.T, file []byte, kind string, change func(data []byte)) []byte {
	t.Helper()
	out := bytes.Clone(file)
	meta, _ := isobmff.Find(out, "meta")
	iprp, _ := isobmff.Find(meta.Data[4:], "iprp")
	ipco, _ := isobmff.Find(iprp.Data, "ipco")
	n := 0
	for p := range isobmff.Boxes(ipco.Data) {
		if p.Kind == kind {
			change(p.Data)
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
	if _, err := resizeBytes(t, everything, lie, options.Options{Format: options.PNG}); !errors.Is(err, ErrMalformed) {
		t.Errorf("AV1 in a box of 16 x 16: %v; want ErrMalformed", err)
	}
	blind := withOther(t, lie, "av1C", func(b []byte) { clear(b[4:]) }) // no OBUs that tell
	if _, err := resizeBytes(t, everything, blind, options.Options{Format: options.PNG}); !errors.Is(err, ErrMalformed) {
		t.Errorf("the same without OBUs in the box: %v; want ErrMalformed", err)
	}
}

// Chroma is that of the file up to the edges, where libheif's way to RGB and back
// shows.
func TestHEICColoursAtEdges(t *testing.T) {
	const width, height, step, blurred = 128, 96, 48, 5
	img := pixel.Copy(toPNGBy(t, everything, readOwn(t, "ramps.heic"), Options{}))
	if img.Rect.Size() != image.Pt(width, height) {
		t.Fatalf("%v", img.Rect)
	}
	for y := range height {
		if abs(y-step) < blurred {
			continue
		}
		blue := 40
		if y >= step {
			blue = 255
		}
		for x := range width {
			got := img.NRGBAAt(x, y)
			if abs(int(got.R)-2*x) > 10 || abs(int(got.G)-(255-2*y)) > 10 || abs(int(got.B)-blue) > 10 {
				t.Fatalf("(%d,%d) is %v; want %d %d %d", x, y, got, 2*x, 255-2*y, blue)
			}
		}
	}
}

// A file's numbers say what range its samples have, once; only without them what
// the stream says counts.
func TestHEICRange(t *testing.T) {
	limited := readOwn(t, "range.heic") // by the box and by the stream
	set := bytes.Index(limited, []byte{0x42, 0x01, 0x01, 0x03})
	numbers := bytes.Index(limited, []byte("colrnclx"))
	if set < 0 || numbers < 0 {
		t.Fatal("the file has no parameter set or no numbers")
	}
	decoded := func(box, stream bool, kind string) image.Image {
		file := bytes.Clone(limited)
		copy(file[numbers:], kind)
		if box {
			file[numbers+14] |= 0x80 // full_range_flag
		}
		if stream {
			file[set+27] |= 1 // video_full_range_flag
		}
		return toPNGBy(t, everything, file, Options{})
	}
	full := decoded(true, true, "colr")
	if p := picturetest.PSNR(decoded(true, false, "colr"), full); p < 1000 {
		t.Errorf("full by the box, limited by the stream: %.1f dB to full by both", p)
	}
	expanded := decoded(false, true, "colr")
	if p := picturetest.PSNR(decoded(false, false, "colr"), expanded); p < 1000 {
		t.Errorf("limited by both: %.1f dB to limited by the box alone", p)
	}
	if p := picturetest.PSNR(expanded, full); p > 35 {
		t.Errorf("limited: %.1f dB to full; want another picture", p)
	}
	if p := picturetest.PSNR(decoded(true, false, "free"), expanded); p < 35 {
		t.Errorf("limited by the stream alone: %.1f dB to limited by the box", p)
	}
	if p := picturetest.PSNR(decoded(false, true, "free"), full); p < 35 {
		t.Errorf("full by the stream alone: %.1f dB to full by the box", p)
	}
}
