package inflate

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
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

// inflated returns what a DEFLATE stream of rows of size bytes holds, and how
// long it is.
func inflated(src []byte, size int) (data []byte, n int, err error) {
	d := decoders.Get().(*decoder)
	defer d.putBack()
	d.begin(src, size, func(row []byte) error {
		data = append(data, row...)
		return nil
	})
	n, err = d.stream()
	return data, n, err
}

func TestStream(t *testing.T) {
	for i, data := range inputs() {
		for _, level := range []int{flate.NoCompression, flate.HuffmanOnly, flate.BestSpeed, 6, flate.BestCompression} {
			src := deflated(t, data, level)
			for _, size := range []int{1, 10, max(1, len(data))} {
				if len(data)%size != 0 {
					continue
				}
				got, n, err := inflated(append(bytes.Clone(src), "behind"...), size)
				if err != nil || n != len(src) || !bytes.Equal(got, data) {
					t.Fatalf("input %d of %d bytes, level %d, rows of %d: took %d of %d, %v, equal: %v", i, len(data), level, size, n, len(src), err, bytes.Equal(got, data))
				}
			}
			if len(data) > 0 {
				if _, _, err := inflated(src, len(data)+1); err == nil {
					t.Errorf("input %d: a row that is too short is one", i)
				}
			}
			if len(src) < 2000 {
				for cut := range len(src) {
					if _, _, err := inflated(src[:cut], 1); err == nil {
						t.Fatalf("input %d, level %d: cut at %d of %d is no error", i, level, cut, len(src))
					}
				}
			}
		}
	}
}

func TestRows(t *testing.T) {
	data := inputs()[43]
	src := compressed(t, data)
	rows := func(src []byte, n, size int) (got []byte, err error) {
		err = Rows(src, n, size, func(row []byte) error {
			got = append(got, row...)
			return nil
		})
		return got, err
	}
	for _, size := range []int{1, 8, 1 << 10, len(data)} {
		n := len(data) / size
		if got, err := rows(src, n, size); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d rows of %d: %v, equal: %v", n, size, err, bytes.Equal(got, data))
		}
		if got, err := rows(src, n-1, size); err != ErrCorrupt || len(got) > (n-1)*size {
			t.Errorf("a row less of %d: %v, %d bytes", size, err, len(got))
		}
		if _, err := rows(src, n+1, size); err != ErrCorrupt {
			t.Errorf("a row more of %d: %v", size, err)
		}
	}
	for _, at := range []int{0, 1, len(src) - 1} {
		bad := bytes.Clone(src)
		bad[at] ^= 1
		if _, err := rows(bad, len(data), 1); err != ErrCorrupt {
			t.Errorf("byte %d is wrong: %v", at, err)
		}
	}
	enough := errors.New("enough")
	calls := 0
	err := Rows(src, len(data), 1, func([]byte) error {
		if calls++; calls == 3 {
			return enough
		}
		return nil
	})
	if err != enough || calls != 3 {
		t.Errorf("%v after %d rows", err, calls)
	}
}

// compressed returns a zlib stream.
func compressed(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
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
		const most = 1 << 20
		want, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(src)), most+1))
		if len(want) > most {
			return
		}
		data, _, got := inflated(src, 1)
		if (err == nil) != (got == nil) {
			t.Fatalf("%v; the standard library says %v", got, err)
		}
		if err == nil && !bytes.Equal(data, want) {
			t.Fatal("other bytes than the standard library")
		}
	})
}

func BenchmarkRows(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 1<<22)
	for i := range data {
		data[i] = byte(rng.NormFloat64() * 6)
	}
	src := compressed(b, data)
	const size = 1 << 12
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if err := Rows(src, len(data)/size, size, func([]byte) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("zlib", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		dst := make([]byte, len(data))
		for b.Loop() {
			r, err := zlib.NewReader(bytes.NewReader(src))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(r, dst); err != nil {
				b.Fatal(err)
			}
		}
	})
}
