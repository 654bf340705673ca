package s3_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"s3imageserver/storage"
	"s3imageserver/storage/s3"
	"s3imageserver/storage/s3/s3test"
	"s3imageserver/storage/storagetest"
)

func TestMinIO(t *testing.T)     { testServer(t, s3test.MinIO) }
func TestVersityGW(t *testing.T) { testServer(t, s3test.VersityGW) }

// Versions of an object are told apart, and one that there is not is a missing
// object.
func TestVersions(t *testing.T) {
	server := s3test.Start(t, s3test.MinIO)
	config := s3.Config{Endpoint: server.Endpoint, Bucket: "versions", AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey}
	server.MakeBucket(t, "versions")
	server.KeepVersions(t, "versions")
	first := server.PutMeta(t, "versions", "photo.jpg", []byte("first"), nil)
	second := server.PutMeta(t, "versions", "photo.jpg", []byte("second"), nil)
	b := open(t, config)
	for version, want := range map[string]string{"": "second", first: "first", second: "second"} {
		o, err := b.GetVersion(t.Context(), "photo.jpg", version)
		if err != nil {
			t.Errorf("version %q: %v", version, err)
			continue
		}
		if got, err := o.ReadAll(100); err != nil || string(got) != want {
			t.Errorf("version %q: %q, %v; want %q", version, got, err, want)
		}
		_ = o.Body.Close() // only read
	}
	for _, version := range []string{"00000000-0000-0000-0000-000000000000", "no-such-version", "..", ".", "./", "../1", "a/../b", `..\x`, "%00", "+"} {
		if _, err := b.GetVersion(t.Context(), "photo.jpg", version); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("version %q: %v; want fs.ErrNotExist", version, err)
		}
	}
}

// A store that keeps no versions says so in its own way: that is no trouble.
func TestStoreWithoutVersions(t *testing.T) {
	for _, answer := range []func(net.Conn){status(501, "NotImplemented"), status(400, "InvalidArgument"), status(400, "InvalidVersionId"), status(400, "XMinioInvalidResourceName"), status(405, "MethodNotAllowed")} {
		b := open(t, s3.Config{Endpoint: s3test.Fake(t, func(c net.Conn, _ *http.Request) { answer(c) }), Bucket: "pictures", AccessKey: "key", SecretKey: "secret"})
		if _, err := b.GetVersion(t.Context(), "photo.jpg", "1"); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("GetVersion = %v; want fs.ErrNotExist", err)
		}
	}
}

