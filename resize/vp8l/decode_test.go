package vp8l

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	gen "github.com/gen2brain/webp"
	twin "golang.org/x/image/vp8l"
)

// chunkOf returns the VP8L chunk of a file, nil if there is none.
func chunkOf(file []byte) []byte {
	for at := 12; at+8 <= len(file); {
		n := int(file[at+4]) | int(file[at+5])<<8 | int(file[at+6])<<16 | int(file[at+7])<<24
		if n < 0 || n > len(file)-at-8 {
			return nil
		}
		if string(file[at:at+4]) == "VP8L" {
			return file[at+8:][:n]
		}
		at += 8 + n + n&1
	}
	return nil
}

// A painter draws a pixel of a test picture.
type painter struct {
	name string
	at   func(x, y int) [4]uint8
}

// painters returns kinds of pictures, which together use all that the format has.
func painters(r *rand.Rand) []painter {
	kinds := []painter{
		{"noise", func(int, int) [4]uint8 {
			v := r.Uint32()
			return [4]uint8{uint8(v), uint8(v >> 8), uint8(v >> 16), uint8(v >> 24)}
		}},
		{"gradient", func(x, y int) [4]uint8 { return [4]uint8{uint8(5 * x), uint8(3 * y), uint8(x + y), 255} }},
		{"soft noise", func(x, y int) [4]uint8 {
			n := r.IntN(8)
			return [4]uint8{uint8(3*x + n), uint8(3*x + y + n), uint8(4*y + n), uint8(255 - n)}
		}},
		{"bars", func(x, y int) [4]uint8 {
			return [4]uint8{uint8(x / 7 * 31), uint8(y / 5 * 17), 128, uint8(255 * (x / 9 & 1))}
		}},
		{"one colour", func(int, int) [4]uint8 { return [4]uint8{9, 8, 7, 255} }},
		{"text", func(x, y int) [4]uint8 {
			if (x*y+x)%11 < 3 {
				return [4]uint8{0, 0, 0, 255}
			}
			return [4]uint8{255, 255, 255, 255}
		}},
	}
	for _, n := range []int{2, 3, 4, 5, 16, 17, 200, 256} {
		colors := make([][4]uint8, n)
		for i := range colors {
			v := r.Uint32()
			colors[i] = [4]uint8{uint8(v), uint8(v >> 8), uint8(v >> 16), uint8(v>>24) | 1}
		}
		kinds = append(kinds, painter{fmt.Sprint(n, " colours"), func(x, y int) [4]uint8 { return colors[(x/3+y/2*5+r.IntN(3))%n] }})
	}
	return kinds
}

func (p painter) draw(size image.Point) *image.NRGBA {
	img := image.NewNRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			c := p.at(x, y)
			copy(img.Pix[img.PixOffset(x, y):], c[:])
		}
	}
	return img
}

// What libwebp writes without loss is what it was.
func TestDecode(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var sizes []image.Point
	for i := 1; i <= 40; i += 3 {
		sizes = append(sizes, image.Pt(i, 1+r.IntN(40)), image.Pt(1+r.IntN(40), i))
	}
	sizes = append(sizes, image.Pt(1, 1), image.Pt(300, 200), image.Pt(1000, 3))
	if testing.Short() {
		sizes = sizes[len(sizes)-8:]
	}
	decoded := 0
	for _, size := range sizes {
		for _, p := range painters(r) {
			img := p.draw(size)
			method, quality := r.IntN(7), r.IntN(101)
			var file bytes.Buffer
			if err := gen.Encode(&file, img, gen.Options{Lossless: true, Exact: true, Method: method, Quality: quality}); err != nil {
				t.Fatal(err)
			}
			got, err := Decode(chunkOf(file.Bytes()), DecodeOptions{})
			if err != nil || got.Rect != img.Rect || !bytes.Equal(got.Pix, img.Pix) {
				t.Fatalf("%s of %v, method %d, quality %d: %v", p.name, size, method, quality, err)
			}
			decoded++
		}
	}
	t.Logf("%d pictures", decoded)
}

