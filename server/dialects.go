package server

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/dialect"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
)

// rootPrefix is the prefix of a handler that answers all of the site that no
// other handler does.
const rootPrefix = "/"

// A foreign is what the URL of another server asks for.
type foreign struct {
	*dialect.Request
	// sent is path and query as they were sent, without what a signature of our
	// own needs: that is what such a signature is of.
	sent string
}

// sentText returns what a signature of a dialect's URL is of: the path behind
// the prefix and the query, nothing decoded, without the parameters of signatures.
// That of tokens, which has a proof of its own elsewhere, is an option of some
// dialects: it is signed.
func sentText(path, query string) string {
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		switch name, _, _ := strings.Cut(part, "="); name {
		case signatureParam, expiryParam, "":
		default:
			kept = append(kept, part)
		}
	}
	return strings.TrimPrefix(path, "/") + "?" + strings.Join(kept, "&")
}

// canonical returns what a signature of a request is of. Of a dialect's URL that
// is all of it, since any part of it may say what is made.
func (r *request) canonical(prefix string) []byte {
	if r.foreign == nil {
		return CanonicalURL(prefix, r.name, r.query)
	}
	return foreignCanonical(prefix, r.foreign.sent, r.query)
}

func foreignCanonical(prefix, sent string, query url.Values) []byte {
	end := url.Values{}
	if query.Has(expiryParam) {
		end.Set(expiryParam, query.Get(expiryParam))
	}
	return CanonicalURL(prefix, sent, end)
}

// signForeign is SignURL for a handler with a dialect. What is there stays as it
// is written.
func (h *HandlerConfig) signForeign(u *url.URL, key *SigningKey, expires time.Time) (string, error) {
	d, err := h.newDialect()
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	if d.Signed() {
		return "", fmt.Errorf("sign: URLs of handler %q have signatures of %s, made with its own libraries", h.Prefix, d.Name())
	}
	path := strings.TrimPrefix(u.EscapedPath(), h.route())
	sent := sentText(path, u.RawQuery)
	_, query, _ := strings.Cut(sent, "?")
	end := url.Values{}
	switch given := resize.ParseQuery(u.RawQuery); {
	case !expires.IsZero():
		end.Set(expiryParam, strconv.FormatInt(expires.Unix(), 10))
	case given.Has(expiryParam):
		end.Set(expiryParam, given.Get(expiryParam))
	case h.Auth.HMAC.RequireExp:
		return "", errors.New("sign: the configuration requires an end: say -exp")
	}
	text := foreignCanonical(h.Prefix, sent, end)
	end.Set(signatureParam, base64.RawURLEncoding.EncodeToString(sum([]byte(key.Secret), text)))
	if query != "" {
		query += "&"
	}
	u.RawQuery = query + end.Encode()
	return u.String(), nil
}

// route returns what the paths of the handler begin with.
func (h *HandlerConfig) route() string {
	if h.Prefix == rootPrefix {
		return rootPrefix
	}
	return "/" + h.Prefix + "/"
}

// validateDialect checks the keys of the dialect.
func (h *HandlerConfig) validateDialect(key string, faults *faults) {
	if h.Dialect == nil {
		return
	}
	if _, err := h.newDialect(); err != nil {
		faults.add(key+".dialect", "%v", err)
	}
}

// newDialect returns the dialect that the handler speaks, with the handler's
// limits.
func (h *HandlerConfig) newDialect() (*dialect.Dialect, error) {
	l := dialect.Limits{
		Dimension: h.MaxDimension, Side: h.Limits.OutputSide, Pixels: h.Limits.OutputPixels, Lossless: cmp.Or(h.Limits.LosslessPixels, defaultLosslessPixels),
		Formats: formatsOf(h.OutputFormats), Auto: resize.FormatByName(h.OutputFormat) == resize.Auto,
	}
	if l.Side == 0 {
		l.Side = largestDimension
	}
	if l.Pixels == 0 {
		l.Pixels = defaultOutputPixels
	}
	if len(h.AllowedOptions) > 0 {
		l.Allowed = h.AllowedOptions
	}
	if e := (SourceEntry{SourceConfig: h.Source}); e.kind() == kindOrigin && h.Source.URL == "" {
		// The first segment of a name is the host, and the source asks no other.
		l.Reach = func(u *url.URL) (string, bool) {
			return u.Host + u.Path, u.RawQuery == "" && hostIn(u.Hostname(), h.Source.Hosts)
		}
	}
	return dialect.New(*h.Dialect, l)
}

