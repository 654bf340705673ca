package server

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// threadsTime is for how long after the last picture the threads stay.
const threadsTime = time.Second

// threads lets Go use more threads than there are processors while pictures are
// made: what is in the cache is answered by the others then, and the kernel shares
// the time among them sooner than Go's scheduler does. Without pictures more threads
// than processors only disturb each other. Nil does nothing.
type threads struct {
	few, many int
	set       func(int) // runtime.GOMAXPROCS, but for tests; it stops the world for microseconds

	begun, ended atomic.Uint64 // pictures
	raised       atomic.Bool

	mu   sync.Mutex // held while the number changes
	last uint64     // begun, at the last look; guarded by mu
}

// newThreads returns the threads of a program that makes pictures with many, nil if
// that is 0.
func newThreads(many int) *threads {
	if many == 0 {
		return nil
	}
	return &threads{few: runtime.GOMAXPROCS(0), many: many, set: func(n int) { runtime.GOMAXPROCS(n) }}
}

// picture begins a picture and returns what ends it.
func (t *threads) picture() (end func()) {
	if t == nil {
		return nothing
	}
	t.begun.Add(1)
	if !t.raised.Load() {
		t.mu.Lock()
		if !t.raised.Load() {
			t.set(t.many)
			t.raised.Store(true)
		}
		t.mu.Unlock()
	}
	return func() { t.ended.Add(1) }
}

// look lets the threads go if no picture is being made and none was since the last
// look.
func (t *threads) look() {
	t.mu.Lock()
	defer t.mu.Unlock()
	ended := t.ended.Load() // first: one that ends meanwhile is still being made
	begun := t.begun.Load()
	quiet := begun == t.last && begun == ended
	t.last = begun
	if !quiet || !t.raised.Load() {
		return
	}
	t.raised.Store(false) // before the last question: a picture that begins now raises it again
	if t.begun.Load() != begun {
		t.raised.Store(true)
		return
	}
	t.set(t.few)
}

// run looks until ctx ends.
func (t *threads) run(ctx context.Context) {
	if t == nil {
		return
	}
	ticker := time.NewTicker(threadsTime)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			t.look()
		}
	}
}
