// Package limits has what clients may not exceed: rates of requests, of a client, of the
// owner of a token, and of results that are made; and which pictures are blocked.
package limits

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/time/rate"

	"s3imageserver/server/config"
)

// What a *rateError is: of one client, or of the results that a handler makes.
var (
	ErrRate   = errors.New("too many requests")
	ErrMisses = errors.New("too many results are to be made")
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
func newLimiter[K comparable](r config.Rate) *limiter[K] {
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
	return Take(one, ErrRate)
}

// Take takes one of a limiter, or says when there is the next one.
func Take(l *rate.Limiter, tooMuch error) error {
	now := time.Now()
	if l.AllowN(now, 1) {
		return nil
	}
	missing := 1 - l.TokensAt(now)
	return &rateError{tooMuch, time.Duration(math.Max(missing, 0) / float64(l.Limit()) * float64(time.Second))}
}

// Rates are the bounds of a server.
type Rates struct {
	Clients *Clients
	client  *limiter[netip.Addr]
	token   *limiter[string]
}

func NewRates(c *config.Config, clients *Clients) *Rates {
	return &Rates{clients, newLimiter[netip.Addr](c.RateLimit.Client), newLimiter[string](c.RateLimit.Token)}
}

// AllowClient counts a request of its client. Of IPv6, one client is a network
// of 64 bits: that is what one client gets.
func (r *Rates) AllowClient(request *http.Request) error {
	if r.client == nil {
		return nil
	}
	a := r.Clients.Address(request)
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	return r.client.allow(a)
}

// AllowToken counts a request of the owner of a token.
func (r *Rates) AllowToken(owner string) error {
	if owner == "" {
		return nil
	}
	return r.token.allow(owner)
}

// RetryAfter returns in how many seconds the next request may come, at least 1, for an
// error that wraps ErrRate or ErrMisses; 0 for others.
func RetryAfter(err error) int {
	var r *rateError
	if !errors.As(err, &r) {
		return 0
	}
	return max(1, int(math.Ceil(r.wait.Seconds())))
}
