package server

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"

	"s3imageserver/server/config"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
)

// originalVariant is the variant of a kept source among the originals.
const originalVariant = "original"

func originalKey(req request) cache.Key {
	return cache.Key{Source: req.key.Source, Variant: originalVariant + ofVersion(req.delivery.Version)}
}

// noteOf encodes the user metadata of a source for cache entries, "" if there is none;
// metaOf decodes it.
func noteOf(m storage.Meta) string {
	if m == (storage.Meta{}) {
		return ""
	}
	return cache.Tuple(m.Focal, m.Crop, m.Quality, m.Watermark)
}

func metaOf(note string) storage.Meta {
	if p, ok := cache.Parts(note); ok && len(p) == 4 {
		return storage.Meta{Focal: p[0], Crop: p[1], Quality: p[2], Watermark: p[3]}
	}
	return storage.Meta{}
}

// open opens the source of a request, in the version that is asked for. With old, which
// was made of it, the error wraps storage.ErrNotModified if it is still the same. A cached
// original is used without a request while it is fresh, and after a conditional request
// while it is unchanged.
func (o *origin) open(ctx context.Context, req request, old *cache.Entry) (*storage.Object, error) {
	if version := req.delivery.Version; version != "" {
		if v, ok := o.bucket.(storage.Versioned); ok {
			return v.GetVersion(ctx, req.name, version)
		}
		return nil, errVersion
	}
	if old != nil && old.SourceETag != "" {
		object, err := storage.GetIfModified(ctx, o.bucket, req.name, storage.Info{ETag: old.SourceETag, ModTime: old.SourceModTime})
		if err == nil || len(o.sources) == 1 || !storage.Unreachable(err) || o.cache.Servable(req.key, old) {
			return object, err
		}
		return o.bucket.Get(ctx, req.name) // what is kept is too old: a later source may have it
	}
	original := o.original(req)
	if original == nil {
		return o.bucket.Get(ctx, req.name)
	}
	checked, ok := o.originals.checked.GetIfPresent(req.name)
	if !ok {
		checked = original.filled
	}
	if old == nil && time.Since(checked) < o.originalFresh() {
		return original.Object, nil
	}
	object, err := storage.GetIfModified(ctx, o.bucket, req.name, original.Info)
	if errors.Is(err, storage.ErrNotModified) {
		o.originals.checked.Set(req.name, time.Now())
		return original.Object, nil
	}
	_ = original.Body.Close() // only read
	return object, err
}

// openAgain returns the function that opens a source a second time, nil if it is in
// memory. If it has changed meanwhile, the error wraps [storage.ErrIncomplete]: a part of
// it has been used.
func (h *Handler) openAgain(ctx context.Context, req request, source *storage.Object) func() (io.ReadCloser, error) {
	get := func() (*storage.Object, error) { return h.open(ctx, req, nil) }
	if kept, ok := source.Body.(*keptBody); ok {
		if kept.inMemory {
			return nil
		}
		get = func() (*storage.Object, error) {
			if o := h.original(req); o != nil {
				return o.Object, nil
			}
			return nil, fmt.Errorf("%w: what was kept of it is gone", storage.ErrIncomplete)
		}
	}
	return func() (io.ReadCloser, error) {
		next, err := get()
		if err != nil {
			return nil, fmt.Errorf("source: %w", err)
		}
		if next.Info != source.Info {
			_ = next.Body.Close() // nothing of it is wanted
			return nil, fmt.Errorf("source: %w: it changed while it was read", storage.ErrIncomplete)
		}
		return next.Body, nil
	}
}

// originals is the cache of originals (sources).
type originals struct {
	disk *cache.Disk
	// checked is when the source of a name was last found unchanged, if that is later than
	// when it was cached.
	checked *otter.Cache[string, time.Time]
}

// newOriginals returns the cache of originals of a handler, nil without a folder. The
// times in checked survive a reload.
func (s *Server) newOriginals(h *Handler, disk *cache.Disk) *originals {
	if disk == nil {
		return nil
	}
	checked, _ := use(s, cache.Tuple("checked", h.id), func() (*otter.Cache[string, time.Time], func() error, error) { // has no errors
		return otter.Must(&otter.Options[string, time.Time]{MaximumSize: 64 << 10}), nil, nil
	})
	return &originals{disk, checked}
}

// An original is an opened one.
type original struct {
	*storage.Object
	filled time.Time
}

// original opens the kept source of a request, nil if there is none.
func (o *origin) original(req request) *original {
	if o.originals == nil {
		return nil
	}
	e, size, body, err := o.cache.OpenOriginal(originalKey(req))
	if err != nil {
		return nil // it is fetched, and kept again
	}
	info := storage.Info{Size: size, ETag: e.SourceETag, ModTime: e.SourceModTime, Meta: metaOf(e.SourceNote)}
	return &original{&storage.Object{Info: info, Body: &keptBody{ReadCloser: body}}, e.Filled}
}

