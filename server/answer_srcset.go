package server

import (
	"bytes"
	"context"
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
	"s3imageserver/server/config"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
	"s3imageserver/storage/guard"
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
	v, err := h.view(r.Context(), req, d, metaOf(kept.SourceNote))
	if err != nil {
		h.fail(w, r, req, err)
		return
	}
	query := req.query
	set := h.pictureSet(r, req, d, v)
	body, mediaType := set.html(), htmlType
	if strings.EqualFold(query.Get(config.AsParam), config.AsJSON) {
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

func (h *Handler) pictureSet(r *http.Request, req request, d resize.Details, v view) pictureSet {
	candidates := h.candidates(req, v)
	set := pictureSet{Sizes: "100vw", Placeholder: d.Placeholder, Color: d.Average}
	if s := req.query.Get(config.SizesParam); s != "" && len(s) <= sizesBytes {
		set.Sizes = s
	}
	var formats []resize.Format
	if h.config.Writes(resize.AVIF) && d.Frames <= 1 {
		formats = append(formats, resize.AVIF)
	}
	if h.config.Writes(resize.WebP) {
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

// A view is what of a source the results of a request show.
type view struct {
	width, height int          // of the source as it stands upright, or is stored if oriented
	rules         storage.Meta // what the object says of itself
	trimmed       [2]int       // what is left when its edges are cut; zero: they are not
}

// view returns what a request shows of a source with those details.
func (h *Handler) view(ctx context.Context, req request, d resize.Details, rules storage.Meta) (v view, err error) {
	v = view{width: d.Width, height: d.Height, rules: rules}
	o := h.ruled(req.options, rules)
	if o.Orient != 0 && d.Orientation > 4 { // that takes the place of the file's own
		v.width, v.height = v.height, v.width
	}
	if o.Trim != 0 {
		v.trimmed, err = h.trimmed(ctx, req, o)
	}
	return v, err
}

// ruled returns the options as they are when a picture is made, as far as its
// size is concerned.
func (m *maker) ruled(o resize.Options, rules storage.Meta) resize.Options {
	r := request{options: o}
	_ = m.applyObjectRules(&r, rules) // a watermark that is missing changes no size
	return r.options
}

// size returns the width and height of the result that options make.
func (m *maker) size(v view, o resize.Options) [2]int {
	o = m.ruled(o, v.rules)
	if v.trimmed == [2]int{} {
		return resize.ResultSize(v.width, v.height, o)
	}
	o.Orient, o.Crop, o.Trim = 0, resize.Crop{}, 0 // it has been done
	return resize.ResultSize(v.trimmed[0], v.trimmed[1], o)
}

// trimmed returns the size of what trimming leaves of a source, kept as details
// are.
func (h *Handler) trimmed(ctx context.Context, req request, o resize.Options) (size [2]int, err error) {
	o = resize.Options{Orient: o.Orient, Crop: o.Crop, Trim: o.Trim, Page: o.Page}
	req.key = cache.Key{Source: h.sourceID(req.name), Variant: cache.Tuple("trimmed", renderedFrom(req.delivery.Version), o.String())}
	e, _, err := h.cache.Do(guard.WithTime(ctx, h.config.FetchTime()), req.key, func(ctx context.Context, old *cache.Entry) (*cache.Entry, error) {
		return h.fill(ctx, req, old, func(ctx context.Context, source *storage.Object) (*cache.Entry, error) {
			p, err := h.resizer.Trimmed(ctx, resize.Source{Body: source.Body, Size: source.Size}, o)
			if err != nil {
				return nil, err
			}
			body, err := json.Marshal([2]int{p.X, p.Y})
			if err != nil {
				return nil, err
			}
			return cache.NewEntry(body, jsonType), nil
		})
	})
	if err != nil {
		return size, err
	}
	return size, json.Unmarshal(e.Body, &size)
}

// candidates returns the results of the widths that a request names, each size
// once, the largest last. Where no URL may ask for another size than a preset
// has, it is that one.
func (h *Handler) candidates(req request, v view) []candidate {
	whole := h.size(v, unboxed(req.options))
	most := widest(req.options, whole)
	if h.bounds.sizes != nil {
		whole = [2]int{} // a side that is not on the list is not to be asked for
	}
	var all []candidate
	add := func(query url.Values) {
		o, err := h.optionsOf(&req, query)
		if err != nil {
			return
		}
		size := h.size(v, o)
		if !slices.ContainsFunc(all, func(c candidate) bool { return c.size == size }) {
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
		if query := h.queryOf(req, scaledOptions(req.options, width, whole, h.config.MaxDimension)); query != nil {
			add(query)
		}
	}
	if len(all) == 0 {
		query := req.ownQuery()
		all = append(all, candidate{query, h.size(v, req.options)})
	}
	return all
}

// widest returns the width of the largest box that a picture fills, whole being
// its own size. One that is larger would not be filled, and have another ratio
// than the others.
func widest(o resize.Options, whole [2]int) int {
	if o.Width > 0 && o.Height > 0 && o.Fit != resize.Contain && o.Fit != resize.ScaleDown {
		return min(whole[0], max(1, whole[1]*o.Width/o.Height))
	}
	return whole[0]
}

// unboxed returns the options of the picture in its own size, without anything
// around it.
func unboxed(o resize.Options) resize.Options {
	if o.Width > 0 || o.Height > 0 {
		o.Ratio = resize.Ratio{} // of the box
	}
	o.Width, o.Height, o.MinWidth, o.MinHeight, o.Zoom, o.Padding = 0, 0, 0, 0, 0, resize.Sides{}
	return o
}

// scaledOptions returns the options of the same picture in another width, with
// the height in proportion: to the box, to its ratio, or, where only a height is
// given, to whole, the picture's own size; zero if it is not known. No side is
// above most.
func scaledOptions(o resize.Options, width int, whole [2]int, most int) resize.Options {
	w, h := o.Width, o.Height
	switch {
	case w > 0 && h > 0:
	case h > 0:
		w, h = whole[0], whole[1]
	case w == 0 && o.Fit != resize.Contain && o.Fit != resize.ScaleDown:
		w, h = int(o.Ratio.W), int(o.Ratio.H)
	case w == 0:
		o.Ratio = resize.Ratio{} // it means nothing without a box
	}
	o.Width, o.Height, o.Zoom = width, 0, 0
	if w > 0 && h > 0 {
		o.Height = max(1, (h*width+w/2)/w)
		if o.Height > most {
			o.Width, o.Height = max(1, (w*most+h/2)/h), most
		}
	}
	return o
}

// optionsOf returns the options that a URL with that query has when the client of
// the request asks for it, without hints.
func (h *reader) optionsOf(req *request, query url.Values) (resize.Options, error) {
	u := h.parseQuery(query.Encode())
	other := request{name: req.name, parsed: u, query: u.query, options: u.options}
	if err := h.bounds.settle(&other, u.options, u.used, h.config.MaxDimension); err != nil {
		return u.options, err
	}
	if p := req.grant.Policy; p != nil {
		return h.narrow(p, other.options)
	}
	return other.options, nil
}

// queryOf returns the parameters of a URL that stands for options, of any format;
// nil if none of this handler does. Where some parameters do not count, it is the
// request's own URL with another size.
func (h *reader) queryOf(req request, o resize.Options) url.Values {
	o.Format = resize.NoFormat
	o = o.Canonical(h.config.MaxDimension)
	query := resize.ParseQuery(o.String())
	if h.bounds.Options == nil || h.standsFor(&req, query, o) {
		return query
	}
	query = req.ownQuery()
	for name, n := range map[string]int{"w": o.Width, "h": o.Height} {
		if n > 0 && h.bounds.Options[name] {
			query.Set(name, strconv.Itoa(n))
		}
	}
	if h.standsFor(&req, query, o) {
		return query
	}
	return nil
}

// ownQuery returns what of the request's URL makes its picture, save the format.
func (r *request) ownQuery() url.Values {
	query := url.Values{}
	for name, values := range r.parsed.used {
		if name != "f" && (name == config.PresetParam || resize.KnownParam(name)) {
			query.Set(name, values[0])
		}
	}
	return query
}

// standsFor reports whether a query has these options for the handler, and for who
// asks.
func (h *reader) standsFor(req *request, query url.Values, o resize.Options) bool {
	got := h.parseQuery(query.Encode()).options
	got.Format = o.Format
	if p := req.grant.Policy; p != nil {
		var err error
		if got, err = h.narrow(p, got); err != nil {
			return false
		}
	}
	return got == o
}

// link returns the URL of a result of the request's picture, signed where URLs
// are.
func (h *reader) link(u *url.URL, req request, query url.Values, f resize.Format) string {
	link := maps.Clone(query)
	link.Set("f", f.String())
	if h.config.ClientHints && h.bounds.Counts(resize.DensityParam) && !link.Has(resize.DensityParam) {
		link.Set(resize.DensityParam, "1") // else a hint would multiply the width that is promised
	}
	for _, name := range []string{config.TokenParam, config.VersionParam} {
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
