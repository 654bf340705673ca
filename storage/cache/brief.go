package cache

import (
	"time"

	"github.com/maypok86/otter/v2"
)

// brief remembers for seconds what a fill ended with that is not kept: an error
// that will be the same for some time, so that a hopeless request does not ask
// the store again and again, or a result that is only better than none.
type brief struct {
	outcomes *otter.Cache[Key, outcome] // nil: nothing is remembered
}

type outcome struct {
	entry *Entry
	err   error
}

// briefBytes bounds what is remembered, an error counting as briefOverhead.
const (
	briefBytes    = 8 << 20
	briefOverhead = 512
)

func newBrief(ttl time.Duration) brief {
	if ttl <= 0 {
		return brief{}
	}
	return brief{otter.Must(&otter.Options[Key, outcome]{
		MaximumWeight: briefBytes,
		Weigher: func(k Key, o outcome) uint32 {
			n := briefOverhead + len(k.Source) + len(k.Variant)
			if o.entry != nil {
				n += len(o.entry.Body)
			}
			return uint32(n)
		},
		ExpiryCalculator: otter.ExpiryWriting[Key, outcome](ttl),
	})}
}

// get returns what is remembered of k, or of all of its source.
func (b brief) get(k Key) (outcome, bool) {
	if b.outcomes == nil {
		return outcome{}, false
	}
	if o, ok := b.outcomes.GetIfPresent(Key{Source: k.Source}); ok {
		return o, true
	}
	return b.outcomes.GetIfPresent(k)
}

// add remembers o: for all variants of the source if whole, else for k only.
func (b brief) add(k Key, o outcome, whole bool) {
	if b.outcomes == nil {
		return
	}
	b.outcomes.Set(about(k, whole), o)
}

// forget takes back what add remembered.
func (b brief) forget(k Key, whole bool) {
	if b.outcomes != nil {
		b.outcomes.Invalidate(about(k, whole))
	}
}

func about(k Key, whole bool) Key {
	if whole {
		k.Variant = ""
	}
	return k
}

// purge forgets what p is about.
func (b brief) purge(p Purge) {
	if b.outcomes == nil {
		return
	}
	for k := range b.outcomes.Keys() {
		if p.matchesSource(k.Source) {
			b.outcomes.Invalidate(k)
		}
	}
}

func (b brief) close() {
	if b.outcomes != nil {
		b.outcomes.StopAllGoroutines()
	}
}

// Refused is what a Cache remembers of fills whose outcome is not kept, for
// longer than the Cache lives. It is bounded to 8 MB, and safe for concurrent use.
type Refused struct{ brief }

// NewRefused returns one that remembers each outcome for ttl; 0 or less means
// that it remembers nothing. The caller must Close it after the last Cache.
func NewRefused(ttl time.Duration) *Refused { return &Refused{newBrief(ttl)} }

// Close ends its work in the background. The error is always nil.
func (r *Refused) Close() error {
	r.close()
	return nil
}
