package resize

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"
)

// A Budget bounds the bytes of all pictures that are being worked on. Several
// Resizers may share one; it is safe for concurrent use.
type Budget struct {
	bytes int64
	wait  time.Duration
	sem   *semaphore.Weighted
}

// NewBudget returns a budget of that many bytes, for which a job waits that
// long; wait 0 means 10 s.
func NewBudget(bytes int64, wait time.Duration) *Budget {
	if wait <= 0 {
		wait = 10 * time.Second
	}
	return &Budget{bytes: bytes, wait: wait, sem: semaphore.NewWeighted(bytes)}
}

// acquire waits until n bytes are free, in order of arrival. The error wraps
// [ErrLimit] if the whole budget is less than n, and [ErrBusy] if it took too
// long.
func (b *Budget) acquire(ctx context.Context, n int64) error {
	if n > b.bytes {
		return fmt.Errorf("%w: needs about %d MB, memory_budget is %d MB", ErrLimit, n>>20, b.bytes>>20)
	}
	waiting, cancel := context.WithTimeout(ctx, b.wait)
	defer cancel()
	if err := b.sem.Acquire(waiting, n); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w: no %d MB free within %v", ErrBusy, n>>20, b.wait)
	}
	return nil
}

// grow adds n bytes to what its caller holds already, without waiting: who
// holds bytes and waits for more may wait for ever.
func (b *Budget) grow(n int64) error {
	if n > 0 && !b.sem.TryAcquire(n) {
		return fmt.Errorf("%w: %d MB more needed", ErrBusy, n>>20)
	}
	return nil
}

// release gives back what acquire and grow took.
func (b *Budget) release(n int64) { b.sem.Release(n) }
