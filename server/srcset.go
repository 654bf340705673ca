package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"s3imageserver/resize"
	"s3imageserver/storage/cache"
)

const (
	// srcsetParam asks for a <picture> of the given widths.
	srcsetParam = "srcset"
	// asParam says how srcset and info are written.
	asParam = "as"
	asHTML  = "html"
	asJSON  = "json"
	// sizesParam is the attribute sizes of the <picture>.
	sizesParam = "sizes"
)

const (
	maxSrcset  = 16 // widths
	htmlType   = "text/html; charset=utf-8"
	sizesBytes = 200
)

// A pictureSet is one picture in several widths and formats.
type pictureSet struct {
	Sources     []pictureSource `json:"sources"`
	Src         string          `json:"src"`
	Width       int             `json:"width"` // of the largest, in pixels
	Height      int             `json:"height"`
	Sizes       string          `json:"sizes"`
	Placeholder string          `json:"placeholder,omitempty"`
	Color       string          `json:"color,omitempty"`
}

// A pictureSource is one format.
type pictureSource struct {
	Type   string `json:"type"`
	Srcset string `json:"srcset"`
}

// parseWidths returns the widths of a list separated by commas, sorted and each
// one once; at most maxSrcset of them count. The verdict is of all words.
func parseWidths(list string, most int) (widths []int, verdict resize.Verdict) {
	verdict = resize.Used
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		switch {
		case err != nil || n <= 0:
			verdict = resize.Unreadable
			continue
		case (n > most || len(widths) == maxSrcset) && verdict == resize.Used:
			verdict = resize.Clamped
		}
		if len(widths) < maxSrcset {
			widths = append(widths, min(n, most))
		}
	}
	slices.Sort(widths)
	return slices.Compact(widths), verdict
}

// joinWidths is the list of widths.
func joinWidths(widths []int) string {
	words := make([]string, len(widths))
	for i, w := range widths {
		words[i] = strconv.Itoa(w)
	}
	return strings.Join(words, ",")
}

// srcset answers with a whole <picture>, or with its parts as JSON. Everything
// else in the URL applies to every width.
func (h *Handler) srcset(w http.ResponseWriter, r *http.Request, req request) {
	d, kept, status, err := h.detailsOf(r.Context(), req, "size", "format", "frames", "colors", "placeholder")
	if err != nil {
		h.fail(w, r, req, err)
		return
	}
	query := req.query
	set := h.pictureSet(r, req, d, query)
	body, mediaType := set.html(), htmlType
	if strings.EqualFold(query.Get(asParam), asJSON) {
		if body, err = json.Marshal(set); err != nil {
			h.fail(w, r, req, err)
			return
		}
		mediaType = jsonType
	}
	entry := cache.NewEntry(body, mediaType)
	entry.SourceETag, entry.SourceModTime, entry.Filled = kept.SourceETag, kept.SourceModTime, kept.Filled
	h.respond(w, r, req, entry, status)
}

// A candidate is one of the results that a picture set offers.
type candidate struct {
	query url.Values // of its URL, without the format
	size  [2]int     // in pixels
}

func (h *Handler) pictureSet(r *http.Request, req request, d resize.Details, query url.Values) pictureSet {
	candidates := h.candidates(req, d)
	set := pictureSet{Sizes: "100vw", Placeholder: d.Placeholder, Color: d.Average}
	if s := query.Get(sizesParam); s != "" && len(s) <= sizesBytes {
		set.Sizes = s
	}
	var formats []resize.Format
	if h.config.writes(resize.AVIF) && d.Frames <= 1 {
		formats = append(formats, resize.AVIF)
	}
	if h.config.writes(resize.WebP) {
		formats = append(formats, resize.WebP)
	}
	for _, f := range formats {
		var srcset []string
		for _, c := range candidates {
			srcset = append(srcset, fmt.Sprintf("%s %dw", h.link(r.URL, req, c.query, f), c.size[0]))
		}
		set.Sources = append(set.Sources, pictureSource{f.MediaType(), strings.Join(srcset, ", ")})
	}
	largest := candidates[len(candidates)-1]
	set.Src = h.link(r.URL, req, largest.query, resize.AutoJPEG)
	set.Width, set.Height = largest.size[0], largest.size[1]
	return set
}

