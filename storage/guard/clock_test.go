package guard

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/storage"
)

// drips sends a byte after every pause.
type drips struct {
	ctx   context.Context
	pause time.Duration
}

func (d drips) Read(p []byte) (int, error) {
	select {
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	case <-time.After(d.pause):
		p[0] = 'x'
		return 1, nil
	}
}

func dripping(size int64, pause time.Duration) answer {
	return func(ctx context.Context) (*storage.Object, error) {
		return storage.NewObject(storage.Info{Size: size, ETag: "a"}, io.NopCloser(drips{ctx, pause})), nil
	}
}

func silentFor(d time.Duration) answer {
	return func(ctx context.Context) (*storage.Object, error) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(d):
			return nil, storage.ErrUnavailable // the store's own timeout
		}
	}
}

// A store has one budget of time, attempts and body included.
func TestTime(t *testing.T) {
	tests := []struct {
		name    string
		answers []answer
		config  Config
		budget  time.Duration // of WithTime; 0: none
		want    time.Duration
	}{
		{"no answer", []answer{waits}, Config{}, 0, defaultTimeout},
		{"no answer, twice", []answer{silentFor(4 * time.Second)}, Config{}, 0, defaultTimeout},
		{"a drip", []answer{dripping(1000, time.Second)}, Config{}, 0, defaultTimeout},
		{"half a body, and no more", []answer{sends(whole, 7, "a", storage.ErrUnavailable), waits}, Config{}, 0, defaultTimeout},
		{"configured", []answer{waits}, Config{Timeout: time.Second}, 0, time.Second},
		{"less is left of the request", []answer{waits}, Config{}, 2 * time.Second, 2 * time.Second},
		{"more is left of the request", []answer{waits}, Config{}, time.Hour, defaultTimeout},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			b := New(&scripted{answers: tt.answers}, tt.config)
			ctx := t.Context()
			if tt.budget > 0 {
				ctx = WithTime(ctx, tt.budget)
			}
			began := time.Now()
			err := read(ctx, b, "x.jpg")
			if took := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || !errors.Is(err, storage.ErrUnavailable) || took != tt.want {
				t.Errorf("%s: %v after %v; want a timeout after %v", tt.name, err, took, tt.want)
			}
			if st := b.Stats(); st.Failed == 0 {
				t.Errorf("%s: %+v; want a failure", tt.name, st)
			}
		})
	}
}

// Several objects of one request share its time.
func TestTimeIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := New(&scripted{answers: []answer{waits}}, Config{Timeout: 2 * time.Second}), New(&scripted{answers: []answer{waits}}, Config{})
		ctx := WithTime(t.Context(), 5*time.Second)
		began := time.Now()
		for i, want := range []time.Duration{2 * time.Second, 5 * time.Second, 5 * time.Second} {
			if err := read(ctx, []*Bucket{a, b, b}[i], "x.jpg"); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != want {
				t.Errorf("bucket %d: %v after %v; want a timeout after %v", i, err, time.Since(began), want)
			}
		}
	})
}

// What its reader does between two Reads, and what a bucket waits for that is not
// its store, is not the store's time.
func TestOwnTimeIsNotTheStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := New(&scripted{answers: []answer{func(ctx context.Context) (*storage.Object, error) {
			resume := storage.Pause(ctx)
			time.Sleep(time.Hour)
			resume()
			return dripping(4, time.Second)(ctx)
		}}}, Config{})
		o, err := b.Get(WithTime(t.Context(), 5*time.Second), "x.jpg")
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			time.Sleep(time.Hour)
			if _, err := o.Body.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.Body.Close(); err != nil || b.Stats().Failed != 0 {
			t.Errorf("Close = %v; %+v", err, b.Stats())
		}
	})
}
