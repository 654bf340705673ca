package cache

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// A Purge says which entries are to go: in the terms of [Key], with its source
// in those of [SourceOf]. All variants of a source go together.
type Purge struct {
	Group string // of the sources
	// Name is that of one source; with Prefix, what the names begin with: ""
	// for all of the group.
	Name   string
	Prefix bool
}

// Matches reports whether the entry of k is to go.
func (p Purge) Matches(k Key) bool { return p.matchesSource(k.Source) }

func (p Purge) matchesSource(source string) bool {
	if !p.Prefix {
		return source == p.source()
	}
	group, name, ok := splitSource(source)
	return ok && group == p.Group && strings.HasPrefix(name, p.Name)
}

// source returns the only source that p is about; p.Prefix is false.
func (p Purge) source() string { return SourceOf(p.Group, p.Name) }

// Removed counts the entries that a purge removed, by tier.
type Removed struct {
	Memory    int `json:"memory"`
	Disk      int `json:"disk"`
	Originals int `json:"originals"`
	// Shared counts objects of the bucket. Those of a purge by a prefix are not
	// counted: they stay there, and no machine takes them any more.
	Shared int `json:"shared"`
}

// Add adds what another purge removed.
func (r *Removed) Add(o Removed) {
	r.Memory += o.Memory
	r.Disk += o.Disk
	r.Originals += o.Originals
	r.Shared += o.Shared
}

// purging is the purges that are running. The zero value is ready; it is safe
// for concurrent use.
type purging struct {
	n      atomic.Uint64 // counts begins
	active atomic.Int32  // len(running)

	mu      sync.RWMutex
	running []*runningPurge // guarded by mu, with what they point to
}

type runningPurge struct {
	Purge
	memory bool // the memory tier is done
}

func (g *purging) begin(p Purge) *runningPurge {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := &runningPurge{Purge: p}
	g.running = append(g.running, r)
	g.active.Add(1)
	g.n.Add(1)
	return r
}

// memoryDone notes that what r is about has left the memory tier: what is there
// from now on was made since.
func (g *purging) memoryDone(r *runningPurge) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r.memory = true
}

func (g *purging) end(r *runningPurge) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running = slices.DeleteFunc(g.running, func(o *runningPurge) bool { return o == r })
	g.active.Add(-1)
}

// calm returns a count that the next purge changes, and whether none is running.
func (g *purging) calm() (n uint64, ok bool) {
	n = g.n.Load()
	return n, g.active.Load() == 0
}

// covers reports whether the entry of k in a tier is one that a running purge
// has yet to come to. The tier is memory, or one below.
func (g *purging) covers(k Key, memory bool) bool {
	if g.active.Load() == 0 {
		return false
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	return slices.ContainsFunc(g.running, func(r *runningPurge) bool { return !(memory && r.memory) && r.Matches(k) })
}

// Purge removes entries from every tier of this process and from the shared
// one, and tells the other machines; what is being made of them, or written,
// now is not kept. It returns when all of that is done; the error joins what
// was not.
func (c *Cache) Purge(ctx context.Context, purges ...Purge) (Removed, error) {
	var removed Removed
	var errs []error
	if c.config.Shared != nil { // first, so that nothing old comes from the bucket meanwhile
		c.config.Shared.log.ban(purges)
	}
	for _, p := range purges {
		r, err := c.purgeHere(ctx, p)
		removed.Add(r)
		errs = append(errs, err)
	}
	if c.config.Shared != nil && len(purges) > 0 {
		n, err := c.config.Shared.purge(ctx, purges)
		removed.Shared += n
		errs = append(errs, err)
	}
	return removed, errors.Join(errs...)
}

// purgeHere removes entries from the tiers of this process.
//
// What goes on meanwhile must not bring back what is removed. A fill that began
// before the purge is marked, and its result is kept nowhere. One that begins
// later finds nothing old, neither in the tiers that the purge has not come to
// nor among the originals, so its result is new.
func (c *Cache) purgeHere(ctx context.Context, p Purge) (removed Removed, err error) {
	running := c.purges.begin(p)
	defer c.purges.end(running)
	c.fills.purge(p.Matches)
	if c.config.Shared != nil {
		c.config.Shared.purgeWaiting(p)
	}
	c.brief.purge(p)
	var errs []error
	for _, t := range c.tiers {
		n, err := t.Purge(ctx, p)
		errs = append(errs, err)
		if t.hit == MemoryHit {
			removed.Memory += n
			c.purges.memoryDone(running)
		} else {
			removed.Disk += n
		}
	}
	if c.config.Originals != nil {
		removed.Originals, err = c.config.Originals.Purge(ctx, p)
		errs = append(errs, err)
	}
	return removed, errors.Join(errs...)
}
