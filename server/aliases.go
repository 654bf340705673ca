package server

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"net/url"

	"s3imageserver/resize"
	"s3imageserver/server/config"
	"s3imageserver/server/logging"
	"s3imageserver/server/metrics"
	"s3imageserver/server/stores"
)

// The configuration is package config. These are its types under the names that
// programs know them by.
type (
	// Config is the configuration of a server.
	Config = config.Config
	// HandlerConfig is one handler of it.
	HandlerConfig = config.HandlerConfig
	// A Fault is one thing that is wrong in a configuration.
	Fault = config.Fault
	// A Secret is a string that does not show itself.
	Secret = config.Secret
	// A StatusCode is an HTTP status; 0 means that none is set.
	StatusCode = config.StatusCode
	// A Translation is a URL of another server on its way to one of our own.
	Translation = config.Translation

	ACMEConfig      = config.ACMEConfig
	AWSConfig       = config.AWSConfig
	AdminConfig     = config.AdminConfig
	AuthConfig      = config.AuthConfig
	BlockedConfig   = config.BlockedConfig
	BoundsConfig    = config.BoundsConfig
	CacheConfig     = config.CacheConfig
	EventsConfig    = config.EventsConfig
	Freshness       = config.Freshness
	HMACConfig      = config.HMACConfig
	HandlerEvents   = config.HandlerEvents
	HeadersConfig   = config.HeadersConfig
	JWTConfig       = config.JWTConfig
	LimitsConfig    = config.LimitsConfig
	LogConfig       = config.LogConfig
	Rate            = config.Rate
	RateConfig      = config.RateConfig
	SigningKey      = config.SigningKey
	SourceConfig    = config.SourceConfig
	SourceEntry     = config.SourceEntry
	StoreConfig     = config.StoreConfig
	TracingConfig   = config.TracingConfig
	WatermarkConfig = config.WatermarkConfig

	// Stats is what a Server tells of itself, and HandlerStats what a Handler does.
	Stats        = metrics.Stats
	HandlerStats = metrics.HandlerStats
)

// Why a URL of another server has no translation.
var (
	ErrNeedsSize = config.ErrNeedsSize
	ErrNoDialect = config.ErrNoDialect
)

// ShortNames is [config.ShortNames].
func ShortNames(query url.Values) url.Values { return config.ShortNames(query) }

// Names is [stores.Names].
func Names(ctx context.Context, c *Config, handler int, prefix, after string) iter.Seq2[string, error] {
	return stores.Names(ctx, c, handler, prefix, after)
}

// Load is [config.Load].
func Load(file string) (c *Config, warnings []*Fault, err error) { return config.Load(file) }

// LoadEmbedded is [config.LoadEmbedded].
func LoadEmbedded(name string, data []byte, files fs.FS) (*Config, []*Fault, error) {
	return config.LoadEmbedded(name, data, files)
}

// NewLog is [logging.New].
func NewLog(w io.Writer, c LogConfig) *slog.Logger { return logging.New(w, c) }

// Params is [config.Params].
func Params() []resize.Param { return config.Params() }

// CanonicalURL is [config.CanonicalURL].
func CanonicalURL(handler, name string, params url.Values) []byte {
	return config.CanonicalURL(handler, name, params)
}

// Sign is [config.Sign].
func Sign(secret []byte, handler, name string, params url.Values) string {
	return config.Sign(secret, handler, name, params)
}
