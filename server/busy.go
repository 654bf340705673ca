package server

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// busyTime is how often the process checks whether it is idle: after two checks without a
// picture it is.
const busyTime = time.Second

// busy calls a function when the process begins to make pictures, and when it has been
// idle for a while. Nil does nothing.
type busy struct {
	tell func(busy bool) // Options.Busy

	begun, ended atomic.Uint64 // pictures
	told         atomic.Bool   // what was told last

	mu   sync.Mutex // held while it is told
	last uint64     // begun, at the last look; guarded by mu
}

// newBusy returns what tells, nil if tell is.
func newBusy(tell func(busy bool)) *busy {
	if tell == nil {
		return nil
	}
	return &busy{tell: tell}
}

// picture begins a picture and returns what ends it.
func (b *busy) picture() (end func()) {
	if b == nil {
		return func() {}
	}
	b.begun.Add(1)
	if !b.told.Load() {
		b.mu.Lock()
		if !b.told.Load() {
			b.tell(true)
			b.told.Store(true)
		}
		b.mu.Unlock()
	}
	return func() { b.ended.Add(1) }
}

// look tells that nothing is made if no picture is being made and none was since the
// last look.
func (b *busy) look() {
	b.mu.Lock()
	defer b.mu.Unlock()
	ended := b.ended.Load() // first: one that ends meanwhile is still being made
	begun := b.begun.Load()
	quiet := begun == b.last && begun == ended
	b.last = begun
	if !quiet || !b.told.Load() {
		return
	}
	b.told.Store(false) // before the last question: a picture that begins now tells it anew
	if b.begun.Load() != begun {
		b.told.Store(true)
		return
	}
	b.tell(false)
}

// run looks until ctx ends.
func (b *busy) run(ctx context.Context) {
	if b != nil {
		every(ctx, busyTime, b.look)
	}
}
