// Package config is the configuration of a server: its types, loading and
// checking it, and what can be said of URLs by it without a server: their
// parameters, signatures and translations.
package config

import (
	"cmp"
	"io/fs"
	"math"
	"net"
	"strconv"
	"strings"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Config is the configuration of a server, as config.json spells it. [Load]
// reads one; one that is put together in Go needs [Config.Validate], which
// also sets the defaults.
type Config struct {
	// Handlers are the routes: where pictures come from, and how they are
	// answered.
	Handlers []HandlerConfig `json:"handlers"`

	// HTTPPort is the port of plain HTTP, -1 for off; 0 means 80.
	HTTPPort int `json:"http_port"`
	// HTTPSEnabled serves HTTPS too, with the certificate and the key of HTTPSCert
	// and HTTPSKey, or those that ACME gets.
	HTTPSEnabled bool `json:"https_enabled"`
	// HTTPSPort is the port of HTTPS; 0 means 443.
	HTTPSPort int `json:"https_port"`
	// HTTPSCert is a PEM file with the certificate and those between it and its
	// authority; it is read again when it changes.
	HTTPSCert string `json:"https_cert"`
	// HTTPSKey is a PEM file with the key of the certificate.
	HTTPSKey string `json:"https_key"`
	// ACME gets certificates by itself, instead of HTTPSCert and HTTPSKey.
	ACME ACMEConfig `json:"acme"`
	// HTTPSStrict redirects all of plain HTTP to HTTPS.
	HTTPSStrict bool `json:"https_strict"`
	// Hosts are the host names that requests may be redirected to, "*." before one
	// for its sub-domains; empty means all.
	Hosts []string `json:"hosts"`
	// HSTS is for how many seconds browsers that have used HTTPS must use HTTPS only
	// ("Strict-Transport-Security"); 0 means not at all.
	HSTS int64 `json:"hsts"`
	// Listen is the IP address to listen on; empty means every interface.
	Listen string `json:"listen"`
	// WatchConfig reloads a changed configuration file without a restart, as SIGHUP does
	// in any case; absent means true.
	WatchConfig *bool `json:"watch_config"`
	// HealthPath is where the public ports answer 200 as long as the process
	// answers, as in "/healthz"; HTTPSStrict does not redirect it. Empty means
	// nowhere.
	HealthPath string `json:"health_path"`
	// ReadyPath is where they answer 503 while no picture can be made, as in
	// "/readyz"; empty means nowhere.
	ReadyPath string `json:"ready_path"`
	// ShutdownDelay is for how many seconds a server that was told to stop continues to
	// serve requests, while ReadyPath says that it is not ready: load balancers notice it
	// and use other servers. 0 means that it stops at once.
	ShutdownDelay int64 `json:"shutdown_delay"`
	// ShutdownSeconds is how many seconds running requests may take to finish then; the
	// others are aborted. 0 means 8.
	ShutdownSeconds int64 `json:"shutdown_seconds"`
	// Playground serves the page for trying URLs of the handlers that need no
	// authentication, at "/".
	Playground bool `json:"playground"`
	// MemoryBudget bounds the memory of the pictures that are being processed, in MB; one
	// that needs more is refused (422). 0 means a quarter of the memory of the container,
	// else of the machine, at least 512.
	MemoryBudget int64 `json:"memory_budget"`
	// Auth is the verification of all handlers that have none of their own; nil
	// means none.
	Auth *AuthConfig `json:"auth"`
	// AuthStatus is the status of a request that fails authentication: 401, 403 or 404;
	// for all handlers without their own. 0 means 404, like that of a missing picture.
	AuthStatus StatusCode `json:"auth_status"`
	// TrustedProxies are addresses, or networks as in "10.0.0.0/8", whose ClientHeader,
	// request ID and "traceparent" are trusted; empty means none.
	TrustedProxies []string `json:"trusted_proxies"`
	// ClientHeader is the header with the address of the client: "X-Forwarded-For" or
	// "Forwarded"; empty means "X-Forwarded-For".
	ClientHeader string `json:"client_header"`
	// RateLimit bounds how many requests one client may send.
	RateLimit RateConfig `json:"rate_limit"`
	// Log configures logging.
	Log LogConfig `json:"log"`
	// Tracing configures OpenTelemetry traces.
	Tracing TracingConfig `json:"tracing"`
	// Admin is the listener for operators: purges, metrics, health and the playground.
	Admin AdminConfig `json:"admin"`
	// Events configures notifications of stores about changed objects.
	Events EventsConfig `json:"events"`

	// Presets are names for "preset", each with a query as in
	// "w=300&h=200&fit=pad".
	Presets map[string]string `json:"presets"`
	// Fonts are names for "txtfont", each with a TrueType or OpenType file.
	Fonts map[string]string `json:"fonts"`

	doc   *document // the text that it was read from; nil: none
	base  string    // folder of the configuration file
	files fs.FS     // embedded files for relative paths that do not exist; nil: none
}

// A StatusCode is an HTTP status, written as a number or a string; 0 means
// that none is set.
type StatusCode int

// UnmarshalJSON reads 404 and "404"; anything else is a number that Validate
// refuses.
func (c *StatusCode) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "null" || text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		n = -1
	}
	*c = StatusCode(n)
	return nil
}

