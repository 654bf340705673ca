// Package s3 is a [storage.Bucket] over any S3-compatible store: AWS, MinIO,
// R2, Ceph. It alone imports minio-go.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"s3imageserver/storage"
)

// Config says which bucket to read, and how. Zero fields mean the documented
// default.
type Config struct {
	// Endpoint is "host", "host:port" or an http or https URL of them. Without
	// a scheme it is asked by https, on the loopback interface by http. Empty
	// means AWS.
	Endpoint string
	// Region is the bucket's region. Empty means us-east-1 until the store names
	// another one in an error, which is then kept.
	Region string
	// Bucket is the bucket's name; it is required.
	Bucket string
	// Prefix is put before every name as it is: a folder ends in a slash.
	Prefix string
	// PathStyle says whether the bucket's name goes into the path (true) or
	// into the host name (false). Nil decides by the endpoint: AWS and Google
	// get host names, all others paths.
	PathStyle *bool

	// AccessKey and SecretKey sign the requests; SessionToken goes with
	// temporary keys. Both empty means the standard chain: environment, shared
	// credentials file, web identity or instance role (the last two on AWS
	// endpoints only), and anonymous requests when the chain is empty.
	AccessKey, SecretKey, SessionToken string
	// CredentialsEndpoint is the URL of the service that the last two are asked
	// of, for stores that are not AWS; empty means that of AWS.
	CredentialsEndpoint string
	// CustomerKey are the 32 bytes that the objects are encrypted with (SSE-C);
	// nil means that they are not. It is sent over https only, except to the
	// loopback interface.
	CustomerKey []byte
	// RequesterPays says that we pay for the requests.
	RequesterPays bool

	// VerifyMD5 compares an object of which the store sends no checksum with its
	// ETag, where that is an MD5, whatever the connection. It is done over plain http
	// beyond the loopback interface in any case; TLS proves by itself that the bytes
	// are those that were sent. MD5 takes as long as a small picture does.
	VerifyMD5 bool

	// MaxBytes bounds an object with "Content-Encoding: gzip", which is decoded
	// before it is given out; default 50 MB. See [storage.NewMeasurer].
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
	defaultRegion         = "us-east-1"
	// maxConnections is how many there are to one endpoint, more than a server asks
	// for at once: who waited for one would take the store for slow.
	maxConnections = 512
	maxIdle        = 64 // of them
)

// Bucket reads the objects of one S3 bucket below one prefix. It is safe for
// concurrent use.
type Bucket struct {
	config Config
	dial   func(region string) (*minio.Core, error)
	core   atomic.Pointer[minio.Core]
	// dialPatient returns a client for calls whose answer may take long to begin.
	dialPatient func() (*minio.Core, error)
	md5s        atomic.Int32       // whether the ETags are MD5s: unknown at first
	customerKey encrypt.ServerSide // nil: none
	measurer    *storage.Measurer
}

var (
	_ storage.Store       = (*Bucket)(nil)
	_ storage.Revalidator = (*Bucket)(nil)
	_ storage.Versioned   = (*Bucket)(nil)
	_ storage.Watcher     = (*Bucket)(nil)
)

// Open prepares access to a bucket. It sends nothing: a store that is down
// shows in Get.
func Open(c Config) (*Bucket, error) {
	if c.Bucket == "" {
		return nil, errors.New("s3: no bucket name")
	}
	if (c.AccessKey == "") != (c.SecretKey == "") {
		return nil, errors.New("s3: access key and secret key go together")
	}
	host, secure, err := splitEndpoint(c.Endpoint)
	if err != nil {
		return nil, err
	}
	c.ConnectTimeout = orDefault(c.ConnectTimeout, defaultConnectTimeout)
	c.HeaderTimeout = orDefault(c.HeaderTimeout, defaultHeaderTimeout)
	c.ReadTimeout = orDefault(c.ReadTimeout, defaultReadTimeout)
	c.VerifyMD5 = c.VerifyMD5 || !isPrivate(host, secure)
	b := &Bucket{config: c, measurer: storage.NewMeasurer(c.MaxBytes)}
	if b.customerKey, err = c.customerKey(isPrivate(host, secure)); err != nil {
		return nil, err
	}
	lookup := minio.BucketLookupAuto
	if c.PathStyle != nil {
		lookup = minio.BucketLookupDNS
		if *c.PathStyle {
			lookup = minio.BucketLookupPath
		}
	}
	opts := minio.Options{
		Creds:        newCredentials(c, isAmazon(host)),
		Secure:       secure,
		Transport:    answers{newTransport(c)},
		BucketLookup: lookup,
		MaxRetries:   1, // the library counts the first attempt
	}
	b.dial = func(region string) (*minio.Core, error) {
		o := opts
		o.Region = region
		return minio.NewCore(host, &o)
	}
	b.dialPatient = func() (*minio.Core, error) {
		o, patient := opts, c
		patient.HeaderTimeout = firstPing
		o.Region, o.Transport = orDefault(c.Region, defaultRegion), newTransport(patient)
		return minio.NewCore(host, &o)
	}
	core, err := b.dial(orDefault(c.Region, defaultRegion))
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	b.core.Store(core)
	return b, nil
}

