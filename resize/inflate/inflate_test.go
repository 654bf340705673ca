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

// pieces returns what hands out data in pieces of at most n bytes, and empty ones
// between them.
func pieces(data []byte, n int) func() []byte {
	empty := false
	return func() []byte {
		if empty = !empty; empty && len(data) > 0 {
			return data[:0]
		}
		if len(data) == 0 {
			return nil
		}
		piece := data[:min(n, len(data))]
		data = data[len(piece):]
		return piece
	}
}

// inflated returns what a DEFLATE stream of rows of size bytes holds, read in
// pieces of n bytes.
func inflated(src []byte, size, n int) (data []byte, err error) {
	d := decoders.Get().(*decoder)
	defer d.putBack()
	d.begin(pieces(src, n), size, size, func(row []byte) (int, error) {
		data = append(data, row...)
		return size, nil
	})
	err = d.stream()
	return data, err
}

func TestStream(t *testing.T) {
	for i, data := range inputs() {
		for _, level := range []int{flate.NoCompression, flate.HuffmanOnly, flate.BestSpeed, 6, flate.BestCompression} {
			src := deflated(t, data, level)
			for _, size := range []int{1, 10, max(1, len(data))} {
				if len(data)%size != 0 {
					continue
				}
				for _, n := range []int{1, 7, 100, len(src), len(src) + 10} {
					if n == 1 && len(src) > 10000 {
						continue
					}
					got, err := inflated(append(bytes.Clone(src), "behind"...), size, n)
					if err != nil || !bytes.Equal(got, data) {
						t.Fatalf("input %d of %d bytes, level %d, rows of %d, pieces of %d: %v, equal: %v", i, len(data), level, size, n, err, bytes.Equal(got, data))
					}
				}
			}
			if len(data) > 0 {
				if _, err := inflated(src, len(data)+1, len(src)); err == nil {
					t.Errorf("input %d: a row that is too short is one", i)
				}
			}
			if len(src) < 2000 {
				for cut := range len(src) {
					if _, err := inflated(src[:cut], 1, 50); err == nil {
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
		err = Rows(pieces(src, 1000), size, size, func(row []byte) (int, error) {
			got = append(got, row...)
			if n--; n == 0 {
				return 0, nil
			}
			return size, nil
		})
		return got, err
	}
	for _, size := range []int{1, 8, 1 << 10, len(data)} {
		n := len(data) / size
		if got, err := rows(src, n, size); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d rows of %d: %v, equal: %v", n, size, err, bytes.Equal(got, data))
		}
		if got, err := rows(src, n-1, size); n > 1 && (err != ErrLonger || !bytes.Equal(got, data[:(n-1)*size])) {
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
	err := Rows(pieces(src, len(src)), 1, 1, func([]byte) (int, error) {
		if calls++; calls == 3 {
			return 0, enough
		}
		return 1, nil
	})
	if err != enough || calls != 3 {
		t.Errorf("%v after %d rows", err, calls)
	}
	// Rows of several sizes, and what was there before the damage.
	var got []byte
	size := 5
	grow := func(row []byte) (int, error) {
		if len(row) != size {
			t.Fatalf("a row of %d bytes; want %d", len(row), size)
		}
		got = append(got, row...)
		size = min(size+3, len(data)-len(got), 900)
		return size, nil
	}
	if err := Rows(pieces(src, 333), size, 900, grow); err != nil || !bytes.Equal(got, data) {
		t.Errorf("rows that grow: %v, equal: %v", err, bytes.Equal(got, data))
	}
	got, size = nil, 5
	if err := Rows(pieces(src[:len(src)/2], 333), size, 900, grow); err != ErrCorrupt || len(got) < 1000 || !bytes.HasPrefix(data, got) {
		t.Errorf("half of it: %v after %d of %d bytes", err, len(got), len(data))
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
		data, got := inflated(src, 1, len(src))
		inPieces, gotInPieces := inflated(src, 1, 3)
		if got != gotInPieces || !bytes.Equal(data, inPieces) {
			t.Fatalf("in pieces of three bytes: %v, else %v; equal: %v", gotInPieces, got, bytes.Equal(data, inPieces))
		}
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
			left := len(data) / size
			err := Rows(pieces(src, len(src)), size, size, func([]byte) (int, error) {
				if left--; left == 0 {
					return 0, nil
				}
				return size, nil
			})
			if err != nil {
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
