package server

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/access/accesstest"
	"s3imageserver/server/config"
	"s3imageserver/storage/storagetest"
)

var (
	magenta = color.NRGBA{255, 0, 255, 255} // the watermark of claims
	green   = color.NRGBA{0, 160, 0, 255}   // the pictures
)

// A claimSite answers signed URLs and tokens: either under /any/, both under
// /all/.
type claimSite struct {
	server *Server
	ends   time.Time // of its tokens
}

func newClaimSite(t testing.TB) *claimSite {
	t.Helper()
	var b storagetest.Memory
	b.Set("photo.jpg", jpegFile(t, 80, 60), modified)
	b.Set("a/photo.jpg", jpegFile(t, 60, 80), modified)
	b.Set("plain.png", pngFile(t, flat(80, 60, green)), modified)
	b.Set("mark.png", pngFile(t, flat(20, 20, magenta)), modified)
	handler := func(prefix, require string) HandlerConfig {
		return HandlerConfig{
			Prefix: prefix, AuthStatus: 403, Bucket: &b, OutputFormat: "auto", RedirectAuto: true, ClientHints: true, Cache: CacheConfig{MemoryMB: 16},
			Auth:       &AuthConfig{JWT: &JWTConfig{Key: accesstest.Secret, Cookie: "session", Leeway: new(0)}, HMAC: &HMACConfig{Keys: []SigningKey{{ID: "a", Secret: newSecret}}}, Require: require},
			Presets:    map[string]string{"card": "w=20&h=20", "wide": "w=80"},
			Watermarks: map[string]WatermarkConfig{"logo": {Object: "mark.png"}, "other": {Object: "plain.png"}},
			Limits:     LimitsConfig{WorkSeconds: 600, RequestSeconds: 600},
		}
	}
	s, err := New(&Config{Handlers: []HandlerConfig{handler("any", "any"), handler("all", "all")}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // nothing of it is kept
	return &claimSite{s, time.Now().Add(time.Minute).Truncate(time.Second)}
}

func (s *claimSite) get(target string, header ...string) *http.Response {
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)
	return w.Result()
}

// token returns a header that shows a token with that claim.
func (s *claimSite) token(t testing.TB, img access.Policy) []string {
	c := jwt.MapClaims{"exp": s.ends.Unix(), "img": map[string]any{"max_w": img.MaxW, "max_h": img.MaxH, "wm": img.WM}}
	for name, list := range map[string]access.TextList{"prefix": img.Prefix, "presets": img.Presets} {
		if list != nil {
			c["img"].(map[string]any)[name] = list
		}
	}
	return []string{"Authorization", "Bearer " + accesstest.Mint(t, jwt.SigningMethodHS256, []byte(accesstest.Secret), c, nil)}
}

// check asks for a URL with a token and reports what of the answer, or of a URL
// that is in it, is more than the claim allows; if deep, of the answers to those too.
func (s *claimSite) check(t testing.TB, target string, img access.Policy, header []string, deep bool) {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	r := s.get(target, append(header, "Accept", "image/webp", "Sec-CH-DPR", "3", "Sec-CH-Width", "2000")...)
	handler, name, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if r.StatusCode != http.StatusOK && r.StatusCode != http.StatusFound {
		return
	}
	if img.Prefix != nil && !access.Within(name, img.Prefix[0]) {
		t.Errorf("%s: the claim is for %q", target, img.Prefix)
	}
	if c := r.Header.Get("Cache-Control"); c != "no-store" && !strings.HasPrefix(c, "private") {
		t.Errorf("%s: Cache-Control %q; want private", target, c)
	}
	var links []string
	switch mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); {
	case r.StatusCode == http.StatusFound:
		links = []string{r.Header.Get("Location")}
	case mediaType == "text/html":
		t.Errorf("%s: sets are asked for as JSON here", target)
	case mediaType == jsonType:
		var set pictureSet
		if err := json.NewDecoder(r.Body).Decode(&set); err != nil {
			t.Errorf("%s: %v", target, err)
		}
		if on, _ := strconv.ParseBool(u.Query().Get(config.ExplainParam)); on && handler == "any" {
			t.Errorf("%s: explained to a token", target)
		}
		if set.Src != "" {
			for _, l := range set.linksOf() {
				links = append(links, l[0])
			}
		}
	default:
		s.checkPicture(t, target, u.Query(), img, r)
	}
	for _, link := range links {
		l, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		q := l.Query()
		if end, _ := strconv.ParseInt(q.Get(config.ExpiryParam), 10, 64); q.Has(config.SignatureParam) && (handler == "any" || end == 0 || end > s.ends.Unix()) {
			t.Errorf("%s: leads to %s, signed and not bounded by the token", target, link)
		}
		if r := s.get(link, "Accept", "image/webp"); r.StatusCode != 403 {
			t.Errorf("%s: leads to %s, which anybody may see: %d", target, link, r.StatusCode)
		}
		if deep {
			s.check(t, link, img, header, false)
		}
	}
}

