package storage_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"s3imageserver/storage"
)

func zipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data) // a buffer has no faults
	_ = w.Close()
	return b.Bytes()
}

func TestCoding(t *testing.T) {
	for header, want := range map[string]string{
		"": "", "gzip": "gzip", "GZip": "gzip", "x-gzip": "gzip", "aws-chunked": "", "aws-chunked,gzip": "gzip", "gzip, aws-chunked": "gzip",
		"identity": "", "utf-8": "", "br": "", "gzip, gzip": "", "br, gzip": "",
	} {
		if got := storage.Coding(header); got != want {
			t.Errorf("Coding(%q) = %q; want %q", header, got, want)
		}
	}
}

// What is compressed is decoded, within the bound; what only says so is left
// alone; what is broken says how.
func TestMeasurer(t *testing.T) {
	const most = 300 << 10
	data := bytes.Repeat([]byte("0123456789abcdef"), 10<<10)
	file := zipped(data)
	damaged := bytes.Clone(file)
	damaged[len(damaged)-6] ^= 1 // the checksum
	broken := errors.New("connection lost")
	tests := []struct {
		name   string
		body   []byte
		fault  error // at the end of body; nil: none
		coding string
		want   []byte
		err    error
	}{
		{"compressed", file, nil, "gzip", data, nil},
		{"in two members", append(zipped(data[:70000]), zipped(data[70000:])...), nil, "gzip", data, nil},
		{"not compressed", data, nil, "gzip", data, nil},
		{"another coding", file, nil, "", file, nil},
		{"empty", nil, nil, "gzip", nil, nil},
		{"one byte", []byte("x"), nil, "gzip", []byte("x"), nil},
		{"compressed nothing", zipped(nil), nil, "gzip", nil, nil},
		{"as many bytes as are allowed", zipped(make([]byte, most)), nil, "gzip", make([]byte, most), nil},
		{"one more", zipped(make([]byte, most+1)), nil, "gzip", nil, storage.ErrTooLarge},
		{"far more", zipped(make([]byte, 100*most)), nil, "gzip", nil, storage.ErrTooLarge},
		{"cut", file[:len(file)/2], nil, "gzip", nil, storage.ErrCoding},
		{"only the magic", file[:2], nil, "gzip", nil, storage.ErrCoding},
		{"with a wrong checksum", damaged, nil, "gzip", nil, storage.ErrCoding},
		{"with rubbish behind it", append(bytes.Clone(file), "rubbish and more"...), nil, "gzip", nil, storage.ErrCoding},
		{"compressed, and the store breaks off", file[:len(file)/2], broken, "gzip", nil, broken},
		{"the store breaks off", data[:5], broken, "", nil, broken},
		{"the connection ends too soon", data[:5], io.ErrUnexpectedEOF, "", nil, storage.ErrIncomplete},
		{"before the first byte", nil, io.ErrUnexpectedEOF, "gzip", nil, storage.ErrIncomplete},
	}
	info := storage.Info{ETag: "etag", Meta: storage.Meta{Focal: "1,2"}}
	for _, tt := range tests {
		m := storage.NewMeasurer(most)
		var closed atomic.Bool
		body := func() io.ReadCloser {
			var r io.Reader = bytes.NewReader(tt.body)
			if tt.fault != nil {
				r = io.MultiReader(r, iotest.ErrReader(tt.fault))
			}
			return closing{r, func() { closed.Store(true) }}
		}
		check := func(how string, o *storage.Object, err error) {
			t.Helper()
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Errorf("%s, %s: %v; want %v", tt.name, how, err, tt.err)
			}
			if err == nil {
				got, err := o.ReadAll(1 << 30)
				if err != nil || !bytes.Equal(got, tt.want) || o.Size != int64(len(tt.want)) || o.ETag != "etag" || o.Meta != info.Meta {
					t.Errorf("%s, %s: %d bytes of %d, %v, %+v; want %d", tt.name, how, len(got), o.Size, err, o.Info, len(tt.want))
				}
				_ = o.Body.Close() // nothing is lost
			}
			if !closed.Load() {
				t.Errorf("%s, %s: the body is not closed", tt.name, how)
			}
			closed.Store(false)
		}
		o, err := m.Object(t.Context(), info, body(), tt.coding)
		check("of unknown length", o, err)
		if tt.coding == "gzip" && tt.fault == nil {
			i := info
			i.Size = int64(len(tt.body))
			o, err = m.Decoded(t.Context(), storage.NewObject(i, body()), tt.coding)
			check("of known length", o, err)
		}
	}
}

type closing struct {
	io.Reader
	close func()
}

func (c closing) Close() error { c.close(); return nil }

// Bodies lie in memory until they are closed, and no more of them than the bound
// says. Who waits for memory says that it does not wait for the store.
func TestMeasurerIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 16 << 20
		m := storage.NewMeasurer(most)
		var paused atomic.Int64
		ctx := storage.WithPause(t.Context(), func() func() {
			began := time.Now()
			return func() { paused.Add(int64(time.Since(began))) }
		})
		get := func(ctx context.Context) (*storage.Object, error) {
			return m.Object(ctx, storage.Info{}, io.NopCloser(io.LimitReader(zeros{}, most)), "")
		}
		first, err := get(ctx)
		if err != nil {
			t.Fatal(err)
		}
		second, err := get(ctx) // which has room of its own
		if err != nil || paused.Load() != 0 {
			t.Fatalf("the second: %v, after a wait of %v", err, time.Duration(paused.Load()))
		}
		if _, err := get(ctx); !errors.Is(err, storage.ErrBusy) || paused.Load() == 0 {
			t.Errorf("a third: %v, after %v; want storage.ErrBusy after a pause", err, time.Duration(paused.Load()))
		}
		late, leave := context.WithTimeout(ctx, time.Second)
		defer leave()
		if _, err := get(late); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, storage.ErrBusy) {
			t.Errorf("one that does not wait: %v", err)
		}
		time.AfterFunc(time.Second, func() { _ = second.Body.Close() })
		before := paused.Load()
		third, err := get(ctx)
		if waited := time.Duration(paused.Load() - before); err != nil || waited != time.Second {
			t.Fatalf("the third, when the second has gone: %v after %v", err, waited)
		}
		_ = first.Body.Close()
		_ = first.Body.Close() // a second time is nothing
		_ = third.Body.Close()
		for range 2 {
			if _, err := get(ctx); err != nil {
				t.Errorf("when all have gone: %v", err)
			}
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func FuzzMeasurer(f *testing.F) {
	f.Add(zipped([]byte("hello")))
	f.Add([]byte("\x1f\x8bx"))
	f.Add([]byte("plain"))
	const most = 1 << 20
	m := storage.NewMeasurer(most)
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := m.Decoded(t.Context(), storage.NewObject(storage.Info{Size: int64(len(data))}, io.NopCloser(bytes.NewReader(data))), "gzip")
		if err != nil {
			if !errors.Is(err, storage.ErrCoding) && !errors.Is(err, storage.ErrTooLarge) {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		got, err := o.ReadAll(max(most, int64(len(data))))
		if err != nil || int64(len(got)) != o.Size {
			t.Errorf("%q: %d bytes of %d, %v", data, len(got), o.Size, err)
		}
		_ = o.Body.Close() // nothing is lost
	})
}
