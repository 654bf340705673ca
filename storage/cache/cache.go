// Package cache keeps results by key: in memory, on disk and in a bucket that
// machines share, each bounded, with one fill for all callers that ask for the
// same thing at the same time.
package cache

import (
	"context"
	"errors"
	"hash/maphash"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"time"
)

// Status says how an entry was come by.
type Status int

const (
	MemoryHit    Status = iota // it was in memory
	DiskHit                    // it was on disk
	SharedHit                  // another machine had put it into the shared bucket
	StaleHit                   // it was kept; the source is being asked meanwhile
	Unchanged                  // it was kept; the source was asked, and is the same
	StaleOnError               // it was kept; the source cannot be had
	Derived                    // it was made of what is kept, since the source cannot be had
	Filled                     // this call made it
	Collapsed                  // another call was making it already
)

// String returns the word for a status in answers, logs, metrics and traces.
func (s Status) String() string {
	return [...]string{"memory", "disk", "bucket", "stale", "revalidated", "stale-if-error", "derived", "miss", "collapsed"}[s]
}

// Hit reports whether the entry was kept, and nobody waited for its source.
func (s Status) Hit() bool { return s <= StaleHit }

// Config shapes a Cache. Zero fields mean the documented default.
type Config struct {
	// Memory and Disk are where entries are kept, looked at in this order; nil
	// keeps nothing there. Several caches may share them: the one who opened
	// them closes them.
	Memory *Memory
	Disk   *Disk
	// Shared is the tier that machines share, looked at when a fill begins; nil
	// for none. Purges of Group reach this cache.
	Shared *Shared
	Group  string
	// Originals has sources that the filler keeps, under the same groups; the
	// cache only purges it. Nil for none.
	Originals *Disk

	// TTL is how long an entry is served after the source was asked; 0 means
	// for ever.
	TTL time.Duration
	// Revalidate, if less than TTL, is how long an entry is served before the
	// source is asked whether it is still the same; 0 means TTL.
	Revalidate time.Duration
	// StaleWhileRevalidate is for how long after TTL or Revalidate an entry is
	// served at once, while the source is asked in the background.
	StaleWhileRevalidate time.Duration
	// Grace is how long an entry is kept after TTL, for the time when the
	// source cannot be had. An entry written under another configuration is
	// kept as long as that one said.
	Grace time.Duration
	// Outlives reports whether an error of a fill is one that a kept entry
	// within TTL and Grace is served in place of; nil: none is.
	Outlives func(error) bool

	// RefuseTTL is how long an error that Refuses knows, and a derived result, is
	// given again without another fill; 0 means never.
	RefuseTTL time.Duration
	// Refused holds them in place of RefuseTTL, also for Caches of the same group
	// that were before or come after; nil: one of the Cache's own.
	Refused *Refused
	// Refuses reports whether an error of a fill will be the same for some
	// time, and whether for all variants of the source. Nil: none will.
	Refuses func(error) (same, whole bool)

	// FillTimeout bounds one fill; default 30 s.
	FillTimeout time.Duration
	// Patience is how long a caller waits for a fill when there is a kept entry
	// that Outlives allows; default 2 s. The fill goes on.
	Patience time.Duration
	// Log gets the faults of the tiers, which harm no request; default
	// slog.Default().
	Log *slog.Logger
	// Ready makes the Ready of an entry that is read or filled, a few hundred bytes
	// at most; nil: entries have none. It must be safe for concurrent use.
	Ready func(*Entry) any
}

const (
	defaultFillTimeout = 30 * time.Second
	defaultPatience    = 2 * time.Second
)

// A tier keeps entries. Get's error wraps fs.ErrNotExist if there is none; to
// delete what is not there is no error. All methods are safe for concurrent use.
type tier interface {
	Get(Key) (*Entry, error)
	Put(Key, *Entry) error
	Delete(Key) error
	Purge(context.Context, Purge) (removed int, err error)
}

var (
	_ tier = (*Memory)(nil)
	_ tier = (*Disk)(nil)
)

// A Cache is safe for concurrent use.
type Cache struct {
	config Config
	tiers  []leveled // of this process, fastest first
	fills  group
	brief  brief
	purges purging
	seed   maphash.Seed

	staleHits, staleOnError, unchanged atomic.Uint64
}

type leveled struct {
	tier
	hit Status
}

// A Fill makes an entry. old, if not nil, is the one kept so far, which may be
// of any age: ErrUnchanged says that it is still true.
type Fill func(ctx context.Context, old *Entry) (*Entry, error)

// ErrUnchanged is what a Fill returns when the source is what the old entry was
// made of.
var ErrUnchanged = errors.New("cache: source is unchanged")

