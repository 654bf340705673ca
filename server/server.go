// Package server knows HTTP: it answers requests for pictures from buckets,
// resized and cached.
//
// [Run] is the whole program, as the original's; [New] is an [http.Handler] to
// embed.
package server

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/gorilla/mux"

	"s3imageserver/resize"
	"s3imageserver/storage/cache"
)

// Options are what a configuration file cannot hold. The zero value is fine.
type Options struct {
	// Verify, if not nil, decides by the value of the parameter t whether a
	// request is answered; it is asked before cache and source. It must be
	// safe for concurrent use.
	Verify func(token string) bool
	// Log gets what an operator should know; default slog.Default().
	Log *slog.Logger
}

// A Server answers the requests of all handlers of a configuration. It is safe
// for concurrent use.
type Server struct {
	config *Config
	log    *slog.Logger
	router *mux.Router
	disks  map[string]*cache.Disk // by folder
	ready  sync.WaitGroup         // codecs that are being prepared
}

// maxURLBytes is the longest request line that is looked at.
const maxURLBytes = 4096

// New returns a server for the configuration, which it validates. It opens
// folders and cache, and sends nothing to any store. The error joins all
// faults. The caller may Close the server when no request is running.
func New(c *Config, o Options) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Server{config: c, log: o.Log, router: mux.NewRouter(), disks: map[string]*cache.Disk{}}
	// The path is taken as it came: mux would clean it, and redirect
	// /h/%2e%2e%2fx to another handler. Names are checked in parseName.
	s.router.SkipClean(true).UseEncodedPath()

	budgets := budgets{
		pictures: resize.NewBudget(resize.BudgetConfig{Bytes: s.memoryBudget()}),
		errors:   resize.NewBudget(resize.BudgetConfig{Bytes: fallbackMemory, Slots: 1, Queue: 16, Wait: fallbackWait}),
	}
	var faults faults
	var handlers []*Handler
	fonts, err := newFonts(c)
	faults.collect(err)
	for i := range c.Handlers {
		h, err := s.newHandler(i, budgets, fonts, o)
		if err != nil {
			faults.collect(err)
			continue
		}
		handlers = append(handlers, h)
	}
	if err := c.place(faults.join()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	// The longest prefix that fits answers.
	byLength := slices.Clone(handlers)
	slices.SortStableFunc(byLength, func(a, b *Handler) int { return len(b.config.Prefix) - len(a.config.Prefix) })
	for _, h := range byLength {
		s.router.PathPrefix("/" + h.config.Prefix + "/").Handler(h)
	}
	s.startCodecs()
	if c.Playground {
		s.router.Path("/").Methods(http.MethodGet, http.MethodHead).Handler(newPage(handlers))
	}
	return s, nil
}

// startCodecs prepares the codecs of all formats that the configuration names.
// It takes seconds; until then requests for them wait.
func (s *Server) startCodecs() {
	var formats []resize.Format
	for i := range s.config.Handlers {
		h := &s.config.Handlers[i]
		formats = append(append(formats, formatsOf(h.AllowedFormats)...), formatsOf(h.OutputFormats)...)
	}
	s.ready.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				s.log.Error("panic", "panic", v, "stack", string(debug.Stack()))
			}
		}()
		resize.Start(formats)
	})
}

// memoryBudget returns the configured budget in bytes, or 60 % of the memory
// limit of the process where that is less.
func (s *Server) memoryBudget() int64 {
	budget := s.config.MemoryBudget << 20
	if most := debug.SetMemoryLimit(-1) / 10 * 6; budget > most {
		s.log.Warn("memory_budget is above 60 % of the memory limit: using that", "memory_budget", s.config.MemoryBudget, "MB", most>>20)
		return most
	}
	return budget
}

// budgets bound the memory of the work of all handlers.
type budgets struct{ pictures, errors *resize.Budget }

// ServeHTTP implements [http.Handler]. A panic is an answer 500 and a line in
// the log.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			s.log.Error("panic", "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusInternalServerError)
		}
	}()
	if len(r.RequestURI) > maxURLBytes {
		http.Error(w, "URI too long", http.StatusRequestURITooLong)
		return
	}
	// The original's users may separate parameters by semicolons, as Go once did.
	http.AllowQuerySemicolons(s.router).ServeHTTP(w, r)
}

// Close releases the cache folders.
func (s *Server) Close() error {
	s.ready.Wait()
	var errs []error
	for _, d := range s.disks {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

// disk returns the disk cache of a handler, the same one for all that name its
// folder. A folder that cannot be used is logged, and nothing is kept there.
func (s *Server) disk(c *HandlerConfig) *cache.Disk {
	folder := s.config.path(c.CachePath)
	if d, ok := s.disks[folder]; ok {
		return d
	}
	d, err := cache.OpenDisk(folder, cache.DiskConfig{MaxBytes: c.Cache.DiskMB << 20, MinFree: c.Cache.MinFree})
	if err != nil {
		s.log.Warn("serving without disk cache", "cache_path", folder, "error", err)
		return nil
	}
	if open, mode := openToOthers(folder); open {
		s.log.Warn("other users may read or write the cache folder", "cache_path", folder, "mode", mode.String())
	}
	s.disks[folder] = d
	return d
}