// Get implements [storage.Bucket]. An error wraps [os.ErrDeadlineExceeded] when
// its cause is that the store was too slow. The bytes are compared with the
// checksum that the store has of them, if it has one; see [Config.VerifyMD5]. An object that is stored
// with "Content-Encoding: gzip" is decoded.
func (b *Bucket) Get(ctx context.Context, name string) (*storage.Object, error) {
	return b.open(ctx, name, condition{})
}

// GetVersion implements [storage.Versioned]; an empty version is the newest.
func (b *Bucket) GetVersion(ctx context.Context, name, version string) (*storage.Object, error) {
	return b.open(ctx, name, condition{version: version})
}

// GetIfModified implements [storage.Revalidator]: by If-None-Match. A store
// answers 304 also when only the metadata have changed, so the time that comes
// with it is compared too.
func (b *Bucket) GetIfModified(ctx context.Context, name string, have storage.Info) (*storage.Object, error) {
	object, err := b.open(ctx, name, condition{unlessETag: have.ETag})
	var same *notModified
	if !errors.As(err, &same) {
		return object, err
	}
	date := same.modTime
	if date.IsZero() && !have.ModTime.IsZero() {
		if date, err = b.modTime(ctx, name); err != nil {
			return nil, err
		}
	}
	if have.ModTime.IsZero() || date.Equal(have.ModTime.Truncate(time.Second)) {
		return nil, fmt.Errorf("s3: %w", storage.ErrNotModified)
	}
	return b.open(ctx, name, condition{})
}

// modTime asks for the time of an object only; some stores send none with 304.
func (b *Bucket) modTime(ctx context.Context, name string) (date time.Time, err error) {
	err = b.inRegion(ctx, func(core *minio.Core) error {
		info, err := core.StatObject(ctx, b.config.Bucket, b.config.Prefix+name, b.options(condition{}))
		date = info.LastModified
		return err
	})
	return date, err
}

// A condition says which object is wanted; its zero value is the newest.
type condition struct{ version, unlessETag string }

// open asks for an object.
func (b *Bucket) open(ctx context.Context, name string, want condition) (*storage.Object, error) {
	key, err := b.key("get", name)
	if err != nil {
		return nil, err
	}
	// The body is read under this context: its end gives the connection back.
	ctx, cancel := context.WithCancel(ctx)
	body, info, header, err := b.get(ctx, key, want)
	if err != nil {
		cancel()
		return nil, err
	}
	stop := func() { cancel(); _ = body.Close() } // nothing is lost: the body was only read
	if info.Size < 0 {
		stop()
		return nil, fmt.Errorf("%w: the store does not say its length", storage.ErrIncomplete)
	}
	if info.LastModified.Equal(noDate) {
		info.LastModified = time.Time{}
	}
	object := storage.NewObject(storage.Info{
		Size:    info.Size,
		ETag:    strings.Trim(info.ETag, `"`),
		ModTime: info.LastModified,
		Meta:    metaOf(info.Metadata),
	}, storage.TimedBody(body, cancel, b.config.ReadTimeout))
	object.Body = b.verified(ctx, key, object, info, header)
	return b.measurer.Decoded(ctx, object, storage.Coding(header.Get("Content-Encoding")))
}

