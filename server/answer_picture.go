package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"s3imageserver/resize"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
	"s3imageserver/storage/guard"
)

// respond sends a picture: headers, then status, then body. Conditional
// requests, ranges and HEAD are the work of http.ServeContent; what most clients
// ask for, the whole, needs none of it.
func (h *Handler) respond(w http.ResponseWriter, r *http.Request, req request, e *cache.Entry, s cache.Status) {
	x := exchangeOf(w)
	x.picture(e.MediaType, s)
	header := w.Header()
	ready := readyOf(e)
	header["Content-Type"] = ready.mediaType[:]
	header["Content-Disposition"] = ready.disposition(&req, e.MediaType)
	h.setRequestHeader(header, &req)
	h.askHints(header)
	header["Etag"] = ready.etag[:]
	header["Cache-Control"] = x.one(h.cacheControl(&req, e, s))
	if req.foreign != nil {
		h.foreignHeader(header, r, &req, e)
	}
	h.setCacheHeader(header, &req, e, s)
	if ready.sendWhole(w, r, e.Body) {
		return
	}
	http.ServeContent(newProgressWriter(w), bytesRange(r), "", e.SourceModTime, newContent(e.Body))
}

// bytesRange returns r without a Range in another unit than bytes, which is ignored (RFC
// 9110, section 14.2). Names of units are case-insensitive.
func bytesRange(r *http.Request) *http.Request {
	const name, bytes = "Range", "bytes="
	ranges := r.Header.Get(name)
	if ranges == "" || strings.HasPrefix(ranges, bytes) {
		return r
	}
	r = r.Clone(r.Context())
	unit, set, _ := strings.Cut(ranges, "=")
	if strings.EqualFold(unit, "bytes") {
		r.Header.Set(name, bytes+set)
	} else {
		r.Header.Del(name)
	}
	return r
}

const (
	// progressBytes is what a client has to take within progressTime.
	progressBytes = 64 << 10
	progressTime  = 20 * time.Second
)

// A progressWriter sets a new write deadline for every part of the body: a slow client may
// take long for a large picture, one that stops reading is cut off.
type progressWriter struct {
	http.ResponseWriter
	control http.ResponseController
}

func newProgressWriter(w http.ResponseWriter) *progressWriter {
	return &progressWriter{w, *http.NewResponseController(w)}
}

// WriteHeader removes the headers of the picture from a response without any part of it
// (416).
func (p *progressWriter) WriteHeader(status int) {
	if status == http.StatusRequestedRangeNotSatisfiable {
		p.Header().Del("Age")
		p.Header().Set("Cache-Control", "no-store")
	}
	p.ResponseWriter.WriteHeader(status)
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

// ReadFrom writes what http.ServeContent copies: of a content, its bytes
// themselves, since a buffer for each answer costs more than all else.
func (p *progressWriter) ReadFrom(r io.Reader) (int64, error) {
	if part, ok := r.(*io.LimitedReader); ok {
		if c, ok := part.R.(*content); ok {
			n, err := p.Write(c.next(part.N))
			part.N -= int64(n)
			return int64(n), err
		}
	}
	return io.Copy(writerOnly{p}, r)
}

// writerOnly hides that a writer can read.
type writerOnly struct{ io.Writer }

// A content is a body to be served.
type content struct {
	bytes.Reader
	body []byte
}

func newContent(body []byte) *content {
	c := &content{body: body}
	c.Reset(body)
	return c
}

// next reads up to n bytes without copying them.
func (c *content) next(n int64) []byte {
	at := c.Size() - int64(c.Len())
	part := c.body[at : at+min(n, int64(c.Len()))]
	_, _ = c.Seek(int64(len(part)), io.SeekCurrent) // within the body
	return part
}

// Unwrap lets http.ResponseController find the writer below.
func (p *progressWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// setPictureHeader sets what every answer with a picture has, beside what all
// answers have.
func (a *answerer) setPictureHeader(header http.Header, req request, mediaType string) {
	setHeader(header, "Content-Type", mediaType)
	setHeader(header, "Content-Disposition", contentDisposition(req, mediaType))
	a.setRequestHeader(header, &req)
}

// setRequestHeader sets what depends on the request alone.
func (a *answerer) setRequestHeader(header http.Header, req *request) {
	for _, name := range a.vary(*req) {
		header.Add("Vary", name)
	}
	a.headers.link(header, req.name)
}

// setHeader is header.Set of a name that is written as [http.CanonicalHeaderKey] has it,
// which takes as long as all else that a header needs.
func setHeader(header http.Header, name, value string) { header[name] = []string{value} }

// Methods of an answer's Allow.
const (
	allowed     = "GET, HEAD"
	allowedCORS = "GET, HEAD, OPTIONS"
)

// refuseMethod answers methods that are not allowed (405).
func refuseMethod(w http.ResponseWriter, _ *http.Request) { refuse(w, allowed) }

// refuse answers a method that is none of those.
func refuse(w http.ResponseWriter, methods string) {
	w.Header().Set("Allow", methods)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusMethodNotAllowed)
}

const jsonType = "application/json"

// info answers with metadata of the source as JSON, cached like pictures.
func (h *Handler) info(w http.ResponseWriter, r *http.Request, req request) {
	entry, status, err := h.details(r.Context(), req)
	if err != nil {
		h.fail(w, r, req, err)
		return
	}
	h.respond(w, r, req, entry, status)
}

// details returns the JSON of the fields that the request asks for.
func (h *Handler) details(ctx context.Context, req request) (*cache.Entry, cache.Status, error) {
	fields := req.info
	if !h.config.InfoGPS {
		fields = slices.DeleteFunc(slices.Clone(fields), func(name string) bool { return name == "gps" })
	}
	req.key = cache.Key{
		Source:  h.sourceID(req.name),
		Variant: cache.Tuple("info", renderedFrom(req.delivery.Version), strings.Join(fields, ",")),
	}
	return h.cache.Do(guard.WithTime(ctx, h.config.FetchTime()), req.key, func(ctx context.Context, old *cache.Entry) (*cache.Entry, error) {
		return h.fill(ctx, req, old, func(ctx context.Context, source *storage.Object) (*cache.Entry, error) {
			d, err := h.resizer.Inspect(ctx, source.Body, source.Size, fields)
			h.reused.made.Add(1)
			if err != nil {
				return nil, err
			}
			body, err := json.Marshal(d)
			if err != nil {
				return nil, err
			}
			return cache.NewEntry(body, jsonType), nil
		})
	})
}

// detailsOf returns the details themselves.
func (h *Handler) detailsOf(ctx context.Context, req request, fields ...string) (d resize.Details, e *cache.Entry, s cache.Status, err error) {
	slices.Sort(fields)
	req.info = fields
	if e, s, err = h.details(ctx, req); err != nil {
		return d, nil, s, err
	}
	err = json.Unmarshal(e.Body, &d)
	return d, e, s, err
}