// checkPicture reports what of a picture is more than the claim allows.
func (s *claimSite) checkPicture(t testing.TB, target string, query url.Values, img access.Policy, r *http.Response) {
	m, format, err := image.Decode(r.Body)
	if err != nil {
		return // a format that is not read here
	}
	size := m.Bounds().Size()
	if img.MaxW > 0 && size.X > img.MaxW || img.MaxH > 0 && size.Y > img.MaxH {
		t.Errorf("%s is %v; the claim allows %d x %d", target, size, img.MaxW, img.MaxH)
	}
	if img.Presets != nil && size != image.Pt(20, 20) && size != image.Pt(20, 15) {
		t.Errorf("%s is %v; the claim is for a preset of 20 x 20", target, size)
	}
	if img.WM != "" && format == "png" && query.Get("q") == "" {
		got := color.NRGBAModel.Convert(m.At(size.X/2, size.Y/2))
		if got != magenta { // a mark of one pixel lies before the middle of two
			got = color.NRGBAModel.Convert(m.At((size.X-1)/2, (size.Y-1)/2))
		}
		if got != magenta {
			t.Errorf("%s: the middle is %v; want the watermark", target, got)
		}
	}
}

// claimed are the claims of tests.
var claimed = []access.Policy{
	{MaxW: 40}, {MaxH: 30}, {MaxW: 40, MaxH: 10}, {WM: "logo"}, {MaxW: 40, MaxH: 40, WM: "logo"},
	{Presets: access.TextList{"card"}}, {Prefix: access.TextList{"a"}}, {Prefix: access.TextList{"photo.jpg"}, MaxW: 15}, {},
}

// No URL answers more than a claim allows, nor leads to one that does: not in
// time, size, watermark, name or preset.
func TestClaimsReachEveryURL(t *testing.T) {
	s := newClaimSite(t)
	queries := []string{
		"", "w=2000", "w=200&h=200&enlarge=true", "f=png&w=70", "f=png&w=70&padding=0,0,1000,0", "f=png&w=20&h=80&fit=pad&g=n", "f=png&rot=45&w=100&h=100&g=nw", "f=png&txt=%E2%96%88%E2%96%88&txtsize=90",
		"f=png&wm=none", "f=png&wm=other&wmo=1", "f=png&wm=logo&wmg=se", "f=png&minw=80&minh=80", "f=png&zoom=4", "f=png&ar=1:9&enlarge=true", "f=png&border=9,ff0000", "f=png&dpr=8&w=60",
		"srcset=20,40,80&as=json", "srcset=20,40,80&as=json&h=60", "srcset=80&as=json&ar=1:1&exp=4102444800", "srcset=20,80&as=json&enlarge=true&w=10&h=90", "srcset=20&as=json&wm=none&padding=50",
		"exp=4102444800&w=60", "exp=4102444800&sig=" + strings.Repeat("A", 43), "preset=card", "preset=card&f=png", "preset=wide", "preset=card,wide", "preset=wide&preset=card&f=png", "info=size", "explain=1",
		"preset=card&f=png&maxage=9999999",
	}
	for _, img := range claimed {
		header := s.token(t, img)
		for _, name := range []string{"photo.jpg", "a/photo.jpg"} {
			for _, query := range queries {
				s.check(t, "/any/"+name+"?"+query, img, header, true)
				// Both have to agree: what was signed has no end.
				signed := resize.ParseQuery(query)
				signed.Del(config.SignatureParam)
				signed.Del(config.ExpiryParam)
				s.check(t, "/all/"+name+"?"+config.SignQuery([]byte(newSecret), "all", name, signed), img, header, true)
			}
		}
	}
}

