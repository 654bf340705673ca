package server

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/http/pprof"
	"net/url"
	"slices"
	"strings"

	"s3imageserver/server/logging"
	"s3imageserver/server/metrics"
	"s3imageserver/storage/cache"
)

// maxAdminBytes bounds the body of a request to the listener for operators.
const maxAdminBytes = 1 << 20

// adminHandler answers on the listener for operators.
func (s *Server) adminHandler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /healthz", serveHealth)
	m.HandleFunc("GET /readyz", s.serveReady)
	m.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Stats()) })
	m.Handle("GET /metrics", s.reused.metrics.HTTPHandler())
	m.HandleFunc("GET /config", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.config.Shown()) })
	m.HandleFunc("GET /debug/pprof/", pprof.Index)
	m.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	m.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	m.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	m.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	m.HandleFunc("POST /purge", s.servePurge)
	m.HandleFunc("POST /events", s.purger.ServeHTTP)
	pages := newOperatorPages(s)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		if s.foreign(r) {
			w.Header().Set("Cache-Control", "no-store")
			writeText(w, http.StatusMisdirectedRequest, "open this listener by its address, not from another page")
			return
		}
		if pages.has(r) {
			pages.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		// Events are authenticated by their own secret; health and metrics are no secret
		// on this machine. Profiles show memory, and keep a processor busy.
		needed := !s.config.Admin.Loopback() || !slices.Contains(openAdminPaths, r.URL.Path)
		if r.URL.Path != "/events" && needed && !authorized(&s.config.Admin, r) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			writeText(w, http.StatusUnauthorized, "admin.token is required, as Authorization: Bearer")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxAdminBytes)
		m.ServeHTTP(w, r)
	})
}

// foreign reports whether a request may come from a page of another site, in the browser
// of somebody who reaches the listener: it names another host (DNS rebinding) although the
// listener is for this machine only, or the browser says that it is of another origin. A
// request with the token is not foreign: no page knows it. Neither is an event: it has its
// own secret, and may come through a proxy that keeps the host.
func (s *Server) foreign(r *http.Request) bool {
	c := &s.config.Admin
	if authorized(c, r) {
		return false
	}
	return c.Loopback() && r.URL.Path != "/events" && !localHost(r.Host) || fromElsewhere(r)
}

// fromElsewhere reports whether a browser says that a request is of a page of another
// origin (Fetch Metadata, section 2; RFC 6454, section 7). Links to the playground itself
// are allowed from anywhere: the other page cannot read what they open.
func fromElsewhere(r *http.Request) bool {
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "":
	case "same-origin", "none":
		return false
	default:
		followed := r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
		return !followed || r.URL.Path != "/"
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host)
}

// openAdminPaths need no token on a loopback address.
var openAdminPaths = []string{"/healthz", "/readyz", "/metrics", "/stats"}

// serveHealth answers that the process answers.
func serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	writeText(w, http.StatusOK, "ok")
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // the client may have left
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have left
}

// serveReady answers 503 with the reason when new pictures cannot be made.
func (s *Server) serveReady(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if why := s.notReady(); why != "" {
		writeText(w, http.StatusServiceUnavailable, why)
		return
	}
	writeText(w, http.StatusOK, "ready")
}

// notReady returns why new pictures cannot be made: every processor is held by
// work that does not end, or the server is about to end. It is empty if they
// can.
func (s *Server) notReady() string {
	load := s.budgets.pictures.Load()
	switch {
	case s.ending.Load():
		return "ending"
	case load.Abandoned > 0 && load.Abandoned >= load.Slots:
		return "every processor is held by a decoder that does not end"
	}
	return ""
}

// servePurge takes a PurgeRequest as JSON, or as the parameters of a form.
func (s *Server) servePurge(w http.ResponseWriter, r *http.Request) {
	var p PurgeRequest
	if t, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); t == "application/json" {
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		if err := d.Decode(&p); err != nil {
			writeText(w, http.StatusBadRequest, err.Error())
			return
		}
	} else {
		p = PurgeRequest{URL: r.FormValue("url"), Handler: r.FormValue("handler"), Name: r.FormValue("name"), Prefix: r.FormValue("prefix"), All: r.FormValue("all") != ""}
	}
	removed, err := s.Purge(r.Context(), p)
	switch {
	case errors.Is(err, errPurge):
		writeText(w, http.StatusBadRequest, err.Error())
	case err != nil:
		s.log.Error("purge is not complete", "error", err)
		writeText(w, http.StatusBadGateway, "the purge is not complete: see the log, and try it again")
	default:
		s.log.Info("purged", "url", logging.RedactURL(p.URL), "handler", p.Handler, "name", p.Name, "prefix", p.Prefix, "all", p.All, "removed", removed)
		writeJSON(w, http.StatusOK, PurgeAnswer{p, removed})
	}
}

// Stats returns a snapshot.
func (s *Server) Stats() Stats {
	stats := Stats{Work: s.budgets.pictures.Load(), Handlers: map[string]HandlerStats{}}
	for _, h := range s.handlers {
		stats.Work.Waiting += h.queue.Waiting() + h.slowQueue.Waiting()
		hs := HandlerStats{Cache: h.cache.Stats()}
		for _, g := range h.guards {
			hs.Sources = append(hs.Sources, g.Stats())
		}
		if h.tiers.Memory != nil {
			hs.Memory = new(h.tiers.Memory.Stats())
		}
		if h.tiers.Disk != nil {
			hs.Disk = new(h.tiers.Disk.Stats())
		}
		if h.tiers.Originals != nil {
			hs.Originals = new(h.tiers.Originals.Stats())
		}
		if h.tiers.Shared != nil {
			hs.Shared = new(h.tiers.Shared.Stats())
		}
		stats.Handlers[h.config.Prefix] = hs
	}
	return stats
}

// state is what the metrics tell of the server.
func (s *Server) state() metrics.State {
	told := metrics.State{Stats: s.Stats(), Ready: s.notReady() == "", LinesLeftOut: logging.LeftOut(s.log), Disks: map[string]cache.DiskStats{}, Shared: map[string]cache.SharedStats{}}
	for folder, d := range s.disks {
		told.Disks[folder] = d.Stats()
	}
	for _, h := range s.handlers {
		name := h.config.Cache.Bucket + "/" + h.config.Cache.Folder()
		if _, ok := told.Shared[name]; h.tiers.Shared != nil && !ok {
			told.Shared[name] = h.tiers.Shared.Stats()
		}
	}
	return told
}

// probes are the health and readiness checks of the public ports.
func (s *Server) probes() map[string]http.HandlerFunc {
	probes := map[string]http.HandlerFunc{}
	if path := s.config.HealthPath; path != "" {
		probes[path] = serveHealth
	}
	if path := s.config.ReadyPath; path != "" {
		probes[path] = s.serveReady
	}
	return probes
}
