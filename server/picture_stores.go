package server

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"s3imageserver/server/config"
	"s3imageserver/server/stores"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
	"s3imageserver/storage/guard"
)

// openCache gives the handler the tiers of its configuration.
func (s *Server) openCache(h *Handler) error {
	c := h.config
	kept := cache.Config{
		Group:                h.id,
		TTL:                  c.TTL(),
		Revalidate:           config.Seconds(c.Revalidate),
		StaleWhileRevalidate: config.Seconds(c.StaleWhileRevalidate),
		Grace:                c.Grace(),
		Outlives:             outlives,
		Refuses:              h.refuses,
		FillTimeout:          config.Seconds(int64(c.Limits.RequestSeconds)),
		Log:                  h.log,
		Ready:                makeReady,
	}
	if c.Cached() {
		kept.RefuseTTL = max(0, config.Seconds(*c.NegativeTime))
		kept.Refused = s.refused(h, kept.RefuseTTL)
		if c.CachePath != "" {
			kept.Disk = s.disk(c)
		}
		if c.CachePath != "" && c.Cache.OriginalsMB > 0 {
			kept.Originals = s.openDisk(filepath.Join(s.config.Path(c.CachePath), "originals"), cache.DiskConfig{MaxBytes: c.Cache.OriginalsMB << 20, MinFree: c.Cache.MinFree})
			h.originals = s.newOriginals(h, kept.Originals)
		}
		if c.Cache.MemoryMB > 0 {
			kept.Memory = s.memory(h)
		}
		if c.Cache.Bucket != "" {
			shared, err := s.sharedTier(h)
			if err != nil {
				return err
			}
			kept.Shared = shared
		}
	}
	h.tiers, h.cache = kept, cache.New(kept)
	return nil
}

// refused returns the cache of errors that last, of a handler with this configuration and
// budget.
func (s *Server) refused(h *Handler, ttl time.Duration) *cache.Refused {
	r, _ := use(s, cache.Tuple("refused", h.id, config.Digest(h.config, s.budgets.pictures.Load().Total)), func() (*cache.Refused, func() error, error) { // has no errors
		r := cache.NewRefused(ttl)
		return r, r.Close, nil
	})
	return r
}

// memory returns the memory tier of a handler.
func (s *Server) memory(h *Handler) *cache.Memory {
	bytes := h.config.Cache.MemoryMB << 20
	m, _ := use(s, cache.Tuple("memory", h.id, strconv.FormatInt(bytes, 10)), func() (*cache.Memory, func() error, error) { // has no errors
		return cache.NewMemory(bytes), nil, nil
	})
	return m
}

// disk returns the disk tier of a handler, the same one for all that name its
// folder.
func (s *Server) disk(c *HandlerConfig) *cache.Disk {
	folder := s.config.Path(c.CachePath)
	if d, ok := s.disks[folder]; ok {
		return d
	}
	d := s.openDisk(folder, cache.DiskConfig{MaxBytes: c.Cache.DiskMB << 20, MinFree: c.Cache.MinFree})
	if d == nil {
		return nil
	}
	if open, mode := config.OpenToOthers(folder); open {
		s.log.Warn("other users may read or write the cache folder", "cache_path", folder, "mode", mode.String())
	}
	return d
}

// openDisk opens the folder of a disk cache once. If that fails, it is logged, and the
// handler runs without.
func (s *Server) openDisk(folder string, c cache.DiskConfig) *cache.Disk {
	if d, ok := s.disks[folder]; ok {
		return d
	}
	d, err := use(s, cache.Tuple("disk", folder, fmt.Sprint(c)), func() (*cache.Disk, func() error, error) {
		c.Log = s.log
		d, err := cache.OpenDisk(folder, c)
		if err != nil {
			return nil, nil, err
		}
		return d, d.Close, nil
	})
	if err != nil {
		s.log.Warn("serving without disk cache", "cache_path", folder, "error", err)
		s.config.DependsOn("cache "+folder, func() bool { return false }) // the next reload may try it again
		return nil
	}
	s.disks[folder] = d
	return d
}

