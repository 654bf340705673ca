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

// An understood query is what a URL's parameters say to a handler, whoever asks.
// Requests share it and change nothing in it but the text.
type understood struct {
	sent     url.Values // all parameters as they were sent, known and others
	query    url.Values // the same by their short names
	used     url.Values // those that the handler's bounds leave
	options  resize.Options
	delivery config.Delivery
	info     []string // fields that are asked for
	widths   []int    // of a <picture>
	refresh  bool
	explain  bool
	dense    bool // the density of the screen is given
	wrong    refused

	text atomic.Pointer[optionsText] // of the last request
}

// An optionsText is what [resize.Options.String] returned.
type optionsText struct {
	options resize.Options
	text    string
}

// textOf returns o.String(). u may be nil.
func (u *understood) textOf(o resize.Options) string {
	if u == nil {
		return o.String()
	}
	if t := u.text.Load(); t != nil && t.options == o {
		return t.text
	}
	t := &optionsText{o, o.String()}
	u.text.Store(t)
	return t.text
}

// understand reads the parameters of a query. Most queries are asked for again
// and again, with other names: short ones are remembered.
func (h *Handler) understand(raw string) *understood {
	if u, ok := h.queries.GetIfPresent(raw); ok {
		return u
	}
	u := &understood{sent: resize.ParseQuery(raw)}
	u.query = config.ShortNames(u.sent)
	u.used = h.bounds.Narrow(u.query, u.wrong.note)
	params := h.layers(u.used, u.wrong.note)
	u.options = resize.ExplainOptions(params.Get, h.config.MaxDimension, u.wrong.note)
	if !h.config.ObjectRules {
		u.options.Gravity, u.options.Crop = u.options.Gravity.Settled(), u.options.Crop.Settled()
	}
	u.delivery = config.ParseDelivery(params.Get, u.wrong.note)
	u.dense = params.Get(resize.DensityParam) != ""
	u.info = resize.ParseDetails(params.Get(config.InfoParam))
	u.readWidths(params.Get(config.SrcsetParam), h.config.MaxDimension)
	u.refresh = params.Get(config.RefreshParam) == "1"
	u.explain, _ = strconv.ParseBool(u.query.Get(config.ExplainParam)) // unreadable: no
	h.unreadable(params.Get, u)
	if h.config.StrictOptions {
		u.wrong = append(u.wrong, config.Unknown(u.query)...)
	}
	h.overlays.known(&u.options, u.wrong.note)
	if !h.config.ObjectRules && u.options.Watermark.Name == resize.NoWatermark {
		u.options.Watermark = resize.Watermark{} // nobody else has a say
	}
	if len(raw) <= longestKept && !u.query.Has(config.TokenParam) { // tokens are kept nowhere
		h.queries.Set(raw, u)
	}
	return u
}

// unreadable notes parameters that say nothing to this handler.
func (h *Handler) unreadable(get func(string) string, u *understood) {
	check := func(name string, readable bool, verdict resize.Verdict, allowed string) {
		if v := get(name); v != "" && !readable {
			u.wrong.note(resize.Note{Name: name, Value: v, Verdict: verdict, Allowed: allowed})
		}
	}
	f := u.options.Format
	check("f", f == resize.NoFormat || f.IsAuto() || h.config.Writes(f), resize.NotEnabled, "auto, "+strings.Join(h.config.OutputFormats, ", ")) // what is no format has been noted
	check(config.InfoParam, resize.KnownDetails(get(config.InfoParam)), resize.Unreadable, "1, "+strings.Join(resize.DetailFields(), ", "))
	as := get(config.AsParam)
	check(config.AsParam, strings.EqualFold(as, config.AsHTML) || strings.EqualFold(as, config.AsJSON), resize.Unreadable, config.AsHTML+", "+config.AsJSON)
}

// readWidths reads the widths of a <picture>, and notes what it cannot read.
func (u *understood) readWidths(list string, most int) {
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

func newQueries() *otter.Cache[string, *understood] {
	return otter.Must(&otter.Options[string, *understood]{MaximumSize: mostQueries})
}

// layers returns the parameters of a query with those of the presets that it
// names below them, and the handler's default one at the bottom. Unknown
// presets are noted.
func (h *Handler) layers(query url.Values, note func(resize.Note)) config.Layers {
	return config.LayersOf(h.presets, h.config.DefaultPreset, query, note)
}

// refused joins what strict_options refuses.
type refused []string

func (r *refused) note(n resize.Note) {
	if n.Verdict != resize.Used {
		*r = append(*r, n.String())
	}
}
