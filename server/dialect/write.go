package dialect

import (
	"crypto/md5" // of imgix
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"s3imageserver/resize"
)

// Write returns path and query of a URL that asks for what options of our own do
// to a picture: the object of that name. They stand behind the handler's prefix,
// and are signed where the dialect has signatures. It reports false if the
// dialect has no words for that.
//
// What is written is read again, so that it does what it should: a result of the
// same size and the same part, up to roundings, and with all else alike. Format,
// quality and metadata that the options leave open are those of the dialect.
func (d *Dialect) Write(name string, o resize.Options, p Picture) (string, bool) {
	w := writing{d: d, p: p, query: resize.ParseQuery(o.String())}
	w.p.Trimmed = w.get("trim") != "" // what is left of it is not known: it may be all
	for _, source := range d.sourcesOf(name) {
		for _, c := range w.candidates(source) {
			if w.holds(c, name) {
				c = d.sign(c)
				return c.text(), true
			}
		}
	}
	return "", false
}

// A target is a path and a query, both as they are sent.
type target struct{ path, query string }

func (t target) text() string {
	if t.query == "" {
		return t.path
	}
	return t.path + "?" + t.query
}

// sourcesOf returns what URLs may call an object.
func (d *Dialect) sourcesOf(name string) []string {
	list := []string{name}
	for _, m := range d.config.SourceMap {
		if rest, ok := strings.CutPrefix(name, m.To); ok && m.From != "" {
			if isWeb(m.From) {
				rest = escapePath(rest)
			}
			list = append(list, m.From+rest)
		}
	}
	return list
}

// escapePath escapes what is no part of a path, and what imgproxy's formats and
// thumbor's filters begin with.
func escapePath(name string) string {
	return strings.NewReplacer("@", "%40", "(", "%28", ")", "%29", ":", "%3A").Replace((&url.URL{Path: name}).EscapedPath())
}

// sign gives a URL the signature that its dialect wants.
func (d *Dialect) sign(t target) target {
	if !d.Signed() {
		return t
	}
	signed := t.text()
	more := word(t.query != "", "&", "")
	switch _, rest, _ := strings.Cut(t.path[1:], "/"); d.row.name {
	case "imgproxy":
		if len(d.keys.pairs) == 0 {
			t.path = "/" + d.keys.trusted[0] + "/" + rest
			break
		}
		pair := d.keys.pairs[0]
		sum := hmacOf(sha256.New, pair[0], string(pair[1])+"/"+rest)
		t.path = "/" + base64.RawURLEncoding.EncodeToString(sum[:d.keys.size]) + "/" + rest
	case "thumbor", "imagor":
		t.path = "/" + d.keys.thumborSum(rest) + "/" + rest
	case "imgix":
		sum := md5.Sum([]byte(string(d.config.Token) + signed))
		t.query += more + "s=" + hex.EncodeToString(sum[:])
	case "cloudflare":
		t.query += more + "sig=" + hex.EncodeToString(hmacOf(sha256.New, d.keys.secret, signed))
	}
	return t
}

// A writing is our own options on their way to a URL.
type writing struct {
	d     *Dialect
	p     Picture
	query url.Values // the options
}

// openParams are parameters that a dialect decides where nothing is said.
var openParams = []string{"f", "q", "strip", "icc", "progressive", "lossless", "anim"}

// holds reports whether a URL asks for what it should.
func (w *writing) holds(t target, name string) bool {
	t = w.d.sign(t)
	r, err := w.d.Parse(Call{Path: t.path, Query: t.query})
	if err != nil || r.Kind != Image || r.Source.Name != name || r.Overlay.Source.Name != "" {
		return false
	}
	s, err := w.d.Settle(r, w.p)
	if err != nil || s.Source {
		return false
	}
	theirs := resize.ParseQuery(s.Query)
	for _, round := range []string{"down", "near"} {
		want := url.Values{}
		for k, v := range w.query {
			want[k] = v
		}
		for _, k := range openParams {
			if !want.Has(k) && theirs.Has(k) {
				want.Set(k, theirs.Get(k))
			}
		}
		want.Set("round", round)
		if resize.Same(w.p.Width, w.p.Height, s.Options, resize.ParseOptions(want.Get, longest)) {
			return true
		}
	}
	return false
}

func (w *writing) get(name string) string { return w.query.Get(name) }

func (w *writing) num(name string) float64 {
	v, _ := strconv.ParseFloat(w.get(name), 64) // String wrote it
	return v
}

// fit is what happens to the box: cover, contain, stretch, pad; "" without one.
func (w *writing) fit() string {
	f := w.get("fit")
	switch {
	case w.get("w") == "" && w.get("h") == "":
		return ""
	case f == "scale-down":
		return "contain"
	case f == "" && (w.get("w") == "" || w.get("h") == ""):
		return "contain"
	case f == "":
		return "cover"
	}
	return f
}

// crop returns the part of the picture in pixels.
func (w *writing) crop() (x, y, width, height int, ok bool) {
	n, err := fmt.Sscanf(w.get("crop"), "%d,%d,%d,%d", &x, &y, &width, &height)
	return x, y, width, height, n == 4 && err == nil && !strings.Contains(w.get("crop"), "%")
}

// focus returns the focal point of g in fractions.
func (w *writing) focus() (x, y string, ok bool) {
	text, ok := strings.CutPrefix(w.get("g"), "fp:")
	x, y, _ = strings.Cut(text, ":")
	return x, y, ok
}

// each calls f for the parameters that are given, in the order of the list.
func (w *writing) each(names []string, f func(name, value string)) {
	for _, n := range names {
		if v := w.get(n); v != "" {
			f(n, v)
		}
	}
}

func trimZeros(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
