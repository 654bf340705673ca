package s3

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"
)

// An Answer is what a store said to one request. The zero value is one that was
// not asked for.
type Answer struct {
	Status        int    // 0: there was no answer, and Err says why
	Code, Message string // of an error document
	Region        string // that the store wants
	Took          time.Duration
	Err           error
}

// OK reports whether the request was granted.
func (a Answer) OK() bool { return a.Err == nil && a.Status != 0 }

// Asked reports whether the request was made.
func (a Answer) Asked() bool { return a.Err != nil || a.Status != 0 }

// Denied reports whether the store refused this action to these keys.
func (a Answer) Denied() bool {
	return a.Status == http.StatusForbidden && (a.Code == "AccessDenied" || a.Code == "AllAccessDisabled" || a.Code == "")
}

// An Examination is what a store said to harmless requests.
type Examination struct {
	Host      string
	Anonymous bool // there are no keys
	PathStyle bool // as it was asked
	Region    string

	List Answer // ListObjectsV2 below the prefix
	Head Answer // HeadObject of Object
	Get  Answer // GetObject of it, or of one that there is not

	Object  string   // a key below the prefix; "": none was listed
	Beside  []string // if there is none: folders and keys that the bucket has
	Date    time.Time
	Skew    time.Duration // of our clock: positive if it is ahead
	Renamed Answer        // List with the other path style, if List failed
	Moved   Answer        // List in the region that the store wants, if List failed
}

const examineTimeout = 10 * time.Second

// Examine asks the store of a bucket a few harmless questions: what is in it
// below the prefix, and whether it may be read. An error is an answer too.
func Examine(ctx context.Context, c Config) (x Examination, err error) {
	ctx, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	host, _, err := splitEndpoint(c.Endpoint)
	if err != nil {
		return x, err
	}
	x.Host, x.Region = host, orDefault(c.Region, defaultRegion)
	x.PathStyle = !isAmazon(host) && !strings.HasSuffix(host, ".googleapis.com")
	if c.PathStyle != nil {
		x.PathStyle = *c.PathStyle
	}
	e, err := newExaminer(c, x.Region, x.PathStyle)
	if err != nil {
		return x, err
	}
	keys, err := e.core.GetCreds()
	x.Anonymous = err == nil && keys.AccessKeyID == ""
	x.Object, x.List = e.list(ctx, c.Bucket, c.Prefix)
	x.Date, x.Skew = e.clock()
	if !x.List.OK() {
		if r := x.List.Region; r != "" && r != x.Region {
			if moved, err := newExaminer(c, r, x.PathStyle); err == nil {
				if x.Object, x.Moved = moved.list(ctx, c.Bucket, c.Prefix); x.Moved.OK() {
					e = moved
				}
			}
		}
		if other, err := newExaminer(c, x.Region, !x.PathStyle); err == nil && !x.Moved.OK() && !x.List.Denied() {
			if x.Object, x.Renamed = other.list(ctx, c.Bucket, c.Prefix); x.Renamed.OK() {
				e = other
			}
		}
	}
	if x.Object == "" && (x.List.OK() || x.Moved.OK() || x.Renamed.OK()) {
		x.Beside = e.beside(ctx, c.Bucket)
	}
	if x.Object != "" {
		x.Head = e.ask(func(core *minio.Core) error {
			_, err := core.StatObject(ctx, c.Bucket, x.Object, e.options())
			return err
		})
	}
	if x.Object != "" || x.List.Denied() {
		x.Get = e.get(ctx, c.Bucket, x.Object, c.Prefix)
	}
	return x, nil
}

// TryWrite writes a small object below the prefix, and removes it.
func TryWrite(ctx context.Context, c Config) (put, remove Answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	host, _, err := splitEndpoint(c.Endpoint)
	if err != nil {
		return put, remove, err
	}
	style := !isAmazon(host)
	if c.PathStyle != nil {
		style = *c.PathStyle
	}
	e, err := newExaminer(c, orDefault(c.Region, defaultRegion), style)
	if err != nil {
		return put, remove, err
	}
	key := c.Prefix + unlikelyName()
	put = e.ask(func(core *minio.Core) error {
		_, err := core.PutObject(ctx, c.Bucket, key, strings.NewReader("x"), 1, "", "", minio.PutObjectOptions{})
		return err
	})
	if put.OK() {
		remove = e.ask(func(core *minio.Core) error {
			return core.RemoveObject(ctx, c.Bucket, key, minio.RemoveObjectOptions{})
		})
	}
	return put, remove, nil
}

