package server

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"
)

// What a *rateError is: of one client, or of the results that a handler makes.
var (
	errRate   = errors.New("too many requests")
	errMisses = errors.New("too many results are to be made")
)

// A rateError says when the next request may come.
type rateError struct {
	err  error
	wait time.Duration
}

func (e *rateError) Error() string { return fmt.Sprintf("%v: the next one in %v", e.err, e.wait) }

// Unwrap returns what there is too much of.
func (e *rateError) Unwrap() error { return e.err }

// maxLimiters is how many clients are known at once. Those who come seldom are
// forgotten first: they may begin anew.
const maxLimiters = 1 << 16

// A limiter bounds the rate of each of many clients.
type limiter[K comparable] struct {
	limit rate.Limit
	burst int
	known *otter.Cache[K, *rate.Limiter]
}

// newLimiter returns a limiter, nil if there is no bound.
func newLimiter[K comparable](r Rate) *limiter[K] {
	if r.PerSecond == 0 {
		return nil
	}
	return &limiter[K]{rate.Limit(r.PerSecond), r.Burst, otter.Must(&otter.Options[K, *rate.Limiter]{MaximumSize: maxLimiters})}
}

// allow takes one request of a client, or says when the next one may come.
func (l *limiter[K]) allow(client K) error {
	if l == nil {
		return nil
	}
	one, ok := l.known.GetIfPresent(client)
	if !ok {
		one, _ = l.known.ComputeIfAbsent(client, func() (*rate.Limiter, bool) { return rate.NewLimiter(l.limit, l.burst), false })
	}
	return take(one, errRate)
}

// take takes one of a limiter, or says when there is the next one.
func take(l *rate.Limiter, tooMuch error) error {
	now := time.Now()
	if l.AllowN(now, 1) {
		return nil
	}
	missing := 1 - l.TokensAt(now)
	return &rateError{tooMuch, time.Duration(math.Max(missing, 0) / float64(l.Limit()) * float64(time.Second))}
}

// rates are the bounds of a server.
type rates struct {
	clients *clients
	client  *limiter[netip.Addr]
	token   *limiter[string]
}

func newRates(c *Config, clients *clients) *rates {
	return &rates{clients, newLimiter[netip.Addr](c.RateLimit.Client), newLimiter[string](c.RateLimit.Token)}
}

// allowClient counts a request of its client. Of IPv6, one client is a network
// of 64 bits: that is what one client gets.
func (r *rates) allowClient(request *http.Request) error {
	if r.client == nil {
		return nil
	}
	a := r.clients.address(request)
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	return r.client.allow(a)
}

// allowToken counts a request of the owner of a token.
func (r *rates) allowToken(owner string) error {
	if owner == "" {
		return nil
	}
	return r.token.allow(owner)
}

// retryAfterOf returns the value of Retry-After for an error, "" for none.
func retryAfterOf(err error, status int) string {
	var r *rateError
	switch {
	case errors.As(err, &r):
		return strconv.Itoa(max(1, int(math.Ceil(r.wait.Seconds()))))
	case status >= http.StatusBadGateway:
		return strconv.Itoa(int(retryAfter.Seconds()))
	}
	return ""
}