// originalFresh returns how long a cached original is used without checking its source.
func (o *origin) originalFresh() time.Duration {
	if o.config.Revalidate > 0 {
		return config.Seconds(o.config.Revalidate)
	}
	if ttl := o.config.TTL(); ttl > 0 {
		return ttl
	}
	return config.ForeverSeconds * time.Second
}

// keepOriginal returns the function that caches a source while it is read, nil if it is
// not to be cached or is already.
func (o *origin) keepOriginal(ctx context.Context, req request, source *storage.Object) func([]byte) {
	if _, kept := source.Body.(*keptBody); kept || source.Stopgap != nil || o.originals == nil {
		return nil
	}
	info, began := source.Info, time.Now()
	return func(file []byte) {
		e := &cache.Entry{Body: file, SourceETag: info.ETag, SourceModTime: info.ModTime, SourceNote: noteOf(info.Meta), Filled: began}
		o.putOriginal(ctx, req, e)
	}
}

func (o *origin) putOriginal(ctx context.Context, req request, e *cache.Entry) {
	if lifetime := o.config.Lifetime(); lifetime > 0 {
		e.KeepUntil = time.Now().Add(lifetime)
	}
	if err := o.cache.KeepOriginal(ctx, originalKey(req), e); err != nil && !cache.Paused(err) {
		o.log.Warn("original not cached", "name", req.name, "error", err)
	}
}

// A keptBody is the body of a cached original. It is safe for concurrent use: work that
// was abandoned may still read from it.
type keptBody struct {
	io.ReadCloser
	inMemory bool

	mu    sync.Mutex // held while it is read
	ended error      // of the last read
}

func (b *keptBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.ReadCloser.Read(p)
	b.ended = cmp.Or(b.ended, err)
	return n, err
}

// isDamaged reports whether the cached original is damaged: its checksum, which is known
// at the end, is wrong. It reads the rest.
func (b *keptBody) isDamaged() bool {
	_, _ = io.Copy(io.Discard, b) // the error is looked at below
	b.mu.Lock()
	defer b.mu.Unlock()
	return cache.Damaged(b.ended)
}

// derive renders the picture from the cache while the source cannot be fetched for the
// given reason: from the original, or from a variant that is large enough. The result is
// cached for seconds only.
func (h *Handler) derive(ctx context.Context, req request, reason error) (*cache.Entry, error) {
	object := h.keptSource(ctx, req)
	if object == nil {
		return nil, reason
	}
	defer object.Body.Close() // only read
	entry, err := h.resize(ctx, req, object)
	if kept, ok := object.Body.(*keptBody); ok && kept.isDamaged() {
		return nil, reason
	}
	if err != nil {
		return nil, errors.Join(reason, fmt.Errorf("made of what is kept: %w", err))
	}
	h.log.Warn("made from a cached original: the source cannot be fetched", "name", req.name, "error", reason)
	entry.SourceETag, entry.SourceModTime = object.ETag, object.ModTime
	entry.Derived = true
	return entry, nil
}

// keptSource returns a cached original or variant from which a request can be rendered,
// nil if there is none.
func (h *Handler) keptSource(ctx context.Context, req request) *storage.Object {
	if o := h.original(req); o != nil {
		return o.Object
	}
	e := h.largerVariant(ctx, req)
	if e == nil {
		return nil
	}
	return &storage.Object{
		Info: storage.Info{Size: int64(len(e.Body)), ETag: e.SourceETag, ModTime: e.SourceModTime},
		Body: &keptBody{ReadCloser: io.NopCloser(bytes.NewReader(e.Body)), inMemory: true},
	}
}

// keeps reports whether keptSource would return one.
func (h *Handler) keeps(ctx context.Context, req request) bool {
	object := h.keptSource(ctx, req)
	if object != nil {
		_ = object.Body.Close() // nothing of it was read
	}
	return object != nil
}

// largerVariant returns the smallest cached variant of the whole picture from which req
// can be rendered, nil if there is none.
func (h *Handler) largerVariant(ctx context.Context, req request) *cache.Entry {
	if !req.options.Derivable() {
		return nil
	}
	var best *cache.Entry
	for _, k := range h.cache.Variants(ctx, req.key.Source) {
		have, ok := variantOptions(k.Variant, req.delivery.Version)
		if !ok || !have.Whole() {
			continue
		}
		e := h.cache.Kept(k)
		if e == nil || e.SourceNote != "" || best != nil && len(e.Body) >= len(best.Body) || !h.resizer.Covers(e.Body, req.options) {
			continue
		}
		best = e
	}
	return best
}