func testServer(t *testing.T, p s3test.Program) {
	server := s3test.Start(t, p)
	config := s3.Config{
		Endpoint: server.Endpoint, Bucket: "pictures", Prefix: "images/large/",
		AccessKey: s3test.AccessKey, SecretKey: s3test.SecretKey,
	}
	server.MakeBucket(t, "pictures")
	storagetest.Test(t, func(t *testing.T, objects map[string][]byte) storage.Bucket {
		for name, data := range objects {
			server.Put(t, "pictures", config.Prefix+name, data)
		}
		return open(t, config)
	})

	t.Run("browse", func(t *testing.T) {
		storagetest.TestBrowser(t, func(t *testing.T, objects map[string][]byte) storage.Browser {
			c := config
			c.Prefix = "browse/"
			for name, data := range objects {
				server.Put(t, "pictures", c.Prefix+name, data)
			}
			b := open(t, c)
			names, err := b.List(t.Context(), 3, func(name string) bool { return strings.HasSuffix(name, ".jpg") && name != "a.jpg" })
			if err != nil || !slices.Equal(names, []string{"b-.jpg", "b/1.jpg", "b/2.jpg"}) {
				t.Errorf("List = %q, %v", names, err)
			}
			return b
		})
	})

	t.Run("what an uploader says about an object is read", func(t *testing.T) {
		server.PutMeta(t, "pictures", config.Prefix+"ruled.jpg", []byte("x"), map[string]string{
			"focal": "0.3,0.7", "crop": "1,2,3,4", "quality": "80", "Watermark": "logo", "other": "y",
		})
		server.PutMeta(t, "pictures", config.Prefix+"long.jpg", []byte("x"), map[string]string{"focal": strings.Repeat("1", storage.MaxMetaBytes+1), "crop": "5"})
		for name, want := range map[string]storage.Meta{
			"ruled.jpg": {Focal: "0.3,0.7", Crop: "1,2,3,4", Quality: "80", Watermark: "logo"},
			"long.jpg":  {Crop: "5"},
			"photo.jpg": {},
		} {
			if _, info, err := storage.ReadAll(t.Context(), open(t, config), name, 1<<20); err != nil || info.Meta != want {
				t.Errorf("%s: %+v, %v; want %+v", name, info.Meta, err, want)
			}
		}
	})
	t.Run("what was stored compressed is decoded", func(t *testing.T) {
		picture := bytes.Repeat([]byte("the bytes of a picture"), 10000)
		var file bytes.Buffer
		z := gzip.NewWriter(&file)
		_, _ = z.Write(picture) // a buffer has no faults
		_ = z.Close()
		for name, tt := range map[string]struct {
			coding string
			stored []byte
		}{
			"gzip.jpg":       {"gzip", file.Bytes()},
			"false-gzip.jpg": {"gzip", picture},
			"false-br.jpg":   {"br", picture},
		} {
			server.PutEncoded(t, "pictures", config.Prefix+name, tt.stored, tt.coding)
			data, info, err := storage.ReadAll(t.Context(), open(t, config), name, 1<<20)
			if err != nil || !bytes.Equal(data, picture) || info.ETag == "" || info.ModTime.IsZero() {
				t.Errorf("%s: %d bytes, %+v, %v; want the %d of the picture", name, len(data), info, err, len(picture))
			}
			if _, err := open(t, config).GetIfModified(t.Context(), name, info); !errors.Is(err, storage.ErrNotModified) {
				t.Errorf("%s, again: %v; want storage.ErrNotModified", name, err)
			}
		}
		small := config
		small.MaxBytes = 1000
		if _, err := open(t, small).Get(t.Context(), "gzip.jpg"); !errors.Is(err, storage.ErrTooLarge) {
			t.Errorf("more than MaxBytes: %v; want storage.ErrTooLarge", err)
		}
	})
	t.Run("a name that the store cannot hold is a missing picture", func(t *testing.T) {
		for _, name := range []string{strings.Repeat("a", 300) + ".jpg", "folder/" + strings.Repeat("b", 900) + ".jpg", "photo.jpg/below.jpg"} {
			if _, err := open(t, config).Get(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%.20s: %v; want fs.ErrNotExist", name, err)
			}
		}
	})
	t.Run("it can be written", func(t *testing.T) {
		c := config
		c.Prefix = "cache/"
		storagetest.TestStore(t, open(t, c))
	})
	t.Run("wrong keys are the store's trouble, not a missing picture", func(t *testing.T) {
		c := config
		c.SecretKey = "another-secret-key"
		if _, err := open(t, c).Get(t.Context(), "photo.jpg"); !errors.Is(err, storage.ErrUnavailable) || strings.Contains(err.Error(), c.SecretKey) {
			t.Errorf("Get with a wrong secret = %v; want storage.ErrUnavailable without the secret", err)
		}
	})
	t.Run("anonymous access to a private bucket is forbidden", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
		c := config
		c.AccessKey, c.SecretKey = "", ""
		if _, err := open(t, c).Get(t.Context(), "photo.jpg"); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("anonymous Get = %v; want fs.ErrPermission", err)
		}
	})
	t.Run("keys come from the environment", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", s3test.AccessKey)
		t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.SecretKey)
		c := config
		c.AccessKey, c.SecretKey = "", ""
		if _, _, err := storage.ReadAll(t.Context(), open(t, c), "photo.jpg", 1<<20); err != nil {
			t.Errorf("Get with keys from the environment: %v", err)
		}
	})
	t.Run("a bucket that does not exist", func(t *testing.T) {
		c := config
		c.Bucket = "no-such-bucket"
		if _, err := open(t, c).Get(t.Context(), "photo.jpg"); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("Get from a missing bucket = %v; want storage.ErrUnavailable", err)
		}
	})
	t.Run("a stopped server", func(t *testing.T) {
		b := open(t, config)
		server.Stop(t)
		if _, err := b.Get(t.Context(), "photo.jpg"); !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Get from a stopped server = %v; want storage.ErrUnavailable, and no timeout", err)
		}
		server.Resume(t)
		if _, _, err := storage.ReadAll(t.Context(), b, "photo.jpg", 1<<20); err != nil {
			t.Errorf("Get after the server came back: %v", err)
		}
	})
}

