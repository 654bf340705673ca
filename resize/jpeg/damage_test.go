package jpeg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

// picture returns a small file of the corpus.
func picture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(corpus, name))
	if err != nil {
		t.Skip("no corpus: real pictures are not tested")
	}
	return data
}

// TestCut cuts files at many places. What is decoded without an error must be
// marked incomplete, or be the whole picture.
func TestCut(t *testing.T) {
	for _, name := range []string{
		"jpeg/go__video-001.jpeg",
		"jpeg/go__video-001.progressive.jpeg",
		"jpeg/go__video-001.restart2.jpeg",
		"jpeg/go__video-001.q50.420.progressive.jpeg",
		"jpeg/zune-image__non_interleaved_420_64x64.jpg",
		"jpeg/go__video-005.gray.jpeg",
		"jpeg/pillow__pil_sample_cmyk.jpg",
		"jpeg/exiforient__Landscape_6.jpg",
	} {
		data := picture(t, name)
		for _, n := range scales {
			whole, err := Decode(bytes.NewReader(data), &Options{Scale: n})
			if err != nil {
				t.Fatal(err)
			}
			want := sum(whole.Image)
			shown := 0
			cuts := []int{len(data) - 1, len(data) - 2, len(data) - 3, len(data) - 4, len(data) - 10}
			for percent := range 100 {
				cuts = append(cuts, len(data)*percent/100)
			}
			for _, cut := range cuts {
				m, err := Decode(bytes.NewReader(data[:cut]), &Options{Scale: n})
				if err != nil {
					var bad FormatError
					if !errors.As(err, &bad) {
						t.Errorf("%s at %d/8, cut at %d: %v", name, n, cut, err)
					}
					continue
				}
				shown++
				if !m.Incomplete && sum(m.Image) != want {
					t.Errorf("%s at %d/8, cut at %d of %d: neither incomplete nor the whole picture", name, n, cut, len(data))
				}
			}
			if shown < 40 {
				t.Errorf("%s at %d/8: only %d of %d cut files show something", name, n, shown, len(cuts))
			}
		}
	}
}

// TestCutShowsTop checks that the part before the cut is as it was, and the
// rest gray.
func TestCutShowsTop(t *testing.T) {
	data := picture(t, "jpeg/go__video-005.gray.jpeg")
	for _, n := range scales {
		whole := planesOf(t, data, &Options{Scale: n})[0]
		part := planesOf(t, data[:len(data)*2/3], &Options{Scale: n})[0]
		rows := whole.Height / 3 * whole.Width
		if !bytes.Equal(whole.Pix[:rows], part.Pix[:rows]) {
			t.Errorf("%d/8: the top is not what it was", n)
		}
		if part.Pix[len(part.Pix)-1] != 128 {
			t.Errorf("%d/8: last sample is %d; want gray", n, part.Pix[len(part.Pix)-1])
		}
	}
}

// A chunkReader returns pieces of random length.
type chunkReader struct {
	r   io.Reader
	rng *rand.Rand
}

func (c chunkReader) Read(p []byte) (int, error) {
	return c.r.Read(p[:min(len(p), c.rng.IntN(300))])
}

func TestChunking(t *testing.T) {
	for _, name := range []string{
		"jpeg/go__video-001.jpeg", "jpeg/go__video-001.progressive.jpeg", "jpeg/go__video-001.restart2.jpeg",
		"jpeg/libavif__apple_gainmap_new.jpg", "jpeg/exiforient__Landscape_6.jpg", "jpeg/zune-image__non_interleaved_420_64x64.jpg",
		"broken/made__jpeg-dnl-height0.jpg",
	} {
		data := picture(t, name)
		for _, n := range scales {
			whole, err := Decode(bytes.NewReader(data), &Options{Scale: n})
			if err != nil {
				t.Fatal(err)
			}
			for reader, r := range map[string]io.Reader{
				"one byte":         iotest.OneByteReader(bytes.NewReader(data)),
				"half":             iotest.HalfReader(bytes.NewReader(data)),
				"error with data":  iotest.DataErrReader(bytes.NewReader(data)),
				"random, and none": chunkReader{bytes.NewReader(data), rand.New(rand.NewPCG(uint64(n), 1))},
			} {
				m, err := Decode(r, &Options{Scale: n})
				if err != nil {
					t.Errorf("%s at %d/8, reader: %s: %v", name, n, reader, err)
				} else if m.Incomplete != whole.Incomplete || sum(m.Image) != sum(whole.Image) {
					t.Errorf("%s at %d/8, reader: %s: other samples", name, n, reader)
				}
			}
		}
	}
}

