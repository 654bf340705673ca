package server

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"s3imageserver/resize"
	"s3imageserver/server/config"
)

//go:embed playground/*.css playground/*.html playground/*.js
var playgroundFiles embed.FS

// playgroundPath is the path prefix of the files and API of the page; the page itself is
// at "/".
const playgroundPath = "/_playground/"

// playgroundPolicy is the Content-Security-Policy of the page: it connects to this server
// only.
const playgroundPolicy = "default-src 'none'; img-src 'self' blob: data:; connect-src 'self'; script-src 'self'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// A playground is the page for trying URLs. For operators it shows all handlers, and signs
// URLs; for others only the handlers without authentication.
type playground struct {
	server   *Server
	operator bool
	kept     listings
	asks     *rate.Limiter // questions of everybody to stores
}

func newPlayground(s *Server, operator bool) http.Handler {
	p := &playground{server: s, operator: operator, asks: rate.NewLimiter(askRate, askBurst)}
	m := http.NewServeMux()
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		servePage(w, http.StatusOK, "index.html", page{Title: "Playground", Base: "_playground/", Script: "app.js"})
	})
	for _, name := range pageFiles() {
		m.HandleFunc("GET "+playgroundPath+name, p.file(name))
	}
	m.HandleFunc("GET "+playgroundPath+"options", p.serveOptions)
	m.HandleFunc("GET "+playgroundPath+"site", p.serveSite)
	m.HandleFunc("GET "+playgroundPath+"pictures", p.servePictures)
	m.HandleFunc("GET "+playgroundPath+"dialects", p.serveDialects)
	m.HandleFunc("GET "+playgroundPath+"translate", p.serveTranslated)
	if operator {
		m.HandleFunc("GET "+playgroundPath+"sign", p.serveSigned)
	}
	return m
}

// handlers returns those that the page shows: it writes URLs of our own, which a
// handler with a dialect does not read.
func (p *playground) handlers() []*Handler {
	return slices.DeleteFunc(slices.Clone(p.server.handlers), func(h *Handler) bool { return h.dialect != nil || !p.operator && !h.authorizer.Public() })
}

// dialects returns the handlers that read URLs of other servers, and which.
func (p *playground) dialects() []siteDialect {
	all := []siteDialect{}
	for _, h := range p.server.handlers {
		if h.dialect != nil && (p.operator || h.authorizer.Public()) {
			all = append(all, siteDialect{h.config.Route(), h.dialect.Name()})
		}
	}
	return all
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

// pageFiles returns the names of the scripts and of the style of the page.
func pageFiles() []string {
	var names []string
	for _, pattern := range []string{"playground/*.js", "playground/*.css"} {
		found, _ := fs.Glob(playgroundFiles, pattern) // the patterns are right
		for _, name := range found {
			names = append(names, path.Base(name))
		}
	}
	return names
}

// file serves one file of the page.
func (p *playground) file(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		setPageHeader(w.Header())
		http.ServeFileFS(w, r, playgroundFiles, path.Join("playground", name))
	}
}

// A page is what the templates of pages are filled with.
type page struct {
	Title  string
	Base   string        // what leads to the other files, relative to the page
	Script string        // "": none
	Groups []pageOptions // of the page of all parameters
	Fault  string        // of what was entered
}

var pageTemplates = template.Must(template.ParseFS(playgroundFiles, "playground/*.html"))

// servePage answers with a page.
func servePage(w http.ResponseWriter, status int, name string, data page) {
	var text bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&text, name, data); err != nil {
		http.Error(w, "500 internal server error", http.StatusInternalServerError)
		return
	}
	setPageHeader(w.Header())
	w.Header().Set("Content-Type", htmlType)
	w.WriteHeader(status)
	_, _ = text.WriteTo(w) // the client may have left
}

// setPageHeader sets what all files of the page have.
func setPageHeader(header http.Header) {
	header.Set("Cache-Control", "no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Content-Security-Policy", playgroundPolicy)
}

// siteInfo is the configuration of the page.
type siteInfo struct {
	Operator bool          `json:"operator"`
	Version  string        `json:"version"`
	Address  string        `json:"address"` // of the public port, as far as the configuration tells; for operators
	Handlers []siteHandler `json:"handlers"`
	Dialects []siteDialect `json:"dialects"`
	Options  []siteOption  `json:"options"`
}

// siteDialect is a handler that is not shown, since its URLs are those of
// another server.
type siteDialect struct {
	Route   string `json:"route"`
	Dialect string `json:"dialect"`
}

