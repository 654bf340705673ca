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
			return &mark{name: w.Object, bucket: bucket, busy: make(chan struct{}, 1), log: log.With("watermark", name)}
		}
		if w.File == "" {
			o.marks[name] = share(w.Object, open)
			continue
		}
		m := open()
		o.marks[name] = m
		data, err := c.ReadFile(w.File)
		if err == nil {
			err = m.set(data, "")
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

// A mark is one watermark.
type mark struct {
	name   string // in the bucket; "": a file, which is read
	bucket storage.Bucket
	log    *slog.Logger
	busy   chan struct{} // holds a value while the object is being read

	mu      sync.Mutex
	overlay *resize.Overlay // nil: not read yet; guarded by mu, as all below
	version string          // hash of the file
	etag    string          // of the object
	read    time.Time       // when the object was asked for
	fault   error           // of the last time; nil: none
	kept    *keptMark       // where the file is kept for the next start; nil: nowhere
}

// set makes data the watermark.
func (m *mark) set(data []byte, etag string) error {
	overlay, err := resize.NewOverlay(data)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.overlay, m.version, m.etag = overlay, hex.EncodeToString(sum[:16]), etag
	return nil
}

// state returns the watermark as it is known, and whether that is recent; err
// says why there is none.
func (m *mark) state() (w watermark, fresh bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	age := time.Since(m.read)
	switch {
	case m.name == "":
		return watermark{overlay: m.overlay, version: m.version}, true, nil
	case m.overlay != nil:
		return watermark{overlay: m.overlay, version: m.version}, age < watermarkTime, nil
	case m.fault != nil && age < watermarkPause:
		return watermark{}, true, m.fault
	}
	return watermark{}, false, nil
}

// A watermark is one version of a mark.
type watermark struct {
	overlay *resize.Overlay // nil: there is none
	version string
	fault   error // why there is none that is named
}

// errWatermark says that a watermark is not what the configuration takes it for.
var errWatermark = errors.New("the watermark cannot be used")

// get returns the watermark, after a look at the bucket now and then. While one
// caller looks, others get the version before; one that cannot be read anew
// stays. The error is that of the store or wraps errWatermark: the picture is not
// to blame.
func (m *mark) get(ctx context.Context) (watermark, error) {
	w, fresh, err := m.state()
	if fresh {
		return w, err
	}
	select {
	case m.busy <- struct{}{}:
	default:
		if w.overlay != nil {
			return w, nil
		}
		select {
		case m.busy <- struct{}{}:
		case <-ctx.Done():
			return watermark{}, ctx.Err()
		}
	}
	defer func() { <-m.busy }()
	if w, fresh, err = m.state(); fresh {
		return w, err
	}
	err = m.readObject(ctx)
	if err != nil && ctx.Err() != nil {
		return w, ctx.Err() // the caller has left: no fault of the store
	}
	if err != nil {
		if w.overlay == nil && storesTrouble(err) {
			m.restore()
		}
		if storesTrouble(err) || errors.Is(err, storage.ErrBusy) {
			err = fmt.Errorf("watermark: %w", err)
		} else {
			err = fmt.Errorf("%w: object %q: %v", errWatermark, m.name, err)
		}
		m.log.Warn("watermark not read", "error", err)
	}
	m.mu.Lock()
	m.read, m.fault = time.Now(), err
	m.mu.Unlock()
	w, _, err = m.state()
	return w, err
}

// readObject reads the object, unless it has not changed.
func (m *mark) readObject(ctx context.Context) error {
	object, err := m.bucket.Get(ctx, m.name)
	if err != nil {
		return err
	}
	defer object.Body.Close() // only read
	m.mu.Lock()
	same := m.overlay != nil && object.ETag != "" && object.ETag == m.etag && !m.kept.due()
	m.mu.Unlock()
	if same {
		return nil
	}
	data, err := object.ReadAll(maxWatermarkBytes)
	if err != nil {
		return err
	}
	if err := m.set(data, object.ETag); err != nil {
		return err
	}
	m.keep(data, object.Info)
	return nil
}

// known takes names that the configuration does not have out of the options:
// they count as absent.
func (o *overlays) known(options *resize.Options, note func(resize.Note)) {
	if name := options.Watermark.Name; name != "" && name != resize.NoWatermark && o.marks[name] == nil {
		note(resize.Note{Name: "wm", Value: name, Verdict: resize.Unreadable, Allowed: strings.Join(slices.Sorted(maps.Keys(o.marks)), ", ")})
		options.Watermark = resize.Watermark{}
	}
	if name := options.Text.Font; name != "" && o.fonts.byName[name] == nil && !resize.KnownFont(name) {
		note(resize.Note{Name: "txtfont", Value: name, Verdict: resize.Unreadable, Allowed: strings.Join(slices.Sorted(maps.Keys(o.fonts.byName)), ", ")})
		options.Text.Font = ""
	}
}

// prepare gives a request the watermark that its options name. Where objects
// may name one, it gets all of them: which one it will be is not known for a
// hit, so all are part of the key.
func (o *overlays) prepare(ctx context.Context, req *request, rules bool) (err error) {
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

// versions is what a cache key has to know of what is laid over a picture.
func (o *overlays) versions(req *request) []string {
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
