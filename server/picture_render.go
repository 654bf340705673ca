package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"s3imageserver/resize"
	"s3imageserver/server/limits"
	"s3imageserver/server/metrics"
	"s3imageserver/server/overlays"
	"s3imageserver/server/queue"
	"s3imageserver/server/tracing"
	"s3imageserver/storage"
	"s3imageserver/storage/cache"
)

// render makes the picture of a cache miss. old, if not nil, is the stale entry. If the
// source cannot be fetched and old is too old, the picture is derived from other entries
// of the source.
func (h *Handler) render(ctx context.Context, req request, old *cache.Entry) (*cache.Entry, error) {
	entry, err := h.fill(ctx, req, old, func(ctx context.Context, source *storage.Object) (*cache.Entry, error) {
		return h.resize(ctx, req, source)
	})
	if err != nil && storage.Unreachable(err) && req.foreign == nil && !h.cache.Servable(req.key, old) {
		return h.derive(ctx, req, err)
	}
	return entry, err
}

// fill opens the source of a request and calls work to make an entry of it, unless the
// source is unchanged since old, if that is not nil.
func (h *Handler) fill(ctx context.Context, req request, old *cache.Entry, work func(context.Context, *storage.Object) (*cache.Entry, error)) (*cache.Entry, error) {
	turn, err := h.enter(ctx, &req, old)
	if err != nil {
		return nil, err
	}
	defer turn.End()
	entry, damaged, err := h.fillOnce(ctx, req, turn, old, work)
	if damaged { // it is gone: the source itself is asked for
		entry, _, err = h.fillOnce(ctx, req, turn, old, work)
	}
	if err != nil && req.delivery.Version != "" {
		err = versionError{err}
	}
	return entry, err
}

// fillOnce is fill without a second attempt. damaged reports that a cached original turned
// out to be damaged; the result must not be used then.
func (h *Handler) fillOnce(ctx context.Context, req request, turn *queue.Turn, old *cache.Entry, work func(context.Context, *storage.Object) (*cache.Entry, error)) (entry *cache.Entry, damaged bool, err error) {
	began := time.Now()
	_, opened := tracing.Span(ctx, metrics.Fetch.String())
	var source *storage.Object
	turned := turn.Lend(ctx, func() { source, err = h.open(ctx, req, old) })
	opened()
	if errors.Is(err, storage.ErrNotModified) {
		return nil, false, cache.ErrUnchanged
	}
	if err != nil {
		return nil, false, fmt.Errorf("source: %w", err)
	}
	defer source.Body.Close() // only read
	if turned != nil {
		return nil, false, turned
	}
	if source.Size == 0 {
		return nil, false, fmt.Errorf("source: %w", errEmpty)
	}
	if _, kept := source.Body.(*keptBody); !kept {
		source.Body = turn.Body(ctx, source.Body)
	}
	if source.Stopgap != nil && h.keeps(ctx, req) {
		return nil, false, fmt.Errorf("source: %w", source.Stopgap)
	}
	if source.Size > h.config.MaxSourceBytes {
		return nil, false, fmt.Errorf("source: %w: %d bytes, max_source_bytes is %d", storage.ErrTooLarge, source.Size, h.config.MaxSourceBytes)
	}
	fetched := time.Since(began)
	h.meters.Fetched(fetched)
	entry, err = work(ctx, source)
	if kept, ok := source.Body.(*keptBody); ok && kept.isDamaged() {
		return nil, true, err
	}
	if err != nil {
		return nil, false, err
	}
	entry.SourceETag, entry.SourceModTime, entry.SourceNote = source.ETag, source.ModTime, noteOf(source.Meta)
	entry.Timing = missTiming(fetched) + entry.Timing
	entry.Derived = source.Stopgap != nil
	return entry, false, nil
}

// errEmpty is that a source has no bytes.
var errEmpty = errors.New("the object is empty")

// A versionError is an error of a version of a source, which says nothing of the
// others.
type versionError struct{ error }

func (e versionError) Unwrap() error { return e.error }

// enter refuses requests beyond the rate of misses before the store is asked, and waits
// for a place in the queue; the turn ends when the work is done. Entries that are in the
// cache are revalidated even when the server is busy: that costs little.
func (m *maker) enter(ctx context.Context, req *request, old *cache.Entry) (*queue.Turn, error) {
	if old != nil {
		return &queue.Turn{}, nil
	}
	if err := m.resizer.Budget.Full(); err != nil {
		return nil, err
	}
	if m.misses != nil {
		if err := limits.Take(m.misses, limits.ErrMisses); err != nil {
			return nil, err
		}
	}
	if req.options.Slow() {
		return m.slowQueue.Enter(ctx)
	}
	return m.queue.Enter(ctx)
}

