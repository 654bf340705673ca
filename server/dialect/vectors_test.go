package dialect

import (
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"s3imageserver/resize"
)

// A vector is one row of testdata: a URL of another server and what comes of
// it there. Its columns are url, source, expected, origin, sure, needs and id.
type vector struct {
	dialect, url, expected, sure, needs, id string
	source                                  image.Point
}

// left are rows that do not hold yet, each with its reason.
var left = map[string]string{
	"NX-054": "conditional requests are the server's: TestNextRevalidates",
	"IX-070": "JSON is answered 501",
	"TH-027": "meta is answered 501",
	"TH-192": "meta is answered 501",
	"TH-211": "meta is answered 501",
	"TH-212": "meta is answered 501",
	"TH-171": "a corner has one radius: it is round, and no part of an ellipse",
}

func readVectors(t testing.TB) []vector {
	files, err := filepath.Glob("testdata/*.tsv")
	if err != nil || len(files) != 7 {
		t.Fatalf("%d tables of vectors, want 7 (%v)", len(files), err)
	}
	var list []vector
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			f := strings.Split(line, "\t")
			if n == 0 {
				continue
			}
			if len(f) != 7 {
				t.Fatalf("%s:%d: %d columns, want 7", file, n+1, len(f))
			}
			v := vector{dialect: strings.ToLower(strings.TrimSuffix(filepath.Base(file), ".tsv")), url: f[0], expected: f[2], sure: f[4], needs: f[5], id: f[6]}
			if v.dialect == "thumbor" && strings.HasPrefix(v.needs, "imagor") {
				v.dialect = "imagor"
			}
			if f[1] != "" {
				if _, err := fmt.Sscanf(f[1], "%dx%d", &v.source.X, &v.source.Y); err != nil {
					t.Fatalf("%s: %v", v.id, err)
				}
			}
			v.url = strings.NewReplacer(" ", "%20", "...(over 3072 letters)", strings.Repeat("a", 3100)).Replace(v.url)
			list = append(list, v)
		}
	}
	return list
}

func same(hosts ...string) (list []Mapping) {
	for _, h := range hosts {
		_, name, _ := strings.Cut(h, "://")
		list = append(list, Mapping{h, name})
	}
	return list
}

// need is a regular expression over the needs of a row, and what they make of
// the configuration and the request.
type need struct {
	re string
	do func(c *Settings, l *Limits, call *Call, m []string)
}

func rawKey(key, salt string) KeyPair {
	return KeyPair{Secret(hex.EncodeToString([]byte(key))), Secret(hex.EncodeToString([]byte(salt)))}
}

