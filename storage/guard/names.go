package guard

import (
	"maps"
	"sync"
	"time"
)

// maxNames bounds how many names are remembered. When so many fail it is not a matter of few names any more.
const maxNames = 1024

// names are those that something has happened to within the last time.
type names struct {
	last time.Duration

	mu   sync.Mutex
	when map[string]time.Time // guarded by mu
}

// note adds a name, and reports whether it was not there.
func (n *names) note(name string) bool {
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	if t, ok := n.when[name]; ok && now.Sub(t) < n.last {
		return false
	}
	if n.when == nil {
		n.when = map[string]time.Time{}
	}
	if len(n.when) >= maxNames {
		maps.DeleteFunc(n.when, func(_ string, t time.Time) bool { return now.Sub(t) >= n.last })
	}
	if len(n.when) < maxNames {
		n.when[name] = now
	}
	return true
}

// has reports whether a name is there.
func (n *names) has(name string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	t, ok := n.when[name]
	return ok && time.Since(t) < n.last
}

func (n *names) clear() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.when)
}
