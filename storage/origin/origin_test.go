package origin_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"s3imageserver/storage"
	"s3imageserver/storage/origin"
	"s3imageserver/storage/storagetest"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

const modified = "Mon, 02 Jan 2006 15:04:05 GMT"

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func open(t *testing.T, c origin.Config) *origin.Bucket {
	t.Helper()
	if c.Networks == nil {
		c.Networks = loopback
	}
	b, err := origin.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOrigin(t *testing.T) {
	storagetest.Test(t, func(t *testing.T, objects map[string][]byte) storage.Bucket {
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			name, ok := strings.CutPrefix(r.URL.Path, "/pics and more/")
			data, found := objects[name]
			if !ok || !found {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("ETag", fmt.Sprintf(`"%x"`, len(data)))
			w.Header().Set("Last-Modified", modified)
			w.Header().Set("Content-Length", fmt.Sprint(len(data)))
			_, _ = w.Write(data)
		})
		return open(t, origin.Config{URL: s.URL + "/pics and more/"})
	})
}

// Whatever a server answers becomes one of the errors of a Bucket.
func TestAnswers(t *testing.T) {
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   error
	}{
		{"404", status(404), fs.ErrNotExist},
		{"410", status(410), fs.ErrNotExist},
		{"451", status(451), fs.ErrNotExist},
		{"401", status(401), fs.ErrPermission},
		{"403", status(403), fs.ErrPermission},
		{"400", status(400), storage.ErrRefused},
		{"406", status(406), storage.ErrRefused},
		{"414", status(414), storage.ErrRefused},
		{"429", status(429), storage.ErrOverloaded},
		{"503", status(503), storage.ErrOverloaded},
		{"500", status(500), storage.ErrUnavailable},
		{"409", status(409), storage.ErrRefused},
		{"422", status(422), storage.ErrRefused},
		{"408", status(408), storage.ErrUnavailable},
		{"501", status(501), storage.ErrUnavailable},
		{"204", status(204), storage.ErrRefused},
		{"206 without a range", status(206), storage.ErrRefused},
		{"gzip that is none", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "\x1f\x8bx")
		}, storage.ErrCoding},
		{"a body that breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "x")
		}, storage.ErrIncomplete},
		{"chunks that break off", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, storage.ErrIncomplete},
		{"the end of the connection as the end of the body", func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.0 200 OK\r\n\r\nhello")
		}, storage.ErrIncomplete},
		{"no HTTP", func(w http.ResponseWriter, _ *http.Request) { hijack(w, "SSH-2.0-x\r\n") }, storage.ErrUnavailable},
		{"a redirect without a place", status(302), storage.ErrRefused},
		{"a redirect for ever", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		}, fs.ErrPermission},
		{"a redirect to another host", redirect("http://other.example/"), fs.ErrPermission},
		{"a redirect to a private address that is a host", redirect("http://10.0.0.1/"), fs.ErrPermission},
		{"a redirect to a file", redirect("file:///etc/passwd"), fs.ErrPermission},
		{"more bytes than are held, of unknown length", func(w http.ResponseWriter, _ *http.Request) {
			for range 20 {
				_, _ = w.Write(make([]byte, 1000))
				w.(http.Flusher).Flush()
			}
		}, storage.ErrTooLarge},
		{"a header that never ends", func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 1<<20))
		}, storage.ErrUnavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := open(t, origin.Config{URL: serve(t, tt.answer).URL, MaxBytes: 10000})
			if _, _, err := storage.ReadAll(t.Context(), b, "photo.jpg", 1<<20); !errors.Is(err, tt.want) {
				t.Errorf("ReadAll = %v; want %v", err, tt.want)
			}
		})
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}
}

// hijack answers with bytes and closes the connection.
func hijack(w http.ResponseWriter, text string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = io.WriteString(conn, text) // the client may have left
	_ = conn.Close()
}

// A server that is slow at any point costs its timeout, not more.
func TestSlowServer(t *testing.T) {
	wait := func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, answer := range map[string]http.HandlerFunc{
		"no header": wait,
		"half a body": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			wait(w, r)
		},
	} {
		b := open(t, origin.Config{URL: serve(t, answer).URL, HeaderTimeout: 100 * time.Millisecond, ReadTimeout: 100 * time.Millisecond})
		_, _, err := storage.ReadAll(t.Context(), b, "photo.jpg", 100)
		if !errors.Is(err, storage.ErrUnavailable) || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v; want unavailable, too slow", name, err)
		}
	}
}

