package server

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/server/config"
	"s3imageserver/server/queue"
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
		return nil, ctx.Err()
	}
	return nil, fs.ErrNotExist
}

// As many sources are asked for at once as there are places; more requests wait,
// and what would wait too long, or behind too many, is refused.
func TestPlaces(t *testing.T) {
	const workers = 2
	const n = workers * config.PlacesPerProcessor
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
			refused, waiting := ask("/h/more-%d.jpg?w=10", queue.MostWaiting)
			if asked := b.asked.Load(); asked != n || refused.Load() != 0 || s.server.Stats().Work.Waiting != queue.MostWaiting {
				t.Errorf("the store is asked %d times at once, %d requests are refused, %d wait; want %d, 0, %d", asked, refused.Load(), s.server.Stats().Work.Waiting, n, queue.MostWaiting)
			}
			if r := s.get("/h/one-more.jpg?w=10"); !busy(r) || b.asked.Load() != n || time.Since(began) > 0 {
				t.Errorf("one more: %d after %v, the store was asked %d times; want 503 at once", r.StatusCode, time.Since(began), b.asked.Load())
			}
			// What is made slowly has places of its own.
			_, slow := ask("/h/%d.jpg?w=10&f=avif&lossless=true", 1)
			if b.asked.Load() != n+1 {
				t.Errorf("AVIF without loss waits behind others: the store was asked %d times", b.asked.Load())
			}
			// Who waits for the store makes room for others, until as many objects are
			// open as may be.
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if asked, many := b.asked.Load(), int64(n+queue.MostWaiting+1-config.MostPlaces); asked != config.MostPlaces || refused.Load() != many {
				t.Errorf("after two seconds the store is asked %d times, %d requests are refused; want %d, %d", asked, refused.Load(), config.MostPlaces, many)
			}
			close(b.let)
			waiting.Wait()
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
}

// stallingBucket has objects whose store never answers, or stops in the body, and
// sound ones.
type stallingBucket struct{ storage.Bucket }

func (b stallingBucket) Get(ctx context.Context, name string) (*storage.Object, error) {
	switch {
	case strings.HasPrefix(name, "silent"):
		<-ctx.Done()
		return nil, ctx.Err()
	case strings.HasPrefix(name, "stops"):
		return storage.NewObject(storage.Info{Size: 1 << 20, ETag: "a"}, io.NopCloser(io.MultiReader(strings.NewReader("\xff\xd8\xff"), stalled{ctx}))), nil
	}
	return b.Bucket.Get(ctx, name)
}

type stalled struct{ ctx context.Context }

func (s stalled) Read([]byte) (int, error) { <-s.ctx.Done(); return 0, s.ctx.Err() }

// Many who wait for a store do not hold up one whose object comes at once.
func TestSoundBehindStalled(t *testing.T) {
	const workers = 2
	for _, kind := range []string{"silent", "stops"} {
		synctest.Test(t, func(t *testing.T) {
			s := newSite(t, stallingBucket{bucket(t)}, Options{Workers: workers})
			began := time.Now()
			var wg sync.WaitGroup
			for i := range workers*config.PlacesPerProcessor + 40 {
				wg.Go(func() {
					if r := s.get(fmt.Sprintf("/h/%s%d.jpg?w=10", kind, i%8)); r.StatusCode != 504 && r.StatusCode != 503 {
						t.Errorf("%s: %d; want 504", kind, r.StatusCode)
					}
				})
				wg.Go(func() { s.get(fmt.Sprintf("/h/%s%d.jpg?w=%d", kind, i%8, 20+i)) })
			}
			synctest.Wait()
			if r := s.get("/h/photo.jpg?w=10"); r.StatusCode != 200 || time.Since(began) > time.Second {
				t.Errorf("a sound object behind those of which each is %s: %d after %v; want 200 within a second", kind, r.StatusCode, time.Since(began))
			}
			wg.Wait()
			if took := time.Since(began); took > config.DefaultFetchTime+time.Second {
				t.Errorf("%s: the last answer came after %v; want the time of a source, %v", kind, took, config.DefaultFetchTime)
			}
		})
	}
}
