package server

import (
	"log/slog"
	"strconv"
	"time"

	"s3imageserver/server/config"
	"s3imageserver/server/stores"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
	"s3imageserver/storage/guard"
)

// guard returns a guard around each source: one that is down is no reason to
// spare the others. A source that was there before has its guard of then, with
// what is known of the store, and the sources get its bucket. names tells these
// guards from others.
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
			return guard.New(one.Bucket, guard.Config{Name: h.Prefix, Timeout: timeout, InFlight: config.MostPlaces, Changed: outageLog(log), Asked: s.reused.metrics.store(h.Prefix, i)}), nil, nil
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

// outageLog tells when a store is not asked any more, and when it is again.
func outageLog(log *slog.Logger) func(open bool) {
	return func(open bool) {
		if open {
			log.Error("the store fails: it is asked only now and then until it answers")
		} else {
			log.Info("the store answers again")
		}
	}
}
