package dialect

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"
)

// signing are dialects with a key, and what makes a URL of theirs right: path
// and query begin and end with it.
var signing = []struct {
	settings Settings
	// sign returns path and query with the signature.
	sign func(d *Dialect, path, query string) (string, string)
	path string // unsigned
}{
	{Settings{Name: "imgproxy", Keys: []KeyPair{{"00ff", "11"}, {"aa", "bb"}}}, func(d *Dialect, path, query string) (string, string) {
		return "/" + sumImgproxy(d, path) + path, query
	}, "/w:100/plain/a.jpg"},
	{Settings{Name: "thumbor", Secret: "key"}, signThumbor, "/100x100/a.jpg"},
	{Settings{Name: "imagor", Secret: "key", Signer: "sha512", SignerTruncate: 40}, signThumbor, "/100x100/a.jpg"},
	{Settings{Name: "imgix", Token: "token"}, func(d *Dialect, path, query string) (string, string) {
		signed := path
		if query != "" {
			signed += "?" + query
			query += "&"
		}
		return path, query + "s=" + sumImgix(d, signed)
	}, "/a.jpg"},
	{Settings{Name: "cloudflare", Secret: "key", Presets: map[string]string{"thumb": "width=100"}}, signCloudflare, "/cdn-cgi/image/width=100/a.jpg"},
	{Settings{Name: "cloudflare", Secret: "key", Presets: map[string]string{"thumb": "width=100"}}, signCloudflare, "/account/a.jpg/thumb"},
}

// Only the very bytes that were signed are answered: not another path, other
// escapes, more slashes, what stands before or behind the signature, nor none.
func TestNothingButWhatIsSigned(t *testing.T) {
	for _, tt := range signing {
		tt.settings.SourceMap = []Mapping{{"http://example.org/", ""}}
		d, err := New(tt.settings, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if !d.Signed() {
			t.Errorf("%s: no signatures are asked for", tt.settings.Name)
		}
		parse := func(path, query string) error {
			_, err := d.Parse(Call{Path: path, Query: query, Now: time.Unix(1.8e9, 0)})
			return err
		}
		path, query := tt.sign(d, tt.path, "")
		if err := parse(path, query); err != nil {
			t.Errorf("%s: %s?%s: %v", tt.settings.Name, path, query, err)
			continue
		}
		type try struct{ path, query string }
		tries := []try{
			{tt.path, ""}, {"/unsafe" + tt.path, ""}, {"/" + path, query}, {"//unsafe" + tt.path, query}, {strings.Replace(path, "a.jpg", "b.jpg", 1), query},
			{strings.Replace(path, "a.jpg", "%61.jpg", 1), query}, {strings.Replace(path, "a.jpg", "a.jpg/", 1), query}, {path + "%00", query},
			{strings.Replace(path, "100", "101", 1) + " ", query}, {strings.ToUpper(path), query}, {path, strings.ToUpper(query)},
			{strings.Replace(path, "a.jpg", "/a.jpg", 1), query}, {strings.Replace(path, "a.jpg", "b.jpg/../a.jpg", 1), query},
		}
		// The signature of one path before another, as one more part of it, and cut.
		if signature, _, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/"); ok && strings.HasSuffix(path, tt.path) && query == "" {
			for _, other := range []string{"/w:1000" + tt.path, "/999x999/secret.jpg", "/" + signature + tt.path, "/" + signature + "/" + signature + tt.path} {
				tries = append(tries, try{"/" + signature + other, ""})
			}
			tries = append(tries, try{"/" + signature[:len(signature)-1] + tt.path, ""}, try{"/" + signature + "=" + tt.path, ""}, try{"/" + signature + "%20" + tt.path, ""})
		}
		// Parameters before, behind, and a second signature.
		if query != "" {
			tries = append(tries, try{path, "w=9&" + query}, try{path, query + "&w=9"}, try{path, query + "&" + query}, try{path, "s=0&sig=0&" + query}, try{path, query[:len(query)-1]}, try{path, query + "0"},
				try{path, strings.Replace(query, "=", "%3D", 1)}, try{path, "x=" + query}, try{path, "&" + query})
		}
		for _, f := range tries {
			if f.path == path && f.query == query {
				continue
			}
			if err := parse(f.path, f.query); err == nil {
				t.Errorf("%s: %s?%s is answered, of which %s?%s is signed", tt.settings.Name, f.path, f.query, path, query)
			}
		}
	}
}

