// Package dialect reads the URLs of other image servers, and says what they ask
// for in options of our own.
//
// It works in two steps. [Dialect.Parse] reads a URL and knows nothing of the
// picture: it gives the source and a [Request], whose [Request.Key] is the same
// for URLs that mean the same. [Dialect.Settle] takes a request and the header
// of the picture, does the dialect's own arithmetic of sizes, and gives
// [resize.Options]. What stands between the two, which picture a source is and
// who may ask for it, is the caller's.
package dialect

import (
	"fmt"
	"image"
	"net/url"
	"slices"
	"strings"
	"time"

	"s3imageserver/resize"
)

// A Dialect reads the URLs of one handler. It is safe for concurrent use.
type Dialect struct {
	row    *row
	config Settings
	limits Limits
	keys   *keys
	// presets are those of imgproxy, read.
	presets map[string][]imgproxyOption
}

// Limits are what a handler allows, whatever a URL asks for.
type Limits struct {
	// Dimension is the largest width and height that may be asked for; 0: any.
	Dimension int
	// Side and Pixels bound a result; 0: they do not.
	Side   int
	Pixels int64
	// Lossless bounds the pixels of a lossless WebP: a larger one is written with
	// the best quality instead; 0: it does not.
	Lossless int64
	// Formats are those that may be chosen for a client or named in a URL;
	// nil: all that can be written.
	Formats []resize.Format
	// Auto takes the newest format that a client accepts, where a URL names none
	// and its dialect does not choose by itself.
	Auto bool
	// Allowed are the names of options that URLs may use, in the dialect's own
	// words; nil: all. Only dialects whose options are named one by one have it.
	Allowed []string
	// Reach returns the object of the handler that a URL of http or https stands
	// for which source_map does not name, and whether it may be asked for; nil:
	// none may.
	Reach func(u *url.URL) (name string, ok bool)
}

func (l *Limits) writes(f resize.Format) bool {
	return f.Writable() && (l.Formats == nil || slices.Contains(l.Formats, f))
}

// lossy takes a lossless WebP back whose encoder would take longer than the
// handler allows.
func (l *Limits) lossy(size image.Point, q params) {
	f := resize.FormatByName(q.get("f"))
	webp := f == resize.WebP || f == resize.AutoWebP
	if q.get("lossless") == "true" && webp && l.Lossless > 0 && int64(size.X)*int64(size.Y) > l.Lossless {
		delete(q, "lossless")
		q.set("q", 100)
	}
}

// A row is one dialect of the table.
type row struct {
	name     string
	parse    func(d *Dialect, c *Call, r *Request) *Fault
	statuses statuses
	body     func(f *Fault) Answer
	signed   bool                   // its URLs have signatures
	quality  map[string]int         // by the name of a format: where a URL says none
	libaom   bool                   // its qualities of AVIF are those of libavif and libheif
	check    func(d *Dialect) error // the keys of its configuration that no other has; nil: it has none
}

// dialects are all that there are. To add one, write its file and its row.
var dialects = []row{
	{name: "imgproxy", libaom: true, parse: parseImgproxy, statuses: imgproxyStatuses, body: plainBody, signed: true,
		quality: map[string]int{"jpeg": 80, "webp": 79, "avif": 63}, check: checkImgproxy},
	{name: "thumbor", libaom: true, parse: parseThumbor, statuses: thumborStatuses, body: emptyBody, signed: true,
		quality: map[string]int{"jpeg": 80, "webp": 80, "avif": 80}, check: checkSecret},
	{name: "imagor", libaom: true, parse: parseThumbor, statuses: imagorStatuses, body: imagorBody, signed: true, check: checkSecret},
	{name: "nextjs", libaom: true, parse: parseNext, statuses: nextStatuses, body: plainBody, check: checkNext},
	{name: "cloudflare", parse: parseCloudflare, statuses: cloudflareStatuses, body: cloudflareBody,
		quality: map[string]int{"jpeg": 85, "webp": 85, "avif": 85}},
	{name: "iiif", parse: parseIIIF, statuses: iiifStatuses, body: plainBody},
	{name: "imgix", parse: parseImgix, statuses: imgixStatuses, body: plainBody, signed: true,
		quality: map[string]int{"jpeg": 75, "webp": 75, "avif": 75}},
	{name: "weserv", libaom: true, parse: parseWeserv, statuses: weservStatuses, body: weservBody,
		quality: map[string]int{"jpeg": 80, "webp": 80, "avif": 80}},
}

// Names returns the names of all dialects.
func Names() []string {
	var names []string
	for i := range dialects {
		names = append(names, dialects[i].name)
	}
	return names
}

