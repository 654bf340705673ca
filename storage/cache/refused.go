package cache

import (
	"time"

	"github.com/maypok86/otter/v2"
)

// refused remembers for seconds what could not be made, so that the same
// hopeless request does not ask the store again and again.
type refused struct {
	errors *otter.Cache[Key, error] // nil: nothing is remembered
}

// maxRefused bounds what is remembered.
const maxRefused = 16 << 10

func newRefused(ttl time.Duration) refused {
	if ttl <= 0 {
		return refused{}
	}
	return refused{otter.Must(&otter.Options[Key, error]{
		MaximumSize:      maxRefused,
		ExpiryCalculator: otter.ExpiryWriting[Key, error](ttl),
	})}
}

// get returns the error that k, or everything of its source, is refused with;
// nil if it is not.
func (r refused) get(k Key) error {
	if r.errors == nil {
		return nil
	}
	if err, ok := r.errors.GetIfPresent(Key{Source: k.Source}); ok {
		return err
	}
	err, _ := r.errors.GetIfPresent(k)
	return err
}

// add remembers err: for all variants of the source if whole, else for k only.
func (r refused) add(k Key, err error, whole bool) {
	if r.errors == nil {
		return
	}
	if whole {
		k.Variant = ""
	}
	r.errors.Set(k, err)
}

// purge forgets what p is about.
func (r refused) purge(p Purge) {
	if r.errors == nil {
		return
	}
	for k := range r.errors.Keys() {
		if p.matchesSource(k.Source) {
			r.errors.Invalidate(k)
		}
	}
}

func (r refused) close() {
	if r.errors != nil {
		r.errors.StopAllGoroutines()
	}
}
