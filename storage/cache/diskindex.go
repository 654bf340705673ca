package cache

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"unsafe"
)

// A diskIndex knows the files of a Disk and says what must go so that what they
// and their folders take stays within a bound.
//
// It is made for millions of entries: 40 bytes for each in chunks without
// pointers, which the garbage collector does not look into, and 5.3 to 10.7
// bytes in an open-addressed table of places, so at most 51 bytes an entry (a
// few chunks of 40 kB and the folders' counts of at most 264 kB aside).
//
// Eviction is CLOCK with counts: a hand goes round over the places; an entry
// that was asked for since is left for as many rounds, at most three. A new one
// has to be asked for once before the hand comes, so what is asked for only once
// does not push out what is asked for often.
//
// It is safe for concurrent use.
type diskIndex struct {
	seed maphash.Seed

	mu         sync.RWMutex
	slots      []uint32 // 1 + place, 0 for none; len is a power of two. All guarded by mu
	chunks     []*[chunkRecords]diskRecord
	free       uint32 // 1 + the first free place, 0 for none; the others by next
	n          int    // entries
	blocks     uint64 // of all entries
	folders    folderCounts
	hand       int
	bound      uint64 // bytes
	maxEntries int
	walkers    int // of each; places do not change while there are any
}

// A diskRecord is an entry, or a free place.
type diskRecord struct {
	id fileID
	// state has the blocks of the file in its low 24 bits, then the count of the
	// clock, and whether the place is in use. The count changes under a read
	// lock.
	state atomic.Uint32
	keep  uint32 // as in fileInfo; of a free place, 1 + the next free one
}

const (
	chunkRecords = 1024
	blocksMask   = 1<<24 - 1
	oneCount     = 1 << 24
	countMask    = 3 << 24
	inUse        = 1 << 31
	firstSlots   = 1024
	// mostLooked bounds how many entries the hand looks at for one that goes:
	// beyond it the one that was asked for least goes.
	mostLooked = 1024
)

// folderCounts counts the entries of each folder, in two levels.
type folderCounts struct {
	shards [256]*[257]uint32 // by the first byte of an id, then the second; last the folders in use
	used   uint64            // folders that hold something
}

// cost returns how many folders there have to be made for id.
func (f *folderCounts) cost(id fileID) uint64 {
	switch shard := f.shards[id[0]]; {
	case shard == nil || shard[256] == 0:
		return 2
	case shard[id[1]] == 0:
		return 1
	}
	return 0
}

func (f *folderCounts) add(id fileID) {
	f.used += f.cost(id)
	shard := f.shards[id[0]]
	if shard == nil {
		shard = new([257]uint32)
		f.shards[id[0]] = shard
	}
	if shard[id[1]]++; shard[id[1]] == 1 {
		shard[256]++
	}
}

func (f *folderCounts) remove(id fileID) {
	shard := f.shards[id[0]]
	if shard[id[1]]--; shard[id[1]] == 0 {
		shard[256]--
	}
	f.used -= f.cost(id)
}

// newDiskIndex returns an index of at most maxEntries entries, bounded by the
// bytes of their blocks and folders.
func newDiskIndex(bound uint64, maxEntries int) *diskIndex {
	return &diskIndex{seed: maphash.MakeSeed(), bound: bound, maxEntries: max(maxEntries, 1)}
}

func (x *diskIndex) record(place uint32) *diskRecord {
	return &x.chunks[place/chunkRecords][place%chunkRecords]
}

func (x *diskIndex) home(id *fileID) int {
	return int(maphash.Bytes(x.seed, id[:]) & uint64(len(x.slots)-1))
}

// find returns the slot of id and its record, nil if there is none; x.mu is held.
func (x *diskIndex) find(id *fileID) (slot int, r *diskRecord) {
	if len(x.slots) == 0 {
		return 0, nil
	}
	for slot = x.home(id); x.slots[slot] != 0; slot = (slot + 1) & (len(x.slots) - 1) {
		if r := x.record(x.slots[slot] - 1); r.id == *id {
			return slot, r
		}
	}
	return slot, nil
}

