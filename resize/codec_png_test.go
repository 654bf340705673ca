package resize

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
	ownpng "s3imageserver/resize/png"
)

// decodeOwnPNG returns the pixels of a file, cut as c says.
func decodeOwnPNG(file []byte, c resample) (image.Image, error) {
	f, err := ownpng.Parse(file)
	if err != nil {
		return nil, err
	}
	return decodeRowsPNG(f, c, Want{})
}

// Our own reader and image/png agree on every pixel, and what image/png reads we
// read. A damaged file is refused or shows the picture.
func TestPNGAgrees(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	read, shown := 0, 0
	compare := func(name string, file, original []byte) {
		t.Helper()
		if info, err := configPNG(file); err == nil && area(info.Size) > 5e6 {
			return
		}
		got, err := decodeOwnPNG(file, resample{})
		want, wantErr := png.Decode(bytes.NewReader(file))
		if wantErr == nil && err != nil {
			t.Errorf("%s: %v; image/png reads it", name, err)
		}
		if err != nil {
			return
		}
		read++
		if wantErr != nil {
			shown++
			if original == nil {
				return
			}
			if want, err = png.Decode(bytes.NewReader(original)); err != nil {
				t.Fatal(err)
			}
		}
		if p := picturetest.PSNR(got, pixel.Normalize(want)); p < 1000 {
			t.Errorf("%s: other pixels than image/png", name)
		}
	}
	for _, size := range []image.Point{{1, 1}, {2, 3}, {7, 5}, {64, 64}, {300, 200}} {
		r := image.Rectangle{Max: size}
		for _, img := range []image.Image{image.NewGray(r), image.NewNRGBA(r), image.NewRGBA(r)} {
			for _, smooth := range []bool{true, false} {
				picturetest.Randomize(img, rng)
				if m, ok := img.(*image.NRGBA); ok && smooth {
					for i := range m.Pix {
						m.Pix[i] = byte(i/7 + i%4*50)
					}
				}
				if m, ok := img.(*image.RGBA); ok { // opaque: written without alpha
					for i := 3; i < len(m.Pix); i += 4 {
						m.Pix[i] = 255
					}
				}
				for _, level := range []png.CompressionLevel{png.NoCompression, png.BestSpeed, png.DefaultCompression} {
					var b bytes.Buffer
					if err := (&png.Encoder{CompressionLevel: level}).Encode(&b, img); err != nil {
						t.Fatal(err)
					}
					compare(size.String(), b.Bytes(), nil)
					for range 20 {
						bad := bytes.Clone(b.Bytes())
						bad[rng.IntN(len(bad))] ^= byte(1 << rng.IntN(8))
						compare("damaged "+size.String(), bad, b.Bytes())
						compare("cut "+size.String(), b.Bytes()[:rng.IntN(b.Len())], b.Bytes())
					}
				}
			}
		}
	}
	for _, f := range []string{"photos/chart.png", "photos/logo.png", "orientation/upright.png"} {
		compare(f, readSample(t, f), nil)
	}
	for _, f := range corpus(t) {
		if strings.HasSuffix(f.name, ".png") {
			compare(f.name, readCorpus(t, f.name), nil)
		}
	}
	if read < 100 {
		t.Errorf("only %d files are read", read)
	}
	t.Logf("%d files are read, %d of them only by us", read, shown)
}