// A token of a minute opens nothing after a minute, however it was used.
func TestClaimsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newClaimSite(t)
		header := s.token(t, access.Policy{MaxW: 40, WM: "logo"})
		var urls []string
		for _, target := range []string{"/any/photo.jpg?w=2000", "/any/photo.jpg?srcset=20,40&as=json", "/any/photo.jpg?srcset=20,40&as=json&exp=4102444800",
			signURL(newSecret, "all", "photo.jpg", "w", "2000"), signURL(newSecret, "all", "photo.jpg", "srcset", "20,40", "as", "json")} {
			r := s.get(target, header...)
			if r.StatusCode == http.StatusFound {
				urls = append(urls, r.Header.Get("Location"))
				continue
			}
			var set pictureSet
			if err := json.Unmarshal(body(t, r), &set); err != nil {
				t.Fatal(err)
			}
			for _, l := range set.linksOf() {
				urls = append(urls, l[0])
			}
		}
		for _, u := range urls {
			if r := s.get(u, header...); r.StatusCode != 200 {
				t.Errorf("%s with the token: %d; want 200", u, r.StatusCode)
			}
		}
		if len(urls) < 5 {
			t.Fatalf("%d URLs; want more", len(urls))
		}
		time.Sleep(time.Until(s.ends) + time.Second)
		for _, u := range urls {
			for _, h := range [][]string{nil, header} {
				if r := s.get(u, h...); r.StatusCode != 403 {
					t.Errorf("%s after the token's end: %d; want 403", u, r.StatusCode)
				}
			}
		}
	})
}

// What was signed leads to what is signed, with the same end; so does what an
// operator asks for, which ends soon.
func TestSignedURLsLeadToSignedOnes(t *testing.T) {
	s := newClaimSite(t)
	hour := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
	for _, tt := range []struct{ target, end string }{
		{signURL(newSecret, "any", "photo.jpg", "w", "50"), ""},
		{signURL(newSecret, "any", "photo.jpg", "w", "50", "exp", hour), hour},
	} {
		location, err := url.Parse(s.get(tt.target).Header.Get("Location"))
		if err != nil || location.Query().Get(config.ExpiryParam) != tt.end {
			t.Errorf("%s leads to %v; want the end %q", tt.target, location, tt.end)
		}
		if r := s.get(location.String()); r.StatusCode != 200 {
			t.Errorf("%s leads to %v = %d; want 200", tt.target, location, r.StatusCode)
		}
	}
	s.server.config.Admin.Listen = "127.0.0.1:1"
	w := answerOf(s.server.adminHandler(), "GET", "/any/photo.jpg?srcset=20&as=json&exp=4102444800", "")
	var set pictureSet
	if err := json.Unmarshal(w.Body.Bytes(), &set); err != nil {
		t.Fatal(err)
	}
	src, err := url.Parse(set.Src)
	if err != nil {
		t.Fatal(err)
	}
	if end, _ := strconv.ParseInt(src.Query().Get(config.ExpiryParam), 10, 64); end == 0 || end > time.Now().Add(operatorsTime).Unix() {
		t.Errorf("an operator gets %s; want an end within the hour", set.Src)
	}
	if r := s.get(set.Src); r.StatusCode != 200 {
		t.Errorf("%s = %d; want 200", set.Src, r.StatusCode)
	}
}

