package server

import (
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"s3imageserver/resize"
	"s3imageserver/server/config"
	"s3imageserver/server/dialect"
)

// A foreignURL is a URL of another server that asks a handler of this one for
// the same.
type foreignURL struct {
	Dialect string `json:"dialect"`
	URL     string `json:"url"` // from the path on; "": the dialect has no words for it
}

// serveDialects says what a URL of our own is in the dialects of the handlers
// that have the same pictures. Those that are signed are for operators.
func (p *playground) serveDialects(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	u, err := url.Parse(q.Get("url"))
	own := (*Handler)(nil)
	if err == nil {
		for _, h := range p.handlers() {
			if strings.HasPrefix(u.Path, h.config.Route()) && (own == nil || len(h.config.Prefix) > len(own.config.Prefix)) {
				own = h
			}
		}
	}
	if own == nil {
		writeText(w, http.StatusNotFound, "There is no such handler.")
		return
	}
	name := strings.TrimPrefix(u.Path, own.config.Route())
	picture := dialect.Picture{Width: pictureSide(q.Get("width"), 4000), Height: pictureSide(q.Get("height"), 3000), Format: resize.FormatByName(strings.TrimPrefix(path.Ext(name), "."))}
	o := own.parseQuery(u.RawQuery).options
	all := []foreignURL{}
	for _, h := range p.server.handlers {
		if h.dialect == nil || !config.SameStore(h.config, own.config) || !p.operator && (!h.door.Open() || h.dialect.Signed()) {
			continue
		}
		one := foreignURL{Dialect: h.dialect.Name()}
		if target, ok := h.dialect.Write(name, o, picture); ok {
			one.URL = strings.TrimSuffix(h.config.Route(), "/") + target
		}
		all = append(all, one)
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, all)
}

// pictureSide reads the side of a picture in pixels.
func pictureSide(text string, usual int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n <= 1<<16 {
		return n
	}
	return usual
}
