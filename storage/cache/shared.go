package cache

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"s3imageserver/storage"
)

// SharedConfig shapes a Shared. Zero fields mean the documented default.
type SharedConfig struct {
	// ID tells the store, bucket and prefix from others.
	ID string
	// Poll is the time between two looks for purges of other machines; default
	// 4 s.
	Poll time.Duration
	// Retention is how long a purge of a prefix is remembered in the bucket: at
	// least as long as entries are kept there, negative for ever. Default 30
	// days. Purges of names are remembered as long, but at most 30 days: for
	// machines with a disk tier that are away meanwhile.
	Retention time.Duration
	// QueueBytes bounds the entries that wait to be written; beyond it they are
	// not kept here. Default 64 MB.
	QueueBytes int64
	// Log gets the faults of the store, at most one a minute; default
	// slog.Default().
	Log *slog.Logger
}

const (
	defaultPoll       = 4 * time.Second
	defaultRetention  = 30 * 24 * time.Hour
	defaultQueueBytes = 64 << 20
	sharedWriters     = 4
	sharedTimeout     = 10 * time.Second // for one write or removal
	sharedReadTimeout = 3 * time.Second  // a fill does not wait longer
	maxSharedBytes    = 64 << 20         // of an entry
	// rememberWrites is how long this machine knows what it wrote: longer than
	// a fill takes, and than other machines need to hear of a purge.
	rememberWrites = 5 * time.Minute
	maxRemembered  = 64 << 10
	// maxWriteWait is how long after the source was read a result may begin to
	// be written: purges of names are looked at for longer.
	maxWriteWait = banNamesFor / 2
	maxLeft      = 4096
)

// Shared keeps entries as objects of a bucket that several machines share. The
// bucket's lifecycle rule removes them. It is safe for concurrent use, and by
// several caches.
//
// The entry of a key lies in v1/<source>/<variant>, both 128 bits of their
// SHA-256 in hexadecimal, in the format of the files of a [Disk]: so the
// variants of a source are found by the source. Purges lie in v1/purge/; see
// purgeLog.
type Shared struct {
	config SharedConfig
	store  storage.Store
	log    *purgeLog

	queue   chan *sharedWrite
	queued  atomic.Int64 // bytes
	writers sync.WaitGroup
	stop    context.CancelFunc // ends polling
	start   func()
	polling sync.WaitGroup
	wrote   *otter.Cache[string, struct{}] // sources of which this machine wrote entries lately

	mu         sync.Mutex
	followers  map[string]*Cache // by group; guarded by mu
	complained time.Time         // guarded by mu
	closed     bool              // guarded by mu; no write is queued after it
	// waiting are the writes that are queued or running; guarded by mu. A purge
	// marks them.
	waiting map[*sharedWrite]struct{}
	// left are objects that were purged while they were written, and could not
	// be removed afterwards; guarded by mu, at most maxLeft. Polls try again.
	left map[string]struct{}

	hits, writes, dropped, faults atomic.Uint64
}

type sharedWrite struct {
	key    Key
	entry  *Entry
	flight *flight
}

// OpenShared returns the tier in store. It sends nothing before it is used. The
// caller must Close it, after the caches that use it.
func OpenShared(store storage.Store, c SharedConfig) *Shared {
	if c.Poll <= 0 {
		c.Poll = defaultPoll
	}
	if c.Retention == 0 {
		c.Retention = defaultRetention
	}
	if c.QueueBytes <= 0 {
		c.QueueBytes = defaultQueueBytes
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &Shared{
		config:    c,
		store:     store,
		queue:     make(chan *sharedWrite, 4096),
		followers: map[string]*Cache{},
		waiting:   map[*sharedWrite]struct{}{},
		left:      map[string]struct{}{},
		wrote: otter.Must(&otter.Options[string, struct{}]{
			MaximumSize:      maxRemembered,
			ExpiryCalculator: otter.ExpiryWriting[string, struct{}](rememberWrites),
		}),
	}
	s.log = newPurgeLog(s)
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	s.start = sync.OnceFunc(func() { s.polling.Go(func() { s.log.run(ctx) }) })
	for range sharedWriters {
		s.writers.Go(s.write)
	}
	return s
}

// Start begins to follow the purges of other machines, when all caches that use
// the tier are there. It may be called again.
func (s *Shared) Start() { s.start() }

// Close writes what is queued, until ctx ends, and ends the background work.
func (s *Shared) Close(ctx context.Context) error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return nil
	}
	s.stop()
	close(s.queue)
	written := make(chan struct{})
	go func() { s.writers.Wait(); close(written) }()
	var err error
	select {
	case <-written:
	case <-ctx.Done():
		err = fmt.Errorf("cache: %d results not written to the shared bucket: %w", len(s.queue), ctx.Err())
	}
	s.polling.Wait()
	s.wrote.StopAllGoroutines()
	return err
}

