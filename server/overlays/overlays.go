// Package overlays has what is laid over pictures: watermarks, which are files or objects
// of a bucket that are read again now and then, and fonts.
package overlays

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/config"
	"s3imageserver/server/refresh"
	"s3imageserver/storage"
)

const (
	maxWatermarkBytes = 10 << 20
	// MarkAge is how long an object is taken for unchanged.
	MarkAge = time.Minute
	// watermarkPause is how long the store is left alone after a fault.
	watermarkPause = 5 * time.Second
)

// Set are the watermarks and fonts of a handler.
type Set struct {
	marks map[string]*Mark
	Fonts *Fonts
}

// New reads the watermarks that are files. Objects of the bucket are
// read when they are asked for: share gets one of that name, which Servers that
// follow each other have in common, or makes it; nil makes one.
func New(c *config.Config, h *config.HandlerConfig, bucket storage.Bucket, fonts *Fonts, key string, log *slog.Logger, share func(name string, open func() *Mark) *Mark) (*Set, error) {
	o := &Set{marks: map[string]*Mark{}, Fonts: fonts}
	if share == nil {
		share = func(_ string, open func() *Mark) *Mark { return open() }
	}
	var faults config.Faults
	for name, w := range h.Watermarks {
		open := func() *Mark {
			return NewMark(w.Object, bucket, log.With("watermark", name))
		}
		if w.File == "" {
			o.marks[name] = share(w.Object, open)
			continue
		}
		m := open()
		o.marks[name] = m
		data, err := c.ReadFile(w.File)
		if err == nil {
			m.file, err = newWatermark(data)
		}
		if err != nil {
			faults.Add(key+".watermarks."+name+".file", "%v", err)
		}
	}
	return o, faults.Join()
}

// Fonts are those of the configuration.
type Fonts struct {
	ByName map[string]*resize.Font
	hash   string // of all files, "" if there are none
}

func NewFonts(c *config.Config) (*Fonts, error) {
	f := &Fonts{ByName: map[string]*resize.Font{}}
	var faults config.Faults
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(c.Fonts)) {
		data, err := c.ReadFile(c.Fonts[name])
		if err == nil {
			f.ByName[name], err = resize.ParseFont(data)
		}
		if err != nil {
			faults.Add("fonts."+name, "%v", err)
			continue
		}
		fmt.Fprintf(hash, "%s %d ", name, len(data))
		hash.Write(data)
	}
	if len(f.ByName) > 0 {
		f.hash = hex.EncodeToString(hash.Sum(nil)[:16])
	}
	return f, faults.Join()
}

// A Mark is one watermark: a file, which was read, or an object of a bucket.
type Mark struct {
	file   Watermark // without an overlay: it is an object
	name   string    // of the object
	bucket storage.Bucket
	log    *slog.Logger
	object refresh.Remote[Watermark]

	mu   sync.Mutex
	kept *keptMark // where the object is kept for the next start; nil: nowhere; guarded by mu
}

// NewMark returns the watermark that is an object of a bucket. While one caller looks
// at the bucket, others get the version before; one that cannot be read anew stays.
func NewMark(name string, b storage.Bucket, log *slog.Logger) *Mark {
	m := &Mark{name: name, bucket: b, log: log}
	m.object = refresh.Remote[Watermark]{Ask: m.ask, Age: MarkAge, Pause: MarkAge, FirstPause: watermarkPause}
	return m
}

// A Watermark is one version of a mark.
type Watermark struct {
	Overlay *resize.Overlay // nil: there is none
	version string          // hash of the file
	etag    string          // of the object; "": a file, or not known
	Fault   error           // why there is none that is named
}

// newWatermark reads the file of a watermark.
func newWatermark(data []byte) (Watermark, error) {
	overlay, err := resize.NewOverlay(data)
	if err != nil {
		return Watermark{}, err
	}
	sum := sha256.Sum256(data)
	return Watermark{Overlay: overlay, version: hex.EncodeToString(sum[:16])}, nil
}

// ErrUnusable says that a watermark is not what the configuration takes it for.
var ErrUnusable = errors.New("the watermark cannot be used")