// With "unsigned" on beside a key, URLs without a signature are taken, and wrong
// signatures are not, where a URL says which of the two it has. URLs of imgproxy do
// not: any word is taken.
func TestUnsignedBesideAKey(t *testing.T) {
	for _, tt := range signing {
		tt.settings.Unsigned = true
		d, err := New(tt.settings, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		path, query := tt.sign(d, tt.path, "")
		unsigned := tt.path
		wrong := [2]string{strings.Replace(path, "100", "101", 1), query}
		switch tt.settings.Name {
		case "thumbor", "imagor":
			unsigned = "/unsafe" + unsigned
		case "imgproxy":
			unsigned, wrong = "/_"+unsigned, [2]string{}
		case "imgix":
			wrong = [2]string{path, "w=9&" + query}
		case "cloudflare":
			wrong = [2]string{} // the query is the source's
		}
		parse := func(path, query string) error {
			_, err := d.Parse(Call{Path: path, Query: query, Now: time.Unix(1.8e9, 0)})
			return err
		}
		if err := parse(unsigned, ""); err != nil {
			t.Errorf("%s: %s: %v", tt.settings.Name, unsigned, err)
		}
		if err := parse(path, query); err != nil {
			t.Errorf("%s: %s?%s: %v", tt.settings.Name, path, query, err)
		}
		if wrong[0] == "" {
			continue
		}
		var f *Fault
		if err := parse(wrong[0], wrong[1]); !errors.As(err, &f) || f.Cause != BadSignature {
			t.Errorf("%s: %s?%s: %v, want a wrong signature", tt.settings.Name, wrong[0], wrong[1], err)
		}
	}
}

// A key of one handler opens no other.
func TestSignaturesOfOtherKeys(t *testing.T) {
	for _, tt := range signing {
		d, err := New(tt.settings, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		other := tt.settings
		other.Keys, other.Token = []KeyPair{{"00ff", "12"}}, "tokem"
		if other.Secret != "" {
			other.Secret = "kez"
		}
		o, err := New(other, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		path, query := tt.sign(o, tt.path, "")
		_, err = d.Parse(Call{Path: path, Query: query, Now: time.Unix(1.8e9, 0)})
		var f *Fault
		if !errors.As(err, &f) || f.Cause != BadSignature {
			t.Errorf("%s: %s?%s of another key: %v, want a wrong signature", tt.settings.Name, path, query, err)
		}
	}
}

// The end of a URL of Cloudflare is signed, and is no part of the source.
func TestCloudflareSignedWithAnEnd(t *testing.T) {
	d, err := New(Settings{Name: "cloudflare", Secret: "key"}, Limits{Reach: func(u *url.URL) (string, bool) { return u.Host + u.Path, u.RawQuery == "" }})
	if err != nil {
		t.Fatal(err)
	}
	path, query := signCloudflare(d, "/cdn-cgi/image/width=100/https://example.org/a.jpg", "exp=1800000000")
	for now, want := range map[int64]Cause{1799999999: 0, 1800000001: Expired} {
		r, err := d.Parse(Call{Path: path, Query: query, Now: time.Unix(now, 0)})
		var f *Fault
		if want == 0 && (err != nil || r.Source.Name != "example.org/a.jpg") || want != 0 && (!errors.As(err, &f) || f.Cause != want) {
			t.Errorf("at %d: %+v, %v", now, r, err)
		}
	}
}

func signCloudflare(d *Dialect, path, query string) (string, string) {
	signed := path
	if query != "" {
		signed += "?" + query
		query += "&"
	}
	return path, query + "sig=" + sumCloudflare(d, signed)
}

func sumCloudflare(d *Dialect, signed string) string {
	return hex.EncodeToString(hmacOf(sha256.New, []byte(d.config.Secret), signed))
}

func sumImgix(d *Dialect, signed string) string {
	sum := md5.Sum([]byte(string(d.config.Token) + signed))
	return hex.EncodeToString(sum[:])
}

func sumImgproxy(d *Dialect, path string) string {
	pair := d.keys.pairs[len(d.keys.pairs)-1] // any of them will do
	return base64.RawURLEncoding.EncodeToString(hmacOf(sha256.New, pair[0], string(pair[1])+path))
}

func signThumbor(d *Dialect, path, query string) (string, string) {
	sum := base64.URLEncoding.EncodeToString(hmacOf(d.keys.hash, []byte(d.config.Secret), path[1:]))
	if n := d.config.SignerTruncate; n > 0 {
		sum = sum[:n]
	}
	return "/" + sum + path, query
}
