package server

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"s3imageserver/server/access"
	"s3imageserver/server/metrics"
	"s3imageserver/storage/cache"
)

// reused holds what survives a reload of the configuration: the metrics, and what Servers
// use in common while one follows the other. A folder has one owner, a cache that stays is
// not emptied, memory is not promised twice.
type reused struct {
	metrics *metrics.Metrics
	build   build
	made    atomic.Uint64 // pictures, and attempts at them
	busy    *busy         // with them

	mu    sync.Mutex
	inUse map[string]*reusedValue // guarded by mu, as all below
	open  []*Server               // those that are not closed
}

// A reusedValue is used by one Server or more, and closed by the last one.
type reusedValue struct {
	value any
	users int
	close func() error // nil: nothing has to be done
}

func newReused(b build) *reused {
	return &reused{metrics: metrics.New(b.version, b.revision), build: b, inUse: map[string]*reusedValue{}}
}

// use returns the value of that name, which open opens if no Server uses it yet.
// It is released when the Server is closed.
func use[T any](s *Server, name string, open func() (T, func() error, error)) (T, error) {
	p := s.reused
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Contains(s.uses, name) {
		return p.inUse[name].value.(T), nil
	}
	one := p.inUse[name]
	if one == nil {
		value, close, err := open()
		if err != nil {
			return value, err
		}
		one = &reusedValue{value: value, close: close}
		p.inUse[name] = one
	}
	one.users++
	s.uses = append(s.uses, name)
	return one.value.(T), nil
}

// release gives back all that a Server uses.
func (p *reused) release(s *Server) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = slices.DeleteFunc(p.open, func(o *Server) bool { return o == s })
	var errs []error
	for _, name := range s.uses {
		one := p.inUse[name]
		if one.users--; one.users == 0 {
			delete(p.inUse, name)
			if one.close != nil {
				errs = append(errs, one.close())
			}
		}
	}
	s.uses = nil
	return errors.Join(errs...)
}

// add makes a Server one of those that are open.
func (p *reused) add(s *Server) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = append(p.open, s)
}

// handlersOf returns the handlers of all open Servers that have that id: what
// one of them is making must not stay when another one is told that it changed.
func (p *reused) handlersOf(id string) (all []*Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.open {
		for _, h := range s.handlers {
			if h.id == id {
				all = append(all, h)
			}
		}
	}
	return all
}

// sharedKeyring returns the keyring of a URL that the Servers of a process
// have in common.
func (s *Server) sharedKeyring(url string, open func() *access.Keyring) *access.Keyring {
	k, _ := use(s, cache.Tuple("keys", url), func() (*access.Keyring, func() error, error) { return open(), nil, nil }) // has no errors
	return k
}
