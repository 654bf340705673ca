package config

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"s3imageserver/resize"
	"s3imageserver/storage"
)

// BoundsConfig is what URLs of a handler may ask for, and who may ask. Nothing
// of it is lifted by a signature or a token; presets are not bound by it.
type BoundsConfig struct {
	// Snap rounds the sizes and qualities of URLs up to the steps of SnapSizes and
	// SnapQualities: this bounds the number of results.
	Snap bool `json:"snap"`
	// SnapSizes are the steps of lengths, in pixels; empty means those of Next.js:
	// 16 32 48 64 96 128 256 384 640 750 828 1080 1200 1920 2048 3840.
	SnapSizes []int `json:"snap_sizes"`
	// SnapQualities are the steps of "q", from 1 to 100; empty means 25 50 75 90 100.
	SnapQualities []int `json:"snap_qualities"`
	// AllowedSizes are the only sizes that URLs may ask for: "300x200", "640" for a width,
	// "x480" for a height, "original" for neither; others get status 400. Empty means all.
	AllowedSizes []string `json:"allowed_sizes"`
	// AllowedOptions are the only parameters that may change pixels; others are ignored.
	// Empty means all.
	AllowedOptions []string `json:"allowed_options"`
	// Referers are the hosts of the pages that may embed the pictures, "*." before one for
	// its sub-domains, "none" for requests that name no page; empty means all.
	Referers []string `json:"referers"`
	// Misses bounds the rate of new results (cache misses), for all clients together:
	// beyond it the status is 503 with "Retry-After"; cached results are still served.
	Misses Rate `json:"misses"`
	// Blocked are lists of blocked pictures.
	Blocked []BlockedConfig `json:"blocked"`
}

// BlockedConfig is a list of pictures that are not shown.
type BlockedConfig struct {
	// Names are names of pictures; one that ends with "*" blocks all names with that
	// prefix.
	Names []string `json:"names"`
	// File is a file with more names, one per line, "#" starts a comment; it is reloaded
	// when it changes.
	File string `json:"file"`
	// Status is the status of the response: 410, or 451 for legal reasons; 0 means 410.
	Status StatusCode `json:"status"`
}

// RateConfig bounds how many requests one client may send. Zero values mean no
// bound.
type RateConfig struct {
	// Client bounds the requests of one address, or one IPv6 network of 64 bits;
	// beyond it the answer is 429 with "Retry-After".
	Client Rate `json:"client"`
	// Token bounds the requests of the owner of a token: "sub", else the token
	// itself; likewise.
	Token Rate `json:"token"`
}

// A Rate is how many of something come in the long run and at once.
type Rate struct {
	// PerSecond is the rate in the long run; 0 means any.
	PerSecond float64 `json:"per_second"`
	// Burst is how many requests may arrive at once; 0 means as many as in ten seconds.
	Burst int `json:"burst"`
}

var (
	// DefaultSnapSizes are those of Next.js: its imageSizes and deviceSizes.
	DefaultSnapSizes     = []int{16, 32, 48, 64, 96, 128, 256, 384, 640, 750, 828, 1080, 1200, 1920, 2048, 3840}
	DefaultSnapQualities = []int{25, 50, 75, 90, 100}
)

func (c *BoundsConfig) validate(key string, foreign bool, faults *Faults) {
	c.SnapSizes = ladder(c.SnapSizes, DefaultSnapSizes, LargestDimension, key+".snap_sizes", faults)
	c.SnapQualities = ladder(c.SnapQualities, DefaultSnapQualities, 100, key+".snap_qualities", faults)
	c.Misses.validate(key+".misses", faults)
	if c.Snap && len(c.AllowedSizes) > 0 {
		faults.Add(key+".snap", "goes not together with allowed_sizes: sizes are either rounded or refused")
	}
	for i, text := range c.AllowedSizes {
		if _, err := ParseSize(text); err != nil {
			faults.Add(key+".allowed_sizes."+strconv.Itoa(i), "%v", err)
		}
	}
	for i, name := range c.AllowedOptions {
		if !foreign && !resize.KnownParam(name) { // a dialect has words of its own
			faults.Add(key+".allowed_options."+strconv.Itoa(i), "%q is no parameter that changes pixels", name)
		}
	}
	for i, host := range c.Referers {
		if host == "" || strings.ContainsAny(strings.TrimPrefix(host, "*."), "/*@ \t:") {
			faults.Add(key+".referers."+strconv.Itoa(i), "%q is not a host name", host)
		}
	}
	for i := range c.Blocked {
		b, at := &c.Blocked[i], key+".blocked."+strconv.Itoa(i)
		if len(b.Names) == 0 && b.File == "" {
			faults.Add(at, "needs names or a file")
		}
		for j, name := range b.Names {
			if !ValidBlocked(name) {
				faults.Add(at+".names."+strconv.Itoa(j), "%q is not a name of an object", name)
			}
		}
		if b.Status == 0 {
			b.Status = http.StatusGone
		}
		if b.Status != http.StatusGone && b.Status != http.StatusUnavailableForLegalReasons {
			faults.Add(at+".status", "is neither 410 nor 451")
		}
	}
}

