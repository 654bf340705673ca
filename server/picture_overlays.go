package server

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
	// watermarkTime is how long an object is taken for unchanged.
	watermarkTime = time.Minute
	// watermarkPause is how long the store is left alone after a fault.
	watermarkPause = 5 * time.Second
)

// overlays are the watermarks and fonts of a handler.
type overlays struct {
	marks map[string]*mark
	fonts *fonts
}

// newOverlays reads the watermarks that are files. Objects of the bucket are
// read when they are asked for: share gets one of that name, which Servers that
// follow each other have in common, or makes it; nil makes one.
func newOverlays(c *Config, h *HandlerConfig, bucket storage.Bucket, fonts *fonts, key string, log *slog.Logger, share func(name string, open func() *mark) *mark) (*overlays, error) {
	o := &overlays{marks: map[string]*mark{}, fonts: fonts}
	if share == nil {
		share = func(_ string, open func() *mark) *mark { return open() }
	}
	var faults config.Faults
	for name, w := range h.Watermarks {
		open := func() *mark {
			return newMark(w.Object, bucket, log.With("watermark", name))
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

// fonts are those of the configuration.
type fonts struct {
	byName map[string]*resize.Font
	hash   string // of all files, "" if there are none
}

func newFonts(c *Config) (*fonts, error) {
	f := &fonts{byName: map[string]*resize.Font{}}
	var faults config.Faults
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(c.Fonts)) {
		data, err := c.ReadFile(c.Fonts[name])
		if err == nil {
			f.byName[name], err = resize.ParseFont(data)
		}
		if err != nil {
			faults.Add("fonts."+name, "%v", err)
			continue
		}
		fmt.Fprintf(hash, "%s %d ", name, len(data))
		hash.Write(data)
	}
	if len(f.byName) > 0 {
		f.hash = hex.EncodeToString(hash.Sum(nil)[:16])
	}
	return f, faults.Join()
}

// A mark is one watermark: a file, which was read, or an object of a bucket.
type mark struct {
	file   watermark // without an overlay: it is an object
	name   string    // of the object
	bucket storage.Bucket
	log    *slog.Logger
	object refresh.Remote[watermark]

	mu   sync.Mutex
	kept *keptMark // where the object is kept for the next start; nil: nowhere; guarded by mu
}

// newMark returns the watermark that is an object of a bucket. While one caller looks
// at the bucket, others get the version before; one that cannot be read anew stays.
func newMark(name string, b storage.Bucket, log *slog.Logger) *mark {
	m := &mark{name: name, bucket: b, log: log}
	m.object = refresh.Remote[watermark]{Ask: m.ask, Age: watermarkTime, Pause: watermarkTime, FirstPause: watermarkPause}
	return m
}

// A watermark is one version of a mark.
type watermark struct {
	overlay *resize.Overlay // nil: there is none
	version string          // hash of the file
	etag    string          // of the object; "": a file, or not known
	fault   error           // why there is none that is named
}

// newWatermark reads the file of a watermark.
func newWatermark(data []byte) (watermark, error) {
	overlay, err := resize.NewOverlay(data)
	if err != nil {
		return watermark{}, err
	}
	sum := sha256.Sum256(data)
	return watermark{overlay: overlay, version: hex.EncodeToString(sum[:16])}, nil
}

// errWatermark says that a watermark is not what the configuration takes it for.
var errWatermark = errors.New("the watermark cannot be used")

// get returns the watermark, after a look at the bucket now and then. The error is
// that of the store or wraps errWatermark: the picture is not to blame.
func (m *mark) get(ctx context.Context) (watermark, error) {
	if m.file.overlay != nil {
		return m.file, nil
	}
	w, err := m.object.Get(ctx)
	if w == nil {
		return watermark{}, err
	}
	return *w, nil
}

// ask reads the object, unless it has not changed; of one that cannot be had, what is
// kept of it.
func (m *mark) ask(ctx context.Context, old *watermark) (watermark, error) {
	w, err := m.read(ctx, old)
	if err == nil || ctx.Err() != nil { // the caller has left: no fault of the store
		return w, err
	}
	if storesTrouble(err) || errors.Is(err, storage.ErrBusy) {
		err = fmt.Errorf("watermark: %w", err)
	} else {
		err = fmt.Errorf("%w: object %q: %v", errWatermark, m.name, err)
	}
	m.log.Warn("watermark not read", "error", err)
	if old == nil && storesTrouble(err) {
		if w, ok := m.restore(); ok {
			return w, nil
		}
	}
	return watermark{}, err
}

// read is ask of the bucket alone.
func (m *mark) read(ctx context.Context, old *watermark) (watermark, error) {
	object, err := m.bucket.Get(ctx, m.name)
	if err != nil {
		return watermark{}, err
	}
	defer object.Body.Close() // only read
	if old != nil && object.ETag != "" && object.ETag == old.etag && !m.keepDue() {
		return *old, nil
	}
	data, err := object.ReadAll(maxWatermarkBytes)
	if err != nil {
		return watermark{}, err
	}
	w, err := newWatermark(data)
	if err != nil {
		return watermark{}, err
	}
	w.etag = object.ETag
	m.keep(data, object.Info)
	return w, nil
}

// dropUnknown takes names that the configuration does not have out of the options:
// they count as absent.
func (o *overlays) dropUnknown(options *resize.Options, note func(resize.Note)) {
	if name := options.Watermark.Name; name != "" && name != resize.NoWatermark && o.marks[name] == nil {
		note(resize.Note{Name: "wm", Value: name, Verdict: resize.Unreadable, Allowed: strings.Join(append([]string{resize.NoWatermark}, slices.Sorted(maps.Keys(o.marks))...), ", ")})
		options.Watermark = resize.Watermark{}
	}
	if name := options.Text.Font; name != "" && o.fonts.byName[name] == nil && !resize.KnownFont(name) {
		note(resize.Note{Name: "txtfont", Value: name, Verdict: resize.Unreadable, Allowed: strings.Join(slices.Sorted(maps.Keys(o.fonts.byName)), ", ")})
		options.Text.Font = ""
	}
}

// load gives a request the watermark that its options name. Where objects
// may name one, it gets all of them: which one it will be is not known for a
// hit, so all are part of the key.
func (o *overlays) load(ctx context.Context, req *request, rules bool) (err error) {
	if m := o.marks[req.options.Watermark.Name]; m != nil {
		if req.watermark, err = m.get(ctx); err != nil {
			return err
		}
	}
	if rules {
		req.marks = map[string]watermark{}
		for name, m := range o.marks {
			w, err := m.get(ctx)
			w.fault = err // where it is named
			req.marks[name] = w
		}
	}
	return nil
}

// keyParts is what a cache key has to know of what is laid over a picture.
func (o *overlays) keyParts(req *request) []string {
	var v []string
	if req.watermark.version != "" {
		v = append(v, "watermark", req.watermark.version)
	}
	if req.options.Text.Text != "" && o.fonts.hash != "" {
		v = append(v, "fonts", o.fonts.hash)
	}
	if req.marks != nil {
		v = append(v, "rules")
		for _, name := range slices.Sorted(maps.Keys(req.marks)) {
			v = append(v, name, req.marks[name].version)
		}
	}
	return v
}
