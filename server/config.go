package server

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"io/fs"
	"math"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"s3imageserver/resize"
	"s3imageserver/server/dialect"
	"s3imageserver/storage"
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
	// HSTS is for how many seconds browsers that have come by HTTPS are to come by
	// HTTPS only ("Strict-Transport-Security"); 0 means not at all.
	HSTS int64 `json:"hsts"`
	// Listen is the IP address to listen on; empty means every interface.
	Listen string `json:"listen"`
	// WatchConfig takes a changed configuration file without a restart, as SIGHUP
	// does in any case; absent means true.
	WatchConfig *bool `json:"watch_config"`
	// HealthPath is where the public ports answer 200 as long as the process
	// answers, as in "/healthz"; HTTPSStrict does not redirect it. Empty means
	// nowhere.
	HealthPath string `json:"health_path"`
	// ReadyPath is where they answer 503 while no picture can be made, as in
	// "/readyz"; empty means nowhere.
	ReadyPath string `json:"ready_path"`
	// ShutdownDelay is for how many seconds a server that was told to end goes on as
	// before, while ReadyPath says that it is not ready: those who send requests see
	// it and turn to others. 0 means that it ends at once.
	ShutdownDelay int64 `json:"shutdown_delay"`
	// ShutdownSeconds is how many seconds requests that run may take to end then; what
	// is left is cut off. 0 means 8.
	ShutdownSeconds int64 `json:"shutdown_seconds"`
	// Playground serves the page on which handlers that are open to everybody can
	// be tried, at "/".
	Playground bool `json:"playground"`
	// MemoryBudget bounds the pictures being worked on, in MB; one that needs more
	// is refused (422). 0 means a quarter of the memory of the container, else of the
	// machine, at least 512.
	MemoryBudget int64 `json:"memory_budget"`
	// Auth is the verification of all handlers that have none of their own; nil
	// means none.
	Auth *AuthConfig `json:"auth"`
	// AuthStatus is the answer to a request that fails the verification: 401, 403
	// or 404; of all handlers that say nothing else. 0 means 404, as of a picture
	// that is not there.
	AuthStatus StatusCode `json:"auth_status"`
	// TrustedProxies are addresses, or networks as in "10.0.0.0/8", whose
	// ClientHeader, request number and "traceparent" are believed; empty means none.
	TrustedProxies []string `json:"trusted_proxies"`
	// ClientHeader is where they say whom they ask for: "X-Forwarded-For" or
	// "Forwarded"; empty means "X-Forwarded-For".
	ClientHeader string `json:"client_header"`
	// RateLimit bounds how many requests one client may send.
	RateLimit RateConfig `json:"rate_limit"`
	// Log says what is logged, and how.
	Log LogConfig `json:"log"`
	// Tracing is where traces are sent.
	Tracing TracingConfig `json:"tracing"`
	// Admin is the listener for purges and for those who watch the server.
	Admin AdminConfig `json:"admin"`
	// Events is how stores tell of changes.
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

