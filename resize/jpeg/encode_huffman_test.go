package jpeg

import (
	"bytes"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCodeLengths(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for i := range 500 {
		n := 2 + r.IntN(256)
		keys := make([]uint64, n)
		for j := 1; j < n; j++ {
			c := uint64(1 + r.IntN(1000))
			if i%3 == 0 {
				c = 1 << r.IntN(30)
			}
			keys[j] = c<<8 | uint64(j-1)
		}
		slices.Sort(keys)
		lengths := codeLengths(keys)
		sum, kraft := 0, 0
		for l, m := range lengths {
			if l > 16 && m != 0 || m < 0 {
				t.Fatalf("%d codes of length %d", m, l)
			}
			if l <= 16 {
				sum += m
				kraft += m << (16 - l)
			}
		}
		if sum != n || kraft != 1<<16 {
			t.Fatalf("%d symbols: %d codes, Kraft sum %d/65536", n, sum, kraft)
		}
	}
}

// Without the limit of 16 the cost must be that of Huffman's own method.
func TestCodeLengthsAreBest(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		n := 2 + r.IntN(40)
		keys := make([]uint64, n)
		var nodes []uint64
		for j := range keys {
			c := uint64(50 + r.IntN(100))
			keys[j] = c<<8 | uint64(j)
			nodes = append(nodes, c)
		}
		want := uint64(0)
		for len(nodes) > 1 {
			slices.Sort(nodes)
			s := nodes[0] + nodes[1]
			want += s
			nodes = append(nodes[2:], s)
		}
		slices.Sort(keys)
		lengths := codeLengths(keys)
		got, j := uint64(0), n
		for l, m := range lengths {
			for range m {
				j--
				got += uint64(l) * (keys[j] >> 8)
			}
		}
		if got != want {
			t.Fatalf("%d symbols cost %d bits; want %d", n, got, want)
		}
	}
}

// Counts that grow like Fibonacci's numbers make the longest codes.
func TestCodeLengthsLimit(t *testing.T) {
	a, b := uint64(0), uint64(1)
	var keys []uint64
	for i := range 40 {
		keys = append(keys, a<<8|uint64(i))
		a, b = b, a+b
	}
	lengths := codeLengths(keys)
	kraft := 0
	for l, m := range lengths {
		if m != 0 && l > 16 {
			t.Fatalf("%d codes of length %d", m, l)
		}
		if l <= 16 {
			kraft += m << (16 - l)
		}
	}
	if kraft != 1<<16 {
		t.Errorf("Kraft sum %d/65536", kraft)
	}
}

// FuzzEncode writes random pictures in every way: image/jpeg must read them,
// and to the same pixels.
func FuzzEncode(f *testing.F) {
	f.Add(uint64(1), uint8(17), uint8(33), uint8(75), uint8(2), uint8(0))
	f.Add(uint64(2), uint8(1), uint8(1), uint8(100), uint8(0), uint8(1))
	f.Add(uint64(3), uint8(200), uint8(90), uint8(20), uint8(6), uint8(2))
	f.Add(uint64(4), uint8(64), uint8(64), uint8(95), uint8(7), uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, w, h, quality, kind, fill uint8) {
		if w == 0 || h == 0 {
			t.Skip()
		}
		r := rand.New(rand.NewPCG(seed, 2))
		paint := func(p []byte) {
			v := byte(r.Uint32())
			for i := range p {
				switch fill % 4 {
				case 0:
					v = byte(r.Uint32())
				case 1:
					v += byte(r.IntN(7)) - 3
				case 2:
					if r.IntN(60) == 0 {
						v = byte(r.Uint32())
					}
				}
				p[i] = v
			}
		}
		rect := image.Rect(0, 0, int(w), int(h)).Add(image.Pt(int(seed%5), int(seed%7)))
		var m image.Image
		switch k := int(kind) % 8; k {
		case 6:
			g := image.NewGray(rect)
			paint(g.Pix)
			m = g
		case 7:
			g := image.NewNRGBA(rect)
			paint(g.Pix)
			m = g
		default:
			y := image.NewYCbCr(rect, encRatios[k])
			paint(y.Y)
			paint(y.Cb)
			paint(y.Cr)
			m = y
		}
		var want [][]byte
		var trellised []byte
		for _, o := range []EncodeOptions{{Tables: TablesStandard}, {}, {Progressive: true, nearest: true}, {generic: true}, {Progressive: true}, {Progressive: true, generic: true}} {
			o.Quality = int(quality)%100 + 1
			data := encode(t, m, o)
			got, err := jpeg.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatalf("%T %v %+v: %v", m, rect, o, err)
			}
			if got.Bounds().Size() != rect.Size() {
				t.Fatalf("%T %v %+v: decodes to %v", m, rect, o, got.Bounds())
			}
			if o.Progressive && !o.nearest { // quantized in another way
				if trellised != nil && !bytes.Equal(data, trellised) {
					t.Fatalf("%T %v %+v: other bytes than with assembly", m, rect, o)
				}
				trellised = data
				continue
			}
			planes := encPlanes(got)
			for i := range want {
				if !bytes.Equal(planes[i], want[i]) {
					t.Fatalf("%T %v %+v: component %d differs from the baseline file", m, rect, o, i)
				}
			}
			want = planes
		}
	})
}
