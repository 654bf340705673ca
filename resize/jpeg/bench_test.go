package jpeg

import (
	"bytes"
	"fmt"
	stdjpeg "image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// benchPhotos are the pictures to measure with: 12.2 megapixels in 4:2:0, and
// 12.7 and 15.9 in 4:2:2.
var benchPhotos = []string{
	"libavif__dog_exif_extended_xmp_icc.jpg",
	"mei__Canon_EOS_5D.jpg",
	"mei__Kodak_PIXPRO_AZ521.jpg",
}

// progressiveTwin returns the same coefficients as a progressive file, as
// libjpeg-turbo's jpegtran writes it.
func progressiveTwin(t testing.TB, data []byte) []byte {
	t.Helper()
	if _, err := exec.LookPath("jpegtran"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("jpegtran is missing")
		}
		t.Skip("no jpegtran: progressive twins are not tested")
	}
	cmd := exec.Command("jpegtran", "-progressive", "-copy", "none")
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() != 2 { // 2: with warnings
		t.Fatalf("jpegtran: %v", err)
	}
	return out
}

func benchmarkPhotos(b *testing.B, f func(b *testing.B, data []byte)) {
	for _, name := range benchPhotos {
		data, err := os.ReadFile(filepath.Join(corpus, "photos", name))
		if err != nil {
			b.Skip("no corpus: nothing to measure")
		}
		b.Run(strings.TrimSuffix(name, ".jpg"), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			f(b, data)
		})
	}
}

func decodeLoop(b *testing.B, data []byte, o *Options) {
	if o.Alloc == nil {
		var buf []byte
		o.Alloc = func(n int) []byte {
			if cap(buf) < n {
				buf = make([]byte, n)
			}
			return buf[:n]
		}
	}
	for b.Loop() {
		if _, err := Decode(bytes.NewReader(data), o); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprintf("%d_8", n), func(b *testing.B) {
			benchmarkPhotos(b, func(b *testing.B, data []byte) { decodeLoop(b, data, &Options{Scale: n}) })
		})
	}
}

func BenchmarkDecodeProgressive(b *testing.B) {
	for _, o := range []Options{{Scale: 1}, {Scale: 2}, {Scale: 2, Approximate: true}, {Scale: 4}, {Scale: 4, Approximate: true}, {Scale: 8}} {
		name := fmt.Sprintf("%d_8", o.Scale)
		if o.Approximate {
			name += "_approximate"
		}
		b.Run(name, func(b *testing.B) {
			benchmarkPhotos(b, func(b *testing.B, data []byte) {
				data = progressiveTwin(b, data)
				o := o
				decodeLoop(b, data, &o)
			})
		})
	}
}

// BenchmarkDecodeGeneric is BenchmarkDecode without assembly.
func BenchmarkDecodeGeneric(b *testing.B) {
	for _, n := range []int{4, 8} {
		b.Run(fmt.Sprintf("%d_8", n), func(b *testing.B) {
			benchmarkPhotos(b, func(b *testing.B, data []byte) {
				decodeLoop(b, data, &Options{Scale: n, kernels: kernels{generic: true}})
			})
		})
	}
}

func BenchmarkDecodeStrips(b *testing.B) {
	for _, n := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprintf("%d_8", n), func(b *testing.B) {
			benchmarkPhotos(b, func(b *testing.B, data []byte) {
				for b.Loop() {
					_, err := DecodeStrips(bytes.NewReader(data), &Options{Scale: n}, nil, func(*Strip) error { return nil })
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkImageJPEG is the standard library's decoder on the same files.
func BenchmarkImageJPEG(b *testing.B) {
	benchmarkPhotos(b, func(b *testing.B, data []byte) {
		for b.Loop() {
			if _, err := stdjpeg.Decode(bytes.NewReader(data)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSmall is a small picture, where building tables shows.
func BenchmarkSmall(b *testing.B) {
	data, err := os.ReadFile(filepath.Join(corpus, "jpeg/thumbor__image.jpg"))
	if err != nil {
		b.Skip("no corpus: nothing to measure")
	}
	for _, n := range []int{1, 8} {
		b.Run(fmt.Sprintf("%d_8", n), func(b *testing.B) {
			b.ReportAllocs()
			decodeLoop(b, data, &Options{Scale: n})
		})
	}
}

// BenchmarkTables builds the tables of a file that has others than the one
// before.
func BenchmarkTables(b *testing.B) {
	data, err := os.ReadFile(filepath.Join(corpus, "jpeg/exiforient__Landscape_1.jpg"))
	if err != nil {
		b.Skip("no corpus: nothing to measure")
	}
	d := newDecoder(bytes.NewReader(data), &Options{Scale: 1})
	defer d.release()
	d.whole = true
	if err := d.decode(nil); err != nil {
		b.Fatal(err)
	}
	t, dc := d.acTables[0], d.dcTables[0]
	counts, vals := bytes.Clone(t.counts[1:]), bytes.Clone(t.vals[:])
	b.Run("AC", func(b *testing.B) {
		for b.Loop() {
			t.defined = false
			if err := t.define(counts, vals); err != nil {
				b.Fatal(err)
			}
			t.buildSkips()
			t.buildPairs()
			t.buildCorners(layouts[2])
		}
	})
	b.Run("DC", func(b *testing.B) {
		for b.Loop() {
			dc.defined = false
			if err := dc.define(dc.counts[1:], dc.vals[:]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkIDCT(b *testing.B) {
	var block [64]int16
	for i := range 20 {
		block[i*3] = int16(50 - 5*i)
	}
	var q dequant
	steps := [64]uint16{}
	for i := range steps {
		steps[i] = uint16(1 + i)
	}
	q.init(&steps)
	dst := make([]byte, 64)
	for _, generic := range []bool{false, true} {
		k := &kernels{generic: generic}
		b.Run(fmt.Sprintf("4/generic=%v", generic), func(b *testing.B) {
			for b.Loop() {
				idct4(dst, 8, (*[16]int16)(block[:16]), &q.step4, k)
			}
		})
		b.Run(fmt.Sprintf("8/generic=%v", generic), func(b *testing.B) {
			for b.Loop() {
				idct8(dst, 8, &block, &q.step8, k)
			}
		})
	}
	b.Run("2", func(b *testing.B) {
		for b.Loop() {
			idct2(dst, 8, (*[4]int16)(block[:4]), &q.step2)
		}
	})
}