// A picture that is cut while it is decoded is the one that is decoded first, as
// far as its file is right.
func TestCutWhileDecodingPNG(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	compare := func(name string, file []byte) (cuts int) {
		t.Helper()
		info, err := configPNG(file)
		if err != nil || area(info.Size) == 0 || area(info.Size) > 5e6 {
			return 0
		}
		for _, o := range []options.Options{
			{Width: 30, Format: options.PNG},
			{Width: 31, Height: 17, Fit: options.Cover, Format: options.PNG},
			{Crop: options.Crop{X: options.Length{N: 1}, Y: options.Length{N: 2}, W: options.Length{N: 3}, H: options.Length{N: 1}}, Enlarge: true, Width: 50, Format: options.PNG},
			{Width: 1000, Format: options.PNG},
		} {
			c := planOf(info.Size, info.orientation, o, content{}).resample
			want := Want{Limits: Limits{}.withDefaults(), resample: c}
			got, err := decodePNG(file, want)
			whole, wholeErr := decodePNG(file, Want{Limits: want.Limits})
			if (err == nil) != (wholeErr == nil) {
				t.Errorf("%s, %v: %v; decoded first: %v", name, o, err, wholeErr)
			}
			if err != nil || wholeErr != nil || !got.resampled {
				continue
			}
			cuts++
			cutImage, err := got.first()
			if err != nil {
				t.Fatal(err)
			}
			wholeImage, err := whole.first()
			if err != nil {
				t.Fatal(err)
			}
			if got.Source != whole.Source || got.orientation != whole.orientation || !bytes.Equal(got.ICC, whole.ICC) {
				t.Errorf("%s, %v: another size, orientation or profile", name, o)
			}
			if !reflect.DeepEqual(cutImage, c.apply(wholeImage, 1)) {
				t.Errorf("%s, %v: other pixels than if it is decoded first", name, o)
			}
		}
		return cuts
	}
	cuts := 0
	for _, size := range []image.Point{{1, 1}, {7, 5}, {64, 64}, {300, 200}} {
		r := image.Rectangle{Max: size}
		for _, img := range []image.Image{image.NewGray(r), image.NewNRGBA(r), image.NewRGBA(r)} {
			picturetest.Randomize(img, rng)
			if m, ok := img.(*image.RGBA); ok {
				for i := 3; i < len(m.Pix); i += 4 {
					m.Pix[i] = 255
				}
			}
			var b bytes.Buffer
			if err := png.Encode(&b, img); err != nil {
				t.Fatal(err)
			}
			if compare(size.String(), b.Bytes()) == 0 {
				t.Errorf("%T of %v is not cut while it is decoded", img, size)
			}
			for range 20 {
				bad := bytes.Clone(b.Bytes())
				bad[rng.IntN(len(bad))] ^= byte(1 << rng.IntN(8))
				cuts += compare("damaged "+size.String(), bad)
				cuts += compare("cut off "+size.String(), b.Bytes()[:rng.IntN(b.Len())])
			}
		}
	}
	for _, f := range []string{"photos/chart.png", "photos/logo.png", "orientation/upright.png"} {
		cuts += compare(f, readSample(t, f))
	}
	for _, f := range corpus(t) {
		if strings.HasSuffix(f.name, ".png") {
			cuts += compare(f.name, readCorpus(t, f.name))
		}
	}
	if cuts < 100 {
		t.Errorf("only %d pictures were cut while they were decoded", cuts)
	}
	t.Logf("%d cut while decoded", cuts)
}

// What is in memory of a plain PNG does not grow with its height, and what turns
// out to need all pixels asks for them.
func TestMemoryOfPNG(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 100, 4000))); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	info, err := configPNG(file)
	if err != nil {
		t.Fatal(err)
	}
	c := planOf(info.Size, info.orientation, options.Options{Width: 10}, content{}).resample
	if got := memoryPNG(info, Want{resample: c}); got > 2<<20 {
		t.Errorf("%d bytes for a few rows", got)
	}
	if got := memoryPNG(info, Want{}); got < 400_000 {
		t.Errorf("%d bytes for all", got)
	}
	asked := int64(0)
	want := Want{Limits: Limits{}.withDefaults(), resample: c, grow: func(n int64) error {
		asked += n
		return ErrBusy
	}}
	if p, err := decodePNG(file, want); err != nil || !p.resampled || asked != 0 {
		t.Errorf("a plain file: %v, asks for %d bytes", err, asked)
	}
	// Its orientation comes late: behind the pixels.
	exif := pngChunk("eXIf", []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"))
	late := slices.Concat(file[:len(file)-12], exif, file[len(file)-12:])
	if _, err := decodePNG(late, want); !errors.Is(err, ErrBusy) || asked < 400_000 {
		t.Errorf("a file that must be decoded whole: %v, asks for %d bytes", err, asked)
	}
	want.grow = nil
	if p, err := decodePNG(late, want); err != nil || p.resampled || p.orientation != 6 {
		t.Errorf("the same without a budget: %v", err)
	}
}

// A pngKind is one of those that there are.
type pngKind struct {
	depth, color byte
	interlaced   byte
	trns         bool
}