// key returns the whole key of a name.
func (b *Bucket) key(op, name string) (string, error) {
	key := b.config.Prefix + name
	if !storage.ValidName(name) || len(key) > storage.MaxNameBytes {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	return key, nil
}

// get asks for key.
func (b *Bucket) get(ctx context.Context, key string, want condition) (body io.ReadCloser, info minio.ObjectInfo, header http.Header, err error) {
	options := b.options(want)
	if want.unlessETag != "" {
		if err := options.SetMatchETagExcept(want.unlessETag); err != nil {
			return nil, info, nil, fmt.Errorf("s3: %w", err)
		}
	}
	err = b.inRegion(ctx, func(core *minio.Core) error {
		body, info, header, err = core.GetObject(ctx, b.config.Bucket, key, options)
		if want.version != "" && noVersion(err) {
			return fmt.Errorf("s3: %w: no version %q: %w", fs.ErrNotExist, want.version, err)
		}
		return err
	})
	return body, info, header, err
}

// options returns what goes with every request for an object.
func (b *Bucket) options(want condition) minio.GetObjectOptions {
	o := minio.GetObjectOptions{Checksum: true, VersionID: want.version, ServerSideEncryption: b.customerKey}
	b.config.pay(&o)
	return o
}

// customerKey returns the key that objects are encrypted with, nil if they are
// not; private says whether nobody can listen.
func (c *Config) customerKey(private bool) (encrypt.ServerSide, error) {
	if c.CustomerKey == nil {
		return nil, nil
	}
	if !private {
		return nil, errors.New("s3: the customer's key is sent over https only")
	}
	key, err := encrypt.NewSSEC(c.CustomerKey)
	if err != nil {
		return nil, fmt.Errorf("s3: customer's key: %w", err)
	}
	return key, nil
}

// pay says in the options of a request that we pay for it, if we do.
func (c *Config) pay(options interface{ Set(key, value string) }) {
	if c.RequesterPays {
		options.Set("X-Amz-Request-Payer", "requester")
	}
}

// inRegion makes a call, a second time when the store names the region it
// wants, and classifies its error.
func (b *Bucket) inRegion(ctx context.Context, call func(*minio.Core) error) error {
	for second := false; ; second = true {
		err := call(b.core.Load())
		if err == nil {
			return nil
		}
		region := minio.ToErrorResponse(err).Region
		if second || b.config.Region != "" || !wrongRegion(err) || region == "" {
			return classify(ctx, err)
		}
		core, dialErr := b.dial(region)
		if dialErr != nil {
			return fmt.Errorf("%w: %w", storage.ErrUnavailable, dialErr)
		}
		b.core.Store(core)
	}
}

// noVersion reports whether a store says that a version does not exist, cannot,
// or is the mark of a deletion; or that it has none at all.
func noVersion(err error) bool {
	r := minio.ToErrorResponse(err)
	return r.StatusCode == http.StatusMethodNotAllowed || r.StatusCode == http.StatusNotImplemented || r.Code == "NoSuchVersion" ||
		r.StatusCode == http.StatusBadRequest && (r.Code == "InvalidArgument" || r.Code == "InvalidVersionId")
}

// metaOf returns the user metadata that pictures have.
func metaOf(header http.Header) storage.Meta {
	get := func(name string) string {
		v := header.Get("X-Amz-Meta-" + name)
		if len(v) > storage.MaxMetaBytes {
			return ""
		}
		return v
	}
	return storage.Meta{Focal: get("focal"), Crop: get("crop"), Quality: get("quality"), Watermark: get("watermark")}
}

func wrongRegion(err error) bool {
	switch r := minio.ToErrorResponse(err); r.Code {
	case "AuthorizationHeaderMalformed", "InvalidRegion", "PermanentRedirect":
		return true
	default:
		return r.StatusCode == http.StatusMovedPermanently
	}
}

// classify makes minio-go's errors those of [storage.Bucket]. Faults of our own
// credentials are the store's trouble, not the picture's. All else that a store
// answers to one object, version or name, which anybody may ask for again and
// again, must not count as trouble of the store, which is spared then.
func classify(ctx context.Context, err error) error {
	if ctxErr := ctx.Err(); ctxErr != nil {
		return fmt.Errorf("s3: %w", ctxErr)
	}
	if same := (*notModified)(nil); errors.As(err, &same) {
		return same
	}
	if errors.Is(err, fs.ErrNotExist) { // get has said what is not there
		return err
	}
	r := minio.ToErrorResponse(err)
	var kind error
	switch {
	case r.StatusCode == http.StatusTooManyRequests, r.StatusCode == http.StatusServiceUnavailable:
		kind = storage.ErrOverloaded
	case r.StatusCode == http.StatusUnauthorized, r.StatusCode == http.StatusRequestTimeout, slices.Contains(ownFaults, r.Code):
		kind = storage.ErrUnavailable
	case r.StatusCode == http.StatusNotFound, r.StatusCode == http.StatusGone, r.StatusCode == http.StatusUnavailableForLegalReasons, slices.Contains(noNames, r.Code):
		kind = fs.ErrNotExist
	case r.StatusCode == http.StatusForbidden, locked(r):
		kind = fs.ErrPermission
	case r.StatusCode >= 400 && r.StatusCode < 500:
		kind = storage.ErrRefused
	case isTimeout(err):
		return fmt.Errorf("s3: %w: %w: %w", storage.ErrUnavailable, os.ErrDeadlineExceeded, err)
	default:
		kind = storage.ErrUnavailable
	}
	if r.StatusCode != 0 {
		return fmt.Errorf("s3: %w: status %d %s: %s", kind, r.StatusCode, r.Code, r.Message)
	}
	return fmt.Errorf("s3: %w: %w", kind, err)
}

// ownFaults are the codes of answers 4xx that all objects get alike: keys, clocks,
// regions and buckets that are wrong here, or a connection that was too slow.
var ownFaults = []string{
	"AccountProblem", "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "CredentialsNotSupported", "ExpiredToken",
	"InvalidAccessKeyId", "InvalidBucketName", "InvalidPayer", "InvalidRegion", "InvalidSecurity", "InvalidToken", "InvalidTokenId", "MissingAuthenticationToken",
	"MissingSecurityHeader", "NoSuchBucket", "NotSignedUp", "PermanentRedirect", "RequestExpired", "RequestTimeTooSkewed", "RequestTimeout",
	"SignatureDoesNotMatch", "SlowDown", "TokenRefreshRequired", "UserSuspended", "XAmzContentSHA256Mismatch", "XMinioServerNotInitialized",
}

// noNames are the codes for names that no object of the store can have, as one
// with a segment longer than its file system allows.
var noNames = []string{"KeyTooLongError", "InvalidURI", "InvalidObjectName", "XMinioInvalidObjectName", "XMinioInvalidResourceName"}

// locked reports whether a store says that it cannot give this object to us,
// though it gives others: it is archived, or encrypted with another key.
func locked(r minio.ErrorResponse) bool {
	return r.Code == "InvalidObjectState" || strings.HasPrefix(r.Code, "KMS.") ||
		r.Code == "InvalidRequest" && strings.Contains(r.Message, "ncryption")
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// answers mends answers that minio-go does not read: one without a readable
// Last-Modified gets the date noDate, since it refuses such answers whole and
// some stores send them; a 304 becomes an error that keeps its date.
type answers struct{ http.RoundTripper }

var noDate = time.Unix(0, 0)

// notModified is the error of a request whose If-None-Match matched.
type notModified struct{ modTime time.Time } // zero if the store did not say

func (*notModified) Error() string { return "s3: not modified" }

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	date, err := http.ParseTime(resp.Header.Get("Last-Modified"))
	if resp.StatusCode == http.StatusNotModified {
		_ = resp.Body.Close() // a 304 has none
		return nil, &notModified{date}
	}
	if err != nil {
		resp.Header.Set("Last-Modified", noDate.UTC().Format(http.TimeFormat))
	}
	return resp, nil
}

func newTransport(c Config) *http.Transport {
	dialer := &net.Dialer{Timeout: c.ConnectTimeout, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    c.ConnectTimeout,
		ResponseHeaderTimeout:  c.HeaderTimeout,
		MaxIdleConns:           4 * maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		MaxConnsPerHost:        maxConnections,
		IdleConnTimeout:        60 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // the bytes are counted as they are stored
	}
}

// splitEndpoint returns host[:port] and whether it is asked by https.
func splitEndpoint(endpoint string) (host string, secure bool, err error) {
	if endpoint == "" {
		return "s3.amazonaws.com", true, nil
	}
	bare := !strings.Contains(endpoint, "://")
	if bare {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", false, fmt.Errorf("s3: endpoint: not a URL: %w", errors.Unwrap(err)) // without the URL, which may have a password
	}
	if bare && isLoopback(u.Host) {
		u.Scheme = "http"
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return "", false, fmt.Errorf("s3: endpoint %q: scheme must be http or https", u.Redacted())
	}
	if u.Host == "" || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.User != nil {
		return "", false, fmt.Errorf("s3: endpoint %q: want only a scheme, a host and a port", u.Redacted())
	}
	return u.Host, u.Scheme == "https", nil
}

// isPrivate reports whether nobody can read or change what is sent to and from a
// host.
func isPrivate(host string, secure bool) bool { return secure || isLoopback(host) }

// isLoopback reports whether host[:port] is this machine.
func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	return name == "localhost" || net.ParseIP(name).IsLoopback()
}

func isAmazon(host string) bool {
	host, _, _ = strings.Cut(host, ":")
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn")
}

// orDefault returns v, or def if v is not set.
func orDefault[T time.Duration | string](v, def T) T {
	var zero T
	if v <= zero {
		return def
	}
	return v
}