// HandlerConfig is one handler: a route, where its pictures come from, and
// how they are answered.
type HandlerConfig struct {
	// Name is the name of the handler; empty means that of "prefix".
	Name string `json:"name"`
	// Prefix is the route "/<prefix>/…": letters, digits and "- . _ ~ /"; the
	// longest that fits answers. Empty means that
	// of "name". "/" is the root of the site, for handlers with a dialect.
	Prefix string `json:"prefix"`
	// AWS is a bucket of an S3-compatible store. A handler has one of "aws", "source"
	// and "sources".
	AWS *AWSConfig `json:"aws"`
	// Source is a folder or a web server.
	Source SourceConfig `json:"source"`
	// Sources are several sources, asked in this order: a list of objects with the
	// keys of "aws" or of "source".
	Sources []SourceEntry `json:"sources"`
	// Bucket is in their place in configurations that are put together in Go.
	Bucket storage.Bucket `json:"-"`

	// Dialect reads the URLs of another image server in place of our own; nil means
	// none.
	Dialect *dialect.Settings `json:"dialect"`
	// BoundsConfig is what URLs may ask for.
	BoundsConfig
	// Auth is the verification of the requests; nil means that of the server.
	Auth *AuthConfig `json:"auth"`
	// AuthStatus is the answer to a request that fails the verification: 401, 403
	// or 404; 0 means that of the server.
	AuthStatus StatusCode `json:"auth_status"`
	// ErrorImage is a picture file that is sent, resized, in place of a picture
	// that cannot be; empty means none: an empty body.
	ErrorImage string `json:"error_image"`
	// ErrorImages are such files by the cause, as in
	// `{"404": "gone.png", "5xx": "trouble.png"}`: a status above 400, or all of
	// "4xx" or "5xx"; the others have ErrorImage.
	ErrorImages map[string]string `json:"error_images"`
	// ErrorImageAge is for how many seconds others may keep an answer without a
	// picture: one that will be so for some time, never a failed verification, an
	// overload or a store in trouble; 0 means not at all.
	ErrorImageAge int64 `json:"error_image_age"`
	// ErrorStatus is one status for all faults of pictures and sources; 0 means
	// that of the fault.
	ErrorStatus StatusCode `json:"error_status"`
	// AllowedFormats are the extensions that names may have, with or without a dot,
	// and the formats that are read beside PNG, JPEG, GIF and WebP; "*" allows all
	// names, also those without any, but no format beyond those four: AVIF, HEIC,
	// JXL, TIFF, BMP and ICO have to be named. Empty means png, jpg, jpeg, gif and
	// webp.
	AllowedFormats []string `json:"allowed_formats"`
	// OutputFormats are the formats that "f" may ask for, beside OutputFormat; empty
	// means jpeg, png, webp and gif.
	OutputFormats []string `json:"output_formats"`
	// OutputFormat is the format when the URL has no "f": any that can be written,
	// or "auto"; empty means "webp".
	OutputFormat string `json:"output_format"`
	// MaxDimension is the largest "w" and "h", in pixels; 0 means 3064.
	MaxDimension int `json:"max_dimension"`
	// Presets are presets of this handler beside those of the server.
	Presets map[string]string `json:"presets"`
	// DefaultPreset is the preset below the parameters of every URL; empty means
	// none.
	DefaultPreset string `json:"default_preset"`
	// PresetsOnly ignores all parameters that change pixels, save "preset" and "f".
	PresetsOnly bool `json:"presets_only"`
	// ObjectRules obeys what objects say about themselves: focal point, crop,
	// quality and watermark.
	ObjectRules bool `json:"object_rules"`
	// Watermarks are names for "wm", each with "file" (a picture) or "object" (a
	// picture in the bucket, without which "wm" is answered 500). A name that is not
	// here counts as absent, unless strict_options refuses it.
	Watermarks map[string]WatermarkConfig `json:"watermarks"`
	// StrictOptions answers 400 to a parameter that is out of range or cannot be
	// read, instead of clamping or ignoring it.
	StrictOptions bool `json:"strict_options"`
	// MaxSourceBytes is the largest source, in bytes; 0 means 52428800.
	MaxSourceBytes int64 `json:"max_source_bytes"`
	// Quality are the qualities of formats when the URL has no "q", 1 to 100, as in
	// `{"jpeg": 80, "webp": 75}`; of PNG and GIF they make palettes smaller. Empty
	// means 75.
	Quality map[string]int `json:"quality"`
	// AVIFPixels is the largest result that AVIF is written of, in pixels; a larger
	// one is WebP. 0 means 12500000.
	AVIFPixels int `json:"avif_pixels"`
	// RedirectAuto answers "f=auto" with a redirect to the URL that names the
	// format, for caches that ignore "Vary".
	RedirectAuto bool `json:"redirect_auto"`
	// InfoGPS lets "info" tell where a picture was taken.
	InfoGPS bool `json:"info_gps"`
	// ClientHints obeys "Sec-CH-DPR", "Sec-CH-Width" and "Save-Data".
	ClientHints bool `json:"client_hints"`
	// WebPMethod is the effort of the WebP encoder, 0 (fast) to 6 (small); absent
	// means 2.
	WebPMethod *int `json:"webp_method"`
	// AVIFEffort is the effort of the AVIF encoder, 0 (fast) to 9 (small); absent
	// means 4.
	AVIFEffort *int `json:"avif_effort"`

	// Damaged is what becomes of a picture of which a part cannot be decoded, as it
	// is cut off: "refuse" (422), or "show" what there is of it, with "no-store" and
	// kept nowhere. Empty means "refuse".
	Damaged string `json:"damaged"`

	// Headers say what answers tell beside the picture.
	Headers HeadersConfig `json:"headers"`
	// CacheEnabled keeps nothing when it is false; absent means true if there is any
	// tier.
	CacheEnabled *bool `json:"cache_enabled"`
	// CachePath is the folder for results, created if it is missing; empty means
	// nothing on disk.
	CachePath string `json:"cache_path"`
	// Cache has the bounds of the cache and further tiers.
	Cache CacheConfig `json:"cache"`
	// CacheTime is for how many seconds a result is kept, 0 for ever, negative for
	// not at all; absent means 604800.
	CacheTime *int64 `json:"cache_time"`
	// Freshness says when the source is asked again, and what is sent when it
	// cannot be had.
	Freshness
	// Events keep the cache true when the bucket changes.
	Events HandlerEvents `json:"events"`
	// Limits bound what one picture may cost.
	Limits LimitsConfig `json:"limits"`
}

