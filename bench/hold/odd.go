//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// oddKinds are answers of a healthy store to names and versions that anybody may
// ask for.
var oddKinds = []fault{
	s3Error("400 Bad Request", "XMinioInvalidResourceName"),
	s3Error("400 Bad Request", "InvalidArgument"),
	s3Error("403 Forbidden", "AccessDenied"),
	s3Error("405 Method Not Allowed", "MethodNotAllowed"),
	s3Error("409 Conflict", "Conflict"),
	s3Error("412 Precondition Failed", "PreconditionFailed"),
	says("414 URI Too Long", ""),
	says("422 Unprocessable Entity", ""),
	says("451 Unavailable For Legal Reasons", ""),
}

// brokenKinds are answers for a few objects that are in trouble for good.
var brokenKinds = []fault{
	s3Error("500 Internal Server Error", "InternalError"),
	chunked(1),
	untilClose(1),
	cut(0.5, 0),
	func(net.Conn, []byte) { time.Sleep(8 * time.Second) }, // no answer
	func(c net.Conn, b []byte) { // no more than the first bytes
		writeHead(c, "200 OK", len(b), etag(b), "")
		_, _ = c.Write(b[:10])
		time.Sleep(8 * time.Second)
	},
}

// odd asks a store that is well for what it refuses, for a few objects that are
// in trouble, and for what the client does not wait for, while others ask for
// pictures that are not kept: those all come, and soon.
func (b *bench) odd() error {
	const name = "still-life.jpg"
	data, err := os.ReadFile("testdata/photos/" + name)
	if err != nil {
		return err
	}
	s, err := newStore(map[string][]byte{name: data})
	if err != nil {
		return err
	}
	defer s.close()
	p, err := b.serve("odd", []map[string]any{storeHandler(s, map[string]any{"cache_time": -1})})
	if err != nil {
		return err
	}
	defer p.kill()
	const strange, ill = 200, 6
	for i := range strange {
		s.set(fmt.Sprintf("strange%d~%s", i, name), oddKinds[i%len(oddKinds)])
	}
	for i := range ill {
		s.set(fmt.Sprintf("ill%d~%s", i, name), brokenKinds[i%len(brokenKinds)])
	}
	d := time.Duration(b.scale(30, 12)) * time.Second
	var good []time.Duration
	lost, asked := 0, 0
	next := func() string { asked++; return fmt.Sprintf("%s/h/good%d~%s?w=60", p.url, asked, name) }
	judge := func(a answer) {
		if a.status == http.StatusOK {
			good = append(good, a.took)
		} else {
			lost++
			fmt.Printf("  %d %s %v\n", a.status, a.header.Get("Retry-After"), a.err)
		}
	}
	var wg sync.WaitGroup
	for _, url := range []func(i int) string{
		func(i int) string { return fmt.Sprintf("%s/h/strange%d~%s?w=60", p.url, i%strange, name) },
		func(i int) string {
			return fmt.Sprintf("%s/h/strange%d~%s?w=60&versionid=a/b-%d", p.url, i%strange, name, i)
		},
		func(i int) string { return fmt.Sprintf("%s/h/good~%s?w=60&versionid=../%d", p.url, name, i) },
		func(i int) string { return fmt.Sprintf("%s/h/ill%d~%s?w=%d", p.url, i%ill, name, 60+i) },
	} {
		wg.Go(func() {
			i := 0
			openLoop(6, d, func() string { i++; return url(i) }, func(answer) {})
		})
	}
	wg.Go(func() { // who leaves
		for began, i := time.Now(), 0; time.Since(began) < d; i++ {
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/h/ill4~%s?w=%d", p.url, name, 1000+i), nil)
			if err == nil {
				if resp, err := http.DefaultClient.Do(r); err == nil {
					_ = resp.Body.Close() // nothing of it is wanted
				}
			}
			cancel()
		}
	})
	openLoop(4, d, next, judge)
	wg.Wait()
	b.report(fmt.Sprintf("good misses lost of %d, beside odd requests", asked), "0", lost == 0, "%d", lost)
	took := percentile(good, 0.99)
	b.reportTime("p99 of them", "<= 1 s", took <= time.Second, took)
	return nil
}
