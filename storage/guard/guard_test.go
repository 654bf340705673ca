package guard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/storage"
	"s3imageserver/storage/storagetest"
)

func TestContract(t *testing.T) {
	storagetest.Test(t, func(t *testing.T, objects map[string][]byte) storage.Bucket {
		var m storagetest.Memory
		for name, data := range objects {
			m.Set(name, data, time.Unix(1700000000, 0))
		}
		return New(&m, Config{})
	})
}

// scripted answers the n-th request by the n-th answer, later ones by the last.
type scripted struct {
	mu      sync.Mutex
	asked   int // guarded by mu
	answers []func(context.Context) (*storage.Object, error)
}

func (s *scripted) Get(ctx context.Context, _ string) (*storage.Object, error) {
	s.mu.Lock()
	n := min(s.asked, len(s.answers)-1)
	s.asked++
	s.mu.Unlock()
	return s.answers[n](ctx)
}

type answer = func(context.Context) (*storage.Object, error)

const whole = "the whole body of an object"

func fails(err error) answer {
	return func(context.Context) (*storage.Object, error) { return nil, err }
}

// sends delivers the first n bytes of body, then err; n below 0 is all of it.
func sends(body string, n int, etag string, err error) answer {
	return func(context.Context) (*storage.Object, error) {
		info := storage.Info{Size: int64(len(body)), ETag: etag}
		if n < 0 {
			return storage.NewObject(info, io.NopCloser(bytes.NewReader([]byte(body)))), nil
		}
		return storage.NewObject(info, io.NopCloser(io.MultiReader(bytes.NewReader([]byte(body[:n])), errReader{err}))), nil
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func waits(ctx context.Context) (*storage.Object, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestRetries(t *testing.T) {
	tests := []struct {
		name    string
		answers []answer
		want    error // nil: the whole body
		asked   int
	}{
		{"no trouble", []answer{sends(whole, -1, "a", nil)}, nil, 1},
		{"one fault", []answer{fails(storage.ErrOverloaded), sends(whole, -1, "a", nil)}, nil, 2},
		{"two faults are too many", []answer{fails(storage.ErrUnavailable)}, storage.ErrUnavailable, 2},
		{"what is not there is not asked for again", []answer{fails(fs.ErrNotExist)}, fs.ErrNotExist, 1},
		{"nor what is forbidden", []answer{fails(fs.ErrPermission)}, fs.ErrPermission, 1},
		{"a body that breaks off is read on", []answer{sends(whole, 7, "a", io.ErrUnexpectedEOF), sends(whole, -1, "a", nil)}, nil, 2},
		{"before its first byte, too", []answer{sends(whole, 0, "a", storage.ErrUnavailable), sends(whole, -1, "a", nil)}, nil, 2},
		{"not with another object", []answer{sends(whole, 7, "a", io.ErrUnexpectedEOF), sends(whole, -1, "b", nil)}, storage.ErrIncomplete, 2},
		{"not twice", []answer{sends(whole, 7, "a", io.ErrUnexpectedEOF)}, storage.ErrIncomplete, 2},
		{"damage is not read on", []answer{sends(whole, 7, "a", storage.ErrDamaged), sends(whole, -1, "a", nil)}, storage.ErrDamaged, 1},
		{"a store that does not answer in time", []answer{waits}, os.ErrDeadlineExceeded, 1},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := &scripted{answers: tt.answers}
			data, _, err := storage.ReadAll(t.Context(), New(s, Config{}), "x.jpg", 1<<20)
			if !errors.Is(err, tt.want) || (tt.want == nil && string(data) != whole) {
				t.Errorf("%s: ReadAll = %q, %v; want %v", tt.name, data, err, tt.want)
			}
			if s.asked != tt.asked {
				t.Errorf("%s: asked %d times; want %d", tt.name, s.asked, tt.asked)
			}
		})
	}
}

func TestACallersDeadlineIsNotTheStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := New(&scripted{answers: []answer{waits}}, Config{}).Get(ctx, "x.jpg")
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Get = %v; want the caller's deadline only", err)
		}
	})
}

// A store that fails for a minute is asked little, and found again soon.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{answers: []answer{fails(storage.ErrUnavailable)}}
		var changes []bool
		b := New(s, Config{Changed: func(open bool) { changes = append(changes, open) }})
		const offered = 600
		for i := range offered {
			if _, err := b.Get(t.Context(), fmt.Sprint(i)); !errors.Is(err, storage.ErrUnavailable) {
				t.Fatalf("Get = %v; want storage.ErrUnavailable", err)
			}
			if i == 20 && !b.Stats().Open {
				t.Errorf("the circuit is closed after %d failures of as many names", i)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if s.asked > offered/4 || !b.Stats().Open {
			t.Errorf("asked %d times for %d requests, open: %v; want few and an open circuit", s.asked, offered, b.Stats().Open)
		}
		s.mu.Lock()
		s.answers = []answer{sends(whole, -1, "a", nil)}
		s.mu.Unlock()
		back := time.Now()
		for i := 0; ; i++ {
			if err := read(t.Context(), b, fmt.Sprint("back", i)); err == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if d := time.Since(back); d > 5*time.Second {
			t.Errorf("found again after %v; want 5 s at most", d)
		}
		if len(changes) < 2 || !changes[0] || changes[len(changes)-1] {
			t.Errorf("Changed was called with %v; want true first and false last", changes)
		}
	})
}

func TestRetryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scripted{answers: []answer{fails(storage.ErrOverloaded)}}
		b := New(s, Config{Failures: 1 << 20, FailureShare: 2}) // the circuit never opens
		const offered = 1000
		for range offered {
			if _, err := b.Get(t.Context(), "x.jpg"); err == nil {
				t.Fatal("no error")
			}
		}
		if s.asked > offered*110/100+purse {
			t.Errorf("asked %d times for %d requests; want a tenth more at most", s.asked, offered)
		}
	})
}

func TestWhatIsNotThereDoesNotOpenTheCircuit(t *testing.T) {
	b := New(&storagetest.Memory{}, Config{})
	for range 100 {
		if _, err := b.Get(t.Context(), "missing.jpg"); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("Get = %v; want fs.ErrNotExist", err)
		}
	}
	if s := b.Stats(); s.Open || s.Asked != 100 || s.Failed != 0 {
		t.Errorf("Stats = %+v; want 100 requests and no failure", s)
	}
}

func TestStore(t *testing.T) { storagetest.TestStore(t, NewStore(&storagetest.Memory{}, Config{})) }