// ladder returns steps in their order, those of defaults if there are none.
func ladder(steps, defaults []int, most int, key string, faults *Faults) []int {
	if len(steps) == 0 {
		return defaults
	}
	steps = slices.Clone(steps)
	for i, n := range steps {
		if n < 1 || n > most {
			faults.Add(key+"."+strconv.Itoa(i), "%d is not between 1 and %d", n, most)
		}
	}
	slices.Sort(steps)
	return slices.Compact(steps)
}

// ParseSize reads one of AllowedSizes.
func ParseSize(text string) (size [2]int, err error) {
	if text == "original" {
		return size, nil
	}
	w, h, _ := strings.Cut(text, "x")
	for i, side := range []string{w, h} {
		if side == "" {
			continue
		}
		n, err := strconv.Atoi(side)
		if err != nil || n < 1 || n > LargestDimension {
			return size, fmt.Errorf("%q is no size as in 300x200, 300, x200 or original", text)
		}
		size[i] = n
	}
	if size == [2]int{} {
		return size, fmt.Errorf("%q is no size as in 300x200, 300, x200 or original", text)
	}
	return size, nil
}

// ValidBlocked reports whether name may be in a list of blocked pictures.
func ValidBlocked(name string) bool {
	rest, ok := strings.CutSuffix(name, "*")
	return ok && rest == "" || storage.ValidName(strings.TrimSuffix(rest, "/"))
}

func (r *RateConfig) validate(key string, faults *Faults) {
	r.Client.validate(key+".client", faults)
	r.Token.validate(key+".token", faults)
}

func (r *Rate) validate(key string, faults *Faults) {
	if !(r.PerSecond >= 0 && r.PerSecond <= 1e6) {
		faults.Add(key+".per_second", "%v is not between 0 and 1000000", r.PerSecond)
	}
	if r.Burst < 0 || r.Burst > 0 && r.PerSecond == 0 {
		faults.Add(key+".burst", "%d needs a per_second, and is not negative", r.Burst)
	}
	if r.Burst == 0 && r.PerSecond > 0 {
		r.Burst = max(1, int(10*r.PerSecond))
	}
}

// validateClients checks what says which client a request is from.
func (c *Config) validateClients(faults *Faults) {
	for i, text := range c.TrustedProxies {
		if _, err := ParseNetwork(text); err != nil {
			faults.Add("trusted_proxies."+strconv.Itoa(i), "%q is neither an address nor a network as in 10.0.0.0/8", text)
		}
	}
	switch c.ClientHeader = http.CanonicalHeaderKey(c.ClientHeader); c.ClientHeader {
	case "":
		c.ClientHeader = ForwardedFor
	case ForwardedFor, Forwarded:
	default:
		faults.Add("client_header", "%q is neither %s nor %s", c.ClientHeader, ForwardedFor, Forwarded)
	}
	c.RateLimit.validate("rate_limit", faults)
}

// ParseNetwork reads an address or a network.
func ParseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

// Headers that proxies put the address of a client into: the older one, and
// that of RFC 7239.
const (
	ForwardedFor = "X-Forwarded-For"
	Forwarded    = "Forwarded"
)

// Counted are the parameters of URLs that may have an effect.
type Counted struct {
	Options map[string]bool // nil: all
	listed  bool            // sizes are from a list
}

// Counted returns what URLs of the handler may say.
func (h *HandlerConfig) Counted() Counted {
	c := Counted{listed: len(h.AllowedSizes) > 0}
	if h.PresetsOnly {
		c.Options = map[string]bool{"f": true} // a <picture> and a redirect need it
	}
	for _, name := range h.AllowedOptions {
		if c.Options == nil {
			c.Options = map[string]bool{}
		}
		c.Options[name] = c.Options[name] || !h.PresetsOnly
	}
	return c
}

// unlisted are parameters that make a picture larger, beside those of its size,
// that would lead out of a list of sizes.
var unlisted = []string{"ar", "zoom", "minw", "minh", "padding"}

// Narrow returns the parameters of a URL that count; the others are noted.
func (c Counted) Narrow(query url.Values, note func(resize.Note)) url.Values {
	if c.All() {
		return query
	}
	kept := maps.Clone(query)
	for name, values := range query {
		if !c.Counts(name) {
			note(resize.Note{Name: name, Value: values[0], Verdict: resize.Unknown})
			delete(kept, name)
		}
	}
	return kept
}

// Counts reports whether a parameter of a URL may have an effect.
func (c Counted) Counts(name string) bool {
	return !resize.KnownParam(name) || (c.Options == nil || c.Options[name]) && !(c.listed && slices.Contains(unlisted, name))
}

// All reports whether every parameter may have one.
func (c Counted) All() bool { return c.Options == nil && !c.listed }