// The watermark of a claim lies on the picture: in no result of any geometry is
// there anything but the picture, a border and the watermark in the middle.
func TestClaimedWatermarkLiesOnThePicture(t *testing.T) {
	s := newClaimSite(t)
	header := s.token(t, access.Policy{WM: "logo"})
	choices := map[string][]string{
		"w": {"20", "33", "90"}, "h": {"15", "70", "200"}, "fit": {"cover", "contain", "pad", "stretch", "scale-down", "auto"}, "g": {"n", "se", "smart", "fp:0.1:0.9"},
		"padding": {"5", "0,0,1000,0", "100,0,0,300"}, "rot": {"45", "90", "200", "-3"}, "flip": {"h", "hv"}, "orient": {"3", "6"}, "crop": {"0,0,50%,100%", "10,10,9,9"}, "trim": {"10"},
		"ar": {"1:1", "9:1", "1:9"}, "zoom": {"0.3", "3"}, "minw": {"50"}, "minh": {"77"}, "enlarge": {"true"}, "border": {"3,000000"}, "wmg": {"nw", "fp:0:1"}, "wms": {"1"}, "wmt": {"true"},
		"txt": {"████████"}, "txtsize": {"60"}, "dpr": {"2.5"}, "bg": {"0000ff", "auto", "blur"},
	}
	names := sortedKeys(choices)
	r := rand.New(rand.NewPCG(1, 2))
	for range 400 {
		query := url.Values{"f": {"png"}, "bg": {"0000ff"}, "txtcolor": {"0000ff"}}
		for range 1 + r.IntN(6) {
			name := names[r.IntN(len(names))]
			query.Set(name, choices[name][r.IntN(len(choices[name]))])
		}
		target := "/any/plain.png?" + query.Encode()
		answer := s.get(target, header...)
		if answer.StatusCode != 200 {
			t.Errorf("%s = %d", target, answer.StatusCode)
			continue
		}
		m, err := png.Decode(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		n := image.NewNRGBA(image.Rectangle{Max: m.Bounds().Size()})
		draw.Draw(n, n.Rect, m, m.Bounds().Min, draw.Src)
		if err := onlyMarked(n); err != nil {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// onlyMarked returns an error unless a picture is green, with magenta in its
// middle and perhaps a black border.
func onlyMarked(m *image.NRGBA) error {
	size := m.Rect.Size()
	if got := m.NRGBAAt(size.X/2, size.Y/2); got != magenta {
		return fmt.Errorf("the middle of %v is %v; want the watermark", size, got)
	}
	for i := 0; i < len(m.Pix); i += 4 {
		p := m.Pix[i:][:4]
		if p[3] != 255 || int(p[2]) > int(p[0])+30 { // neither green, nor magenta, nor between them, nor black
			return fmt.Errorf("the pixel %d, %d of %v is %v; want picture or watermark", i/4%size.X, i/4/size.X, size, p)
		}
	}
	return nil
}

// FuzzClaims: whatever a URL asks for, it gets no more than the claim of its token
// allows, and leads to no URL that does.
func FuzzClaims(f *testing.F) {
	for i, query := range []string{"w=2000", "srcset=20,40,90&as=json&h=50", "f=png&padding=100&fit=pad&h=90", "f=png&preset=card&dpr=3", "exp=4102444800&srcset=80&as=json", "f=png&rot=45&txt=x&crop=0,0,10,10", "zoom=9&f=png&minw=90"} {
		f.Add(query, uint8(i))
	}
	f.Add("f=png&crop=0,0,10,1", uint8(3)) // {WM: "logo"}, of one pixel
	s := newClaimSite(f)
	f.Fuzz(func(t *testing.T, query string, which uint8) {
		values := resize.ParseQuery(query)
		if len(query) > 300 || len(values) >= config.MaxParameters {
			return
		}
		if values.Has(config.SrcsetParam) {
			values.Set(config.AsParam, config.AsJSON)
		}
		img := claimed[int(which)%len(claimed)]
		s.ends = time.Now().Add(time.Minute).Truncate(time.Second)
		s.check(t, "/any/photo.jpg?"+values.Encode(), img, s.token(t, img), true)
	})
}
