// Package server knows HTTP: it answers requests for pictures from buckets,
// resized and cached.
//
// [Run] is the whole program, as the original's; [New] is an [http.Handler] to
// embed.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"

	"s3imageserver/resize"
	"s3imageserver/server/config"
	"s3imageserver/server/errorimage"
	"s3imageserver/server/limits"
	"s3imageserver/server/listen"
	"s3imageserver/server/logging"
	"s3imageserver/server/overlays"
	"s3imageserver/server/tracing"
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
	// Workers is how many pictures are made at once; 0 means GOMAXPROCS.
	Workers int
	// Busy, if not nil, is called when the first picture after a pause begins to be
	// made (true), which waits for it, and when none was for a second or two (false).
	// [ListenAndServe] alone calls it, never twice at once.
	Busy func(busy bool)
	// Version and Revision name what runs, in metrics and traces; empty means what
	// the binary says of itself.
	Version, Revision string

	reused *reused // nil: new ones
}

// A Server answers the requests of all handlers of a configuration. It is safe
// for concurrent use.
type Server struct {
	config  *Config
	reused  *reused
	log     *slog.Logger
	tracing *tracing.Tracing
	clients *limits.Clients
	router  *mux.Router
	// routed are the handlers, the longest prefix first, and notRouted the paths of
	// others, which come before them.
	routed    []*Handler
	notRouted map[string]bool
	budgets
	rates *limits.Rates

	handlers []*Handler               // in the order of the configuration
	disks    map[string]*cache.Disk   // by folder
	shared   map[string]*cache.Shared // by bucket and folder
	purger   *purger

	certificate *listen.Certificate // nil: no HTTPS
	authority   *listen.Authority   // nil: certificates are not got by ACME
	plainHTTP   func() http.Handler // for the port of plain HTTP
	admin       func() http.Handler // for the listener for operators
	uses        []string            // names of parts
	answering   sync.RWMutex        // held to read while a request is answered

	ending     atomic.Bool        // nothing new is accepted
	stop       context.CancelFunc // ends the background work
	background sync.WaitGroup     // codecs that are being prepared, events
}

const (
	maxURLBytes = 4096 // of a request line that is looked at
)

