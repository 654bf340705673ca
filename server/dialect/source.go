package dialect

import (
	"net/url"
	"regexp"
	"strings"
)

// A Source is the picture that a URL names.
type Source struct {
	// Text is what the URL says, decoded as the dialect decodes it.
	Text string
	// Name is the object of the handler that it stands for. It is not known to be
	// a valid one.
	Name string
}

// scheme is what an absolute URL begins with.
var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// source returns the source of a text that names one. web is put before a
// text without a scheme that names a host, as in "example.org/a.jpg"; empty:
// a text without a scheme is the name of an object. Nothing is fetched because
// a URL says so: one that source_map does not name is refused, unless
// Limits.Reach allows it.
func (d *Dialect) source(text, web string) (Source, *Fault) {
	s := Source{Text: text}
	if text == "" {
		return s, &Fault{Cause: BadURL, Text: "no source is named"}
	}
	whole := text
	if web != "" && !scheme.MatchString(text) {
		whole = web + text
	}
	for _, m := range d.config.SourceMap {
		rest, ok := strings.CutPrefix(whole, m.From)
		if !ok || m.From == "" && scheme.MatchString(whole) {
			continue
		}
		if isWeb(whole) {
			rest = decodePath(rest)
		}
		s.Name = strings.TrimPrefix(m.To+rest, "/")
		return s, nil
	}
	switch {
	case isWeb(whole):
		u, err := url.Parse(whole)
		if err != nil || u.Host == "" || u.User != nil {
			return s, &Fault{Cause: BadURL, Text: "the source is no URL"}
		}
		name, ok := "", false
		if d.limits.Reach != nil {
			name, ok = d.limits.Reach(u)
		}
		if !ok {
			return s, &Fault{Cause: NotAllowed}
		}
		s.Name = name
	case scheme.MatchString(whole):
		return s, &Fault{Cause: NotAllowed}
	default:
		s.Name = strings.TrimPrefix(whole, "/")
	}
	return s, nil
}

func isWeb(text string) bool {
	s := strings.ToLower(scheme.FindString(text))
	return s == "http://" || s == "https://"
}

// decodePath returns the name of an object in the path of a URL: without the
// query, which is none of a store's business, and decoded once.
func decodePath(path string) string {
	path, _, _ = strings.Cut(path, "?")
	if name, err := url.PathUnescape(path); err == nil {
		return name
	}
	return path
}

// mend gives a URL the slash back that a proxy on the way has taken for one too
// many.
func mend(text string) string {
	for _, s := range []string{"http:/", "https:/", "s3:/", "gs:/", "abs:/", "swift:/"} {
		if rest, ok := strings.CutPrefix(text, s); ok && !strings.HasPrefix(rest, "/") {
			return s + "/" + rest
		}
	}
	if rest, ok := strings.CutPrefix(text, "local:/"); ok && !strings.HasPrefix(rest, "/") {
		return "local:///" + rest
	}
	return text
}