func (r *diskRecord) blocks() uint64 { return uint64(r.state.Load() & blocksMask) }

func (r *diskRecord) info() fileInfo {
	return fileInfo{size: uint32(r.blocks() * blockBytes), keep: r.keep}
}

// get returns what is known of id and counts that it was asked for.
func (x *diskIndex) get(id fileID) (fileInfo, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	_, r := x.find(&id)
	if r == nil {
		return fileInfo{}, false
	}
	for {
		old := r.state.Load()
		if old&countMask == countMask || r.state.CompareAndSwap(old, old+oneCount) {
			return r.info(), true
		}
	}
}

// peek is get without counting.
func (x *diskIndex) peek(id fileID) (fileInfo, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	_, r := x.find(&id)
	if r == nil {
		return fileInfo{}, false
	}
	return r.info(), true
}

func (x *diskIndex) has(id fileID) bool {
	_, ok := x.peek(id)
	return ok
}

// add puts id in, or changes what is known of it, and returns what has to go for
// it: id itself if it does not fit.
func (x *diskIndex) add(id fileID, info fileInfo) (evicted []fileID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	blocks := uint64(info.size) / blockBytes
	count := uint32(0)
	if _, r := x.find(&id); r != nil { // room is made as for a new one, and its count stays
		count = r.state.Load() & countMask
		x.delete(&id)
	}
	for x.n > 0 && (x.weighs(blocks+x.folders.cost(id)) > x.bound || x.n >= x.maxEntries) {
		evicted = append(evicted, x.evict())
	}
	if x.weighs(blocks+x.folders.cost(id)) > x.bound {
		return append(evicted, id)
	}
	x.insert(&id, uint32(blocks)&blocksMask|count, info.keep)
	return evicted
}

// weighs returns what all takes on disk, with so many blocks more, in bytes;
// x.mu is held.
func (x *diskIndex) weighs(more uint64) uint64 {
	return (x.blocks + x.folders.used + more) * blockBytes
}

// insert adds a record of an id that is not there; x.mu is held.
func (x *diskIndex) insert(id *fileID, state, keep uint32) {
	if (x.n+1)*4 > len(x.slots)*3 {
		x.grow(max(2*len(x.slots), firstSlots))
	}
	if x.free == 0 {
		x.addChunk()
	}
	place := x.free - 1
	r := x.record(place)
	x.free = r.keep
	r.id, r.keep = *id, keep
	r.state.Store(state | inUse)
	slot, _ := x.find(id)
	x.slots[slot] = place + 1
	x.n++
	x.blocks += r.blocks()
	x.folders.add(*id)
}

func (x *diskIndex) addChunk() {
	first := uint32(len(x.chunks) * chunkRecords)
	chunk := new([chunkRecords]diskRecord)
	for i := range chunk[:chunkRecords-1] {
		chunk[i].keep = first + uint32(i) + 2
	}
	x.chunks = append(x.chunks, chunk)
	x.free = first + 1
}

// grow gives all entries slots in a table of that size.
func (x *diskIndex) grow(size int) {
	x.slots = make([]uint32, size)
	for i, chunk := range x.chunks {
		for j := range chunk {
			if r := &chunk[j]; r.state.Load()&inUse != 0 {
				slot, _ := x.find(&r.id)
				x.slots[slot] = uint32(i*chunkRecords+j) + 1
			}
		}
	}
}

