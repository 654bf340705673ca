package origin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"code.dny.dev/ssrf"

	"s3imageserver/storage"
)

// ETags as [storage.Info] has them: weak ones are told from strong ones, and a
// server that sends none, but a date, gets one made of it.
const (
	weakPrefix = "W/"
	datePrefix = "date-"
)

// object makes an answer an object.
func (b *Bucket) object(ctx context.Context, resp *http.Response, body io.ReadCloser) (*storage.Object, error) {
	if err := statusError(resp); err != nil {
		return nil, err
	}
	info := storage.Info{Size: resp.ContentLength, ETag: etagOf(resp.Header)}
	if t, err := http.ParseTime(resp.Header.Get("Last-Modified")); err == nil {
		info.ModTime = t
	}
	if info.ETag == "" && !info.ModTime.IsZero() {
		info.ETag = datePrefix + strconv.FormatInt(info.ModTime.Unix(), 36)
	}
	// It is not asked for, but stored so by some.
	coding := storage.Coding(resp.Header.Get("Content-Encoding"))
	if info.Size >= 0 {
		return b.measurer.Decoded(ctx, storage.NewObject(info, body), coding)
	}
	// Chunks and HTTP/2 frames say where the body ends, but not before.
	if resp.ProtoMajor < 2 && !slices.Contains(resp.TransferEncoding, "chunked") {
		return nil, fmt.Errorf("origin: %w: the server does not say its length", storage.ErrIncomplete)
	}
	return b.measurer.Object(ctx, info, body, coding)
}

// etagOf returns the ETag of an answer as [storage.Info] has it.
func etagOf(h http.Header) string {
	tag := h.Get("ETag")
	bare, weak := strings.CutPrefix(tag, "W/")
	if len(bare) < 3 || bare[0] != '"' || bare[len(bare)-1] != '"' || len(bare) > 256 {
		return ""
	}
	if bare = bare[1 : len(bare)-1]; strings.ContainsAny(bare, "\" \t\\") {
		return ""
	}
	if weak {
		return weakPrefix + bare
	}
	return bare
}

// statusError returns what an answer's status says, nil for 200.
func statusError(resp *http.Response) error {
	var kind error
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusNotModified:
		return fmt.Errorf("origin: %w", storage.ErrNotModified)
	case http.StatusNotFound, http.StatusGone, http.StatusUnavailableForLegalReasons:
		kind = fs.ErrNotExist
	case http.StatusUnauthorized, http.StatusForbidden:
		kind = fs.ErrPermission
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		kind = storage.ErrOverloaded
	case http.StatusRequestTimeout:
		kind = storage.ErrUnavailable
	default:
		// Any other answer but a fault of the server's own is what it says to that
		// one name, which anybody may ask for: no trouble.
		kind = storage.ErrRefused
		if resp.StatusCode >= http.StatusInternalServerError {
			kind = storage.ErrUnavailable
		}
	}
	return fmt.Errorf("origin: %w: status %d", kind, resp.StatusCode)
}

// classify makes an error of the client one of [storage.Bucket]'s. Where a
// redirect or a name leads is the matter of that one picture, not a fault of
// the server that all others need.
func (b *Bucket) classify(ctx context.Context, err error) error {
	if ctxErr := ctx.Err(); ctxErr != nil {
		return fmt.Errorf("origin: %w", ctxErr)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the URL, which may hold what is not for logs
	}
	var timeout net.Error
	var unknown *net.DNSError
	switch {
	case b.base == nil && errors.As(err, &unknown) && unknown.IsNotFound:
		return fmt.Errorf("origin: %w: %w", fs.ErrNotExist, err)
	case errors.Is(err, errRedirect), errors.Is(err, ssrf.ErrProhibitedIP) && (b.base == nil || len(b.config.Hosts) > 0):
		return fmt.Errorf("origin: %w: %w", fs.ErrPermission, err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("origin: %w: %w: %w", storage.ErrUnavailable, os.ErrDeadlineExceeded, err)
	}
	return fmt.Errorf("origin: %w: %w", storage.ErrUnavailable, err)
}