// unlikelyName is that of an object which there is not.
func unlikelyName() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return "s3imageserver-doctor-" + hex.EncodeToString(b[:])
}

// An examiner makes requests and keeps what the last answer was.
type examiner struct {
	core        *minio.Core
	config      Config
	customerKey encrypt.ServerSide // nil: none

	mu     sync.Mutex
	status int       // of the last answer; guarded by mu, as all below
	date   time.Time // that the store gave
	ours   time.Time // when it came
}

func newExaminer(c Config, region string, pathStyle bool) (*examiner, error) {
	c.ConnectTimeout = orDefault(c.ConnectTimeout, defaultConnectTimeout)
	c.HeaderTimeout = orDefault(c.HeaderTimeout, defaultHeaderTimeout)
	host, secure, err := splitEndpoint(c.Endpoint)
	if err != nil {
		return nil, err
	}
	lookup := minio.BucketLookupDNS
	if pathStyle {
		lookup = minio.BucketLookupPath
	}
	e := &examiner{config: c}
	if e.customerKey, err = c.customerKey(secure || isLoopback(host)); err != nil {
		return nil, err
	}
	transport := newTransport(c)
	transport.DisableKeepAlives = true // nobody closes it
	e.core, err = minio.NewCore(host, &minio.Options{
		Creds: newCredentials(c, isAmazon(host)), Secure: secure, Region: region, BucketLookup: lookup, MaxRetries: 1,
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := transport.RoundTrip(r)
			if err == nil {
				e.note(resp)
			}
			return resp, err
		}),
	})
	return e, err
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (e *examiner) note(r *http.Response) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status = r.StatusCode
	if date, err := http.ParseTime(r.Header.Get("Date")); err == nil {
		e.date, e.ours = date, time.Now()
	}
}

// clock returns the store's time, and by how much ours is ahead of it.
func (e *examiner) clock() (date time.Time, skew time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.date.IsZero() {
		return e.date, 0
	}
	return e.date, e.ours.Sub(e.date).Truncate(time.Second)
}

func (e *examiner) ask(call func(*minio.Core) error) Answer {
	e.mu.Lock()
	e.status = 0
	e.mu.Unlock()
	began := time.Now()
	err := call(e.core)
	e.mu.Lock()
	defer e.mu.Unlock()
	a := Answer{Status: e.status, Err: err, Took: time.Since(began)}
	if r := (minio.ErrorResponse{}); errors.As(err, &r) {
		a.Code, a.Message, a.Region = r.Code, r.Message, r.Region
	}
	return a
}

func (e *examiner) list(ctx context.Context, bucket, prefix string) (object string, a Answer) {
	a = e.ask(func(core *minio.Core) error {
		return e.each(ctx, core, bucket, minio.ListObjectsOptions{Prefix: prefix, Recursive: true, MaxKeys: 10}, func(key string) (more bool) {
			if !strings.HasSuffix(key, "/") {
				object = key
			}
			return object == ""
		})
	})
	return object, a
}

// beside returns a few folders and keys of the bucket.
func (e *examiner) beside(ctx context.Context, bucket string) (names []string) {
	_ = e.ask(func(core *minio.Core) error { // it is only a hint
		return e.each(ctx, core, bucket, minio.ListObjectsOptions{MaxKeys: 5}, func(key string) (more bool) {
			names = append(names, key)
			return true
		})
	})
	return names
}

// each calls do for the keys of one page of a listing, until it wants no more.
func (e *examiner) each(ctx context.Context, core *minio.Core, bucket string, o minio.ListObjectsOptions, do func(key string) (more bool)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing when there is enough
	e.config.pay(&o)
	n := 0
	for object := range core.Client.ListObjectsIter(ctx, bucket, o) {
		if object.Err != nil {
			return object.Err
		}
		if n++; !do(object.Key) || n == o.MaxKeys {
			break
		}
	}
	return nil
}

// options returns what goes with every request for an object.
func (e *examiner) options() minio.GetObjectOptions {
	o := minio.GetObjectOptions{ServerSideEncryption: e.customerKey}
	e.config.pay(&o)
	return o
}

// get asks for the first byte of an object, or for one that there is not.
func (e *examiner) get(ctx context.Context, bucket, key, prefix string) Answer {
	if key == "" {
		key = prefix + unlikelyName()
	}
	return e.ask(func(core *minio.Core) error {
		o := e.options()
		_ = o.SetRange(0, 0) // a range that there is
		body, _, _, err := core.GetObject(ctx, bucket, key, o)
		if err != nil {
			return err
		}
		return body.Close()
	})
}
