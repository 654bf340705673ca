package server

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"s3imageserver/server/config"
	"s3imageserver/server/limits"
)

// maxSamples is how many pictures the page looks through for its examples.
const maxSamples = 24

// serveOptions answers with the page of all parameters, with examples from the first
// handler whose sources can be listed.
func (p *playground) serveOptions(w http.ResponseWriter, r *http.Request) {
	groups := optionGroups(nil, nil)
	for _, h := range p.handlers() {
		if !h.bounds.All() {
			continue // most of what there is to see is not allowed here
		}
		samples, err := p.ask(r, question{handler: h, samples: true})
		if errors.Is(err, limits.ErrRate) {
			refuseQuestion(w, err)
			return
		}
		if err != nil {
			h.log.Warn("playground: no list of pictures", "error", err)
		}
		if len(samples.Names) > 0 {
			groups = optionGroups(h, samples.Names)
			break
		}
	}
	servePage(w, http.StatusOK, "options.html", page{Title: "Options", Groups: groups})
}

// A pageOptions is one group of parameters on the page.
type pageOptions struct {
	Name string
	Rows []pageOption
}

// A pageOption is one parameter with what it does to a picture; without
// pictures if there is nothing to see.
type pageOption struct {
	Name          string
	Doc, Values   template.HTML
	Before, After string // URLs
	Example       string // the query
}

// optionGroups returns the parameters with pictures of a handler: those that
// their examples are made for, else the first one. Without names there is
// nothing to see.
func optionGroups(h *Handler, names []string) []pageOptions {
	var groups []pageOptions
	for _, p := range Params() {
		i := slices.IndexFunc(groups, func(g pageOptions) bool { return g.Name == p.Group })
		if i < 0 {
			i = len(groups)
			groups = append(groups, pageOptions{Name: p.Group})
		}
		values := p.Values
		if h != nil {
			values = strings.ReplaceAll(values, "`max_dimension`", strconv.Itoa(h.config.MaxDimension))
		}
		row := pageOption{Name: p.Name, Doc: codeHTML(p.Doc), Values: codeHTML(values)}
		if p.Example != "" && len(names) > 0 && !(strings.Contains(p.Example, "wm=") && len(h.config.Watermarks) == 0) {
			sample := names[0]
			if i := slices.IndexFunc(names, func(n string) bool { return path.Base(n) == p.Sample }); i >= 0 {
				sample = names[i]
			}
			base := "../" + (&url.URL{Path: path.Join(h.config.Prefix, sample)}).EscapedPath()
			row.Example = "?" + p.Example
			row.Before = base + "?w=120&h=120&fit=contain"
			row.After = base + "?" + strings.NewReplacer("%", "%25", " ", "+").Replace(p.Example)
		}
		groups[i].Rows = append(groups[i].Rows, row)
	}
	return groups
}

// codeHTML escapes a text of the reference; what stands between backticks is
// code.
func codeHTML(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			b.WriteString("<code>" + template.HTMLEscapeString(part) + "</code>")
			continue
		}
		b.WriteString(template.HTMLEscapeString(part))
	}
	return template.HTML(b.String())
}

// pageQueries are what the page asks a handler for by itself; its bounds allow them.
type pageQueries struct {
	Thumbnail string `json:"thumbnail"`
	Original  string `json:"original"` // the whole picture, not much larger than a screen
	First     string `json:"first"`    // what one begins with
}

// pageQueries returns those of a handler: where it has some sizes only, the nearest
// of them, and where it has presets only, the first of those.
func (h *reader) pageQueries() pageQueries {
	switch {
	case h.config.PresetsOnly && len(h.presets) > 0:
		preset := url.Values{config.PresetParam: {sortedKeys(h.presets)[0]}}.Encode()
		return pageQueries{Thumbnail: preset, First: preset}
	case h.bounds.sizes != nil:
		return pageQueries{
			Thumbnail: sizeQuery(nearestSize(h.bounds.sizes, 160)),
			Original:  sizeQuery(nearestSize(h.bounds.sizes, 1200)),
			First:     sizeQuery(nearestSize(h.bounds.sizes, 600)),
		}
	}
	q := pageQueries{Thumbnail: h.bounds.countedQuery("w=160", "h=160"), Original: h.bounds.countedQuery("w=1200"), First: h.bounds.countedQuery("w=600")}
	if h.bounds.Counts("fit") { // else both sides would cut the picture
		q.Original = h.bounds.countedQuery("w=1200", "h=1200", "fit=scale-down")
	}
	return q
}

// countedQuery returns the query of those pairs that count.
func (b *bounds) countedQuery(pairs ...string) string {
	return strings.Join(slices.DeleteFunc(pairs, func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return !b.Counts(name)
	}), "&")
}

// nearestSize returns the box whose longer side is nearest to side.
func nearestSize(sizes [][2]int, side int) [2]int {
	return slices.MinFunc(sizes, func(a, b [2]int) int {
		far := func(size [2]int) int { return max(max(size[0], size[1])-side, side-max(size[0], size[1])) }
		return cmp.Compare(far(a), far(b))
	})
}

// sizeQuery asks for a box; a side of 0 is not given.
func sizeQuery(size [2]int) string {
	query := url.Values{}
	for i, name := range []string{"w", "h"} {
		if size[i] > 0 {
			query.Set(name, strconv.Itoa(size[i]))
		}
	}
	return query.Encode()
}

// ignored returns the parameters that have no effect in URLs of a handler.
func (h *reader) ignored() []string {
	names := []string{}
	for _, p := range Params() {
		if !h.bounds.Counts(p.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}
