package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"s3imageserver/server/config"
	"s3imageserver/server/listen"
	"s3imageserver/storage/cache"
)

const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	// writeTimeout bounds the whole answer until the first part of a picture is
	// written; from there on every part has a deadline of its own.
	writeTimeout   = 2 * time.Minute
	idleTimeout    = time.Minute
	maxHeaderBytes = 32 << 10
)

// ListenAndServe serves the configuration on its ports until ctx ends or the
// process gets SIGTERM or SIGINT. Then it is not ready any more, but goes on for
// Config.ShutdownDelay; after that it accepts nothing new, lets running requests
// end, and returns nil. A second signal ends the process at once.
func ListenAndServe(ctx context.Context, c *Config, o Options) (err error) {
	v, err := newService(c, o)
	if err != nil {
		return err
	}
	return v.serve(ctx)
}

// serve is ListenAndServe of a service, which it closes.
func (v *service) serve(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, v.close()) }()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	listeners, err := v.listen()
	if err != nil {
		return err
	}
	v.current.Load().startAuthority()
	var watching sync.WaitGroup
	watching.Go(func() { v.watch(ctx) })
	watching.Go(func() { v.idleMemory().run(ctx) })
	watching.Go(func() { v.options.reused.busy.run(ctx) })
	defer func() { stop(); watching.Wait() }()
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		v.log.Info("listening", "url", l.url)
		go func() { ended <- l.server.Serve(l.listener) }()
	}
	broken := func(err error) error {
		// The service needs all of its listeners.
		for _, l := range listeners {
			_ = l.server.Close() // the first error is the one to report
		}
		return fmt.Errorf("serve: %w", err)
	}
	select {
	case err := <-ended:
		return broken(err)
	case <-ctx.Done():
	}
	stop() // from here on a signal does what it does by default
	watching.Wait()
	c := v.current.Load().config // of now: nothing replaces it any more
	v.with(func(s *Server) { s.ending.Store(true) })
	if delay := config.Seconds(c.ShutdownDelay); delay > 0 {
		v.log.Info("not ready any more: ending soon", "shutdown_delay", delay)
		select {
		case err := <-ended:
			return broken(err)
		case <-v.after(delay):
		}
	}
	v.log.Info("shutting down")
	return shutdown(listeners, config.Seconds(c.ShutdownSeconds))
}

// shutdown lets the running requests of all listeners end within timeout.
func shutdown(listeners []listener, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var wg sync.WaitGroup
	for _, l := range listeners {
		wg.Go(func() {
			if err := l.server.Shutdown(ctx); err != nil {
				_ = l.server.Close() // what has not ended by now is cut off
			}
		})
	}
	wg.Wait()
	return nil
}

// A listener is one port and what answers there.
type listener struct {
	listener net.Listener
	server   *http.Server
	url      string
}

// listen opens all ports, or none.
func (v *service) listen() (all []listener, err error) {
	s := v.current.Load()
	c := s.config
	defer func() {
		if err != nil {
			for _, l := range all {
				_ = l.listener.Close() // the first error is the one to report
			}
		}
	}()
	if c.HTTPPort > 0 {
		handler := v.handler(func(s *Server) http.Handler { return s.plainHTTP() })
		l, err := net.Listen("tcp", net.JoinHostPort(c.Listen, strconv.Itoa(c.HTTPPort)))
		if err != nil {
			return all, fmt.Errorf("http_port: %w", err)
		}
		l = listen.Joined(netutil.LimitListener(l, listen.MaxConnections()))
		all = append(all, listener{l, s.newHTTPServer(handler), "http://" + displayAddress(l)})
	}
	if c.HTTPSEnabled {
		l, err := net.Listen("tcp", net.JoinHostPort(c.Listen, strconv.Itoa(c.HTTPSPort)))
		if err != nil {
			return all, fmt.Errorf("https_port: %w", err)
		}
		l = netutil.LimitListener(l, listen.MaxConnections())
		config := listen.TLSConfig(v.certificate, func() bool { return v.current.Load().config.ACME.On() })
		all = append(all, listener{tls.NewListener(l, config), s.newHTTPServer(v), "https://" + displayAddress(l)})
	}
	if c.Admin.Listen != "" {
		l, err := net.Listen("tcp", c.Admin.Listen)
		if err != nil {
			return all, fmt.Errorf("admin.listen: %w", err)
		}
		all = append(all, listener{l, s.newHTTPServer(v.handler(func(s *Server) http.Handler { return s.admin() })), "http://" + displayAddress(l) + " (admin)"})
	}
	return all, nil
}

// displayAddress is an address as one would type it into a browser.
func displayAddress(l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return l.Addr().String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

func (s *Server) newHTTPServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ConnContext:       listen.ConnContext,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// redirect sends a request of plain HTTP to HTTPS: path and query only, and
// only to a host that the configuration allows.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request) {
	if answer := s.probes()[r.URL.Path]; answer != nil { // who asks this has no certificate to check
		answer(w, r)
		return
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if !config.ValidHost(host) || !s.config.AllowsHost(host) {
		http.Error(w, "421 this host is not served here", http.StatusMisdirectedRequest)
		return
	}
	if s.config.HTTPSPort != 443 {
		host = net.JoinHostPort(host, strconv.Itoa(s.config.HTTPSPort))
	} else if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	target := "https://" + host + "/" + strings.TrimLeft(r.URL.EscapedPath(), "/")
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	status := http.StatusPermanentRedirect
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		status = http.StatusMovedPermanently
	}
	w.Header().Set("Location", target)
	w.WriteHeader(status)
}

// openAuthority returns the authority of the configuration, nil if there is none. A
// Server that follows another one with the same settings uses the same.
func (s *Server) openAuthority() (*listen.Authority, error) {
	a := &s.config.ACME
	if !a.On() {
		return nil, nil
	}
	return use(s, cache.Tuple("acme", fmt.Sprintf("%+v", *a)), func() (*listen.Authority, func() error, error) { return listen.NewAuthority(s.config, s.log) })
}

// startAuthority gets the certificates of all hosts before the first client needs them.
// The ports must be open for the challenges of the authority.
func (s *Server) startAuthority() {
	if s.authority == nil {
		return
	}
	if s.config.HTTPPort > 0 {
		_ = s.plainHTTP() // from here on the authority may look there
	}
	go s.authority.Fetch() // nobody waits: what asks the authority cannot be cancelled, and keeps nothing
}

var errNoCertificate = errors.New("there is no certificate")

// getCertificate returns the certificate for a TLS handshake.
func (s *Server) getCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	switch {
	case s.authority != nil:
		return s.authority.Get(hello)
	case s.certificate != nil:
		return s.certificate.Get(hello)
	}
	return nil, errNoCertificate
}

// plainHTTPHandler answers on the port of plain HTTP, also the challenges of the authority
// (ACME).
func (s *Server) plainHTTPHandler() http.Handler {
	var handler http.Handler = s
	if s.config.HTTPSStrict {
		handler = http.HandlerFunc(s.redirect)
	}
	if s.authority != nil {
		handler = s.authority.Answer(handler)
	}
	return handler
}
