package server

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

const (
	// idleLook is how often it is looked whether memory can be given back.
	idleLook = 10 * time.Second
	// idleLooks is how many looks there are between two times that it is, when
	// pictures come one by one and never stop.
	idleLooks = 6
)

// idleMemory gives memory back to the system when the work is done: the
// collector keeps for two minutes and more what a load has taken, since it may come
// again. It belongs to one goroutine.
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
func (m *idleMemory) run(ctx context.Context) {
	ticker := time.NewTicker(idleLook)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			m.look()
		}
	}
}

// freeMemory collects what nobody needs, also what pools have kept since the
// collection before, and gives it back.
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
