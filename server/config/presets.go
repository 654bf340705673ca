package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"s3imageserver/resize"
)

// Layers are parameters, of which later ones win.
type Layers []Layer

// A Layer is the parameters of one origin: of a preset, or of the URL.
type Layer struct {
	Preset  string // "": the URL
	Default bool   // the preset is the handler's default one
	Values  url.Values
}

// String names the origin.
func (l Layer) String() string {
	switch {
	case l.Default:
		return fmt.Sprintf("default_preset %q", l.Preset)
	case l.Preset != "":
		return fmt.Sprintf("preset %q", l.Preset)
	}
	return "URL"
}

// Get returns the first value of a parameter in the last layer that has it. An
// empty one there counts as absent, and hides those below.
func (l Layers) Get(name string) string {
	if len(l) == 1 { // most requests
		return l[0].Values.Get(name)
	}
	for _, layer := range slices.Backward(l) {
		if layer.Values.Has(name) {
			return layer.Values.Get(name)
		}
		if name == "fit" && layer.Values.Has("c") {
			return "" // they say the same, and fit would win
		}
	}
	return ""
}

// Origin names the layer that a parameter comes from, "" if none has it.
func (l Layers) Origin(name string) string {
	for _, layer := range slices.Backward(l) {
		if layer.Values.Has(name) {
			return layer.String()
		}
	}
	return ""
}

// Parameters returns the values of the parameters of a query for the handler of
// that prefix, presets included, as its requests have them; "" stands for no
// handler, which has the presets of the server. A preset or a handler that there
// is not is an error.
func (c *Config) Parameters(prefix string, query url.Values) (get func(name string) string, err error) {
	config := &HandlerConfig{}
	if prefix != "" {
		i := slices.IndexFunc(c.Handlers, func(h HandlerConfig) bool { return h.Prefix == prefix })
		if i < 0 {
			return nil, fmt.Errorf("there is no handler %q", prefix)
		}
		config = &c.Handlers[i]
	}
	var unknown []error
	refuse := func(n resize.Note) {
		unknown = append(unknown, fmt.Errorf("%s=%s: there is no such preset, or the parameter is not allowed", n.Name, n.Value))
	}
	l := LayersOf(PresetsOf(c, config), config.DefaultPreset, config.Counted().Narrow(query, refuse), refuse)
	return l.Get, errors.Join(unknown...)
}

// PresetsOf returns the presets of a handler: its own, and the server's where
// it has none of that name.
func PresetsOf(c *Config, h *HandlerConfig) map[string]url.Values {
	all := map[string]url.Values{}
	for _, presets := range []map[string]string{c.Presets, h.Presets} {
		for name, query := range presets {
			all[name] = ShortNames(resize.ParseQuery(query))
		}
	}
	return all
}

// validatePresets adds a fault for everything in a preset that is not a
// parameter with a value in range.
func validatePresets(presets map[string]string, max int, key string, faults *Faults) {
	for name, query := range presets {
		k := key + "presets." + name
		if name == "" || len(name) > 64 || strings.ContainsAny(name, ", \t\r\n.") {
			faults.Add(k, "%q is not a name of at most 64 letters", name)
		}
		values := ShortNames(resize.ParseQuery(query))
		for _, param := range slices.Sorted(maps.Keys(values)) {
			if !resize.KnownParam(param) && !presetPolicy(param) {
				faults.Add(k, "%q is no parameter that a preset may have", param)
			}
		}
		note := func(n resize.Note) {
			if n.Verdict != resize.Used {
				faults.Add(k, "%s=%s: %v", n.Name, n.Value, n)
			}
		}
		resize.ExplainOptions(values.Get, max, note)
		ParseDelivery(values.Get, note)
	}
}

// presetPolicy reports whether a preset may have a parameter that changes no
// pixels.
func presetPolicy(name string) bool { return name == DownloadParam || name == maxAgeParam }

// validatePresets checks the handler's own presets, and that its default one
// exists.
func (h *HandlerConfig) validatePresets(c *Config, key string, faults *Faults) {
	validatePresets(h.Presets, h.MaxDimension, key+".", faults)
	if name := h.DefaultPreset; name != "" && PresetsOf(c, h)[name] == nil {
		faults.Add(key+".default_preset", "there is no preset %q", name)
	}
	if h.PresetsOnly && len(c.Presets)+len(h.Presets) == 0 {
		faults.Add(key+".presets_only", "there is no preset")
	}
}

// LayersOf returns the parameters of a query with those of the presets that it
// names below them, and the default one at the bottom. Unknown presets are noted.
func LayersOf(presets map[string]url.Values, byDefault string, query url.Values, note func(resize.Note)) Layers {
	var l Layers
	names := []string{byDefault}
	if given := query.Get(PresetParam); given != "" {
		names = append(names, strings.Split(given, ",")...)
	}
	for i, name := range names {
		switch preset, ok := presets[name]; {
		case ok:
			l = append(l, Layer{name, i == 0, preset})
		case name != "":
			note(resize.Note{Name: PresetParam, Value: name, Verdict: resize.Unreadable, Allowed: cmp.Or(strings.Join(slices.Sorted(maps.Keys(presets)), ", "), "a name of presets, of which the configuration has none")})
		}
	}
	return append(l, Layer{Values: query})
}
