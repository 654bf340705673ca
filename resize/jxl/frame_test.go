package jxl

import (
	"errors"
	"image"
	"testing"

	"s3imageserver/resize/icc"
	"s3imageserver/resize/picturetest"
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

// headOf returns the beginning of a codestream of 64 x 64 pixels, with one
// channel beyond the colours if kind is not negative, whose first frame is a
// modular one of that size; the zero size is that of the picture.
func headOf(kind int, frame image.Point) []byte {
	w := &bitWriter{data: []byte(Codestream), at: 16}
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
func TestFrame(t *testing.T) {
	h, err := Parse(headOf(-1, image.Point{}))
	if err != nil || h.Size != image.Pt(64, 64) || !h.Frame.known || !h.Frame.modular || h.Frame.Size != (image.Point{}) {
		t.Fatalf("%+v, %v; want 64 x 64 in one modular frame", h, err)
	}
	if h, err = Parse(headOf(-1, image.Pt(8192, 8192))); !errors.Is(err, ErrLimit) {
		t.Errorf("%+v, %v; want ErrLimit", h, err)
	}
	large := Header{Size: image.Pt(4000, 3000), Frame: Frame{Size: image.Pt(5000, 4000)}}
	if small := (Header{Size: large.Size}); large.Memory() <= small.Memory() {
		t.Error("a larger frame is admitted with no more memory")
	}
}

// A channel of black ink is found among those beyond the colours.
func TestBlackInk(t *testing.T) {
	if h, err := Parse(headOf(blackChannel, image.Point{})); err != nil || !h.Black {
		t.Errorf("%+v, %v; want black ink", h, err)
	}
	const depth = 3
	if h, err := Parse(headOf(depth, image.Point{})); err != nil || h.Black || h.Extra != 1 {
		t.Errorf("a channel of another kind: %+v, %v", h, err)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(headOf(-1, image.Point{})[5:], true, 0)
	f.Add(headOf(-1, image.Pt(8192, 8192))[5:], true, 1)
	f.Fuzz(func(t *testing.T, data []byte, xyb bool, extra int) {
		r := reader{data: data}
		frame := r.frame(&Header{Size: image.Pt(64, 64), xyb: xyb, Extra: extra & 0xfff})
		if frame.Size.X < 0 || frame.Size.Y < 0 || frame.Size.X > 1<<30 || frame.Size.Y > 1<<30 {
			t.Fatalf("%+v", frame)
		}
		if r.at > 1<<16 {
			t.Fatalf("%d bits of a header", r.at)
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add(sample(f, "photo.jxl"))
	f.Add(sample(f, "photo-p3.jxl"))
	f.Add([]byte(Container + "\x00\x00\x00\x0ejxlp\x00\x00\x00\x00\xff\x0a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := Parse(data)
		if err != nil {
			return
		}
		if h.Size.X < 0 || h.Size.Y < 0 || h.Extra > 1<<12 {
			t.Fatalf("%+v", h)
		}
		if len(h.DecodedProfile()) > icc.MaxBytes {
			t.Fatalf("profile of %d bytes", len(h.DecodedProfile()))
		}
	})
}

// sample returns a sample file.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	return picturetest.File(t, "../testdata/"+name)
}
