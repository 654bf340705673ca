// Package guard keeps a [storage.Bucket] from being waited for and asked more
// than it can bear: time limits, one retry within a budget, a circuit breaker.
package guard

import (
	"cmp"
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
	// Timeout bounds how long one Get waits for the store: for the answer, for the
	// second attempt, and in all Reads of the body together; default 5 s. The time
	// between two Reads, and what a [storage.Pause] covers, does not count. See
	// [WithTime], which bounds several of them.
	Timeout time.Duration
	// InFlight is how many objects may be open at once; default 256. A further one
	// is refused at once by an error that wraps [storage.ErrBusy].
	InFlight int
	// RetryShare is how many retries there may be for each request, in the
	// long run; default 0.1.
	RetryShare float64
	// Failures in a row, or FailureShare of at least 20 requests within 10 seconds,
	// open the circuit; defaults 10 and 0.6. Within 10 seconds each name counts for
	// one failure: few names in trouble are no reason to spare the store for all. Of
	// a [storage.Parted] all names of one part count as one.
	Failures     int
	FailureShare float64
	// OpenFor is how long nothing is asked then; default 2 s. After it one
	// request at a time tries whether the store is back. A name that failed so does
	// not try again for twice that time: others may go first.
	OpenFor time.Duration
	// Changed is called when the circuit opens and closes; nil: nobody is told.
	Changed func(open bool)
	// Asked is called when the store has answered a request for an object, or not:
	// with the time until then, without that of the body. Nil: nobody is told.
	Asked func(took time.Duration)
}

const (
	defaultTimeout      = 5 * time.Second
	defaultInFlight     = 256
	defaultRetryShare   = 0.1
	defaultFailures     = 10
	defaultFailureShare = 0.6
	defaultOpenFor      = 2 * time.Second
	window              = 10 * time.Second
	windowStep          = time.Second
	leastOfShare        = 20
	retryPause          = 50 * time.Millisecond // at least, and at most twice that
)

