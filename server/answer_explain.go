package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/config"
	"s3imageserver/storage/cache"
)

// An explanation is the answer to explain=1: how a URL was parsed, and how it was
// answered.
type explanation struct {
	Handler string `json:"handler"` // its prefix
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`

	// Dialect is nil where URLs are our own.
	Dialect *explainedDialect `json:"dialect,omitempty"`

	Access  explainedAccess   `json:"access"`
	Options []explainedOption `json:"options"`
	Ignored []explainedOption `json:"ignored,omitempty"`
	Format  explainedFormat   `json:"format"`
	Cache   *explainedCache   `json:"cache,omitempty"`
	Source  *explainedPicture `json:"source,omitempty"`
	Result  *explainedPicture `json:"result,omitempty"`
	Error   *explainedError   `json:"error,omitempty"`

	// Milliseconds is the time for each stage; "total" for all of them.
	Milliseconds map[string]float64 `json:"milliseconds,omitempty"`
}

type explainedAccess struct {
	Allowed bool       `json:"allowed"`
	By      string     `json:"by,omitempty"`
	Reason  string     `json:"reason,omitempty"` // why not
	Expires *time.Time `json:"expires,omitempty"`
	// Signature is nil where URLs are not signed.
	Signature *explainedSignature `json:"signature,omitempty"`
}

// An explainedSignature says whether the signature of a URL is valid, independent of other
// authentication.
type explainedSignature struct {
	Right     bool       `json:"right"`
	By        string     `json:"by,omitempty"`
	Reason    string     `json:"reason,omitempty"` // why it is not right
	Expires   *time.Time `json:"expires,omitempty"`
	Canonical string     `json:"canonical"` // what has to be signed: CanonicalURL
}

// explainSignature verifies the signature of a request; nil if its handler has no
// signatures. It does so even if the request was authorized otherwise: as an operator's,
// or by a token.
func (h *reader) explainSignature(req *request) *explainedSignature {
	if h.config.Auth == nil || h.config.Auth.HMAC == nil {
		return nil
	}
	e := &explainedSignature{Canonical: string(req.Canonical(h.config.Prefix))}
	g, err := access.NewSignatures(h.config.Prefix, h.config.Auth.HMAC).Authorize(nil, req)
	if err != nil {
		e.Reason = err.Error()
		return e
	}
	e.Right, e.By = true, g.By
	if !g.Expires.IsZero() {
		e.Expires = &g.Expires
	}
	return e
}

// An explainedOption is one parameter: From says where its value comes from,
// Given what it was before that.
type explainedOption struct {
	Name    string `json:"name"`
	Value   string `json:"value,omitempty"`
	From    string `json:"from,omitempty"`
	Given   string `json:"given,omitempty"`
	Verdict string `json:"verdict,omitempty"`
}

type explainedFormat struct {
	Chosen    string `json:"chosen"`
	Why       string `json:"why"`
	MediaType string `json:"media_type,omitempty"` // of the result
}

type explainedCache struct {
	Status       string  `json:"status"`
	Hit          bool    `json:"hit"`
	AgeSeconds   float64 `json:"age_seconds"`
	CacheControl string  `json:"cache_control"`
}

type explainedPicture struct {
	Format   string     `json:"format,omitempty"`
	Width    int        `json:"width,omitempty"`
	Height   int        `json:"height,omitempty"`
	Bytes    int64      `json:"bytes,omitempty"`
	ETag     string     `json:"etag,omitempty"`
	Modified *time.Time `json:"modified,omitempty"`
}

type explainedError struct {
	Status int    `json:"status"`
	Kind   string `json:"kind"`
	Text   string `json:"text"`
}

// explain answers with JSON about a request; fault, if not nil, is why it would be
// refused. The picture is made, unless it is cached, as for a normal request.
func (h *Handler) explain(w http.ResponseWriter, r *http.Request, req request, fault error) {
	e := explanation{Handler: h.config.Prefix, Name: req.name, Version: req.delivery.Version}
	e.Access = explainedAccess{Allowed: fault == nil, By: req.grant.By, Signature: h.explainSignature(&req)}
	if end := req.grant.Expires; !end.IsZero() {
		e.Access.Expires = &end
	}
	if fault == nil {
		fault = h.explainPicture(r.Context(), &e, &req)
		if req.foreign != nil {
			e.Dialect = h.explainForeign(r.Context(), &req)
		}
	} else {
		e.Access.Reason = fault.Error()
	}
	if fault != nil {
		status := statusOf(fault)
		if e.Access.Reason != "" && errors.Is(fault, access.ErrVerification) {
			status = cmp.Or(int(h.config.AuthStatus), status)
		}
		e.Error = &explainedError{status, kindOf(fault), fault.Error()}
		if !req.trace.operator && status >= http.StatusInternalServerError {
			e.Error.Text = http.StatusText(status) // the error has addresses of stores in it
		}
	}
	e.Options, e.Ignored = h.explainOptions(&req, cmp.Or(resize.FormatByMediaType(e.Format.MediaType), req.options.Format))
	e.Format.Chosen, e.Format.Why = req.options.Format.String(), req.trace.whyFormat()
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, e)
}

// explainPicture makes the picture, and says what it is.
func (h *Handler) explainPicture(ctx context.Context, e *explanation, req *request) error {
	if d, entry, _, err := h.detailsOf(ctx, *req, "size", "format"); err == nil {
		e.Source = &explainedPicture{Format: d.Format, Width: d.Width, Height: d.Height, Bytes: d.Bytes, ETag: entry.SourceETag}
		if !entry.SourceModTime.IsZero() {
			e.Source.Modified = &entry.SourceModTime
		}
	}
	began := time.Now()
	asked := *req // which is changed below
	entry, status, err := h.picture(ctx, &asked)
	e.Milliseconds = map[string]float64{"total": float64(time.Since(began).Microseconds()) / 1000}
	if err != nil {
		return err
	}
	if !status.Hit() {
		maps.Copy(e.Milliseconds, parseTiming(entry.Timing))
	}
	e.Cache = &explainedCache{Status: status.String(), Hit: status.Hit(), AgeSeconds: max(0, entry.Age(time.Now()).Seconds()), CacheControl: h.cacheControl(req, entry, status)}
	if status == cache.Filled || status == cache.Derived {
		e.Cache.AgeSeconds = 0
	}
	e.Format.MediaType = entry.MediaType
	e.Result = &explainedPicture{Format: entry.MediaType, Bytes: int64(len(entry.Body)), ETag: entry.ETag}
	if d, err := (&resize.Resizer{}).Inspect(ctx, bytes.NewReader(entry.Body), int64(len(entry.Body)), []string{"size", "format"}); err == nil {
		e.Result.Width, e.Result.Height, e.Result.Format = d.Width, d.Height, d.Format
	}
	meta := *req // by what is kept with the result: it may have been made for somebody else, long ago
	if err := h.applyObjectRules(&meta, metaOf(entry.SourceNote)); err == nil {
		req.options = meta.options
		req.trace.passed("object", req.options)
	}
	return nil
}

// parseTiming reads the durations in a value of Server-Timing.
func parseTiming(text string) map[string]float64 {
	stages := map[string]float64{}
	for part := range strings.SplitSeq(text, ", ") {
		name, duration, ok := strings.Cut(part, ";dur=")
		if ms, err := strconv.ParseFloat(duration, 64); ok && err == nil {
			stages[name] = ms
		}
	}
	return stages
}

// explainOptions returns the parameters that change pixels with their final values, and
// the parameters of the URL that are ignored; result is the format of the picture.
func (h *reader) explainOptions(req *request, result resize.Format) (used, ignored []explainedOption) {
	read := map[string]explainedOption{}
	if t := req.trace.query; t != nil { // else the words are those of the dialect
		for _, n := range t.ignored {
			ignored = append(ignored, explainedOption{Name: n.Name, Given: n.Value, Verdict: n.Verdict.String()})
		}
		for name, n := range t.read {
			read[name] = explainedOption{n.Name, n.Used, t.layers.Origin(n.Name), n.Value, n.Verdict.String()}
		}
		for name, n := range t.unknown {
			o := read[name]
			o.Value, o.Verdict = "", n.Verdict.String()
			read[name] = o
		}
		for name, values := range req.query {
			if !config.KnownParam(name) {
				ignored = append(ignored, explainedOption{Name: name, Given: values[0], Verdict: resize.Unknown.String()})
			}
		}
	}
	slices.SortFunc(ignored, func(a, b explainedOption) int { return cmp.Compare(a.Name, b.Name) })
	before := map[string]string{}
	for i, s := range req.trace.options {
		now := optionsByName(s.options)
		for name := range union(before, now) {
			if i == 0 || now[name] == before[name] {
				continue
			}
			o := read[name]
			o.Name, o.Value, o.From, o.Given = name, now[name], s.stage, cmp.Or(before[name], o.Given)
			read[name] = o
		}
		before = now
	}
	for _, p := range resize.Params() {
		o, ok := read[p.Name]
		switch {
		case ok:
			used = append(used, o)
		case before[p.Name] != "": // by way of another parameter, as h by ar
			used = append(used, explainedOption{Name: p.Name, Value: before[p.Name], From: "other parameters"})
		case p.Name == "fit":
			used = append(used, explainedOption{Name: "fit", Value: "cover", From: "default"})
		case p.Name == "q" && h.config.Qualities()[result] != 0:
			used = append(used, explainedOption{Name: "q", Value: strconv.Itoa(h.config.Qualities()[result]), From: "quality"})
		case p.Name == "q" && config.DefaultQuality(result) != 0:
			used = append(used, explainedOption{Name: "q", Value: strconv.Itoa(config.DefaultQuality(result)), From: "default"})
		}
	}
	return used, ignored
}

// optionsByName returns the options as the parameters that say the same.
func optionsByName(o resize.Options) map[string]string {
	o.Format = resize.NoFormat // it is explained by itself
	byName := map[string]string{}
	for name, values := range resize.ParseQuery(o.String()) {
		byName[name] = values[0]
	}
	return byName
}

func union(a, b map[string]string) map[string]string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// whyFormat says why a format was chosen.
func (t *requestTrace) whyFormat() string {
	if t.query == nil {
		return "the dialect" // has its own rules, and formats of its own to fall back on
	}
	asked, given := t.query.read["f"]
	why := "f, from " + t.query.layers.Origin("f")
	switch {
	case !given:
		why = "output_format"
	case t.format.refused != resize.NoFormat:
		why = fmt.Sprintf("output_format: %s is not one of output_formats", t.format.refused)
	case asked.Verdict == resize.Unreadable:
		why = fmt.Sprintf("output_format: f is %q, which is no format", asked.Value)
	}
	if t.format.accept != nil {
		why += fmt.Sprintf(", and Accept: %q", strings.Join(t.format.accept, ", "))
	}
	return why
}
