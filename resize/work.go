package resize

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// An outcome is what a job ends with.
type outcome[T any] struct {
	value T
	err   error
}

// endsSoon is how long a job that checks its context takes to end at the most.
const endsSoon = 100 * time.Millisecond

var errTime = errors.New("time is over")

// runJob does the work of a job whose file was read, and gives back what it holds.
//
// The work is done in a goroutine of its own, since decoders cannot be
// cancelled: when ctx ends or the time is over runJob returns, and the job goes on
// holding its processor and its memory until it ends. The first part of the work
// is the header, where that was longer than the first bytes.
func runJob[T any](ctx context.Context, j *job, file []byte, work func(ctx context.Context, file []byte) (T, error)) (T, error) {
	began := time.Now()
	done, err := j.work(ctx)
	j.timing.Queue += time.Since(began)
	if err != nil {
		j.release()
		var none T
		return none, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, j.limits.Time, errTime)
	ended := make(chan outcome[T], 1)
	j.watch.budget = j.budget
	go func() {
		value, err := guarded(ctx, j, file, work)
		j.watch.end()
		done()
		j.release()
		ended <- outcome[T]{value, err}
		cancel() // last: a busy machine may not come back here before leave gives up
	}()
	var o outcome[T]
	select {
	case o = <-ended:
	case <-ctx.Done():
		o = leave(ctx, ended, &j.watch)
	}
	if o.err != nil && context.Cause(ctx) == errTime {
		o.err = fmt.Errorf("%w: the work takes longer than %v", ErrLimit, j.limits.Time)
	}
	return o.value, o.err
}

// guarded does the work of a job; a panic becomes an error.
func guarded[T any](ctx context.Context, j *job, file []byte, work func(ctx context.Context, file []byte) (T, error)) (value T, err error) {
	defer recovered(&err)
	if j.unread {
		if err := j.inspectAll(file); err != nil {
			return value, err
		}
	}
	j.want.ctx = ctx
	return work(ctx, file)
}

// leave gives a job whose context ended a moment to notice.
func leave[T any](ctx context.Context, ended <-chan outcome[T], watch *abandonment) outcome[T] {
	timer := time.NewTimer(endsSoon)
	defer timer.Stop()
	select {
	case o := <-ended:
		return o
	case <-timer.C:
		watch.begin()
		return outcome[T]{err: ctx.Err()}
	}
}

// An abandonment counts a job among the abandoned ones of its budget from begin
// to end, which come in any order.
type abandonment struct {
	budget *Budget // nil: nobody counts

	mu           sync.Mutex
	begun, ended bool // guarded by mu
}

func (a *abandonment) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.begun = !a.ended; a.begun {
		a.budget.abandon(1)
	}
}

// unlessBegun calls f, unless nobody waits for the job any more; begin waits for
// it to return.
func (a *abandonment) unlessBegun(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.begun {
		f()
	}
}

func (a *abandonment) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended = true; a.begun {
		a.budget.abandon(-1)
	}
}

func (b *Budget) abandon(n int) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.abandoned += n
}