func open(t *testing.T, c s3.Config) *s3.Bucket {
	t.Helper()
	b, err := s3.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFaults(t *testing.T) {
	const body = "0123456789"
	tests := []struct {
		name    string
		answer  func(c net.Conn)
		want    error
		notWant error
	}{
		{"body cut below its Content-Length", raw("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + body), storage.ErrIncomplete, nil},
		{"chunked body, whole", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n" + body + "\r\n0\r\n\r\n"), storage.ErrIncomplete, nil},
		{"chunked body, cut between chunks", raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n" + body + "\r\n"), storage.ErrIncomplete, nil},
		{"body ended by the connection", raw("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body), storage.ErrIncomplete, nil},
		{"no answer at all", func(c net.Conn) {}, storage.ErrUnavailable, os.ErrDeadlineExceeded},
		{"not HTTP", raw("SSH-2.0-OpenSSH_9.2\r\n"), storage.ErrUnavailable, os.ErrDeadlineExceeded},
		{"SlowDown", status(503, "SlowDown"), storage.ErrOverloaded, nil},
		{"too many requests", status(429, "TooManyRequests"), storage.ErrOverloaded, nil},
		{"internal error", status(500, "InternalError"), storage.ErrUnavailable, storage.ErrOverloaded},
		{"bad gateway in HTML", raw("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"), storage.ErrUnavailable, storage.ErrOverloaded},
		{"missing object", status(404, "NoSuchKey"), fs.ErrNotExist, nil},
		{"missing object without a body", raw("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), fs.ErrNotExist, nil},
		{"forbidden", status(403, "AccessDenied"), fs.ErrPermission, storage.ErrRefused},
		{"clock skew", status(403, "RequestTimeTooSkewed"), storage.ErrUnavailable, fs.ErrPermission},
		{"expired token", status(400, "ExpiredToken"), storage.ErrUnavailable, fs.ErrPermission},
		{"archived", status(403, "InvalidObjectState"), fs.ErrPermission, storage.ErrUnavailable},
		{"encrypted with another key", statusText(400, "InvalidRequest", "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object."), fs.ErrPermission, storage.ErrUnavailable},
		{"not encrypted, but asked for with a key", statusText(400, "InvalidRequest", "The encryption parameters are not applicable to this object."), fs.ErrPermission, storage.ErrUnavailable},
		{"encrypted with a key that is off", status(400, "KMS.DisabledException"), fs.ErrPermission, storage.ErrUnavailable},
		{"another bad request", status(400, "InvalidRequest"), storage.ErrRefused, storage.ErrUnavailable},
		{"a bad request of a proxy", raw("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), storage.ErrRefused, storage.ErrUnavailable},
		{"a precondition that failed", status(412, "PreconditionFailed"), storage.ErrRefused, storage.ErrUnavailable},
		{"what cannot be processed", status(422, "Unprocessable"), storage.ErrRefused, storage.ErrUnavailable},
		{"legal reasons", raw("HTTP/1.1 451 Unavailable For Legal Reasons\r\nContent-Length: 0\r\n\r\n"), fs.ErrNotExist, storage.ErrUnavailable},
		{"a resource that no object has", status(400, "XMinioInvalidResourceName"), fs.ErrNotExist, storage.ErrUnavailable},
		{"a request that took too long to arrive", status(400, "RequestTimeout"), storage.ErrUnavailable, fs.ErrPermission},
		{"a timeout of a proxy", raw("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"), storage.ErrUnavailable, fs.ErrPermission},
		{"no credentials", raw("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"), storage.ErrUnavailable, fs.ErrPermission},
		{"a wrong key", status(403, "InvalidAccessKeyId"), storage.ErrUnavailable, fs.ErrPermission},
		{"a wrong secret", status(403, "SignatureDoesNotMatch"), storage.ErrUnavailable, fs.ErrPermission},
		{"no bucket", status(404, "NoSuchBucket"), storage.ErrUnavailable, fs.ErrNotExist},
		{"a name that is too long", status(400, "KeyTooLongError"), fs.ErrNotExist, storage.ErrUnavailable},
		{"a name that no object has", status(400, "XMinioInvalidObjectName"), fs.ErrNotExist, storage.ErrUnavailable},
		{"redirect to another host", raw("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n"), storage.ErrUnavailable, nil},
		{"no header in time", hang(""), os.ErrDeadlineExceeded, nil},
		{"no body in time", hang("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + body), os.ErrDeadlineExceeded, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			timeout := time.Minute // what answers does so in time, on a machine of any speed
			if tt.want == os.ErrDeadlineExceeded {
				timeout = 200 * time.Millisecond
			}
			b := open(t, s3.Config{
				Endpoint: s3test.Fake(t, func(c net.Conn, _ *http.Request) { tt.answer(c) }),
				Bucket:   "pictures", AccessKey: "key", SecretKey: "secret",
				ConnectTimeout: time.Minute, HeaderTimeout: timeout, ReadTimeout: timeout,
			})
			data, _, err := storage.ReadAll(t.Context(), b, "photo.jpg", 1<<20)
			if !errors.Is(err, tt.want) || (tt.notWant != nil && errors.Is(err, tt.notWant)) {
				t.Errorf("ReadAll = %q, %v; want %v and not %v", data, err, tt.want, tt.notWant)
			}
		})
	}
}

func TestCancelWhileReading(t *testing.T) {
	b := open(t, s3.Config{
		Endpoint: s3test.Fake(t, func(c net.Conn, _ *http.Request) { hang("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nabc")(c) }),
		Bucket:   "pictures", AccessKey: "key", SecretKey: "secret",
	})
	ctx, cancel := context.WithCancel(t.Context())
	obj, err := b.Get(ctx, "photo.jpg")
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Body.Close()
	if _, err := io.ReadFull(obj.Body, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := obj.Body.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("Read after cancel = %v; want context.Canceled", err)
	}
}

func TestOneRequestForOneGet(t *testing.T) {
	var requests atomic.Int32
	b := open(t, s3.Config{
		Endpoint: s3test.Fake(t, func(c net.Conn, _ *http.Request) { requests.Add(1); status(503, "SlowDown")(c) }),
		Bucket:   "pictures", AccessKey: "key", SecretKey: "secret",
	})
	if _, err := b.Get(t.Context(), "photo.jpg"); !errors.Is(err, storage.ErrOverloaded) {
		t.Errorf("Get = %v; want storage.ErrOverloaded", err)
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("one Get sent %d requests; want 1", n)
	}
}

func TestRegionIsLearntFromTheStore(t *testing.T) {
	var requests atomic.Int32
	b := open(t, s3.Config{
		Endpoint: s3test.Fake(t, func(c net.Conn, r *http.Request) {
			requests.Add(1)
			if !strings.Contains(r.Header.Get("Authorization"), "/eu-west-7/") {
				text := "<Error><Code>AuthorizationHeaderMalformed</Code><Message>wrong region</Message><Region>eu-west-7</Region></Error>"
				raw(fmt.Sprintf("HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s", len(text), text))(c)
				return
			}
			raw("HTTP/1.1 200 OK\r\nLast-Modified: Mon, 02 Jan 2006 15:04:05 GMT\r\nETag: \"e\"\r\nContent-Length: 5\r\n\r\nhello")(c)
		}),
		Bucket: "pictures", AccessKey: "key", SecretKey: "secret",
	})
	for range 2 {
		if data, _, err := storage.ReadAll(t.Context(), b, "photo.jpg", 100); string(data) != "hello" || err != nil {
			t.Fatalf("ReadAll = %q, %v; want hello", data, err)
		}
	}
	if n := requests.Load(); n != 3 {
		t.Errorf("two reads sent %d requests; want 3: the first one learns the region", n)
	}
}

func TestNamesReachTheStoreUnchanged(t *testing.T) {
	paths := make(chan string, 1)
	endpoint := s3test.Fake(t, func(c net.Conn, r *http.Request) { paths <- r.URL.Path; status(404, "NoSuchKey")(c) })
	b := open(t, s3.Config{Endpoint: endpoint, Bucket: "pictures", Prefix: "large/", AccessKey: "key", SecretKey: "secret"})
	for _, name := range []string{"a b+c.jpg", "%2e%2e%2fx.jpg", "ä/日本.jpg", "q?x=1#f.jpg"} {
		if _, err := b.Get(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if got, want := <-paths, "/pictures/large/"+name; got != want {
			t.Errorf("the store was asked for %q; want %q", got, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	tests := []struct {
		name   string
		config s3.Config
	}{
		{"no bucket", s3.Config{}},
		{"half a key", s3.Config{Bucket: "b", AccessKey: "key"}},
		{"another scheme", s3.Config{Bucket: "b", Endpoint: "ftp://host"}},
		{"a path", s3.Config{Bucket: "b", Endpoint: "http://host/path"}},
		{"a query", s3.Config{Bucket: "b", Endpoint: "http://host?x=1"}},
		{"a password", s3.Config{Bucket: "b", Endpoint: "http://user:word@host"}},
		{"no host", s3.Config{Bucket: "b", Endpoint: "http://"}},
		{"half a customer's key", s3.Config{Bucket: "b", CustomerKey: make([]byte, 16)}},
		{"a customer's key in the clear", s3.Config{Bucket: "b", Endpoint: "http://host", CustomerKey: make([]byte, 32)}},
		{"not a host", s3.Config{Bucket: "b", Endpoint: "http://ho st"}},
	}
	for _, tt := range tests {
		if _, err := s3.Open(tt.config); err == nil || strings.Contains(err.Error(), "word") {
			t.Errorf("%s: Open = %v; want an error without a password", tt.name, err)
		}
	}
}

func raw(s string) func(net.Conn) {
	return func(c net.Conn) { _, _ = io.WriteString(c, s) } // the client may have left
}

func status(code int, s3code string) func(net.Conn) { return statusText(code, s3code, "m") }

func statusText(code int, s3code, message string) func(net.Conn) {
	text := fmt.Sprintf("<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>%s</Message></Error>", s3code, message)
	return raw(fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%s", code, len(text), text))
}

// hang writes s and then waits for the client to leave.
func hang(s string) func(net.Conn) {
	return func(c net.Conn) {
		raw(s)(c)
		_, _ = c.Read(make([]byte, 1)) // returns when the client closes
	}
}

// What goes with every request for an object: the customer's key, who pays.
func TestRequestsForObjects(t *testing.T) {
	headers := make(chan http.Header, 4)
	b := open(t, s3.Config{
		Endpoint: s3test.Fake(t, func(c net.Conn, r *http.Request) {
			headers <- r.Header
			if r.Header.Get("If-None-Match") != "" {
				raw("HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\n\r\n")(c)
				return
			}
			raw("HTTP/1.1 200 OK\r\nLast-Modified: Mon, 02 Jan 2006 15:04:05 GMT\r\nETag: \"e\"\r\nContent-Length: 5\r\n\r\nhello")(c)
		}),
		Bucket: "pictures", AccessKey: "key", SecretKey: "secret",
		CustomerKey: []byte("0123456789abcdef0123456789abcdef"), RequesterPays: true,
	})
	_, info, err := storage.ReadAll(t.Context(), b, "photo.jpg", 100)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.GetIfModified(t.Context(), "photo.jpg", info); !errors.Is(err, storage.ErrNotModified) {
		t.Fatalf("GetIfModified = %v; want storage.ErrNotModified", err)
	}
	close(headers)
	n := 0
	for h := range headers {
		n++
		for name, want := range map[string]string{
			"X-Amz-Server-Side-Encryption-Customer-Algorithm": "AES256",
			"X-Amz-Server-Side-Encryption-Customer-Key":       "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
			"X-Amz-Request-Payer":                             "requester",
		} {
			if h.Get(name) != want {
				t.Errorf("request %d: %s = %q; want %q", n, name, h.Get(name), want)
			}
		}
	}
	if n != 3 { // the last one asks for the date
		t.Errorf("%d requests; want 3", n)
	}
}

// Listings are paid for too, and the doctor asks as the server does.
func TestListingsAndExaminations(t *testing.T) {
	var mu sync.Mutex
	var bare []string // requests that lack something; guarded by mu
	c := s3.Config{
		Endpoint: s3test.Fake(t, func(c net.Conn, r *http.Request) {
			listing := r.URL.Query().Has("list-type")
			if r.Header.Get("X-Amz-Request-Payer") != "requester" || !strings.Contains(r.Header.Get("Authorization"), "x-amz-request-payer") ||
				!listing && r.Header.Get("X-Amz-Server-Side-Encryption-Customer-Key") == "" {
				mu.Lock()
				bare = append(bare, r.Method+" "+r.URL.String())
				mu.Unlock()
			}
			if listing {
				text := "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>folder/</Key></Contents><Contents><Key>photo.jpg</Key><Size>1</Size></Contents></ListBucketResult>"
				raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n%s", len(text), text))(c)
				return
			}
			raw("HTTP/1.1 200 OK\r\nLast-Modified: Mon, 02 Jan 2006 15:04:05 GMT\r\nETag: \"e\"\r\nContent-Length: 1\r\n\r\n")(c)
			if r.Method == http.MethodGet {
				raw("x")(c)
			}
		}),
		Bucket: "pictures", AccessKey: "key", SecretKey: "secret",
		CustomerKey: []byte("0123456789abcdef0123456789abcdef"), RequesterPays: true,
	}
	b := open(t, c)
	if names, err := b.List(t.Context(), 9, func(string) bool { return true }); err != nil || !slices.Equal(names, []string{"photo.jpg"}) {
		t.Errorf("List = %q, %v", names, err)
	}
	if l, err := b.Browse(t.Context(), "", "", 9); err != nil || !slices.Contains(l.Names, "photo.jpg") {
		t.Errorf("Browse = %+v, %v", l, err)
	}
	x, err := s3.Examine(t.Context(), c)
	if err != nil || x.Object != "photo.jpg" || !x.List.OK() || !x.Head.OK() || !x.Get.OK() {
		t.Errorf("Examine = %+v, %v", x, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(bare) > 0 {
		t.Errorf("without who pays, or without the key: %q", bare)
	}
}

// A token of the cluster is exchanged for keys, which sign the requests, at the
// service of a store that is not AWS.
func TestWebIdentity(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"} {
		t.Setenv(name, "")
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("the token of the cluster"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", file)
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/pictures")
	asked := make(chan string, 1)
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.FormValue("WebIdentityToken")
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>`+
			`<AccessKeyId>lent</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>session</SessionToken><Expiration>%s</Expiration>`+
			`</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(sts.Close)
	b := open(t, s3.Config{
		Endpoint: s3test.Fake(t, func(c net.Conn, r *http.Request) {
			if !strings.Contains(r.Header.Get("Authorization"), "Credential=lent/") || r.Header.Get("X-Amz-Security-Token") != "session" {
				status(403, "AccessDenied")(c)
				return
			}
			raw("HTTP/1.1 200 OK\r\nLast-Modified: Mon, 02 Jan 2006 15:04:05 GMT\r\nETag: \"e\"\r\nContent-Length: 5\r\n\r\nhello")(c)
		}),
		Bucket: "pictures", CredentialsEndpoint: sts.URL,
	})
	for range 2 { // the second one with the keys of the first
		if data, _, err := storage.ReadAll(t.Context(), b, "photo.jpg", 100); string(data) != "hello" || err != nil {
			t.Fatalf("ReadAll = %q, %v; want hello", data, err)
		}
	}
	if token := <-asked; token != "the token of the cluster" {
		t.Errorf("the service was shown the token %q", token)
	}
}
