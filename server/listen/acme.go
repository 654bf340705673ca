package listen

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"s3imageserver/server/config"
)

// acmeTimeout bounds one request to the authority.
const acmeTimeout = 30 * time.Second

// Authority gets certificates and renews them.
type Authority struct {
	Manager *autocert.Manager
	hosts   []string
	log     *slog.Logger
	closed  atomic.Bool // no Server uses it any more
}

// NewAuthority returns the authority of a configuration that has one; it is asked
// nothing yet. close is called when nobody uses it any more.
func NewAuthority(c *config.Config, log *slog.Logger) (one *Authority, close func() error, err error) {
	a := &c.ACME
	client := &acme.Client{DirectoryURL: a.DirectoryURL, UserAgent: "s3imageserver"}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if a.CAFile != "" {
		pem, err := os.ReadFile(c.Path(a.CAFile))
		if err != nil {
			return nil, nil, &config.Fault{Key: "acme.ca_file", Text: err.Error()}
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, nil, &config.Fault{Key: "acme.ca_file", Text: "has no certificate in PEM"}
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	client.HTTPClient = &http.Client{Transport: &orderTransport{inner: transport}, Timeout: acmeTimeout}
	one = &Authority{hosts: a.Hosts, log: log, Manager: &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: &certificateFolder{autocert.DirCache(c.Path(a.Cache)), log}, HostPolicy: onlyHosts(a.Hosts), Email: a.Email, Client: client,
	}}
	return one, func() error {
		one.closed.Store(true)
		transport.CloseIdleConnections()
		return nil
	}, nil
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
		f.log.Error("acme.cache cannot be written: certificates are lost at a restart, and the authority issues only a few a week", "error", err)
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

// Get returns the certificate for a client, which may have to be fetched.
func (a *Authority) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	certificate, err := a.Manager.GetCertificate(hello)
	if err != nil && slices.Contains(a.hosts, hello.ServerName) {
		a.log.Error("no certificate from the authority", "kind", hello.ServerName, "error", err)
	}
	return certificate, err
}

// Fetch gets the certificates of all hosts, as long as any Server uses them: the
// one that began may have been replaced.
func (a *Authority) Fetch() {
	for _, host := range a.hosts {
		if a.closed.Load() {
			return
		}
		certificate, err := a.Get(&tls.ClientHelloInfo{ServerName: host, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}})
		if err == nil && certificate.Leaf != nil {
			a.log.Info("certificate", "host", host, "until", certificate.Leaf.NotAfter.UTC().Format(time.DateOnly))
		}
	}
}

// Answer answers the authority on the port of plain HTTP, and by next all others.
func (a *Authority) Answer(next http.Handler) http.Handler { return a.Manager.HTTPHandler(next) }
