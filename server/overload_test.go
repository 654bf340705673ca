package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/storage"
)

// hangingBucket counts who asks, and answers nobody until it is let go.
type hangingBucket struct {
	asked atomic.Int64
	let   chan struct{}
}

func (b *hangingBucket) Get(ctx context.Context, _ string) (*storage.Object, error) {
	b.asked.Add(1)
	select {
	case <-b.let:
	case <-ctx.Done():
	}
	return nil, fs.ErrNotExist
}

// As many sources are asked for at once as there are places; more requests wait,
// and what would wait too long, or behind too many, is refused.
func TestPlaces(t *testing.T) {
	const workers = 2
	const n = workers * placesPerProcessor
	busy := func(r *http.Response) bool {
		return r.StatusCode == http.StatusServiceUnavailable && r.Header.Get("Retry-After") != ""
	}
	start := func(t *testing.T) (b *hangingBucket, s *site, ask func(names string, n int) (*atomic.Int64, *sync.WaitGroup)) {
		b = &hangingBucket{let: make(chan struct{})}
		s = newSite(t, b, Options{Workers: workers}, HandlerConfig{OutputFormats: []string{"jpg", "avif"}})
		return b, s, func(names string, n int) (*atomic.Int64, *sync.WaitGroup) {
			var refused atomic.Int64
			var wg sync.WaitGroup
			for i := range n {
				wg.Go(func() {
					if busy(s.get(fmt.Sprintf(names, i))) {
						refused.Add(1)
					}
				})
			}
			synctest.Wait() // until all hang
			return &refused, &wg
		}
	}
	t.Run("queue", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b, s, ask := start(t)
			began := time.Now()
			_, working := ask("/h/%d.jpg?w=10", n)
			refused, waiting := ask("/h/more-%d.jpg?w=10", mostWaiting)
			if asked := b.asked.Load(); asked != n || refused.Load() != 0 || s.server.Stats().Work.Waiting != mostWaiting {
				t.Errorf("the store is asked %d times at once, %d requests are refused, %d wait; want %d, 0, %d", asked, refused.Load(), s.server.Stats().Work.Waiting, n, mostWaiting)
			}
			if r := s.get("/h/one-more.jpg?w=10"); !busy(r) || b.asked.Load() != n || time.Since(began) > 0 {
				t.Errorf("one more: %d after %v, the store was asked %d times; want 503 at once", r.StatusCode, time.Since(began), b.asked.Load())
			}
			// What is made slowly has places of its own.
			_, slow := ask("/h/%d.jpg?w=10&f=avif", 1)
			if b.asked.Load() != n+1 {
				t.Errorf("AVIF waits behind others: the store was asked %d times", b.asked.Load())
			}
			waiting.Wait()
			if took := time.Since(began); took != placeWait || refused.Load() != mostWaiting {
				t.Errorf("%d of %d who wait are refused after %v; want all after %v", refused.Load(), mostWaiting, took, placeWait)
			}
			close(b.let)
			working.Wait()
			slow.Wait()
			if s.server.Stats().Work.Waiting != 0 {
				t.Errorf("%d wait in the end", s.server.Stats().Work.Waiting)
			}
		})
	})
	t.Run("turn", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b, _, ask := start(t)
			_, working := ask("/h/%d.jpg?w=10", n)
			refused, waiting := ask("/h/more-%d.jpg?w=10", 5)
			close(b.let)
			working.Wait()
			waiting.Wait()
			if b.asked.Load() != n+5 {
				t.Errorf("the store was asked %d times, %d were refused; want that all got their turn", b.asked.Load(), refused.Load())
			}
		})
	})
	t.Run("configured", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := &hangingBucket{let: make(chan struct{})}
			s := newSite(t, b, Options{Workers: workers}, HandlerConfig{Limits: LimitsConfig{Concurrency: 3}})
			var wg sync.WaitGroup
			for i := range 5 {
				wg.Go(func() { s.get(fmt.Sprintf("/h/%d.jpg?w=10", i)) })
			}
			synctest.Wait()
			if b.asked.Load() != 3 {
				t.Errorf("the store is asked %d times at once; want 3", b.asked.Load())
			}
			close(b.let)
			wg.Wait()
		})
	})
	t.Run("gone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newPlaces(3, 1)
			for range 3 {
				if _, err := p.enter(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			if _, err := p.enter(ctx); !errors.Is(err, context.Canceled) || p.waiting.Load() != 0 {
				t.Errorf("who leaves while waiting: %v, %d wait", err, p.waiting.Load())
			}
		})
	})
}
