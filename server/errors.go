package server

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/config"
	"s3imageserver/server/dialect"
	"s3imageserver/server/limits"
	"s3imageserver/server/overlays"
	"s3imageserver/storage"
)

// A failure is what an error means to clients (status), operators (kind) and caches.
type failure struct {
	err    error
	status int           // of the answer
	kind   string        // in one word, for metrics and logs
	cause  dialect.Cause // by which a dialect knows it
	lasts  lasting
	ours   bool // a fault neither of the picture nor of its source
}

// noCause is that a dialect has no words for an error.
const noCause dialect.Cause = 255

// lasting says for whom an error will be the same for some time.
type lasting uint8

const (
	passing  lasting = iota // for nobody
	ofResult                // for the same request
	ofWhole                 // for all requests of the same source
)

// failures are all errors that a request may end with: the one place where an
// error becomes a status. They are tried in order: the more particular ones come
// first.
var failures = []failure{
	{config.ErrName, http.StatusBadRequest, "name", dialect.BadURL, passing, false},
	{errOption, http.StatusBadRequest, "option", dialect.BadOption, passing, false},
	{errVersion, http.StatusBadRequest, "version", noCause, passing, false},
	{overlays.ErrUnusable, http.StatusInternalServerError, "watermark", noCause, passing, true},
	{errEmpty, http.StatusUnprocessableEntity, "empty", noCause, ofWhole, false},
	{errExtension, http.StatusNotFound, "extension", dialect.NotAllowed, passing, false},
	{access.ErrVerification, http.StatusNotFound, "verification", dialect.BadSignature, passing, true},
	{limits.ErrGone, http.StatusGone, "blocked", noCause, passing, true},
	{limits.ErrLegal, http.StatusUnavailableForLegalReasons, "blocked", noCause, passing, true},
	{limits.ErrRate, http.StatusTooManyRequests, "rate", noCause, passing, false},
	{limits.ErrMisses, http.StatusServiceUnavailable, "misses", noCause, passing, true},
	{access.ErrNoKeys, http.StatusServiceUnavailable, "keys", noCause, passing, true},
	{fs.ErrInvalid, http.StatusBadRequest, "name", dialect.BadURL, passing, false},
	{fs.ErrNotExist, http.StatusNotFound, "missing", dialect.NoSource, ofWhole, false},
	{fs.ErrPermission, http.StatusNotFound, "forbidden", dialect.NoSource, passing, false},
	{resize.ErrBusy, http.StatusServiceUnavailable, "busy", noCause, passing, true},
	{storage.ErrBusy, http.StatusServiceUnavailable, "busy", noCause, passing, true},
	{resize.ErrUnsupported, http.StatusUnsupportedMediaType, "unsupported", dialect.NotRead, ofWhole, false},
	{resize.ErrNotPicture, http.StatusBadGateway, "no_picture", dialect.NotPicture, ofWhole, false},
	{resize.ErrLimit, http.StatusUnprocessableEntity, "limit", dialect.TooLarge, ofResult, false},
	{resize.ErrMalformed, http.StatusUnprocessableEntity, "malformed", dialect.NotPicture, ofWhole, false},
	{storage.ErrCoding, http.StatusUnprocessableEntity, "malformed", noCause, ofWhole, false},
	{storage.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large", dialect.TooLarge, ofWhole, false},
	{storage.ErrOverloaded, http.StatusServiceUnavailable, "store_overloaded", dialect.Down, passing, false},
	{os.ErrDeadlineExceeded, http.StatusGatewayTimeout, "store_slow", dialect.Slow, passing, false},
	{context.DeadlineExceeded, http.StatusGatewayTimeout, "timeout", dialect.Slow, passing, false},
	{storage.ErrUnavailable, http.StatusServiceUnavailable, "store_unavailable", dialect.Down, passing, false}, // be it asked or, after many failures, not
	{storage.ErrIncomplete, http.StatusBadGateway, "source_incomplete", dialect.Down, passing, false},
	{storage.ErrDamaged, http.StatusBadGateway, "source_damaged", dialect.Down, passing, false},
	{context.Canceled, http.StatusInternalServerError, "client_left", noCause, passing, false},
}

// cures say how to fix a refused request, by the kind of its error.
var cures = map[string]string{
	"extension":    "add the extension to allowed_formats of the handler; \"*\" allows names without one",
	"verification": "ask for the URL with explain=1 on the listener for operators, which says why; s3imageserver sign makes URLs",
	"option":       "s3imageserver docs options tells all parameters and what they may be",
	"version":      "leave versionid out: only buckets have versions",
	"name":         "a name has no empty part, no \"..\", no backslash and no control character; s3imageserver docs urls says more",
}

// failureOf returns what an error means; one that nobody expects is a fault of the
// program.
func failureOf(err error) failure {
	for _, f := range failures {
		if errors.Is(err, f.err) {
			return f
		}
	}
	return failure{err: err, status: http.StatusInternalServerError, kind: "other", cause: noCause}
}

// statusOf returns the status of an error.
func statusOf(err error) int { return failureOf(err).status }

// kindOf returns in one word what an error is about, for metrics and logs. The
// words are few.
func kindOf(err error) string { return failureOf(err).kind }

// causeOf returns the cause by which a dialect knows an error.
func causeOf(err error) (dialect.Cause, bool) {
	for _, f := range failures {
		if f.cause != noCause && errors.Is(err, f.err) {
			return f.cause, true
		}
	}
	return 0, false
}

// outlives reports whether an old picture is better than that error: it says
// nothing of the picture itself, or only that it is being written.
func outlives(err error) bool {
	return statusOf(err) >= http.StatusInternalServerError || errors.Is(err, storage.ErrRefused) || errors.Is(err, errEmpty)
}

// refuses reports whether a picture will have that error for some time, and
// whether all others of its source will too.
func refuses(err error) (same, whole bool) {
	for _, f := range failures {
		if f.lasts != passing && errors.Is(err, f.err) {
			same, whole = true, whole || f.lasts == ofWhole
		}
	}
	return same, whole && !errors.As(err, new(versionError))
}

// refuses is refuses for pictures of the handler: where damaged ones are shown,
// that one has no details or no result says nothing of the others.
func (h *Handler) refuses(err error) (same, whole bool) {
	same, whole = refuses(err)
	return same, whole && !(h.config.Damaged == config.ShowDamaged && errors.Is(err, resize.ErrMalformed))
}

// ofSource reports whether an error is a fault of the picture or its source, for
// which the original had one status.
func ofSource(err error, status int) bool {
	for _, f := range failures {
		if f.ours && errors.Is(err, f.err) {
			return false
		}
	}
	return status > http.StatusNotFound && status != http.StatusInternalServerError
}

// faultLevel is higher for what an operator can do something about.
func faultLevel(status int, err error) slog.Level {
	switch {
	case errors.Is(err, limits.ErrMisses):
		return slog.LevelWarn // the configuration wants it so
	case status >= http.StatusInternalServerError:
		return slog.LevelError
	case status == http.StatusTooManyRequests || status == http.StatusGone || status == http.StatusUnavailableForLegalReasons:
		return slog.LevelDebug
	case status > http.StatusNotFound, errors.Is(err, fs.ErrPermission):
		return slog.LevelWarn
	}
	return slog.LevelDebug
}
