package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"s3imageserver/resize"
	"s3imageserver/server/access"
	"s3imageserver/server/config"
	"s3imageserver/server/limits"
)

// bounds are what URLs may ask a handler for.
type bounds struct {
	config *BoundsConfig
	config.Counted
	sizes   [][2]int // of the boxes; nil: all
	blocked []*limits.Blocked
}

func newBounds(c *Config, h *HandlerConfig) (*bounds, error) {
	b := &bounds{config: &h.BoundsConfig, Counted: h.Counted()}
	for _, text := range h.AllowedSizes {
		if size, err := config.ParseSize(text); err == nil { // they were checked
			b.sizes = append(b.sizes, size)
		}
	}
	for i := range h.Blocked {
		list, err := limits.NewBlocked(c, &h.Blocked[i])
		if err != nil {
			return nil, fmt.Errorf("blocked: %w", err)
		}
		b.blocked = append(b.blocked, list)
	}
	return b, nil
}

// sizing are the parameters that make the box of a result.
var sizing = []string{"w", "h", "ar", "dpr", "zoom", "minw", "minh"}

// sized reports whether a query says anything about the size.
func sized(query url.Values) bool {
	for _, name := range sizing {
		if query.Get(name) != "" {
			return true
		}
	}
	return false
}

// settle rounds the size and the quality, or refuses a size, of options that
// came from a URL and no preset. before are the options without the hints of the
// client, that may not lead to a size of which there is none.
func (b *bounds) settle(req *request, before resize.Options, query url.Values, most int) error {
	o := &req.options
	hinted := o.Width != before.Width || o.Height != before.Height
	if b.config.Snap {
		if sized(query) || hinted {
			*o = o.Snap(b.config.SnapSizes, most)
		}
		if query.Get("q") != "" {
			o.Quality = resize.Step(o.Quality, b.config.SnapQualities)
		}
		for i, w := range req.widths {
			req.widths[i] = min(resize.Step(w, b.config.SnapSizes), most)
		}
		req.widths = slices.Compact(req.widths) // they are sorted
	}
	if b.sizes == nil {
		return nil
	}
	if req.widths != nil {
		req.widths = slices.DeleteFunc(req.widths, func(w int) bool { return !b.lists(scaledOptions(*o, w, [2]int{}, most)) })
		if len(req.widths) == 0 {
			return errSize
		}
		return nil
	}
	if hinted && !b.lists(*o) {
		o.Width, o.Height = before.Width, before.Height
	}
	unsized := o.Width == 0 && o.Height == 0
	if req.info == nil && (sized(query) || unsized) && !b.lists(*o) {
		return errSize
	}
	return nil
}

var errSize = fmt.Errorf("%w: the size is not one of allowed_sizes", errOption)

func (b *bounds) lists(o resize.Options) bool {
	return slices.Contains(b.sizes, [2]int{o.Width, o.Height})
}

// stepped reports whether results have only some of all sizes.
func (b *bounds) stepped() bool { return b.config.Snap || b.sizes != nil }

// refuse returns the error of a picture that is blocked.
func (b *bounds) refuse(name string, log limits.Logger) error {
	for _, list := range b.blocked {
		if list.Has(name, log) {
			return list.Err
		}
	}
	return nil
}

// checkReferer returns an error if a page may not show the pictures.
func (b *bounds) checkReferer(r *http.Request) error {
	if len(b.config.Referers) == 0 {
		return nil
	}
	text := r.Header.Get("Referer")
	if text == "" {
		if slices.Contains(b.config.Referers, "none") {
			return nil
		}
		return fmt.Errorf("%w: no page is named, and none is not one of referers", access.ErrVerification)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !config.HostIn(u.Hostname(), b.config.Referers) {
		return fmt.Errorf("%w: the page is not one of referers", access.ErrVerification)
	}
	return nil
}