// resize makes the picture of an opened source.
func (h *Handler) resize(ctx context.Context, req request, source *storage.Object) (*cache.Entry, error) {
	if req.foreign != nil {
		return h.resizeForeign(ctx, req, source)
	}
	if err := h.applyObjectRules(&req, source.Meta); err != nil {
		return nil, err
	}
	began := time.Now()
	resizer := *h.resizer
	resizer.Watermark = req.watermark.Overlay
	result, err := resizer.Resize(ctx, resize.Source{Body: source.Body, Size: source.Size, Keep: h.keepOriginal(ctx, req, source), Again: h.openAgain(ctx, req, source)}, req.options)
	h.reused.made.Add(1)
	if err != nil {
		return nil, err
	}
	return h.resultEntry(ctx, began, result, source), nil
}

// resultEntry counts a result, and returns it as the cache has it.
func (m *maker) resultEntry(ctx context.Context, began time.Time, result *resize.Result, source *storage.Object) *cache.Entry {
	entry := cache.NewEntry(result.Body, result.Format.MediaType())
	entry.Unkept = result.Damaged
	entry.Timing = workTiming(result.Timing)
	m.meters.Made(result.Timing, source.Size)
	tracing.StageSpans(ctx, began, result.Timing)
	return entry
}

// missTiming and workTiming write where the time went, as in the header
// Server-Timing.
func missTiming(fetch time.Duration) string { return "cache;desc=miss" + stageTiming("fetch", fetch) }

func workTiming(t resize.Timing) string {
	return stageTiming("read", t.Read) + stageTiming("queue", t.Queue) + stageTiming("decode", t.Decode) + stageTiming("transform", t.Transform) + stageTiming("encode", t.Encode)
}

func stageTiming(name string, d time.Duration) string {
	return ", " + name + ";dur=" + strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', -1, 64)
}

// applyObjectRules applies the metadata of the object where the request has no such
// parameter: focal point, crop, quality and watermark. Unreadable metadata is ignored.
// This happens while a result is made, since the object is not known before: what a rule
// changes without a parameter in the key, it changes for all requests of that key alike.
func (m *maker) applyObjectRules(req *request, meta storage.Meta) error {
	if !m.config.ObjectRules || meta == (storage.Meta{}) {
		return nil
	}
	rules := resize.ParseOptions(func(name string) string {
		switch name {
		case "g":
			return focalPoint(meta.Focal)
		case "crop":
			return meta.Crop
		case "q":
			return meta.Quality
		case "wm":
			return meta.Watermark
		}
		return ""
	}, m.config.MaxDimension)
	o := &req.options
	if o.Gravity == (resize.Gravity{}) && o.Fit != resize.Pad { // a picture that is padded is not cut
		o.Gravity = rules.Gravity
	}
	if o.Crop == (resize.Crop{}) {
		o.Crop = rules.Crop
	}
	if o.Quality == 0 {
		o.Quality = rules.Quality
	}
	if rules.Watermark.Name == "" || rules.Watermark.Name == resize.NoWatermark || o.Watermark.Name != "" {
		return nil
	}
	o.Watermark.Name = rules.Watermark.Name
	m.overlays.DropUnknown(o, func(resize.Note) {
		m.log.Warn("the object names a watermark that is not in the configuration", "name", req.name, "watermark", rules.Watermark.Name)
	})
	if o.Watermark.Name == "" {
		return nil
	}
	if req.watermark = req.marks[o.Watermark.Name]; req.watermark.Overlay == nil {
		return cmp.Or(req.watermark.Fault, fmt.Errorf("%w: %q", overlays.ErrUnusable, o.Watermark.Name))
	}
	return nil
}

// focalPoint returns a focal point, or another gravity, as the parameter has it.
// "0.3,0.7" and "0.3:0.7" are focal points too.
func focalPoint(v string) string {
	x, y, ok := strings.Cut(strings.ReplaceAll(v, ",", ":"), ":")
	if !ok || strings.EqualFold(x, "fp") {
		return v
	}
	return "fp:" + strings.TrimSpace(x) + ":" + strings.TrimSpace(y)
}

// loadOverlays gives a request the watermark that its options name. Where objects may
// name one, it gets all of them: which one it will be is not known for a hit, so all are
// part of the key.
func (m *maker) loadOverlays(ctx context.Context, req *request) (err error) {
	if req.watermark, err = m.overlays.Get(ctx, req.options.Watermark.Name); err != nil {
		return err
	}
	if m.config.ObjectRules {
		req.marks = m.overlays.All(ctx)
	}
	return nil
}