var needs = []need{
	{`no Accept|no hint|no keys set|allow_security_options=false|a still GIF`, nil},
	{`base_url=http://(\S+)`, func(c *Settings, _ *Limits, _ *Call, m []string) { c.SourceMap = []Mapping{{"", m[1]}} }},
	{`delivery URLs; key=(\S+)`, func(c *Settings, _ *Limits, _ *Call, m []string) {
		c.Secret, c.Unsigned, c.Presets = Secret(m[1]), false, map[string]string{"mobile": "width=100"}
	}},
	{`Accept: ([^ ]*[^ ;])`, func(_ *Settings, _ *Limits, call *Call, m []string) { call.Accept = []string{m[1]} }},
	{`client hints on; headers Width: 100, DPR: 2`, func(_ *Settings, _ *Limits, call *Call, m []string) { call.Width, call.DPR = 100, 2 }},
	{`allowed_sources=local://,http://\*\.mycdn\.dev/`, func(c *Settings, _ *Limits, _ *Call, m []string) {
		c.SourceMap = append([]Mapping{{"local:///", ""}}, same("http://a-1.mycdn.dev/")...)
	}},
	{`url_replacements .*`, func(c *Settings, _ *Limits, _ *Call, m []string) {
		c.SourceMap = append(c.SourceMap, Mapping{"test://lorem/", "images.dev/lorem/dolor/"})
	}},
	{`keys=(\S+),(\S+) salts=(\S+),(\S+)`, func(c *Settings, _ *Limits, _ *Call, m []string) {
		c.Keys, c.Unsigned = []KeyPair{rawKey(m[1], m[3]), rawKey(m[2], m[4])}, false
	}},
	{`\bkey=(\S+) salt=(\S+) \(hex\)`, func(c *Settings, _ *Limits, _ *Call, m []string) {
		c.Keys, c.Unsigned = []KeyPair{{Secret(m[1]), Secret(m[2])}}, false
		c.Presets = map[string]string{"thumb": "w:100"}
	}},
	{`\bkey=(\S+) salt=(\S+)`, func(c *Settings, _ *Limits, _ *Call, m []string) {
		c.Keys, c.Unsigned = []KeyPair{rawKey(m[1], m[2])}, false
	}},
	{`signature_size=(\d+)`, func(c *Settings, _ *Limits, _ *Call, m []string) { c.SignatureSize, _ = strconv.Atoi(m[1]) }},
	{`trusted_signatures=(\S+)`, func(c *Settings, _ *Limits, _ *Call, m []string) {
		c.TrustedSignatures, c.Keys, c.Unsigned = []string{m[1]}, []KeyPair{rawKey("test-key", "test-salt")}, false
	}},
	{`allowed_processing_options=(\S+); preset (\S+)=(\S+)`, func(c *Settings, l *Limits, _ *Call, m []string) {
		l.Allowed, c.Presets = strings.Split(m[1], ","), map[string]string{m[2]: m[3]}
	}},
	{`only_presets=true; presets (\S+)=(\S+) (\S+)=(\S+)`, func(c *Settings, _ *Limits, _ *Call, m []string) {
		c.OnlyPresets, c.Presets = true, map[string]string{m[1]: m[2], m[3]: m[4]}
	}},
	{`auto_webp=true`, func(_ *Settings, l *Limits, _ *Call, m []string) { l.Auto = true }},
	{`base64_url_includes_filename=true`, func(c *Settings, _ *Limits, _ *Call, m []string) { c.Base64URLIncludesFilename = true }},
	{`arguments_separator=,`, func(c *Settings, _ *Limits, _ *Call, m []string) { c.ArgumentsSeparator = "," }},
	{`source_url_encryption_key=(\S+)`, func(c *Settings, _ *Limits, _ *Call, m []string) { c.SourceKey = Secret(m[1]) }},
	{`\bkey=(\S+)`, func(c *Settings, _ *Limits, _ *Call, m []string) { c.Secret = Secret(m[1]) }},
	{`signer=(\S+)`, func(c *Settings, _ *Limits, _ *Call, m []string) { c.Signer = m[1] }},
	{`truncate=(\d+)`, func(c *Settings, _ *Limits, _ *Call, m []string) { c.SignerTruncate, _ = strconv.Atoi(m[1]) }},
	{`allow_unsafe_url=false`, func(c *Settings, _ *Limits, _ *Call, m []string) { c.Unsigned, c.Secret = false, "ACME-SEC" }},
	{`no remotePatterns`, func(c *Settings, _ *Limits, _ *Call, m []string) { c.SourceMap = nil }},
	{`qualities unset or with it`, func(c *Settings, _ *Limits, _ *Call, m []string) { c.Qualities = []int{74, 75, 80, 90} }},
	{`formats=webp \(default\)`, func(c *Settings, l *Limits, _ *Call, m []string) {
		l.Formats, c.Qualities = []resize.Format{resize.JPEG, resize.PNG, resize.WebP, resize.GIF}, []int{80}
	}},
	{`token=(\w[\w-]*)`, func(c *Settings, _ *Limits, _ *Call, m []string) { c.Token, c.Unsigned = Secret(m[1]), false }},
	{`variant thumbnail`, func(c *Settings, _ *Limits, _ *Call, m []string) {
		c.Presets = map[string]string{"thumbnail": "width=100"}
	}},
	{`maxWidth=(\d+)`, func(_ *Settings, l *Limits, _ *Call, m []string) { l.Side, _ = strconv.Atoi(m[1]) }},
}

// corrections are what single rows need beyond their text: a quality that
// Next.js does not have by itself. The header of NX-053 is held by
// TestNextRevalidates of the server.
var corrections = map[string]string{"NX-038": "qualities unset or with it", "NX-053": "qualities unset or with it", "NX-054": "qualities unset or with it"}

