package guard

import (
	"math/rand/v2"
	"sync"
	"time"
)

// tokens bound retries to a share of the requests: each request earns a part of
// a token, a retry costs one.
type tokens struct {
	share float64

	mu   sync.Mutex
	used float64 // below the full purse; guarded by mu
}

// purse is how many retries may be made at once.
const purse = 10

func (t *tokens) earn() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used = max(0, t.used-t.share)
}

// take reports whether there was a token to pay with.
func (t *tokens) take() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.used > purse-1 {
		return false
	}
	t.used++
	return true
}

func jitter(most time.Duration) time.Duration { return rand.N(most) }
