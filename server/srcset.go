package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
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
// one once; at most maxSrcset of them count.
func parseWidths(list string, most int) []int {
	var widths []int
	for word := range strings.SplitSeq(list, ",") {
		if n, err := strconv.Atoi(strings.TrimSpace(word)); err == nil && n > 0 && len(widths) < maxSrcset {
			widths = append(widths, min(n, most))
		}
	}
	slices.Sort(widths)
	return slices.Compact(widths)
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
	if strings.EqualFold(query.Get(asParam), "json") {
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

func (h *Handler) pictureSet(r *http.Request, req request, d resize.Details, query url.Values) pictureSet {
	// A box that is larger than the source would not be filled, and have another
	// ratio than the others.
	most := d.Width
	if o := req.options; o.Width > 0 && o.Height > 0 {
		most = min(most, max(1, d.Height*o.Width/o.Height))
	}
	sizes := map[int][2]int{} // what a width becomes
	var widths []int
	for _, width := range req.widths {
		switch {
		case req.options.Enlarge || width <= most:
		case !h.bounds.stepped():
			width = most
		case len(widths) > 0: // all others are larger
			continue
		}
		size := resize.ResultSize(d.Width, d.Height, scaledOptions(req.options, width))
		if !slices.ContainsFunc(widths, func(w int) bool { return sizes[w] == size }) {
			widths = append(widths, width)
			sizes[width] = size
		}
	}
	set := pictureSet{Sizes: "100vw", Placeholder: d.Placeholder, Color: d.Average}
	if s := query.Get(sizesParam); s != "" && len(s) <= sizesBytes {
		set.Sizes = s
	}
	link := func(width int, f resize.Format) string {
		return h.link(r.URL, req, scaledOptions(req.options, width), f, query)
	}
	var formats []resize.Format
	if h.config.writes(resize.AVIF) && d.Frames <= 1 {
		formats = append(formats, resize.AVIF)
	}
	if h.config.writes(resize.WebP) {
		formats = append(formats, resize.WebP)
	}
	for _, f := range formats {
		var candidates []string
		for _, width := range widths {
			candidates = append(candidates, fmt.Sprintf("%s %dw", link(width, f), sizes[width][0]))
		}
		set.Sources = append(set.Sources, pictureSource{f.MediaType(), strings.Join(candidates, ", ")})
	}
	largest := widths[len(widths)-1]
	set.Src = link(largest, resize.AutoJPEG)
	set.Width, set.Height = sizes[largest][0], sizes[largest][1]
	return set
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

// link returns the URL of a result of the request's picture, signed where URLs
// are.
func (h *Handler) link(u *url.URL, req request, o resize.Options, f resize.Format, query url.Values) string {
	o.Format = f
	link := resize.ParseQuery(o.String())
	for _, name := range []string{tokenParam, versionParam} {
		if v := query.Get(name); v != "" {
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
