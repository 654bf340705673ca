package av1

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"math/rand/v2"
	"testing"
)

func TestTiling(t *testing.T) {
	for _, tt := range []struct {
		name          string
		width, height int
		columns, rows int
	}{
		{"a small picture is one tile", 1, 1, 1, 1},
		{"so is one as wide as a tile may be", 4096, 2304, 1, 1},
		{"a wider one has two columns", 4097, 10, 2, 1},
		{"a larger one has two rows", 4096, 2305, 1, 2},
		{"the widest has sixteen columns", 65536, 64, 16, 1},
		{"100 megapixels", 12000, 8400, 4, 4},
	} {
		g := newTiling((tt.width+7)>>3<<1, (tt.height+7)>>3<<1, 0, 0)
		if g.columns != tt.columns || g.rows != tt.rows {
			t.Errorf("%s: %dx%d has %d by %d tiles; want %d by %d", tt.name, tt.width, tt.height, g.columns, g.rows, tt.columns, tt.rows)
		}
		if g.widthSB*64 > maxTileWidth || g.widthSB*64*g.heightSB*64 > maxTileArea {
			t.Errorf("%s: a tile of %dx%d superblocks is too large", tt.name, g.widthSB, g.heightSB)
		}
	}
}

func TestLevel(t *testing.T) {
	for _, tt := range []struct{ width, height, want int }{
		{1, 1, 0}, {512, 288, 0}, {513, 288, 1}, {2049, 1, 1}, {2817, 1, 4}, {1920, 1080, 8}, {3840, 2160, 12}, {7680, 4320, 16}, {20000, 10, 31},
	} {
		h := header{width: tt.width, height: tt.height}
		if got := h.level(); got != tt.want {
			t.Errorf("level of %dx%d is %d; want %d", tt.width, tt.height, got, tt.want)
		}
	}
}

func TestLEB128(t *testing.T) {
	for v, want := range map[uint]string{0: "\x00", 127: "\x7f", 128: "\x80\x01", 300: "\xac\x02", 1 << 21: "\x80\x80\x80\x01"} {
		if got := appendLEB128(nil, v); string(got) != want {
			t.Errorf("LEB128 of %d is %x; want %x", v, got, want)
		}
	}
}

// Pictures beyond the limits of a tile have several, and decode.
func TestTiles(t *testing.T) {
	j := newJudge(t)
	j.check(randomPicture(1, 4097, 9), randomPicture(2, 4200, 70), randomPicture(3, 9, 4100), randomPicture(4, 8193, 3))
}

// Equal pictures make equal bytes, also where an encoder was used before.
func TestSameBytes(t *testing.T) {
	m := image.NewNYCbCrA(image.Rect(0, 0, 99, 70), image.YCbCrSubsampleRatio420)
	r := rand.New(rand.NewPCG(9, 9))
	for i := range m.Y {
		m.Y[i], m.A[i] = uint8(i+r.IntN(20)), uint8(i/99)
	}
	var a, b bytes.Buffer
	if err := Encode(&a, m, &Options{QIndex: 90}); err != nil {
		t.Fatal(err)
	}
	// Its memory has another picture in it, larger and smaller.
	for _, size := range []int{300, 20} {
		other := image.NewYCbCr(image.Rect(0, 0, size, size), image.YCbCrSubsampleRatio444)
		for i := range other.Y {
			other.Y[i], other.Cb[i], other.Cr[i] = uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256))
		}
		if err := Encode(io.Discard, other, &Options{QIndex: 5, Effort: size % 7}); err != nil {
			t.Fatal(err)
		}
	}
	if err := Encode(&b, m, &Options{QIndex: 90}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same picture makes other bytes the second time")
	}
}

// Encode ends soon after its context does, with nothing written.
func TestEncodeEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var b bytes.Buffer
	err := Encode(&b, image.NewGray(image.Rect(0, 0, 100, 300)), &Options{Context: ctx})
	if !errors.Is(err, context.Canceled) || b.Len() > 0 {
		t.Errorf("%d bytes, error %v; want none, and that of the context", b.Len(), err)
	}
}

// Fewer bits make fewer bytes.
func TestQIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	m := &image.YCbCr{Rect: image.Rect(0, 0, 128, 128), SubsampleRatio: image.YCbCrSubsampleRatio420, YStride: 128, CStride: 64}
	for _, c := range noise(r, 128, 128, 1, 1, 1) {
		m.Y = c.pix
	}
	m.Cb, m.Cr = make([]uint8, 64*64), make([]uint8, 64*64)
	last := 1 << 30
	for _, q := range []int{1, 20, 60, 120, 200, 255} {
		var b bytes.Buffer
		if err := Encode(&b, m, &Options{QIndex: q}); err != nil {
			t.Fatal(err)
		}
		if b.Len() >= last {
			t.Errorf("QIndex %d makes %d bytes; want fewer than %d", q, b.Len(), last)
		}
		last = b.Len()
	}
}

// No picture makes the encoder panic.
func FuzzEncode(f *testing.F) {
	f.Add(uint8(1), uint8(1), uint8(10), uint8(0), []byte{1, 2, 3})
	f.Add(uint8(70), uint8(33), uint8(200), uint8(3), []byte("picture"))
	f.Fuzz(func(t *testing.T, w, h, q, kind uint8, data []byte) {
		r := image.Rect(0, 0, int(w%80)+1, int(h%80)+1)
		at := 0
		put := func(pix []uint8) {
			for i := range pix {
				if len(data) > 0 {
					pix[i] = data[at%len(data)]
					at++
				}
			}
		}
		var m image.Image
		switch kind % 4 {
		case 0:
			g := image.NewGray(r)
			put(g.Pix)
			m = g
		case 1, 2:
			y := image.NewYCbCr(r, []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio444}[kind%4-1])
			put(y.Y)
			put(y.Cb)
			put(y.Cr)
			m = y
		case 3:
			y := image.NewNYCbCrA(r, image.YCbCrSubsampleRatio420)
			put(y.Y)
			put(y.A)
			m = y
		}
		var b bytes.Buffer
		if err := Encode(&b, m, &Options{QIndex: int(q)}); err != nil || b.Len() == 0 {
			t.Fatalf("%d bytes, error %v", b.Len(), err)
		}
	})
}

// Filters grow with the quantizer from nothing.
func TestFilters(t *testing.T) {
	for _, tt := range []struct {
		qIndex, deblock int
		cdef            cdefStrength
	}{
		{1, 0, cdefStrength{damping: 3}},
		{110, 7, cdefStrength{damping: 4, yPri: 1, uvPri: 1}},
		{255, 63, cdefStrength{damping: 6, yPri: 15, ySec: 3, uvSec: 3}},
	} {
		h := header{qIndex: tt.qIndex}
		h.filters()
		if h.deblock != tt.deblock || h.cdef != tt.cdef {
			t.Errorf("q_idx %d: deblocking %d, CDEF %+v; want %d, %+v", tt.qIndex, h.deblock, h.cdef, tt.deblock, tt.cdef)
		}
	}
}
