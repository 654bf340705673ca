// Package listen is what the ports of a server need: certificates, from files or by
// ACME (RFC 8555), and how many connections there may be.
package listen

import (
	"crypto/tls"
	"log/slog"
	"slices"

	"golang.org/x/crypto/acme"

	"s3imageserver/server/config"
	"s3imageserver/server/refresh"
)

// TLSConfig returns that of the listener of HTTPS. An authority that asks for a
// challenge (RFC 8737) is answered while asked says so.
func TLSConfig(certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error), asked func() bool) *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: certificate}
	challenged := config.Clone()
	challenged.NextProtos = append(slices.Clone(config.NextProtos), acme.ALPNProto)
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if slices.Contains(hello.SupportedProtos, acme.ALPNProto) && asked() {
			return challenged, nil
		}
		return nil, nil // config itself
	}
	return config
}

// A reloader hands out a certificate and reads it again when its files change.
// A new one that is not valid is logged, and the old one stays.
type Certificate struct {
	certFile    string
	certificate *refresh.Watched[*tls.Certificate]
	log         *slog.Logger
}

func NewCertificate(certFile, keyFile string, log *slog.Logger) (r *Certificate, err error) {
	r = &Certificate{certFile: certFile, log: log}
	r.certificate, err = refresh.Watch(func() (*tls.Certificate, error) { return config.LoadCertificate(certFile, keyFile) }, certFile, keyFile)
	return r, err
}

func (r *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return r.certificate.Get(func(_ *tls.Certificate, err error) {
		if err != nil {
			r.log.Error("certificate not reloaded: the old one stays in use", "error", err)
		} else {
			r.log.Info("certificate reloaded", "https_cert", r.certFile)
		}
	}), nil
}