func TestReaderError(t *testing.T) {
	broken := errors.New("connection lost")
	for _, name := range []string{"jpeg/go__video-001.jpeg", "jpeg/go__video-001.progressive.jpeg", "jpeg/zune-image__non_interleaved_420_64x64.jpg", "broken/made__jpeg-dnl-height0.jpg"} {
		data := picture(t, name)
		for percent := range 99 {
			r := io.MultiReader(bytes.NewReader(data[:len(data)*percent/100]), iotest.ErrReader(broken))
			if _, err := Decode(r, &Options{Scale: 1 << (percent % 4)}); !errors.Is(err, broken) {
				t.Errorf("%s, error after %d%%: got %v; want the reader's error", name, percent, err)
			}
		}
	}
	if _, err := Decode(iotest.ErrReader(broken), nil); err != broken {
		t.Errorf("got %v; want the reader's error", err)
	}
	if _, err := ReadHeader(iotest.ErrReader(broken)); err != broken {
		t.Errorf("got %v; want the reader's error", err)
	}
	if _, err := Decode(readerFunc(func(p []byte) (int, error) { return 0, nil }), nil); err != io.ErrNoProgress {
		t.Errorf("reader that returns nothing: %v; want %v", err, io.ErrNoProgress)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestMalformed(t *testing.T) {
	head := func(sof ...byte) []byte { return append([]byte{0xff, markerSOI}, segment(markerSOF0, sof...)...) }
	gray := func(tail ...byte) []byte { return append(grayHead(markerSOF0, 16, 16), tail...) }
	progressive := func(tail ...byte) []byte { return append(grayHead(markerSOF2, 16, 16), tail...) }
	bad := FormatError("")
	tests := []struct {
		name string
		data []byte
		want error // FormatError means any
	}{
		{"nothing", nil, bad},
		{"SOI only", []byte{0xff, markerSOI}, bad},
		{"PNG", []byte("\x89PNG\r\n"), bad},
		{"2 components", head(8, 0, 16, 0, 16, 2, 1, 0x11, 0, 2, 0x11, 0), ErrUnsupported},
		{"12 bits", head(12, 0, 16, 0, 16, 1, 1, 0x11, 0), ErrUnsupported},
		{"short frame header", head(8, 0, 16, 0), bad},
		{"frame header with too few components", head(8, 0, 16, 0, 16, 3, 1, 0x11, 0), bad},
		{"sampling factor 0", head(8, 0, 16, 0, 16, 1, 1, 0x01, 0), bad},
		{"sampling factor 5", head(8, 0, 16, 0, 16, 1, 1, 0x15, 0), bad},
		{"quantization table 4", head(8, 0, 16, 0, 16, 1, 1, 0x11, 4), bad},
		{"width 0", head(8, 0, 16, 0, 0, 1, 1, 0x11, 0), bad},
		{"height 0 and no DNL", append(grayHead(markerSOF0, 16, 0), scanOf(0, 63, 0, 0, 0xff, markerEOI)...), bad},
		{"hierarchical", append([]byte{0xff, markerSOI}, segment(markerDHP, 8, 0, 16, 0, 16, 1, 1, 0x11, 0)...), ErrUnsupported},
		{"second frame header", gray(segment(markerSOF0, 8, 0, 16, 0, 16, 1, 1, 0x11, 0)...), bad},
		{"second SOI", gray(0xff, markerSOI), bad},
		{"segment of length 1", gray(0xff, 0xfe, 0, 1), bad},
		{"short quantization table", gray(segment(markerDQT, 0, 1, 2, 3)...), bad},
		{"quantization table of precision 2", gray(segment(markerDQT, make([]byte, 200)...)[:4]...), bad},
		{"short Huffman table", gray(segment(markerDHT, 0, 1, 2)...), bad},
		{"empty Huffman table", gray(segment(markerDHT, make([]byte, 17)...)...), bad},
		{"Huffman table of class 2", gray(segment(markerDHT, append([]byte{0x20, 1}, make([]byte, 16)...)...)...), bad},
		{"3 codes of 1 bit", gray(segment(markerDHT, append([]byte{0, 3}, make([]byte, 18)...)...)...), bad},
		{"short restart interval", gray(segment(markerDRI, 1)...), bad},
		{"scan header of length 0", gray(segment(markerSOS)...), bad},
		{"scan of 2 components of 1", gray(segment(markerSOS, 2, 1, 0, 1, 0, 0, 63, 0)...), bad},
		{"scan of an unknown component", gray(segment(markerSOS, 1, 9, 0, 0, 63, 0)...), bad},
		{"scan with Huffman table 4", gray(segment(markerSOS, 1, 1, 0x40, 0, 63, 0)...), bad},
		{"scan with an undefined Huffman table", gray(segment(markerSOS, 1, 1, 0x22, 0, 63, 0)...), bad},
		{"DC and AC in one scan", progressive(scanOf(0, 5, 0, 0)...), bad},
		{"band backwards", progressive(scanOf(5, 4, 0, 0)...), bad},
		{"band to 64", progressive(scanOf(5, 64, 0, 0)...), bad},
		{"Al 14", progressive(scanOf(0, 0, 14, 0)...), bad},
		{"Ah 3 after Al 1", progressive(scanOf(0, 0, 0x31, 0)...), bad},
		{"code of all ones", gray(scanOf(0, 63, 0, bytes.Repeat([]byte{0xff, 0}, 100)...)...), errBadCode},
		{"arithmetic", append([]byte{0xff, markerSOI}, segment(markerSOF0+9, 8, 0, 16, 0, 16, 1, 1, 0x11, 0)...), ErrUnsupported},
	}
	for _, tt := range tests {
		_, err := Decode(bytes.NewReader(tt.data), nil)
		var format FormatError
		if tt.want == bad && errors.As(err, &format) {
			continue
		}
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v; want %T %[3]v", tt.name, err, tt.want)
		}
	}
}

func TestUnsupported(t *testing.T) {
	for _, name := range []string{
		"jpeg/jpeg-decoder__jpeg_lossless_sel1.jpg", "jpeg/libjpeg-turbo__monkey12.jpg",
		"jpeg/libjpeg-turbo__testimgari.jpg", "jpeg/serenity__12-bit.jpg",
	} {
		data := picture(t, name)
		if _, err := Decode(bytes.NewReader(data), nil); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v; want ErrUnsupported", name, err)
		}
		if _, err := ReadHeader(bytes.NewReader(data)); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: header: %v; want ErrUnsupported", name, err)
		}
	}
	for _, n := range []int{-1, 3, 9, 16, 24} {
		if _, err := Decode(bytes.NewReader(nil), &Options{Scale: n}); !errors.Is(err, ErrUnsupported) {
			t.Errorf("scale %d/8: %v; want ErrUnsupported", n, err)
		}
	}
}