// Bucket is a guarded [storage.Bucket]. It is safe for concurrent use.
type Bucket struct {
	inner   storage.Bucket
	config  Config
	breaker *gobreaker.TwoStepCircuitBreaker[any]
	retries tokens
	failing names // counted while the circuit was closed
	tried   names // failed when they tried whether the store is back

	open, asked, retried, failed, refused atomic.Int64
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
	if c.InFlight <= 0 {
		c.InFlight = defaultInFlight
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
	b := &Bucket{inner: inner, config: c, retries: tokens{share: c.RetryShare}, failing: names{last: window}, tried: names{last: 2 * c.OpenFor}}
	b.breaker = gobreaker.NewTwoStepCircuitBreaker[any](gobreaker.Settings{
		Name:        c.Name,
		MaxRequests: 1,
		Interval:    window,
		// A window that slides: at the end of a fixed one, what is being asked for would
		// count in neither, and slow failures last as long as half of one.
		BucketPeriod: windowStep,
		Timeout:      c.OpenFor,
		ReadyToTrip: func(n gobreaker.Counts) bool {
			return n.ConsecutiveFailures >= uint32(c.Failures) ||
				n.Requests >= leastOfShare && float64(n.TotalFailures) >= c.FailureShare*float64(n.Requests)
		},
		OnStateChange: func(_ string, from, to gobreaker.State) {
			if to == gobreaker.StateClosed {
				b.failing.clear()
				b.tried.clear()
			}
			if c.Changed != nil && (from == gobreaker.StateClosed || to == gobreaker.StateClosed) {
				c.Changed(to != gobreaker.StateClosed)
			}
		},
		IsExcluded: func(err error) bool { return err == errNoVerdict },
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
	return b.get(ctx, name, func(ctx context.Context) (*storage.Object, error) { return b.inner.Get(ctx, name) })
}

// GetIfModified implements [storage.Revalidator].
func (b *Bucket) GetIfModified(ctx context.Context, name string, have storage.Info) (*storage.Object, error) {
	return b.get(ctx, name, func(ctx context.Context) (*storage.Object, error) {
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
	return b.get(ctx, name, func(ctx context.Context) (*storage.Object, error) { return v.GetVersion(ctx, name, version) })
}

type getFunc func(context.Context) (*storage.Object, error)

// get opens an object, with a second attempt.
func (b *Bucket) get(ctx context.Context, name string, get getFunc) (object *storage.Object, err error) {
	if b.open.Add(1) > int64(b.config.InFlight) {
		b.open.Add(-1)
		return nil, fmt.Errorf("%w: %d objects of the store are open", storage.ErrBusy, b.config.InFlight)
	}
	b.retries.earn()
	ctx, cancel := context.WithCancelCause(ctx)
	leave := func() { cancel(nil); b.open.Add(-1) }
	defer func() {
		if object == nil { // also after a panic
			leave()
		}
	}()
	clock := newClock(ctx, b.config.Timeout, cancel)
	ctx = storage.WithPause(ctx, clock.pause)
	clock.start()
	defer clock.stop()
	first, asked, err := b.ask(ctx, name, get)
	if err != nil && b.mayRetry(ctx, err) {
		first, asked, err = b.ask(ctx, name, get)
	}
	if err != nil {
		return nil, err
	}
	return &storage.Object{Info: first.Info, Stopgap: first.Stopgap, Body: &body{
		b: b, ctx: ctx, clock: clock, leave: leave, name: name, get: get, object: first, asked: asked,
	}}, nil
}

// ask calls get if the circuit is closed. What it got is settled if there is an
// error, else the caller has to settle it when the body has ended.
func (b *Bucket) ask(ctx context.Context, name string, get getFunc) (*storage.Object, *asked, error) {
	if p, ok := b.inner.(storage.Parted); ok {
		name = cmp.Or(p.Part(name), name)
	}
	trial := b.breaker.State() == gobreaker.StateHalfOpen
	if trial && b.tried.has(name) {
		return nil, nil, b.refuse(gobreaker.ErrTooManyRequests)
	}
	done, err := b.breaker.Allow()
	if err != nil {
		return nil, nil, b.refuse(err)
	}
	b.asked.Add(1)
	a := &asked{b: b, name: name, trial: trial, done: done, began: time.Now()}
	returned := false
	defer func() {
		if !returned { // it panicked
			a.settle(errNoVerdict)
		}
	}()
	object, err := get(ctx)
	returned = true
	if b.config.Asked != nil {
		b.config.Asked(time.Since(a.began))
	}
	if err = slow(ctx, err); err != nil {
		a.settle(err)
		return nil, nil, err
	}
	return object, a, nil
}

func (b *Bucket) refuse(err error) error {
	b.refused.Add(1)
	return fmt.Errorf("%w: not asked, after many failures: %w", storage.ErrUnavailable, err)
}

// errNoVerdict stands for what tells nothing about the store.
var errNoVerdict = errors.New("neither success nor failure")

// asked is one request to the store.
type asked struct {
	b     *Bucket
	name  string      // or its part of the bucket
	trial bool        // of whether the store is back
	done  func(error) // nil: it was called
	began time.Time
}

// settle says, once, how the request ended.
func (a *asked) settle(err error) {
	if a.done == nil {
		return
	}
	done := a.done
	a.done = nil
	switch {
	case err == nil:
		done(nil)
	case err == errNoVerdict, a.ours(err):
		done(errNoVerdict)
	case !transient(err): // an answer, if not the one that was hoped for
		done(nil)
	case a.trial:
		a.b.failed.Add(1)
		a.b.tried.note(a.name)
		done(err)
	default:
		a.b.failed.Add(1)
		if !a.b.failing.note(a.name) {
			err = errNoVerdict
		}
		done(err)
	}
}

// ours reports whether err is none of the store's: its caller has left or had
// little time, or we were busy ourselves.
func (a *asked) ours(err error) bool {
	switch {
	case errors.Is(err, errTooSlow):
		return false
	case errors.Is(err, context.DeadlineExceeded):
		return time.Since(a.began) < a.b.config.Timeout/2
	}
	return errors.Is(err, context.Canceled) || errors.Is(err, storage.ErrBusy)
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

// Stats is what a Bucket tells of itself.
type Stats struct {
	Asked   uint64 // requests to the store
	Retried uint64 // of them, second attempts
	Failed  uint64 // of them, those with an error of the store's, be it in the body
	Refused uint64 // requests not made while the circuit was open
	Open    bool   // the circuit is open
}

// Stats returns a snapshot.
func (b *Bucket) Stats() Stats {
	return Stats{
		Asked: uint64(b.asked.Load()), Retried: uint64(b.retried.Load()), Failed: uint64(b.failed.Load()), Refused: uint64(b.refused.Load()),
		Open: b.breaker.State() == gobreaker.StateOpen,
	}
}

// A body reads on from a second object when the first breaks off.
type body struct {
	b      *Bucket
	ctx    context.Context // of the object: the contract of Get is that it covers the body
	clock  *clock
	leave  func() // nil: it was called
	name   string
	get    getFunc
	object *storage.Object
	asked  *asked
	read   int64
	second bool
}

func (r *body) Read(p []byte) (int, error) {
	r.clock.start()
	defer r.clock.stop()
	for {
		n, err := r.object.Body.Read(p)
		r.read += int64(n)
		if err == nil || err == io.EOF {
			if err == io.EOF || r.read == r.object.Size {
				r.asked.settle(nil)
			}
			return n, err
		}
		err = slow(r.ctx, err)
		r.asked.settle(err)
		if n > 0 && !r.second && transient(err) && !errors.Is(err, storage.ErrDamaged) {
			return n, nil // the next Read meets the error again, or goes on
		}
		// What was delivered of a damaged object may be wrong: no reading on.
		if r.second || errors.Is(err, storage.ErrDamaged) || !r.b.mayRetry(r.ctx, err) {
			return n, err
		}
		r.second = true
		if again := r.reopen(); again != nil {
			return n, errors.Join(err, again)
		}
	}
}

// reopen replaces the object by a second one, read up to where the first ended.
func (r *body) reopen() error {
	next, asked, err := r.b.ask(r.ctx, r.name, r.get)
	if err != nil {
		return err
	}
	if next.Info != r.object.Info {
		asked.settle(nil)
		_ = next.Body.Close() // nothing of it is wanted
		return fmt.Errorf("%w: it changed while it was read", storage.ErrIncomplete)
	}
	_ = r.object.Body.Close() // it is broken
	r.object, r.asked = next, asked
	if _, err = io.CopyN(io.Discard, next.Body, r.read); err != nil {
		err = slow(r.ctx, err)
		asked.settle(err)
	}
	return err
}

// Close ends the request. A body of which not all was wanted came as far as it
// was; of one that nobody waited for any more nothing is known.
func (r *body) Close() error {
	if r.ctx.Err() != nil {
		r.asked.settle(errNoVerdict)
	}
	r.asked.settle(nil)
	err := r.object.Body.Close()
	if r.leave != nil {
		r.leave()
		r.leave = nil
	}
	return err
}
