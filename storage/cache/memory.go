package cache

import (
	"context"
	"io/fs"
	"math"
	"sync"
	"sync/atomic"
)

// Memory keeps entries in the memory of the process, bounded in bytes. It is
// safe for concurrent use. Use [NewMemory].
type Memory struct {
	entries  *index[Key, *Entry]
	maxEntry int64
	evicted  atomic.Uint64

	mu sync.Mutex
	// sources holds the variants of each source; guarded by mu. It names at
	// least all of entries, and at most those evicted since the last write.
	sources map[string]map[string]struct{}
}

// MemoryStats is what a Memory tells of itself.
type MemoryStats struct {
	Entries int
	Bytes   int64 // bodies, keys and what it costs to keep them
	Evicted uint64
}

const (
	// memoryOverhead is about what an entry costs beside its body and key: the
	// Entry with its texts, the node of the index, the place among its source's
	// variants.
	memoryOverhead = 1024
	// maxShare is the part of a tier that one entry may take: 1/maxShare.
	maxShare = 8
)

// NewMemory returns a memory tier of at most maxBytes: bodies, keys and about
// 1024 bytes for each entry. An entry above an eighth of it is not kept.
func NewMemory(maxBytes int64) *Memory {
	return &Memory{
		entries:  newIndex(uint64(max(maxBytes, 1)), func(k Key, e *Entry) uint32 { return uint32(memoryCost(k, e)) }),
		maxEntry: min(maxBytes/maxShare, math.MaxUint32),
		sources:  map[string]map[string]struct{}{},
	}
}

// memoryCost returns what it costs to keep e, in bytes. A body counts with the
// whole array it lies in.
func memoryCost(k Key, e *Entry) int64 {
	return int64(cap(e.Body)) + int64(len(k.Source)+len(k.Variant)) + memoryOverhead
}

// Get returns the entry of k, or [fs.ErrNotExist].
func (m *Memory) Get(k Key) (*Entry, error) {
	if e, ok := m.entries.get(k); ok {
		return e, nil
	}
	return nil, fs.ErrNotExist
}

// Put keeps e as the entry of k, in place of an older one; one that is too
// large to be kept only removes the older one. The error is always nil.
func (m *Memory) Put(k Key, e *Entry) error {
	if memoryCost(k, e) > m.maxEntry {
		return m.Delete(k)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	variants := m.sources[k.Source]
	if variants == nil {
		variants = map[string]struct{}{}
		m.sources[k.Source] = variants
	}
	variants[k.Variant] = struct{}{}
	m.entries.add(k, e)
	for _, gone := range m.entries.takeEvicted() {
		m.evicted.Add(1)
		if !m.entries.has(gone) {
			m.unlink(gone)
		}
	}
	return nil
}

// Delete removes the entry of k if there is one. The error is always nil.
func (m *Memory) Delete(k Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries.remove(k)
	m.unlink(k)
	return nil
}

// Purge removes what p matches, and returns how many entries that was. The
// error is always nil.
func (m *Memory) Purge(_ context.Context, p Purge) (removed int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !p.Prefix {
		return m.purgeSource(p.source()), nil
	}
	for source := range m.sources {
		if p.matchesSource(source) {
			removed += m.purgeSource(source)
		}
	}
	return removed, nil
}

// purgeSource removes the variants of source; the caller holds m.mu.
func (m *Memory) purgeSource(source string) (removed int) {
	for v := range m.sources[source] {
		k := Key{Source: source, Variant: v}
		if m.entries.has(k) {
			removed++
		}
		m.entries.remove(k)
		m.unlink(k)
	}
	return removed
}

// eachVariant calls yield with the variants of source.
func (m *Memory) eachVariant(source string, yield func(variant string)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for v := range m.sources[source] {
		yield(v)
	}
}

// Stats returns a snapshot.
func (m *Memory) Stats() MemoryStats {
	return MemoryStats{Entries: m.entries.len(), Bytes: int64(m.entries.weight()), Evicted: m.evicted.Load()}
}

// unlink takes k from the variants of its source; the caller holds m.mu.
func (m *Memory) unlink(k Key) {
	variants := m.sources[k.Source]
	delete(variants, k.Variant)
	if len(variants) == 0 {
		delete(m.sources, k.Source)
	}
}
