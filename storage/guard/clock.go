package guard

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"s3imageserver/storage"
)

// WithTime returns a context under which all Buckets together wait for their
// stores for no longer than d, however many objects they open, one after the
// other. Each is still bound by its own [Config].
func WithTime(ctx context.Context, d time.Duration) context.Context {
	timed := &timedContext{Context: ctx}
	timed.left.Store(int64(d))
	return timed
}

// A timedContext holds what is left of WithTime, in nanoseconds: one allocation, since
// every request has one.
type timedContext struct {
	context.Context
	left atomic.Int64
}

// Value implements [context.Context].
func (c *timedContext) Value(key any) any {
	if _, ok := key.(timeKey); ok {
		return &c.left
	}
	return c.Context.Value(key)
}

type timeKey struct{}

// A clock ends the context of a request when the store has been waited for too
// long. It runs between start and stop.
type clock struct {
	left   time.Duration // while it stands
	shared *atomic.Int64 // nanoseconds left of WithTime; nil: none
	cancel context.CancelCauseFunc
	timer  *time.Timer
	began  time.Time // zero: it stands
}

func newClock(ctx context.Context, d time.Duration, cancel context.CancelCauseFunc) *clock {
	shared, _ := ctx.Value(timeKey{}).(*atomic.Int64)
	return &clock{left: d, shared: shared, cancel: cancel}
}

func (c *clock) start() {
	left := c.left
	if c.shared != nil {
		left = min(left, time.Duration(c.shared.Load()))
	}
	c.began = time.Now()
	if left <= 0 {
		c.cancel(errTooSlow)
		return
	}
	if c.timer == nil {
		c.timer = time.AfterFunc(left, func() { c.cancel(errTooSlow) })
		return
	}
	c.timer.Reset(left)
}

func (c *clock) stop() {
	if c.began.IsZero() {
		return
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	spent := time.Since(c.began)
	c.began = time.Time{}
	c.left -= spent
	if c.shared != nil {
		c.shared.Add(-int64(spent))
	}
}

// pause is a [storage.Pause].
func (c *clock) pause() (resume func()) {
	if c.began.IsZero() {
		return func() {}
	}
	c.stop()
	return c.start
}

var errTooSlow = errors.New("took too long")

// slow tells that the store was waited for too long from what its caller wanted.
func slow(ctx context.Context, err error) error {
	if err != nil && context.Cause(ctx) == errTooSlow && !errors.Is(err, errTooSlow) {
		return fmt.Errorf("%w: %w: %w: %w", storage.ErrUnavailable, os.ErrDeadlineExceeded, errTooSlow, err)
	}
	return err
}
