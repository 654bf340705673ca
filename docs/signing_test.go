package docs_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"s3imageserver/server"
	"s3imageserver/testserver"
)

const vectorFile = "testdata/signing/vectors.json"

// A vector is one URL that is signed right.
type vector struct {
	Secret    string            `json:"secret"`
	Handler   string            `json:"handler"`
	Name      string            `json:"name"`
	Params    map[string]string `json:"params"`
	Canonical string            `json:"canonical"`
	Sig       string            `json:"sig"`
	URL       string            `json:"url"` // one spelling of several
}

// vectors are without their results.
var vectors = []vector{
	{Handler: "h", Name: "photo.jpg"},
	{Handler: "h", Name: "photo.jpg", Params: map[string]string{"w": "300", "h": "200"}},
	{Handler: "h", Name: "photo.jpg", Params: map[string]string{"w": "300", "exp": "4102444800"}},
	{Handler: "shop/images", Name: "2026/a b+c.jpg", Params: map[string]string{"preset": "card,dark", "f": "webp"}},
	{Handler: "shop", Name: "image/s/2026/a b+c.jpg", Params: map[string]string{"preset": "card,dark", "f": "webp"}},
	{Handler: "h", Name: "Ünï/日本 😀.jpg", Params: map[string]string{"txt": "Grüße & mehr = 100 %", "txtcolor": "fff"}},
	{Handler: "h", Name: "100%25,5:x.jpg", Params: map[string]string{"crop": "10%,10%,50%,50%", "w": ""}},
	{Handler: "h", Name: "photo.jpg", Params: map[string]string{"srcset": "320,640,960", "sizes": "(min-width: 40em) 50vw, 100vw"}},
	{Handler: "h", Name: "photo.jpg", Params: map[string]string{"info": "1"}},
	{Handler: "h", Name: "o'brien (1)!*~.jpg", Params: map[string]string{"dl": "o'brien (1)!*~.jpg", "minw": "1", "minh": "2", "w": "3", "h": "4"}},
	{Secret: "ключ из шестнадцати и более байт", Handler: "h", Name: "photo.jpg", Params: map[string]string{"w": "300"}},
	{Secret: "sixteen bytes ok", Handler: "h", Name: "photo.jpg", Params: map[string]string{"w": "300", "q": "80", "g": "fp:0.3:0.7"}},
}

