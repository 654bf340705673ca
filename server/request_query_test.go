package server

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
)

// What is remembered of a query is bounded, is the same for everyone, and holds no
// token.
func TestQueriesAreRemembered(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{BoundsConfig: BoundsConfig{Snap: true}, OutputFormat: "auto"})
	h := s.server.handlerOf(httptest.NewRequest("GET", "/h/photo.jpg", nil))
	parse := func(target, accept string) request {
		r := httptest.NewRequest("GET", target, nil)
		r.Header.Set("Accept", accept)
		req, err := h.parse(r)
		if err != nil {
			t.Fatal(err)
		}
		return req
	}
	a, b := parse("/h/photo.jpg?w=90&fbclid=1", "image/webp"), parse("/h/half.png?w=90&fbclid=1", "image/png")
	if a.parsed != b.parsed {
		t.Error("a query is read again for another name")
	}
	if a.options.Format == b.options.Format || a.variant(h) == b.variant(h) || !strings.Contains(a.variant(h), "w=96") {
		t.Errorf("keys %q and %q; want the snapped width and a format for each", a.variant(h), b.variant(h))
	}
	for _, req := range []request{a, b, a} { // of one that is remembered and one that is not
		fresh := req
		fresh.parsed = nil
		if got, want := req.variant(h), fresh.variant(h); got != want {
			t.Errorf("key %q; want %q", got, want)
		}
	}
	// Widths are rounded for each request, not for all.
	for range 2 {
		if req := parse("/h/photo.jpg?srcset=90,500", ""); fmt.Sprint(req.widths) != "[96 640]" || fmt.Sprint(req.parsed.widths) != "[90 500]" {
			t.Errorf("widths %v of %v; want [96 640] of [90 500]", req.widths, req.parsed.widths)
		}
	}
	before := h.queries.EstimatedSize()
	parse("/h/photo.jpg?w=91&t=secret", "")
	parse("/h/photo.jpg?w=92&x="+strings.Repeat("x", longestKept), "")
	if n := h.queries.EstimatedSize(); n != before {
		t.Errorf("%d queries are remembered; want %d, none with a token or too long", n, before)
	}
	for i := range 3 * mostQueries {
		parse(fmt.Sprintf("/h/photo.jpg?w=%d", 1+i), "")
	}
	h.queries.CleanUp()
	if n := h.queries.EstimatedSize(); n > mostQueries {
		t.Errorf("%d queries are remembered; want at most %d", n, mostQueries)
	}
}

func (r request) variant(h *Handler) string { return h.key(&r).Variant }