// heapGrowth returns how many bytes f allocates.
func heapGrowth(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestHeaderBombs(t *testing.T) {
	for _, name := range []string{"broken/made__jpeg-dims-65535x65535.jpg", "broken/jpeg-decoder__max_size.jpg"} {
		data := picture(t, name)
		for _, n := range scales {
			var err error
			grown := heapGrowth(func() { _, err = Decode(bytes.NewReader(data), &Options{Scale: n}) })
			if !errors.Is(err, ErrLimit) {
				t.Errorf("%s: %v; want ErrLimit", name, err)
			}
			if grown > 2<<20 {
				t.Errorf("%s: allocated %d bytes", name, grown)
			}
		}
	}
}

// segment makes a marker segment.
func segment(marker byte, payload ...byte) []byte {
	b := []byte{0xff, marker, 0, 0}
	binary.BigEndian.PutUint16(b[2:], uint16(len(payload)+2))
	return append(b, payload...)
}

// grayHead makes what precedes the scans of a gray picture: all steps are 1,
// and each Huffman table has the codes 0 and 10 for the symbols 0 and 1.
func grayHead(sof byte, width, height int) []byte {
	b := []byte{0xff, markerSOI}
	b = append(b, segment(markerDQT, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...)...)
	b = append(b, segment(sof, 8, byte(height>>8), byte(height), byte(width>>8), byte(width), 1, 1, 0x11, 0)...)
	for _, class := range []byte{0x00, 0x10} {
		b = append(b, segment(markerDHT, class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)...)
	}
	return b
}

func scanOf(ss, se, approx byte, entropy ...byte) []byte {
	return append(segment(markerSOS, 1, 1, 0, ss, se, approx), entropy...)
}

func TestScanLimits(t *testing.T) {
	data := picture(t, "broken/made__jpeg-progressive-1000-scans-2048.jpg")
	for _, n := range scales {
		r := bytes.NewReader(data)
		if _, err := Decode(r, &Options{Scale: n}); !errors.Is(err, ErrLimit) {
			t.Errorf("1000 scans at %d/8: %v; want ErrLimit", n, err)
		}
		if read := len(data) - r.Len(); n > 1 && read > 100*24+64<<10 {
			t.Errorf("1000 scans at %d/8: read %d bytes", n, read)
		}
	}
	many := func(scans, side int) []byte {
		b := grayHead(markerSOF2, side, side)
		b = append(b, scanOf(0, 0, 0, make([]byte, side*side/512+1)...)...)
		for range scans - 1 {
			b = append(b, scanOf(1, 63, 0, make([]byte, side*side/512+1)...)...)
		}
		return append(b, 0xff, markerEOI)
	}
	tests := []struct {
		name        string
		scans, side int
		limit       int
		err         error
	}{
		{"10 scans", 10, 512, 0, nil},
		{"20 scans", 20, 512, 0, nil},
		{"100 scans", 100, 64, 0, nil},
		{"101 scans", 101, 64, 0, ErrLimit},
		{"101 scans when 200 are allowed", 101, 64, 200, nil},
		{"80 scans of a million blocks", 80, 8192, 0, ErrLimit},
	}
	for _, tt := range tests {
		_, err := Decode(bytes.NewReader(many(tt.scans, tt.side)), &Options{Scale: 2, MaxScans: tt.limit})
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: %v; want %v", tt.name, err, tt.err)
		}
	}
}