// New returns a Cache. The caller must Close it.
func New(c Config) *Cache {
	if c.FillTimeout <= 0 {
		c.FillTimeout = defaultFillTimeout
	}
	if c.Patience <= 0 {
		c.Patience = defaultPatience
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Outlives == nil {
		c.Outlives = func(error) bool { return false }
	}
	if c.Refuses == nil {
		c.Refuses = func(error) (bool, bool) { return false, false }
	}
	cache := &Cache{config: c, seed: maphash.MakeSeed()}
	if c.Refused != nil {
		cache.brief = c.Refused.brief
	} else {
		cache.brief = newBrief(c.RefuseTTL)
	}
	cache.fills.timeout, cache.fills.log = c.FillTimeout, c.Log
	if c.Memory != nil {
		cache.tiers = append(cache.tiers, leveled{c.Memory, MemoryHit})
	}
	if c.Disk != nil {
		cache.tiers = append(cache.tiers, leveled{c.Disk, DiskHit})
	}
	if c.Shared != nil {
		c.Shared.follow(c.Group, cache)
	}
	return cache
}

// Close cancels the fills that are running, and waits for them until ctx
// ends. The tiers stay open.
func (c *Cache) Close(ctx context.Context) error {
	err := c.fills.close(ctx)
	if c.config.Shared != nil {
		c.config.Shared.unfollow(c.config.Group)
	}
	if c.config.Refused == nil {
		c.brief.close()
	}
	return err
}

// Do returns the entry of k: the kept one while it is fresh, else the result of
// fill, which is kept unless it is Unkept. For callers that ask for one key at the same time fill
// runs once, in a goroutine of its own, until no caller is left. An error of
// fill goes to all of them and nothing is kept; a panic becomes a
// [*PanicError].
func (c *Cache) Do(ctx context.Context, k Key, fill Fill) (*Entry, Status, error) {
	old, hit := c.get(k)
	switch c.state(k, old) {
	case fresh:
		return old, hit, nil
	case aging:
		c.staleHits.Add(1)
		c.fills.join(ctx, k, c.flight(k, fill), background)
		return old, StaleHit, nil
	case dead:
		old = nil
	}
	if old == nil {
		if o, ok := c.brief.get(k); ok {
			return o.entry, Derived, o.err
		}
	}
	f, started := c.fills.join(ctx, k, c.flight(k, fill), foreground)
	return c.wait(ctx, f, started, k, old)
}

// Kept returns the entry of k in the tiers of this process, however old; nil if
// there is none.
func (c *Cache) Kept(k Key) *Entry {
	e, _ := c.get(k)
	return e
}

// Variants returns the keys of what the tiers of this process keep of a source,
// at most 1000.
func (c *Cache) Variants(ctx context.Context, source string) []Key {
	seen := map[string]bool{}
	var keys []Key
	add := func(variant string) {
		if !seen[variant] && len(keys) < maxVariants {
			seen[variant] = true
			keys = append(keys, Key{Source: source, Variant: variant})
		}
	}
	if c.config.Memory != nil {
		c.config.Memory.eachVariant(source, add)
	}
	if c.config.Disk != nil {
		if err := c.config.Disk.eachVariant(ctx, source, add); err != nil {
			c.config.Log.Warn("variants not listed", "error", err)
		}
	}
	return keys
}

const maxVariants = 1000

// Paused reports whether err is that nothing is written for a while, after a
// fault that was reported already.
func Paused(err error) bool { return errors.Is(err, errPaused) }

// Damaged reports whether err is that what was kept is not what was read.
func Damaged(err error) bool { return errors.Is(err, errDamaged) }

// wait returns what f makes; or old, if not nil, when that takes too long.
func (c *Cache) wait(ctx context.Context, f *flight, started bool, k Key, old *Entry) (*Entry, Status, error) {
	patience := time.Duration(0)
	if old != nil && c.config.Outlives(context.DeadlineExceeded) {
		patience = c.config.Patience
	}
	e, status, err := c.fills.wait(ctx, k, f, patience)
	switch {
	case errors.Is(err, errImpatient):
		c.staleOnError.Add(1)
		return old, StaleOnError, nil
	case err == nil && status == Filled && !started:
		status = Collapsed
	}
	return e, status, err
}

// flight returns what happens when k has to be filled.
func (c *Cache) flight(k Key, fill Fill) fillFunc {
	return func(ctx context.Context, f *flight) (*Entry, Status, error) {
		// Another fill may have ended between our look and our start.
		old, hit := c.get(k)
		if c.state(k, old) == fresh {
			return old, hit, nil
		}
		if c.config.Shared != nil {
			e := c.shared(ctx, k, f)
			if c.state(k, e) == fresh {
				return e, SharedHit, nil
			}
			old = newer(old, e)
		}
		began := time.Now()
		e, err := fill(ctx, old)
		switch {
		case err == nil && e.Unkept:
			return e, Filled, nil
		case err == nil && e.Derived:
			c.remember(k, outcome{entry: e}, false, f)
			return e, Derived, nil
		case err == nil:
			e = c.stamp(e, began)
			c.keep(k, e, f)
			return e, Filled, nil
		case errors.Is(err, ErrUnchanged) && old != nil:
			c.unchanged.Add(1)
			e = c.stamp(old, began)
			c.keep(k, e, f)
			return e, Unchanged, nil
		case c.state(k, old) != dead && c.config.Outlives(err):
			c.staleOnError.Add(1)
			c.config.Log.Warn("serving a stale result: the source cannot be fetched", "error", err)
			return old, StaleOnError, nil
		}
		if same, whole := c.config.Refuses(err); same && ctx.Err() == nil {
			c.remember(k, outcome{err: err}, whole, f)
		}
		if old != nil && errors.Is(err, fs.ErrNotExist) {
			c.drop(k) // the truth is that there is nothing any more
		}
		return nil, Filled, err
	}
}

// get returns the entry of k that was checked last, nil if there is none. If it
// is fresh the tiers above the one that had it get it too.
func (c *Cache) get(k Key) (*Entry, Status) {
	purges, calm := c.purges.calm()
	var old *Entry
	hit := Filled
	for i, t := range c.tiers {
		if !calm && c.purges.covers(k, t.hit == MemoryHit) {
			continue
		}
		e, err := t.Get(k)
		if err == nil && t.hit != MemoryHit {
			c.makeReady(e)
		}
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, errDamaged) {
				c.config.Log.Warn("cache entry not readable", "error", err)
			}
			continue
		}
		if c.state(k, e) == fresh {
			if calm {
				c.raise(k, e, c.tiers[:i], purges)
			}
			return e, t.hit
		}
		if newest := newer(old, e); newest != old { // a tier below may have what another process filled
			old, hit = newest, t.hit
		}
	}
	return old, hit
}

