package cache

import (
	"hash/maphash"
	"time"
)

// A freshness says what may be done with a kept entry.
type freshness int

const (
	dead  freshness = iota // nothing
	stale                  // it may be served if there is nothing better
	aging                  // it may be served while the source is asked
	fresh                  // it may be served
)

const (
	// maxAhead is how far in the future an entry may have been filled: clocks
	// of machines that share a folder differ a little. Beyond it, it is dead.
	maxAhead = 5 * time.Minute
	// jitterPart of its lifetime, at most, an entry is asked for early where
	// nobody has to wait for it, so that those that were filled together are not
	// all refilled together.
	jitterPart = 20
)

// state tells what may be done with e, which may be nil.
func (c *Cache) state(k Key, e *Entry) freshness {
	if e == nil {
		return dead
	}
	age := time.Since(e.checked())
	lifetime := c.lifetime()
	switch {
	case age < -maxAhead:
		return dead
	case lifetime == 0 || age < lifetime-c.jitter(k, lifetime):
		return fresh
	case age < lifetime+c.config.StaleWhileRevalidate:
		return aging
	case c.config.TTL == 0 || age < c.config.TTL+c.config.Grace:
		return stale
	}
	return dead
}

// Servable reports whether e, which may be nil, may be served as the entry of k
// when there is nothing better.
func (c *Cache) Servable(k Key, e *Entry) bool { return c.state(k, e) != dead }

// lifetime returns how long an entry is fresh; 0 means for ever.
func (c *Cache) lifetime() time.Duration {
	d := max(c.config.TTL, 0)
	if r := c.config.Revalidate; r > 0 && (d == 0 || r < d) {
		d = r
	}
	return d
}

// jitter returns how much earlier than its lifetime ends the entry of k is asked
// for.
func (c *Cache) jitter(k Key, lifetime time.Duration) time.Duration {
	most := uint64(lifetime / jitterPart)
	if c.config.StaleWhileRevalidate <= 0 || most == 0 {
		return 0
	}
	return time.Duration(maphash.String(c.seed, k.Source+k.Variant) % most)
}

// stamp returns e as the result of a fill that began at that time.
func (c *Cache) stamp(e *Entry, began time.Time) *Entry {
	stamped := *e
	stamped.Checked = began
	stamped.KeepUntil = time.Time{}
	if c.config.TTL > 0 {
		stamped.KeepUntil = began.Add(c.config.TTL + max(c.config.Grace, c.config.StaleWhileRevalidate, 0))
	}
	return &stamped
}
