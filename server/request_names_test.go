package server

import (
	"bytes"
	"net/url"
	"testing"
)

// B6: width, height, quality and format are other names of w, h, q and f, of which the short
// one wins; they make no entry of their own in the cache.
func TestLongNames(t *testing.T) {
	b := bucket(t)
	s := newSite(t, b, Options{}, HandlerConfig{Cache: CacheConfig{MemoryMB: 8}, Presets: map[string]string{"card": "width=40&quality=60"}},
		HandlerConfig{Prefix: "bound", BoundsConfig: BoundsConfig{AllowedOptions: []string{"w"}}, Cache: CacheConfig{MemoryMB: 8}})
	for long, short := range map[string]string{
		"?width=60&height=30&quality=50&format=png": "?w=60&h=30&q=50&f=png",
		"?width=99&w=60":                   "?w=60",
		"?w=60&width=99":                   "?w=60",
		"?width=61&preset=card":            "?w=61&preset=card",
		"?preset=card":                     "?w=40&q=60",
		"?srcset=10,20&format=png&as=json": "?srcset=10,20&f=png&as=json",
	} {
		want := body(t, s.get("/h/photo.jpg"+short))
		gets := b.Gets()
		if got := body(t, s.get("/h/photo.jpg"+long)); !bytes.Equal(got, want) || b.Gets() != gets {
			t.Errorf("%s: %d bytes, %d requests at the store; want the %d of %s and none", long, len(got), b.Gets()-gets, len(want), short)
		}
	}
	if got, want := body(t, s.get("/bound/photo.jpg?width=30&height=7")), body(t, s.get("/bound/photo.jpg?w=30")); !bytes.Equal(got, want) {
		t.Error("allowed_options has w alone: height had an effect")
	}
}

// A signature is of what was sent, by whatever names; nobody adds to it by the other ones.
func TestLongNamesAreSigned(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, signedHandler("h"))
	signed := signURL(newSecret, "h", "photo.jpg", "width", "30")
	u, err := url.Parse(signURL(newSecret, "h", "photo.jpg", "w", "30"))
	if err != nil {
		t.Fatal(err)
	}
	sig := u.Query().Get("sig")
	for _, tt := range []struct {
		name, target string
		want         int
	}{
		{"as it was sent", signed, 200},
		{"the other name for it", "/h/photo.jpg?width=30&sig=" + sig, 403},
		{"one more", "/h/photo.jpg?w=30&height=20&sig=" + sig, 403},
		{"both", "/h/photo.jpg?w=30&width=30&sig=" + sig, 403},
		{"twice", signed + "&width=31", 403},
		{"both, signed", signURL(newSecret, "h", "photo.jpg", "w", "20", "width", "30"), 200},
	} {
		if r := s.get(tt.target); r.StatusCode != tt.want {
			t.Errorf("%s: %d; want %d", tt.name, r.StatusCode, tt.want)
		}
	}
}