type siteHandler struct {
	Prefix       string      `json:"prefix"`
	Name         string      `json:"name"`
	Formats      []string    `json:"formats"` // that f may ask for
	Format       string      `json:"format"`  // without f
	MaxDimension int         `json:"max_dimension"`
	Presets      []string    `json:"presets"`
	Ignored      []string    `json:"ignored"` // parameters that count for nothing here
	Queries      pageQueries `json:"queries"`
	Watermarks   []string    `json:"watermarks"`
	Fonts        []string    `json:"fonts"`
	Closed       bool        `json:"closed"` // a URL needs a signature or a token
	Signs        bool        `json:"signs"`  // it can be signed here
}

type siteOption struct {
	Name    string         `json:"name"`
	Long    string         `json:"long,omitempty"` // another name for it
	Doc     string         `json:"doc"`
	Values  string         `json:"values"`
	Group   string         `json:"group"`
	Control resize.Control `json:"control"`
}

// hiddenOptions are parameters that the page does not list: those of authentication, and
// of info, srcset and explain, for which it has controls of its own.
var hiddenOptions = []string{config.TokenParam, config.SignatureParam, config.ExpiryParam, config.InfoParam, config.SrcsetParam, config.SizesParam, config.AsParam, config.ExplainParam}

func (p *playground) serveSite(w http.ResponseWriter, _ *http.Request) {
	site := siteInfo{Operator: p.operator, Version: p.server.reused.build.version, Handlers: []siteHandler{}, Dialects: p.dialects()}
	if p.operator {
		site.Address = publicAddress(p.server.config)
	}
	for _, h := range p.handlers() {
		c := h.config
		site.Handlers = append(site.Handlers, siteHandler{
			Prefix: c.Prefix, Name: c.Name, Formats: c.OutputFormats, Format: c.OutputFormat, MaxDimension: c.MaxDimension,
			Presets: sortedKeys(h.presets), Ignored: h.ignored(), Queries: h.pageQueries(),
			Watermarks: sortedKeys(c.Watermarks), Fonts: sortedKeys(p.server.config.Fonts),
			Closed: !h.authorizer.Public(), Signs: p.operator && c.Auth != nil && c.Auth.HMAC != nil,
		})
	}
	for _, o := range Params() {
		if !slices.Contains(hiddenOptions, o.Name) {
			site.Options = append(site.Options, siteOption{o.Name, config.LongName(o.Name), o.Doc, o.Values, o.Group, o.Control})
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, site)
}

// sortedKeys returns the keys of m, never nil: in JSON they are a list.
func sortedKeys[V any](m map[string]V) []string {
	return append([]string{}, slices.Sorted(maps.Keys(m))...)
}

// publicAddress returns where the public port is, as far as a configuration tells.
func publicAddress(c *Config) string {
	host := "localhost"
	if i := slices.IndexFunc(c.Hosts, func(h string) bool { return !strings.HasPrefix(h, "*") }); i >= 0 {
		host = c.Hosts[i]
	}
	scheme, port, usual := "http", c.HTTPPort, 80
	if c.HTTPSEnabled {
		scheme, port, usual = "https", c.HTTPSPort, 443
	}
	if port > 0 && port != usual {
		host = net.JoinHostPort(host, strconv.Itoa(port))
	}
	return scheme + "://" + host
}

// maxSignedTime is the longest lifetime of a URL that the page signs.
const maxSignedTime = 10 * 365 * 24 * time.Hour

// serveSigned signs a URL of a handler until exp, in Unix seconds; without it, for an hour.
func (p *playground) serveSigned(w http.ResponseWriter, r *http.Request) {
	target := r.URL.Query().Get("url")
	if u, err := url.Parse(target); err != nil || u.Host != "" || !strings.HasPrefix(u.Path, "/") {
		writeText(w, http.StatusBadRequest, "url must be the path of a picture")
		return
	}
	ends := time.Now().Add(operatorsTime)
	if text := r.URL.Query().Get(config.ExpiryParam); text != "" {
		seconds, err := strconv.ParseInt(text, 10, 64)
		ends = time.Unix(seconds, 0)
		if left := time.Until(ends); err != nil || left <= 0 || left > maxSignedTime {
			writeText(w, http.StatusBadRequest, "exp must be a time in the future, within ten years, in Unix seconds")
			return
		}
	}
	signed, err := p.server.config.SignURL(target, "", ends)
	if err != nil {
		writeText(w, http.StatusBadRequest, err.Error())
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, map[string]string{"url": signed})
}
