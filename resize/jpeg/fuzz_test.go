package jpeg

import (
	"bytes"
	stdjpeg "image/jpeg"
	"io"
	"math"
	"testing"
)

// seeds adds the small files of the corpus, and some made here.
func seeds(f *testing.F) {
	f.Add(append(append(grayHead(markerSOF0, 16, 16), scanOf(0, 63, 0, 0, 0x55, 0xaa)...), 0xff, markerEOI), uint8(8))
	f.Add(append(append(grayHead(markerSOF2, 16, 16), scanOf(0, 0, 1, 0, 0x55)...), scanOf(1, 63, 0, 0x12)...), uint8(4))
	f.Add(append(append(grayHead(markerSOF0, 16, 0), scanOf(0, 63, 0, 0)...), segment(markerDNL, 0, 16)...), uint8(2))
	for _, folder := range []string{"jpeg", "broken"} {
		for _, file := range corpusFiles(folder) {
			if len(file.data) < 8<<10 {
				f.Add(file.data, uint8(len(file.data)))
			}
		}
	}
}

// FuzzDecode decodes in several ways, which must agree, and compares with
// image/jpeg where that takes the file.
func FuzzDecode(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte, choice uint8) {
		const maxPixels = 1 << 18
		o := Options{Scale: scales[choice&3], Approximate: choice&4 != 0, MaxPixels: maxPixels, MaxScans: 20}
		if o.Scale == 4 && choice&8 != 0 {
			o.ChromaScale = 8
		}
		o.Short = choice&16 != 0
		var m *Image
		var err error
		grown := heapGrowth(func() { m, err = Decode(bytes.NewReader(data), &o) })
		// 4 components of 2 bytes a coefficient, history, samples, and the
		// same again converted; and blocks up to 4 times the picture for
		// MCUs that reach beyond it, of which a narrow picture has many.
		if limit := uint64(maxPixels*32 + 4*65536*32*4 + 2<<20); grown > limit {
			t.Errorf("allocated %d bytes", grown)
		}
		if err != nil {
			m = nil
		}
		dirty := o
		dirty.Alloc = func(n int) []byte { return bytes.Repeat([]byte{0x5a}, n) }
		dirty.kernels.generic = true
		r := &dirtyReader{data: data, step: int(choice) + 1}
		m2, err2 := Decode(r, &dirty)
		if (err == nil) != (err2 == nil) {
			t.Fatalf("first %v, then %v", err, err2)
		}
		incomplete, err3 := DecodeStrips(bytes.NewReader(data), &o, nil, func(*Strip) error { return nil })
		if (err == nil) != (err3 == nil) {
			t.Fatalf("planes: %v, strips: %v", err, err3)
		}
		if m == nil {
			return
		}
		if m.Incomplete != m2.Incomplete || m.Incomplete != incomplete || sum(m.Image) != sum(m2.Image) {
			t.Fatalf("decodes differ: %v %v %v", m.Incomplete, m2.Incomplete, incomplete)
		}
		if want := m.ScaledSize(o.Scale); m.Image.Bounds().Size() != want {
			t.Fatalf("size %v; want %v", m.Image.Bounds(), want)
		}
		tolerant := o
		tolerant.Damaged = true
		shown, err := Decode(bytes.NewReader(data), &tolerant)
		if err != nil || !m.Incomplete && (shown.Incomplete || sum(shown.Image) != sum(m.Image)) {
			t.Fatalf("a sound file, shown as a damaged one: %v, incomplete %v", err, shown != nil && shown.Incomplete)
		}
		header, err := ReadHeader(bytes.NewReader(data))
		if err != nil || header.Height != 0 && (header.Width != m.Width || header.Height != m.Height) {
			t.Fatalf("ReadHeader: %v %dx%d; Decode has %dx%d", err, header.Width, header.Height, m.Width, m.Height)
		}

		// image/jpeg overflows on blocks that no picture has.
		sane := true
		full := Options{MaxPixels: maxPixels, kernels: kernels{generic: true, watch: func(b *[64]int16, q *[64]float32) {
			norm := 0.0
			for i, v := range b {
				norm += math.Abs(float64(v) * float64(q[i]) * 8 / aanFactors[i/8] / aanFactors[i%8])
			}
			sane = sane && norm < 900
		}}}
		d := newDecoder(bytes.NewReader(data), &full)
		d.whole = true
		if d.decode(nil) != nil || d.incomplete || d.junk > 0 || bytes.Count(data, []byte{0xff, markerDQT}) > 4 {
			return // image/jpeg loses its way after superfluous bytes
		}
		got := &Image{Header: d.finishHeader()}
		d.compose(got)
		want, err := stdjpeg.Decode(bytes.NewReader(data))
		if err != nil || !sane {
			return
		}
		var df diff
		if !df.compare(got.Image, want) {
			t.Fatalf("%T of %v; image/jpeg has %T of %v", got.Image, got.Image.Bounds(), want, want.Bounds())
		}
		if limit := 2; df.max > limit && got.Model != YCCK {
			t.Fatalf("differs from image/jpeg by %d", df.max)
		}
	})
}

// A dirtyReader returns few bytes at a time and writes on the rest of the
// buffer, as a reader may.
type dirtyReader struct {
	data []byte
	step int
}

func (r *dirtyReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 0xd9
	}
	n := copy(p, r.data[:min(r.step, len(r.data))])
	r.data = r.data[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func FuzzHeader(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte, _ uint8) {
		h, err := ReadHeader(bytes.NewReader(data))
		if err != nil {
			return
		}
		if h.Width < 1 || h.Height < 0 || h.Components != 1 && h.Components != 3 && h.Components != 4 {
			t.Fatalf("header %+v", h)
		}
		if len(h.Exif) > maxSegment || len(h.ICC) > maxProfile {
			t.Fatalf("%d bytes of Exif, %d of ICC", len(h.Exif), len(h.ICC))
		}
		if c, err := stdjpeg.DecodeConfig(bytes.NewReader(data)); err == nil && (c.Width != h.Width || c.Height != h.Height) {
			t.Fatalf("size %dx%d; image/jpeg has %dx%d", h.Width, h.Height, c.Width, c.Height)
		}
	})
}