// follow lets purges of other machines reach the tiers of c.
func (s *Shared) follow(group string, c *Cache) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.followers[group] = c
}

func (s *Shared) unfollow(group string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.followers, group)
}

func (s *Shared) follower(group string) *Cache {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.followers[group]
}

// disks returns the disk tiers of the followers, by group.
func (s *Shared) disks() map[string]*Disk {
	s.mu.Lock()
	defer s.mu.Unlock()
	disks := map[string]*Disk{}
	for group, c := range s.followers {
		if c.config.Disk != nil {
			disks[group] = c.config.Disk
		}
	}
	return disks
}

func sourceFolder(source string) string {
	return layout + "/" + hex.EncodeToString(sum128(source)) + "/"
}

func objectName(k Key) string { return sourceFolder(k.Source) + hex.EncodeToString(sum128(k.Variant)) }

// get returns the entry of k. The error wraps fs.ErrNotExist if there is none,
// or one that was purged. Before the first look for purges nothing is taken.
func (s *Shared) get(ctx context.Context, k Key) (*Entry, error) {
	if !s.log.ready() {
		return nil, fs.ErrNotExist
	}
	ctx, cancel := context.WithTimeout(ctx, sharedReadTimeout)
	defer cancel()
	data, info, err := storage.ReadAll(ctx, s.store, objectName(k), maxSharedBytes)
	if err != nil {
		return nil, err
	}
	e, err := unmarshal(k, data)
	if err != nil {
		s.faults.Add(1)
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err) // the fill that follows replaces it
	}
	if s.log.banned(k, info.ModTime.Add(-e.took)) {
		return nil, fs.ErrNotExist
	}
	s.hits.Add(1)
	return e, nil
}

// put queues the result of f.
func (s *Shared) put(k Key, e *Entry, f *flight) {
	size := int64(len(e.Body))
	if size > maxSharedBytes-maxFieldsBytes {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.queued.Load()+size > s.config.QueueBytes {
		s.dropped.Add(1)
		return
	}
	w := &sharedWrite{k, e, f}
	s.wrote.Set(k.Source, struct{}{}) // another machine's purge may come before it is written
	select {
	case s.queue <- w:
		s.queued.Add(size)
		s.waiting[w] = struct{}{}
	default:
		s.dropped.Add(1)
	}
}

// purgeWaiting marks the writes that are queued or running and that p is about.
// Every result passes from the flights of a cache to these without a gap, so a
// purge that marks flights first and then writes misses none; and what is no
// longer among them lies in the bucket, where remove finds it.
func (s *Shared) purgeWaiting(p Purge) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.waiting {
		if p.Matches(w.key) {
			w.flight.purged.Store(true)
		}
	}
}

// written takes w from the writes that a purge can mark, and reports whether
// one did.
func (s *Shared) written(w *sharedWrite) (purged bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, w)
	return w.flight.purged.Load()
}

// write writes what is queued until the queue is closed.
func (s *Shared) write() {
	for w := range s.queue {
		s.queued.Add(-int64(len(w.entry.Body)))
		ctx, cancel := context.WithTimeout(context.Background(), sharedTimeout)
		if err := s.writeOne(ctx, w); err != nil {
			s.complain("result not written to the shared cache", err)
		}
		cancel()
	}
}