// delete takes id out and reports whether it was there; x.mu is held.
func (x *diskIndex) delete(id *fileID) bool {
	slot, r := x.find(id)
	if r == nil {
		return false
	}
	x.n--
	x.blocks -= r.blocks()
	x.folders.remove(r.id)
	place := x.slots[slot] - 1
	r.state.Store(0)
	r.keep, x.free = x.free, place+1
	// What stands behind it and would not be found over a gap moves up.
	mask := len(x.slots) - 1
	for next := (slot + 1) & mask; x.slots[next] != 0; next = (next + 1) & mask {
		home := x.home(&x.record(x.slots[next] - 1).id)
		if (next-home)&mask >= (next-slot)&mask {
			x.slots[slot] = x.slots[next]
			slot = next
		}
	}
	x.slots[slot] = 0
	return true
}

// evict takes out the entry that the clock says, of those that are there; x.mu
// is held.
func (x *diskIndex) evict() fileID {
	var least *diskRecord
	for looked := 0; ; {
		r := x.record(uint32(x.hand))
		x.hand = (x.hand + 1) % (len(x.chunks) * chunkRecords)
		state := r.state.Load()
		if state&inUse == 0 {
			continue
		}
		if least == nil || state&countMask < least.state.Load()&countMask {
			least = r
		}
		if looked++; state&countMask == 0 || looked == mostLooked {
			break
		}
		r.state.Store(state - oneCount)
	}
	id := least.id
	x.delete(&id)
	return id
}

func (x *diskIndex) remove(id fileID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.delete(&id)
}

// setBound changes the bound and returns what has to go.
func (x *diskIndex) setBound(bound uint64) (evicted []fileID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.bound = bound
	for x.n > 0 && x.weighs(0) > x.bound {
		evicted = append(evicted, x.evict())
	}
	return evicted
}

// each calls yield with every entry that is there from the beginning to the end,
// and with some of those that come or go meanwhile, until it returns false. It
// may change the index.
func (x *diskIndex) each(yield func(fileID) bool) {
	x.mu.Lock()
	x.walkers++
	x.mu.Unlock()
	defer func() {
		x.mu.Lock()
		x.walkers--
		x.mu.Unlock()
	}()
	ids := make([]fileID, 0, chunkRecords)
	for i := 0; ; i++ {
		ids = ids[:0]
		x.mu.RLock()
		if i >= len(x.chunks) {
			x.mu.RUnlock()
			return
		}
		for j := range x.chunks[i] {
			if r := &x.chunks[i][j]; r.state.Load()&inUse != 0 {
				ids = append(ids, r.id)
			}
		}
		x.mu.RUnlock()
		for _, id := range ids {
			if !yield(id) {
				return
			}
		}
	}
}

// compact gives back memory when three quarters of the places are free.
func (x *diskIndex) compact() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.walkers > 0 || 4*x.n > len(x.chunks)*chunkRecords || len(x.chunks) <= 1 {
		return
	}
	old := x.chunks
	x.slots, x.chunks, x.free, x.hand = nil, nil, 0, 0
	x.n, x.blocks, x.folders = 0, 0, folderCounts{}
	for _, chunk := range old {
		for j := range chunk {
			if r := &chunk[j]; r.state.Load()&inUse != 0 {
				x.insert(&r.id, r.state.Load(), r.keep)
			}
		}
	}
}

// folderEmpty reports whether no entry lies in the folder of id, and none in the
// one above it.
func (x *diskIndex) folderEmpty(id fileID) (lower, upper bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	cost := x.folders.cost(id)
	return cost > 0, cost > 1
}

// weight returns what entries and folders take on disk, in bytes.
func (x *diskIndex) weight() uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.weighs(0)
}

func (x *diskIndex) len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.n
}

// memory returns what the index itself takes, in bytes.
func (x *diskIndex) memory() int64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	bytes := int64(len(x.chunks))*int64(unsafe.Sizeof([chunkRecords]diskRecord{})+unsafe.Sizeof((*diskRecord)(nil))) + int64(len(x.slots))*4
	for _, shard := range x.folders.shards {
		if shard != nil {
			bytes += int64(unsafe.Sizeof(*shard))
		}
	}
	return bytes
}
