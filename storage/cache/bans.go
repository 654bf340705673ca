package cache

import "time"

// bans say which entries of a [Shared] are older than a purge. The owner locks
// them.
type bans struct {
	sources  map[string]time.Time // by Key.Source
	prefixes map[Purge]time.Time
	// floor stands for purges of prefixes that are too many to be remembered:
	// all that is older may have been purged.
	floor time.Time
}

const (
	// banNamesFor is for how long a purge of one source is looked at: longer
	// than the making of anything that was begun before it. Its objects are
	// removed from the bucket as well.
	banNamesFor = time.Hour
	// storeTick is the resolution of a store's times.
	storeTick = time.Second
)

func newBans() bans {
	return bans{sources: map[string]time.Time{}, prefixes: map[Purge]time.Time{}}
}

// add bans what p is about and is older than at, if that is later than what is
// known of the same p.
func (b *bans) add(p Purge, at time.Time) {
	if p.Prefix {
		b.prefixes[p] = later(b.prefixes[p], at)
	} else {
		b.sources[p.source()] = later(b.sources[p.source()], at)
	}
}

// set bans what p is about and is older than at, whatever is known of it.
func (b *bans) set(p Purge, at time.Time) {
	if p.Prefix {
		b.prefixes[p] = at
	} else {
		b.sources[p.source()] = at
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// covers reports whether the entry of k, made of a source that was read at that
// time by the store's clock, is banned.
func (b *bans) covers(k Key, read time.Time) bool {
	older := func(at time.Time) bool { return !read.After(at.Add(storeTick)) }
	if at, ok := b.sources[k.Source]; ok && older(at) || !b.floor.IsZero() && older(b.floor) {
		return true
	}
	for p, at := range b.prefixes {
		if older(at) && p.Matches(k) {
			return true
		}
	}
	return false
}

// forget drops the bans of names before one time, the others before another;
// zero drops none.
func (b *bans) forget(names, prefixes time.Time) {
	forgetBefore(b.sources, names)
	forgetBefore(b.prefixes, prefixes)
}

func forgetBefore[K comparable](m map[K]time.Time, end time.Time) {
	for k, at := range m {
		if at.Before(end) {
			delete(m, k)
		}
	}
}

func (b *bans) len() int { return len(b.sources) + len(b.prefixes) }
