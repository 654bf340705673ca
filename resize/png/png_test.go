package png

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	stdpng "image/png"
	"math/rand/v2"
	"testing"
)

// fill makes some rows noise, some smooth, some flat, so that every filter is the
// best one somewhere.
func fill(pix []byte, stride int, rng *rand.Rand) {
	for i := range pix {
		switch y := i / stride; y % 4 {
		case 0:
			pix[i] = byte(rng.Uint32())
		case 1:
			pix[i] = byte(i * 3)
		case 2:
			pix[i] = pix[max(0, i-stride)] + byte(i/40)
		}
	}
}

func pictures(rng *rand.Rand) []image.Image {
	var all []image.Image
	for _, size := range []image.Point{{1, 1}, {2, 3}, {9, 5}, {31, 33}, {65, 64}, {300, 50}} {
		r := image.Rectangle{Min: image.Pt(3, 4), Max: image.Pt(3, 4).Add(size)}
		gray, clear, opaque := image.NewGray(r), image.NewNRGBA(r), image.NewNRGBA(r)
		fill(gray.Pix, gray.Stride, rng)
		fill(clear.Pix, clear.Stride, rng)
		fill(opaque.Pix, opaque.Stride, rng)
		for i := 3; i < len(opaque.Pix); i += 4 {
			opaque.Pix[i] = 255
		}
		clear.Pix[3] = 7
		wide := image.NewNRGBA(r.Inset(-5)) // a part of a larger picture
		fill(wide.Pix, wide.Stride, rng)
		all = append(all, gray, clear, opaque, wide.SubImage(r))
		for _, colors := range []int{1, 2, 3, 4, 5, 16, 17, 256} {
			m := image.NewPaletted(r, nil)
			for i := range colors {
				m.Palette = append(m.Palette, color.NRGBA{byte(i), byte(7 * i), byte(90 - i), byte(255 - i%2*9)})
			}
			for i := range m.Pix {
				m.Pix[i] = byte(rng.IntN(colors))
			}
			all = append(all, m)
		}
	}
	return all
}

// image/png reads what was written, every pixel of it.
func TestEncode(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, m := range pictures(rng) {
		for level := range 10 {
			var b bytes.Buffer
			if err := Encode(&b, m, &Options{Level: level}); err != nil {
				t.Fatalf("%T of %v, level %d: %v", m, m.Bounds(), level, err)
			}
			got, err := stdpng.Decode(&b)
			if err != nil {
				t.Fatalf("%T of %v, level %d: %v", m, m.Bounds(), level, err)
			}
			if b.Len() > 0 {
				t.Errorf("%d bytes behind the end", b.Len())
			}
			at, size := m.Bounds().Min, m.Bounds().Size()
			if got.Bounds().Size() != size {
				t.Fatalf("%v; want %v", got.Bounds(), size)
			}
			for y := range size.Y {
				for x := range size.X {
					w, g := color.NRGBAModel.Convert(m.At(at.X+x, at.Y+y)), color.NRGBAModel.Convert(got.At(x, y))
					if w != g {
						t.Fatalf("%T of %v, level %d: (%d, %d) is %v; want %v", m, size, level, x, y, g, w)
					}
				}
			}
		}
	}
}

// The bytes do not depend on the processor.
func TestSameBytes(t *testing.T) {
	if !useAsm {
		t.Skip("not tested: no assembly here")
	}
	defer func() { useAsm = true }()
	rng := rand.New(rand.NewPCG(3, 4))
	for _, m := range pictures(rng) {
		var with, without bytes.Buffer
		useAsm = true
		if err := Encode(&with, m, nil); err != nil {
			t.Fatal(err)
		}
		useAsm = false
		if err := Encode(&without, m, nil); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(with.Bytes(), without.Bytes()) {
			t.Errorf("%T of %v: other bytes without assembly", m, m.Bounds())
		}
	}
}

// Every kernel gives what plain Go does, for rows of all lengths.
func TestKernels(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, bpp := range []int{1, 3, 4} {
		for n := 1; n < 200; n++ {
			cur, above := newLine(n), newLine(n)
			for i := range n {
				cur.bytes(n)[i], above.bytes(n)[i] = byte(rng.Uint32()), byte(rng.Uint32())
				if i%3 == 0 { // equal neighbours
					cur.bytes(n)[i] = above.bytes(n)[i]
				}
			}
			var want [filters]uint64
			costsGeneric(&want, cur, above, 0, n, bpp)
			if got := costs(cur, above, n, bpp); got != want {
				t.Fatalf("costs of %d bytes, %d a pixel: %v; want %v", n, bpp, got, want)
			}
			for f := range filters {
				got, want := make([]byte, len(cur)+1), make([]byte, len(cur)+1)
				got[len(cur)-before] = 99 // a canary
				apply(got, cur, above, n, bpp, f)
				applyGeneric(want, cur, above, n, bpp, f)
				if !bytes.Equal(got[:n], want[:n]) || got[len(cur)-before] != 99 {
					t.Fatalf("filter %d of %d bytes, %d a pixel: %v; want %v", f, n, bpp, got[:n], want[:n])
				}
			}
		}
	}
}

