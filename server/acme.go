package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"s3imageserver/storage/cache"
)

// ACMEConfig gets certificates from an authority by itself (RFC 8555).
type ACMEConfig struct {
	// Hosts are the host names to get certificates for from an authority (ACME:
	// "tls-alpn-01" on port 443 or "http-01" on port 80), instead of HTTPSCert and
	// HTTPSKey; empty means off.
	Hosts []string `json:"hosts"`
	// AcceptTerms says that the terms of the authority are accepted.
	AcceptTerms bool `json:"accept_terms"`
	// Email is where the authority warns of trouble.
	Email string `json:"email"`
	// Cache is the folder for the account's key and the certificates, which is to be
	// kept; empty means "acme".
	Cache string `json:"cache"`
	// DirectoryURL is the URL of the authority; empty means that of Let's Encrypt.
	DirectoryURL string `json:"directory_url"`
	// CAFile is a PEM file with the certificates by which an authority of one's own
	// is believed; empty means those of the system.
	CAFile string `json:"ca_file"`
}

func (a *ACMEConfig) on() bool { return len(a.Hosts) > 0 }

func (a *ACMEConfig) validate(c *Config, faults *faults) {
	a.DirectoryURL = cmp.Or(a.DirectoryURL, autocert.DefaultACMEDirectory)
	a.Cache = cmp.Or(a.Cache, "acme")
	if !a.on() {
		return
	}
	if !c.HTTPSEnabled {
		faults.add("acme.hosts", "certificates are for HTTPS, but https_enabled is not true")
	}
	if c.HTTPSCert != "" || c.HTTPSKey != "" {
		faults.add("https_cert", "and acme.hosts are two ways to a certificate: use one")
	}
	if !a.AcceptTerms {
		faults.add("acme.accept_terms", "is not true: the authority gives certificates only to those who accept its terms")
	}
	for i, host := range a.Hosts {
		if !validHost(host) || !strings.Contains(strings.Trim(host, "."), ".") || net.ParseIP(host) != nil || host != strings.ToLower(host) {
			faults.add("acme.hosts."+strconv.Itoa(i), "%q is not a host name in small letters that the authority can find", host)
		}
	}
	if u, err := url.Parse(a.DirectoryURL); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		faults.add("acme.directory_url", "%q is not a URL with https, without a user and a password", withoutPassword(a.DirectoryURL))
	}
}

// acmeTimeout bounds one request to the authority.
const acmeTimeout = 30 * time.Second

// authority gets certificates and renews them.
type authority struct {
	manager *autocert.Manager
	hosts   []string
	log     *slog.Logger
	closed  atomic.Bool // no Server uses it any more
}

// authority returns that of the configuration, nil if there is none. A Server
// that follows another one with the same settings uses the same.
func (s *Server) openAuthority() (*authority, error) {
	a := &s.config.ACME
	if !a.on() {
		return nil, nil
	}
	return use(s, cache.Tuple("acme", fmt.Sprintf("%+v", *a)), func() (*authority, func() error, error) {
		client := &acme.Client{DirectoryURL: a.DirectoryURL, UserAgent: "s3imageserver"}
		transport := http.DefaultTransport.(*http.Transport).Clone()
		if a.CAFile != "" {
			pem, err := os.ReadFile(s.config.path(a.CAFile))
			if err != nil {
				return nil, nil, &Fault{Key: "acme.ca_file", Text: err.Error()}
			}
			pool := x509.NewCertPool()
			if !pool.AppendCertsFromPEM(pem) {
				return nil, nil, &Fault{Key: "acme.ca_file", Text: "has no certificate in PEM"}
			}
			transport.TLSClientConfig = &tls.Config{RootCAs: pool}
		}
		client.HTTPClient = &http.Client{Transport: &orderTransport{inner: transport}, Timeout: acmeTimeout}
		one := &authority{hosts: a.Hosts, log: s.log, manager: &autocert.Manager{
			Prompt: autocert.AcceptTOS, Cache: &certificateFolder{autocert.DirCache(s.config.path(a.Cache)), s.log}, HostPolicy: onlyHosts(a.Hosts), Email: a.Email, Client: client,
		}}
		return one, func() error {
			one.closed.Store(true)
			transport.CloseIdleConnections()
			return nil
		}, nil
	})
}

// A certificateFolder says in the log what of its files cannot be read or
// written: package autocert goes on with a certificate that will be gone after a
// restart, and shows others the errors.
type certificateFolder struct {
	autocert.Cache
	log *slog.Logger
}

var errCertificateFolder = errors.New("acme.cache cannot be read")

// maxFileName is how long the name of a file may be on common file systems.
const maxFileName = 255 // bytes

// Get implements [autocert.Cache]. Names of tokens come from clients.
func (f *certificateFolder) Get(ctx context.Context, name string) ([]byte, error) {
	if len(name) > maxFileName {
		return nil, autocert.ErrCacheMiss
	}
	data, err := f.Cache.Get(ctx, name)
	if err != nil && !errors.Is(err, autocert.ErrCacheMiss) {
		f.log.Error(errCertificateFolder.Error(), "error", err)
		return nil, errCertificateFolder
	}
	return data, err
}

// Put implements [autocert.Cache].
func (f *certificateFolder) Put(ctx context.Context, name string, data []byte) error {
	err := f.Cache.Put(ctx, name, data)
	if err != nil {
		f.log.Error("acme.cache cannot be written: what the authority gives will be gone after a restart, and it gives a few a week", "error", err)
	}
	return err
}

// onlyHosts allows the hosts, whatever the port of a request.
func onlyHosts(hosts []string) autocert.HostPolicy {
	allowed := autocert.HostWhitelist(hosts...)
	return func(ctx context.Context, host string) error {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		return allowed(ctx, host)
	}
}

// get returns the certificate for a client, which may have to be fetched.
func (a *authority) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	certificate, err := a.manager.GetCertificate(hello)
	if err != nil && slices.Contains(a.hosts, hello.ServerName) {
		a.log.Error("no certificate from the authority", "kind", hello.ServerName, "error", err)
	}
	return certificate, err
}

// startAuthority gets the certificates of all hosts before clients come for them.
// The ports must be open: the authority looks there.
func (s *Server) startAuthority() {
	if s.authority == nil {
		return
	}
	if s.config.HTTPPort > 0 {
		_ = s.plainly() // from here on the authority may look there
	}
	go s.authority.fetch() // nobody waits: what asks the authority cannot be cancelled, and keeps nothing
}

// fetch gets the certificates of all hosts, as long as any Server uses them: the
// one that began may have been replaced.
func (a *authority) fetch() {
	for _, host := range a.hosts {
		if a.closed.Load() {
			return
		}
		certificate, err := a.get(&tls.ClientHelloInfo{ServerName: host, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}})
		if err == nil && certificate.Leaf != nil {
			a.log.Info("certificate", "host", host, "until", certificate.Leaf.NotAfter.UTC().Format(time.DateOnly))
		}
	}
}

var errNoCertificate = errors.New("there is no certificate")

// getCertificate returns the certificate for a client.
func (s *Server) getCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	switch {
	case s.authority != nil:
		return s.authority.get(hello)
	case s.certificate != nil:
		return s.certificate.get(hello)
	}
	return nil, errNoCertificate
}

// plain answers on the port of plain HTTP, where the authority may look too.
func (s *Server) plain() http.Handler {
	var handler http.Handler = s
	if s.config.HTTPSStrict {
		handler = http.HandlerFunc(s.redirect)
	}
	if s.authority != nil {
		handler = s.authority.manager.HTTPHandler(handler)
	}
	return handler
}
