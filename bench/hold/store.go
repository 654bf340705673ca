//go:build linux

package main

import (
	"bufio"
	"crypto/md5"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A store is an S3 server on raw TCP that can misbehave.
type store struct {
	listener net.Listener
	url      string

	mu      sync.Mutex
	objects map[string][]byte
	fault   map[string]fault // by name; guarded by mu
	asked   map[string]int   // by name; guarded by mu
	delay   time.Duration    // before every answer; guarded by mu
}

// A fault answers a request for an object in its own way.
type fault func(conn net.Conn, body []byte)

func newStore(objects map[string][]byte) (*store, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &store{listener: l, url: "http://" + l.Addr().String(), objects: objects, fault: map[string]fault{}, asked: map[string]int{}}
	go func() { // ends with the listener
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s, nil
}

func (s *store) close() { _ = s.listener.Close() } // nothing is lost

// set makes a name misbehave; nil ends it.
func (s *store) set(name string, f fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault[name] = f
}

func (s *store) count(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[name]
}

func (s *store) total() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.asked {
		n += k
	}
	return n
}

// etags remembers those of photographs, which would keep a processor busy.
var etags sync.Map // of *byte, the first one of a body, to string

func etag(body []byte) string {
	if len(body) < 1<<20 {
		return fmt.Sprintf("%x", md5.Sum(body))
	}
	if e, ok := etags.Load(&body[0]); ok {
		return e.(string)
	}
	e := fmt.Sprintf("%x", md5.Sum(body))
	etags.Store(&body[0], e)
	return e
}

func (s *store) serve(conn net.Conn) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		_, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		name, _ = url.PathUnescape(name)
		s.mu.Lock()
		s.asked[name]++
		f, delay := s.fault[name], s.delay
		// A name may have something before its object: 7~photo.jpg.
		object := name[strings.LastIndexByte(name, '~')+1:]
		body, ok := s.objects[object]
		s.mu.Unlock()
		time.Sleep(delay)
		switch {
		case f != nil:
			f(conn, body)
			return
		case !ok:
			fmt.Fprintf(conn, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
		case strings.Trim(r.Header.Get("If-None-Match"), `"`) == etag(body):
			fmt.Fprintf(conn, "HTTP/1.1 304 Not Modified\r\nETag: \"%s\"\r\nLast-Modified: %s\r\n\r\n", etag(body), modified)
		default:
			writeHead(conn, "200 OK", len(body), etag(body), "")
			if _, err := conn.Write(body); err != nil {
				return
			}
		}
	}
}

const modified = "Mon, 06 May 2024 07:08:09 GMT"

func writeHead(conn net.Conn, status string, length int, tag, more string) {
	fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\nETag: \"%s\"\r\nLast-Modified: %s\r\n%s\r\n", status, length, tag, modified, more)
}
