package config

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/dialect"
)

// ErrNeedsSize says that what a URL asks for depends on the size of the picture.
var ErrNeedsSize = errors.New("what it asks for depends on the size of the picture")

// ErrNoDialect says that no handler reads a URL as that of another server.
var ErrNoDialect = errors.New("no handler with a dialect reads it")

// A Translation is a URL of another server on its way to one of our own.
type Translation struct {
	// Dialect is the server whose URL it is, Name the object that it stands for.
	Dialect, Name string
	// Prefix is that of the handler that answers our own URL. Answered says that
	// the configuration has it; else it is the name of the handler with the
	// dialect, which would answer if it had none.
	Prefix   string
	Answered bool
	// Route is where the handler with the dialect is.
	Route string

	dialect *dialect.Dialect
	// free is dialect without the limits of the handler, which hold for URLs of our
	// own too.
	free    *dialect.Dialect
	request *dialect.Request
}

// Translate reads a URL of another server, whole or from the path on, as the
// handler does that answers it. Of clients it knows what is in header; nil means
// nothing. Errors wrap [ErrNoDialect], or say what is wrong with the URL.
func (c *Config) Translate(text string, header http.Header) (*Translation, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("translate: %w", err)
	}
	h := c.handlerOf(u)
	if h == nil || h.Dialect == nil {
		return nil, fmt.Errorf("translate: %s: %w", text, ErrNoDialect)
	}
	d, err := h.NewDialect()
	if err != nil {
		return nil, fmt.Errorf("translate: %w", err)
	}
	free, err := dialect.New(*h.Dialect, dialect.Limits{Formats: FormatsOf(h.OutputFormats)})
	if err != nil {
		return nil, fmt.Errorf("translate: %w", err)
	}
	// The path as it stands in the text: signatures are over that.
	raw, _, _ := strings.Cut(text[strings.Index(text, u.Host)+len(u.Host):], "?")
	raw, _, _ = strings.Cut(raw, "#")
	r, err := d.Parse(dialect.Call{
		Path: "/" + strings.TrimPrefix(raw, h.Route()), Query: u.RawQuery, Accept: header.Values("Accept"), Now: time.Now(),
	})
	if err != nil {
		return nil, fmt.Errorf("translate: %s: %w", text, err)
	}
	t := &Translation{Dialect: d.Name(), Name: r.Source.Name, Prefix: h.Name, Route: h.Route(), dialect: d, free: free, request: r}
	if r.Kind != dialect.Image {
		return nil, fmt.Errorf("translate: %s: it asks for information, not for a picture", text)
	}
	if t.Prefix == "" {
		t.Prefix = "h"
	}
	for i := range c.Handlers {
		if o := &c.Handlers[i]; o.Dialect == nil && SameStore(o, h) {
			t.Prefix, t.Answered = o.Prefix, true
			break
		}
	}
	return t, nil
}

// SameStore reports whether two handlers have the same pictures under the same
// names.
func SameStore(a, b *HandlerConfig) bool {
	return a.Bucket == b.Bucket && reflect.DeepEqual(a.AWS, b.AWS) && reflect.DeepEqual(a.Source, b.Source) && reflect.DeepEqual(a.Sources, b.Sources)
}

// Path returns the path of our own URL, escaped.
func (t *Translation) Path() string {
	return (&url.URL{Path: "/" + t.Prefix + "/" + t.Name}).EscapedPath()
}

// URL returns our own URL for a picture of that upright size and of that
// format, as resize names it; an empty one is that of the extension. Width and
// height 0 mean that the size is not known: an error that wraps [ErrNeedsSize]
// says that it is needed.
//
// An answer that is the file itself has no URL: that is an error.
func (t *Translation) URL(width, height int, format string) (string, error) {
	p := dialect.Picture{Width: width, Height: height, Format: resize.FormatByName(format)}
	if p.Format == resize.NoFormat {
		p.Format = resize.FormatByName(strings.TrimPrefix(path.Ext(t.Name), "."))
	}
	if p.Format == resize.NoFormat {
		p.Format = resize.JPEG
	}
	if width > 0 && height > 0 {
		query, err := settle(t.dialect, t.request, p)
		if err != nil {
			return "", err
		}
		return t.Path() + word(query != "", "?") + query, nil
	}
	query, err := t.anySize(p)
	if err != nil {
		return "", err
	}
	return t.Path() + word(query != "", "?") + query, nil
}

