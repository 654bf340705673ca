package server

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/config"
	"s3imageserver/storage"
)

// statusOf is the one place where an error becomes a status.
func statusOf(err error) int {
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return s.status
		}
	}
	return http.StatusInternalServerError
}

// statuses are tried in order: the more particular errors come first.
var statuses = []struct {
	err    error
	status int
}{
	{config.ErrName, http.StatusBadRequest},
	{errOption, http.StatusBadRequest},
	{errVersion, http.StatusBadRequest},
	{errWatermark, http.StatusInternalServerError},
	{errEmpty, http.StatusUnprocessableEntity},
	{errExtension, http.StatusNotFound},
	{access.ErrVerification, http.StatusNotFound},
	{errGone, http.StatusGone},
	{errLegal, http.StatusUnavailableForLegalReasons},
	{errRate, http.StatusTooManyRequests},
	{errMisses, http.StatusServiceUnavailable},
	{access.ErrNoKeys, http.StatusServiceUnavailable},
	{fs.ErrInvalid, http.StatusBadRequest},
	{fs.ErrNotExist, http.StatusNotFound},
	{fs.ErrPermission, http.StatusNotFound},
	{resize.ErrBusy, http.StatusServiceUnavailable},
	{storage.ErrBusy, http.StatusServiceUnavailable},
	{resize.ErrUnsupported, http.StatusUnsupportedMediaType},
	{resize.ErrNotPicture, http.StatusBadGateway},
	{resize.ErrLimit, http.StatusUnprocessableEntity},
	{resize.ErrMalformed, http.StatusUnprocessableEntity},
	{storage.ErrCoding, http.StatusUnprocessableEntity},
	{storage.ErrTooLarge, http.StatusRequestEntityTooLarge},
	{storage.ErrOverloaded, http.StatusServiceUnavailable},
	{os.ErrDeadlineExceeded, http.StatusGatewayTimeout},
	{context.DeadlineExceeded, http.StatusGatewayTimeout},
	{storage.ErrUnavailable, http.StatusServiceUnavailable}, // be it asked or, after many failures, not
	{storage.ErrIncomplete, http.StatusBadGateway},
	{storage.ErrDamaged, http.StatusBadGateway},
}

// outlives reports whether an old picture is better than that error: it says
// nothing of the picture itself, or only that it is being written.
func outlives(err error) bool {
	return statusOf(err) >= http.StatusInternalServerError || errors.Is(err, storage.ErrRefused) || errors.Is(err, errEmpty)
}

// refuses reports whether a picture will have that error for some time, and
// whether all others of its source will too.
func refuses(err error) (same, whole bool) {
	for _, e := range []error{fs.ErrNotExist, storage.ErrTooLarge, resize.ErrUnsupported, errEmpty, resize.ErrNotPicture, resize.ErrMalformed, storage.ErrCoding} {
		if errors.Is(err, e) {
			return true, !errors.As(err, new(versionError))
		}
	}
	return errors.Is(err, resize.ErrLimit), false
}

// refuses is refuses for pictures of the handler: where damaged ones are shown,
// that one has no details or no result says nothing of the others.
func (h *Handler) refuses(err error) (same, whole bool) {
	same, whole = refuses(err)
	return same, whole && !(h.config.Damaged == config.ShowDamaged && errors.Is(err, resize.ErrMalformed))
}

// retryAfter is what clients are told when a fault may pass.
const retryAfter = 5 * time.Second

// fail answers a request that has no picture: with the error image for its
// cause, if the handler has one, and never to be kept unless the handler says
// so.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, req request, err error) {
	status := statusOf(err)
	if r.Context().Err() != nil && status != http.StatusGatewayTimeout {
		status = http.StatusServiceUnavailable // nobody is listening; but nobody may keep it
	}
	if h.dialect != nil {
		h.failForeign(w, r, req, err)
		return
	}
	h.fault(kindOf(err))
	exchangeOf(w).failed(req, status, err)
	header := w.Header()
	if wait := retryAfterOf(err, status); wait != "" {
		header.Set("Retry-After", wait)
	}
	header.Set("Cache-Control", "no-store")
	if errors.Is(err, access.ErrVerification) {
		status = cmp.Or(int(h.config.AuthStatus), status)
		h.challenge(header, status)
	}
	switch {
	case status == http.StatusBadRequest:
		http.Error(w, "400 bad request: "+whyBad(err), status)
		return
	case status == http.StatusTooManyRequests: // a flood is to cost nothing, not even an error image
		http.Error(w, "429 too many requests", status)
		return
	case errors.Is(err, errMisses):
		http.Error(w, "503 too many pictures are to be made", status)
		return
	}
	if age := h.errorAge(&req, status, err); age > 0 {
		header.Set("Cache-Control", scopeOf(&req)+", max-age="+strconv.FormatInt(age, 10))
	}
	fallback := h.fallbacks.of(status)
	if h.config.ErrorStatus != 0 && ofSource(err, status) {
		status = int(h.config.ErrorStatus)
	}
	o := req.options
	o = resize.Options{Width: o.Width, Height: o.Height, Fit: o.Fit, Format: plainFormat(o.Format)}
	var body []byte
	var mediaType string
	if refused := errors.Is(err, access.ErrVerification) || errors.Is(err, errExtension); refused {
		body, mediaType = fallback.refusal(r.Context(), o)
	} else {
		body, mediaType = fallback.picture(r.Context(), o)
	}
	if body == nil {
		for _, name := range h.vary(req) {
			header.Add("Vary", name)
		}
		header.Set("Content-Length", "0")
		w.WriteHeader(status)
		return
	}
	h.setPictureHeader(header, req, mediaType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = newProgressWriter(w).Write(body) // the client may have left
	}
}

// errorAge returns for how many seconds others may keep an answer without a
// picture: what will be so for some time, whoever asks.
func (h *Handler) errorAge(req *request, status int, err error) int64 {
	if errors.Is(err, access.ErrVerification) || status >= http.StatusInternalServerError {
		return 0
	}
	age := h.config.ErrorImageAge
	if end := req.grant.Expires; !end.IsZero() {
		age = min(age, int64(time.Until(end).Seconds()))
	}
	return age
}

// ofSource reports whether an error is a fault of the picture or its source, for
// which the original had one status.
func ofSource(err error, status int) bool {
	for _, ours := range []error{access.ErrVerification, access.ErrNoKeys, errGone, errLegal, errMisses, errWatermark, resize.ErrBusy, storage.ErrBusy} {
		if errors.Is(err, ours) {
			return false
		}
	}
	return status > http.StatusNotFound && status != http.StatusInternalServerError
}

// whyBad says what is wrong with a request; nothing in it was the client's own
// text.
func whyBad(err error) string {
	if errors.Is(err, errOption) || errors.Is(err, errVersion) {
		return err.Error()
	}
	return config.ErrName.Error()
}

// faultLevel is higher for what an operator can do something about.
func faultLevel(status int, err error) slog.Level {
	switch {
	case errors.Is(err, errMisses):
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
