package server

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strings"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// maxSamples is how many pictures of a handler the page shows.
const maxSamples = 24

// newPage returns the page that shows the pictures of the handlers whose
// buckets can list them and that let in everybody, and what the parameters do to
// them.
func newPage(handlers []*Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var content struct {
			Groups  []pageGroup
			Options []pageOptions
		}
		for _, h := range handlers {
			if !h.door.open() {
				continue
			}
			names, err := h.sources.list(r.Context(), maxSamples, h.allowed)
			if err != nil {
				h.log.Warn("page: no list of pictures", "error", err)
				continue
			}
			content.Groups = append(content.Groups, h.pageGroup(names))
			if content.Options == nil {
				content.Options = h.pageOptionsOf(names)
			}
		}
		var page bytes.Buffer
		if err := pageTemplate.Execute(&page, content); err != nil {
			http.Error(w, "500 internal server error", http.StatusInternalServerError)
			return
		}
		header := w.Header()
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Cache-Control", "no-cache")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'")
		_, _ = page.WriteTo(w) // the client may have left
	})
}

// A pageGroup is what the page shows of one handler.
type pageGroup struct {
	Handler string
	Samples []pageSample
}

// A pageSample is one picture in a few renderings, the first one large.
type pageSample struct {
	Name string
	Main string // URL
	More []pageLink
}

type pageLink struct{ URL, Text string }

// pageRenderings are the examples under every picture.
var pageRenderings = []struct{ query, text string }{
	{"?w=300&h=200", "300 × 200, cropped"},
	{"?w=300&h=200&c=false", "fit inside 300 × 200"},
	{"?w=160&h=160&f=png", "160 × 160 PNG"},
	{"?h=240&f=jpg", "240 high, JPEG"},
}

func (h *Handler) pageGroup(names []string) pageGroup {
	g := pageGroup{Handler: h.config.Name}
	for _, name := range names {
		base := (&url.URL{Path: path.Join("/", h.config.Prefix, name)}).EscapedPath()
		s := pageSample{Name: strings.TrimSuffix(path.Base(name), path.Ext(name)), Main: base + "?w=640&h=420"}
		for _, r := range pageRenderings {
			s.More = append(s.More, pageLink{base + r.query, r.text})
		}
		g.Samples = append(g.Samples, s)
	}
	return g
}
