package resize

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"image"
	"image/png"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Our own reader and image/png agree on every pixel, and on what is wrong.
func TestPlainPNG(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	plains := 0
	compare := func(name string, file []byte) {
		t.Helper()
		if info, err := configPNG(file); err == nil && area(info.Size) > 5e6 {
			return
		}
		got, err := decodePlainPNG(file, cut{})
		if err != nil {
			return
		}
		plains++
		want, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			t.Errorf("%s: a picture; image/png says %v", name, err)
			return
		}
		if p := psnr(plain(got), plain(want)); p < 1000 {
			t.Errorf("%s: other pixels than image/png", name)
		}
	}
	for _, size := range []image.Point{{1, 1}, {2, 3}, {7, 5}, {64, 64}, {300, 200}} {
		r := image.Rectangle{Max: size}
		for _, img := range []image.Image{image.NewGray(r), image.NewNRGBA(r), image.NewRGBA(r)} {
			for _, smooth := range []bool{true, false} {
				randomize(img, rng)
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
					before := plains
					compare(size.String(), b.Bytes())
					if plains == before {
						t.Errorf("%T of %v is not read", img, size)
					}
					for range 20 {
						bad := bytes.Clone(b.Bytes())
						bad[rng.IntN(len(bad))] ^= byte(1 << rng.IntN(8))
						compare("damaged "+size.String(), bad)
						compare("cut "+size.String(), b.Bytes()[:rng.IntN(b.Len())])
					}
				}
			}
		}
	}
	for _, f := range []string{"photos/chart.png", "photos/logo.png", "orientation/upright.png"} {
		compare(f, readSample(t, f))
	}
	for _, f := range corpus(t) {
		if strings.HasSuffix(f.name, ".png") {
			compare(f.name, readCorpus(t, f.name))
		}
	}
	if plains < 100 {
		t.Errorf("only %d files are plain", plains)
	}
	t.Logf("%d plain files", plains)
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
		for _, o := range []Options{
			{Width: 30, Format: PNG},
			{Width: 31, Height: 17, Fit: Cover, Format: PNG},
			{Crop: Crop{X: Length{N: 1}, Y: Length{N: 2}, W: Length{N: 3}, H: Length{N: 1}}, Enlarge: true, Width: 50, Format: PNG},
			{Width: 1000, Format: PNG},
		} {
			c := planOf(info.Size, info.orientation, o, seen{}).cut
			want := Want{Limits: Limits{}.withDefaults(), cut: c}
			got, err := decodePNG(file, want)
			whole, wholeErr := decodePNG(file, Want{Limits: want.Limits})
			if (err == nil) != (wholeErr == nil) {
				t.Errorf("%s, %v: %v; decoded first: %v", name, o, err, wholeErr)
			}
			if err != nil || wholeErr != nil || !got.isCut {
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
			randomize(img, rng)
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
	c := planOf(info.Size, info.orientation, Options{Width: 10}, seen{}).cut
	if got := memoryPNG(info, Want{cut: c}); got > 2<<20 {
		t.Errorf("%d bytes for a few rows", got)
	}
	if got := memoryPNG(info, Want{}); got < 400_000 {
		t.Errorf("%d bytes for all", got)
	}
	asked := int64(0)
	want := Want{Limits: Limits{}.withDefaults(), cut: c, grow: func(n int64) error {
		asked += n
		return ErrBusy
	}}
	if p, err := decodePNG(file, want); err != nil || !p.isCut || asked != 0 {
		t.Errorf("a plain file: %v, asks for %d bytes", err, asked)
	}
	// Its orientation comes late: behind the pixels.
	exif := pngChunk("eXIf", []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"))
	late := slices.Concat(file[:len(file)-12], exif, file[len(file)-12:])
	if _, err := decodePNG(late, want); !errors.Is(err, ErrBusy) || asked < 400_000 {
		t.Errorf("a file that must be decoded whole: %v, asks for %d bytes", err, asked)
	}
	want.grow = nil
	if p, err := decodePNG(late, want); err != nil || p.isCut || p.orientation != 6 {
		t.Errorf("the same without a budget: %v", err)
	}
}

// Whatever the rows hold: what image/png reads we read alike, and cut on the way
// as afterwards.
func FuzzPlainPNG(f *testing.F) {
	f.Add(byte(0), byte(3), []byte("\x00abc\x01def\x02ghi\x03jkl\x04mno"))
	f.Add(byte(2), byte(2), []byte("\x04abcdef\x03ghijkl\x05mnopqr"))
	f.Add(byte(6), byte(9), bytes.Repeat([]byte("\x04012345678901234567890123456789abc\xff\xff\xff"), 30))
	f.Fuzz(func(t *testing.T, kind, width byte, rows []byte) {
		samples := map[byte]int{0: 1, 2: 3, 6: 4}[kind]
		size := image.Pt(int(width), 0)
		if samples > 0 {
			size.Y = len(rows) / (1 + samples*size.X)
		}
		if size.X == 0 || size.Y == 0 {
			return
		}
		var ihdr, data bytes.Buffer
		for _, v := range []any{uint32(size.X), uint32(size.Y), [5]byte{8, kind}} {
			if err := binary.Write(&ihdr, binary.BigEndian, v); err != nil {
				t.Fatal(err)
			}
		}
		z := zlib.NewWriter(&data)
		if _, err := z.Write(rows[:size.Y*(1+samples*size.X)]); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		file := slices.Concat([]byte(pngSignature), pngChunk("IHDR", ihdr.Bytes()), pngChunk("IDAT", data.Bytes()), pngChunk("IEND", nil))
		want, wantErr := png.Decode(bytes.NewReader(file))
		whole, err := decodePlainPNG(file, cut{})
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%v; image/png says %v", err, wantErr)
		}
		if err != nil {
			return
		}
		if psnr(plain(whole), plain(want)) < 1000 {
			t.Fatal("other pixels than image/png")
		}
		c := planOf(size, 1, Options{Width: 5, Height: 3, Fit: Cover}, seen{}).cut
		if c.identity() {
			return
		}
		got, err := decodePlainPNG(file, c)
		if err != nil || !reflect.DeepEqual(got, c.apply(whole, 1)) {
			t.Fatalf("cut on the way: %v, or other pixels", err)
		}
	})
}

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