func TestPaeth(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			for _, c := range []int{0, 1, 2, 100, 127, 128, 200, 254, 255, a, b} {
				cur, above := newLine(group), newLine(group)
				for i := range group {
					cur.bytes(group)[i], above.bytes(group)[i] = byte(a), byte(b)
				}
				above[before-1], cur[before-1] = byte(c), byte(a)
				got, want := make([]byte, group), make([]byte, group)
				apply(got, cur, above, group, 1, filterPaeth)
				applyGeneric(want, cur, above, group, 1, filterPaeth)
				if !bytes.Equal(got, want) {
					t.Fatalf("a %d, b %d, c %d: %v; want %v", a, b, c, got, want)
				}
			}
		}
	}
}

// The chunks are those that the options ask for.
func TestChunks(t *testing.T) {
	var b bytes.Buffer
	m := image.NewNRGBA(image.Rect(0, 0, 4, 4))
	if err := Encode(&b, m, &Options{ICC: []byte("a profile")}); err != nil {
		t.Fatal(err)
	}
	if got := chunks(t, b.Bytes()); !bytes.Equal(got, []byte("IHDR iCCP IDAT IEND ")) {
		t.Errorf("%s", got)
	}
	// A large picture has many chunks of pixels, none of them long.
	noise := image.NewGray(image.Rect(0, 0, 500, 500))
	rng := rand.New(rand.NewPCG(7, 8))
	for i := range noise.Pix {
		noise.Pix[i] = byte(rng.Uint32())
	}
	b.Reset()
	if err := Encode(&b, noise, nil); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(chunks(t, b.Bytes()), []byte("IDAT")); n < 250000/idatBytes || n > 250000/idatBytes+3 {
		t.Errorf("%d chunks of pixels", n)
	}
}

func chunks(t *testing.T, file []byte) (kinds []byte) {
	t.Helper()
	for rest := file[8:]; len(rest) >= 12; {
		n := int(rest[0])<<24 | int(rest[1])<<16 | int(rest[2])<<8 | int(rest[3])
		kinds = append(append(kinds, rest[4:8]...), ' ')
		rest = rest[12+n:]
	}
	return kinds
}

type failing struct{ left int }

var errFull = errors.New("full")

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestEncodeErrors(t *testing.T) {
	for _, m := range []image.Image{image.NewGray(image.Rectangle{}), image.NewRGBA64(image.Rect(0, 0, 2, 2)), image.NewPaletted(image.Rect(0, 0, 2, 2), nil)} {
		if err := Encode(&bytes.Buffer{}, m, nil); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%T of %v: %v", m, m.Bounds(), err)
		}
	}
	if err := Encode(&bytes.Buffer{}, image.NewGray(image.Rect(0, 0, 2, 2)), &Options{Level: 10}); err == nil {
		t.Error("level 10 is one")
	}
	m := image.NewGray(image.Rect(0, 0, 300, 300))
	rng := rand.New(rand.NewPCG(9, 10))
	for i := range m.Pix {
		m.Pix[i] = byte(rng.Uint32())
	}
	for room := 0; room < 90_000; room += 1111 {
		if err := Encode(&failing{room}, m, nil); err != errFull {
			t.Fatalf("with room for %d bytes: %v", room, err)
		}
	}
	var b bytes.Buffer // a writer that failed leaves nothing behind
	if err := Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := stdpng.Decode(&b); err != nil {
		t.Error(err)
	}
}

func FuzzEncode(f *testing.F) {
	f.Add(byte(5), byte(3), []byte("some bytes that become pixels of one kind or the other"))
	f.Fuzz(func(t *testing.T, width, kind byte, pix []byte) {
		r := image.Rect(0, 0, int(width), 0)
		if width == 0 {
			return
		}
		var m image.Image
		switch kind % 3 {
		case 0:
			r.Max.Y = len(pix) / int(width)
			m = &image.Gray{Pix: pix, Stride: int(width), Rect: r}
		case 1:
			r.Max.Y = len(pix) / int(width) / 4
			m = &image.NRGBA{Pix: pix, Stride: 4 * int(width), Rect: r}
		case 2:
			r.Max.Y = len(pix) / int(width)
			p := image.NewPaletted(r, nil)
			for i := range 1 + int(kind)/3 {
				p.Palette = append(p.Palette, color.Gray{byte(i)})
			}
			for i := range p.Pix {
				p.Pix[i] = pix[i] % byte(len(p.Palette))
			}
			m = p
		}
		if r.Empty() {
			return
		}
		var b bytes.Buffer
		if err := Encode(&b, m, &Options{Level: 1}); err != nil {
			t.Fatal(err)
		}
		got, err := stdpng.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		for y := range r.Dy() {
			for x := range r.Dx() {
				if w, g := color.NRGBAModel.Convert(m.At(x, y)), color.NRGBAModel.Convert(got.At(x, y)); w != g {
					t.Fatalf("(%d, %d) is %v; want %v", x, y, g, w)
				}
			}
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	m := image.NewNRGBA(image.Rect(0, 0, 800, 450))
	for i := range m.Pix {
		x, y := i/4%800, i/3200
		m.Pix[i] = byte(x*x>>9 + y*x>>10 + y + i*7%5)
	}
	for i := 3; i < len(m.Pix); i += 4 {
		m.Pix[i] = 255
	}
	var buf bytes.Buffer
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			buf.Reset()
			if err := Encode(&buf, m, &Options{Level: 1}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(buf.Len()), "bytes")
	})
	b.Run("image/png", func(b *testing.B) {
		for b.Loop() {
			buf.Reset()
			if err := (&stdpng.Encoder{CompressionLevel: stdpng.BestSpeed}).Encode(&buf, m); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(buf.Len()), "bytes")
	})
}
