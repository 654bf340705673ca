package server

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// maxSamples is how many pictures the page looks through for its examples.
const maxSamples = 24

// serveOptions answers with the page of all parameters, and what they do to
// pictures of the first handler whose sources can name some.
func (p *playground) serveOptions(w http.ResponseWriter, r *http.Request) {
	groups := optionGroups(nil, nil)
	for _, h := range p.handlers() {
		if !h.bounds.All() {
			continue // most of what there is to see is not allowed here
		}
		samples, err := p.ask(r, question{handler: h, samples: true})
		if errors.Is(err, errRate) {
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
