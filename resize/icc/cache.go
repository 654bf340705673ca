package icc

import (
	"crypto/sha256"
	"sync"
)

const (
	cacheEntries = 64
	cacheBytes   = 16 << 20
)

// transforms keeps what was made of profiles, by their hash. Most pictures have one
// of a handful, and a grid is worth most when pixels of other pictures have worked it
// out. It is safe for concurrent use.
type transforms struct {
	mu    sync.Mutex
	m     map[[sha256.Size]byte]*Transform
	bytes int
}

var cached transforms

// Cached is [New], and returns the same Transform for a profile that it was given
// lately. It returns nil for one that is of no use.
func Cached(profile []byte) *Transform { return cached.get(profile) }

func (c *transforms) get(profile []byte) *Transform {
	if len(profile) > MaxBytes {
		return nil
	}
	key := sha256.Sum256(profile)
	c.mu.Lock()
	t, ok := c.m[key]
	c.mu.Unlock()
	if ok {
		return t
	}
	t, err := New(profile)
	if err != nil {
		t = nil // it is as useless the next time
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if had, ok := c.m[key]; ok {
		return had
	}
	if c.m == nil {
		c.m = map[[sha256.Size]byte]*Transform{}
	}
	// Any entry may go: there are far fewer profiles in use than places.
	n := t.size()
	for old, t := range c.m {
		if len(c.m) < cacheEntries && c.bytes+n <= cacheBytes {
			break
		}
		delete(c.m, old)
		c.bytes -= t.size()
	}
	c.m[key] = t
	c.bytes += n
	return t
}

// size returns about how many bytes t takes.
func (t *Transform) size() int {
	n := 256
	switch {
	case t == nil:
	case t.sums != nil:
		n += curveSteps + 3*256*8
	case t.baked != nil:
		n += 8*len(t.baked.points) + t.baked.source.lut.size()
	case t.slow != nil:
		n += t.slow.lut.size()
	}
	return n
}

// size returns about how many bytes a table takes.
func (t *table) size() int {
	n := 6 * 4096 * 8
	if t.grid != nil {
		n += 4 * len(t.grid.values)
	}
	return n
}
