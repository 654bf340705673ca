package config

import (
	"cmp"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/dialect"
	"s3imageserver/storage"
)

// HandlerConfig is one handler: a route, where its pictures come from, and
// how they are answered.
type HandlerConfig struct {
	// Name is the name of the handler; empty means that of "prefix".
	Name string `json:"name"`
	// Prefix is the route "/<prefix>/…": letters, digits and "- . _ ~ /"; the longest that
	// matches is used. Empty means that of "name". "/" is the root of the site, for
	// handlers with a dialect.
	Prefix string `json:"prefix"`
	// AWS is a bucket of an S3-compatible store. A handler has one of "aws", "source"
	// and "sources".
	AWS *AWSConfig `json:"aws"`
	// Source is a folder or a web server.
	Source SourceConfig `json:"source"`
	// Sources are several sources, tried in this order: a list of objects with the keys of
	// "aws" or of "source".
	Sources []SourceEntry `json:"sources"`
	// Bucket is in their place in configurations that are put together in Go.
	Bucket storage.Bucket `json:"-"`

	// Dialect reads the URLs of another image server instead of our own; nil means none.
	Dialect *dialect.Settings `json:"dialect"`
	// BoundsConfig is what URLs may ask for.
	BoundsConfig
	// Auth is the verification of the requests; nil means that of the server.
	Auth *AuthConfig `json:"auth"`
	// AuthStatus is the status of a request that fails authentication: 401, 403 or 404; 0
	// means that of the server.
	AuthStatus StatusCode `json:"auth_status"`
	// ErrorImage is a picture file that is sent, resized, when there is an error; empty
	// means none: an empty body.
	ErrorImage string `json:"error_image"`
	// ErrorImages are error images by status, as in `{"404": "gone.png", "5xx":
	// "trouble.png"}`: one status from 400 on, or all of "4xx" or "5xx"; other errors get
	// ErrorImage.
	ErrorImages map[string]string `json:"error_images"`
	// ErrorImageAge is how many seconds browsers and caches may keep an error response, if
	// its cause lasts; never failed authentication, overload or a store that is down; 0
	// means not at all.
	ErrorImageAge int64 `json:"error_image_age"`
	// ErrorStatus is one status for all errors of pictures and sources; 0 means that of
	// the error.
	ErrorStatus StatusCode `json:"error_status"`
	// AllowedFormats are the extensions that names may have, with or without a dot, and
	// the formats that are read beside PNG, JPEG, GIF and WebP; "*" allows all names, also
	// those without an extension, but no format beyond those four: AVIF, HEIC, JXL, TIFF,
	// BMP and ICO must be named. A program built with the tag noheic refuses "heic" and
	// "heif". Empty means png, jpg, jpeg, gif and webp.
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
	// DefaultPreset is the preset whose parameters apply unless the URL has them; empty
	// means none.
	DefaultPreset string `json:"default_preset"`
	// PresetsOnly ignores all parameters that change pixels, except "preset" and "f".
	PresetsOnly bool `json:"presets_only"`
	// ObjectRules applies the metadata of objects: focal point, crop, quality and
	// watermark.
	ObjectRules bool `json:"object_rules"`
	// Watermarks are names for "wm", each with "file" (a picture) or "object" (a picture
	// in the bucket; if it is missing, "wm" gets status 500). An unknown name is ignored,
	// unless strict_options refuses it.
	Watermarks map[string]WatermarkConfig `json:"watermarks"`
	// StrictOptions answers 400 to a parameter that is out of range, cannot be read or
	// does not exist, instead of clamping or ignoring it.
	StrictOptions bool `json:"strict_options"`
	// Debug answers an error with a short text that says the reason and the cure, instead
	// of the error image: for development, not for production. Handlers with a dialect
	// answer like its server.
	Debug bool `json:"debug"`
	// MaxSourceBytes is the largest source, in bytes; 0 means 52428800.
	MaxSourceBytes int64 `json:"max_source_bytes"`
	// Quality are the qualities of formats when the URL has no "q", 1 to 100, as in
	// `{"jpeg": 80, "webp": 75}`; for PNG and GIF they make palettes smaller. Empty means
	// 75.
	Quality map[string]int `json:"quality"`
	// Scaling is how JPEG is downscaled while it is decoded: "fine", or "fast", which
	// needs a third less CPU for thumbnails and renders lines and small text slightly
	// worse, in results of a quality up to 80. Empty means "fine".
	Scaling string `json:"scaling"`
	// AVIFPixels is the largest result that is encoded as AVIF, in pixels; a larger one is
	// encoded as WebP. 0 means 12500000.
	AVIFPixels int `json:"avif_pixels"`
	// RedirectAuto answers "f=auto" with a redirect to the URL that names the
	// format, for caches that ignore "Vary".
	RedirectAuto bool `json:"redirect_auto"`
	// InfoGPS includes the GPS position in "info".
	InfoGPS bool `json:"info_gps"`
	// ClientHints applies the client hints "Sec-CH-DPR", "Sec-CH-Width" and "Save-Data".
	ClientHints bool `json:"client_hints"`
	// WebPMethod is the effort of the WebP encoder, 0 (fast) to 6 (small), for lossless
	// WebP 0 to 4 are the same, and 5 and 6 take many times as long; absent means 2.
	WebPMethod *int `json:"webp_method"`
	// AVIFEffort is the effort of the AVIF encoder, 0 (fast) to 9 (small); absent
	// means 4.
	AVIFEffort *int `json:"avif_effort"`

	// Damaged is what happens with a picture that can be decoded only in part, such as a
	// truncated file: "refuse" it (422), or "show" what could be decoded, with "no-store"
	// and without caching it. Empty means "refuse".
	Damaged string `json:"damaged"`

	// Headers are further headers of responses.
	Headers HeadersConfig `json:"headers"`
	// CacheEnabled switches caching off when it is false; absent means true if there is
	// any tier.
	CacheEnabled *bool `json:"cache_enabled"`
	// CachePath is the folder of the disk cache, created if it is missing; empty means
	// nothing on disk.
	CachePath string `json:"cache_path"`
	// Cache configures the cache: bounds, memory, a shared bucket.
	Cache CacheConfig `json:"cache"`
	// CacheTime is how many seconds a result is cached, 0 is forever, negative is not at
	// all; absent means 604800.
	CacheTime *int64 `json:"cache_time"`
	// Freshness says when the source is asked again, and what is sent when it
	// cannot be had.
	Freshness
	// Events purge the cache when the bucket changes.
	Events HandlerEvents `json:"events"`
	// Limits bound the resources for one picture.
	Limits LimitsConfig `json:"limits"`
}

