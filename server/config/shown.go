package config

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"time"

	"s3imageserver/resize"
)

// processors is GOMAXPROCS at the start of the process: it is changed while pictures are made.
var processors = runtime.GOMAXPROCS(0)

// Shown returns a copy of the configuration, which was validated, with all
// defaults filled in that are left to those who use a field: 0, absent or empty
// means one thing there, and in the places where it is read it stays so.
func (c *Config) Shown() *Config {
	all := *c
	all.Admin.Playground = cmp.Or(c.Admin.Playground, new(true))
	all.Handlers = slices.Clone(c.Handlers)
	for i := range all.Handlers {
		all.Handlers[i].show()
	}
	return &all
}

// show fills in the defaults of a handler.
func (h *HandlerConfig) show() {
	h.Limits.show()
	h.AVIFPixels = cmp.Or(h.AVIFPixels, int(resize.DefaultLimits().AVIFPixels))
	h.StaleIfError = cmp.Or(h.StaleIfError, new(int64(defaultStaleIfError)))
	h.CacheEnabled = new(h.Cached())
	if h.Cache.MinFree == 0 && h.Cache.DiskMB == 0 && h.CachePath != "" {
		h.Cache.MinFree = defaultMinFree
	}
	h.Quality = maps.Clone(h.Quality)
	for _, name := range h.OutputFormats {
		f := resize.FormatByName(name)
		if q := DefaultQuality(f); q != 0 && h.Qualities()[f] == 0 {
			if h.Quality == nil {
				h.Quality = map[string]int{}
			}
			h.Quality[f.String()] = q
		}
	}
}

// show fills in the defaults.
func (l *LimitsConfig) show() {
	d := resize.DefaultLimits()
	l.Pixels, l.OutputPixels, l.FramePixels = cmp.Or(l.Pixels, d.Pixels), cmp.Or(l.OutputPixels, d.OutputPixels), cmp.Or(l.FramePixels, d.FramePixels)
	l.Frames, l.Side, l.OutputSide, l.Scans = cmp.Or(l.Frames, d.Frames), cmp.Or(l.Side, d.Side), cmp.Or(l.OutputSide, d.OutputSide), cmp.Or(l.Scans, d.Scans)
	l.LosslessPixels = cmp.Or(l.LosslessPixels, d.LosslessPixels)
	l.WorkSeconds = cmp.Or(l.WorkSeconds, int(d.Time/time.Second))
	l.FetchSeconds, l.RequestSeconds = cmp.Or(l.FetchSeconds, int(DefaultFetchTime/time.Second)), cmp.Or(l.RequestSeconds, defaultRequestSeconds)
	l.Concurrency = cmp.Or(l.Concurrency, min(PlacesPerProcessor*processors, MostPlaces))
}

// Defaults of packages that do not tell them.
const (
	defaultRequestSeconds = 30 // of storage/cache
	defaultMinFree        = 0.1
)
