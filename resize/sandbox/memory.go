package sandbox

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"sync"

	"github.com/tetratelabs/wazero/experimental"
)

// maxMemory is the size of the address space of an instance.
const maxMemory = 1<<32 - 1<<16

// memory is the linear memory of one instance. It implements the allocator of
// wazero, for one module, and what that allocates.
type memory struct {
	ctx  context.Context
	room Room
	size uint64 // that the instance knows of

	pages pages // backing; nil: none yet
	asked int64 // bytes granted by room.More
	held  int64 // bytes that the heap's limit was lowered by
	err   error // why it did not grow
}

// askStep is how much more memory is asked for at the least.
const askStep = 4 << 20

func (m *memory) Allocate(_, most uint64) experimental.LinearMemory {
	m.room.Most = min(max(m.room.Most, m.room.Bytes), int64(min(most, maxMemory)))
	return m
}

// Reallocate makes the memory n bytes long; nil: it may not grow that far. It
// never shrinks.
func (m *memory) Reallocate(n uint64) []byte {
	if m.pages == nil {
		p, err := reserve(max(m.room.Most, int64(n)))
		if err != nil {
			m.err = fmt.Errorf("%w: %w", ErrMemory, err)
			return nil
		}
		m.pages = p
		m.hold(m.room.Bytes)
	}
	if m.err == nil {
		m.err = m.ctx.Err()
	}
	if m.err == nil {
		m.err = m.admit(int64(n))
	}
	if m.err != nil {
		return nil
	}
	b, err := m.pages.commit(int64(n))
	if err != nil {
		m.err = fmt.Errorf("%w: %w", ErrMemory, err)
		return nil
	}
	m.size = n
	return b
}

// admit asks for what n bytes are beyond of what may be taken.
func (m *memory) admit(n int64) error {
	more := n - m.room.Bytes - m.asked
	switch {
	case more <= 0:
		return nil
	case n > m.room.Most:
		return fmt.Errorf("%w: more than %d MB", ErrMemory, m.room.Most>>20)
	}
	more = min(max(more, askStep, n/16), m.room.Most-m.room.Bytes-m.asked)
	if m.room.More != nil {
		if err := m.room.More(more); err != nil {
			return err
		}
	}
	m.asked += more
	m.hold(more)
	return nil
}

// Free gives the memory back to the system. It may be called twice.
func (m *memory) Free() {
	if m.pages != nil {
		m.pages.free()
		m.pages = nil
	}
	m.hold(-m.held)
}

// blame returns why a run failed whose codec said err: most codecs cannot tell
// that they got no memory.
func (m *memory) blame(err error) error {
	switch {
	case err == nil:
		return nil
	case m.err != nil:
		return m.err
	}
	return err
}

// hold counts n bytes of memory against the limit of Go's heap, which knows
// nothing of them (runtime/debug.SetMemoryLimit).
func (m *memory) hold(n int64) {
	if n == 0 || !outsideHeap {
		return
	}
	heapLimit.Lock()
	defer heapLimit.Unlock()
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 || m.held != 0 {
		n = min(n, limit)
		m.held += n
		debug.SetMemoryLimit(limit - n)
	}
}

var heapLimit sync.Mutex

// pages are memory that begins with zeros.
type pages interface {
	// commit makes the first n bytes usable and returns them.
	commit(n int64) ([]byte, error)
	free()
}

// heapPages are pages of Go's heap.
type heapPages []byte

func (p *heapPages) commit(n int64) ([]byte, error) {
	if n > int64(cap(*p)) {
		grown := make([]byte, n, n+n/8)
		copy(grown, *p)
		*p = grown
	}
	*p = (*p)[:n]
	return *p, nil
}

func (p *heapPages) free() { *p = nil }
