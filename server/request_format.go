package server

import (
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/config"
	"s3imageserver/server/logging"
)

// chooseFormat sets the format of the result: that of the URL, else the handler's; f=auto
// is resolved by format negotiation.
func (h *reader) chooseFormat(req *request, r *http.Request) {
	f := req.options.Format
	if f != resize.NoFormat && !f.IsAuto() && !h.config.Writes(f) {
		req.trace.refusedFormat(f)
		f = resize.NoFormat
	}
	if f == resize.NoFormat {
		f = resize.FormatByName(h.config.OutputFormat)
	}
	if f == resize.Auto {
		accept := r.Header.Values("Accept")
		req.trace.negotiated(accept)
		f = h.negotiate(accept)
		req.negotiated = true
	}
	if f == resize.AutoAVIF && !h.config.Writes(resize.AVIF) {
		f = resize.AutoWebP
	}
	req.options.Format = f
}

// negotiate is the format negotiation of f=auto. It has three outcomes, so that few
// variants of a picture are cached: AVIF where it is among the output formats, WebP, and
// what everyone reads. Of formats with different weights the client's favourite counts
// (RFC 9110, section 12.5.1). A client that names formats and nothing else gets one of
// them.
func (h *reader) negotiate(accept []string) resize.Format {
	webp := weight(accept, resize.WebP.MediaType())
	avif := weight(accept, resize.AVIF.MediaType())
	switch {
	case avif > 0 && avif >= webp && h.config.Writes(resize.AVIF):
		return resize.AutoAVIF
	case webp > 0:
		return resize.AutoWebP
	case weight(accept, "*/*") > 0 || weight(accept, "image/*") > 0:
		return resize.AutoJPEG
	}
	var named []resize.Format
	for _, f := range []resize.Format{resize.JPEG, resize.PNG, resize.GIF, resize.TIFF, resize.BMP} {
		if h.config.Writes(f) && weight(accept, f.MediaType()) > 0 {
			named = append(named, f)
		}
	}
	if len(named) == 0 || len(named) > 1 && named[1] == resize.PNG {
		return resize.AutoJPEG // nobody is better served by an error; JPEG and PNG are what it chooses from
	}
	return named[0]
}

// weight returns the weight that Accept gives a media type, 0 if it is not
// named. Ranges like image/* do not count: clients send them that read none of
// the newer formats.
func weight(accept []string, mediaType string) float64 {
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			t, params, err := mime.ParseMediaType(part)
			if err != nil || t != mediaType {
				continue
			}
			text, ok := params["q"]
			if !ok {
				return 1
			}
			q, err := strconv.ParseFloat(text, 64)
			if err != nil || !(q > 0) {
				return 0
			}
			return min(q, 1)
		}
	}
	return 0
}

// askHints asks the client for the hints that are obeyed.
func (a *answerer) askHints(header http.Header) {
	if a.config.ClientHints {
		header.Set("Accept-CH", "Sec-CH-DPR, Sec-CH-Width")
	}
}

// vary lists the request headers that the response depends on (Vary).
func (a *answerer) vary(req request) []string {
	var names []string
	if req.negotiated {
		names = append(names, "Accept")
	}
	if a.config.ClientHints {
		names = append(names, clientHints...)
	}
	return append(names, req.grant.Vary...)
}

// clientHints are the hints that a handler may obey.
var clientHints = []string{"Sec-CH-DPR", "Sec-CH-Width", "Save-Data"}

// saveDataQuality is the highest quality for clients that send Save-Data.
const saveDataQuality = 50

// applyHints applies client hints, rounded so that few variants arise: the
// pixel ratio to quarters up to 3, the width up to the next 100. A ratio that
// the URL gives itself is not multiplied again.
func (h *reader) applyHints(req *request, r *http.Request) {
	if !h.config.ClientHints {
		return
	}
	o := &req.options
	if ratio, err := strconv.ParseFloat(r.Header.Get("Sec-CH-DPR"), 64); err == nil && ratio > 0 && ratio <= 16 && !req.parsed.dense {
		*o = o.Dense(max(1, min(3, float64(int(ratio*4+0.5))/4)), h.config.MaxDimension)
	}
	if width, err := strconv.Atoi(r.Header.Get("Sec-CH-Width")); err == nil && width > 0 && width <= 1<<16 && o.Width == 0 && o.Height == 0 {
		o.Width = min((width+99)/100*100, h.config.MaxDimension)
	}
	if strings.EqualFold(r.Header.Get("Save-Data"), "on") && (o.Quality == 0 || o.Quality > saveDataQuality) {
		o.Quality = saveDataQuality
	}
}

// redirectAge is how long a client may keep a redirect, in seconds.
const redirectAge = 300

// redirect sends a client whose format was negotiated to the URL that names
// it, where caches that ignore Vary may keep the picture. It reports whether it
// did.
func (h *Handler) redirect(w http.ResponseWriter, r *http.Request, req request) bool {
	if !h.config.RedirectAuto || !req.negotiated || req.foreign != nil || req.query.Has(config.TokenParam) {
		return false // a token in Location would be in every log on the way
	}
	query := maps.Clone(req.query)
	maps.DeleteFunc(query, func(name string, _ []string) bool { return logging.IsSecret(name) && name != config.SignatureParam }) // a token that was written wrong is still one
	query.Set("f", req.options.Format.String())
	target := url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: h.sign(&req, query)}
	header := w.Header()
	for _, name := range h.vary(req) {
		header.Add("Vary", name)
	}
	age := int64(redirectAge)
	if end := req.grant.Expires; !end.IsZero() {
		age = min(age, max(0, int64(time.Until(end).Seconds())))
	}
	header.Set("Cache-Control", "private, max-age="+strconv.FormatInt(age, 10))
	header.Set("Location", target.String())
	w.WriteHeader(http.StatusFound)
	return true
}
