package sandbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"math"
	"runtime/debug"
	"testing"
)

// tiny is a module with one page of memory, whose malloc takes new pages for
// each call, and whose boom fails.
func tiny(t *testing.T) *Program {
	t.Helper()
	section := func(id byte, content ...byte) []byte { return append([]byte{id, byte(len(content))}, content...) }
	name := func(s string, kind, index byte) []byte {
		return append(append([]byte{byte(len(s))}, s...), kind, index)
	}
	malloc := []byte{
		1, 1, 0x7f, // a local i32
		0x20, 0, 0x41, 0xff, 0xff, 3, 0x6a, 0x41, 16, 0x76, // (n + 65535) >> 16
		0x40, 0, 0x22, 1, 0x41, 0x7f, 0x46, // memory.grow; is it -1?
		0x04, 0x7f, 0x41, 0, 0x05, 0x20, 1, 0x41, 16, 0x74, 0x0b, // 0, or the place
		0x0b,
	}
	boom := []byte{0, 0, 0x0b} // unreachable
	var module []byte
	module = append(module, "\x00asm\x01\x00\x00\x00"...)
	module = append(module, section(1, 1, 0x60, 1, 0x7f, 1, 0x7f)...)
	module = append(module, section(3, 2, 0, 0)...)
	module = append(module, section(5, 1, 0, 1)...)
	module = append(module, section(7, append(append(append([]byte{3}, name("memory", 2, 0)...), name("malloc", 0, 0)...), name("boom", 0, 1)...)...)...)
	code := append([]byte{2, byte(len(malloc))}, malloc...)
	module = append(module, section(10, append(append(code, byte(len(boom))), boom...)...)...)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(module) // to memory
	_ = z.Close()
	p := NewProgram("tiny", b.Bytes())
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

const mb = 1 << 20

// A run gets what it was given, what it may ask for, and no more.
func TestRoom(t *testing.T) {
	p := tiny(t)
	full := errors.New("full")
	for _, tt := range []struct {
		name  string
		room  Room
		alloc []int64 // the last one fails if want is not nil
		asked int64   // at least
		want  error
	}{
		{"what it was given", Room{Bytes: 8 * mb}, []int64{3 * mb, 4 * mb}, 0, nil},
		{"more than that", Room{Bytes: 8 * mb}, []int64{3 * mb, 6 * mb}, 0, ErrMemory},
		{"more at once than there is", Room{Bytes: 8 * mb}, []int64{math.MaxUint32}, 0, ErrMemory},
		{"what it may ask for", Room{Bytes: 2 * mb, Most: 32 * mb}, []int64{3 * mb, 20 * mb}, 21 * mb, nil},
		{"more than it may have", Room{Bytes: 2 * mb, Most: 8 * mb}, []int64{3 * mb, 20 * mb}, 1 * mb, ErrMemory},
		{"more than it is granted", Room{Bytes: 2 * mb, Most: 64 * mb, More: func(n int64) error {
			if n > 8*mb {
				return full
			}
			return nil
		}}, []int64{3 * mb, 20 * mb}, 0, full},
	} {
		var asked, size int64
		if more := tt.room.More; more == nil {
			tt.room.More = func(n int64) error { asked += n; return nil }
		}
		err := p.Run(t.Context(), tt.room, func(i *Instance) error {
			for _, n := range tt.alloc {
				at, err := i.Alloc(n)
				if err != nil {
					return err
				}
				b, err := i.Bytes(at, n)
				if err != nil {
					return err
				}
				b[0], b[n-1] = 1, 2
				size = i.Size()
			}
			return nil
		})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v; want %v", tt.name, err, tt.want)
		}
		if limit := max(tt.room.Most, tt.room.Bytes); size > limit {
			t.Errorf("%s: %d bytes; it may have %d", tt.name, size, limit)
		}
		if asked < tt.asked || tt.asked == 0 && asked > 0 {
			t.Errorf("%s: asked for %d bytes; want at least %d", tt.name, asked, tt.asked)
		}
	}
}

// What a codec does wrong is an error, and the next run knows nothing of it.
func TestRunsShareNothing(t *testing.T) {
	p := tiny(t)
	room := Room{Bytes: 4 * mb}
	err := p.Run(t.Context(), room, func(i *Instance) error {
		at, err := i.Put(bytes.Repeat([]byte{0xaa}, mb))
		if err != nil {
			return err
		}
		if _, err := i.Bytes(at, 3*mb); !errors.Is(err, ErrCodec) {
			t.Errorf("bytes outside: %v; want ErrCodec", err)
		}
		if _, err := i.Call("nothing"); !errors.Is(err, ErrCodec) {
			t.Errorf("a function that is not there: %v; want ErrCodec", err)
		}
		_, err = i.Call("boom", 1)
		return err
	})
	if !errors.Is(err, ErrCodec) {
		t.Errorf("%v; want ErrCodec", err)
	}
	err = p.Run(t.Context(), room, func(i *Instance) error {
		at, err := i.Alloc(mb)
		if err != nil {
			return err
		}
		b, err := i.Bytes(at, mb)
		if err != nil {
			return err
		}
		if !bytes.Equal(b, make([]byte, mb)) {
			t.Error("memory of another run")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// After the end of the context there is no more memory.
func TestRunEndsWithContext(t *testing.T) {
	p := tiny(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := p.Run(ctx, Room{Bytes: 8 * mb}, func(i *Instance) error {
		if _, err := i.Alloc(mb); err != nil {
			return err
		}
		cancel()
		_, err := i.Alloc(mb)
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v; want context.Canceled", err)
	}
}

// The limit of Go's heap is lower by the memory of sandboxes while they run.
func TestHeapLimit(t *testing.T) {
	if !outsideHeap {
		t.Skip("memory of sandboxes is Go's here")
	}
	p := tiny(t)
	const limit = int64(1) << 40
	before := debug.SetMemoryLimit(limit)
	defer debug.SetMemoryLimit(before)
	err := p.Run(t.Context(), Room{Bytes: 4 * mb, Most: 64 * mb}, func(i *Instance) error {
		if got := debug.SetMemoryLimit(-1); got != limit-4*mb {
			t.Errorf("%d below the limit; want %d", limit-got, 4*mb)
		}
		if _, err := i.Alloc(16 * mb); err != nil {
			return err
		}
		if got := limit - debug.SetMemoryLimit(-1); got < 16*mb || got > 32*mb {
			t.Errorf("%d below the limit with 16 MB more", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if got := debug.SetMemoryLimit(-1); got != limit {
		t.Errorf("the limit is %d afterwards; want %d", got, limit)
	}
}

// Pages of Go's heap keep what is in them when they grow.
func TestHeapPages(t *testing.T) {
	p := new(heapPages)
	b, err := p.commit(100)
	if err != nil || len(b) != 100 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	b[99] = 7
	if b, err = p.commit(1000); err != nil || len(b) != 1000 || b[99] != 7 || b[999] != 0 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	p.free()
}
