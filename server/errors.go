package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/maypok86/otter/v2"

	"s3imageserver/resize"
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
	{errName, http.StatusBadRequest},
	{errOption, http.StatusBadRequest},
	{errVersion, http.StatusBadRequest},
	{errExtension, http.StatusNotFound},
	{errVerification, http.StatusNotFound},
	{errGone, http.StatusGone},
	{errLegal, http.StatusUnavailableForLegalReasons},
	{errRate, http.StatusTooManyRequests},
	{fs.ErrInvalid, http.StatusBadRequest},
	{fs.ErrNotExist, http.StatusNotFound},
	{fs.ErrPermission, http.StatusNotFound},
	{resize.ErrBusy, http.StatusServiceUnavailable},
	{resize.ErrUnsupported, http.StatusUnsupportedMediaType},
	{resize.ErrNotPicture, http.StatusBadGateway},
	{resize.ErrLimit, http.StatusUnprocessableEntity},
	{resize.ErrMalformed, http.StatusUnprocessableEntity},
	{storage.ErrTooLarge, http.StatusRequestEntityTooLarge},
	{storage.ErrOverloaded, http.StatusServiceUnavailable},
	{os.ErrDeadlineExceeded, http.StatusGatewayTimeout},
	{context.DeadlineExceeded, http.StatusGatewayTimeout},
	{storage.ErrUnavailable, http.StatusBadGateway},
	{storage.ErrIncomplete, http.StatusBadGateway},
	{storage.ErrDamaged, http.StatusBadGateway},
}

// outlives reports whether an old picture is better than that error: it says
// nothing of the picture itself.
func outlives(err error) bool { return statusOf(err) >= http.StatusInternalServerError }

// refuses reports whether a picture will have that error for some time, and
// whether all others of its source will too.
func refuses(err error) (same, whole bool) {
	for _, e := range []error{fs.ErrNotExist, storage.ErrTooLarge, resize.ErrUnsupported, resize.ErrNotPicture, resize.ErrMalformed} {
		if errors.Is(err, e) {
			return true, true
		}
	}
	return errors.Is(err, resize.ErrLimit), false
}

// retryAfter is what clients are told when a fault may pass.
const retryAfter = 5 * time.Second

// fail answers a request that has no picture: with the error image, if the
// handler has one, and never to be kept.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, req request, err error) {
	status := statusOf(err)
	if r.Context().Err() != nil && status != http.StatusGatewayTimeout {
		status = http.StatusServiceUnavailable // nobody is listening; but nobody may keep it
	}
	h.fault(kindOf(err))
	exchangeOf(w).failed(req, status, err)
	header := w.Header()
	if wait := retryAfterOf(err, status); wait != "" {
		header.Set("Retry-After", wait)
	}
	header.Set("Cache-Control", "no-store")
	if errors.Is(err, errVerification) {
		status = cmp.Or(int(h.config.AuthStatus), status)
		h.challenge(header, status)
	}
	switch status {
	case http.StatusBadRequest:
		http.Error(w, "400 bad request: "+whyBad(err), status)
		return
	case http.StatusTooManyRequests: // a flood is to cost nothing
		http.Error(w, "429 too many requests", status)
		return
	}
	if h.config.ErrorStatus != 0 && ofSource(err, status) {
		status = int(h.config.ErrorStatus)
	}
	o := req.options
	body, mediaType := h.fallback.picture(r.Context(), resize.Options{Width: o.Width, Height: o.Height, Fit: o.Fit, Format: o.Format})
	if body == nil {
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

// ofSource reports whether an error is a fault of the picture or its source, for
// which the original had one status.
func ofSource(err error, status int) bool {
	for _, ours := range []error{errVerification, errGone, errLegal, resize.ErrBusy} {
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
	return errName.Error()
}

// faultLevel is higher for what an operator can do something about.
func faultLevel(status int, err error) slog.Level {
	switch {
	case status >= http.StatusInternalServerError:
		return slog.LevelError
	case status == http.StatusTooManyRequests || status == http.StatusGone || status == http.StatusUnavailableForLegalReasons:
		return slog.LevelDebug
	case status > http.StatusNotFound, errors.Is(err, fs.ErrPermission):
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// A fallback is the error image of a handler, in the sizes that were asked for.
type fallback struct {
	source  []byte // nil: there is none
	resizer *resize.Resizer
	results *otter.Cache[resize.Options, *resize.Result]
	log     *slog.Logger
}

const (
	fallbackBytes  = 8 << 20   // of results, per handler
	fallbackMemory = 200 << 20 // of all that are being made
	fallbackWait   = time.Second
	plainSide      = 512 // of the error image when nothing is asked for
)

// newFallback loads and tries the error image. A server without one answers
// with an empty body; that it is missing or broken is worth a line in the log.
//
// It is made under a budget of its own: errors must not wait for pictures, nor
// take their memory.
func newFallback(c *Config, h *HandlerConfig, resizer *resize.Resizer, budget *resize.Budget, log *slog.Logger) *fallback {
	f := &fallback{resizer: &resize.Resizer{Budget: budget, Limits: resizer.Limits, Quality: resizer.Quality}, log: log}
	if h.ErrorImage == "" {
		return f
	}
	source, err := c.readFile(h.ErrorImage)
	if err != nil {
		log.Warn("error_image is not readable: errors have an empty body", "error", err)
		return f
	}
	if _, err := f.render(context.Background(), source, resize.Options{Width: plainSide, Format: resize.JPEG}); err != nil {
		log.Warn("error_image is not usable: errors have an empty body", "error_image", h.ErrorImage, "error", err)
		return f
	}
	f.source = source
	f.results = otter.Must(&otter.Options[resize.Options, *resize.Result]{
		MaximumWeight: fallbackBytes,
		Weigher:       func(_ resize.Options, r *resize.Result) uint32 { return uint32(len(r.Body)) + 128 },
	})
	return f
}

// picture returns the error image as the options want it, nil if there is none
// or it cannot be made.
func (f *fallback) picture(ctx context.Context, o resize.Options) (body []byte, mediaType string) {
	if f.source == nil {
		return nil, ""
	}
	result, err := f.results.Get(ctx, o, otter.LoaderFunc[resize.Options, *resize.Result](func(ctx context.Context, o resize.Options) (*resize.Result, error) {
		return f.render(context.WithoutCancel(ctx), f.source, o)
	}))
	if err != nil {
		f.log.Warn("error_image not sent", "options", o.String(), "error", err)
		return nil, ""
	}
	return result.Body, result.Format.MediaType()
}

func (f *fallback) render(ctx context.Context, source []byte, o resize.Options) (*resize.Result, error) {
	o.Format = cmp.Or(o.Format, resize.JPEG)
	return f.resizer.Resize(ctx, resize.Source{Body: bytes.NewReader(source), Size: int64(len(source))}, o)
}
