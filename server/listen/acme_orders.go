package listen

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
)

// An orderTransport adds Location to the answer that finalizes an order, where
// an authority does not: the protocol does not ask for it (RFC 8555, section
// 7.4), but package acme waits for the order at that address.
type orderTransport struct {
	inner http.RoundTripper

	mu     sync.Mutex
	orders map[string]string // addresses of orders by those that finalize them; guarded by mu
}

const (
	maxOrders     = 100
	maxOrderBytes = 64 << 10
)

// RoundTrip implements [http.RoundTripper].
func (t *orderTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.inner.RoundTrip(r)
	if err != nil || resp.StatusCode >= http.StatusBadRequest || r.Method != http.MethodPost {
		return resp, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if order := t.orders[r.URL.String()]; order != "" && resp.Header.Get("Location") == "" {
		resp.Header.Set("Location", order)
	}
	if resp.StatusCode != http.StatusCreated {
		return resp, nil
	}
	// A new order, or a new account.
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxOrderBytes))
	if err != nil {
		_ = resp.Body.Close() // it is broken
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), resp.Body), resp.Body}
	var order struct{ Finalize string }
	if json.Unmarshal(head, &order) == nil && order.Finalize != "" {
		if len(t.orders) >= maxOrders || t.orders == nil {
			t.orders = map[string]string{}
		}
		t.orders[order.Finalize] = resp.Header.Get("Location")
	}
	return resp, nil
}
