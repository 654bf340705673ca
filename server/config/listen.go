package config

import (
	"crypto/tls"
	"math"
	"slices"
	"strings"
)

// ValidHost reports whether host is made of the bytes of a name or an address.
func ValidHost(host string) bool {
	if host == "" {
		return false
	}
	for i := range len(host) {
		switch c := host[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == ':', c == '_':
		default:
			return false
		}
	}
	return true
}

// AllowsHost reports whether requests may be sent to that host name.
func (c *Config) AllowsHost(host string) bool {
	return len(c.Hosts) == 0 || HostIn(host, c.Hosts)
}

// HostIn reports whether a list has a host name, or "*." and a domain above it.
func HostIn(host string, list []string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(list, func(allowed string) bool {
		allowed = strings.ToLower(allowed)
		suffix, wild := strings.CutPrefix(allowed, "*")
		return wild && strings.HasSuffix(host, suffix) || host == allowed
	})
}

func (c *Config) validateProbes(faults *Faults) {
	for _, p := range []struct{ key, path string }{{"health_path", c.HealthPath}, {"ready_path", c.ReadyPath}} {
		switch {
		case p.path == "":
		case !strings.HasPrefix(p.path, "/") || !validPrefix(strings.TrimPrefix(p.path, "/")):
			faults.Add(p.key, "%q is not a path of letters, digits and - . _ ~ /", p.path)
		case p.path == c.Events.Path:
			faults.Add(p.key, "%q is events.path too", p.path)
		}
	}
	if c.HealthPath != "" && c.HealthPath == c.ReadyPath {
		faults.Add("ready_path", "%q is health_path too", c.ReadyPath)
	}
}

func (c *Config) validateHTTPS(faults *Faults) {
	if c.HTTPSPort < 1 || c.HTTPSPort > math.MaxUint16 {
		faults.Add("https_port", "%d is not a port", c.HTTPSPort)
	}
	if c.HTTPSPort == c.HTTPPort {
		faults.Add("https_port", "%d is the port of plain HTTP too", c.HTTPSPort)
	}
	if c.ACME.On() {
		return
	}
	for key, file := range map[string]string{"https_cert": c.HTTPSCert, "https_key": c.HTTPSKey} {
		if file == "" {
			faults.Add(key, "is needed when https_enabled is true")
		}
	}
	if c.HTTPSCert != "" && c.HTTPSKey != "" {
		if _, err := LoadCertificate(c.Path(c.HTTPSCert), c.Path(c.HTTPSKey)); err != nil {
			faults.Add("https_cert", "%v", err)
		}
	}
}

func LoadCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	certificate, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	return &certificate, nil
}