func (h *HandlerConfig) validate(key string, faults *Faults) {
	root := h.Prefix == rootPrefix && h.Dialect != nil
	h.Prefix = strings.Trim(cmp.Or(h.Prefix, h.Name), "/")
	h.Name = cmp.Or(h.Name, h.Prefix)
	switch {
	case root:
		h.Prefix = rootPrefix
	case h.Prefix == "":
		faults.Add(key, "a handler needs a name or a prefix")
	case !validPrefix(h.Prefix):
		faults.Add(key+".prefix", "%q is not a path of letters, digits and - . _ ~ /", h.Prefix)
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
			faults.Add(key+".allowed_formats."+strconv.Itoa(i), "%q is not an extension", h.AllowedFormats[i])
		}
		if tag := resize.LeftOut(resize.FormatByName(f)); tag != "" {
			faults.Add(key+".allowed_formats."+strconv.Itoa(i), "this program was built without %s (-tags %s): take it out of the list, or build without that tag", f, tag)
		}
		h.AllowedFormats[i] = f
	}
	h.OutputFormat = cmp.Or(h.OutputFormat, "webp")
	if f := resize.FormatByName(h.OutputFormat); f == resize.NoFormat || (!f.IsAuto() && !f.Writable()) {
		faults.Add(key+".output_format", "%q is not a format that can be written", h.OutputFormat)
	}
	h.validateOutputFormats(key, faults)
	h.validateErrorImages(key, faults)
	if s := h.ErrorStatus; s != 0 && (s < 400 || s > 599) {
		faults.Add(key+".error_status", "is not an HTTP status from 400 to 599")
	}
	h.MaxDimension = cmp.Or(h.MaxDimension, resize.DefaultMaxDimension)
	if h.MaxDimension < 1 || h.MaxDimension > LargestDimension {
		faults.Add(key+".max_dimension", "%d is not between 1 and %d", h.MaxDimension, LargestDimension)
	}
	if h.WebPMethod == nil {
		h.WebPMethod = new(defaultWebPMethod)
	}
	if !slices.Contains([]string{"", "refuse", ShowDamaged}, h.Damaged) {
		faults.Add(key+".damaged", "%q is neither \"refuse\" nor \"show\"", h.Damaged)
	}
	if !slices.Contains([]string{"", "fine", FastScaling}, h.Scaling) {
		faults.Add(key+".scaling", "%q is neither \"fine\" nor \"fast\"", h.Scaling)
	}
	if h.AVIFEffort == nil {
		h.AVIFEffort = new(defaultAVIFEffort)
	}
	if *h.AVIFEffort < 0 || *h.AVIFEffort > 9 {
		faults.Add(key+".avif_effort", "%d is not between 0 and 9", *h.AVIFEffort)
	}
	if *h.WebPMethod < 0 || *h.WebPMethod > 6 {
		faults.Add(key+".webp_method", "%d is not between 0 and 6", *h.WebPMethod)
	}
	for name, q := range h.Quality {
		if f := resize.FormatByName(name); !f.Writable() || q < 1 || q > 100 {
			faults.Add(key+".quality."+name, "%d is not a quality from 1 to 100 of a format that can be written", q)
		}
	}
	if h.AVIFPixels < 0 {
		faults.Add(key+".avif_pixels", "%d is negative", h.AVIFPixels)
	}
	h.validateWatermarks(key, faults)
	h.MaxSourceBytes = cmp.Or(h.MaxSourceBytes, defaultMaxSourceBytes)
	if h.MaxSourceBytes < 0 {
		faults.Add(key+".max_source_bytes", "%d is negative", h.MaxSourceBytes)
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

// Cached reports whether results are kept at all.
func (h *HandlerConfig) Cached() bool {
	on := h.CachePath != "" || h.Cache.MemoryMB > 0 || h.Cache.Bucket != ""
	if h.CacheEnabled != nil {
		on = on && *h.CacheEnabled
	}
	return on && *h.CacheTime >= 0
}

// TTL returns how long a kept result is served; 0 means for ever.
func (h *HandlerConfig) TTL() time.Duration { return Seconds(*h.CacheTime) }

// Lifetime returns how long a kept result may be served at the longest, as a stale one
// after an error too; 0 means for ever. It says nothing of a handler that keeps none.
func (h *HandlerConfig) Lifetime() time.Duration {
	if ttl := h.TTL(); ttl > 0 {
		return ttl + h.Grace()
	}
	return 0
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

// QualityKey returns what of the configuration changes results, for the cache
// key.
func (h *HandlerConfig) QualityKey() string {
	parts := []string{strconv.Itoa(h.AVIFPixels)}
	for f, q := range h.Qualities() {
		parts = append(parts, f.String()+strconv.Itoa(q))
	}
	slices.Sort(parts[1:])
	if h.Scaling == FastScaling {
		parts = append(parts, FastScaling)
	}
	return strings.Join(parts, " ")
}
