package scale

import "sync"

// axisKey is all that the weights of an axis depend on.
type axisKey struct {
	axis   Axis
	filter Filter
	droop  uint8
	pad    int
}

const (
	cacheEntries = 512
	cacheBytes   = 16 << 20
	cacheLargest = 2 << 20 // of one entry; larger ones are made anew each time
)

// axisCache keeps kernels by geometry. Computing them costs about as much
// as a small resize, and most requests have a handful of geometries.
// It is safe for concurrent use.
type axisCache struct {
	mu    sync.Mutex
	m     map[axisKey]*kernels
	bytes int
}

var axes axisCache

// get returns the kernels of key, from the cache if it has them.
func (c *axisCache) get(key axisKey) *kernels {
	c.mu.Lock()
	k := c.m[key]
	c.mu.Unlock()
	if k != nil {
		return k
	}
	k = newKernels(key.axis, key.filter, key.droop, key.pad)
	n := k.bytes()
	if n > cacheLargest {
		return k
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if had := c.m[key]; had != nil {
		return had
	}
	if c.m == nil {
		c.m = make(map[axisKey]*kernels)
	}
	// Any entry may go: which one matters little as long as the cache is
	// larger than the set of geometries in use.
	for old, k := range c.m {
		if len(c.m) < cacheEntries && c.bytes+n <= cacheBytes {
			break
		}
		delete(c.m, old)
		c.bytes -= k.bytes()
	}
	c.m[key] = k
	c.bytes += n
	return k
}
