package vp8l

import (
	"bytes"
	"errors"
	"image"
	"math"
	"math/rand/v2"
	"testing"

	gen "github.com/gen2brain/webp"
	twin "golang.org/x/image/vp8l"
)

// What is encoded is what another decoder reads, and our own.
func TestEncode(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	sizes := []image.Point{{1, 1}, {2, 1}, {1, 2}, {3, 3}, {300, 200}, {1000, 3}, {3, 1000}}
	for i := 1; i <= 40; i += 3 {
		sizes = append(sizes, image.Pt(i, 1+r.IntN(40)), image.Pt(1+r.IntN(40), i))
	}
	for _, size := range sizes {
		for _, p := range painters(r) {
			img := p.draw(size)
			data, alpha, err := Encode(img, EncodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if alpha == img.Opaque() {
				t.Errorf("%s of %v: alpha is %v", p.name, size, alpha)
			}
			want, err := twin.Decode(bytes.NewReader(data))
			if err != nil || !bytes.Equal(want.(*image.NRGBA).Pix, img.Pix) {
				t.Fatalf("%s of %v: x/image reads something else, %v", p.name, size, err)
			}
			got, err := Decode(data, DecodeOptions{})
			if err != nil || !bytes.Equal(got.Pix, img.Pix) {
				t.Fatalf("%s of %v: something else, %v", p.name, size, err)
			}
		}
	}
}

// A plane is what it was, and a picture that VP8L has no room for is refused.
func TestEncodeGreen(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for _, size := range []image.Point{{1, 1}, {7, 5}, {64, 33}, {5, 300}} {
		for _, p := range painters(r) {
			img := p.draw(size)
			plane := make([]byte, size.X*size.Y)
			for i := range plane {
				plane[i] = img.Pix[4*i+1]
			}
			data, err := EncodeGreen(plane, size, EncodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := DecodeGreen(data, size, DecodeOptions{}); err != nil || !bytes.Equal(got, plane) {
				t.Fatalf("%s of %v: another plane, %v", p.name, size, err)
			}
		}
	}
	if _, err := EncodeGreen(nil, image.Pt(MaxSide+1, 1), EncodeOptions{}); !errors.Is(err, ErrLimit) {
		t.Errorf("a side that is too long: %v", err)
	}
	if _, _, err := Encode(image.NewNRGBA(image.Rect(0, 0, 0, 3)), EncodeOptions{}); !errors.Is(err, ErrLimit) {
		t.Errorf("no pixels: %v", err)
	}
}

// Nobody waits for a picture that nobody wants.
func TestEncodeEnds(t *testing.T) {
	gone := errors.New("gone")
	img := painters(rand.New(rand.NewPCG(15, 16)))[2].draw(image.Pt(100, 100))
	asked := 0
	if _, _, err := Encode(img, EncodeOptions{Check: func() error { asked++; return nil }}); err != nil || asked < 10 {
		t.Fatalf("asked %d times, %v", asked, err)
	}
	for last := range asked {
		n := 0
		_, _, err := Encode(img, EncodeOptions{Check: func() error {
			if n++; n > last {
				return gone
			}
			return nil
		}})
		if !errors.Is(err, gone) || n != last+1 {
			t.Fatalf("after %d questions: %v, %d were asked", last, err, n)
		}
	}
}

// Without loss our files are about as long as libwebp's. The pictures are too small and too
// odd for a narrower bound.
func TestEncodedBytes(t *testing.T) {
	ours, theirs := 0, 0
	for _, p := range painters(rand.New(rand.NewPCG(17, 18))) {
		img := p.draw(image.Pt(200, 150))
		data, _, err := Encode(img, EncodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := gen.Encode(&file, img, gen.Options{Lossless: true, Exact: true, Method: 4, Quality: 75}); err != nil {
			t.Fatal(err)
		}
		n := len(chunkOf(file.Bytes()))
		t.Logf("%s: %d bytes, libwebp %d", p.name, len(data), n)
		ours += len(data)
		theirs += n
	}
	if ratio := float64(ours) / float64(theirs); ratio > 1.05 {
		t.Errorf("%.3f of libwebp's bytes; want 1.05 at most", ratio)
	}
}

// Codes are short enough and complete, also for counts that would make a deep tree.
func TestCodeLengths(t *testing.T) {
	fibonacci := make([]uint32, 40)
	fibonacci[0], fibonacci[1] = 1, 1
	for i := 2; i < len(fibonacci); i++ {
		fibonacci[i] = fibonacci[i-1] + fibonacci[i-2]
	}
	for _, most := range []int{7, 15} {
		for name, counts := range map[string][]uint32{"fibonacci": fibonacci, "two": {1, 0, 1}, "equal": {3, 3, 3, 3, 3}} {
			sum := 0
			for s, n := range codeLengths(counts, most) {
				if (n > 0) != (counts[s] > 0) || int(n) > most {
					t.Errorf("%s: symbol %d has length %d", name, s, n)
				}
				if n > 0 {
					sum += 1 << (15 - n)
				}
			}
			if sum != 1<<15 {
				t.Errorf("%s: the code is complete to %d of %d", name, sum, 1<<15)
			}
		}
	}
}

// The logarithm is near enough, and the same on every machine, since it is made of integers.
func TestLog2(t *testing.T) {
	for n := uint32(1); n < 1<<31; n += n/7 + 1 {
		got, want := float64(log2(logarithms(), n))/(1<<entropyBits), math.Log2(float64(n))
		if math.Abs(got-want) > 0.001 {
			t.Errorf("log2 of %d: %v; want %v", n, got, want)
		}
	}
}

// Whatever the picture is, what is decoded is the same.
func FuzzEncode(f *testing.F) {
	f.Add([]byte{1, 2, 3, 255, 1, 2, 3, 255}, uint8(0), uint8(1))
	r := rand.New(rand.NewPCG(19, 20))
	for _, p := range painters(r) {
		f.Add(p.draw(image.Pt(13, 11)).Pix, uint8(12), uint8(3))
	}
	f.Fuzz(func(t *testing.T, pix []byte, w, times uint8) {
		width := int(w) + 1
		pix = bytes.Repeat(pix, 1+int(times%8))
		height := len(pix) / 4 / width
		if height == 0 || height > MaxSide {
			return
		}
		img := &image.NRGBA{Pix: pix, Stride: 4 * width, Rect: image.Rect(0, 0, width, height)}
		data, _, err := Encode(img, EncodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(data, DecodeOptions{})
		if err != nil || !bytes.Equal(got.Pix, pix[:4*width*height]) {
			t.Fatalf("another picture: %v", err)
		}
	})
}
