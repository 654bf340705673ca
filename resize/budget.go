package resize

import (
	"container/list"
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// BudgetConfig bounds the work of a process. Zero fields mean the documented
// default.
type BudgetConfig struct {
	// Bytes is how much memory all jobs together may hold; default 256 MB.
	Bytes int64
	// Slots is how many jobs may decode, scale and encode at once; default
	// GOMAXPROCS.
	Slots int
	// Queue is how many jobs may wait for bytes; a further one is refused at
	// once. Default 4 for each slot, at least 64.
	Queue int
	// Wait is how long a job waits for bytes; default 10 s.
	Wait time.Duration
}

// A Budget admits jobs while there is memory for them, and lets as many of them
// work at once as there are processors. Several Resizers share one; it is safe
// for concurrent use.
//
// Jobs are admitted in the order of their arrival, but smaller ones may pass
// one that waits for more bytes than are free, until they have passed it with
// as many bytes as it needs: so it neither holds up the others nor starves.
type Budget struct {
	config BudgetConfig
	slots  chan struct{}
	heavy  chan struct{} // taken by work in a sandbox, before a slot

	mu      sync.Mutex
	free    int64     // guarded by mu
	waiting list.List // of *waiter, guarded by mu

	abandoned int // jobs that work for nobody; guarded by mu
}

type waiter struct {
	bytes  int64
	passed int64 // bytes of the jobs that came later and were admitted first
	ready  chan struct{}
}

// NewBudget returns a budget of which nothing is taken.
func NewBudget(c BudgetConfig) *Budget {
	if c.Bytes <= 0 {
		c.Bytes = 256 << 20
	}
	if c.Slots <= 0 {
		c.Slots = runtime.GOMAXPROCS(0)
	}
	if c.Queue <= 0 {
		c.Queue = max(64, 4*c.Slots)
	}
	if c.Wait <= 0 {
		c.Wait = 10 * time.Second
	}
	return &Budget{config: c, slots: make(chan struct{}, c.Slots), heavy: make(chan struct{}, heavySlots), free: c.Bytes}
}

// fits returns an error that wraps [ErrLimit] if the whole budget is less than n.
func (b *Budget) fits(n int64) error {
	if n > b.config.Bytes {
		return fmt.Errorf("%w: needs about %d MB, memory_budget is %d MB", ErrLimit, n>>20, b.config.Bytes>>20)
	}
	return nil
}

// acquire waits until n bytes are free. The error wraps [ErrLimit] if the whole
// budget is less than n, and [ErrBusy] if the queue is full or it took too long.
func (b *Budget) acquire(ctx context.Context, n int64) error {
	if err := b.fits(n); err != nil {
		return err
	}
	b.mu.Lock()
	if b.mayPass(b.waiting.Front(), n) {
		b.take(b.waiting.Front(), n)
		b.mu.Unlock()
		return nil
	}
	if b.waiting.Len() >= b.config.Queue {
		b.mu.Unlock()
		return fmt.Errorf("%w: %d pictures are waiting already", ErrBusy, b.config.Queue)
	}
	w := &waiter{bytes: n, ready: make(chan struct{})}
	place := b.waiting.PushBack(w)
	b.mu.Unlock()

	timer := time.NewTimer(b.config.Wait)
	defer timer.Stop()
	var err error
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = fmt.Errorf("%w: no %d MB free within %v", ErrBusy, n>>20, b.config.Wait)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-w.ready: // admitted while it gave up
		b.free += n
	default:
		b.waiting.Remove(place)
	}
	b.admit() // those behind it may fit
	return err
}

// Full returns an error that wraps [ErrBusy] while the queue is full: a job that
// came now would be refused. Who asks before fetching a source spares it.
func (b *Budget) Full() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting.Len() >= b.config.Queue {
		return fmt.Errorf("%w: %d pictures are waiting already", ErrBusy, b.config.Queue)
	}
	return nil
}

// mayPass reports whether n bytes may be taken before the job at place; b.mu is
// held. A nil place stands for an empty queue.
func (b *Budget) mayPass(place *list.Element, n int64) bool {
	if n > b.free {
		return false
	}
	if place == nil {
		return true
	}
	w := place.Value.(*waiter)
	return w.passed+n <= w.bytes
}

// take takes n bytes before the job at place; b.mu is held.
func (b *Budget) take(place *list.Element, n int64) {
	b.free -= n
	if place != nil {
		place.Value.(*waiter).passed += n
	}
}

// admit lets in who may, from the front of the queue; b.mu is held.
func (b *Budget) admit() {
	var held *list.Element // the first job that has to go on waiting
	for place := b.waiting.Front(); place != nil; {
		next := place.Next()
		w := place.Value.(*waiter)
		if b.mayPass(held, w.bytes) {
			b.take(held, w.bytes)
			b.waiting.Remove(place)
			close(w.ready)
		} else if held == nil {
			held = place
		}
		place = next
	}
}

// grow adds n bytes to those that its caller holds already, without waiting: who
// holds bytes and waits for more may wait for ever. The error wraps [ErrLimit] if
// both together are more than there ever is, and [ErrBusy] if they are not free.
func (b *Budget) grow(held, n int64) error {
	if err := b.fits(held + n); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.free {
		return fmt.Errorf("%w: %d MB more needed", ErrBusy, n>>20)
	}
	b.free -= n
	return nil
}

// release gives back what acquire and grow took.
func (b *Budget) release(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
	b.admit()
}

// heavySlots is how many jobs may work in a sandbox at once: one takes more
// memory and time than a hundred thumbnails, and must not hold up all
// processors.
const heavySlots = 1

// work waits for a processor, and before it for its turn if the work is heavy;
// done gives them back.
func (b *Budget) work(ctx context.Context, heavy bool) (done func(), err error) {
	turns := []chan struct{}{b.slots}
	if heavy {
		turns = []chan struct{}{b.heavy, b.slots}
	}
	for i, c := range turns {
		select {
		case c <- struct{}{}:
		case <-ctx.Done():
			if i > 0 {
				<-turns[0]
			}
			return nil, ctx.Err()
		}
	}
	return func() {
		for _, c := range turns {
			<-c
		}
	}, nil
}

// A Load is what a budget is busy with.
type Load struct {
	Bytes, Total int64 // taken, and all there are
	Waiting      int   // jobs that wait for bytes
	Slots        int   // jobs that may work at once
	Working      int   // jobs that have a processor
	Abandoned    int   // of them, those that nobody waits for and that do not end
}

// Load returns what the budget is busy with now.
func (b *Budget) Load() Load {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Load{Bytes: b.config.Bytes - b.free, Total: b.config.Bytes, Waiting: b.waiting.Len(), Slots: cap(b.slots), Working: len(b.slots), Abandoned: b.abandoned}
}

// abandon counts n jobs more, or fewer, that work for nobody.
func (b *Budget) abandon(n int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.abandoned += n
}
