package limits

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"s3imageserver/server/config"
)

// Whose word counts for where a request comes from.
func TestClientAddress(t *testing.T) {
	c := NewClients(&config.Config{TrustedProxies: []string{"10.0.0.0/8", "2001:db8::1"}, ClientHeader: config.ForwardedFor})
	f := NewClients(&config.Config{TrustedProxies: []string{"10.0.0.0/8"}, ClientHeader: config.Forwarded})
	for _, tt := range []struct {
		from   *Clients
		peer   string
		header []string
		want   string
	}{
		{c, "192.0.2.1:99", []string{"X-Forwarded-For", "1.2.3.4"}, "192.0.2.1"},
		{c, "10.0.0.1:99", []string{"X-Forwarded-For", "1.2.3.4"}, "1.2.3.4"},
		{c, "10.0.0.1:99", []string{"X-Forwarded-For", "9.9.9.9, 1.2.3.4, 10.2.2.2"}, "1.2.3.4"},
		{c, "10.0.0.1:99", []string{"X-Forwarded-For", "9.9.9.9", "X-Forwarded-For", "1.2.3.4"}, "1.2.3.4"},
		{c, "10.0.0.1:99", []string{"X-Forwarded-For", "9.9.9.9, nonsense, 10.2.2.2"}, "10.2.2.2"},
		{c, "10.0.0.1:99", []string{"X-Forwarded-For", "1.2.3.4:5678"}, "1.2.3.4"},
		{c, "10.0.0.1:99", []string{"X-Forwarded-For", "::ffff:1.2.3.4"}, "1.2.3.4"},
		{c, "[2001:db8::1]:99", []string{"X-Forwarded-For", "[2001:db8:5::7]:80"}, "2001:db8:5::7"},
		{c, "10.0.0.1:99", []string{"Forwarded", "for=1.2.3.4"}, "10.0.0.1"},
		{c, "10.0.0.1:99", nil, "10.0.0.1"},
		{c, "10.0.0.1:99", []string{"X-Forwarded-For", ""}, "10.0.0.1"},
		{c, "[::ffff:10.0.0.1]:80", []string{"X-Forwarded-For", "2001:db8::5"}, "2001:db8::5"},
		{c, "@", nil, "invalid IP"},
		{f, "10.0.0.1:99", []string{"Forwarded", `for=9.9.9.9, For="[2001:db8::7]:4711";proto=https`}, "2001:db8::7"},
		{f, "10.0.0.1:99", []string{"Forwarded", `for="x, for=1.2.3.4;by=10.0.0.9`}, "1.2.3.4"},
		{f, "10.0.0.1:99", []string{"Forwarded", "for=_hidden"}, "10.0.0.1"},
		{f, "10.0.0.1:99", []string{"X-Forwarded-For", "1.2.3.4"}, "10.0.0.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.peer
		for i := 0; i < len(tt.header); i += 2 {
			r.Header.Add(tt.header[i], tt.header[i+1])
		}
		if got := tt.from.Address(r).String(); got != tt.want {
			t.Errorf("from %s, %q: %s; want %s", tt.peer, tt.header, got, tt.want)
		}
	}
}

// FuzzClientAddress: what a client writes into a header never makes it another
// one, as long as a proxy of ours writes its address behind.
func FuzzClientAddress(f *testing.F) {
	for _, text := range []string{"1.2.3.4", `for="x, for=1.2.3.4`, "10.0.0.1, 10.0.0.2", ";,;,", "[::1%eth0]:1", `"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, header := range []string{config.ForwardedFor, config.Forwarded} {
			c := NewClients(&config.Config{TrustedProxies: []string{"10.0.0.0/8"}, ClientHeader: header})
			hop := map[string]string{config.ForwardedFor: "192.0.2.7", config.Forwarded: "for=192.0.2.7"}[header]
			r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{header: {text, hop}}}
			if got := c.Address(r); got != netip.MustParseAddr("192.0.2.7") {
				t.Errorf("%s: %q = %v; want 192.0.2.7", header, text, got)
			}
			_ = c.Address(&http.Request{RemoteAddr: text, Header: http.Header{header: {text}}}) // no panic
		}
	})
}
