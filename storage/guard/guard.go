// Package guard keeps a [storage.Bucket] from being waited for and asked more
// than it can bear: time limits, one retry within a budget, a circuit breaker.
package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"s3imageserver/storage"
)

// Config shapes a Bucket. Zero fields mean the documented default.
type Config struct {
	// Name is that of the bucket in logs.
	Name string
	// Timeout bounds the whole of one Get, its body included; default 15 s.
	Timeout time.Duration
	// RetryShare is how many retries there may be for each request, in the
	// long run; default 0.1.
	RetryShare float64
	// Failures in a row of requests, or FailureShare of at least 20 of them
	// within 10 seconds, open the circuit; defaults 10 and 0.6.
	Failures     int
	FailureShare float64
	// OpenFor is how long nothing is asked then; default 2 s. After it one
	// request at a time tries whether the store is back.
	OpenFor time.Duration
	// Changed is called when the circuit opens and closes; nil: nobody is told.
	Changed func(open bool)
	// Asked is called when the store has answered a request for an object, or not:
	// with the time until then, without that of the body. Nil: nobody is told.
	Asked func(took time.Duration)
}

const (
	defaultTimeout      = 15 * time.Second
	defaultRetryShare   = 0.1
	defaultFailures     = 10
	defaultFailureShare = 0.6
	defaultOpenFor      = 2 * time.Second
	window              = 10 * time.Second
	leastOfShare        = 20
	retryPause          = 50 * time.Millisecond // at least, and at most twice that
)

// Bucket is a guarded [storage.Bucket]. It is safe for concurrent use.
type Bucket struct {
	inner   storage.Bucket
	config  Config
	breaker *gobreaker.TwoStepCircuitBreaker[any]
	retries tokens

	asked, retried, failed, refused atomic.Uint64
}

var (
	_ storage.Bucket      = (*Bucket)(nil)
	_ storage.Revalidator = (*Bucket)(nil)
	_ storage.Versioned   = (*Bucket)(nil)
)

// New returns a guarded inner.
func New(inner storage.Bucket, c Config) *Bucket {
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
	if c.RetryShare <= 0 {
		c.RetryShare = defaultRetryShare
	}
	if c.Failures <= 0 {
		c.Failures = defaultFailures
	}
	if c.FailureShare <= 0 {
		c.FailureShare = defaultFailureShare
	}
	if c.OpenFor <= 0 {
		c.OpenFor = defaultOpenFor
	}
	b := &Bucket{inner: inner, config: c, retries: tokens{share: c.RetryShare}}
	b.breaker = gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Name:        c.Name,
		MaxRequests: 1,
		Interval:    window,
		Timeout:     c.OpenFor,
		ReadyToTrip: func(n gobreaker.Counts) bool {
			return n.ConsecutiveFailures >= uint32(c.Failures) ||
				n.Requests >= leastOfShare && float64(n.TotalFailures) >= c.FailureShare*float64(n.Requests)
		},
		OnStateChange: func(_ string, from, to gobreaker.State) {
			if c.Changed != nil && (from == gobreaker.StateClosed || to == gobreaker.StateClosed) {
				c.Changed(to != gobreaker.StateClosed)
			}
		},
		IsSuccessful: func(err error) bool { return !transient(err) },
	})
	return b
}

// Inner returns the bucket that is guarded.
func (b *Bucket) Inner() storage.Bucket { return b.inner }

// Get implements [storage.Bucket]. An error that a second attempt may not have
// is followed by one; so is a body that breaks off, which is then read on from
// there if the object is still the same. While the circuit is open the error
// wraps [storage.ErrUnavailable] at once.
func (b *Bucket) Get(ctx context.Context, name string) (*storage.Object, error) {
	return b.open(ctx, func(ctx context.Context) (*storage.Object, error) { return b.inner.Get(ctx, name) })
}

// GetIfModified implements [storage.Revalidator].
func (b *Bucket) GetIfModified(ctx context.Context, name string, have storage.Info) (*storage.Object, error) {
	return b.open(ctx, func(ctx context.Context) (*storage.Object, error) {
		return storage.GetIfModified(ctx, b.inner, name, have)
	})
}

// GetVersion implements [storage.Versioned]. The error wraps [fs.ErrNotExist] if
// the bucket keeps no versions.
func (b *Bucket) GetVersion(ctx context.Context, name, version string) (*storage.Object, error) {
	v, ok := b.inner.(storage.Versioned)
	if !ok {
		return nil, &fs.PathError{Op: "get version", Path: name, Err: fs.ErrNotExist}
	}
	return b.open(ctx, func(ctx context.Context) (*storage.Object, error) { return v.GetVersion(ctx, name, version) })
}

