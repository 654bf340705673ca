// Package cache keeps results by key: in memory and on disk, both bounded, with
// one fill for all callers that ask for the same thing at the same time.
package cache

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Status says how an entry was come by.
type Status int

const (
	MemoryHit Status = iota // it was in memory
	DiskHit                 // it was on disk
	Filled                  // this call made it
	Shared                  // another call was making it already
)

func (s Status) String() string { return [...]string{"memory", "disk", "fill", "shared"}[s] }

// Hit reports whether the entry was in some tier.
func (s Status) Hit() bool { return s == MemoryHit || s == DiskHit }

// Config shapes a Cache. Zero fields mean the documented default.
type Config struct {
	// Memory and Disk are where entries are kept, looked at in this order; nil
	// keeps nothing there. Several caches may share them: the one who opened
	// them closes them.
	Memory *Memory
	Disk   *Disk
	// TTL is how long an entry is served after it was filled; 0 means for ever.
	TTL time.Duration
	// Grace is how long an entry is kept after TTL, for those who prefer an old
	// result to none; Do does not serve it. An entry written under another
	// configuration is kept as long as that one said.
	Grace time.Duration
	// FillTimeout bounds one fill; default 30 s.
	FillTimeout time.Duration
	// Log gets the faults of the disk, which harm no request; default
	// slog.Default().
	Log *slog.Logger
}

// A tier keeps entries. Get's error wraps fs.ErrNotExist if there is none; to
// delete what is not there is no error. All methods are safe for concurrent use.
type tier interface {
	Get(Key) (*Entry, error)
	Put(Key, *Entry) error
	Delete(Key) error
	DeleteSource(source string) error
}

var (
	_ tier = (*Memory)(nil)
	_ tier = (*Disk)(nil)
)

// A Cache is safe for concurrent use.
type Cache struct {
	config Config
	tiers  []leveled // fastest first
	fills  group

	purging sync.Mutex // held during a purge
	// purges counts the begins and ends of purges: odd during one.
	purges atomic.Uint64
}

type leveled struct {
	tier
	hit Status
}

const (
	defaultFillTimeout = 30 * time.Second
	// maxAhead is how far in the future an entry may have been filled: clocks
	// of machines that share a folder differ a little. Beyond it, it has expired.
	maxAhead = 5 * time.Minute
)

// New returns a Cache.
func New(c Config) *Cache {
	if c.FillTimeout <= 0 {
		c.FillTimeout = defaultFillTimeout
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	cache := &Cache{config: c, fills: group{timeout: c.FillTimeout}}
	if c.Memory != nil {
		cache.tiers = append(cache.tiers, leveled{c.Memory, MemoryHit})
	}
	if c.Disk != nil {
		cache.tiers = append(cache.tiers, leveled{c.Disk, DiskHit})
	}
	return cache
}

// Do returns the entry of k: the kept one, or the result of fill, which is
// kept. For callers that ask for one key at the same time fill runs once, in a
// goroutine of its own, until no caller is left. An error of fill goes to all
// of them and nothing is kept; a panic becomes a [*PanicError].
func (c *Cache) Do(ctx context.Context, k Key, fill func(context.Context) (*Entry, error)) (*Entry, Status, error) {
	if e, hit := c.get(k); e != nil {
		return e, hit, nil
	}
	return c.fill(ctx, k, fill)
}

func (c *Cache) fill(ctx context.Context, k Key, fill func(context.Context) (*Entry, error)) (*Entry, Status, error) {
	e, started, err := c.fills.do(ctx, k, func(ctx context.Context, f *flight) (*Entry, error) {
		// Another fill may have ended between our look and our start.
		if e, _ := c.get(k); e != nil {
			return e, nil
		}
		e, err := fill(ctx)
		if err == nil {
			e = c.stamp(e)
			c.keep(k, e, f)
		}
		return e, err
	})
	status := Shared
	if started {
		status = Filled
	}
	return e, status, err
}

// Delete removes the entry of k from every tier, and what is being made for it
// now is not kept.
func (c *Cache) Delete(k Key) error {
	return c.purge(func(other Key) bool { return other == k }, func(t tier) error { return t.Delete(k) })
}

// DeleteSource removes all variants of source from every tier, and what is
// being made of it now is not kept.
func (c *Cache) DeleteSource(source string) error {
	return c.purge(func(k Key) bool { return k.Source == source }, func(t tier) error { return t.DeleteSource(source) })
}

func (c *Cache) purge(match func(Key) bool, remove func(tier) error) error {
	c.purging.Lock()
	defer c.purging.Unlock()
	c.purges.Add(1)
	defer c.purges.Add(1)
	c.fills.purge(match)
	var errs []error
	for i := len(c.tiers) - 1; i >= 0; i-- { // from below: a hit there fills the tiers above
		errs = append(errs, remove(c.tiers[i].tier))
	}
	return errors.Join(errs...)
}

// get returns the kept entry of k if there is one that has not expired. The
// tiers above the one that had it get it too.
func (c *Cache) get(k Key) (*Entry, Status) {
	purges := c.purges.Load()
	for i, t := range c.tiers {
		e, err := t.Get(k)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, errDamaged) {
				c.config.Log.Warn("cache entry not readable", "error", err)
			}
			continue
		}
		if !c.fresh(e) {
			continue // a tier below may have what another process filled
		}
		c.raise(k, e, c.tiers[:i], purges)
		return e, t.hit
	}
	return nil, Filled
}

// raise puts e, read when purges had the value given, into upper tiers. What a
// purge may have removed below meanwhile must not stay above.
func (c *Cache) raise(k Key, e *Entry, upper []leveled, purges uint64) {
	if purges%2 != 0 {
		return
	}
	for _, t := range upper {
		c.put(t, k, e)
		if c.purges.Load() != purges {
			_ = t.Delete(k) // only memory is above another tier, and has no faults
		}
	}
}

// fresh reports whether e may be served.
func (c *Cache) fresh(e *Entry) bool {
	age := time.Since(e.Filled)
	return age >= -maxAhead && (c.config.TTL <= 0 || age < c.config.TTL)
}

// stamp returns e with the time until which it is kept.
func (c *Cache) stamp(e *Entry) *Entry {
	stamped := *e
	stamped.KeepUntil = time.Time{}
	if c.config.TTL > 0 {
		stamped.KeepUntil = e.Filled.Add(c.config.TTL + max(c.config.Grace, 0))
	}
	return &stamped
}

// keep puts the result of f into every tier, unless a purge came meanwhile.
func (c *Cache) keep(k Key, e *Entry, f *flight) {
	if f.purged.Load() {
		return
	}
	for _, t := range c.tiers {
		c.put(t, k, e)
	}
	if !f.purged.Load() {
		return
	}
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