// TestLinear checks that long files of nothing take time in proportion, with
// a wide margin.
func TestLinear(t *testing.T) {
	comments := func(n int) []byte {
		return append(bytes.Repeat(segment(0xfe, 1, 2), n/6), 0xff, markerEOI)
	}
	tests := []struct {
		name string
		make func(n int) []byte
	}{
		{"fill bytes before a segment", func(n int) []byte { return bytes.Repeat([]byte{0xff}, n) }},
		{"comments", comments},
		{"zeros between segments", func(n int) []byte { return make([]byte, n) }},
		{"restart markers", func(n int) []byte { return bytes.Repeat([]byte{0xff, markerRST0}, n/2) }},
		{"fill bytes in a scan", func(n int) []byte {
			return append(append(grayHead(markerSOF0, 4000, 4000)[2:], scanOf(0, 63, 0)...), bytes.Repeat([]byte{0xff}, n)...)
		}},
		{"fill bytes in a scan passed over", func(n int) []byte {
			return append(append(grayHead(markerSOF2, 8, 8)[2:], scanOf(1, 63, 0)...), bytes.Repeat([]byte{0xff}, n)...)
		}},
		{"stuffed zeros", func(n int) []byte {
			return append(append(grayHead(markerSOF0, 8, 8)[2:], scanOf(0, 63, 0)...), bytes.Repeat([]byte{0xff, 0}, n/2)...)
		}},
		{"Huffman tables", func(n int) []byte {
			p := segment(markerDHT, 0x10, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
			q := segment(markerDHT, 0x10, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0)
			return bytes.Repeat(append(p, q...), n/len(p)/2)
		}},
	}
	for _, tt := range tests {
		data := append([]byte{0xff, markerSOI}, tt.make(4<<20)...)
		start := time.Now()
		_, err := Decode(bytes.NewReader(data), &Options{Scale: 1})
		took := time.Since(start)
		t.Logf("%s: %v, %v", tt.name, took, err)
		if took > time.Minute { // squared it would be hours
			t.Errorf("%s: 4 MB took %v", tt.name, took)
		}
	}
}

// TestFillBeforeMarkers is legal: T.81 section B.1.1.2.
func TestFillBeforeMarkers(t *testing.T) {
	want, err := Decode(bytes.NewReader(picture(t, "jpeg/go__video-001.jpeg")), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(bytes.NewReader(picture(t, "broken/made__jpeg-fill-ff-200kB.jpg")), nil)
	if err != nil || got.Incomplete || sum(got.Image) != sum(want.Image) {
		t.Errorf("200 kB of fill bytes: %v, or other samples", err)
	}
}

// TestConcurrent decodes from several goroutines at once.
func TestConcurrent(t *testing.T) {
	var datas [][]byte
	var want []uint64
	for _, f := range small(files(t, "jpeg"), 100e3) {
		if m, err := Decode(bytes.NewReader(f.data), nil); err == nil {
			datas = append(datas, f.data)
			want = append(want, sum(m.Image))
		}
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i, data := range datas {
				if m, err := Decode(bytes.NewReader(data), nil); err != nil || sum(m.Image) != want[i] {
					t.Errorf("file %d: %v, or other samples", i, err)
				}
			}
		})
	}
	group.Wait()
}