// foreignKey returns what tells the bounds on what a dialect's URLs are settled
// to: their keys in the cache have what the URLs say, whatever the bounds.
func (h *HandlerConfig) foreignKey() string {
	return digest(h.MaxDimension, h.Limits.OutputSide, h.Limits.OutputPixels, h.Limits.LosslessPixels, h.OutputFormats, h.OutputFormat, h.Snap, h.SnapSizes, h.AllowedSizes)
}

// These are the defaults of resize.Limits.
const (
	defaultOutputPixels   = 40e6
	defaultLosslessPixels = 2.5e6
)

// parseForeign is parse of a handler with a dialect.
func (h *Handler) parseForeign(r *http.Request) (request, error) {
	req := request{query: resize.ParseQuery(r.URL.RawQuery), delivery: delivery{maxAge: -1}}
	call := dialect.Call{Path: strings.TrimPrefix(rawPath(r), h.config.route()), Query: r.URL.RawQuery, Accept: r.Header.Values("Accept"), Now: time.Now()}
	call.Path = "/" + call.Path
	if rest, ok := withoutExplain(call.Query); ok && (h.admin.authorized(r) || byOperator(r)) {
		h.explained(&req, r)
		call.Query = rest
	}
	if h.config.ClientHints {
		call.Width, call.DPR = foreignHints(r.Header)
	}
	parsed, err := h.dialect.Parse(call)
	if err != nil {
		return req, foreignError(err)
	}
	req.foreign = &foreign{parsed, sentText(call.Path, call.Query)}
	req.name = parsed.Source.Name
	req.options = parsed.Options()
	req.negotiated = parsed.Delivery.Vary
	req.delivery.maxAge = int64(parsed.Delivery.MaxAge)
	if !storage.ValidName(req.name) {
		return req, foreignError(h.dialect.Fault(dialect.BadURL))
	}
	if !h.allowed(req.name) {
		return req, foreignError(h.dialect.Fault(dialect.NotAllowed))
	}
	mark := req.options.Watermark
	h.overlays.known(&req.options, func(resize.Note) {})
	if parsed.Overlay.Source.Name != "" { // has no name in the configuration
		req.options.Watermark = mark
	}
	req.step("URL")
	return req, nil
}

// withoutExplain returns a query as it was sent without the parameter that asks
// for an explanation, and whether it had that.
func withoutExplain(query string) (rest string, ok bool) {
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(part, "="); name == explainParam {
			ok = true
			continue
		}
		kept = append(kept, part)
	}
	return strings.Join(kept, "&"), ok
}

// An explainedDialect says how the URL of another server was understood.
type explainedDialect struct {
	Name   string `json:"name"`
	Source string `json:"source"` // as the URL names it; the name of the object is beside it
	// Kind is "image", or what of it is asked for: "info" or "base".
	Kind string `json:"kind"`
	Key  string `json:"key"` // what is the same of all URLs that mean the same
	// Query are parameters of our own that do the same for this picture.
	Query     string `json:"query,omitempty"`
	File      bool   `json:"file,omitempty"` // the answer is the source as it is
	Canonical string `json:"canonical,omitempty"`
}

// explainForeign says how a dialect's URL was understood, and takes the settled
// options into the request. What is wrong with them, making the picture says.
func (h *Handler) explainForeign(ctx context.Context, req *request) *explainedDialect {
	e := &explainedDialect{Name: h.dialect.Name(), Source: req.foreign.Source.Text, Kind: req.foreign.Kind.String(), Key: req.foreign.Key()}
	p, err := h.foreignPicture(ctx, *req)
	if err != nil || req.foreign.Kind != dialect.Image {
		return e
	}
	s, err := h.dialect.Settle(req.foreign.Request, p)
	if err != nil {
		return e
	}
	e.Query, e.File, e.Canonical = s.Query, s.Source, s.Canonical
	if o, err := h.settleForeign(req, resize.Header{Width: p.Width, Height: p.Height, Format: p.Format}); err == nil {
		req.options = o
		req.step("dialect")
	}
	return e
}

