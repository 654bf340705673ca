package server

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"s3imageserver/resize"
)

const (
	// placesPerProcessor is how many pictures of a handler are in the making at
	// once, for each that can be worked at: the others are on their way from the
	// store. More would only lie in memory, and what reads them would stand in the
	// way of answers from the cache: in an overload those take a second where 128
	// are read for each processor.
	placesPerProcessor = 12
	// mostPlaces is how many connections to a store there are.
	mostPlaces = 256
	// mostWaiting is how many may wait for a place, and placeWait how long.
	mostWaiting = 256
	placeWait   = 10 * time.Second
)

// places bound how many pictures of a handler are in the making: from the
// question to the store, before which they wait, to the result.
type places struct {
	free    *semaphore.Weighted
	waiting atomic.Int64
}

// newPlaces returns n places; 0 means what that many processors need, of which
// 0 means GOMAXPROCS.
func newPlaces(n, processors int) *places {
	if processors <= 0 {
		processors = runtime.GOMAXPROCS(0)
	}
	if n <= 0 {
		n = min(processors*placesPerProcessor, mostPlaces)
	}
	return &places{free: semaphore.NewWeighted(int64(n))}
}

// enter waits for a place, in the order of arrival; leave gives it back. The
// error wraps [resize.ErrBusy], or is that of ctx.
func (p *places) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { p.free.Release(1) }
	if p.free.TryAcquire(1) { // never before who waits
		return leave, nil
	}
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > mostWaiting {
		return nil, fmt.Errorf("%w: %d pictures are waiting for their sources already", resize.ErrBusy, mostWaiting)
	}
	soon, cancel := context.WithTimeout(ctx, placeWait)
	defer cancel()
	if p.free.Acquire(soon, 1) != nil {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: no turn within %v", resize.ErrBusy, placeWait)
	}
	return leave, nil
}