// TestFlips changes single bytes: an error or a picture, and no panic. The
// same must come of strips.
func TestFlips(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 100
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for _, name := range []string{
		"jpeg/go__video-001.q50.420.jpeg", "jpeg/go__video-001.q50.420.progressive.jpeg", "jpeg/go__video-001.restart2.jpeg",
		"jpeg/zune-image__non_interleaved_420_64x64.jpg", "jpeg/jpeg-decoder__jpg-cmyk-1.jpg", "jpeg/jpeg-decoder__icc_chunk_order.jpeg",
	} {
		data := picture(t, name)
		for range rounds {
			b := bytes.Clone(data)
			for range 1 + rng.IntN(4) {
				b[rng.IntN(len(b))] = byte(rng.Uint32())
			}
			o := &Options{Scale: scales[rng.IntN(4)], Approximate: rng.IntN(2) == 0, MaxPixels: 1 << 20}
			if o.Scale == 4 && rng.IntN(2) == 0 {
				o.ChromaScale = 8
			}
			m, err := Decode(bytes.NewReader(b), o)
			if err == nil {
				m2, err := Decode(bytes.NewReader(b), o)
				if err != nil || sum(m.Image) != sum(m2.Image) || m.Incomplete != m2.Incomplete {
					t.Errorf("%s: a second decode differs: %x", name, b)
				}
			}
			incomplete, err2 := DecodeStrips(bytes.NewReader(b), o, nil, func(*Strip) error { return nil })
			if (err == nil) != (err2 == nil) || err == nil && incomplete != m.Incomplete {
				t.Errorf("%s: planes: %v, strips: %v: %x", name, err, err2, b)
			}
		}
	}
}