func (s *Shared) writeOne(ctx context.Context, w *sharedWrite) error {
	age := time.Since(w.flight.began)
	if w.flight.purged.Load() || age > maxWriteWait {
		s.written(w)
		return nil
	}
	e := *w.entry
	// The object gets the store's time while it is written, nobody knows when: so
	// nobody takes the source for read later than it was.
	e.took = age + sharedTimeout
	s.wrote.Set(w.key.Source, struct{}{})
	name := objectName(w.key)
	err := s.store.Put(ctx, name, bytes.Join([][]byte{marshalHeader(w.key, &e), e.Body}, nil))
	if err == nil {
		s.writes.Add(1)
	}
	if s.written(w) { // also after an error: it may be there all the same
		s.removeLater(name)
		err = errors.Join(err, s.removeLeft())
	}
	return err
}

// removeLater notes that an object has to go.
func (s *Shared) removeLater(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.left) < maxLeft {
		s.left[name] = struct{}{}
	}
}

// removeLeft removes the objects that removeLater noted.
func (s *Shared) removeLeft() error {
	s.mu.Lock()
	names := slices.Collect(maps.Keys(s.left))
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), sharedTimeout)
	defer cancel()
	for _, name := range names {
		if err := s.store.Delete(ctx, name); err != nil {
			return err // the next poll tries again
		}
		s.mu.Lock()
		delete(s.left, name)
		s.mu.Unlock()
	}
	return nil
}

// remove deletes the objects that p is about and that can be found: those of
// one source; the others are banned by the purge log. If at is not zero, it is
// when p was, by the store's clock: objects that nobody takes for older than
// that stay.
func (s *Shared) remove(ctx context.Context, p Purge, at time.Time) (removed int, err error) {
	if p.Prefix {
		return 0, nil
	}
	var names []string
	err = s.store.Walk(ctx, sourceFolder(p.source()), "", func(name string, info storage.Info) error {
		if at.IsZero() || !info.ModTime.After(at.Add(storeTick+sharedTimeout)) {
			names = append(names, name)
		}
		return nil
	})
	errs := []error{err}
	for _, name := range names {
		if err := s.store.Delete(ctx, name); err != nil {
			errs = append(errs, err)
			continue
		}
		removed++
	}
	return removed, errors.Join(errs...)
}

// purge tells the other machines, then removes what can be found.
func (s *Shared) purge(ctx context.Context, purges []Purge) (removed int, err error) {
	var errs []error
	for some := range slices.Chunk(purges, purgesPerMarker) {
		errs = append(errs, s.log.add(ctx, some))
	}
	for _, p := range purges {
		n, err := s.remove(ctx, p, time.Time{})
		removed += n
		errs = append(errs, err)
	}
	return removed, errors.Join(errs...)
}

// heard applies a purge of another machine, made at that time by the store's
// clock, to the followers of its group, and to what this machine wrote before
// it knew.
func (s *Shared) heard(ctx context.Context, p Purge, at time.Time) error {
	c := s.follower(p.Group)
	if c == nil {
		s.purgeWaiting(p)
		return nil
	}
	_, err := c.purgeHere(ctx, p)
	if _, ok := s.wrote.GetIfPresent(p.source()); ok && !p.Prefix {
		_, fault := s.remove(ctx, p, at)
		err = errors.Join(err, fault)
	}
	return err
}

// complain logs a fault of the store, at most one a minute.
func (s *Shared) complain(text string, err error) {
	s.faults.Add(1)
	s.mu.Lock()
	now := time.Now()
	quiet := now.Sub(s.complained) < time.Minute
	if !quiet {
		s.complained = now
	}
	s.mu.Unlock()
	if !quiet {
		s.config.Log.Warn(text, "error", err)
	}
}

// SharedStats is what a Shared tells of itself.
type SharedStats struct {
	Hits, Writes uint64
	Dropped      uint64 // entries not written since too many waited
	Faults       uint64 // of the store, damaged entries included
	QueuedBytes  int64
	Purges       int       // remembered
	Polled       time.Time // when the purges of others were last looked for; zero: never
}

// Stats returns a snapshot.
func (s *Shared) Stats() SharedStats {
	st := SharedStats{
		Hits: s.hits.Load(), Writes: s.writes.Load(), Dropped: s.dropped.Load(), Faults: s.faults.Load(),
		QueuedBytes: s.queued.Load(),
	}
	st.Purges, st.Polled = s.log.stats()
	return st
}