// Files of others are decoded as x/image does it, or refused as it does.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("../../../shared/corpus/*/*.webp")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("not tested: ../shared/corpus is not there")
	}
	decoded, refused := 0, 0
	for _, name := range files {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		chunk := chunkOf(file)
		if h, err := ParseHeader(chunk); chunk == nil || err != nil || h.Size.X*h.Size.Y > 1<<26 {
			continue
		}
		got, err := Decode(chunk, DecodeOptions{})
		want, wantErr := twin.Decode(bytes.NewReader(chunk))
		switch {
		case (err == nil) != (wantErr == nil):
			t.Errorf("%s: %v; x/image: %v", name, err, wantErr)
		case err != nil:
			refused++
		case !bytes.Equal(got.Pix, want.(*image.NRGBA).Pix):
			t.Errorf("%s: other pixels than x/image", name)
		default:
			decoded++
		}
	}
	t.Logf("%d decoded, %d refused by both", decoded, refused)
	if decoded < 15 {
		t.Errorf("%d decoded; want 15 at least", decoded)
	}
}

// A picture that ends early is an error, wherever that is, and so is one that nobody wants.
func TestEndsEarly(t *testing.T) {
	img := painters(rand.New(rand.NewPCG(3, 4)))[2].draw(image.Pt(60, 40))
	var file bytes.Buffer
	if err := gen.Encode(&file, img, gen.Options{Lossless: true, Exact: true, Method: 4, Quality: 75}); err != nil {
		t.Fatal(err)
	}
	chunk := chunkOf(file.Bytes())
	for n := range len(chunk) - 8 {
		if _, err := Decode(chunk[:n], DecodeOptions{}); !errors.Is(err, ErrMalformed) {
			t.Fatalf("%d of %d bytes: %v", n, len(chunk), err)
		}
	}
	gone := errors.New("gone")
	if _, err := Decode(chunk, DecodeOptions{Check: func() error { return gone }}); !errors.Is(err, gone) {
		t.Errorf("%v; want the error of Check", err)
	}
}

// A picture of repetitions that never end where a row does is ended like any other.
func TestRepetitionsAreChecked(t *testing.T) {
	const width, height = 16, 160
	w := &bitWriter{}
	w.write(0, 3) // no transform, no colour cache, one group
	counts := make([]uint32, literals+lengthSymbols)
	counts[0], counts[literals+1] = 1, 1 // a pixel; two that are repeated
	words := w.writePrefixCode(counts)
	for _, symbol := range []int{0, 0, 0, 1} { // red, blue, alpha; the pixel before
		w.writeSimple([]int{symbol})
	}
	w.code(words[0])
	for range width*height/2 - 1 {
		w.code(words[literals+1])
	}
	w.code(words[0])
	data := w.end()
	asked := 0
	if _, err := DecodeGreen(data, image.Pt(width, height), DecodeOptions{Check: func() error { asked++; return nil }}); err != nil {
		t.Fatal(err)
	}
	// Every 16 rows, of the pixels and of the result, and for the codes.
	if want := 2*height/16 + 1; asked != want {
		t.Errorf("asked %d times; want %d", asked, want)
	}
}

// The green of a picture without its header is a plane.
func TestDecodeGreen(t *testing.T) {
	img := painters(rand.New(rand.NewPCG(5, 6)))[1].draw(image.Pt(50, 30))
	var file bytes.Buffer
	if err := gen.Encode(&file, img, gen.Options{Lossless: true, Exact: true, Method: 4, Quality: 75}); err != nil {
		t.Fatal(err)
	}
	plane, err := DecodeGreen(chunkOf(file.Bytes())[headerBytes:], image.Pt(50, 30), DecodeOptions{})
	if err != nil || len(plane) != 50*30 {
		t.Fatalf("%d bytes, %v", len(plane), err)
	}
	for i, v := range plane {
		if v != img.Pix[4*i+1] {
			t.Fatalf("pixel %d: %d; want %d", i, v, img.Pix[4*i+1])
		}
	}
	if _, err := DecodeGreen(nil, image.Pt(0, 3), DecodeOptions{}); !errors.Is(err, ErrMalformed) {
		t.Errorf("no pixels: %v", err)
	}
}

