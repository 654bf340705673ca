package server

import (
	"bytes"
	"net/http"
	"time"

	"s3imageserver/storage/cache"
)

// respond sends a picture: headers, then status, then body. Conditional
// requests, ranges and HEAD are the work of http.ServeContent.
func (h *Handler) respond(w http.ResponseWriter, r *http.Request, req request, e *cache.Entry, s cache.Status) {
	header := w.Header()
	setPictureHeader(header, req, e.MediaType, h.vary(req))
	h.askHints(header)
	header.Set("ETag", `"`+e.ETag+`"`)
	header.Set("Cache-Control", h.cacheControl(req.delivery, s))
	h.setCacheHeader(header, e, s)
	http.ServeContent(newProgressWriter(w), r, "", e.SourceModTime, bytes.NewReader(e.Body))
}

const (
	// progressBytes is what a client has to take within progressTime.
	progressBytes = 64 << 10
	progressTime  = 20 * time.Second
)

// A progressWriter gives the client a new deadline for every part of the body:
// a slow one may take its time for a large picture, one that stops is cut off.
type progressWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func newProgressWriter(w http.ResponseWriter) *progressWriter {
	return &progressWriter{w, http.NewResponseController(w)}
}

func (p *progressWriter) Write(b []byte) (n int, err error) {
	for {
		part := b[n:min(len(b), n+progressBytes)]
		// A writer without deadlines is one that waits for nobody.
		_ = p.control.SetWriteDeadline(time.Now().Add(progressTime))
		m, err := p.ResponseWriter.Write(part)
		n += m
		if err != nil || n == len(b) {
			return n, err
		}
	}
}

// Unwrap lets http.ResponseController find the writer below.
func (p *progressWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// setPictureHeader sets what every answer with a picture has: nobody is to
// take it for anything but a picture of that type.
func setPictureHeader(header http.Header, req request, mediaType string, vary []string) {
	header.Set("Content-Type", mediaType)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	header.Set("Content-Disposition", contentDisposition(req, mediaType))
	for _, name := range vary {
		header.Add("Vary", name)
	}
}

func refuseMethod(w http.ResponseWriter) {
	w.Header().Set("Allow", "GET, HEAD")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusMethodNotAllowed)
}