// A body in chunks is given out with its length, and as many as come.
func TestUnknownLength(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello ")
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, "world")
	})
	b := open(t, origin.Config{URL: s.URL})
	for range 10 {
		data, info, err := storage.ReadAll(t.Context(), b, "photo.jpg", 100)
		if string(data) != "hello world" || info.Size != 11 || info.ETag != "" || err != nil {
			t.Fatalf("ReadAll = %q, %+v, %v", data, info, err)
		}
	}
}

// Many bodies of unknown length are held at once: a server that sends such ones
// makes nobody wait.
func TestManyOfUnknownLength(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello ")
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, "world")
	})
	b := open(t, origin.Config{URL: s.URL})
	ctx := storage.WithPause(t.Context(), func() func() { t.Error("one waits for others"); return func() {} })
	for i := range 100 {
		o, err := b.Get(ctx, "photo.jpg")
		if err != nil {
			t.Fatalf("object %d: %v", i, err)
		}
		defer o.Body.Close() // held while the others come
		if data, err := o.ReadAll(100); err != nil || string(data) != "hello world" {
			t.Errorf("object %d: %q, %v", i, data, err)
		}
	}
}

// What is sent compressed though it was not asked for is decoded.
func TestCompressed(t *testing.T) {
	var file bytes.Buffer
	z := gzip.NewWriter(&file)
	_, _ = io.WriteString(z, "hello world") // a buffer has no faults
	_ = z.Close()
	for _, chunked := range []bool{false, true} {
		for label, sent := range map[string]string{"gzip": file.String(), "x-gzip": file.String(), "GZIP": "hello world", "br": "hello world", "identity": "hello world"} {
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept-Encoding") != "" {
					t.Errorf("Accept-Encoding %q is sent", r.Header.Get("Accept-Encoding"))
				}
				w.Header().Set("Content-Encoding", label)
				w.Header().Set("ETag", `"a"`)
				if chunked {
					w.(http.Flusher).Flush()
				}
				_, _ = io.WriteString(w, sent)
			})
			data, info, err := storage.ReadAll(t.Context(), open(t, origin.Config{URL: s.URL}), "photo.jpg", 100)
			if string(data) != "hello world" || info.Size != 11 || info.ETag != "a" || err != nil {
				t.Errorf("%s, chunked: %v: %q, %+v, %v", label, chunked, data, info, err)
			}
		}
	}
}

func TestGetIfModified(t *testing.T) {
	tests := []struct {
		name, etag, date, want string // of the answer; of storage.Info
	}{
		{"an ETag", `"a"`, "", "a"},
		{"a weak ETag", `W/"a"`, modified, "W/a"},
		{"a date", "", modified, "date-"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sent := 0
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if tt.etag != "" {
					w.Header().Set("ETag", tt.etag)
				}
				if tt.date != "" {
					w.Header().Set("Last-Modified", tt.date)
				}
				if m := r.Header.Get("If-None-Match"); m != "" && m == tt.etag || r.Header.Get("If-Modified-Since") == modified {
					w.WriteHeader(http.StatusNotModified)
					return
				}
				sent++
				_, _ = io.WriteString(w, "hello")
			})
			b := open(t, origin.Config{URL: s.URL})
			_, info, err := storage.ReadAll(t.Context(), b, "photo.jpg", 100)
			if err != nil || !strings.HasPrefix(info.ETag, tt.want) {
				t.Fatalf("first: %+v, %v; want the ETag %q", info, err, tt.want)
			}
			if _, err := storage.GetIfModified(t.Context(), b, "photo.jpg", info); !errors.Is(err, storage.ErrNotModified) || sent != 1 {
				t.Errorf("second: %v, sent %d times; want storage.ErrNotModified, once", err, sent)
			}
			tt.etag, tt.date = `"b"`, ""
			if _, err := storage.GetIfModified(t.Context(), b, "photo.jpg", info); tt.want != "date-" && err != nil {
				t.Errorf("changed: %v; want the object", err)
			}
		})
	}
}

