package resize

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// An outcome is what a job ends with.
type outcome struct {
	result *Result
	err    error
}

// endsSoon is how long a job that checks its context takes to end at the most.
const endsSoon = 100 * time.Millisecond

var errTime = errors.New("time is over")

// run makes the result in a goroutine of its own, since decoders cannot be
// cancelled: when ctx ends or the time is over it returns, and the job goes on
// holding its processor and its memory until it ends.
func (j *job) run(ctx context.Context, file []byte) (*Result, error) {
	began := time.Now()
	done, err := j.work(ctx)
	j.timing.Queue += time.Since(began)
	if err != nil {
		j.release()
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, j.limits.Time, errTime)
	ended := make(chan outcome, 1)
	watch := &abandonment{budget: j.budget}
	go func() {
		result, err := j.make(ctx, file)
		watch.end()
		done()
		j.release()
		ended <- outcome{result, err}
		cancel() // last: a busy machine may not come back here before leave gives up
	}()
	var o outcome
	select {
	case o = <-ended:
	case <-ctx.Done():
		o = j.leave(ctx, ended, watch)
	}
	if o.err != nil && context.Cause(ctx) == errTime {
		o.err = fmt.Errorf("%w: the work takes longer than %v", ErrLimit, j.limits.Time)
	}
	return o.result, o.err
}

// leave gives a job whose context ended a moment to notice.
func (j *job) leave(ctx context.Context, ended <-chan outcome, watch *abandonment) outcome {
	timer := time.NewTimer(endsSoon)
	defer timer.Stop()
	select {
	case o := <-ended:
		return o
	case <-timer.C:
		watch.begin()
		return outcome{err: ctx.Err()}
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