// mostForeignMarks is how many watermarks are kept that URLs name.
const mostForeignMarks = 16

// prepareForeign gives a request the watermark that its URL names: an object of
// the handler, as its pictures are.
func (h *Handler) prepareForeign(ctx context.Context, req *request) error {
	if req.foreign == nil || req.foreign.Overlay.Source.Name == "" {
		return nil
	}
	if p := req.grant.policy; p != nil && p.WM != "" {
		return nil // that of the token is on the picture, and nothing over it
	}
	name := req.foreign.Overlay.Source.Name
	if !storage.ValidName(name) || !h.allowed(name) {
		return foreignError(h.dialect.Fault(dialect.NoOverlay))
	}
	// Who may not see a picture may not see it over another one either.
	if p := req.grant.policy; p != nil {
		if err := p.allowsName(name); err != nil {
			return err
		}
	}
	if err := h.bounds.refuse(name, h.log); err != nil && !req.grant.operator {
		return err
	}
	m, ok := h.foreignMarks.GetIfPresent(name)
	if !ok {
		m = &mark{name: name, bucket: h.bucket, busy: make(chan struct{}, 1), log: h.log.With("watermark", name)}
		m, _ = h.foreignMarks.SetIfAbsent(name, m)
	}
	w, err := m.get(ctx)
	switch {
	case err != nil && !errors.Is(err, errWatermark):
		return err // the store's trouble, or the client has left
	case err != nil:
		return foreignError(h.dialect.Fault(dialect.NoOverlay))
	}
	req.watermark = w
	return nil
}

// rawPath returns the path as it was sent, which signatures are over.
func rawPath(r *http.Request) string {
	raw, _, _ := strings.Cut(r.RequestURI, "?")
	if path, err := url.PathUnescape(raw); err == nil && path == r.URL.Path {
		return raw
	}
	return r.URL.EscapedPath()
}

// foreignHints reads the hints that other servers obey.
func foreignHints(header http.Header) (width int, dpr float64) {
	for _, name := range []string{"Sec-CH-Width", "Width"} {
		if n, err := strconv.Atoi(header.Get(name)); err == nil && n > 0 && n <= 1<<16 {
			width = n
		}
	}
	for _, name := range []string{"Sec-CH-DPR", "DPR"} {
		if f, err := strconv.ParseFloat(header.Get(name), 64); err == nil && f > 0 && f <= 16 {
			dpr = f
		}
	}
	return width, dpr
}

// foreignError wraps a fault of a dialect together with the error of our own
// that it is like.
func foreignError(err error) error {
	var f *dialect.Fault
	if !errors.As(err, &f) {
		return err
	}
	ours := errOption
	switch f.Cause {
	case dialect.NotPicture, dialect.NotRead:
		return err // it wraps what it is
	case dialect.BadSignature, dialect.Expired:
		ours = errVerification
	case dialect.BadURL, dialect.Loop:
		ours = errName
	case dialect.NotAllowed:
		ours = errExtension
	case dialect.NoSource:
		ours = fs.ErrNotExist
	}
	return fmt.Errorf("%w: %w", ours, err)
}

// errOfSource is the error of a request whose answer is the file itself.
var errOfSource = errors.New("the answer is the source")

// resizeForeign makes the picture that a dialect's URL asks for, once the header
// of the source is read.
func (h *Handler) resizeForeign(ctx context.Context, req request, source *storage.Object) (*cache.Entry, error) {
	began := time.Now()
	resizer := *h.resizer
	resizer.Watermark = req.watermark.overlay
	body := &recorded{r: source.Body}
	result, err := resizer.Resize(ctx, resize.Source{Body: body, Size: source.Size, Keep: h.keepOriginal(ctx, req, source), Settle: func(head resize.Header) (resize.Options, error) {
		head.Animated = head.Animated || head.Format == resize.PNG && animatedPNG(body.head)
		o, err := h.settleForeign(&req, head)
		if err == nil {
			body.stop()
		}
		return o, err
	}}, req.options)
	h.parts.made.Add(1)
	if errors.Is(err, errOfSource) {
		return sourceEntry(body, source.Size)
	}
	if errors.Is(err, resize.ErrUnsupported) && !isPicture(body.head) {
		return nil, foreignError(fmt.Errorf("%w: %w", err, h.dialect.Fault(dialect.NotPicture)))
	}
	if err != nil {
		return nil, err
	}
	entry := cache.NewEntry(result.Body, result.Format.MediaType())
	entry.Unkept = result.Damaged
	entry.Timing = workTiming(result.Timing)
	h.meters.made(result.Timing, source.Size)
	stageSpans(ctx, began, result.Timing)
	return entry, nil
}

