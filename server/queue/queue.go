// Package queue bounds how many pictures of a handler are made at once, and who waits
// for how long until one is.
package queue

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
	// MostWaiting is how many may wait for a place, and placeWait how long.
	MostWaiting = 256
	placeWait   = 10 * time.Second
	// lendAfter is how long a place is held while the store is waited for.
	lendAfter = 100 * time.Millisecond
)

// A Queue bounds how many pictures of a handler are in the making: from the
// question to the store, before which they wait, to the result. Those whose
// store lets them wait are not in the making.
type Queue struct {
	free *semaphore.Weighted
	// first is held by the one who came first of those who wait: who comes back to
	// a lent place waits for free behind nobody else.
	first   *semaphore.Weighted
	waiting atomic.Int64
}

// New returns a queue for n places; 0 means what that many processors need, of which
// 0 means GOMAXPROCS.
func New(n, processors int) *Queue {
	if processors <= 0 {
		processors = runtime.GOMAXPROCS(0)
	}
	if n <= 0 {
		n = min(processors*config.PlacesPerProcessor, config.MostPlaces)
	}
	return &Queue{free: semaphore.NewWeighted(int64(n)), first: semaphore.NewWeighted(1)}
}

// Waiting returns how many wait.
func (q *Queue) Waiting() int { return int(q.waiting.Load()) }

// Enter waits for a place, in the order of arrival; the turn has to end. The
// error wraps [resize.ErrBusy], or is that of ctx.
func (q *Queue) Enter(ctx context.Context) (*Turn, error) {
	if q.first.TryAcquire(1) { // never before who waits
		free := q.free.TryAcquire(1)
		q.first.Release(1)
		if free {
			return &Turn{queue: q, holds: true}, nil
		}
	}
	defer q.waiting.Add(-1)
	if q.waiting.Add(1) > MostWaiting {
		return nil, fmt.Errorf("%w: %d pictures are waiting for their sources already", resize.ErrBusy, MostWaiting)
	}
	soon, cancel := context.WithTimeout(ctx, placeWait)
	defer cancel()
	err := q.first.Acquire(soon, 1)
	if err == nil {
		err = q.free.Acquire(soon, 1)
		q.first.Release(1)
	}
	if err != nil {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: no turn within %v", resize.ErrBusy, placeWait)
	}
	return &Turn{queue: q, holds: true}, nil
}

// A turn is the time in which a picture has a place. The zero value is that of
// one that needs none.
type Turn struct {
	queue *Queue // nil: none

	mu    sync.Mutex
	holds bool // guarded by mu
}

// End gives the place back, if the turn has one.
func (t *Turn) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holds {
		t.holds = false
		t.queue.free.Release(1)
	}
}

// Lend calls wait, which waits for a store. If that takes long, others have the
// place meanwhile. The error is that of ctx, which has ended before there was a
// place again.
func (t *Turn) Lend(ctx context.Context, wait func()) error {
	if t.queue == nil {
		wait()
		return nil
	}
	over := false // guarded by t.mu
	timer := time.AfterFunc(lendAfter, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.holds && !over {
			t.holds = false
			t.queue.free.Release(1)
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
	if err := t.queue.free.Acquire(ctx, 1); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.holds = true
	return nil
}

// Body returns a body of a store; while it is waited for, others have the place of
// the turn. ctx is that of the fill, as that of the body.
func (t *Turn) Body(ctx context.Context, body io.ReadCloser) io.ReadCloser {
	return &lendingBody{body, t, ctx}
}

// A lendingBody lends the place of its turn while it is waited for.
type lendingBody struct {
	io.ReadCloser
	turn *Turn
	ctx  context.Context // of the fill, as that of the body below
}

func (b *lendingBody) Read(p []byte) (n int, err error) {
	if turned := b.turn.Lend(b.ctx, func() { n, err = b.ReadCloser.Read(p) }); turned != nil && err == nil {
		err = turned
	}
	return n, err
}
