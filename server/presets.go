package server

import (
	"net/url"

	"s3imageserver/resize"
	"s3imageserver/server/config"
)

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
