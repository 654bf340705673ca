package refresh

import (
	"context"
	"sync"
	"time"
)

// A Remote is a value that somebody else has, who is asked again now and then. Of
// those who need it at the same time one asks, and the others get the value before,
// or wait where there is none. A value that cannot be had anew stays. It is safe for
// concurrent use; its fields are set before the first use.
type Remote[T any] struct {
	// Ask returns the value anew; old is the one before, nil if there is none.
	Ask func(ctx context.Context, old *T) (T, error)
	// Age is how long an answer is taken for new.
	Age time.Duration
	// Pause is how long nobody asks after a failure, and FirstPause the same while
	// there is no value.
	Pause, FirstPause time.Duration
	// Finishes says that Ask goes on when the caller who asks leaves. Else it ends
	// then, which counts as no failure.
	Finishes bool
	// Now is time.Now, but for tests.
	Now func() time.Time

	mu   sync.Mutex
	busy chan struct{} // holds a value while somebody asks; nil: nobody has yet; guarded by mu, as last
	last answer[T]
}

// Get returns the value, which is asked for if it is due; nil if there is none, with
// the reason.
func (r *Remote[T]) Get(ctx context.Context) (*T, error) {
	known := r.known()
	if r.now().Before(known.next) {
		return known.value, known.fault
	}
	return r.ask(ctx, known.asked, known.value == nil)
}

// Renew is Get for a caller whom the value does not satisfy: it is due if the last
// answer is older than age.
func (r *Remote[T]) Renew(ctx context.Context, age time.Duration) (*T, error) {
	known := r.known()
	if r.now().Sub(known.asked) < age {
		return known.value, known.fault
	}
	return r.ask(ctx, known.asked, true)
}

func (r *Remote[T]) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

// An answer is what is known at one time.
type answer[T any] struct {
	value *T        // nil: there is none
	fault error     // why not; nil where there is a value, and before anybody has asked
	asked time.Time // when Ask returned last
	next  time.Time // when the value is due
}

func (r *Remote[T]) known() answer[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.busy == nil {
		r.busy = make(chan struct{}, 1)
	}
	return r.last
}

// ask asks, unless that has been done since asked, and returns what is known then.
// Where somebody else is asking, it waits for that if it has to.
func (r *Remote[T]) ask(ctx context.Context, asked time.Time, wait bool) (*T, error) {
	known := r.known()
	select {
	case r.busy <- struct{}{}:
	default:
		if !wait {
			return known.value, known.fault
		}
		select {
		case r.busy <- struct{}{}:
		case <-ctx.Done():
			return unless(known.value, ctx.Err())
		}
	}
	defer func() { <-r.busy }()
	if known = r.known(); !known.asked.Equal(asked) {
		return known.value, known.fault
	}
	if r.Finishes {
		ctx = context.WithoutCancel(ctx)
	}
	fresh, err := r.Ask(ctx, known.value)
	if err != nil && ctx.Err() != nil {
		return unless(known.value, ctx.Err())
	}
	next, pause := answer[T]{value: &fresh, asked: r.now()}, r.Age
	switch {
	case err != nil && known.value == nil:
		next.value, next.fault, pause = nil, err, r.FirstPause
	case err != nil:
		next.value, pause = known.value, r.Pause
	}
	next.next = next.asked.Add(pause)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = next
	return next.value, next.fault
}

// unless returns a value, or the error where there is none.
func unless[T any](value *T, err error) (*T, error) {
	if value != nil {
		return value, nil
	}
	return nil, err
}
