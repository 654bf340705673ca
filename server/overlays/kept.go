package overlays

import (
	"fmt"
	"io/fs"
	"time"

	"s3imageserver/storage"
	"s3imageserver/storage/cache"
)

// markVariant is the variant of a watermark's file among the results.
const markVariant = "watermark"

// A keptMark is the place on disk for the file of a watermark. Pictures with it
// are found by its version: without the file they would be lost after a restart
// for as long as the store is down.
type keptMark struct {
	disk  *cache.Disk
	key   cache.Key
	ttl   time.Duration // how long it is kept; 0: for ever
	saved time.Time     // zero: not yet
}

// keepDue reports whether the file has to be kept again, before it is too old.
func (m *Mark) keepDue() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.kept
	return k != nil && (k.saved.IsZero() || k.ttl > 0 && time.Since(k.saved) > k.ttl/2)
}

// KeepOn lets the watermarks that are objects of a handler outlive the process, if the
// handler keeps results on disk; nil: it does not. They are kept for ttl, 0 is for ever.
// A purge of the object reaches them.
func (o *Set) KeepOn(disk *cache.Disk, ttl time.Duration, handler string) {
	kept := keptMark{disk: disk, ttl: ttl}
	for _, m := range o.marks {
		if m.file.Overlay != nil {
			continue
		}
		mine := kept
		mine.key = cache.Key{Source: cache.SourceOf(handler, m.name), Variant: markVariant}
		m.mu.Lock()
		if m.kept != nil && m.kept.disk == disk {
			mine.saved = m.kept.saved
		}
		if m.kept = &mine; disk == nil { // that of the Server before is closed soon
			m.kept = nil
		}
		m.mu.Unlock()
	}
}

// keep puts the file, which was read just now, on disk.
func (m *Mark) keep(data []byte, info storage.Info) {
	m.mu.Lock()
	kept := m.kept
	m.mu.Unlock()
	if kept == nil {
		return
	}
	e := cache.NewEntry(data, "application/octet-stream")
	e.SourceETag, e.SourceModTime = info.ETag, info.ModTime
	if kept.ttl > 0 {
		e.KeepUntil = time.Now().Add(kept.ttl)
	}
	if err := kept.disk.Put(kept.key, e); err != nil {
		if !cache.Paused(err) {
			m.log.Warn("watermark not cached", "error", err)
		}
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	kept.saved = time.Now()
}

// restore returns what was kept, if there is something.
func (m *Mark) restore() (w Watermark, ok bool) {
	m.mu.Lock()
	kept := m.kept
	m.mu.Unlock()
	if kept == nil {
		return w, false
	}
	e, err := kept.disk.Get(kept.key)
	if err == nil && !e.KeepUntil.IsZero() && time.Now().After(e.KeepUntil) {
		err = fmt.Errorf("%w: it is too old", fs.ErrNotExist)
	}
	if err == nil {
		w, err = newWatermark(e.Body)
	}
	if err != nil {
		m.log.Info("there is no cached copy of the watermark", "error", err)
		return w, false
	}
	w.etag = e.SourceETag
	return w, true
}