func word(is bool, text string) string {
	if is {
		return text
	}
	return ""
}

// settle returns the parameters for one picture.
func settle(d *dialect.Dialect, r *dialect.Request, p dialect.Picture) (string, error) {
	s, err := d.Settle(r, p)
	if err != nil {
		return "", fmt.Errorf("translate: %w", err)
	}
	if s.Source {
		return "", errors.New("translate: the URL asks for the unchanged file, which our URLs cannot do")
	}
	return s.Query, nil
}

// trialSizes are the sizes of pictures on which is tried whether parameters do
// the same as a URL: large and small, lying and upright, extreme ones that show
// the box, and such that fractions of a pixel come up.
var trialSizes = [][2]int{{4000, 3000}, {3000, 4000}, {2000, 2000}, {1000, 667}, {333, 1001}, {8000, 100}, {100, 8000}, {161, 97}, {40, 30}, {7, 9}, {1, 1}}

// anySize returns parameters that do the same for pictures of all sizes.
func (t *Translation) anySize(p dialect.Picture) (string, error) {
	var want []resize.Options
	var box [2]int
	try := func(sizes [][2]int) error {
		for _, size := range sizes {
			p.Width, p.Height = size[0], size[1]
			query, err := settle(t.free, t.request, p)
			if err != nil {
				return fmt.Errorf("%w: of one of %d x %d pixels there is none: %w", ErrNeedsSize, p.Width, p.Height, err)
			}
			o := parsed(query)
			want = append(want, o)
			result := resize.ResultSize(p.Width, p.Height, o)
			box = [2]int{max(box[0], result[0]), max(box[1], result[1])}
		}
		return nil
	}
	if err := try(trialSizes); err != nil {
		return "", err
	}
	// Pictures that are smaller than the box on one side, and a little smaller or larger.
	near := [][2]int{{2 * box[0], max(1, box[1]/2)}, {max(1, box[0]/2), 2 * box[1]}, {box[0] + 1, max(1, box[1]-1)}, {box[0] + 3, box[1] + 1}, box}
	near = slices.DeleteFunc(near, func(size [2]int) bool { return max(size[0], size[1]) > 8000 || size[0]*size[1] > 12e6 }) // those are cut off by limits
	if err := try(near); err != nil {
		return "", err
	}
	sizes := slices.Concat(trialSizes, near)
	if !slices.ContainsFunc(want, func(o resize.Options) bool { return o != want[0] }) {
		return want[0].String(), nil
	}
	for _, o := range guesses(want[0], box) {
		if like(o, want, sizes) {
			return o.String(), nil
		}
	}
	return "", fmt.Errorf("translate: %w", ErrNeedsSize)
}

// guesses are options that may do the same as those of one picture do, when the
// box is that of all results.
func guesses(o resize.Options, box [2]int) []resize.Options {
	query := resize.ParseQuery(o.String())
	for _, name := range []string{"w", "h", "fit", "enlarge", "g", "crop"} {
		query.Del(name)
	}
	var all []resize.Options
	for _, sides := range []url.Values{
		{}, {"w": {fmt.Sprint(box[0])}}, {"h": {fmt.Sprint(box[1])}}, {"w": {fmt.Sprint(box[0])}, "h": {fmt.Sprint(box[1])}},
	} {
		for _, fit := range []string{"contain", "cover", "pad", "stretch", "auto"} {
			for i := range 8 {
				q := maps.Clone(query)
				maps.Copy(q, sides)
				q.Set("fit", fit)
				q.Set("enlarge", strconv.FormatBool(i&1 != 0))
				q.Set("round", []string{"down", "near"}[i>>1&1])
				q.Set("g", []string{"", o.Gravity.String()}[i>>2])
				all = append(all, parsed(q.Encode()))
			}
		}
	}
	return all
}

// like reports whether options do for pictures of all sizes what those of each
// do: they keep the same part, and make the same of it.
func like(o resize.Options, want []resize.Options, sizes [][2]int) bool {
	for i, size := range sizes {
		if !resize.Same(size[0], size[1], o, want[i]) {
			return false
		}
	}
	return true
}

func parsed(query string) resize.Options {
	values := resize.ParseQuery(query)
	return resize.ParseOptions(values.Get, 65535)
}
