package resize

import (
	"errors"
	"image"
	"image/color"
	"testing"
)

// A bitWriter writes bits as JPEG XL has them, the least significant one first.
type bitWriter struct {
	data []byte
	at   int
}

func (w *bitWriter) bits(v, n int) {
	for i := range n {
		if w.at%8 == 0 {
			w.data = append(w.data, 0)
		}
		w.data[w.at/8] |= byte(v>>i&1) << (w.at % 8)
		w.at++
	}
}

// jxlHead returns the beginning of a codestream of 64 x 64 pixels, with one
// channel beyond the colours if kind is not negative, whose first frame is a
// modular one of that size; the zero size is that of the picture.
func jxlHead(kind int, frame image.Point) []byte {
	w := &bitWriter{data: []byte(jxlCodestream), at: 16}
	w.bits(1, 1) // small
	w.bits(7, 5) // 64 high
	w.bits(1, 3) // and wide
	w.bits(0, 1) // not all as by default
	w.bits(0, 1) // no fields that few need
	w.bits(0, 1) // integers
	w.bits(0, 2) // of 8 bits
	w.bits(1, 1) // modular buffers of 16 bits
	if kind < 0 {
		w.bits(0, 2)
	} else {
		w.bits(1, 2)
		w.bits(0, 1)
		w.bits(2, 2) // a kind from 2 on
		w.bits(kind-2, 4)
		w.bits(0, 1+2) // 8 bits
		w.bits(0, 2)   // not reduced
		w.bits(0, 2)   // no name
	}
	w.bits(1, 1) // XYB
	w.bits(1, 1) // sRGB
	w.bits(0, 2) // no extensions
	w.bits(1, 1) // the usual transforms
	for w.at%8 != 0 {
		w.bits(0, 1)
	}
	w.bits(0, 1) // a frame that is not all as by default
	w.bits(0, 2) // regular
	w.bits(1, 1) // modular
	w.bits(0, 2) // no flags
	w.bits(0, 2) // not enlarged
	if kind >= 0 {
		w.bits(0, 2)
	}
	w.bits(1, 2) // groups of 256
	w.bits(0, 2) // one pass
	if frame == (image.Point{}) {
		w.bits(0, 1)
	} else {
		w.bits(1, 1)
		w.bits(0, 2+8) // at 0, 0
		w.bits(0, 2+8)
		for _, n := range []int{frame.X, frame.Y} {
			w.bits(2, 2)
			w.bits(n-2304, 14)
		}
	}
	w.bits(0, 64) // something that follows
	return w.data
}

// The first frame is believed, not the picture around it: a much larger one is
// refused, and a somewhat larger one is counted.
func TestJPEGXLFrame(t *testing.T) {
	h, err := parseJXL(jxlHead(-1, image.Point{}))
	if err != nil || h.size != image.Pt(64, 64) || !h.frame.known || !h.frame.modular || h.frame.size != (image.Point{}) {
		t.Fatalf("%+v, %v; want 64 x 64 in one modular frame", h, err)
	}
	if h, err = parseJXL(jxlHead(-1, image.Pt(8192, 8192))); !errors.Is(err, ErrLimit) {
		t.Errorf("%+v, %v; want ErrLimit", h, err)
	}
	large := jxlHeader{size: image.Pt(4000, 3000), frame: jxlFrame{size: image.Pt(5000, 4000)}}
	if small := (jxlHeader{size: large.size}); large.linear() <= small.linear() {
		t.Error("a larger frame is admitted with no more memory")
	}
	if _, err := resizeBytes(t, everything, jxlHead(-1, image.Pt(8192, 8192)), Options{Format: PNG}); !errors.Is(err, ErrLimit) {
		t.Errorf("%v; want ErrLimit", err)
	}
}

// Black ink cannot be had of the decoder: without it a picture would be another.
func TestJPEGXLBlackInk(t *testing.T) {
	if _, err := jxlCodec.config(jxlHead(jxlBlack, image.Point{})); !errors.Is(err, ErrLimit) {
		t.Errorf("%v; want ErrLimit", err)
	}
	const depth = 3
	if h, err := parseJXL(jxlHead(depth, image.Point{})); err != nil || h.black || h.extra != 1 {
		t.Errorf("a channel of another kind: %+v, %v", h, err)
	}
}