// A Secret is a string that does not show itself when it is printed, logged or
// encoded.
type Secret string

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString keeps the secret out of %#v.
func (s Secret) GoString() string { return strconv.Quote(s.String()) }

// MarshalText keeps the secret out of JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the text as the secret.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
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
	showDamaged           = "show"
	foreverSeconds        = 31536000 // what max-age says for "never expires"
	largestDimension      = 12000
	// Docker kills ten seconds after it has told a container to end.
	defaultShutdownSeconds = 8
	mostShutdownSeconds    = 3600
)

var defaultOutputFormats = []string{"jpeg", "png", "webp", "gif"}

var defaultAllowedFormats = []string{"png", "jpg", "jpeg", "gif", "webp"}

// Validate sets the defaults of absent fields and checks the rest. The error
// joins all faults; each is a [*Fault] that names its key.
func (c *Config) Validate() error {
	var faults faults
	c.HTTPPort = cmp.Or(c.HTTPPort, 80)
	c.HTTPSPort = cmp.Or(c.HTTPSPort, 443)
	if c.MemoryBudget == 0 {
		c.MemoryBudget = defaultBudget(memlimit.FromCgroup, memlimit.FromSystem)
	}
	if c.HTTPPort < -1 || c.HTTPPort > math.MaxUint16 {
		faults.add("http_port", "%d is not a port, and not -1 for off", c.HTTPPort)
	}
	if c.HTTPSEnabled {
		c.validateHTTPS(&faults)
	} else if c.HTTPPort == -1 {
		faults.add("http_port", "off, and https_enabled is not true: nothing would be served")
	}
	c.ACME.validate(c, &faults)
	if c.HTTPSStrict && !c.HTTPSEnabled {
		faults.add("https_strict", "redirects to HTTPS, but https_enabled is not true")
	}
	if c.MemoryBudget < leastBudget {
		faults.add("memory_budget", "%d MB is too little for any picture; the least is %d", c.MemoryBudget, leastBudget)
	}
	if c.Listen != "" && net.ParseIP(c.Listen) == nil {
		faults.add("listen", "%q is not an IP address", c.Listen)
	}
	for i, host := range c.Hosts {
		if host == "" || strings.ContainsAny(strings.TrimPrefix(host, "*."), "/*@ \t:") {
			faults.add("hosts."+strconv.Itoa(i), "%q is not a host name", host)
		}
	}
	validatePresets(c.Presets, largestDimension, "", &faults)
	for name := range c.Fonts {
		if !validOverlayName(name) {
			faults.add("fonts."+name, "%q is not a name of at most 64 letters", name)
		}
	}
	if c.WatchConfig == nil {
		c.WatchConfig = new(true)
	}
	c.ShutdownSeconds = cmp.Or(c.ShutdownSeconds, defaultShutdownSeconds)
	for key, n := range map[string]int64{"shutdown_delay": c.ShutdownDelay, "shutdown_seconds": c.ShutdownSeconds} {
		if n < 0 || n > mostShutdownSeconds {
			faults.add(key, "%d is not between 0 and %d seconds", n, mostShutdownSeconds)
		}
	}
	if c.HSTS < 0 {
		faults.add("hsts", "%d seconds are negative", c.HSTS)
	}
	c.validateProbes(&faults)
	if len(c.Handlers) == 0 {
		faults.add("handlers", "there is none: nothing would be served")
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
			faults.add(key+".prefix", "%q is already the prefix of handler %d", h.Prefix, first+1)
		} else if h.Prefix != "" {
			seen[h.Prefix] = i
		}
		disk := CacheConfig{DiskMB: h.Cache.DiskMB, MinFree: h.Cache.MinFree}
		if first, ok := folders[h.CachePath]; ok && h.CachePath != "" && first != disk {
			faults.add(key+".cache", "another handler with the same cache_path has another disk_mb or min_free")
		}
		folders[h.CachePath] = disk
	}
	return faults.join()
}

