// Package origin is a [storage.Bucket] over web servers: pictures that lie
// behind HTTP or HTTPS URLs.
//
// Where a request goes is decided when the connection is made, after the name
// has been resolved, so that neither a redirect nor a name server can lead it
// to an address that is not public (code.dny.dev/ssrf).
package origin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"s3imageserver/storage"
)

// Config says which servers to ask, and how. Zero fields mean the documented
// default.
type Config struct {
	// URL is what stands before every name, a folder: http or https, a host, a
	// path. Empty means that the first segment of a name is the host, which
	// is asked by https and must be one of Hosts.
	URL string
	// Hosts are the hosts that may be asked besides that of URL: by name if URL
	// is empty, else by a redirect. A leading "*." allows every sub-domain; a
	// port other than that of the scheme is part of the host.
	Hosts []string
	// Networks are the networks that may be asked although they are not public,
	// loopback included.
	Networks []netip.Prefix
	// Header is sent to the host of URL, and to no other.
	Header http.Header
	// MaxBytes bounds a body whose length the server does not say, or that is
	// compressed: it is read before it is given out; default 50 MB. See
	// [storage.NewMeasurer].
	MaxBytes int64

	// ConnectTimeout is for the TCP and the TLS handshake each (default 2 s),
	// HeaderTimeout until the answer's header (5 s), ReadTimeout for each wait
	// for more bytes of the body (5 s).
	ConnectTimeout, HeaderTimeout, ReadTimeout time.Duration
}

const (
	defaultConnectTimeout = 2 * time.Second
	defaultHeaderTimeout  = 5 * time.Second
	defaultReadTimeout    = 5 * time.Second
)

// Bucket reads the files of web servers. It is safe for concurrent use.
type Bucket struct {
	config Config
	base   *url.URL // nil: names begin with a host
	client *http.Client
	// measurer is for bodies of unknown length, and for compressed ones.
	measurer *storage.Measurer
}

var (
	_ storage.Bucket      = (*Bucket)(nil)
	_ storage.Revalidator = (*Bucket)(nil)
	_ storage.Parted      = (*Bucket)(nil)
)

// Open prepares access. It sends nothing: a server that is down shows in Get.
func Open(c Config) (*Bucket, error) {
	b := &Bucket{config: c, measurer: storage.NewMeasurer(c.MaxBytes)}
	for t, d := range map[*time.Duration]time.Duration{
		&b.config.ConnectTimeout: defaultConnectTimeout,
		&b.config.HeaderTimeout:  defaultHeaderTimeout,
		&b.config.ReadTimeout:    defaultReadTimeout,
	} {
		if *t <= 0 {
			*t = d
		}
	}
	switch {
	case c.URL != "":
		base, err := parseBase(c.URL)
		if err != nil {
			return nil, err
		}
		b.base = base
	case len(c.Hosts) == 0:
		return nil, errors.New("origin: neither a URL nor hosts")
	}
	for _, h := range c.Hosts {
		if name := strings.TrimPrefix(h, "*."); name == "" || strings.ContainsAny(name, "/*@ \t") {
			return nil, fmt.Errorf("origin: %q is not a host name", h)
		}
	}
	if b.base != nil {
		if ip, err := netip.ParseAddr(b.base.Hostname()); err == nil && b.forbids(ip) {
			return nil, fmt.Errorf("origin: %s is not a public address; name its network to allow it", ip)
		}
	}
	b.client = &http.Client{Transport: b.transport(), CheckRedirect: b.redirect}
	return b, nil
}

func parseBase(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("origin: not a URL: %w", errors.Unwrap(err)) // without the URL, which may have a password
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("origin: %q: scheme must be http or https", u.Redacted())
	case u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, fmt.Errorf("origin: %q: want only a scheme, a host and a path", u.Redacted())
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u, nil
}

// urlOf returns where a name lies.
func (b *Bucket) urlOf(name string) (*url.URL, error) {
	if !storage.ValidName(name) {
		return nil, &fs.PathError{Op: "get", Path: name, Err: fs.ErrInvalid}
	}
	if b.base != nil {
		u := *b.base
		u.Path += "/" + name
		return &u, nil
	}
	host, path, ok := strings.Cut(name, "/")
	if !ok || strings.ContainsAny(host, "@%") || !b.allowed(host) {
		return nil, &fs.PathError{Op: "get", Path: name, Err: fs.ErrNotExist}
	}
	return &url.URL{Scheme: "https", Host: host, Path: "/" + path}, nil
}

// Part implements [storage.Parted]: each host that names begin with is one.
func (b *Bucket) Part(name string) string {
	if b.base != nil {
		return ""
	}
	host, _, _ := strings.Cut(name, "/")
	return host
}

// Get implements [storage.Bucket]. An error wraps [os.ErrDeadlineExceeded] when
// its cause is that the server was too slow.
func (b *Bucket) Get(ctx context.Context, name string) (*storage.Object, error) {
	return b.get(ctx, name, nil)
}

// GetIfModified implements [storage.Revalidator]: by If-None-Match, or by
// If-Modified-Since for a server without ETags.
func (b *Bucket) GetIfModified(ctx context.Context, name string, have storage.Info) (*storage.Object, error) {
	condition := http.Header{}
	switch weak, isWeak := strings.CutPrefix(have.ETag, weakPrefix); {
	case strings.HasPrefix(have.ETag, datePrefix):
		condition.Set("If-Modified-Since", have.ModTime.UTC().Format(http.TimeFormat))
	case isWeak:
		condition.Set("If-None-Match", `W/"`+weak+`"`)
	default:
		condition.Set("If-None-Match", `"`+have.ETag+`"`)
	}
	object, err := b.get(ctx, name, condition)
	if err == nil && have.ETag != "" && object.ETag == have.ETag && object.ModTime.Equal(have.ModTime) {
		_ = object.Body.Close() // nothing of it was read
		return nil, fmt.Errorf("origin: %w", storage.ErrNotModified)
	}
	return object, err
}

func (b *Bucket) get(ctx context.Context, name string, header http.Header) (*storage.Object, error) {
	u, err := b.urlOf(name)
	if err != nil {
		return nil, err
	}
	// The body is read under this context: its end gives the connection back.
	ctx, cancel := context.WithCancel(ctx)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		cancel()
		return nil, &fs.PathError{Op: "get", Path: name, Err: fs.ErrInvalid}
	}
	r.Header.Set("User-Agent", "s3imageserver")
	r.Header.Set("Accept", "image/*, */*;q=0.1")
	for _, h := range []http.Header{b.config.Header, header} {
		for k, v := range h {
			r.Header[k] = slices.Clone(v)
		}
	}
	if host := b.config.Header.Get("Host"); host != "" {
		r.Host = host
	}
	resp, err := b.client.Do(r)
	if err != nil {
		err = b.classify(ctx, err)
		cancel()
		return nil, err
	}
	body := storage.TimedBody(resp.Body, cancel, b.config.ReadTimeout)
	object, err := b.object(ctx, resp, body)
	if err != nil {
		_ = body.Close() // nothing of it is wanted
	}
	return object, err
}