// New returns the dialect of a configuration. The error says in words of the
// configuration what is wrong with it.
func New(c Settings, l Limits) (*Dialect, error) {
	i := slices.IndexFunc(dialects, func(r row) bool { return r.name == c.Name })
	if i < 0 {
		return nil, fmt.Errorf("name: %q is no dialect: %s", c.Name, strings.Join(Names(), ", "))
	}
	d := &Dialect{row: &dialects[i], config: c, limits: l}
	var err error
	if d.keys, err = newKeys(&c); err != nil {
		return nil, err
	}
	if err := d.config.validate(d.row); err != nil {
		return nil, err
	}
	if d.row.check != nil {
		if err := d.row.check(d); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Name returns the name of the dialect, as in the configuration.
func (d *Dialect) Name() string { return d.row.name }

// Signed reports whether URLs have to be signed in the dialect's own way.
func (d *Dialect) Signed() bool {
	return !d.config.Unsigned && (d.row.signed || d.row.name == "cloudflare" && d.config.Secret != "")
}

// A Call is a request as it arrived.
type Call struct {
	// Path is what stands behind the handler's prefix, and begins with a slash:
	// as it was sent, nothing decoded. Query is what stands behind "?".
	Path, Query string
	// Accept are the values of that header.
	Accept []string
	// Width and DPR are hints of the client; 0: none, or not obeyed.
	Width int
	DPR   float64
	// Now is the time that links are compared with.
	Now time.Time
}

// Kind is what is asked for.
type Kind uint8

const (
	Image Kind = iota
	Info       // JSON about the picture: [Dialect.Info]
	Base       // the address of the picture, which leads to its Info
)

func (k Kind) String() string { return [...]string{"image", "info", "base"}[k] }

// A Request is what a URL asks for, as far as that is known without the
// picture.
type Request struct {
	Source   Source
	Kind     Kind
	Delivery Delivery
	// Overlay is a watermark that the URL names; zero: none.
	Overlay Overlay

	shape  shape
	params params // of our own grammar: all that need no size
	format format
}

// A shape is what a dialect says about sizes. It is comparable, and has only
// plain values.
type shape interface {
	// settle returns what becomes of a picture.
	settle(p Picture, l *Limits) (layout, *Fault)
}

// Delivery is what a URL asks for that changes no pixels.
type Delivery struct {
	MaxAge  int       // seconds that others may keep it; -1: not said
	Expires time.Time // the end of the link; zero: none
	// Disposition is "attachment" or "inline", and FileName the name with it; both
	// may be empty.
	Disposition, FileName string
	// Vary says that the answer depends on Accept.
	Vary bool
	// Cache is a whole header Cache-Control; empty: none is given.
	Cache string
}

// An Overlay is a watermark that is named by its source.
type Overlay struct {
	Source Source
	// X and Y are pixels from the left or the top, from the other side if they
	// are negative.
	X, Y int
}

// Key returns what tells the result of a request from those of all others of
// the same source. URLs that mean the same have the same key.
func (r *Request) Key() string {
	return fmt.Sprintf("%T%+v %+v %+v %s", r.shape, r.shape, r.format, r.Overlay, r.params.encode())
}

// Options returns what a request says without a picture: all but sizes, format
// and quality.
func (r *Request) Options() resize.Options { return resize.ParseOptions(r.params.get, longest) }

// Parse reads a URL: what is wrong with it is a [*Fault]. The request of a
// fault is usable for nothing.
func (d *Dialect) Parse(c Call) (*Request, error) {
	r := &Request{params: params{}, Delivery: Delivery{MaxAge: -1}}
	if f := d.row.parse(d, &c, r); f != nil {
		return nil, d.fault(f)
	}
	r.params.normalise()
	return r, nil
}

// A Picture is what the header of a picture tells.
type Picture struct {
	Width, Height int // upright
	// Turned says that it is stored lying: with EXIF's orientations 5 to 8.
	Turned   bool
	Format   resize.Format
	Animated bool
	Alpha    bool // there may be transparency
	// Trimmed says that the edges have been cut that the URL wants to be cut, and
	// that the size is that of what is left.
	Trimmed bool
}

func (p Picture) size() image.Point { return image.Pt(p.Width, p.Height) }

// Settled is what a request makes of one picture.
type Settled struct {
	// Source says that the answer is the file itself.
	Source  bool
	Options resize.Options
	// Query are the options as parameters of our own URLs.
	Query string
	// Canonical is the path of IIIF's canonical URL, behind the identifier.
	Canonical string
}

// longest bounds the lengths of settled options; the limits of results are
// tighter.
const longest = 65535

// Settle says what is made of a picture. What cannot be made of it is a
// [*Fault].
func (d *Dialect) Settle(r *Request, p Picture) (Settled, error) {
	if p.Width <= 0 || p.Height <= 0 {
		return Settled{}, d.fault(&Fault{Cause: NotPicture})
	}
	if r.format.ofSource(p) {
		return Settled{Source: true}, nil
	}
	if o := r.params.get("orient"); o != "" && !p.Trimmed && (o >= "5") != p.Turned {
		p.Width, p.Height = p.Height, p.Width // orientations are 1 to 8
	}
	l, f := r.shape.settle(p, &d.limits)
	if f != nil {
		return Settled{}, d.fault(f)
	}
	l.shrink(&d.limits)
	q := r.params.clone()
	l.write(p, q)
	r.format.write(p, &d.limits, d.row, q)
	d.limits.lossy(l.size(), q)
	s := Settled{Options: resize.ParseOptions(q.get, longest)}
	s.Query = s.Options.String()
	if i, ok := r.shape.(iiif); ok {
		s.Canonical = i.canonical(p, &l, &d.limits)
	}
	return s, nil
}

// params are parameters of our own grammar.
type params map[string]string

func (p params) get(name string) string { return p[name] }

func (p params) set(name string, value any) { p[name] = fmt.Sprint(value) }

func (p params) clone() params {
	q := make(params, len(p)+8)
	for k, v := range p {
		q[k] = v
	}
	return q
}

// normalise gives parameters that say the same the same form, and leaves out
// those that say nothing.
func (p params) normalise() {
	text := resize.ParseOptions(p.get, longest).String()
	clear(p)
	for k, v := range resize.ParseQuery(text) {
		p[k] = v[0]
	}
}

func (p params) encode() string {
	q := url.Values{}
	for k, v := range p {
		q.Set(k, v)
	}
	return q.Encode()
}