func (c *Config) validateHTTPS(faults *faults) {
	if c.HTTPSPort < 1 || c.HTTPSPort > math.MaxUint16 {
		faults.add("https_port", "%d is not a port", c.HTTPSPort)
	}
	if c.HTTPSPort == c.HTTPPort {
		faults.add("https_port", "%d is the port of plain HTTP too", c.HTTPSPort)
	}
	if c.ACME.on() {
		return
	}
	for key, file := range map[string]string{"https_cert": c.HTTPSCert, "https_key": c.HTTPSKey} {
		if file == "" {
			faults.add(key, "is needed when https_enabled is true")
		}
	}
	if c.HTTPSCert != "" && c.HTTPSKey != "" {
		if _, err := loadCertificate(c.path(c.HTTPSCert), c.path(c.HTTPSKey)); err != nil {
			faults.add("https_cert", "%v", err)
		}
	}
}

func (h *HandlerConfig) validate(key string, faults *faults) {
	root := h.Prefix == rootPrefix && h.Dialect != nil
	h.Prefix = strings.Trim(cmp.Or(h.Prefix, h.Name), "/")
	h.Name = cmp.Or(h.Name, h.Prefix)
	switch {
	case root:
		h.Prefix = rootPrefix
	case h.Prefix == "":
		faults.add(key, "a handler needs a name or a prefix")
	case !validPrefix(h.Prefix):
		faults.add(key+".prefix", "%q is not a path of letters, digits and - . _ ~ /", h.Prefix)
	}
	h.validateSources(key, faults)
	h.validateDialect(key, faults)
	if len(h.AllowedFormats) == 0 {
		h.AllowedFormats = defaultAllowedFormats
	}
	h.AllowedFormats = slices.Clone(h.AllowedFormats)
	for i, f := range h.AllowedFormats {
		f = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(f), "."))
		if f == "" || strings.ContainsAny(f, "./\\") {
			faults.add(key+".allowed_formats."+strconv.Itoa(i), "%q is not an extension", h.AllowedFormats[i])
		}
		h.AllowedFormats[i] = f
	}
	h.OutputFormat = cmp.Or(h.OutputFormat, "webp")
	if f := resize.FormatByName(h.OutputFormat); f == resize.NoFormat || (!f.IsAuto() && !f.Writable()) {
		faults.add(key+".output_format", "%q is not a format that can be written", h.OutputFormat)
	}
	h.validateOutputFormats(key, faults)
	h.validateErrorImages(key, faults)
	if s := h.ErrorStatus; s != 0 && (s < 400 || s > 599) {
		faults.add(key+".error_status", "is not an HTTP status from 400 to 599")
	}
	h.MaxDimension = cmp.Or(h.MaxDimension, resize.DefaultMaxDimension)
	if h.MaxDimension < 1 || h.MaxDimension > largestDimension {
		faults.add(key+".max_dimension", "%d is not between 1 and %d", h.MaxDimension, largestDimension)
	}
	if h.WebPMethod == nil {
		h.WebPMethod = new(defaultWebPMethod)
	}
	if h.AVIFEffort == nil {
		h.AVIFEffort = new(defaultAVIFEffort)
	}
	if *h.AVIFEffort < 0 || *h.AVIFEffort > 9 {
		faults.add(key+".avif_effort", "%d is not between 0 and 9", *h.AVIFEffort)
	}
	if !slices.Contains([]string{"", "refuse", showDamaged}, h.Damaged) {
		faults.add(key+".damaged", "%q is neither \"refuse\" nor \"show\"", h.Damaged)
	}
	if *h.WebPMethod < 0 || *h.WebPMethod > 6 {
		faults.add(key+".webp_method", "%d is not between 0 and 6", *h.WebPMethod)
	}
	for name, q := range h.Quality {
		if f := resize.FormatByName(name); !f.Writable() || q < 1 || q > 100 {
			faults.add(key+".quality."+name, "%d is not a quality from 1 to 100 of a format that can be written", q)
		}
	}
	if h.AVIFPixels < 0 {
		faults.add(key+".avif_pixels", "%d is negative", h.AVIFPixels)
	}
	h.validateWatermarks(key, faults)
	h.MaxSourceBytes = cmp.Or(h.MaxSourceBytes, defaultMaxSourceBytes)
	if h.MaxSourceBytes < 0 {
		faults.add(key+".max_source_bytes", "%d is negative", h.MaxSourceBytes)
	}
	if h.CacheTime == nil {
		h.CacheTime = new(int64(defaultCacheTime))
	}
	h.Headers.validate(key+".headers", faults)
	h.Cache.validate(key+".cache", h, faults)
	h.Freshness.validate(key, faults)
	h.Limits.validate(key+".limits", faults)
	h.Events.validate(key+".events", h, faults)
}

