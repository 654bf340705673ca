package server

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

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
	return nil, storage.ErrUnavailable
}

// When as many sources are being fetched as there are connections, a further
// request is refused at once, and the store is not asked.
func TestFetchesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &hangingBucket{let: make(chan struct{})}
		s := newSite(t, b, Options{}, HandlerConfig{})
		var wg sync.WaitGroup
		for i := range maxFetches {
			wg.Go(func() { s.get(fmt.Sprintf("/h/%d.jpg?w=10", i)) })
		}
		synctest.Wait() // until all hang
		asked := b.asked.Load()
		r := s.get("/h/one-more.jpg?w=10")
		if asked != maxFetches || r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || b.asked.Load() != asked {
			t.Errorf("one more = %d, Retry-After %q, the store was asked %d times more; want 503, not asked", r.StatusCode, r.Header.Get("Retry-After"), b.asked.Load()-asked)
		}
		close(b.let)
		wg.Wait()
	})
}
