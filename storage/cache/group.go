package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// group runs one fill for all callers that want the same key at the same time.
// The zero value is not ready: timeout and log must be set.
type group struct {
	timeout time.Duration // bound on one fill
	log     *slog.Logger

	mu      sync.Mutex
	flights map[Key]*flight // guarded by mu
	left    map[*flight]Key // cancelled, since nobody waits, and not ended; guarded by mu
	running sync.WaitGroup  // Add guarded by mu
	closed  bool            // guarded by mu
	flying  int             // guarded by mu
	overdue int             // guarded by mu
}

type flight struct {
	done    chan struct{} // closed when entry, status and err are set
	late    chan struct{} // closed when it should have ended long ago
	cancel  context.CancelFunc
	waiters int         // guarded by group.mu
	ended   bool        // guarded by group.mu
	began   time.Time   // before the source was asked
	purged  atomic.Bool // the result must not be kept
	entry   *Entry
	status  Status
	err     error
}

// flightKey is the key under which the context of a fill has its flight.
type flightKey struct{}

// A fillFunc makes the result of a flight.
type fillFunc func(context.Context, *flight) (*Entry, Status, error)

// A PanicError is what all callers get whose fill panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Value, e.Stack) }

var (
	errNoResult  = errors.New("cache: fill ended without a result")
	errImpatient = errors.New("cache: fill takes too long")
	errClosed    = errors.New("cache: closed")
)

// lateAfter is how long after its timeout a fill may take to notice. Then its
// callers leave: what ignores its context cannot be ended, but nobody has to
// wait for it.
const lateAfter = time.Second

// How long a caller of join stays.
const (
	foreground = false // until it calls wait
	background = true  // to the end: the fill goes on without other callers
)

// join adds a caller to the flight of k and reports whether it started it. The
// fill outlives the caller that started it: it ends early only when no caller
// is left, or after the group's timeout. One in the foreground must call wait.
func (g *group) join(ctx context.Context, k Key, fill fillFunc, stay bool) (f *flight, started bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f = g.flights[k]
	switch {
	case f == nil && g.closed:
		f = &flight{done: make(chan struct{}), err: errClosed, cancel: func() {}}
		close(f.done)
	case f == nil:
		started = true
		f = g.start(ctx, k, fill)
		f.waiters++
	case !stay: // one that is running already needs nobody else to stay
		f.waiters++
	}
	return f, started
}

// wait returns the result of f. A caller whose ctx ends leaves at once. One
// whose patience, if not 0, is over gets errImpatient, and the fill goes on.
func (g *group) wait(ctx context.Context, k Key, f *flight, patience time.Duration) (*Entry, Status, error) {
	var impatient <-chan time.Time
	if patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		impatient = timer.C
	}
	select {
	case <-f.done:
		return f.entry, f.status, f.err
	case <-f.late:
		return nil, Filled, fmt.Errorf("cache: fill does not end: %w", context.DeadlineExceeded)
	case <-impatient:
		return nil, Filled, errImpatient // it stays a waiter, so that the fill ends
	case <-ctx.Done():
		g.leave(k, f)
		return nil, Filled, ctx.Err()
	}
}

// start begins a flight; the caller holds g.mu.
func (g *group) start(ctx context.Context, k Key, fill fillFunc) *flight {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.timeout)
	f := &flight{done: make(chan struct{}), late: make(chan struct{}), cancel: cancel, began: time.Now(), err: errNoResult}
	if g.flights == nil {
		g.flights = map[Key]*flight{}
	}
	ctx = context.WithValue(ctx, flightKey{}, f)
	g.flights[k] = f
	g.flying++
	timer := time.AfterFunc(g.timeout+lateAfter, func() { g.setLate(k, f) })
	g.running.Go(func() {
		defer func() { // also when fill ends its goroutine
			cancel()
			if !timer.Stop() {
				<-f.late
			}
			g.end(k, f)
			close(f.done)
		}()
		f.entry, f.status, f.err = protect(ctx, f, fill)
	})
	return f
}

// setLate lets the callers of f go. It stays the flight of its key until it
// ends: a second one would only get stuck beside it.
func (g *group) setLate(k Key, f *flight) {
	g.log.Error("a cache fill does not end: requests that wait for it get an error", "source", k.Source)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.overdue++
	close(f.late)
}

func (g *group) end(k Key, f *flight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flying--
	select {
	case <-f.late:
		g.overdue--
	default:
	}
	f.ended = true
	delete(g.left, f)
	g.forget(k, f)
}

// leave takes one waiter off; with the last one the work is cancelled, and a
// later caller starts anew instead of joining it.
func (g *group) leave(k Key, f *flight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		g.forget(k, f)
		if f.ended {
			return
		}
		if g.left == nil {
			g.left = map[*flight]Key{}
		}
		g.left[f] = k // it may have a result all the same, which a purge has to reach
	}
}

func (g *group) forget(k Key, f *flight) {
	if g.flights[k] == f {
		delete(g.flights, k)
	}
}

// purge marks the flights whose key matches: who waits for one still gets its
// result, later callers start anew.
func (g *group) purge(match func(Key) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for k, f := range g.flights {
		if match(k) {
			f.purged.Store(true)
			delete(g.flights, k)
		}
	}
	for f, k := range g.left {
		if match(k) {
			f.purged.Store(true)
		}
	}
}

// load returns how many flights there are, and how many of them are late.
func (g *group) load() (flying, overdue int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.flying, g.overdue
}

// close cancels all flights and waits for their end, or that of ctx.
func (g *group) close(ctx context.Context) error {
	g.mu.Lock()
	g.closed = true
	for _, f := range g.flights {
		f.cancel()
	}
	g.mu.Unlock()
	ended := make(chan struct{})
	go func() { g.running.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cache: fills still running: %w", ctx.Err())
	}
}

// protect calls fill; a panic becomes an error.
func protect(ctx context.Context, f *flight, fill fillFunc) (e *Entry, s Status, err error) {
	defer func() {
		if v := recover(); v != nil {
			e, s, err = nil, Filled, &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return fill(ctx, f)
}