// cached reports whether results are kept at all.
func (h *HandlerConfig) cached() bool {
	on := h.CachePath != "" || h.Cache.MemoryMB > 0 || h.Cache.Bucket != ""
	if h.CacheEnabled != nil {
		on = on && *h.CacheEnabled
	}
	return on && *h.CacheTime >= 0
}

// ttl returns how long a kept result is served; 0 means for ever.
func (h *HandlerConfig) ttl() time.Duration { return seconds(*h.CacheTime) }

// path returns where a file of the configuration lies: as it is if it is
// absolute or exists relative to the working directory, else relative to the
// configuration file if it exists there.
func (c *Config) path(name string) string {
	if name == "" || filepath.IsAbs(name) || c.base == "" {
		return name
	}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		if beside := filepath.Join(c.base, name); exists(beside) {
			return beside
		}
	}
	return name
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// readFile returns a file of the configuration, from the embedded ones if it
// is not on disk. A Server depends on it.
func (c *Config) readFile(name string) ([]byte, error) {
	data, err := c.fileBytes(name)
	sum := sha256.Sum256(data)
	c.dependsOn("file "+name, func() bool {
		now, err := c.fileBytes(name)
		return err == nil && sha256.Sum256(now) == sum
	})
	return data, err
}

func (c *Config) fileBytes(name string) ([]byte, error) {
	data, err := os.ReadFile(c.path(name))
	if errors.Is(err, fs.ErrNotExist) && c.files != nil {
		return fs.ReadFile(c.files, filepath.ToSlash(filepath.Clean(name)))
	}
	return data, err
}

// validPrefix reports whether a prefix is a path of bytes that no client
// escapes (RFC 3986, section 2.3).
func validPrefix(prefix string) bool {
	if !fs.ValidPath(prefix) || prefix == "." {
		return false
	}
	return !strings.ContainsFunc(prefix, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-._~/", r))
	})
}