const (
	defaultCacheTime      = 604800 // seconds: a week
	defaultMaxSourceBytes = 50 << 20
	defaultWebPMethod     = 2
	defaultAVIFEffort     = 4
	ShowDamaged           = "show"
	FastScaling           = "fast"
	VerifyMD5             = "md5"
	ForeverSeconds        = 31536000 // what max-age says for "never expires"
	LargestDimension      = 12000
	// Docker kills ten seconds after it has told a container to end.
	DefaultShutdownSeconds = 8
	mostShutdownSeconds    = 3600
)

var DefaultOutputFormats = []string{"jpeg", "png", "webp", "gif"}

var defaultAllowedFormats = []string{"png", "jpg", "jpeg", "gif", "webp"}

// Validate sets the defaults of absent fields and checks the rest. The error
// joins all faults; each is a [*Fault] that names its key.
func (c *Config) Validate() error {
	var faults Faults
	c.HTTPPort = cmp.Or(c.HTTPPort, 80)
	c.HTTPSPort = cmp.Or(c.HTTPSPort, 443)
	if c.MemoryBudget == 0 {
		c.MemoryBudget = defaultBudget(memlimit.FromCgroup, memlimit.FromSystem)
	}
	if c.HTTPPort < -1 || c.HTTPPort > math.MaxUint16 {
		faults.Add("http_port", "%d is not a port, and not -1 for off", c.HTTPPort)
	}
	if c.HTTPSEnabled {
		c.validateHTTPS(&faults)
	} else if c.HTTPPort == -1 {
		faults.Add("http_port", "off, and https_enabled is not true: nothing would be served")
	}
	c.ACME.validate(c, &faults)
	if c.HTTPSStrict && !c.HTTPSEnabled {
		faults.Add("https_strict", "redirects to HTTPS, but https_enabled is not true")
	}
	if c.MemoryBudget < leastBudget {
		faults.Add("memory_budget", "%d MB is too little for any picture; the least is %d", c.MemoryBudget, leastBudget)
	}
	if c.Listen != "" && net.ParseIP(c.Listen) == nil {
		faults.Add("listen", "%q is not an IP address", c.Listen)
	}
	for i, host := range c.Hosts {
		if host == "" || strings.ContainsAny(strings.TrimPrefix(host, "*."), "/*@ \t:") {
			faults.Add("hosts."+strconv.Itoa(i), "%q is not a host name", host)
		}
	}
	validatePresets(c.Presets, LargestDimension, "", &faults)
	for name := range c.Fonts {
		if !validOverlayName(name) {
			faults.Add("fonts."+name, "%q is not a name of at most 64 letters", name)
		}
	}
	if c.WatchConfig == nil {
		c.WatchConfig = new(true)
	}
	c.ShutdownSeconds = cmp.Or(c.ShutdownSeconds, DefaultShutdownSeconds)
	for key, n := range map[string]int64{"shutdown_delay": c.ShutdownDelay, "shutdown_seconds": c.ShutdownSeconds} {
		if n < 0 || n > mostShutdownSeconds {
			faults.Add(key, "%d is not between 0 and %d seconds", n, mostShutdownSeconds)
		}
	}
	if c.HSTS < 0 {
		faults.Add("hsts", "%d seconds are negative", c.HSTS)
	}
	c.validateProbes(&faults)
	if len(c.Handlers) == 0 {
		faults.Add("handlers", "there is none: nothing would be served")
	}
	c.Log.validate(&faults)
	c.Tracing.validate(&faults)
	c.Admin.validate(c, &faults)
	c.Events.validate(c, &faults)
	c.validateAuth(&faults)
	c.validateClients(&faults)
	seen, folders := map[string]int{}, map[string]CacheConfig{}
	for i := range c.Handlers {
		h, key := &c.Handlers[i], "handlers."+strconv.Itoa(i)
		h.validate(key, &faults)
		h.validatePresets(c, key, &faults)
		h.BoundsConfig.validate(key, h.Dialect != nil, &faults)
		if first, ok := seen[h.Prefix]; ok {
			faults.Add(key+".prefix", "%q is already the prefix of handler %d", h.Prefix, first+1)
		} else if h.Prefix != "" {
			seen[h.Prefix] = i
		}
		disk := CacheConfig{DiskMB: h.Cache.DiskMB, MinFree: h.Cache.MinFree}
		if first, ok := folders[h.CachePath]; ok && h.CachePath != "" && first != disk {
			faults.Add(key+".cache", "another handler with the same cache_path has another disk_mb or min_free")
		}
		folders[h.CachePath] = disk
	}
	return faults.Join()
}
