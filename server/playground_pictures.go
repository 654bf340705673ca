package server

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/config"
	"s3imageserver/server/dialect"
	"s3imageserver/server/limits"
	"s3imageserver/server/stores"
	"s3imageserver/storage"
)

const (
	picturesAtOnce = 60               // that one answer names
	browseTime     = 10 * time.Second // for one question

	// A search may take many requests to the store, so that all clients together, except
	// operators, have a rate limit.
	askRate  = 2
	askBurst = 40
	// Their answers are cached for a moment.
	listingAge   = 15 * time.Second
	mostListings = 128
)

// A question is what the page asks of the sources of a handler.
type question struct {
	handler               *Handler
	folder, after, search string
	samples               bool // a few pictures, whichever
}

// listings are the answers of the last moment.
type listings struct {
	mu   sync.Mutex
	kept map[question]listing // guarded by mu
}

type listing struct {
	pictureList
	at time.Time
}

func (l *listings) get(q question) (pictureList, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	found, ok := l.kept[q]
	return found.pictureList, ok && time.Since(found.at) < listingAge
}

func (l *listings) set(q question, list pictureList) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept == nil || len(l.kept) >= mostListings {
		l.kept = map[question]listing{}
	}
	l.kept[q] = listing{list, time.Now()}
}

// ask lists pictures of the sources. Answers to clients that are not operators are cached,
// and their rate is limited: then the error wraps errRate.
func (p *playground) ask(r *http.Request, q question) (pictureList, error) {
	if !p.operator {
		if list, ok := p.kept.get(q); ok {
			return list, nil
		}
		if err := p.server.rates.AllowClient(r); err != nil {
			return pictureList{}, err
		}
		if err := limits.Take(p.asks, limits.ErrRate); err != nil {
			return pictureList{}, err
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), browseTime)
	defer cancel()
	list, err := q.ask(ctx)
	if err == nil && !p.operator {
		p.kept.set(q, list)
	}
	return list, err
}

func (q question) ask(ctx context.Context) (list pictureList, err error) {
	if q.samples {
		list.Names, err = q.handler.sources.List(ctx, maxSamples, q.handler.config.AllowsName)
		return list, err
	}
	return picturesOf(ctx, q.handler.sources, q.folder, q.after, q.search, q.handler.config.AllowsName)
}

// refuseQuestion answers a request beyond the rate limit.
func refuseQuestion(w http.ResponseWriter, err error) {
	w.Header().Set("Retry-After", retryAfterOf(err, http.StatusTooManyRequests))
	writeText(w, http.StatusTooManyRequests, "Too many questions at once: try again in a moment.")
}

// pictureList is what a folder has, or a search finds.
type pictureList struct {
	Folders []string `json:"folders"`
	Names   []string `json:"names"`
	Next    string   `json:"next"` // to go on after; "" if this is the end
	// Listable is false if the sources cannot be listed.
	Listable bool `json:"listable"`
}

func (p *playground) servePictures(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	h := p.handler(q.Get("handler"))
	if h == nil {
		writeText(w, http.StatusNotFound, "There is no such handler.")
		return
	}
	question := question{handler: h, folder: q.Get("folder"), after: q.Get("after"), search: q.Get("q")}
	list, err := p.ask(r, question)
	if errors.Is(err, limits.ErrRate) {
		refuseQuestion(w, err)
		return
	}
	if errors.Is(err, fs.ErrInvalid) {
		writeText(w, http.StatusBadRequest, "There is no such folder.")
		return
	}
	if err != nil {
		h.log.Warn("playground: no list of pictures", "error", err)
		writeText(w, http.StatusBadGateway, "The store does not answer: the log of the server says why.")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, list)
}

// picturesOf returns what lies in a folder, or what a search below the whole
// source finds.
func picturesOf(ctx context.Context, s stores.Sources, folder, after, search string, allowed func(string) bool) (pictureList, error) {
	list := pictureList{Folders: []string{}, Names: []string{}}
	if search != "" {
		names, err := s.List(ctx, picturesAtOnce, func(name string) bool {
			return allowed(name) && strings.Contains(strings.ToLower(name), strings.ToLower(search))
		})
		list.Names, list.Listable = append(list.Names, names...), true
		return list, err
	}
	for len(list.Names)+len(list.Folders) < picturesAtOnce {
		page, err := browse(ctx, s, folder, after)
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

// browse returns a part of the pictures in a folder of all sources that can be listed, nil
// if none can. A source that does not answer is left out if there are others.
func browse(ctx context.Context, s stores.Sources, folder, after string) (*storage.Listing, error) {
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
		if h.dialect == nil || !config.SameStore(h.config, own.config) || !p.operator && (!h.authorizer.Public() || h.dialect.Signed()) {
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

// A translatedURL is what a URL of another server asks for, in one of our own.
type translatedURL struct {
	Dialect string `json:"dialect"`
	Prefix  string `json:"prefix"` // of the handler that answers it
	Name    string `json:"name"`
	URL     string `json:"url"`  // from the path on; "" if the size of the picture has to be known first
	Size    bool   `json:"size"` // it has to
}

// serveTranslated says what a URL of another server is in one of our own, which a
// handler of the page answers.
func (p *playground) serveTranslated(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	t, err := p.server.config.Translate(q.Get("url"), r.Header)
	if err != nil || !slices.Contains(p.dialects(), siteDialect{t.Route, t.Dialect}) || !t.Answered || p.handler(t.Prefix) == nil {
		writeText(w, http.StatusNotFound, "No handler here reads this URL, or its signature is wrong.")
		return
	}
	out := translatedURL{Dialect: t.Dialect, Prefix: t.Prefix, Name: t.Name}
	width, height := pictureSide(q.Get("width"), 0), pictureSide(q.Get("height"), 0)
	if out.URL, err = t.URL(width, height, ""); errors.Is(err, config.ErrNeedsSize) {
		out.Size = true
	} else if err != nil {
		writeText(w, http.StatusUnprocessableEntity, "Our URLs do not say this: "+err.Error())
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, out)
}

// pictureSide reads the side of a picture in pixels.
func pictureSide(text string, usual int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n <= 1<<16 {
		return n
	}
	return usual
}