// rawPNG returns a file of that kind whose rows, with their filters, are those
// given as far as there are some; then they are zeros.
func rawPNG(kind pngKind, size image.Point, rows []byte) []byte {
	ihdr := binary.BigEndian.AppendUint32(nil, uint32(size.X))
	ihdr = binary.BigEndian.AppendUint32(ihdr, uint32(size.Y))
	ihdr = append(ihdr, kind.depth, kind.color, 0, 0, kind.interlaced)
	bits := int(kind.depth) * map[byte]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind.color]
	n := 0
	pass := func(x, y, dx, dy int) {
		w, h := (size.X-x+dx-1)/dx, (size.Y-y+dy-1)/dy
		if w > 0 && h > 0 {
			n += (1 + (w*bits+7)/8) * h
		}
	}
	if kind.interlaced == 0 {
		pass(0, 0, 1, 1)
	} else {
		for _, p := range [][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
			pass(p[0], p[1], p[2], p[3])
		}
	}
	var data bytes.Buffer
	z := zlib.NewWriter(&data)
	_, _ = z.Write(append(bytes.Clone(rows[:min(n, len(rows))]), make([]byte, max(0, n-len(rows)))...)) // memory
	_ = z.Close()
	file := slices.Concat([]byte(ownpng.Signature), pngChunk("IHDR", ihdr))
	if kind.color == 3 {
		palette := make([]byte, 3<<kind.depth)
		for i := range palette {
			palette[i] = byte(i*37 + 5)
		}
		file = append(file, pngChunk("PLTE", palette)...)
	}
	if kind.trns {
		trns := map[byte][]byte{0: {0, 1}, 2: {0, 0, 0, 0, 0, 0}, 3: {7}}[kind.color]
		file = append(file, pngChunk("tRNS", trns)...)
	}
	return slices.Concat(file, pngChunk("IDAT", data.Bytes()), pngChunk("IEND", nil))
}

func pngKinds() (kinds []pngKind) {
	for color, depths := range map[byte][]byte{0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}} {
		for _, depth := range depths {
			for _, interlaced := range []byte{0, 1} {
				kinds = append(kinds, pngKind{depth, color, interlaced, false})
				if color < 4 {
					kinds = append(kinds, pngKind{depth, color, interlaced, true})
				}
			}
		}
	}
	slices.SortFunc(kinds, func(a, b pngKind) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return kinds
}

// agreesPNG reports what differs between a file as we read it, and as image/png
// does.
func agreesPNG(file []byte) error {
	want, wantErr := png.Decode(bytes.NewReader(file))
	whole, err := decodeOwnPNG(file, resample{})
	if (err == nil) != (wantErr == nil) {
		return fmt.Errorf("%v; image/png says %v", err, wantErr)
	}
	if err != nil {
		return nil
	}
	if !reflect.DeepEqual(pixel.Copy(whole).Pix, pixel.Copy(pixel.Normalize(want)).Pix) {
		return errors.New("other pixels than image/png")
	}
	size := whole.Bounds().Size()
	c := planOf(size, 1, options.Options{Width: 5, Height: 3, Fit: options.Cover}, content{}).resample
	if f, err := ownpng.Parse(file); c.identity() || err != nil || f.Interlaced {
		return err
	}
	got, err := decodeOwnPNG(file, c)
	if err != nil || !reflect.DeepEqual(got, c.apply(whole, 1)) {
		return fmt.Errorf("cut on the way: %v, or other pixels", err)
	}
	return nil
}

// Every kind of PNG is read as image/png does, in sizes where passes are empty
// and bytes are full in part.
func TestKindsOfPNG(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, kind := range pngKinds() {
		for _, size := range []image.Point{{1, 1}, {2, 3}, {5, 9}, {17, 8}, {33, 31}} {
			stride := 1 + (size.X*8*8+7)/8
			rows := make([]byte, stride*size.Y*2)
			for i := range rows {
				rows[i] = byte(rng.Uint32())
			}
			bits := int(kind.depth) * map[byte]int{0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind.color]
			if kind.interlaced == 0 {
				for y := range size.Y {
					rows[y*(1+(size.X*bits+7)/8)] = byte(y % 5)
				}
			} else {
				for i := range rows {
					rows[i] &= 3 // each is a filter that there is
				}
			}
			file := rawPNG(kind, size, rows)
			if _, err := decodeOwnPNG(file, resample{}); err != nil {
				t.Errorf("%+v of %v: %v", kind, size, err)
			}
			if err := agreesPNG(file); err != nil {
				t.Errorf("%+v of %v: %v", kind, size, err)
			}
		}
	}
}

