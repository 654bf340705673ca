package config

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"s3imageserver/resize"
)

// validateOutputFormats completes the list by OutputFormat.
func (h *HandlerConfig) validateOutputFormats(key string, faults *Faults) {
	if len(h.OutputFormats) == 0 {
		h.OutputFormats = DefaultOutputFormats
	}
	h.OutputFormats = slices.Clone(h.OutputFormats)
	for i, name := range h.OutputFormats {
		f := resize.FormatByName(name)
		if !f.Writable() {
			faults.Add(key+".output_formats."+strconv.Itoa(i), "%q is not a format that can be written", name)
		}
		h.OutputFormats[i] = f.String()
	}
	if f := resize.FormatByName(h.OutputFormat); f.Writable() && !slices.Contains(h.OutputFormats, f.String()) {
		h.OutputFormats = append(h.OutputFormats, f.String())
	}
}

// Writes reports whether results may be of that format.
func (h *HandlerConfig) Writes(f resize.Format) bool {
	return slices.Contains(h.OutputFormats, f.String())
}

// Qualities returns the qualities by format.
func (h *HandlerConfig) Qualities() map[resize.Format]int {
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
		return c.Handlers[i].Encoding(), nil
	case prefix != "":
		return resize.Quality{}, fmt.Errorf("there is no handler %q", prefix)
	}
	return resize.Quality{WebPMethod: defaultWebPMethod, AVIFEffort: defaultAVIFEffort}, nil
}

// Encoding returns what results are encoded with; the configuration is valid.
func (h *HandlerConfig) Encoding() resize.Quality {
	return resize.Quality{WebPMethod: *h.WebPMethod, AVIFEffort: *h.AVIFEffort, Formats: h.Qualities()}
}

// DefaultQuality returns the quality of a format where nothing else is said, 0
// for one that has none.
func DefaultQuality(f resize.Format) int {
	switch f {
	case resize.JPEG, resize.WebP, resize.AVIF:
		return 75
	}
	return 0
}

// AnyName stands for all names in AllowedFormats.
const AnyName = "*"

// AllowsName reports whether the extension of an object's name is one of AllowedFormats.
func (c *HandlerConfig) AllowsName(name string) bool {
	if slices.Contains(c.AllowedFormats, AnyName) {
		return true
	}
	ext := strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
	return ext != "" && slices.Contains(c.AllowedFormats, ext)
}

// ReadFormats returns the formats that a handler reads: those that extensions
// name, and where all names are allowed the usual ones too.
func (c *HandlerConfig) ReadFormats() []resize.Format {
	formats := FormatsOf(c.AllowedFormats)
	if slices.Contains(c.AllowedFormats, AnyName) {
		formats = append(formats, FormatsOf(defaultAllowedFormats)...)
		if c.Dialect != nil { // other servers read these by themselves
			formats = append(formats, resize.TIFF, resize.BMP, resize.ICO, resize.AVIF)
		}
	}
	return formats
}

// FormatsOf returns the formats that extensions name.
func FormatsOf(extensions []string) []resize.Format {
	var formats []resize.Format
	for _, ext := range extensions {
		if f := resize.FormatByName(ext); f != resize.NoFormat && !f.IsAuto() {
			formats = append(formats, f)
		}
	}
	return formats
}
