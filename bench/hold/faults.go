//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// cut sends the first part of a body whose length was said to be another one.
func cut(part float64, extra int) fault {
	return func(c net.Conn, body []byte) {
		writeHead(c, "200 OK", len(body)+extra, etag(body), "")
		_, _ = c.Write(body[:int(part*float64(len(body)))]) // the other side may have left
	}
}

// says answers with a status and a text.
func says(status, text string) fault {
	return func(c net.Conn, _ []byte) { writeHead(c, status, len(text), "", ""); fmt.Fprint(c, text) }
}

func s3Error(status, code string) fault {
	return says(status, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>`+code+`</Code><Message>no</Message></Error>`)
}

// chunked sends a body in chunks, the first part of it only.
func chunked(part float64) fault {
	return func(c net.Conn, body []byte) {
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"%s\"\r\nLast-Modified: %s\r\n\r\n", etag(body), modified)
		n := int(part * float64(len(body)))
		fmt.Fprintf(c, "%x\r\n%s\r\n", n, body[:n])
	}
}

// untilClose sends a body whose length nobody says.
func untilClose(part float64) fault {
	return func(c net.Conn, body []byte) {
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nConnection: close\r\nETag: \"%s\"\r\nLast-Modified: %s\r\n\r\n", etag(body), modified)
		_, _ = c.Write(body[:int(part*float64(len(body)))]) // the other side may have left
	}
}

func raw(text string) fault { return func(c net.Conn, _ []byte) { fmt.Fprint(c, text) } }

// kinds are the ways in which a store fails.
var kinds = []struct {
	name string
	f    fault
}{
	{"closes at once", func(net.Conn, []byte) {}},
	{"resets at once", func(c net.Conn, _ []byte) { _ = c.(*net.TCPConn).SetLinger(0) }},
	{"a tenth of the body", cut(0.1, 0)},
	{"half of the body", cut(0.5, 0)},
	{"99 % of the body", cut(0.99, 0)},
	{"no body", cut(0, 0)},
	{"reset in the body", func(c net.Conn, b []byte) {
		cut(0.5, 0)(c, b)
		time.Sleep(20 * time.Millisecond)
		_ = c.(*net.TCPConn).SetLinger(0)
	}},
	{"length one too large", cut(1, 1)},
	{"length twice too large", func(c net.Conn, b []byte) { cut(1, len(b))(c, b) }},
	{"length too small", func(c net.Conn, b []byte) {
		writeHead(c, "200 OK", len(b)/2, etag(b), "")
		_, _ = c.Write(b)
	}},
	{"chunks that break off", chunked(0.5)},
	{"chunks that break off late", chunked(0.99)},
	{"no length", untilClose(1)},
	{"no length, cut", untilClose(0.6)},
	{"HTML with 200", says("200 OK", "<!DOCTYPE html><html><body>Sign in</body></html>")},
	{"an error document with 200", s3Error("200 OK", "SlowDown")},
	{"an empty body with 200", says("200 OK", "")},
	{"400", s3Error("400 Bad Request", "InvalidArgument")},
	{"401", says("401 Unauthorized", "")},
	{"403, clocks differ", s3Error("403 Forbidden", "RequestTimeTooSkewed")},
	{"403, wrong key", s3Error("403 Forbidden", "InvalidAccessKeyId")},
	{"412", s3Error("412 Precondition Failed", "PreconditionFailed")},
	{"429", s3Error("429 Too Many Requests", "SlowDown")},
	{"500", s3Error("500 Internal Server Error", "InternalError")},
	{"502 with HTML", says("502 Bad Gateway", "<html>bad gateway</html>")},
	{"503", s3Error("503 Service Unavailable", "SlowDown")},
	{"504", says("504 Gateway Timeout", "")},
	{"a redirect to nowhere", raw("HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\n\r\n")},
	{"a redirect to another host", raw("HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n")},
	{"not HTTP", raw("hello\r\n\r\n")},
	{"a negative length", raw("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabcde")},
	{"two lengths", raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nabcdefg")},
	{"a flood of headers", func(c net.Conn, _ []byte) {
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\n"+strings.Repeat("X-Flood: "+strings.Repeat("x", 1000)+"\r\n", 200)+"\r\n")
	}},
	{"a flipped bit", func(c net.Conn, b []byte) {
		wrong := bytes.Clone(b)
		wrong[len(wrong)/2] ^= byte(1 + time.Now().UnixNano()%127)
		writeHead(c, "200 OK", len(b), etag(b), "")
		_, _ = c.Write(wrong)
	}},
	{"no answer", func(net.Conn, []byte) { time.Sleep(6 * time.Second) }},
	{"a byte a second", func(c net.Conn, b []byte) {
		writeHead(c, "200 OK", len(b), etag(b), "")
		for i := range 6 {
			_, _ = c.Write(b[i : i+1])
			time.Sleep(time.Second)
		}
	}},
}

// faults asks through every kind of fault for pictures that are cold, kept, old,
// or asked for by many: what comes is the right picture or an error, and when
// the store is well again everything is right.
func (b *bench) faults() error {
	objects := map[string][]byte{}
	for _, name := range []string{"still-life.jpg", "logo.png", "orbit.gif"} {
		data, err := os.ReadFile(filepath.Join("testdata/photos", name))
		if err != nil {
			return err
		}
		objects[name] = data
	}
	s, err := newStore(objects)
	if err != nil {
		return err
	}
	defer s.close()
	var handlers []map[string]any
	for i := range kinds { // each with a circuit breaker of its own
		for _, state := range []string{"k", "o"} { // kept long, and soon old
			seconds := map[string]int{"k": 3600, "o": 1}[state]
			handlers = append(handlers, map[string]any{
				"name": fmt.Sprintf("%s%d", state, i), "cache_path": "cache", "cache_time": seconds, "negative_time": -1,
				"output_format": "jpg", "error_image": "", "limits": map[string]any{"fetch_seconds": 2},
				"aws": map[string]any{"bucket_name": "pictures", "endpoint": s.url, "aws_access": "a", "aws_secret": "b", "verify": "md5"},
			})
		}
	}
	p, err := b.serve("faults", handlers)
	if err != nil {
		return err
	}
	defer p.kill()

	want := map[string][]byte{}
	for name := range objects {
		a := get(p.url + "/k0/want~" + name + "?w=60&f=png")
		if a.status != 200 {
			return fmt.Errorf("%s without a fault = %d, %v\n%s", name, a.status, a.err, p.output.String())
		}
		want[name] = a.body
	}
	var mu sync.Mutex
	requests, wrong, kept, stale := 0, 0, 0, 0
	judge := func(state, kind, name string, a answer) {
		mu.Lock()
		defer mu.Unlock()
		requests++
		right := a.err == nil && a.status == 200 && bytes.Equal(a.body, want[name])
		refused := a.err == nil && a.status >= 400 && strings.Contains(a.header.Get("Cache-Control"), "no-store")
		if state == "kept" && right {
			kept++
		}
		if state == "old" && right {
			stale++
		}
		if !right && !refused || (state == "kept" || state == "old" || state == "well again") && !right {
			wrong++
			fmt.Printf("  %s, %s, %s: %d, %d bytes, %v, %s\n", kind, state, name, a.status, len(a.body), a.err, a.header.Get("Cache-Status"))
		}
	}
	var wg sync.WaitGroup
	for i, kind := range kinds {
		for name := range objects {
			wg.Go(func() {
				url := func(handler, state string) string {
					return fmt.Sprintf("%s/%s%d/%d%s~%s?w=60&f=png", p.url, handler, i, i, state, name)
				}
				id := func(state string) string { return fmt.Sprintf("%d%s~%s", i, state, name) }
				for _, first := range []string{url("k", "kept"), url("o", "old")} {
					began := time.Now()
					for get(first).status != 200 && time.Since(began) < time.Minute { // a slow machine may need more than fetch_seconds
						time.Sleep(100 * time.Millisecond)
					}
				}
				time.Sleep(1100 * time.Millisecond)
				states := []string{"cold", "kept", "old", "many"}
				for _, state := range states {
					s.set(id(state), kind.f)
				}
				judge("cold", kind.name, name, get(url("k", "cold")))
				judge("kept", kind.name, name, get(url("k", "kept")))
				judge("old", kind.name, name, get(url("o", "old")))
				var many sync.WaitGroup
				for range 8 {
					many.Go(func() { judge("many", kind.name, name, get(url("k", "many"))) })
				}
				many.Wait()
				for _, state := range states {
					s.set(id(state), nil)
				}
				well := time.Now()
				for _, state := range states {
					handler := map[string]string{"cold": "k", "kept": "k", "old": "o", "many": "k"}[state]
					a := get(url(handler, state))
					for a.status != 200 && time.Since(well) < time.Minute { // it is asked now and then only
						time.Sleep(100 * time.Millisecond)
						a = get(url(handler, state))
					}
					judge("well again", kind.name, name, a)
				}
			})
		}
	}
	wg.Wait()
	b.report(fmt.Sprintf("wrong answers of %d, %d kinds of faults", requests, len(kinds)), "0", wrong == 0, "%d", wrong)
	b.report("kept pictures served during a fault", fmt.Sprint(3*len(kinds)), kept == 3*len(kinds), "%d", kept)
	b.report("old pictures served during a fault", fmt.Sprint(3*len(kinds)), stale == 3*len(kinds), "%d", stale)
	return b.outage(s, p)
}

// outage asks a store that is down for cold pictures, at a steady rate, and
// measures how often it is asked itself and how soon it is found again.
func (b *bench) outage(s *store, p *process) error {
	const name = "still-life.jpg"
	offered := b.scale(600, 200)
	for i := range offered {
		s.set(fmt.Sprintf("out%d~%s", i, name), s3Error("503 Service Unavailable", "SlowDown"))
	}
	before, bad := s.total(), 0
	i := -1
	openLoop(40, time.Duration(offered)*time.Second/40, func() string { i++; return fmt.Sprintf("%s/k1/out%d~%s?w=60&f=png", p.url, i, name) }, func(a answer) {
		if a.status != 503 && a.status != 502 || a.header.Get("Retry-After") == "" {
			bad++
		}
	})
	asked := s.total() - before
	b.report("requests to the store, of each one offered, in an outage", "<= 1.1", float64(asked) <= 1.1*float64(offered), "%.2f", float64(asked)/float64(offered))
	b.report("answers without 502 or 503 and Retry-After", "0", bad == 0, "%d of %d", bad, offered)
	began := time.Now()
	for time.Since(began) < time.Minute {
		if a := get(p.url + "/k1/back~" + name + "?w=60&f=png"); a.status == 200 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	took := time.Since(began)
	b.reportTime("found again after", "< 5 s", took < 5*time.Second, took)
	return nil
}