// Whatever the bytes are, decoding ends, with a picture of the size in the header or with one
// of three errors. x/image is no judge here: it takes a code of two symbols by the order in
// which they are written, and libwebp, as we do, by their numbers.
func FuzzDecode(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 8))
	for i, p := range painters(r) {
		var file bytes.Buffer
		if err := gen.Encode(&file, p.draw(image.Pt(9+i, 12)), gen.Options{Lossless: true, Exact: true, Method: i % 7, Quality: 10 * i % 100}); err != nil {
			f.Fatal(err)
		}
		f.Add(chunkOf(file.Bytes()))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ParseHeader(data)
		if err != nil || h.Size.X*h.Size.Y > 1<<20 {
			return
		}
		img, err := Decode(data, DecodeOptions{})
		switch {
		case err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrLimit):
			t.Errorf("%v", err)
		case err == nil && img.Rect.Size() != h.Size:
			t.Errorf("%v; want %v", img.Rect, h.Size)
		}
		green, greenErr := DecodeGreen(data[headerBytes:], h.Size, DecodeOptions{})
		if (err == nil) != (greenErr == nil) {
			t.Fatalf("%v; as a plane: %v", err, greenErr)
		}
		for i, v := range green {
			if img.Pix[4*i+1] != v {
				t.Fatalf("pixel %d: green %d; as a plane %d", i, img.Pix[4*i+1], v)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	img := painters(r)[2].draw(image.Pt(1000, 1000))
	var file bytes.Buffer
	if err := gen.Encode(&file, img, gen.Options{Lossless: true, Exact: true, Method: 4, Quality: 75}); err != nil {
		b.Fatal(err)
	}
	chunk := chunkOf(file.Bytes())
	b.Run("own", func(b *testing.B) {
		for b.Loop() {
			if _, err := Decode(chunk, DecodeOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("x-image", func(b *testing.B) {
		for b.Loop() {
			if _, err := twin.Decode(bytes.NewReader(chunk)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// Many groups of prefix codes, of a few bits each, take no more memory than a picture of
// that size may: they are refused before that.
func TestGroupsAreBounded(t *testing.T) {
	for _, tt := range []struct {
		side, groups int
		err          error
	}{
		{256, 16 * 16, nil},
		{512, 1 << 14, ErrLimit},
	} {
		const bits = 2 // tiles of 4 pixels
		across := tt.side >> bits
		tiles := make([]uint32, across*across)
		for i := range tiles {
			tiles[i] = 0xff000000 | uint32(i%tt.groups)<<8
		}
		e := &encoder{}
		e.w.write(signature, 8)
		e.w.write(uint32(tt.side-1), 14)
		e.w.write(uint32(tt.side-1), 14)
		e.w.write(0, 4)
		e.w.write(0, 1) // no transforms
		e.w.write(0, 1) // no cache
		e.w.write(1, 1)
		e.w.write(bits-2, 3)
		if err := e.pixels(tiles, across, across, false); err != nil {
			t.Fatal(err)
		}
		for range tt.groups * codesOfGroup {
			e.w.writeSimple([]int{0})
		}
		img, err := Decode(e.w.end(), DecodeOptions{})
		if !errors.Is(err, tt.err) || (err == nil) != (img != nil) {
			t.Errorf("%d pixels a side, %d groups: %v; want %v", tt.side, tt.groups, err, tt.err)
		}
	}
}
