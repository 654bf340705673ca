package config

import (
	"cmp"
	"net"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/crypto/acme"
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
	// CAFile is a PEM file with the certificates of a private authority; empty means those
	// of the system.
	CAFile string `json:"ca_file"`
}

func (a *ACMEConfig) On() bool { return len(a.Hosts) > 0 }

func (a *ACMEConfig) validate(c *Config, faults *Faults) {
	a.DirectoryURL = cmp.Or(a.DirectoryURL, acme.LetsEncryptURL)
	a.Cache = cmp.Or(a.Cache, "acme")
	if !a.On() {
		return
	}
	if !c.HTTPSEnabled {
		faults.Add("acme.hosts", "certificates are for HTTPS, but https_enabled is not true")
	}
	if c.HTTPSCert != "" || c.HTTPSKey != "" {
		faults.Add("https_cert", "and acme.hosts are two ways to a certificate: use one")
	}
	if !a.AcceptTerms {
		faults.Add("acme.accept_terms", "is not true: the authority gives certificates only to those who accept its terms")
	}
	for i, host := range a.Hosts {
		if !ValidHost(host) || !strings.Contains(strings.Trim(host, "."), ".") || net.ParseIP(host) != nil || host != strings.ToLower(host) {
			faults.Add("acme.hosts."+strconv.Itoa(i), "%q is not a host name in small letters that the authority can find", host)
		}
	}
	if u, err := url.Parse(a.DirectoryURL); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		faults.Add("acme.directory_url", "%q is not a URL with https, without a user and a password", withoutPassword(a.DirectoryURL))
	}
}
