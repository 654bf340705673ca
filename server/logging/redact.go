package logging

import (
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"s3imageserver/server/config"
)

// secretParams are the parameters of a URL that are nobody's business but the
// client's.
var secretParams = []string{config.TokenParam, config.SignatureParam}

// IsSecret reports whether a parameter is one of secretParams, however a client
// or a library may have spelled it: in any case, with spaces and control
// characters around it, as an element of a list ("t[]"), or escaped twice. One
// that cannot be unescaped may be.
func IsSecret(name string) bool {
	for range 3 {
		plain, _, _ := strings.Cut(name, "[")
		plain = strings.TrimFunc(plain, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		if slices.ContainsFunc(secretParams, func(p string) bool { return strings.EqualFold(p, plain) }) {
			return true
		}
		decoded, err := url.QueryUnescape(name)
		if err != nil || decoded == name {
			return err != nil
		}
		name = decoded
	}
	return false
}

// RedactURL is redactQuery for the query of a URL, and redactText for its path.
func RedactURL(u string) string {
	path, query, ok := strings.Cut(u, "?")
	if path = RedactPath(path); !ok {
		return path
	}
	return path + "?" + RedactQuery(query)
}

// tokenBegin is how a JSON Web Token begins: {" in base64url.
const tokenBegin = "eyJ"

// redacted stands for what is not shown.
const redacted = "***"

// webToken is a JSON Web Token: two parts at least, of which no name is made by
// chance.
var webToken = regexp.MustCompile(tokenBegin + `[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]*`)

// redactText returns a text without the JSON Web Tokens in it.
func redactText(text string) string {
	if !strings.Contains(text, tokenBegin) {
		return text
	}
	return webToken.ReplaceAllLiteralString(text, redacted)
}

// RedactPath returns the path of a URL, escaped, without the JSON Web Tokens in
// it, whose letters may be escaped too.
func RedactPath(escaped string) string {
	plain, err := url.PathUnescape(escaped)
	if err == nil && redactText(plain) != plain {
		segments := strings.Split(redactText(plain), "/")
		for i, s := range segments {
			segments[i] = strings.ReplaceAll(url.PathEscape(s), "%2A", "*")
		}
		return strings.Join(segments, "/")
	}
	return redactText(escaped)
}

// RedactQuery returns a query without the values of secretParams, and without
// what looks like the beginning of a JSON Web Token, wherever it is. It is the
// one way of a query into a log.
func RedactQuery(raw string) string {
	if raw == "" {
		return ""
	}
	parts := strings.FieldsFunc(raw, func(r rune) bool { return r == '&' || r == ';' })
	for i, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		switch {
		case holdsToken(name):
			parts[i] = redacted
		case IsSecret(name), holdsToken(value):
			parts[i] = name + "=" + redacted
		}
	}
	return strings.Join(parts, "&")
}

// holdsToken reports whether a token may begin in an escaped text.
func holdsToken(escaped string) bool {
	for range 3 {
		if strings.Contains(escaped, tokenBegin) {
			return true
		}
		plain, err := url.QueryUnescape(escaped)
		if err != nil || plain == escaped {
			return false
		}
		escaped = plain
	}
	return false
}

// redactAttr returns an attribute of a line without the JSON Web Tokens in it: in
// names of pictures, and in errors that have them. changed reports whether there
// was one.
func redactAttr(a slog.Attr) (clean slog.Attr, changed bool) {
	var text string
	switch a.Value.Kind() {
	case slog.KindString:
		text = a.Value.String()
	case slog.KindAny:
		err, ok := a.Value.Any().(error)
		if !ok {
			return a, false
		}
		text = err.Error()
	}
	if plain := redactText(text); plain != text {
		return slog.String(a.Key, plain), true
	}
	return a, false
}
