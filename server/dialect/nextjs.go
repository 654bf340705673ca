package dialect

import (
	"errors"
	"image"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"s3imageserver/resize"
)

// next is what URLs of Next.js say about sizes: a width that enlarges nothing.
type next struct{ Width int }

// nextSizes are the deviceSizes and imageSizes that Next.js has by itself.
var nextSizes = []int{16, 32, 48, 64, 96, 128, 256, 384, 640, 750, 828, 1080, 1200, 1920, 2048, 3840}

const (
	nextPath     = "/_next/image"
	maxNextBytes = 3072 // of a source
)

// nextTexts are what it says of sources.
var nextTexts = map[Cause]string{
	NotPicture: "The requested resource isn't a valid image.",
	NotRead:    `"url" parameter is valid but image type is not allowed`,
	NoSource:   `"url" parameter is valid but upstream response is invalid`,
	Down:       `"url" parameter is valid but upstream response is invalid`,
	Slow:       `"url" parameter is valid but upstream response timed out`,
}

var wholeNumber = regexp.MustCompile(`^[0-9]+$`)

func checkNext(d *Dialect) error {
	for _, n := range d.config.Sizes {
		if n < 1 || n > longest {
			return errors.New("sizes: are not widths in pixels")
		}
	}
	for _, n := range d.config.Qualities {
		if n < 1 || n > 100 {
			return errors.New("qualities: are not 1 to 100")
		}
	}
	return nil
}

// parseNext reads /_next/image?url=&w=&q=. Its errors are those of Next.js, in
// the order of its checks.
func parseNext(d *Dialect, c *Call, r *Request) *Fault {
	if strings.TrimSuffix(c.Path, "/") != nextPath {
		return &Fault{Cause: BadURL, Status: 404, Text: "there is nothing but " + nextPath}
	}
	query, _ := url.ParseQuery(c.Query) // what cannot be read is not given
	fault := func(param, why string) *Fault {
		name := map[string]string{"url": `"url" parameter `, "w": `"w" parameter (width) `, "q": `"q" parameter (quality) `}[param]
		return &Fault{Cause: BadURL, Text: name + why}
	}
	given := func(param string) (string, *Fault) {
		switch v := query[param]; {
		case len(v) == 0 || len(v) == 1 && v[0] == "":
			return "", fault(param, "is required")
		case len(v) > 1:
			return "", fault(param, "cannot be an array")
		default:
			return v[0], nil
		}
	}
	text, f := given("url")
	if f != nil {
		return f
	}
	if why := d.nextSource(text, r); why != "" {
		return fault("url", why)
	}
	var n [2]int
	for i, param := range []string{"w", "q"} {
		text, f := given(param)
		if f != nil {
			return f
		}
		v, err := strconv.Atoi(text)
		ok := wholeNumber.MatchString(text) && err == nil && v > 0
		switch {
		case i == 0 && !ok:
			return fault(param, "must be an integer greater than 0")
		case i == 1 && (!ok || v > 100):
			return fault(param, "must be an integer between 1 and 100")
		}
		n[i] = v
	}
	for i, param := range []string{"w", "q"} {
		allowed := d.config.Sizes
		if allowed == nil {
			allowed = nextSizes
		}
		if i == 1 {
			if allowed = d.config.Qualities; allowed == nil {
				allowed = []int{75}
			}
		}
		if !slices.Contains(allowed, n[i]) {
			return fault(param, "of "+strconv.Itoa(n[i])+" is not allowed")
		}
	}
	r.shape = next{n[0]}
	r.format = format{plain: true, quality: n[1], lower: 20, raw: rawAnimated}
	r.format.format, _ = negotiated(c.Accept, &d.limits, true)
	r.Delivery.Vary = true
	r.Delivery.Disposition = "attachment"
	if strings.HasPrefix(text, "/_next/static/media/") {
		r.Delivery.Cache = "public, max-age=315360000, immutable"
	}
	name, _, _ := strings.Cut(text, "?")
	name, _, _ = strings.Cut(path.Base(name), ".")
	r.Delivery.FileName = name + ".*"
	return nil
}

// nextSource reads the source, and says why it is refused; "": it is not.
func (d *Dialect) nextSource(text string, r *Request) string {
	switch {
	case len(text) > maxNextBytes:
		return "is too long"
	case strings.HasPrefix(text, "//"):
		return "cannot be a protocol-relative URL (//)"
	case strings.HasPrefix(text, "/"):
		u, err := url.Parse(text)
		if err != nil {
			return "is not allowed"
		}
		decoded, err := unescape(u.Path)
		if err != nil {
			decoded = u.Path
		}
		if strings.Contains(decoded, nextPath) {
			return "cannot be recursive"
		}
		name := strings.TrimPrefix(u.Path, "/")
		r.Source = Source{Text: name, Name: name}
		if s, f := d.source(name, ""); f == nil && !scheme.MatchString(name) {
			r.Source = s // as source_map has it
		}
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "is invalid"
	}
	var f *Fault
	if r.Source, f = d.source(text, ""); f != nil {
		return "is not allowed"
	}
	return ""
}

func (n next) settle(p Picture, _ *Limits) (layout, *Fault) {
	l := whole(p.size())
	if n.Width < p.Width {
		l.scale(follow(p.size(), image.Pt(n.Width, 0), halfUp))
	}
	return l, nil
}

// FileNameOf returns the name of a result for Content-Disposition: the extension
// is that of its format where the dialect leaves it open.
func (d Delivery) FileNameOf(f resize.Format) string {
	name, open := strings.CutSuffix(d.FileName, ".*")
	if !open {
		return name
	}
	ext := f.String()
	if f == resize.JPEG {
		ext = "jpg"
	}
	return name + "." + ext
}
