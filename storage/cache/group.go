package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// group runs one fill for all callers that want the same key at the same time.
// The zero value is not ready: timeout must be set.
type group struct {
	timeout time.Duration // bound on one fill

	mu      sync.Mutex
	flights map[Key]*flight // guarded by mu
}

type flight struct {
	done    chan struct{} // closed when entry and err are set
	cancel  context.CancelFunc
	waiters int         // guarded by group.mu
	purged  atomic.Bool // the result must not be kept
	entry   *Entry
	err     error
}

// A fillFunc makes the result of a flight.
type fillFunc func(context.Context, *flight) (*Entry, error)

// A PanicError is what all callers get whose fill panicked.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Value, e.Stack) }

// do returns the result of fill, which runs once for all concurrent callers
// with the same key, and reports whether this call started it. The fill
// outlives the caller that started it: it ends early only when no caller is
// left, or after the group's timeout. A caller whose ctx ends leaves at once.
func (g *group) do(ctx context.Context, k Key, fill fillFunc) (e *Entry, started bool, err error) {
	g.mu.Lock()
	f := g.flights[k]
	if f == nil {
		started = true
		f = g.start(ctx, k, fill)
	}
	f.waiters++
	g.mu.Unlock()

	select {
	case <-f.done:
		return f.entry, started, f.err
	case <-ctx.Done():
		g.leave(k, f)
		return nil, started, ctx.Err()
	}
}

// start begins a flight; the caller holds g.mu.
func (g *group) start(ctx context.Context, k Key, fill fillFunc) *flight {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.timeout)
	f := &flight{done: make(chan struct{}), cancel: cancel, err: errNoResult}
	if g.flights == nil {
		g.flights = map[Key]*flight{}
	}
	g.flights[k] = f
	go func() {
		defer func() { // also when fill ends its goroutine
			cancel()
			g.mu.Lock()
			g.forget(k, f)
			g.mu.Unlock()
			close(f.done)
		}()
		f.entry, f.err = protect(ctx, f, fill)
	}()
	return f
}

// leave takes one waiter off; with the last one the work is cancelled, and a
// later caller starts anew instead of joining it.
func (g *group) leave(k Key, f *flight) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f.waiters--; f.waiters == 0 {
		f.cancel()
		g.forget(k, f)
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
}

var errNoResult = errors.New("cache: fill ended without a result")

// protect calls fill; a panic becomes an error.
func protect(ctx context.Context, f *flight, fill fillFunc) (e *Entry, err error) {
	defer func() {
		if v := recover(); v != nil {
			e, err = nil, &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return fill(ctx, f)
}
