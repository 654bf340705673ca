package inflate

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"io"
	"math/rand/v2"
	"testing"
)

func deflated(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// inputs are of different kinds and lengths: what the writers make of them has
// all kinds of blocks, short and long codes and distances.
func inputs() [][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	var all [][]byte
	for _, n := range []int{0, 1, 2, 7, 8, 9, 100, 1000, 65536, 300000} {
		noise, skewed, runs, text := make([]byte, n), make([]byte, n), make([]byte, n), make([]byte, n)
		for i := range n {
			noise[i] = byte(rng.Uint32())
			skewed[i] = byte(rng.ExpFloat64() * 9)
			runs[i] = byte(i / 300)
			text[i] = byte(i*i>>7) & 0x1f
		}
		all = append(all, noise, skewed, runs, text, append(bytes.Clone(noise), noise...))
	}
	return all
}

func TestInflate(t *testing.T) {
	for i, data := range inputs() {
		for _, level := range []int{flate.NoCompression, flate.HuffmanOnly, flate.BestSpeed, 6, flate.BestCompression} {
			src := deflated(t, data, level)
			dst := make([]byte, len(data))
			n, err := Inflate(dst, append(bytes.Clone(src), "behind"...))
			if err != nil || n != len(src) || !bytes.Equal(dst, data) {
				t.Fatalf("input %d of %d bytes, level %d: took %d of %d, %v, equal: %v", i, len(data), level, n, len(src), err, bytes.Equal(dst, data))
			}
			if len(data) > 0 {
				if _, err := Inflate(dst[:len(dst)-1], src); err == nil {
					t.Errorf("input %d: fits in a byte less", i)
				}
			}
			if _, err := Inflate(append(dst, 0), src); err == nil {
				t.Errorf("input %d: fills a byte more", i)
			}
			if len(src) < 2000 {
				for cut := range len(src) {
					if _, err := Inflate(dst, src[:cut]); err == nil {
						t.Fatalf("input %d, level %d: cut at %d of %d is no error", i, level, cut, len(src))
					}
				}
			}
		}
	}
}

func TestZlib(t *testing.T) {
	data := inputs()[30]
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, len(data))
	if err := Zlib(dst, b.Bytes()); err != nil || !bytes.Equal(dst, data) {
		t.Error(err)
	}
	for _, at := range []int{0, 1, b.Len() - 1} {
		bad := bytes.Clone(b.Bytes())
		bad[at] ^= 1
		if err := Zlib(dst, bad); err == nil {
			t.Errorf("byte %d is wrong, and no error", at)
		}
	}
}

// Whatever the standard library makes of data, so do we.
func FuzzInflate(f *testing.F) {
	for _, data := range inputs() {
		if len(data) <= 2000 {
			for _, level := range []int{0, flate.HuffmanOnly, 1, 6} {
				f.Add(deflated(f, data, level))
			}
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		const most = 1 << 16
		want, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(src)), most+1))
		if len(want) > most {
			return
		}
		dst := make([]byte, len(want))
		_, got := Inflate(dst, src)
		if (err == nil) != (got == nil) {
			t.Fatalf("%v; the standard library says %v", got, err)
		}
		if err == nil && !bytes.Equal(dst, want) {
			t.Fatal("other bytes than the standard library")
		}
	})
}

func BenchmarkInflate(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 1<<22)
	for i := range data {
		data[i] = byte(rng.NormFloat64() * 6)
	}
	src := deflated(b, data, 6)
	dst := make([]byte, len(data))
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, err := Inflate(dst, src); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("flate", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, err := io.ReadFull(flate.NewReader(bytes.NewReader(src)), dst); err != nil {
				b.Fatal(err)
			}
		}
	})
}
