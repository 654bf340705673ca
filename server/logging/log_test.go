package logging

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/server/config"
	"s3imageserver/testserver"
)

// A flood of one fault leaves a few lines, one that says how many are missing,
// and other faults their lines.
func TestFloodOfErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(testserver.Output) // a timer writes what was left out
		log := New(out, config.LogConfig{Level: "info"}).With("handler", "h")
		for range 1000 {
			log.Error("no picture", "kind", "limit", "name", "x")
		}
		log.Error("no picture", "kind", "busy")
		log.Warn("another")
		if n := strings.Count(out.String(), "\n"); n != sampleLines+2 {
			t.Errorf("%d lines of a flood; want %d", n, sampleLines+2)
		}
		time.Sleep(sampleTime + time.Second)
		synctest.Wait()
		if !strings.Contains(out.String(), "left_out=995") {
			t.Errorf("nobody says what was left out:\n%s", out)
		}
		before := out.String()
		log.Error("no picture", "kind", "limit")
		if text := strings.TrimPrefix(out.String(), before); strings.Count(text, "\n") != 1 || strings.Contains(text, "left_out") {
			t.Errorf("later: %q; want a plain line", text)
		}
		h := log.Handler().(*logHandler)
		for i := range 3 * maxKinds {
			log.Error("no picture", "kind", i)
		}
		if n := len(h.sampler.kinds); n > maxKinds+1 {
			t.Errorf("%d kinds are remembered; want at most %d", n, maxKinds+1)
		}
		if h.sampler.leftOut.Load() < 995 {
			t.Errorf("leftOut = %d", h.sampler.leftOut.Load())
		}
		time.Sleep(2 * sampleTime)
	})
}

// What is secret in a URL is not in the log, however it is spelled.
func TestRedactQuery(t *testing.T) {
	for raw, want := range map[string]string{
		"":                                      "",
		"w=1&t=abc&h=2":                         "w=1&t=***&h=2",
		"sig=abc;t=abc;w=1":                     "sig=***&t=***&w=1",
		"%74=abc&%73ig=x&tt=1&T=2":              "%74=***&%73ig=***&tt=1&T=***",
		"w=1&eyJh.eyJi.c&x=eyJh":                "w=1&***&x=***",
		"t%20=abc&+t=abc&%09t=abc":              "t%20=***&+t=***&%09t=***",
		"t[]=abc&T[0]=abc&t%5B%5D=abc&sig[x]=a": "t[]=***&T[0]=***&t%5B%5D=***&sig[x]=***",
		"%2574=abc&%20%2573ig=a&\x00t=abc":      "%2574=***&%20%2573ig=***&\x00t=***",
		"txt=%65yJhbGci&txt=%2565yJh&w=1":       "txt=***&txt=***&w=1",
		"crop=10%,10%,50%,50%&tint=ff":          "crop=10%,10%,50%,50%&tint=ff",
		"t":                                     "t=***",
		"t=a=b":                                 "t=***",
		"%zz=1":                                 "%zz=***",
	} {
		if got := RedactQuery(raw); got != want {
			t.Errorf("redactQuery(%q) = %q; want %q", raw, got, want)
		}
	}
	for u, want := range map[string]string{
		"/h/x.jpg?t=abc":                     "/h/x.jpg?t=***",
		"/h/eyJhbGci.eyJzdWIi.c2ln/x.jpg":    "/h/***/x.jpg",
		"/h/%65yJhbGci%2EeyJzdWIi.c2ln/x y":  "/h/***/x%20y",
		"/h/photo-eyJ.jpg":                   "/h/photo-eyJ.jpg",
		"/h/50%/eyJhbGci.eyJzdWIi.c2ln?w=10": "/h/50%/***?w=10",
	} {
		if got := RedactURL(u); got != want {
			t.Errorf("redactURL(%q) = %q; want %q", u, got, want)
		}
	}
}