// setup returns the configuration and the request of a row.
func (v *vector) setup(t *testing.T) (*Dialect, Call) {
	c := Settings{Name: v.dialect, Unsigned: true, SourceMap: map[string][]Mapping{
		"imgproxy": append([]Mapping{{"local:///", ""}, {"s3://bucket/", "bucket/"}},
			same("http://images.dev/", "http://example.com/", "https://example.com/", "http://img.example.com/")...),
		"thumbor": same("http://my.site.com/"), "imagor": same("https://foobar/"), "nextjs": same("http://localhost/"),
		"cloudflare": same("https://s3.example.com/"), "imgix": same("http://avatars.com/"), "weserv": same("http://example.org/", "https://example.org/"),
	}[v.dialect]}
	l := Limits{Dimension: 8192, Side: 12000, Pixels: 40e6}
	call := Call{Now: time.Unix(1.8e9, 0)}
	text := v.needs + " " + corrections[v.id]
	for _, n := range needs {
		re := regexp.MustCompile(n.re)
		m := re.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		text = strings.Replace(text, m[0], "", 1)
		if n.do != nil {
			n.do(&c, &l, &call, m)
		}
	}
	d, err := New(c, l)
	if err != nil {
		t.Fatalf("%s: %v", v.id, err)
	}
	call.Path, call.Query, _ = strings.Cut(v.url, "?")
	if v.dialect == "iiif" {
		call.Path = strings.TrimPrefix(call.Path, "/iiif")
	}
	if strings.Contains(v.needs, "path_prefix=/imgproxy") {
		call.Path = strings.TrimPrefix(call.Path, "/imgproxy")
	}
	return d, call
}

// picture is the source of a row as its header shows it.
func (v *vector) picture(r *Request) Picture {
	p := Picture{Width: v.source.X, Height: v.source.Y, Format: resize.JPEG}
	if p.Width == 0 {
		p.Width, p.Height = 800, 600
	}
	name, _, _ := strings.Cut(r.Source.Name, "?")
	if f := resize.FormatByName(strings.TrimPrefix(path.Ext(name), ".")); f != resize.NoFormat {
		p.Format = f
	}
	p.Animated = strings.Contains(name, "animated")
	return p
}

var (
	wordRE    = regexp.MustCompile(`(?:^|\s)([a-z][\w-]*)=(\S+)`)
	sizeRE    = regexp.MustCompile(`^(\d+)x(\d+)$`)
	canonRE   = regexp.MustCompile(`Link canonical path: (\S+)`)
	headerREs = map[string]*regexp.Regexp{
		"cache": regexp.MustCompile(`Cache-Control:? (?:max-age=(\d+)|(public, max-age=\d+, immutable))`),
		"age":   regexp.MustCompile(`Cache-Control max-age=(\d+)`),
		"dispo": regexp.MustCompile(`Content-Disposition: (\w+); filename="([^"]+)"`),
		"file":  regexp.MustCompile(`; filename="([^"]+)"`),
	}
)

// check returns what is wrong with what comes of a row; "": nothing.
func (v *vector) check(t *testing.T) string {
	d, call := v.setup(t)
	expected, body, _ := strings.Cut(v.expected, "body=")
	want := map[string]string{}
	for _, m := range wordRE.FindAllStringSubmatch(expected, -1) {
		want[m[1]] = m[2]
	}
	status := 200
	if s := want["status"]; s != "" {
		status, _ = strconv.Atoi(s)
	}
	if kind, ok := elsewhere[v.id]; ok {
		return kind.check(d, call)
	}
	r, err := d.Parse(call)
	var s Settled
	var p Picture
	if err == nil && r.Kind == Image {
		p = v.picture(r)
		s, err = d.Settle(r, p)
	}
	if err != nil {
		var f *Fault
		if !errors.As(err, &f) {
			return fmt.Sprintf("err %v is no fault", err)
		}
		if f.Status != status {
			return fmt.Sprintf("status %d %q, want %d", f.Status, f.Text, status)
		}
		if body != "" && !strings.Contains(string(d.Answer(f).Body), body) {
			return fmt.Sprintf("body %q, want %q", d.Answer(f).Body, body)
		}
		return ""
	}
	if status != 200 {
		return fmt.Sprintf("status 200, want %d", status)
	}
	got := v.words(d, r, p, s)
	for name, w := range want {
		if name == "status" || name == "url" || name == "max-age" || name == "filename" || strings.HasPrefix(v.expected, "Cache-Control") {
			continue
		}
		if (name == "src" || name == "txt") && got[name] != "" && strings.HasPrefix(strings.SplitN(expected+" ", name+"=", 2)[1], got[name]+" ") {
			continue // it has spaces
		}
		if name == "src" && r.Source.Name != "" && strings.HasSuffix(w, "://"+r.Source.Name) {
			continue // source_map has done what the other server does before
		}
		if other, ok := written[name+"="+w]; ok {
			w = other
		}
		g, ok := got[name]
		if !ok && w != "" {
			return fmt.Sprintf("nothing tells %s=%s", name, w)
		}
		if !alike(g, w, v.expected) {
			return fmt.Sprintf("%s=%s, want %s", name, g, w)
		}
	}
	if m := canonRE.FindStringSubmatch(v.expected); m != nil {
		if id, _, _ := strings.Cut(strings.TrimPrefix(m[1], "/iiif/"), "/"); "/iiif/"+id+"/"+s.Canonical != m[1] {
			return fmt.Sprintf("canonical %s, want %s", s.Canonical, m[1])
		}
	}
	if strings.Contains(v.expected, "the bytes of the source") && !s.Source {
		return "the answer is not the file of the source"
	}
	f := s.Options.Format
	if f == resize.AutoWebP {
		f = resize.WebP
	}
	if m := headerREs["file"].FindStringSubmatch(v.expected); m != nil && r.Delivery.FileNameOf(f) != m[1] {
		return fmt.Sprintf("file name %q, want %q", r.Delivery.FileNameOf(f), m[1])
	}
	if m := headerREs["dispo"].FindStringSubmatch(v.expected); m != nil && r.Delivery.Disposition != m[1] {
		return fmt.Sprintf("disposition %q, want %q", r.Delivery.Disposition, m[1])
	}
	if m := headerREs["age"].FindStringSubmatch(v.expected); m != nil && strconv.Itoa(r.Delivery.MaxAge) != m[1] {
		return fmt.Sprintf("max-age %d, want %s", r.Delivery.MaxAge, m[1])
	}
	if strings.Contains(v.expected, "immutable") && !strings.Contains(v.expected, r.Delivery.Cache) {
		return fmt.Sprintf("Cache-Control %q", r.Delivery.Cache)
	}
	for _, c := range prose[v.id] {
		name, w, _ := strings.Cut(c, "=")
		if got[name] != w {
			return fmt.Sprintf("%s=%q, want %q", name, got[name], w)
		}
	}
	return ""
}

