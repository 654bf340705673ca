package server

import (
	"cmp"
	"errors"
	"net/http"
	"path"
	"strconv"
	"sync"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/config"
	"s3imageserver/server/errorimage"
	"s3imageserver/server/limits"
)

// retryAfterOf returns the value of Retry-After for an error, "" for none.
func retryAfterOf(err error, status int) string {
	if seconds := limits.RetryAfter(err); seconds > 0 {
		return strconv.Itoa(seconds)
	}
	if status >= http.StatusBadGateway {
		return strconv.Itoa(int(retryAfter.Seconds()))
	}
	return ""
}

// retryAfter is what clients are told when a fault may pass.
const retryAfter = 5 * time.Second

// fail answers a request with an error: with the error image for its status, if the
// handler has one, and with no-store unless the handler allows caching.
func (a *answerer) fail(w http.ResponseWriter, r *http.Request, req request, err error) {
	f := failureOf(err)
	status := f.status
	if r.Context().Err() != nil && status != http.StatusGatewayTimeout {
		status = http.StatusServiceUnavailable // nobody is listening; but nobody may keep it
	}
	if a.dialect != nil {
		a.failForeign(w, r, req, err)
		return
	}
	a.meters.Fault(f.kind)
	a.refused(&req, f.kind, err, time.Now())
	exchangeOf(w).failed(req, status, err)
	header := w.Header()
	if wait := retryAfterOf(err, status); wait != "" {
		header.Set("Retry-After", wait)
	}
	header.Set("Cache-Control", "no-store")
	if errors.Is(err, access.ErrVerification) {
		status = cmp.Or(int(a.config.AuthStatus), status)
		challenge(header, status)
	}
	switch {
	case status == http.StatusBadRequest:
		http.Error(w, "400 bad request: "+whyBad(err), status)
		return
	case status == http.StatusTooManyRequests: // a flood is to cost nothing, not even an error image
		http.Error(w, "429 too many requests", status)
		return
	case errors.Is(err, limits.ErrMisses):
		http.Error(w, "503 too many pictures are to be made", status)
		return
	}
	if text := a.debugText(&req, f, err); text != "" {
		writeText(w, status, strconv.Itoa(status)+" "+text)
		return
	}
	if age := a.errorAge(&req, status, err); age > 0 {
		header.Set("Cache-Control", scopeOf(&req)+", max-age="+strconv.FormatInt(age, 10))
	}
	fallback := a.fallbacks.For(status)
	if a.config.ErrorStatus != 0 && ofSource(err, status) {
		status = int(a.config.ErrorStatus)
	}
	o := req.options
	o = resize.Options{Width: o.Width, Height: o.Height, Fit: o.Fit, Format: errorimage.CheapFormat(o.Format)}
	var body []byte
	var mediaType string
	if refused := errors.Is(err, access.ErrVerification) || errors.Is(err, errExtension); refused {
		body, mediaType = fallback.Refusal(r.Context(), o)
	} else {
		body, mediaType = fallback.Picture(r.Context(), o)
	}
	if body == nil {
		for _, name := range a.vary(req) {
			header.Add("Vary", name)
		}
		header.Set("Content-Length", "0")
		w.WriteHeader(status)
		return
	}
	a.setPictureHeader(header, req, mediaType)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = newProgressWriter(w).Write(body) // the client may have left
	}
}

// errorAge returns for how many seconds browsers and caches may keep an error: only if its
// cause lasts, and is the same for all clients.
func (a *answerer) errorAge(req *request, status int, err error) int64 {
	if errors.Is(err, access.ErrVerification) || status >= http.StatusInternalServerError {
		return 0
	}
	age := a.config.ErrorImageAge
	if end := req.grant.Expires; !end.IsZero() {
		age = min(age, int64(time.Until(end).Seconds()))
	}
	return age
}

// whyBad says what is wrong with a request; nothing in it was the client's own
// text.
func whyBad(err error) string {
	if errors.Is(err, errOption) || errors.Is(err, errVersion) {
		return err.Error()
	}
	return config.ErrName.Error()
}

// A refusals logs refused requests, the first of a kind at once and then once a minute, so
// that a flood of requests does not flood the log.
type refusals struct {
	mu    sync.Mutex
	kinds map[string]*refusedKind // as many as there are cures
}

type refusedKind struct {
	count int       // since the last line
	next  time.Time // nothing is said before
}

// refusalsEvery is how often a kind of refusal is logged.
const refusalsEvery = time.Minute

// note counts a refusal, and returns how many there were since the last line if a
// line is due; else 0.
func (r *refusals) note(kind string, now time.Time) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.kinds[kind]
	if k == nil {
		if r.kinds == nil {
			r.kinds = map[string]*refusedKind{}
		}
		k = new(refusedKind)
		r.kinds[kind] = k
	}
	k.count++
	if now.Before(k.next) {
		return 0
	}
	n := k.count
	k.count, k.next = 0, now.Add(refusalsEvery)
	return n
}

// refused logs a request that is refused, with the cure.
func (a *answerer) refused(req *request, kind string, err error, now time.Time) {
	cure := cures[kind]
	if cure == "" {
		return
	}
	n := a.refusals.note(kind, now)
	if n == 0 {
		return
	}
	attributes := []any{"kind", kind, "requests", n, "error", err}
	if kind == "extension" {
		attributes = append(attributes, "extension", shortened(path.Ext(req.name)))
	}
	a.log.Warn("requests are refused", append(attributes, "cure", cure)...)
}

// debugText returns the reason and the cure of an error for developers; "" if the handler
// has no debug.
func (a *answerer) debugText(req *request, f failure, err error) string {
	if !a.config.Debug {
		return ""
	}
	why := f.err.Error() // what a store has said is for the log
	if cure := cures[f.kind]; cure != "" {
		why = err.Error() + "\n" + cure
	}
	switch f.kind {
	case "extension":
		why = "extension " + shortened(path.Ext(req.name)) + " is not allowed\n" + cures[f.kind]
	case "missing":
		why = "the source has no object " + shortened(req.name)
	}
	return why
}