// The first pixels are those of the picture, whatever the decoder's allocator
// does with its memory: here 24 bytes of them were others.
func TestJPEGXLFirstPixels(t *testing.T) {
	img := toNRGBA(toPNGBy(t, everything, readOwn(t, "scanner-profile.jxl"), Options{}))
	if img.Rect.Size() != image.Pt(32, 24) || !img.Opaque() {
		t.Fatalf("%v, opaque: %v; want 32 x 24 without transparency", img.Rect, img.Opaque())
	}
	for x := range 12 {
		a, b := img.NRGBAAt(x, 0), img.NRGBAAt(x, 1)
		if abs(int(a.R)-int(b.R)) > 24 || abs(int(a.G)-int(b.G)) > 24 || abs(int(a.B)-int(b.B)) > 24 {
			t.Errorf("pixel %d of the first row is %v, below it is %v", x, a, b)
		}
	}
	// No transparency that is not there: the choice of a format sees it.
	result, err := resizeBytes(t, everything, readOwn(t, "scanner-profile.jxl"), Options{Format: Auto})
	if err != nil || result.Format != JPEG {
		t.Errorf("%v, %v; want JPEG", result, err)
	}
}

// Colours that are multiplied by alpha are divided by it.
func TestJPEGXLPremultiplied(t *testing.T) {
	img := toNRGBA(toPNGBy(t, everything, readOwn(t, "premultiplied.jxl"), Options{}))
	if img.Rect.Size() != image.Pt(64, 48) {
		t.Fatalf("%v", img.Rect)
	}
	for y := range 48 {
		for x := range 64 {
			want := color.NRGBA{byte(4 * x), byte(5 * y), 200, byte(255 - 3*x)}
			got := img.NRGBAAt(x, y)
			if abs(int(got.R)-int(want.R)) > 4 || abs(int(got.G)-int(want.G)) > 4 || abs(int(got.B)-int(want.B)) > 4 || abs(int(got.A)-int(want.A)) > 2 {
				t.Fatalf("(%d,%d) is %v; want about %v", x, y, got, want)
			}
		}
	}
}

// A codestream in several boxes is read as one.
func TestJPEGXLInParts(t *testing.T) {
	stream := readOwn(t, "photo.jxl")
	if kind := string(stream[:2]); kind != jxlCodestream {
		t.Fatalf("the sample begins with %x", kind)
	}
	file := append([]byte(jxlContainer), makeBox("ftyp", []byte("jxl \x00\x00\x00\x00jxl "))...)
	for i, part := range [][]byte{stream[:4], stream[4:9], stream[9:]} {
		number := []byte{0, 0, 0, byte(i)}
		if i == 2 {
			number[0] = 0x80 // the last one
		}
		file = append(file, makeBox("jxlp", number, part)...)
	}
	a, err := jxlCodec.config(file)
	b, err2 := jxlCodec.config(stream)
	if err != nil || err2 != nil || a != b {
		t.Errorf("%+v, %v; want %+v, %v", a, err, b, err2)
	}
	if p := psnr(toPNGBy(t, everything, file, Options{}), toPNGBy(t, everything, stream, Options{})); p < 60 {
		t.Errorf("PSNR %.1f dB to the same in one part", p)
	}
}

func FuzzJPEGXLFrame(f *testing.F) {
	f.Add(jxlHead(-1, image.Point{})[5:], true, 0)
	f.Add(jxlHead(-1, image.Pt(8192, 8192))[5:], true, 1)
	f.Fuzz(func(t *testing.T, data []byte, xyb bool, extra int) {
		r := jxlReader{data: data}
		frame := r.frame(&jxlHeader{size: image.Pt(64, 64), xyb: xyb, extra: extra & 0xfff})
		if frame.size.X < 0 || frame.size.Y < 0 || frame.size.X > 1<<30 || frame.size.Y > 1<<30 {
			t.Fatalf("%+v", frame)
		}
		if r.at > 1<<16 {
			t.Fatalf("%d bits of a header", r.at)
		}
	})
}