// Get returns the watermark, after a look at the bucket now and then. The error is
// that of the store or wraps ErrUnusable: the picture is not to blame.
func (m *Mark) Get(ctx context.Context) (Watermark, error) {
	if m.file.Overlay != nil {
		return m.file, nil
	}
	w, err := m.object.Get(ctx)
	if w == nil {
		return Watermark{}, err
	}
	return *w, nil
}

// ask reads the object, unless it has not changed; of one that cannot be had, what is
// kept of it.
func (m *Mark) ask(ctx context.Context, old *Watermark) (Watermark, error) {
	w, err := m.read(ctx, old)
	if err == nil || ctx.Err() != nil { // the caller has left: no fault of the store
		return w, err
	}
	if storage.Unreachable(err) || errors.Is(err, storage.ErrBusy) {
		err = fmt.Errorf("watermark: %w", err)
	} else {
		err = fmt.Errorf("%w: object %q: %v", ErrUnusable, m.name, err)
	}
	m.log.Warn("watermark not read", "error", err)
	if old == nil && storage.Unreachable(err) {
		if w, ok := m.restore(); ok {
			return w, nil
		}
	}
	return Watermark{}, err
}

// read is ask of the bucket alone.
func (m *Mark) read(ctx context.Context, old *Watermark) (Watermark, error) {
	object, err := m.bucket.Get(ctx, m.name)
	if err != nil {
		return Watermark{}, err
	}
	defer object.Body.Close() // only read
	if old != nil && object.ETag != "" && object.ETag == old.etag && !m.keepDue() {
		return *old, nil
	}
	data, err := object.ReadAll(maxWatermarkBytes)
	if err != nil {
		return Watermark{}, err
	}
	w, err := newWatermark(data)
	if err != nil {
		return Watermark{}, err
	}
	w.etag = object.ETag
	m.keep(data, object.Info)
	return w, nil
}

// DropUnknown takes names that the configuration does not have out of the options:
// they count as absent.
func (o *Set) DropUnknown(options *resize.Options, note func(resize.Note)) {
	if name := options.Watermark.Name; name != "" && name != resize.NoWatermark && o.marks[name] == nil {
		note(resize.Note{Name: "wm", Value: name, Verdict: resize.Unreadable, Allowed: strings.Join(append([]string{resize.NoWatermark}, slices.Sorted(maps.Keys(o.marks))...), ", ")})
		options.Watermark = resize.Watermark{}
	}
	if name := options.Text.Font; name != "" && o.Fonts.ByName[name] == nil && !resize.KnownFont(name) {
		note(resize.Note{Name: "txtfont", Value: name, Verdict: resize.Unreadable, Allowed: strings.Join(slices.Sorted(maps.Keys(o.Fonts.ByName)), ", ")})
		options.Text.Font = ""
	}
}

// Has reports whether the configuration has a watermark of the name.
func (o *Set) Has(name string) bool { return o.marks[name] != nil }

// Get returns the watermark of the name, the zero value if the configuration has none.
// The errors are those of mark.get.
func (o *Set) Get(ctx context.Context, name string) (Watermark, error) {
	m := o.marks[name]
	if m == nil {
		return Watermark{}, nil
	}
	return m.Get(ctx)
}

// All returns all watermarks. One that cannot be read has its error in fault.
func (o *Set) All(ctx context.Context) map[string]Watermark {
	all := map[string]Watermark{}
	for name, m := range o.marks {
		w, err := m.Get(ctx)
		w.Fault = err
		all[name] = w
	}
	return all
}

// KeyParts returns what a cache key has to contain of what is laid over a picture: the
// versions of its watermark, of the fonts if it has a text, and of all watermarks that
// the object may name; nil: it may name none.
func (o *Set) KeyParts(w Watermark, text string, may map[string]Watermark) []string {
	var v []string
	if w.version != "" {
		v = append(v, "watermark", w.version)
	}
	if text != "" && o.Fonts.hash != "" {
		v = append(v, "fonts", o.Fonts.hash)
	}
	if may != nil {
		v = append(v, "rules")
		for _, name := range slices.Sorted(maps.Keys(may)) {
			v = append(v, name, may[name].version)
		}
	}
	return v
}