// No name and no redirect leads to an address that is not public, and what is
// for the configured host alone goes to no other.
func TestConnectionsAreGuarded(t *testing.T) {
	asked := map[string]string{} // by path, the secret header
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked[r.URL.Path] = r.Header.Get("X-Key")
		switch r.URL.Path {
		case "/away":
			_, port, _ := net.SplitHostPort(r.Host)
			http.Redirect(w, r, "http://localhost:"+port+"/there", http.StatusFound)
		case "/home":
			http.Redirect(w, r, "/there", http.StatusFound)
		default:
			_, _ = io.WriteString(w, "hello")
		}
	})
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	b := open(t, origin.Config{URL: s.URL, Hosts: []string{"localhost:" + port}, Header: http.Header{"X-Key": {"secret"}}})
	for path, want := range map[string]string{"away": "", "home": "secret"} {
		delete(asked, "/there")
		if _, _, err := storage.ReadAll(t.Context(), b, path, 100); err != nil || asked["/"+path] != "secret" || asked["/there"] != want {
			t.Errorf("%s: %v, secret %q then %q; want %q", path, err, asked["/"+path], asked["/there"], want)
		}
	}

	closed := open(t, origin.Config{URL: "http://localhost:" + port, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	clear(asked)
	if _, err := closed.Get(t.Context(), "photo.jpg"); !errors.Is(err, storage.ErrUnavailable) || len(asked) > 0 {
		t.Errorf("a host on this machine: %v, asked %v; want storage.ErrUnavailable, without a connection", err, asked)
	}
	// The host in the name, at a private address.
	byName := open(t, origin.Config{Hosts: []string{"localhost:" + port, "*.example"}, Networks: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	for name, want := range map[string]error{
		"localhost:" + port + "/x.jpg":  fs.ErrPermission,
		"example/x.jpg":                 fs.ErrNotExist, // the domain itself is not below it
		"evil.example.org/x.jpg":        fs.ErrNotExist,
		"127.0.0.1/x.jpg":               fs.ErrNotExist,
		"user@a.example/x.jpg":          fs.ErrNotExist,
		"localhost:" + port:             fs.ErrNotExist,
		"localhost:" + port + "/../x.y": fs.ErrInvalid,
	} {
		if _, err := byName.Get(t.Context(), name); !errors.Is(err, want) || len(asked) > 0 {
			t.Errorf("%s: %v, asked %v; want %v, without a connection", name, err, asked, want)
		}
	}
}

// Addresses that are not public are refused however they are written.
func TestAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "[2606:4700::1]": true,
		"0.0.0.0": false, "127.0.0.1": false, "10.0.0.1": false, "100.64.0.1": false, "169.254.169.254": false, "168.63.129.16": false, "192.0.0.192": false,
		"[::]": false, "[::1]": false, "[::ffff:127.0.0.1]": false, "[::7f00:1]": false, "[64:ff9b::7f00:1]": false, "[2002:7f00:1::]": false, "[fd00:ec2::254]": false, "[fe80::1]": false,
	} {
		if _, err := origin.Open(origin.Config{URL: "http://" + address + "/"}); (err == nil) != want {
			t.Errorf("%s: Open = %v; want it allowed: %v", address, err, want)
		}
	}
	if _, err := origin.Open(origin.Config{URL: "http://168.63.129.16/", Networks: []netip.Prefix{netip.MustParsePrefix("168.63.129.16/32")}}); err != nil {
		t.Errorf("a network that is named: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]origin.Config{
		"nothing":           {},
		"another scheme":    {URL: "ftp://host/"},
		"no host":           {URL: "https:///x"},
		"a query":           {URL: "https://host/?x=1"},
		"a password":        {URL: "https://user:word@host/"},
		"a private address": {URL: "http://10.0.0.1/"},
		"this machine":      {URL: "http://[::1]/"},
		"no host name":      {Hosts: []string{"a/b"}},
		"every host":        {Hosts: []string{"*."}},
	} {
		if _, err := origin.Open(c); err == nil || strings.Contains(err.Error(), "word") {
			t.Errorf("%s: Open = %v; want an error without a password", name, err)
		}
	}
}
