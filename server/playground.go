package server

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"s3imageserver/resize"
	"s3imageserver/storage"
)

//go:embed playground
var playgroundFiles embed.FS

// playgroundPath is below which the files and questions of the page are; the
// page itself is at "/".
const playgroundPath = "/_playground/"

// playgroundPolicy lets the page ask nobody but this server.
const playgroundPolicy = "default-src 'none'; img-src 'self' blob: data:; connect-src 'self'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// A playground is the page on which one tries what URLs do. For operators it
// shows all handlers, and signs URLs; for others those that let in everybody.
type playground struct {
	server   *Server
	operator bool
}

func newPlayground(s *Server, operator bool) http.Handler {
	p := &playground{server: s, operator: operator}
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", p.file("index.html"))
	m.HandleFunc("GET "+playgroundPath+"app.js", p.file("app.js"))
	m.HandleFunc("GET "+playgroundPath+"style.css", p.file("style.css"))
	m.HandleFunc("GET "+playgroundPath+"options", p.serveOptions)
	m.HandleFunc("GET "+playgroundPath+"site", p.serveSite)
	m.HandleFunc("GET "+playgroundPath+"pictures", p.servePictures)
	if operator {
		m.HandleFunc("GET "+playgroundPath+"sign", p.serveSigned)
	}
	return m
}

// handlers returns those that the page shows.
func (p *playground) handlers() []*Handler {
	return slices.DeleteFunc(slices.Clone(p.server.handlers), func(h *Handler) bool { return !p.operator && !h.door.open() })
}

// handler returns the one of that prefix, nil if the page does not show it.
func (p *playground) handler(prefix string) *Handler {
	for _, h := range p.handlers() {
		if h.config.Prefix == prefix {
			return h
		}
	}
	return nil
}

// file serves one file of the page.
func (p *playground) file(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		setPageHeader(w.Header())
		http.ServeFileFS(w, r, playgroundFiles, path.Join("playground", name))
	}
}

// setPageHeader sets what all files of the page have.
func setPageHeader(header http.Header) {
	header.Set("Cache-Control", "no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Security-Policy", playgroundPolicy)
}

// siteInfo is what the page has to know.
type siteInfo struct {
	Operator bool          `json:"operator"`
	Handlers []siteHandler `json:"handlers"`
	Options  []siteOption  `json:"options"`
}

type siteHandler struct {
	Prefix       string   `json:"prefix"`
	Name         string   `json:"name"`
	Formats      []string `json:"formats"` // that f may ask for
	Format       string   `json:"format"`  // without f
	MaxDimension int      `json:"max_dimension"`
	Presets      []string `json:"presets"`
	PresetsOnly  bool     `json:"presets_only"`
	Watermarks   []string `json:"watermarks"`
	Fonts        []string `json:"fonts"`
	Closed       bool     `json:"closed"` // a URL needs a signature or a token
	Signs        bool     `json:"signs"`  // it can be signed here
}

type siteOption struct {
	Name    string         `json:"name"`
	Doc     string         `json:"doc"`
	Values  string         `json:"values"`
	Group   string         `json:"group"`
	Control resize.Control `json:"control"`
}

// hiddenOptions are no options of a picture: who may see it, and questions of
// another kind, for which the page has its own places.
var hiddenOptions = []string{tokenParam, signatureParam, expiryParam, infoParam, srcsetParam, sizesParam, asParam}