// New returns a server for the configuration, which it validates. It opens
// folders and cache, and sends nothing to any store. The error joins all
// faults. The caller should Close the server when no request is running.
func New(c *Config, o Options) (*Server, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.reused == nil {
		o.reused = newReused(buildOf(o))
	}
	o.Log = logging.Sampled(o.Log)
	traces, err := tracing.New(&c.Tracing, tracing.Service{Version: o.reused.build.version, Instance: o.reused.build.instance}, maxURLBytes, o.Log)
	if err != nil {
		var faults config.Faults
		faults.Add("tracing.endpoint", "%v", err)
		return nil, c.Place(faults.Join())
	}
	s := &Server{config: c, reused: o.reused, log: o.Log, tracing: traces, clients: limits.NewClients(c), router: mux.NewRouter(), notRouted: map[string]bool{}, disks: map[string]*cache.Disk{}, shared: map[string]*cache.Shared{}}
	var background context.Context
	background, s.stop = context.WithCancel(context.Background())
	// The path is taken as it came: mux would clean it, and redirect
	// /h/%2e%2e%2fx to another handler. Names are checked in parseName.
	s.router.SkipClean(true).UseEncodedPath()

	s.admin = sync.OnceValue(s.adminHandler)
	s.reused.add(s)
	// Rate limits survive a reload.
	s.rates, _ = use(s, fmt.Sprintf("rates %+v %q %q", c.RateLimit, c.TrustedProxies, c.ClientHeader), func() (*limits.Rates, func() error, error) { // has no errors
		return limits.NewRates(c, s.clients), nil, nil
	})
	s.budgets = budgets{
		pictures: s.budget(resize.BudgetConfig{Bytes: s.memoryBudget(), Slots: o.Workers}),
		errors:   s.budget(resize.BudgetConfig{Bytes: errorimage.Memory, Slots: 1, Queue: 16, Wait: errorimage.Wait}),
	}
	var faults config.Faults
	s.authority, err = s.openAuthority()
	faults.Collect(err)
	s.plainHTTP = sync.OnceValue(s.plainHTTPHandler)
	if c.HTTPSEnabled && !c.ACME.On() {
		if s.certificate, err = listen.NewCertificate(c.Path(c.HTTPSCert), c.Path(c.HTTPSKey), s.log); err != nil {
			faults.Add("https_cert", "%v", err)
		}
	}
	fonts, err := overlays.NewFonts(c)
	faults.Collect(err)
	for i := range c.Handlers {
		h, err := s.newHandler(i, s.budgets, fonts, o)
		if err != nil {
			faults.Collect(err)
			continue
		}
		s.handlers = append(s.handlers, h)
	}
	if err := c.Place(faults.Join()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	for path, answer := range s.probes() {
		s.router.Path(path).Methods(http.MethodGet, http.MethodHead).HandlerFunc(answer)
		s.notRouted[path] = true
	}
	for _, t := range s.shared {
		t.Start()
	}
	s.purger = newPurger(background, s)
	if c.Events.Path != "" {
		s.router.Path(c.Events.Path).Handler(s.purger)
		s.notRouted[c.Events.Path] = true
	}
	// The longest prefix that fits answers.
	byLength := slices.Clone(s.handlers)
	slices.SortStableFunc(byLength, func(a, b *Handler) int { return len(b.config.Route()) - len(a.config.Route()) })
	for _, h := range byLength {
		s.router.PathPrefix(h.config.Route()).Handler(h)
	}
	s.routed = byLength
	s.startCodecs()
	if c.Playground {
		page := newPlayground(s, false)
		s.router.Path("/").Handler(page)
		s.router.PathPrefix(playgroundPath).Handler(page)
	}
	s.reused.metrics.ToldBy(s.state)
	return s, nil
}

// startCodecs prepares the codecs of all formats that are read. It takes seconds;
// until then requests for them wait.
func (s *Server) startCodecs() {
	var formats []resize.Format
	for i := range s.config.Handlers {
		formats = append(formats, s.config.Handlers[i].ReadFormats()...)
	}
	s.background.Go(func() {
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

// budget returns a budget of that kind.
func (s *Server) budget(c resize.BudgetConfig) *resize.Budget {
	b, _ := use(s, fmt.Sprintf("budget %+v", c), func() (*resize.Budget, func() error, error) { return resize.NewBudget(c), nil, nil }) // has no errors
	return b
}

// budgets bound the memory of the work of all handlers.
type budgets struct{ pictures, errors *resize.Budget }

// ServeHTTP implements [http.Handler]. A panic is an answer 500 and a line in
// the log; once the header is sent it is one of [http.ErrAbortHandler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x, r := s.begin(w, r)
	defer s.end(x, r)
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if v != http.ErrAbortHandler {
			s.reused.metrics.Panicked()
			s.log.ErrorContext(r.Context(), "panic", "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
		}
		switch {
		case v == http.ErrAbortHandler, x.status != 0:
			panic(http.ErrAbortHandler) // or what was sent so far would end as a whole answer
		default:
			x.Header().Set("Cache-Control", "no-store")
			x.WriteHeader(http.StatusInternalServerError)
		}
	}()
	if tooLong(r) || strings.Count(r.URL.RawQuery, "&")+strings.Count(r.URL.RawQuery, ";") >= config.MaxParameters {
		x.Header().Set("Cache-Control", "no-store")
		http.Error(x, "URI too long", http.StatusRequestURITooLong)
		return
	}
	// The original's users may separate parameters by semicolons, as Go once did.
	handler := s.route(r)
	if strings.Contains(r.URL.RawQuery, ";") {
		handler = http.AllowQuerySemicolons(handler)
	}
	handler.ServeHTTP(x, r)
}

// route returns the http.Handler for a request. The router is asked for no more than that:
// it would copy the request twice, for variables that no route has. Pictures need no
// router: their handlers are looked through as it would.
func (s *Server) route(r *http.Request) http.Handler {
	if path := r.URL.EscapedPath(); !s.notRouted[path] {
		for _, h := range s.routed {
			if strings.HasPrefix(path, h.config.Route()) {
				return h
			}
		}
	}
	var match mux.RouteMatch
	switch {
	case s.router.Match(r, &match):
		return match.Handler
	case errors.Is(match.MatchErr, mux.ErrMethodMismatch):
		return http.HandlerFunc(refuseMethod)
	}
	return http.HandlerFunc(notHere)
}

// notHere answers requests that no handler is for (404).
func notHere(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	http.NotFound(w, r)
}

// tooLong reports whether a URL is longer than allowed.
func tooLong(r *http.Request) bool { return len(r.RequestURI) > maxURLBytes }

// handlerOf returns the handler that answers a request, nil if none does.
func (s *Server) handlerOf(r *http.Request) *Handler {
	h, _ := s.route(r).(*Handler)
	return h
}

// closeTimeout bounds what Close waits for: results on their way to a shared
// bucket, and work that does not end.
const closeTimeout = 5 * time.Second

// Close ends the background work, writes what is on its way to a shared bucket
// and releases the cache folders.
func (s *Server) Close() error {
	s.ending.Store(true)
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var errs []error
	for _, h := range s.handlers {
		errs = append(errs, h.cache.Close(ctx))
	}
	s.background.Wait()
	for _, t := range s.shared {
		errs = append(errs, t.Close(ctx))
	}
	errs = append(errs, s.reused.release(s))
	errs = append(errs, s.tracing.Close(ctx))
	return errors.Join(errs...)
}
