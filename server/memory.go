package server

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

const (
	// idleLook is how often the server checks whether memory can be returned to the
	// system.
	idleLook = 10 * time.Second
	// idleLooks is after how many checks memory is returned although pictures are made now
	// and then.
	idleLooks = 6
)

// idleMemory returns memory to the system when the work is done: Go's collector keeps it
// for two minutes and more. It belongs to one goroutine.
type idleMemory struct {
	made    func() uint64 // pictures so far
	busy    func() bool   // one is being made
	release func()

	lastMade uint64 // made, at the last look
	released uint64 // made, when memory was given back last
	looks    int    // since then
}

// look gives memory back if pictures were made since the last time, none is
// being made, and none was since the last look or the last time is long ago.
func (m *idleMemory) look() {
	made, busy := m.made(), m.busy()
	quiet := made == m.lastMade
	m.lastMade = made
	m.looks++
	if busy || made == m.released || !quiet && m.looks < idleLooks {
		return
	}
	m.release()
	m.released, m.looks = made, 0
}

// run looks until ctx ends.
func (m *idleMemory) run(ctx context.Context) { every(ctx, idleLook, m.look) }

// every calls f after each interval, until ctx ends.
func every(ctx context.Context, interval time.Duration, f func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			f()
		}
	}
}

// freeMemory collects garbage, also in pools (which takes two collections), and returns it
// to the system.
func freeMemory() {
	runtime.GC()
	debug.FreeOSMemory()
}

// idleMemory returns what gives memory back while the service is idle.
func (v *service) idleMemory() *idleMemory {
	return &idleMemory{
		made: v.options.reused.made.Load,
		busy: func() (busy bool) {
			v.with(func(s *Server) {
				busy = s.budgets.pictures.Load().Working+s.budgets.errors.Load().Working > 0
			})
			return busy
		},
		release: v.release,
	}
}
