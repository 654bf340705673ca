package server

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"s3imageserver/server/logging"
	"s3imageserver/server/refresh"
)

const (
	// watchInterval is how often the configuration file is checked for changes. It is
	// polled, since a mounted ConfigMap is a link that is replaced, and network file
	// systems send no notifications.
	watchInterval = 2 * time.Second
	// drainTime is how long an old Server may take to end its requests. No
	// picture takes longer to make; what is left then only sends.
	drainTime = 45 * time.Second
)

// A service replaces the whole Server when the configuration changes (reload), and lets
// the old one finish its requests.
type service struct {
	options  Options
	log      *slog.Logger
	current  atomic.Pointer[Server]
	draining sync.WaitGroup
	after    func(time.Duration) <-chan time.Time // time.After, but for tests
	release  func()                               // freeMemory, but for tests

	mu       sync.Mutex // one reload at a time
	file     string     // "": the configuration is not from a file
	fileHash [sha256.Size]byte
}

// newService returns a service for the configuration. The caller must close it.
func newService(c *Config, o Options) (*service, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Log = logging.Sampled(o.Log)
	o.reused = newReused(buildOf(o))
	o.reused.busy = newBusy(o.Busy)
	v := &service{options: o, log: o.Log, after: time.After, release: freeMemory}
	if name := c.FileName(); name != "" {
		v.file, v.fileHash = name, sha256.Sum256(c.Text())
	}
	s, err := New(c, o)
	if err != nil {
		return nil, err
	}
	v.current.Store(s)
	if why := c.Exposed(); why != "" {
		v.log.Warn(why)
	}
	v.options.reused.metrics.Reloaded(nil)
	return v, nil
}

// with calls f with the current Server, which is not closed before f returns.
func (v *service) with(f func(*Server)) {
	for {
		s := v.current.Load()
		if s.answering.TryRLock() { // else it was replaced this moment
			defer s.answering.RUnlock()
			f(s)
			return
		}
	}
}

// ServeHTTP implements [http.Handler].
func (v *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.with(func(s *Server) { s.closeIfEnding(w); s.ServeHTTP(w, r) })
}

// handler answers by what get returns of the current Server.
func (v *service) handler(get func(*Server) http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.with(func(s *Server) { s.closeIfEnding(w); get(s).ServeHTTP(w, r) })
	})
}

// closeIfEnding makes an answer the last one of its connection when the server is about
// to end: a connection that is closed while nobody uses it may be closed in the
// moment in which a request is sent.
func (s *Server) closeIfEnding(w http.ResponseWriter) {
	if s.ending.Load() {
		w.Header().Set("Connection", "close")
	}
}

// certificate returns the current certificate.
func (v *service) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return v.current.Load().getCertificate(hello)
}

// close closes the current Server and waits for the old ones.
func (v *service) close() error {
	err := v.current.Load().Close()
	v.draining.Wait()
	return err
}

// watch reloads the configuration on SIGHUP, and when its file has changed,
// until ctx ends.
func (v *service) watch(ctx context.Context) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	last := refresh.StampOf(v.file)
	changed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			changed = false
			v.reload()
		case <-ticker.C:
			if v.file == "" || !*v.current.Load().config.WatchConfig {
				continue
			}
			switch stamp := refresh.StampOf(v.file); {
			case stamp != last: // perhaps it is being written: look again
				last, changed = stamp, true
			case changed:
				changed = false
				if !v.same() {
					v.reload()
				}
			}
		}
	}
}

// same reports whether the file holds what it held when it was read last, or
// cannot be read: one that is being replaced may be missing for a moment.
func (v *service) same() bool {
	data, err := os.ReadFile(v.file)
	v.mu.Lock()
	defer v.mu.Unlock()
	return err != nil || sha256.Sum256(data) == v.fileHash
}

// reload reads the configuration, and replaces the Server if it is valid.
func (v *service) reload() {
	v.mu.Lock()
	defer v.mu.Unlock()
	err := v.replace()
	v.options.reused.metrics.Reloaded(err)
	if err != nil {
		v.log.Error("configuration not reloaded: the old one stays in use", "file", v.file, "error", err)
	}
}

// replace is reload; v.mu is held.
func (v *service) replace() error {
	old := v.current.Load()
	c := old.config
	data, err := c.Text(), error(nil)
	if v.file != "" {
		if data, err = os.ReadFile(v.file); err == nil {
			v.fileHash = sha256.Sum256(data) // also of a bad one: it is reported once
		}
	}
	if err == nil && c.Unchanged(data) {
		v.log.Info("configuration unchanged: nothing is replaced", "file", v.file)
		return nil
	}
	if v.file != "" {
		loaded, warnings, err := Load(v.file)
		LogWarnings(v.log, warnings)
		if err != nil {
			return err
		}
		c = loaded
		v.keepFixed(c, old.config)
	}
	s, err := New(c, v.options)
	if err != nil {
		return err
	}
	logging.Reconfigure(v.log, c.Log)
	v.current.Store(s)
	if s.authority != old.authority {
		s.startAuthority()
	}
	v.log.Info("configuration reloaded", "file", v.file, "handlers", len(c.Handlers))
	v.draining.Go(func() { v.drain(old) })
	return nil
}

// drain closes a Server when its requests have ended.
func (v *service) drain(old *Server) {
	ended := make(chan struct{})
	go func() {
		old.answering.Lock() // for ever: nobody may come any more
		close(ended)
	}()
	timer := time.NewTimer(drainTime)
	defer timer.Stop()
	select {
	case <-ended:
	case <-timer.C:
	}
	if err := old.Close(); err != nil {
		v.log.Warn("the server of the old configuration did not close cleanly", "error", err)
	}
}

// fixedKeys are those that ports are opened by; they are obeyed at the start.
var fixedKeys = []struct {
	key  string
	same func(a, b *Config) bool
	keep func(c, old *Config)
}{
	{"http_port", func(a, b *Config) bool { return a.HTTPPort == b.HTTPPort }, func(c, old *Config) { c.HTTPPort = old.HTTPPort }},
	{"https_port", func(a, b *Config) bool { return a.HTTPSPort == b.HTTPSPort }, func(c, old *Config) { c.HTTPSPort = old.HTTPSPort }},
	{"listen", func(a, b *Config) bool { return a.Listen == b.Listen }, func(c, old *Config) { c.Listen = old.Listen }},
	{"admin.listen", func(a, b *Config) bool { return a.Admin.Listen == b.Admin.Listen }, func(c, old *Config) { c.Admin.Listen = old.Admin.Listen }},
	{"acme.hosts", func(a, b *Config) bool { return a.ACME.On() == b.ACME.On() }, func(c, old *Config) {
		c.ACME, c.HTTPSCert, c.HTTPSKey = old.ACME, old.HTTPSCert, old.HTTPSKey
	}},
	{"https_enabled", func(a, b *Config) bool { return a.HTTPSEnabled == b.HTTPSEnabled }, func(c, old *Config) {
		c.HTTPSEnabled, c.HTTPSCert, c.HTTPSKey = old.HTTPSEnabled, old.HTTPSCert, old.HTTPSKey
		c.HTTPSStrict = c.HTTPSStrict && c.HTTPSEnabled
	}},
}

// keepFixed leaves in c what needs a restart as it is, and says so.
func (v *service) keepFixed(c, old *Config) {
	for _, f := range fixedKeys {
		if !f.same(c, old) {
			v.log.Warn("a change of this key needs a restart: the old value stays in use", "key", f.key)
			f.keep(c, old)
		}
	}
}