// alike compares a word with what is expected.
func alike(got, want, expected string) bool {
	a, b := sizeRE.FindStringSubmatch(got), sizeRE.FindStringSubmatch(want)
	if a != nil && b != nil && strings.Contains(expected, "within 1 px") {
		for i := 1; i < 3; i++ {
			x, _ := strconv.Atoi(a[i])
			y, _ := strconv.Atoi(b[i])
			if x-y > 1 || y-x > 1 {
				return false
			}
		}
		return true
	}
	if slices.Contains(strings.Split(want, "|"), got) {
		return true
	}
	return got == want || strings.EqualFold(got, strings.TrimSuffix(want, ",")) || slices.Contains(strings.Split(got, "|"), want)
}

// written are words of the tables in our own way of writing.
var written = map[string]string{
	"blur=0.2":     "", // a neighbour would weigh four millionths
	"bg=ff0000":    "ff0000|ff000080",
	"bg=cccccc":    "cccccc55",
	"padding=left": "5,6,7,8",
	"radius=4":     "", // of a filter that takes sigma
	"sigma=2":      "",

	"trim=bottom-right,15": "15,se",
	"trim=top-left,0":      "exact",
}

// prose are expectations that stand in words in the table.
var prose = map[string][]string{
	"TH-177": {"blur=2"},
	"TH-158": {"rot=270"},
	"TH-173": {"overlay=my.site.com/img.png -10,-10", "wmg=se", "wmo=50"},
	"TH-163": {"focal=212.5,182"},
	"TH-175": {"sat=-50"},
	"TH-172": {"bg="},
	"TH-169": {"size=300x300", "padding=100,50,100,50"},
	"TH-167": {"padding=75,0,75,0"},
	"TH-206": {"fractions=0.2,0.15,0.45,0.67"},
	"II-042": {"flip=h"}, "II-043": {"flip=h", "rot=180"}, "II-039": {"rot=90"}, "II-041": {"rot=270"}, "II-046": {"gray=true"}, "II-047": {"bitonal=true"},
	"IX-032": {"bg=auto"}, "IX-062": {"g=ne"}, "IX-071": {"vary=true"}, "IX-073": {"strip=all"}, "IX-088": {"blur=20"}, "IX-092": {"radius=max"},
	"IX-086": {"bg=ff000080"}, "IX-095": {"trim=10"}, "IX-069": {"q=100"},
	"CF-030": {"rot=90"}, "CF-054": {"lossless=true"}, "CF-049": {"progressive=true"}, "CF-050": {"progressive="}, "CF-038": {"bri="},
	"WS-050": {"rot=270"}, "WS-071": {"bri=50", "sat=-50", "hue=90"}, "WS-082": {"radius=max"}, "WS-053": {"trim=200"},
	"NX-052": {"q=65"}, "IP-039": {"size=800x600"}, // 55 of libaom
}

// An elsewhere is a row that is about less than a picture.
type elsewhereRow struct {
	check func(d *Dialect, c Call) string
}

