package cache

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
)

// A Purge says which entries are to go: in the terms of [Key], with its source
// in those of [SourceOf].
type Purge struct {
	Group string // of the sources
	// Name is that of one source; with Prefix, what the names begin with: ""
	// for all of the group.
	Name    string
	Prefix  bool
	Variant string // the only one to go; "" for all variants
}

// Matches reports whether the entry of k is to go.
func (p Purge) Matches(k Key) bool {
	if p.Variant != "" && p.Variant != k.Variant {
		return false
	}
	return p.matchesSource(k.Source)
}

func (p Purge) matchesSource(source string) bool {
	if !p.Prefix {
		return source == p.source()
	}
	group, name, ok := splitSource(source)
	return ok && group == p.Group && strings.HasPrefix(name, p.Name)
}

// source returns the only source that p is about; p.Prefix is false.
func (p Purge) source() string { return SourceOf(p.Group, p.Name) }

// key returns the only key that p is about, if there is only one.
func (p Purge) key() (Key, bool) {
	return Key{Source: p.source(), Variant: p.Variant}, !p.Prefix && p.Variant != ""
}

// purgeCount tells those who move entries between tiers that a purge came in
// their way. The zero value is ready; it is safe for concurrent use.
type purgeCount struct {
	running sync.Mutex    // held during a purge
	n       atomic.Uint64 // counts begins and ends: odd during a purge
}

func (c *purgeCount) begin() {
	c.running.Lock()
	c.n.Add(1)
}

func (c *purgeCount) end() {
	c.n.Add(1)
	c.running.Unlock()
}

// Purge removes entries from every tier of this process and from the shared
// one, and tells the other machines; what is being made of them now is not
// kept. It returns when all of that is done; the error joins what was not.
func (c *Cache) Purge(ctx context.Context, purges ...Purge) error {
	var errs []error
	for _, p := range purges {
		errs = append(errs, c.purgeHere(ctx, p))
	}
	if c.config.Shared != nil && len(purges) > 0 {
		errs = append(errs, c.config.Shared.purge(ctx, purges))
	}
	return errors.Join(errs...)
}

// purgeHere removes entries from the tiers of this process.
func (c *Cache) purgeHere(ctx context.Context, p Purge) error {
	c.purges.begin()
	defer c.purges.end()
	c.fills.purge(p.Matches)
	c.brief.purge(p)
	var errs []error
	for i := len(c.tiers) - 1; i >= 0; i-- { // from below: a hit there fills the tiers above
		errs = append(errs, c.tiers[i].Purge(ctx, p))
	}
	if c.config.Originals != nil {
		errs = append(errs, c.config.Originals.Purge(ctx, p))
	}
	return errors.Join(errs...)
}
