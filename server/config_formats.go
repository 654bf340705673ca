package server

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"s3imageserver/resize"
)

// validateOutputFormats completes the list by OutputFormat.
func (h *HandlerConfig) validateOutputFormats(key string, faults *faults) {
	if len(h.OutputFormats) == 0 {
		h.OutputFormats = defaultOutputFormats
	}
	h.OutputFormats = slices.Clone(h.OutputFormats)
	for i, name := range h.OutputFormats {
		f := resize.FormatByName(name)
		if !f.Writable() {
			faults.add(key+".output_formats."+strconv.Itoa(i), "%q is not a format that can be written", name)
		}
		h.OutputFormats[i] = f.String()
	}
	if f := resize.FormatByName(h.OutputFormat); f.Writable() && !slices.Contains(h.OutputFormats, f.String()) {
		h.OutputFormats = append(h.OutputFormats, f.String())
	}
}

// writes reports whether results may be of that format.
func (h *HandlerConfig) writes(f resize.Format) bool {
	return slices.Contains(h.OutputFormats, f.String())
}

// qualities returns the qualities by format.
func (h *HandlerConfig) qualities() map[resize.Format]int {
	m := map[resize.Format]int{}
	for name, q := range h.Quality {
		m[resize.FormatByName(name)] = q
	}
	return m
}

// EncodingOf returns what the handler of that prefix encodes with. "" stands for
// the only handler; where there are none or several, for the defaults. A handler
// that there is not is an error.
func (c *Config) EncodingOf(prefix string) (resize.Quality, error) {
	i := slices.IndexFunc(c.Handlers, func(h HandlerConfig) bool { return h.Prefix == prefix })
	if prefix == "" && len(c.Handlers) == 1 {
		i = 0
	}
	switch {
	case i >= 0:
		return c.Handlers[i].encoding(), nil
	case prefix != "":
		return resize.Quality{}, fmt.Errorf("there is no handler %q", prefix)
	}
	return resize.Quality{WebPMethod: defaultWebPMethod, AVIFEffort: defaultAVIFEffort}, nil
}

// encoding returns what results are encoded with; the configuration is valid.
func (h *HandlerConfig) encoding() resize.Quality {
	return resize.Quality{WebPMethod: *h.WebPMethod, AVIFEffort: *h.AVIFEffort, Formats: h.qualities()}
}

// qualityKey returns what of the configuration changes results, for the cache
// key.
func (h *HandlerConfig) qualityKey() string {
	parts := []string{strconv.Itoa(h.AVIFPixels)}
	for f, q := range h.qualities() {
		parts = append(parts, f.String()+strconv.Itoa(q))
	}
	slices.Sort(parts[1:])
	return strings.Join(parts, " ")
}