func signatureOnly(d *Dialect, c Call) string {
	_, err := d.Parse(c)
	var f *Fault
	if errors.As(err, &f) && f.Cause == BadSignature {
		return "the signature is wrong"
	}
	return ""
}

// fails is a row whose URL can be read, and whose picture cannot be had.
func fails(cause Cause, status int, body string) elsewhereRow {
	return elsewhereRow{func(d *Dialect, c Call) string {
		if r, err := d.Parse(c); err != nil || r.Source.Name == "" {
			return fmt.Sprintf("Parse = %v, %v", r, err)
		}
		a := d.Answer(d.Fault(cause))
		if text := string(a.Body) + strings.Join(a.Header["Cf-Resized"], ""); a.Status != status || !strings.Contains(text, body) {
			return fmt.Sprintf("status %d %q, want %d %q", a.Status, text, status, body)
		}
		return ""
	}}
}

func base(d *Dialect, c Call) string {
	if r, err := d.Parse(c); err != nil || r.Kind != Base {
		return fmt.Sprintf("Parse = %v, %v, want the address of a picture", r, err)
	}
	return ""
}

// information is a row about info.json.
func information(words ...string) elsewhereRow {
	return elsewhereRow{func(d *Dialect, c Call) string {
		r, err := d.Parse(c)
		if err != nil || r.Kind != Info {
			return fmt.Sprintf("Parse = %v, %v, want Info", r, err)
		}
		a := d.Info("http://h/iiif/"+url.PathEscape(r.Source.Name), Picture{Width: 1000, Height: 1000}, c.Accept)
		text := string(a.Body) + a.Header.Get("Content-Type")
		for _, w := range words {
			if !strings.Contains(text, w) {
				return fmt.Sprintf("%s has no %s", text, w)
			}
		}
		return ""
	}}
}

var elsewhere = map[string]elsewhereRow{
	"IP-073": {signatureOnly}, "IP-074": {signatureOnly}, "IP-076": {signatureOnly}, "IP-078": {signatureOnly},
	"CF-064": fails(NoSource, 404, "err=9404"),
	"CF-065": fails(NotPicture, 415, "err=9412"),
	"II-013": fails(NoSource, 404, ""),
	"IX-103": fails(NoSource, 404, ""),
	"IP-098": fails(NoSource, 404, ""),
	"NX-025": fails(NotRead, 400, `"url" parameter is valid but image type is not allowed`),
	"NX-026": fails(NotPicture, 400, "The requested resource isn't a valid image."),
	"TH-011": fails(NotPicture, 400, ""),
	"TH-012": fails(NoOverlay, 400, ""),
	"WS-087": fails(Down, 404, `"status":"error","code":404`),
	"WS-090": fails(NotPicture, 404, `"code":404`),
	"II-048": {base},
	"II-050": information("application/ld+json"),
	"II-051": information(`"@context":"http://iiif.io/api/image/3/context.json"`, `"id":"http://h/iiif/1000x1000.png"`, `"type":"ImageService3"`,
		`"protocol":"http://iiif.io/api/image"`, `"profile":"level2"`, `"width":1000`, `"height":1000`),
	"II-110": information("dir%2Fsub%2Fa%20b.tif"),
}

func TestVectors(t *testing.T) {
	type count struct{ passed, left, guessed, differ int }
	counts := map[string]*count{}
	seen := map[string]bool{}
	for _, v := range readVectors(t) {
		c := counts[v.dialect]
		if c == nil {
			c = &count{}
			counts[v.dialect] = c
		}
		seen[v.id] = true
		why := v.check(t)
		reason, isLeft := left[v.id]
		switch {
		case v.sure == "guess":
			c.guessed++
			if why != "" {
				c.differ++
				t.Logf("%s differs from what is guessed: %s", v.id, why)
			}
		case why == "" && isLeft:
			t.Errorf("%s holds now: it is left for %q", v.id, reason)
		case why == "":
			c.passed++
		case isLeft && reason != "":
			c.left++
			t.Logf("%s is left: %s (%s)", v.id, reason, why)
		default:
			t.Errorf("%s: %s %s (%s): %s", v.id, v.url[:min(len(v.url), 150)], v.source, v.needs, why)
		}
	}
	for id := range left {
		if !seen[id] {
			t.Errorf("%s is no row", id)
		}
	}
	for _, name := range Names() {
		c := counts[name]
		if c == nil {
			t.Errorf("%s has no vectors", name)
			continue
		}
		t.Logf("%s: %d passed, %d left, %d guessed of which %d differ", name, c.passed, c.left, c.guessed, c.differ)
	}
}