// Whatever the rows hold, of every kind: what image/png reads we read alike, and
// cut on the way as afterwards.
func FuzzKindsOfPNG(f *testing.F) {
	f.Add(byte(0), byte(3), byte(5), []byte("\x00abc\x01def\x02ghi\x03jkl\x04mno"))
	f.Add(byte(9), byte(2), byte(3), []byte("\x04abcdef\x03ghijkl\x05mnopqr"))
	f.Add(byte(30), byte(9), byte(30), bytes.Repeat([]byte("\x04012345678901234567890123456789abc\xff\xff\xff"), 30))
	kinds := pngKinds()
	f.Fuzz(func(t *testing.T, kind, width, height byte, rows []byte) {
		if width == 0 || height == 0 {
			return
		}
		if err := agreesPNG(rawPNG(kinds[int(kind)%len(kinds)], image.Pt(int(width), int(height)), rows)); err != nil {
			t.Fatal(err)
		}
	})
}

// Chunks of whatever kind, in whatever order: what image/png reads we read alike,
// and nothing panics.
func FuzzPNGChunks(f *testing.F) {
	for _, file := range [][]byte{readSample(f, "edge/palette-1bit.png"), readSample(f, "edge/gray.png"), rawPNG(pngKind{4, 3, 1, true}, image.Pt(5, 4), nil), rawPNG(pngKind{16, 2, 0, true}, image.Pt(3, 4), nil)} {
		f.Add(file, byte(0))
		f.Add(file, byte(1))
	}
	f.Fuzz(func(t *testing.T, file []byte, mended byte) {
		if mended&1 != 0 {
			file = withChecksumsPNG(file)
		}
		if info, err := configPNG(file); err != nil || area(info.Size) > 1<<20 {
			return
		}
		want, wantErr := png.Decode(bytes.NewReader(file))
		got, err := decodeOwnPNG(file, resample{})
		if wantErr == nil && err != nil {
			t.Fatalf("%v; image/png reads it", err)
		}
		parsed, parseErr := ownpng.Parse(file)
		shown := 0
		if parseErr == nil {
			_, _ = decodeRowsPNG(parsed, resample{}, Want{show: func() { shown++ }}) // an error where there is no row
		}
		if shown > 0 && err == nil {
			t.Fatal("a picture that is whole is shown as a damaged one")
		}
		if wantErr == nil && !parsed.Nonconforming && !reflect.DeepEqual(pixel.Copy(got).Pix, pixel.Copy(pixel.Normalize(want)).Pix) {
			t.Fatal("other pixels than image/png")
		}
	})
}

// withChecksumsPNG returns a file with the checksums that its chunks should have.
func withChecksumsPNG(file []byte) []byte {
	if len(file) < len(ownpng.Signature) {
		return file
	}
	out := bytes.Clone(file[:len(ownpng.Signature)])
	for c := range ownpng.Chunks(file) {
		if c.Truncated() {
			break
		}
		out = ownpng.AppendChunk(out, c.Kind, c.Data)
	}
	return append(out, file[len(out):]...)
}

// pngChunk returns a chunk with its length and checksum.
func pngChunk(kind string, data []byte) []byte { return ownpng.AppendChunk(nil, kind, data) }

// Pixels of three bytes become opaque ones of four, and nothing behind them
// changes.
func TestWiden(t *testing.T) {
	for n := range 12 {
		src := make([]byte, 3*n)
		for i := range src {
			src[i] = byte(i + 1)
		}
		dst := make([]byte, 4*n+1) // with a canary
		dst[4*n] = 99
		widen(dst[:4*n], src)
		for i := range n {
			if want := []byte{src[3*i], src[3*i+1], src[3*i+2], 255}; !bytes.Equal(dst[4*i:4*i+4], want) || dst[4*n] != 99 {
				t.Fatalf("%d pixels: %v", n, dst)
			}
		}
	}
}