// candidates returns the results of the widths that a request names, each size
// once, the largest last. Where no URL may ask for another size than a preset
// has, it is that one.
func (h *Handler) candidates(req request, d resize.Details) []candidate {
	// A box that is larger than the source would not be filled, and have another
	// ratio than the others.
	most := d.Width
	if o := req.options; o.Width > 0 && o.Height > 0 {
		most = min(most, max(1, d.Height*o.Width/o.Height))
	}
	var all []candidate
	add := func(o resize.Options, query url.Values) {
		size := resize.ResultSize(d.Width, d.Height, o)
		if query != nil && !slices.ContainsFunc(all, func(c candidate) bool { return c.size == size }) {
			all = append(all, candidate{query, size})
		}
	}
	for _, width := range req.widths {
		switch {
		case req.options.Enlarge || width <= most:
		case !h.bounds.stepped():
			width = most
		case len(all) > 0: // all others are larger
			continue
		}
		o := scaledOptions(req.options, width)
		add(o, h.queryOf(req, o))
	}
	if len(all) == 0 {
		add(req.options, h.ownQuery(req))
	}
	return all
}

// scaledOptions returns the options with another width, and the height in
// proportion.
func scaledOptions(o resize.Options, width int) resize.Options {
	if o.Width > 0 && o.Height > 0 {
		o.Height = max(1, (o.Height*width+o.Width/2)/o.Width)
	} else {
		o.Height = 0
	}
	o.Width = width
	return o
}

// queryOf returns the parameters of a URL that stands for options, of any format;
// nil if none of this handler does. Where some parameters do not count, it is the
// request's own URL with another size.
func (h *Handler) queryOf(req request, o resize.Options) url.Values {
	o.Format = resize.NoFormat
	query := resize.ParseQuery(o.String())
	if h.bounds.options == nil || h.means(query, o) {
		return query
	}
	query = h.ownQuery(req)
	for name, n := range map[string]int{"w": o.Width, "h": o.Height} {
		if n > 0 && h.bounds.options[name] {
			query.Set(name, strconv.Itoa(n))
		}
	}
	if h.means(query, o) {
		return query
	}
	return nil
}

// ownQuery returns what of the request's URL makes its picture, save the format.
func (h *Handler) ownQuery(req request) url.Values {
	query := url.Values{}
	for name, values := range req.understood.used {
		if name != "f" && (name == presetParam || resize.KnownParam(name)) {
			query.Set(name, values[0])
		}
	}
	return query
}

// means reports whether a query has these options for the handler.
func (h *Handler) means(query url.Values, o resize.Options) bool {
	got := h.understand(query.Encode()).options
	got.Format = o.Format
	return got == o
}

// link returns the URL of a result of the request's picture, signed where URLs
// are.
func (h *Handler) link(u *url.URL, req request, query url.Values, f resize.Format) string {
	link := maps.Clone(query)
	link.Set("f", f.String())
	for _, name := range []string{tokenParam, versionParam} {
		if v := req.query.Get(name); v != "" {
			link.Set(name, v)
		}
	}
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: h.sign(&req, link)}).String()
}

// html returns the element; what stands in attributes is escaped.
func (s pictureSet) html() []byte {
	var b bytes.Buffer
	e := html.EscapeString
	b.WriteString("<picture>\n")
	for _, source := range s.Sources {
		fmt.Fprintf(&b, "  <source type=\"%s\" srcset=\"%s\" sizes=\"%s\">\n", e(source.Type), e(source.Srcset), e(s.Sizes))
	}
	fmt.Fprintf(&b, "  <img src=\"%s\" width=\"%d\" height=\"%d\" alt=\"\" loading=\"lazy\" decoding=\"async\"", e(s.Src), s.Width, s.Height)
	if s.Placeholder != "" {
		fmt.Fprintf(&b, " style=\"background:#%s url(%s) center/cover\"", e(s.Color), e(s.Placeholder))
	}
	b.WriteString(">\n</picture>\n")
	return b.Bytes()
}