// settleForeign returns the options for a picture.
func (h *Handler) settleForeign(req *request, head resize.Header) (resize.Options, error) {
	s, err := h.dialect.Settle(req.foreign.Request, pictureOf(head))
	if err != nil {
		return resize.Options{}, foreignError(err)
	}
	p := req.grant.policy
	if s.Source {
		if p != nil && (p.MaxW > 0 || p.MaxH > 0 || p.WM != "") {
			return resize.Options{}, fmt.Errorf("%w: the token is for pictures of a size or with a mark, not for the file", errVerification)
		}
		return resize.Options{}, errOfSource
	}
	o := s.Options
	o.Watermark, o.Text = req.options.Watermark, req.options.Text
	if p != nil {
		if o, err = p.narrow(h, o); err != nil {
			return resize.Options{}, err
		}
	}
	if h.bounds.config.Snap && h.dialect.Name() != "iiif" { // its tiles are exact
		o = o.Snap(h.bounds.config.SnapSizes, h.config.MaxDimension)
	}
	if h.bounds.sizes != nil && !h.bounds.lists(o) {
		return resize.Options{}, foreignError(h.dialect.Fault(dialect.BadOption))
	}
	return o, nil
}

func pictureOf(h resize.Header) dialect.Picture {
	return dialect.Picture{Width: h.Width, Height: h.Height, Turned: h.Turned, Format: h.Format, Animated: h.Animated, Alpha: h.Alpha, Trimmed: h.Trimmed}
}

// animatedPNG reports whether the first bytes of a PNG announce more frames: a
// chunk acTL before the pixels (PNG, third edition, section 11.3.6.1).
func animatedPNG(head []byte) bool {
	before, _, _ := bytes.Cut(head, []byte("IDAT"))
	return bytes.Contains(before, []byte("acTL"))
}

// isPicture reports whether a file is one of a picture, although it is not read
// here.
func isPicture(head []byte) bool {
	_, err := resize.Sniff(head)
	return err == nil || bytes.Contains(head[:min(len(head), 1024)], []byte("<svg"))
}

// A recorded remembers what has been read of a source until it is known that
// the picture is made of it.
type recorded struct {
	r       io.Reader
	head    []byte
	stopped bool
}

func (r *recorded) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if !r.stopped {
		r.head = append(r.head, b[:n]...)
	}
	return n, err
}

func (r *recorded) stop() { r.stopped, r.head = true, nil }

// sourceEntry is the file of a source as it is. Its size has been checked
// against max_source_bytes.
func sourceEntry(body *recorded, size int64) (*cache.Entry, error) {
	file := make([]byte, size)
	n := copy(file, body.head)
	if _, err := io.ReadFull(body.r, file[n:]); err != nil {
		return nil, err
	}
	f, err := resize.Sniff(file)
	if err != nil {
		return nil, err
	}
	return cache.NewEntry(file, f.MediaType()), nil
}

// causeOf returns the cause by which a dialect knows an error.
func causeOf(err error) (dialect.Cause, bool) {
	for _, c := range foreignCauses {
		if errors.Is(err, c.err) {
			return c.cause, true
		}
	}
	return 0, false
}

// foreignCauses are tried in order: the more particular errors come first.
var foreignCauses = []struct {
	err   error
	cause dialect.Cause
}{
	{errVerification, dialect.BadSignature},
	{errExtension, dialect.NotAllowed},
	{errName, dialect.BadURL},
	{errOption, dialect.BadOption},
	{fs.ErrInvalid, dialect.BadURL},
	{fs.ErrNotExist, dialect.NoSource},
	{fs.ErrPermission, dialect.NoSource},
	{resize.ErrUnsupported, dialect.NotRead},
	{resize.ErrNotPicture, dialect.NotPicture},
	{resize.ErrLimit, dialect.TooLarge},
	{resize.ErrMalformed, dialect.NotPicture},
	{storage.ErrTooLarge, dialect.TooLarge},
	{os.ErrDeadlineExceeded, dialect.Slow},
	{context.DeadlineExceeded, dialect.Slow},
	{storage.ErrOverloaded, dialect.Down},
	{storage.ErrUnavailable, dialect.Down},
	{storage.ErrIncomplete, dialect.Down},
	{storage.ErrDamaged, dialect.Down},
}

