package server

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"s3imageserver/resize"
	"s3imageserver/server/config"
)

const (
	// mostWaiting is how many may wait for a place, and placeWait how long.
	mostWaiting = 256
	placeWait   = 10 * time.Second
	// lendAfter is how long a place is held while the store is waited for.
	lendAfter = 100 * time.Millisecond
)

// A places bounds how many pictures of a handler are in the making: from the
// question to the store, before which they wait, to the result. Those whose
// store lets them wait are not in the making.
type places struct {
	free *semaphore.Weighted
	// first is held by the one who came first of those who wait: who comes back to
	// a lent place waits for free behind nobody else.
	first   *semaphore.Weighted
	waiting atomic.Int64
}

// newPlaces returns n places; 0 means what that many processors need, of which
// 0 means GOMAXPROCS.
func newPlaces(n, processors int) *places {
	if processors <= 0 {
		processors = runtime.GOMAXPROCS(0)
	}
	if n <= 0 {
		n = min(processors*config.PlacesPerProcessor, config.MostPlaces)
	}
	return &places{free: semaphore.NewWeighted(int64(n)), first: semaphore.NewWeighted(1)}
}

// waits returns how many wait.
func (p *places) waits() int { return int(p.waiting.Load()) }

// enter waits for a place, in the order of arrival; the turn has to end. The
// error wraps [resize.ErrBusy], or is that of ctx.
func (p *places) enter(ctx context.Context) (*turn, error) {
	if p.first.TryAcquire(1) { // never before who waits
		free := p.free.TryAcquire(1)
		p.first.Release(1)
		if free {
			return &turn{places: p, holds: true}, nil
		}
	}
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > mostWaiting {
		return nil, fmt.Errorf("%w: %d pictures are waiting for their sources already", resize.ErrBusy, mostWaiting)
	}
	soon, cancel := context.WithTimeout(ctx, placeWait)
	defer cancel()
	err := p.first.Acquire(soon, 1)
	if err == nil {
		err = p.free.Acquire(soon, 1)
		p.first.Release(1)
	}
	if err != nil {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: no turn within %v", resize.ErrBusy, placeWait)
	}
	return &turn{places: p, holds: true}, nil
}

// A turn is the time in which a picture has a place. The zero value is that of
// one that needs none.
type turn struct {
	places *places // nil: none

	mu    sync.Mutex
	holds bool // guarded by mu
}

// end gives the place back, if the turn has one.
func (t *turn) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holds {
		t.holds = false
		t.places.free.Release(1)
	}
}

// lend calls wait, which waits for a store. If that takes long, others have the
// place meanwhile. The error is that of ctx, which has ended before there was a
// place again.
func (t *turn) lend(ctx context.Context, wait func()) error {
	if t.places == nil {
		wait()
		return nil
	}
	over := false // guarded by t.mu
	timer := time.AfterFunc(lendAfter, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.holds && !over {
			t.holds = false
			t.places.free.Release(1)
		}
	})
	wait()
	timer.Stop()
	t.mu.Lock()
	over = true
	held := t.holds
	t.mu.Unlock()
	if held {
		return nil
	}
	if err := t.places.free.Acquire(ctx, 1); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.holds = true
	return nil
}

// body returns a body of a store; while it is waited for, others have the place of
// the turn. ctx is that of the fill, as that of the body.
func (t *turn) body(ctx context.Context, body io.ReadCloser) io.ReadCloser {
	return &lendingBody{body, t, ctx}
}

// A lendingBody lends the place of its turn while it is waited for.
type lendingBody struct {
	io.ReadCloser
	turn *turn
	ctx  context.Context // of the fill, as that of the body below
}

func (b *lendingBody) Read(p []byte) (n int, err error) {
	if turned := b.turn.lend(b.ctx, func() { n, err = b.ReadCloser.Read(p) }); turned != nil && err == nil {
		err = turned
	}
	return n, err
}
