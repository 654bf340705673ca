package server

import (
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"s3imageserver/resize"
	"s3imageserver/server/config"
)

// A parsedQuery is the parsed query of a URL for a handler, the same for all clients.
// Requests share it and change nothing in it but the text.
type parsedQuery struct {
	sent     url.Values // all parameters as they were sent, known and others
	query    url.Values // the same by their short names
	used     url.Values // those that the handler's bounds leave
	options  resize.Options
	delivery config.Delivery
	info     []string // fields that are asked for
	widths   []int    // of a <picture>
	refresh  bool
	dense    bool // the density of the screen is given
	wrong    refusedOptions
	trace    *queryTrace // nil: nobody asks how it was read

	text atomic.Pointer[optionsText] // of the last request
}

// An optionsText is what [resize.Options.String] returned, and the Variant of the
// key where nothing is laid over the picture: all requests of a query are for one
// version and one handler.
type optionsText struct {
	options       resize.Options
	text, variant string
}

// textOf returns o.String(). u may be nil.
func (u *parsedQuery) textOf(o resize.Options) string {
	if u == nil {
		return o.String()
	}
	if t := u.text.Load(); t != nil && t.options == o {
		return t.text
	}
	t := &optionsText{options: o, text: o.String()}
	u.text.Store(t)
	return t.text
}

// variantOf returns the Variant of the last request if it was of these options, else
// what make returns. u may be nil.
func (u *parsedQuery) variantOf(o resize.Options, make func() string) string {
	if u == nil {
		return make()
	}
	if t := u.text.Load(); t != nil && t.options == o && t.variant != "" {
		return t.variant
	}
	t := &optionsText{o, u.textOf(o), make()}
	u.text.Store(t)
	return t.variant
}

// parseQuery parses a query. Most queries are repeated for many names: short ones are
// cached.
func (h *reader) parseQuery(raw string) *parsedQuery {
	if u, ok := h.queries.GetIfPresent(raw); ok {
		return u
	}
	u := &parsedQuery{sent: resize.ParseQuery(raw)}
	u.query = config.ShortNames(u.sent)
	if explain, _ := strconv.ParseBool(u.query.Get(config.ExplainParam)); explain { // unreadable: no
		u.trace = &queryTrace{read: map[string]resize.Note{}, unknown: map[string]resize.Note{}}
	}
	u.used = h.bounds.Narrow(u.query, u.notes(u.trace.ignore))
	params := config.LayersOf(h.presets, h.config.DefaultPreset, u.used, u.notes(u.trace.ignore))
	u.trace.layered(params)
	u.options = resize.ExplainOptions(params.Get, h.config.MaxDimension, u.notes(u.trace.option))
	if !h.config.ObjectRules {
		u.options.Gravity, u.options.Crop = u.options.Gravity.Settled(), u.options.Crop.Settled()
	}
	u.delivery = config.ParseDelivery(params.Get, u.wrong.note)
	u.dense = params.Get(resize.DensityParam) != ""
	u.info = resize.ParseDetails(params.Get(config.InfoParam))
	u.readWidths(params.Get(config.SrcsetParam), h.config.MaxDimension)
	u.refresh = params.Get(config.RefreshParam) == "1"
	h.unreadable(params.Get, u)
	if h.config.StrictOptions {
		u.wrong = append(u.wrong, config.Unknown(u.query)...)
	}
	h.overlays.DropUnknown(&u.options, u.notes(u.trace.unknownName))
	if !h.config.ObjectRules && u.options.Watermark.Name == resize.NoWatermark {
		u.options.Watermark = resize.Watermark{} // nobody else has a say
	}
	if len(raw) <= longestKept && !u.query.Has(config.TokenParam) { // tokens are kept nowhere
		h.queries.Set(raw, u)
	}
	return u
}

// unreadable notes parameters that this handler cannot read.
func (h *reader) unreadable(get func(string) string, u *parsedQuery) {
	check := func(name string, readable bool, verdict resize.Verdict, first string, others ...string) {
		if v := get(name); v != "" && !readable {
			u.wrong.note(resize.Note{Name: name, Value: v, Verdict: verdict, Allowed: first + ", " + strings.Join(others, ", ")})
		}
	}
	f := u.options.Format
	check("f", f == resize.NoFormat || f.IsAuto() || h.config.Writes(f), resize.NotEnabled, "auto", h.config.OutputFormats...) // what is no format has been noted
	check(config.InfoParam, resize.KnownDetails(get(config.InfoParam)), resize.Unreadable, "1", resize.DetailFields()...)
	as := get(config.AsParam)
	check(config.AsParam, strings.EqualFold(as, config.AsHTML) || strings.EqualFold(as, config.AsJSON), resize.Unreadable, config.AsHTML, config.AsJSON)
}

// readWidths reads the widths of a <picture>, and notes what it cannot read.
func (u *parsedQuery) readWidths(list string, most int) {
	if list == "" {
		return
	}
	var verdict resize.Verdict
	u.widths, verdict = parseWidths(list, most)
	u.wrong.note(resize.Note{Name: config.SrcsetParam, Value: list, Verdict: verdict, Used: joinWidths(u.widths)})
}

// What is remembered of queries, about 3 kB for each.
const (
	mostQueries = 512
	longestKept = 256 // bytes
)

func newQueries() *otter.Cache[string, *parsedQuery] {
	return otter.Must(&otter.Options[string, *parsedQuery]{MaximumSize: mostQueries})
}

// notes returns what gets notes about a query: what strict_options refuses, and the
// trace.
func (u *parsedQuery) notes(traced func(resize.Note)) func(resize.Note) {
	return func(n resize.Note) {
		u.wrong.note(n)
		traced(n)
	}
}

// refusedOptions joins what strict_options refuses.
type refusedOptions []string

func (r *refusedOptions) note(n resize.Note) {
	if n.Verdict != resize.Used {
		*r = append(*r, n.String())
	}
}