// sharedTimeout is how long the shared bucket may take to answer: a fill waits
// for it first.
const sharedTimeout = 2 * time.Second

// sharedTier returns the tier in the shared bucket of a handler, the same one
// for all that name it.
func (s *Server) sharedTier(h *Handler) (*cache.Shared, error) {
	a := h.config.SharedStore()
	id := sharedID(a)
	if t, ok := s.shared[id]; ok {
		return t, nil
	}
	bucket, err := stores.OpenShared(a, sharedTimeout)
	if err != nil {
		return nil, err
	}
	store, _ := use(s, cache.Tuple("store", stores.SettingsOf(&SourceEntry{AWSConfig: *a}, bucket, 0)), func() (*guard.Store, func() error, error) { // has no errors
		return guard.NewStore(bucket, guard.Config{Name: a.BucketName, Timeout: 2 * sharedTimeout, Changed: func(open bool) {
			s.log.Warn("shared cache", "bucket", a.BucketName, "answers", !open)
		}}), nil, nil
	})
	t := cache.OpenShared(store, cache.SharedConfig{ID: id, Retention: s.retention(id), Log: s.log})
	s.shared[id] = t
	return t, nil
}

// retention returns for how long purges are remembered in a shared bucket: as
// long as any of its handlers may serve what lies there, negative for ever.
func (s *Server) retention(id string) time.Duration {
	longest := 30 * 24 * time.Hour
	for i := range s.config.Handlers {
		c := &s.config.Handlers[i]
		if !c.Cached() || c.Cache.Bucket == "" || sharedID(c.SharedStore()) != id {
			continue
		}
		lifetime := c.Lifetime()
		if lifetime == 0 {
			return -1
		}
		longest = max(longest, lifetime)
	}
	return longest
}

// sharedID tells a shared bucket from others.
func sharedID(a *AWSConfig) string { return cache.Tuple(a.Endpoint, a.BucketName, a.FilePath) }

// guard returns a guard (time limits, retries, circuit breaker) around each source: each
// store has its own circuit. After a reload a source that was there before keeps its
// guard, with what is known of the store, and the sources get its bucket. names tells
// these guards from others.
func (s *Server) guard(all stores.Sources, h *HandlerConfig, log *slog.Logger) (guards []*guard.Bucket, names string) {
	guards = make([]*guard.Bucket, len(all))
	parts := make([]string, len(all))
	for i, one := range all {
		// All share the time of a request; each leaves enough for those behind it.
		timeout := h.FetchTime()
		if i < len(all)-1 {
			timeout /= time.Duration(len(all))
		}
		log := log
		if len(all) > 1 {
			log = log.With("source", i+1)
		}
		parts[i] = cache.Tuple("source", h.Prefix, strconv.Itoa(i), one.Settings, timeout.String())
		guards[i], _ = use(s, parts[i], func() (*guard.Bucket, func() error, error) { // has no errors
			return guard.New(one.Bucket, guard.Config{Name: h.Prefix, Timeout: timeout, InFlight: config.MostPlaces, Changed: outageLog(log), Asked: s.reused.metrics.Store(h.Prefix, i)}), nil, nil
		})
		all[i].Bucket = guards[i].Inner()
	}
	return guards, cache.Tuple(parts...)
}

// fallbackOf returns the bucket that asks the guarded sources in order.
func fallbackOf(guards []*guard.Bucket) storage.Bucket {
	all := make([]storage.Bucket, len(guards))
	for i, g := range guards {
		all[i] = g
	}
	return storage.Fallback(all...)
}

// outageLog logs when the circuit of a store opens and closes.
func outageLog(log *slog.Logger) func(open bool) {
	return func(open bool) {
		if open {
			log.Error("the store fails: it is asked only now and then until it answers")
		} else {
			log.Info("the store answers again")
		}
	}
}
