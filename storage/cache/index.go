package cache

import (
	"sync"

	"github.com/maypok86/otter/v2"
)

// An index knows what a tier holds and says what must go so that the weights
// stay within a bound. Eviction is W-TinyLFU: an entry that is asked for once
// does not push out one that is asked for often.
//
// get and has are safe for concurrent use. The owner of an index makes all
// other calls under one lock of its own, and after each of them takes what was
// evicted: nothing runs in the background.
type index[K comparable, V any] struct {
	entries *otter.Cache[K, V]

	mu      sync.Mutex
	evicted []K // guarded by mu; gone from entries, not yet taken
}

// newIndex returns an index bounded by the sum of weigh over its entries.
func newIndex[K comparable, V any](bound uint64, weigh func(K, V) uint32) *index[K, V] {
	x := &index[K, V]{}
	x.entries = otter.Must(&otter.Options[K, V]{
		MaximumWeight: max(bound, 1),
		Weigher:       weigh,
		Executor:      func(f func()) { f() },
		OnDeletion: func(e otter.DeletionEvent[K, V]) {
			if e.Cause != otter.CauseOverflow {
				return
			}
			x.mu.Lock()
			x.evicted = append(x.evicted, e.Key)
			x.mu.Unlock()
		},
	})
	return x
}

// get returns the value of k and counts that it was asked for.
func (x *index[K, V]) get(k K) (V, bool) { return x.entries.GetIfPresent(k) }

// peek is get without counting.
func (x *index[K, V]) peek(k K) (V, bool) {
	e, ok := x.entries.GetEntryQuietly(k)
	return e.Value, ok
}

func (x *index[K, V]) has(k K) bool {
	_, ok := x.peek(k)
	return ok
}

// add puts k in, or changes its value. k itself may be among the evicted.
func (x *index[K, V]) add(k K, v V) {
	x.entries.Set(k, v)
	x.entries.CleanUp() // Set leaves the eviction to a reader that is just doing it
}

func (x *index[K, V]) remove(k K) { x.entries.Invalidate(k) }

func (x *index[K, V]) weight() uint64 { return x.entries.WeightedSize() }

func (x *index[K, V]) len() int { return x.entries.EstimatedSize() }

// takeEvicted returns the keys evicted since the last call. One of them may
// have been added again since.
func (x *index[K, V]) takeEvicted() []K {
	x.mu.Lock()
	defer x.mu.Unlock()
	keys := x.evicted
	x.evicted = nil
	return keys
}