// failForeign is fail in the words of the dialect. What it has no words for, as
// a busy server, is answered as everywhere.
func (h *Handler) failForeign(w http.ResponseWriter, r *http.Request, req request, err error) {
	status := statusOf(err)
	var fault *dialect.Fault
	if !errors.As(err, &fault) {
		if cause, ok := causeOf(err); ok {
			fault = h.dialect.Fault(cause)
		}
	}
	answer := dialect.Answer{Status: status, Header: http.Header{}}
	if fault != nil {
		answer = h.dialect.Answer(fault)
	}
	if r.Context().Err() != nil && status != http.StatusGatewayTimeout {
		answer.Status = http.StatusServiceUnavailable // nobody is listening; but nobody may keep it
	}
	header := w.Header()
	if fault := (*dialect.Fault)(nil); errors.Is(err, errVerification) && !errors.As(err, &fault) { // by the auth of the handler
		answer.Status = cmp.Or(int(h.config.AuthStatus), answer.Status)
		h.challenge(header, answer.Status)
	}
	h.fault(kindOf(err))
	exchangeOf(w).failed(req, answer.Status, err)
	for name, values := range answer.Header {
		header[name] = values
	}
	if wait := retryAfterOf(err, answer.Status); wait != "" {
		header.Set("Retry-After", wait)
	}
	header.Set("Cache-Control", "no-store")
	if age := h.errorAge(&req, status, err); age > 0 {
		header.Set("Cache-Control", scopeOf(&req)+", max-age="+strconv.FormatInt(age, 10))
	}
	for _, name := range h.vary(req) {
		header.Add("Vary", name)
	}
	header.Set("Content-Length", strconv.Itoa(len(answer.Body)))
	w.WriteHeader(answer.Status)
	if r.Method != http.MethodHead {
		_, _ = newProgressWriter(w).Write(answer.Body) // the client may have left
	}
}

// foreignHeader sets what the dialect says of a picture.
func (h *Handler) foreignHeader(header http.Header, r *http.Request, req *request, e *cache.Entry) {
	d := req.foreign.Delivery
	if d.Disposition != "" {
		f := resize.FormatByMediaType(e.MediaType)
		name := safeFileName(d.FileNameOf(f))
		if d.Disposition == "attachment" {
			put(header, "Content-Disposition", d.Disposition)
		}
		// Without a name, inline has that of the source already.
		if v := mime.FormatMediaType(d.Disposition, map[string]string{"filename": name}); name != "" && v != "" {
			put(header, "Content-Disposition", v)
		}
	}
	if e.Unkept || e.Derived {
		// It says no-store already, or that it is better than nothing.
	} else if d.Cache != "" && !req.grant.private && *h.config.CacheTime >= 0 {
		put(header, "Cache-Control", d.Cache)
	} else if h.dialect.Name() == "nextjs" {
		put(header, "Cache-Control", header.Get("Cache-Control")+", must-revalidate")
	}
	if h.dialect.Name() == "iiif" {
		h.iiifHeader(header, r, req)
	}
}

// foreignPreflight answers OPTIONS where the dialect wants pictures to be read
// by scripts of all sites, and says so in every answer.
func (h *Handler) foreignPreflight(w http.ResponseWriter, r *http.Request) bool {
	if h.dialect == nil || h.dialect.Name() != "iiif" || h.manners.cors {
		return false
	}
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	if r.Method != http.MethodOptions {
		return false
	}
	header.Set("Allow", "GET, HEAD, OPTIONS")
	header.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	header.Set("Access-Control-Allow-Headers", "Authorization, If-None-Match, If-Modified-Since, Range")
	header.Set("Access-Control-Max-Age", preflightAge)
	w.WriteHeader(http.StatusNoContent)
	return true
}