// shared returns the entry of k in the shared tier, nil if there is none, and
// puts a fresh one into the tiers of this process.
func (c *Cache) shared(ctx context.Context, k Key, f *flight) *Entry {
	e, err := c.config.Shared.get(ctx, k)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) && ctx.Err() == nil {
			c.config.Shared.complain("shared cache not readable", err)
		}
		return nil
	}
	if c.state(k, e) == fresh {
		c.keepHere(k, e, f)
	}
	return e
}

// newer returns the entry that was checked later; nil is the oldest.
func newer(a, b *Entry) *Entry {
	if a == nil || b != nil && b.checked().After(a.checked()) {
		return b
	}
	return a
}

// makeReady gives an entry that nobody else has yet its Ready.
func (c *Cache) makeReady(e *Entry) {
	if c.config.Ready != nil {
		e.Ready = c.config.Ready(e)
	}
}

// raise puts e, read when no purge was running and purges had the value given,
// into upper tiers. What a purge may have removed below meanwhile must not stay
// above.
func (c *Cache) raise(k Key, e *Entry, upper []leveled, purges uint64) {
	for _, t := range upper {
		c.put(t, k, e)
		if n, _ := c.purges.calm(); n != purges {
			_ = t.Delete(k) // only memory is above another tier, and has no faults
		}
	}
}

// remember notes for seconds how f ended, unless a purge came meanwhile.
func (c *Cache) remember(k Key, o outcome, whole bool, f *flight) {
	if f.purged.Load() {
		return
	}
	c.brief.add(k, o, whole)
	if f.purged.Load() {
		c.brief.forget(k, whole)
	}
}

// keep puts the result of f into every tier, unless a purge came meanwhile.
func (c *Cache) keep(k Key, e *Entry, f *flight) {
	c.keepHere(k, e, f)
	if c.config.Shared != nil && !f.purged.Load() {
		c.config.Shared.put(k, e, f)
	}
}

// keepHere is keep for the tiers of this process.
func (c *Cache) keepHere(k Key, e *Entry, f *flight) {
	if f.purged.Load() {
		return
	}
	kept := *e
	kept.Timing = ""
	c.makeReady(&kept)
	for _, t := range c.tiers {
		c.put(t, k, &kept)
	}
	if f.purged.Load() {
		c.drop(k)
	}
}

// drop removes the entry of k from the tiers of this process.
func (c *Cache) drop(k Key) {
	for _, t := range c.tiers {
		if err := t.Delete(k); err != nil {
			c.config.Log.Warn("cache entry not removed", "error", err)
		}
	}
}

func (c *Cache) put(t tier, k Key, e *Entry) {
	if err := t.Put(k, e); err != nil && !errors.Is(err, errPaused) {
		c.config.Log.Warn("cache entry not written", "error", err)
	}
}

// Stats is what a Cache tells of itself.
type Stats struct {
	Fills   int // running now
	Overdue int // of them, those that did not end in time
	// StaleHits counts entries served while the source was asked, StaleOnError
	// those served since it could not be had, Unchanged those that the source
	// confirmed.
	StaleHits, StaleOnError, Unchanged uint64
}

// Stats returns a snapshot.
func (c *Cache) Stats() Stats {
	s := Stats{StaleHits: c.staleHits.Load(), StaleOnError: c.staleOnError.Load(), Unchanged: c.unchanged.Load()}
	s.Fills, s.Overdue = c.fills.load()
	return s
}
