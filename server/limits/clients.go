package limits

import (
	"net/http"
	"net/netip"
	"strings"

	"s3imageserver/server/config"
)

// maxHops is how many addresses of a header are looked at.
const maxHops = 32

// Clients tells the addresses of clients.
type Clients struct {
	proxies []netip.Prefix // whose word counts
	header  string         // that they write
}

func NewClients(c *config.Config) *Clients {
	all := &Clients{header: c.ClientHeader}
	for _, text := range c.TrustedProxies {
		if p, err := config.ParseNetwork(text); err == nil { // they were checked
			all.proxies = append(all.proxies, p)
		}
	}
	return all
}

// Address returns the address of the client that a request is from: that of the
// connection, or, if that is a proxy of ours, the last one in the header that is
// not. What stands before it anybody may have written. The zero value is
// unknown.
func (c *Clients) Address(r *http.Request) netip.Addr {
	peer, _ := parseHop(r.RemoteAddr)
	if !c.trusts(peer) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values(c.header), ","), ",")
	for i := len(hops) - 1; i >= max(0, len(hops)-maxHops); i-- {
		hop := hops[i]
		if c.header == config.Forwarded {
			hop = forParameter(hop)
		}
		a, ok := parseHop(hop)
		if !ok {
			return peer
		}
		if peer = a; !c.trusts(a) {
			return a
		}
	}
	return peer
}

// FromProxy reports whether a request comes from a proxy of ours.
func (c *Clients) FromProxy(r *http.Request) bool {
	if len(c.proxies) == 0 {
		return false
	}
	peer, _ := parseHop(r.RemoteAddr)
	return c.trusts(peer)
}

func (c *Clients) trusts(a netip.Addr) bool {
	for _, p := range c.proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// parseHop reads an address, with or without a port.
func parseHop(text string) (a netip.Addr, ok bool) {
	text = strings.TrimSpace(text)
	if p, err := netip.ParseAddrPort(text); err == nil {
		return p.Addr().Unmap().WithZone(""), true
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return a.Unmap().WithZone(""), err == nil
}

// forParameter returns the value of for in an element of Forwarded.
func forParameter(element string) string {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(pair, "=")
		if strings.EqualFold(strings.TrimSpace(name), "for") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}