type getFunc func(context.Context) (*storage.Object, error)

func (b *Bucket) open(ctx context.Context, get getFunc) (*storage.Object, error) {
	b.retries.earn()
	ctx, cancel := context.WithTimeoutCause(ctx, b.config.Timeout, errTooSlow)
	object, err := b.ask(ctx, get)
	if err != nil && b.mayRetry(ctx, err) {
		object, err = b.ask(ctx, get)
	}
	if err != nil {
		cancel()
		return nil, slow(ctx, err)
	}
	return &storage.Object{Info: object.Info, Stopgap: object.Stopgap, Body: &body{b: b, ctx: ctx, cancel: cancel, get: get, object: object}}, nil
}

// ask calls get if the circuit is closed.
func (b *Bucket) ask(ctx context.Context, get getFunc) (*storage.Object, error) {
	done, err := b.breaker.Allow()
	if err != nil {
		b.refused.Add(1)
		return nil, fmt.Errorf("%w: not asked, after many failures: %w", storage.ErrUnavailable, err)
	}
	b.asked.Add(1)
	began := time.Now()
	object, err := get(ctx)
	if b.config.Asked != nil {
		b.config.Asked(time.Since(began))
	}
	if transient(err) {
		b.failed.Add(1)
	}
	done(err)
	return object, err
}

// transient reports whether err is the store's trouble, and not that the object
// is not there or that nobody waits for it any more.
func transient(err error) bool {
	for _, t := range []error{storage.ErrUnavailable, storage.ErrIncomplete, storage.ErrDamaged, os.ErrDeadlineExceeded, context.DeadlineExceeded} {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

// mayRetry reports whether a second attempt is worth while and within the
// budget, and waits a moment before it.
func (b *Bucket) mayRetry(ctx context.Context, err error) bool {
	if !transient(err) || errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) || ctx.Err() != nil || !b.retries.take() {
		return false
	}
	timer := time.NewTimer(retryPause + jitter(retryPause))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		b.retried.Add(1)
		return true
	}
}

var errTooSlow = errors.New("took too long")

// slow tells the timeout of Config from that of the caller.
func slow(ctx context.Context, err error) error {
	if context.Cause(ctx) == errTooSlow {
		return fmt.Errorf("%w: %w: %w", storage.ErrUnavailable, os.ErrDeadlineExceeded, err)
	}
	return err
}

// A body reads on from a second object when the first breaks off.
type body struct {
	b      *Bucket
	ctx    context.Context // of the object: the contract of Get is that it covers the body
	cancel context.CancelFunc
	get    getFunc
	object *storage.Object
	read   int64
	second bool
}

func (r *body) Read(p []byte) (int, error) {
	for {
		n, err := r.object.Body.Read(p)
		r.read += int64(n)
		if err == nil || err == io.EOF {
			return n, err
		}
		if n > 0 && !r.second && transient(err) && !errors.Is(err, storage.ErrDamaged) {
			return n, nil // the next Read meets the error again, or goes on
		}
		// What was delivered of a damaged object may be wrong: no reading on.
		if r.second || errors.Is(err, storage.ErrDamaged) || !r.b.mayRetry(r.ctx, err) {
			return n, slow(r.ctx, err)
		}
		r.second = true
		if again := r.reopen(); again != nil {
			return n, slow(r.ctx, errors.Join(err, again))
		}
	}
}

// reopen replaces the object by a second one, read up to where the first ended.
func (r *body) reopen() error {
	next, err := r.b.ask(r.ctx, r.get)
	if err != nil {
		return err
	}
	if next.Info != r.object.Info {
		_ = next.Body.Close() // nothing of it is wanted
		return fmt.Errorf("%w: it changed while it was read", storage.ErrIncomplete)
	}
	_ = r.object.Body.Close() // it is broken
	r.object = next
	_, err = io.CopyN(io.Discard, next.Body, r.read)
	return err
}

func (r *body) Close() error {
	err := r.object.Body.Close()
	r.cancel()
	return err
}

// Stats is what a Bucket tells of itself.
type Stats struct {
	Asked   uint64 // requests to the store
	Retried uint64 // of them, second attempts
	Failed  uint64 // of them, those with an error of the store's
	Refused uint64 // requests not made while the circuit was open
	Open    bool   // the circuit is open
}

// Stats returns a snapshot.
func (b *Bucket) Stats() Stats {
	return Stats{
		Asked: b.asked.Load(), Retried: b.retried.Load(), Failed: b.failed.Load(), Refused: b.refused.Load(),
		Open: b.breaker.State() == gobreaker.StateOpen,
	}
}
