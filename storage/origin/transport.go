package origin

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

const (
	maxRedirects = 5
	// maxConnections is how many there are to one host, more than a server asks for
	// at once: who waited for one would take the server for slow.
	maxConnections = 512
	maxIdle        = 16 // of them
)

// forbids reports whether no connection to an address is made.
func (b *Bucket) forbids(ip netip.Addr) bool {
	network := "tcp4"
	if ip.Is6() {
		network = "tcp6"
	}
	return b.guardian().Safe(network, netip.AddrPortFrom(ip, 443).String(), nil) != nil
}

// azure is where machines of Azure find what is for them alone, at an address
// that looks public.
var azure = netip.MustParsePrefix("168.63.129.16/32")

func (b *Bucket) guardian() *ssrf.Guardian {
	var v4, v6 []netip.Prefix
	for _, p := range b.config.Networks {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	return ssrf.New(ssrf.WithAnyPort(), ssrf.WithDeniedV4Prefixes(azure), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
}

// transport connects only to addresses that are allowed. It asks no proxy: what
// a proxy connects to cannot be checked here.
func (b *Bucket) transport() *http.Transport {
	dialer := &net.Dialer{Timeout: b.config.ConnectTimeout, KeepAlive: 15 * time.Second, Control: b.guardian().Safe}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    b.config.ConnectTimeout,
		ResponseHeaderTimeout:  b.config.HeaderTimeout,
		MaxIdleConns:           16 * maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		MaxConnsPerHost:        maxConnections,
		IdleConnTimeout:        60 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // the bytes are counted as they are sent
		ForceAttemptHTTP2:      true,
	}
}

var errRedirect = errors.New("redirects to a place that is not allowed")

// redirect decides whether a redirect is followed.
func (b *Bucket) redirect(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("%w: more than %d redirects", errRedirect, maxRedirects)
	}
	if via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
		return fmt.Errorf("%w: from https to %s", errRedirect, r.URL.Scheme)
	}
	home := b.base != nil && r.URL.Host == b.base.Host && r.URL.Scheme == b.base.Scheme
	if r.URL.User != nil || !home && !b.allowed(r.URL.Host) {
		return fmt.Errorf("%w: %s", errRedirect, r.URL.Host)
	}
	for name := range b.config.Header {
		if !home {
			r.Header.Del(name)
		}
	}
	r.Header.Del("Referer")
	return nil
}

// allowed reports whether host is one of Config.Hosts.
func (b *Bucket) allowed(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(b.config.Hosts, func(h string) bool {
		h = strings.ToLower(h)
		if domain, ok := strings.CutPrefix(h, "*"); ok {
			return strings.HasSuffix(host, domain) && len(host) > len(domain)
		}
		return host == h
	})
}
