package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// leastHeap is how large the heap may grow while no pictures are made before garbage
// is collected, in bytes.
const leastHeap = 64 << 20

// tuneRuntime returns what sets Go's runtime as the server begins to make pictures
// and ends it: server.Options.Busy. It is set for the latter.
//
// While pictures take all processors there are some more threads than those: what is
// in the cache is answered by the others, and the kernel shares the time among them
// sooner than Go's scheduler does. Without pictures more threads than processors
// only disturb each other.
//
// Without pictures the heap is small and only hits make garbage: it may grow to
// leastHeap before it is collected, or else that would be done ten times a second. While
// they are made memory is short, and the heap grows as Go's own default has it.
//
// GOMAXPROCS and GOGC in the environment win.
func tuneRuntime() func(busy bool) {
	processors := runtime.GOMAXPROCS(0)
	var floor heapFloor
	if os.Getenv("GOGC") == "" {
		floor.set(leastHeap)
		afterCollections(floor.adjust)
	}
	return func(busy bool) {
		if os.Getenv("GOMAXPROCS") == "" {
			if busy {
				runtime.GOMAXPROCS(2*processors + 2)
			} else {
				runtime.GOMAXPROCS(processors)
			}
		}
		if os.Getenv("GOGC") == "" {
			if busy {
				floor.set(0)
			} else {
				floor.set(leastHeap)
			}
		}
	}
}

// A heapFloor is how large the heap may grow before garbage is collected, also when
// little of it is in use.
type heapFloor struct {
	mu      sync.Mutex
	bytes   uint64 // guarded by mu; 0: none
	percent int    // GOGC as it was set last; guarded by mu
}

// set changes the floor.
func (f *heapFloor) set(bytes uint64) {
	f.mu.Lock()
	f.bytes = bytes
	f.mu.Unlock()
	f.adjust()
}

// adjust sets GOGC for what is in use now.
func (f *heapFloor) adjust() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	f.mu.Lock()
	defer f.mu.Unlock()
	if p := growthTo(f.bytes, live[0].Value.Uint64()); p != f.percent {
		f.percent = p
		debug.SetGCPercent(p)
	}
}

// growthTo returns GOGC for a heap of which live bytes are in use, so that it is
// collected at floor bytes or at twice those in use. It is one of few numbers: to
// change it stops the world.
func growthTo(floor, live uint64) int {
	const least, most, step = 100, 800, 50
	if floor == 0 {
		return least
	}
	percent := most
	if live > 0 {
		percent = int(min(floor*100/live, 100+most)) - 100
	}
	return min(max(percent/step*step, least), most)
}

// afterCollections calls f after each collection of garbage, in a goroutine of the
// runtime.
func afterCollections(f func()) {
	type garbage struct{ _ [64]byte }
	runtime.AddCleanup(new(garbage), func(f func()) {
		f()
		afterCollections(f)
	}, f)
}