func (p *playground) serveSite(w http.ResponseWriter, _ *http.Request) {
	site := siteInfo{Operator: p.operator, Handlers: []siteHandler{}}
	for _, h := range p.handlers() {
		c := h.config
		site.Handlers = append(site.Handlers, siteHandler{
			Prefix: c.Prefix, Name: c.Name, Formats: c.OutputFormats, Format: c.OutputFormat, MaxDimension: c.MaxDimension,
			Presets: sortedKeys(h.presets), PresetsOnly: c.PresetsOnly,
			Watermarks: sortedKeys(c.Watermarks), Fonts: sortedKeys(p.server.config.Fonts),
			Closed: !h.door.open(), Signs: p.operator && c.Auth != nil && c.Auth.HMAC != nil,
		})
	}
	for _, o := range Params() {
		if !slices.Contains(hiddenOptions, o.Name) {
			site.Options = append(site.Options, siteOption{o.Name, o.Doc, o.Values, o.Group, o.Control})
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, site)
}

// sortedKeys returns the keys of m, never nil: in JSON they are a list.
func sortedKeys[V any](m map[string]V) []string {
	return append([]string{}, slices.Sorted(maps.Keys(m))...)
}

const (
	picturesAtOnce = 60               // that one answer names
	browseTime     = 10 * time.Second // for one question to the store
)

// pictureList is what a folder has, or a search finds.
type pictureList struct {
	Folders []string `json:"folders"`
	Names   []string `json:"names"`
	Next    string   `json:"next"` // to go on after; "" if this is the end
	// Listable is false if the sources cannot name their pictures.
	Listable bool `json:"listable"`
}

func (p *playground) servePictures(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	h := p.handler(q.Get("handler"))
	if h == nil {
		writeText(w, http.StatusNotFound, "there is no such handler")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), browseTime)
	defer cancel()
	list, err := h.sources.pictures(ctx, q.Get("folder"), q.Get("after"), q.Get("q"), h.allowed)
	if err != nil {
		h.log.Warn("playground: no list of pictures", "error", err)
		writeText(w, http.StatusBadGateway, "the store does not tell: see the log")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, list)
}

// pictures returns what lies in a folder, or what a search below the whole
// source finds.
func (s sources) pictures(ctx context.Context, folder, after, search string, allowed func(string) bool) (pictureList, error) {
	list := pictureList{Folders: []string{}, Names: []string{}}
	if search != "" {
		names, err := s.list(ctx, picturesAtOnce, func(name string) bool {
			return allowed(name) && strings.Contains(strings.ToLower(name), strings.ToLower(search))
		})
		list.Names, list.Listable = append(list.Names, names...), true
		return list, err
	}
	for len(list.Names)+len(list.Folders) < picturesAtOnce {
		page, err := s.browse(ctx, folder, after)
		if err != nil || page == nil {
			return list, err
		}
		list.Listable = true
		list.Folders = append(list.Folders, page.Folders...)
		list.Names = append(list.Names, slices.DeleteFunc(page.Names, func(name string) bool { return !allowed(name) })...)
		if list.Next = page.Next; page.Next == "" {
			break
		}
		after = page.Next
	}
	return list, nil
}

// browse returns a part of what lies in a folder of all sources that can tell,
// nil if none can. One that does not answer is left out where there are others.
func (s sources) browse(ctx context.Context, folder, after string) (*storage.Listing, error) {
	var page *storage.Listing
	for _, one := range s {
		b, ok := one.Bucket.(storage.Browser)
		if !ok {
			continue
		}
		found, err := b.Browse(ctx, folder, after, picturesAtOnce)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil && len(s) == 1:
			return nil, err
		case err != nil:
			continue
		}
		if page == nil {
			page = &found
		} else {
			page = new(page.Merge(found, picturesAtOnce))
		}
	}
	return page, nil
}

// serveSigned signs a URL of a handler, for an hour.
func (p *playground) serveSigned(w http.ResponseWriter, r *http.Request) {
	target := r.URL.Query().Get("url")
	if u, err := url.Parse(target); err != nil || u.Host != "" || !strings.HasPrefix(u.Path, "/") {
		writeText(w, http.StatusBadRequest, "url is the path of a picture")
		return
	}
	signed, err := p.server.config.SignURL(target, "", time.Now().Add(time.Hour))
	if err != nil {
		writeText(w, http.StatusBadRequest, err.Error())
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, map[string]string{"url": signed})
}