// readVectors returns the file of vectors, written anew with -update.
func readVectors(t *testing.T) []vector {
	t.Helper()
	want := slices.Clone(vectors)
	for i := range want {
		v := &want[i]
		if v.Secret == "" {
			v.Secret = "a secret of at least 16 bytes"
		}
		query := url.Values{}
		for name, value := range v.Params {
			query.Set(name, value)
		}
		v.Canonical = string(server.CanonicalURL(v.Handler, v.Name, query))
		v.Sig = server.Sign([]byte(v.Secret), v.Handler, v.Name, query)
		query.Set("sig", v.Sig)
		v.URL = (&url.URL{Path: "/" + v.Handler + "/" + v.Name}).EscapedPath() + "?" + query.Encode()
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(want); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(vectorFile, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(vectorFile); err != nil || !bytes.Equal(got, text.Bytes()) {
		t.Errorf("%s is stale (%v): go test -tags nodynamic ./docs -run TestSnippets -update", vectorFile, err)
	}
	return want
}

// signers are the programs in docs/signing: the command that has to be there,
// and how to run them.
var signers = []struct {
	language, needs string
	prepare, run    []string // "DIR" is a folder for what prepare makes
}{
	{"Go", "go", []string{"go", "build", "-o", "DIR/sign", "./docs/signing"}, []string{"DIR/sign"}},
	{"Python", "python3", nil, []string{"python3", "docs/signing/sign.py"}},
	{"JavaScript", "node", nil, []string{"node", "docs/signing/sign.js"}},
	{"PHP", "php", nil, []string{"php", "docs/signing/sign.php"}},
	{"Ruby", "ruby", nil, []string{"ruby", "docs/signing/sign.rb"}},
	{"Java", "javac", []string{"javac", "-encoding", "UTF-8", "-d", "DIR", "docs/signing/Sign.java"}, []string{"java", "-Dsun.jnu.encoding=UTF-8", "-Dfile.encoding=UTF-8", "-cp", "DIR", "Sign"}},
}

// What the snippets of all languages sign is what the server takes, and their
// signatures are those of the vectors.
func TestSnippets(t *testing.T) {
	all := readVectors(t)
	hmac := &server.HMACConfig{}
	config := &server.Config{AuthStatus: 403, Auth: &server.AuthConfig{HMAC: hmac}}
	for _, v := range all {
		if !slices.ContainsFunc(config.Handlers, func(h server.HandlerConfig) bool { return h.Prefix == v.Handler }) {
			config.Handlers = append(config.Handlers, server.HandlerConfig{Prefix: v.Handler, Source: server.SourceConfig{Dir: "testdata/photos"}})
		}
		if !slices.ContainsFunc(hmac.Keys, func(k server.SigningKey) bool { return string(k.Secret) == v.Secret }) {
			hmac.Keys = append(hmac.Keys, server.SigningKey{ID: v.Sig, Secret: server.Secret(v.Secret)})
		}
	}
	s, err := server.New(config, server.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, signer := range signers {
		t.Run(signer.language, func(t *testing.T) {
			if _, err := exec.LookPath(signer.needs); err != nil {
				// The checks install the first two; the others are run where they are.
				if os.Getenv("CI") == "true" && (signer.needs == "python3" || signer.needs == "node") {
					t.Fatalf("%s is not on this machine", signer.needs)
				}
				t.Skipf("not tested: %s is not on this machine", signer.needs)
			}
			dir := t.TempDir()
			command := func(args []string, more ...string) string {
				args = append(slices.Clone(args), more...)
				for i := range args {
					args[i] = strings.ReplaceAll(args[i], "DIR", dir)
				}
				c := exec.Command(args[0], args[1:]...)
				c.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1")
				out, err := c.Output()
				if err != nil {
					t.Fatalf("%q: %v", args, err)
				}
				return strings.TrimSpace(string(out))
			}
			if signer.prepare != nil {
				command(signer.prepare)
			}
			some := all
			if testing.Short() {
				some = []vector{all[2], all[3], all[5]}
			}
			for _, v := range some {
				args := []string{v.Secret, v.Handler, v.Name}
				for name, value := range v.Params {
					args = append(args, name+"="+value)
				}
				link := command(signer.run, args...)
				u, err := url.Parse(link)
				if err != nil {
					t.Fatalf("%s: %v", link, err)
				}
				if got := u.Query().Get("sig"); got != v.Sig {
					t.Errorf("%s: sig = %s; want %s, of %s", link, got, v.Sig, v.Canonical)
					continue
				}
				// Its spelling is one that the server takes, for this name only; there is
				// no such picture.
				for target, want := range map[string]int{link: http.StatusNotFound, strings.Replace(link, ".jpg?", ".png?", 1): http.StatusForbidden} {
					w := httptest.NewRecorder()
					s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
					if w.Code != want {
						t.Errorf("GET %s = %d; want %d", target, w.Code, want)
					}
				}
			}
			t.Logf("%d URLs signed", len(some))
		})
	}
}

// All vectors differ, so that each one checks something.
func TestVectorsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range readVectors(t) {
		seen[v.Sig] = true
	}
	if len(seen) != len(vectors) {
		t.Errorf("%d signatures of %d vectors; want all different: %v", len(seen), len(vectors), slices.Sorted(maps.Keys(seen)))
	}
}

// The program that makes a token makes one that is let in.
func TestTokenProgram(t *testing.T) {
	testserver.Program(t, "python3", "not tested")
	const secret = "a secret of at least 16 bytes"
	s, err := server.New(&server.Config{Handlers: []server.HandlerConfig{{Prefix: "h", Source: server.SourceConfig{Dir: "testdata/photos"}, AuthStatus: 403,
		Auth: &server.AuthConfig{JWT: &server.JWTConfig{Key: secret, Audience: "pictures", MaxLifetime: 7200}}}}}, server.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, tt := range []struct {
		args []string
		want int
	}{
		{[]string{secret, `{"aud": "pictures"}`, "3600"}, 200},
		{[]string{secret, `{"aud": "pictures", "img": {"max_w": 100}}`}, 200},
		{[]string{secret, `{"aud": "pictures", "img": {"prefix": "elsewhere"}}`}, 403},
		{[]string{secret, `{"aud": "pictures"}`, "8000"}, 403},
		{[]string{secret, `{"aud": "letters"}`}, 403},
		{[]string{secret + "x", `{"aud": "pictures"}`}, 403},
	} {
		out, err := exec.Command("python3", append([]string{"docs/signing/token.py"}, tt.args...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/h/still-life.jpg?w=60&t="+strings.TrimSpace(string(out)), nil))
		if w.Code != tt.want {
			t.Errorf("%q: %d; want %d", tt.args[1:], w.Code, tt.want)
		}
	}
}
