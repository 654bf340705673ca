package server

import (
	"net/http"
	"strconv"
	"sync/atomic"

	"s3imageserver/server/listen"
	"s3imageserver/storage/cache"
)

// A readyHeader is what every answer with an entry says, made once for as long as
// the entry is in memory. Answers share its slices and change nothing in them.
type readyHeader struct {
	// The values of Content-Type, ETag, Content-Length and Last-Modified, which is empty
	// if the source has no time: one allocation for all of them.
	mediaType, etag, length, modified [1]string
	// inline is the Content-Disposition of requests that name no file: all of an
	// entry are for pictures of one name. Nil until the first of them.
	inline atomic.Pointer[[1]string]
}

// makeReady returns the *readyHeader of an entry; see [cache.Config].
func makeReady(e *cache.Entry) any {
	ready := &readyHeader{
		mediaType: [1]string{e.MediaType},
		etag:      [1]string{`"` + e.ETag + `"`},
		length:    [1]string{strconv.Itoa(len(e.Body))},
	}
	if t := e.SourceModTime; !t.IsZero() && t.Unix() != 0 { // as http.ServeContent has it
		ready.modified = [1]string{t.UTC().Format(http.TimeFormat)}
	}
	return ready
}

// readyOf returns the header of an entry that a Cache returned.
func readyOf(e *cache.Entry) *readyHeader {
	if ready, ok := e.Ready.(*readyHeader); ok {
		return ready
	}
	return makeReady(e).(*readyHeader)
}

// disposition returns the value of Content-Disposition for a request.
func (h *readyHeader) disposition(req *request, mediaType string) []string {
	if req.delivery.Download != "" {
		return []string{contentDisposition(*req, mediaType)}
	}
	d := h.inline.Load()
	if d == nil {
		d = &[1]string{contentDisposition(*req, mediaType)}
		h.inline.Store(d)
	}
	return d[:]
}

var acceptRanges = []string{"bytes"}

// sendWhole sends the whole of an entry if that is all that is asked for, and
// reports whether it did. It says what http.ServeContent would.
func (h *readyHeader) sendWhole(w http.ResponseWriter, r *http.Request, body []byte) bool {
	if r.Method != http.MethodGet || r.Header["Range"] != nil || r.Header["If-None-Match"] != nil || r.Header["If-Modified-Since"] != nil ||
		r.Header["If-Match"] != nil || r.Header["If-Unmodified-Since"] != nil {
		return false
	}
	header := w.Header()
	if h.modified[0] != "" {
		header["Last-Modified"] = h.modified[:]
	}
	header["Accept-Ranges"] = acceptRanges
	header["Content-Length"] = h.length[:]
	if len(body) <= progressBytes {
		if held := listen.Hold(r.Context(), progressTime); held != nil {
			defer held.Release()
			_, _ = w.Write(body) // the client may have left
			return true
		}
	}
	_, _ = newProgressWriter(w).Write(body) // as above
	return true
}
