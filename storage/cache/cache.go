// Package cache keeps results by key: on disk, with one fill for all callers
// that ask for the same thing at the same time.
package cache

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"time"
)

// Status says how an entry was come by.
type Status int

const (
	Hit    Status = iota // it was there
	Filled               // this call made it
	Shared               // another call was making it already
)

func (s Status) String() string { return [...]string{"hit", "fill", "shared"}[s] }

// Config shapes a Cache. Zero fields mean the documented default.
type Config struct {
	// Disk is where entries are kept; nil keeps nothing.
	Disk *Disk
	// TTL is how long an entry is served after it was filled; 0 means for ever.
	TTL time.Duration
	// FillTimeout bounds one fill; default 30 s.
	FillTimeout time.Duration
	// Log gets the faults of the disk, which harm no request; default
	// slog.Default().
	Log *slog.Logger
}

// A Cache is safe for concurrent use.
type Cache struct {
	config Config
	fills  group
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
	return &Cache{config: c, fills: group{timeout: c.FillTimeout}}
}

// Do returns the entry of k: the kept one, or the result of fill, which is
// kept. For callers that ask for one key at the same time fill runs once, in a
// goroutine of its own, until no caller is left. An error of fill goes to all
// of them and nothing is kept; a panic becomes a [*PanicError].
func (c *Cache) Do(ctx context.Context, k Key, fill func(context.Context) (*Entry, error)) (*Entry, Status, error) {
	if e := c.get(k); e != nil {
		return e, Hit, nil
	}
	e, started, err := c.fills.do(ctx, k, func(ctx context.Context) (*Entry, error) {
		// Another fill may have ended between our look and our start.
		if e := c.get(k); e != nil {
			return e, nil
		}
		e, err := fill(ctx)
		if err == nil {
			c.put(k, e)
		}
		return e, err
	})
	status := Shared
	if started {
		status = Filled
	}
	return e, status, err
}

// get returns the kept entry of k if there is one that has not expired.
func (c *Cache) get(k Key) *Entry {
	if c.config.Disk == nil {
		return nil
	}
	e, err := c.config.Disk.Get(k)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, errDamaged) {
			c.config.Log.Warn("cache entry not readable", "error", err)
		}
		return nil
	}
	if age := time.Since(e.Filled); age < -maxAhead || (c.config.TTL > 0 && age >= c.config.TTL) {
		return nil
	}
	return e
}

func (c *Cache) put(k Key, e *Entry) {
	if c.config.Disk == nil {
		return
	}
	if err := c.config.Disk.Put(k, e); err != nil {
		c.config.Log.Warn("cache entry not written", "error", err)
	}
}
