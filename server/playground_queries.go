package server

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"s3imageserver/server/config"
)

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
