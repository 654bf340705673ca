package config

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/dialect"
)

// rootPrefix is the prefix of a handler that answers all of the site that no
// other handler does.
const rootPrefix = "/"

// SentText returns what a signature of a dialect's URL is of: the path behind
// the prefix and the query, nothing decoded, without the parameters of signatures.
// That of tokens, which has a proof of its own elsewhere, is an option of some
// dialects: it is signed.
func SentText(path, query string) string {
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		switch name, _, _ := strings.Cut(part, "="); name {
		case SignatureParam, ExpiryParam, "":
		default:
			kept = append(kept, part)
		}
	}
	return strings.TrimPrefix(path, "/") + "?" + strings.Join(kept, "&")
}

func CanonicalForeignURL(prefix, sent string, query url.Values) []byte {
	end := url.Values{}
	if query.Has(ExpiryParam) {
		end.Set(ExpiryParam, query.Get(ExpiryParam))
	}
	return CanonicalURL(prefix, sent, end)
}

// signForeign is SignURL for a handler with a dialect. What is there stays as it
// is written.
func (h *HandlerConfig) signForeign(u *url.URL, key *SigningKey, expires time.Time) (string, error) {
	d, err := h.NewDialect()
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	if d.Signed() {
		return "", fmt.Errorf("sign: URLs of handler %q have signatures of %s, made with its own libraries", h.Prefix, d.Name())
	}
	path := strings.TrimPrefix(u.EscapedPath(), h.Route())
	sent := SentText(path, u.RawQuery)
	_, query, _ := strings.Cut(sent, "?")
	end := url.Values{}
	switch given := resize.ParseQuery(u.RawQuery); {
	case !expires.IsZero():
		end.Set(ExpiryParam, strconv.FormatInt(expires.Unix(), 10))
	case given.Has(ExpiryParam):
		end.Set(ExpiryParam, given.Get(ExpiryParam))
	case h.Auth.HMAC.RequireExp:
		return "", errors.New("sign: the configuration requires an expiry: use -exp")
	}
	text := CanonicalForeignURL(h.Prefix, sent, end)
	end.Set(SignatureParam, base64.RawURLEncoding.EncodeToString(MAC([]byte(key.Secret), text)))
	if query != "" {
		query += "&"
	}
	u.RawQuery = query + end.Encode()
	return u.String(), nil
}

// Route returns what the paths of the handler begin with.
func (h *HandlerConfig) Route() string {
	if h.Prefix == rootPrefix {
		return rootPrefix
	}
	return "/" + h.Prefix + "/"
}

// validateDialect checks the keys of the dialect.
func (h *HandlerConfig) validateDialect(key string, faults *Faults) {
	if h.Dialect == nil {
		return
	}
	if _, err := h.NewDialect(); err != nil {
		faults.Add(key+".dialect", "%v", err)
	}
}

// NewDialect returns the dialect that the handler speaks, with the handler's
// limits.
func (h *HandlerConfig) NewDialect() (*dialect.Dialect, error) {
	l := dialect.Limits{
		Dimension: h.MaxDimension, Side: h.Limits.OutputSide, Pixels: h.Limits.OutputPixels, Lossless: cmp.Or(h.Limits.LosslessPixels, defaultLosslessPixels),
		Formats: FormatsOf(h.OutputFormats), Auto: resize.FormatByName(h.OutputFormat) == resize.Auto,
	}
	if l.Side == 0 {
		l.Side = LargestDimension
	}
	if l.Pixels == 0 {
		l.Pixels = defaultOutputPixels
	}
	if len(h.AllowedOptions) > 0 {
		l.Allowed = h.AllowedOptions
	}
	if e := (SourceEntry{SourceConfig: h.Source}); e.Kind() == kindOrigin && h.Source.URL == "" {
		// The first segment of a name is the host, and the source asks no other.
		l.Reach = func(u *url.URL) (string, bool) {
			return u.Host + u.Path, u.RawQuery == "" && HostIn(u.Hostname(), h.Source.Hosts)
		}
	}
	return dialect.New(*h.Dialect, l)
}

// ForeignKey returns what tells the bounds on what a dialect's URLs are settled
// to: their keys in the cache have what the URLs say, whatever the bounds.
func (h *HandlerConfig) ForeignKey() string {
	return Digest(h.MaxDimension, h.Limits.OutputSide, h.Limits.OutputPixels, h.Limits.LosslessPixels, h.OutputFormats, h.OutputFormat, h.Snap, h.SnapSizes, h.AllowedSizes)
}

// These are the defaults of resize.Limits.
const (
	defaultOutputPixels   = 40e6
	defaultLosslessPixels = 2.5e6
)
