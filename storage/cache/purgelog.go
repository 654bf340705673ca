package cache

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"s3imageserver/storage"
)

// A purgeLog is how machines with one [Shared] tell each other of purges: each
// is an object v1/purge/<milliseconds>-<random><kind>, which all machines read
// within seconds and which stays for the retention.
//
// No clock of a machine is trusted. An entry is older than a purge if it was
// stored before it by the clock of the store; what was stored later, but made
// of a source that was read before, is told by how long its making took.
type purgeLog struct {
	shared *Shared

	mu     sync.Mutex
	known  map[string]time.Time // markers that were applied, and when; guarded by mu
	own    map[string][]Purge   // markers of this machine that no poll has seen; guarded by mu
	bans   bans                 // guarded by mu
	polled time.Time            // guarded by mu
	tidied time.Time            // guarded by mu
}

const (
	purgeFolder = layout + "/purge/"
	kindNames   = "-n" // purges of sources by their names: found in the bucket and removed
	kindPrefix  = "-p" // purges of names by their beginning: only the log knows
	// longestAway is how long a machine with a disk tier may be away and still
	// know what to purge.
	longestAway = 30 * 24 * time.Hour
	// maxSkew is how far the clocks of two machines may differ: stores refuse
	// requests beyond it.
	maxSkew = 15 * time.Minute
	// maxMarkers bounds how many purges are looked at in one poll. The others are
	// left to the next one; at the first poll, to the floor of the bans.
	maxMarkers    = 50_000
	maxPurgeBytes = 1 << 20
	// purgesPerMarker keeps markers below maxPurgeBytes, whatever the names are.
	purgesPerMarker = 100
	markerReaders   = 16 // at the same time
	tidyEvery       = time.Hour
	markEvery       = time.Minute
)

func newPurgeLog(s *Shared) *purgeLog {
	return &purgeLog{shared: s, known: map[string]time.Time{}, own: map[string][]Purge{}, bans: newBans()}
}

// run looks for purges until ctx ends.
func (l *purgeLog) run(ctx context.Context) {
	ticker := time.NewTicker(l.shared.config.Poll)
	defer ticker.Stop()
	for {
		if err := l.poll(ctx); err != nil && ctx.Err() == nil {
			l.shared.complain("purges of other machines not read", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// ready reports whether the purges of other machines were looked for.
func (l *purgeLog) ready() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.polled.IsZero()
}

// ban lets nothing that purges are about come from the bucket, until a poll
// tells when they were by the store's clock.
func (l *purgeLog) ban(purges []Purge) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range purges {
		l.bans.add(p, time.Now().Add(maxSkew))
	}
}

// add tells all machines of purges, which this one has banned and applied
// already.
func (l *purgeLog) add(ctx context.Context, purges []Purge) error {
	data, err := json.Marshal(purges)
	if err != nil {
		return err
	}
	kind := kindNames
	for _, p := range purges {
		if p.Prefix {
			kind = kindPrefix
		}
	}
	name := fmt.Sprintf("%s%013d-%s%s", purgeFolder, time.Now().UnixMilli(), rand.Text()[:12], kind)
	l.mu.Lock()
	l.own[name] = purges
	l.mu.Unlock()
	if err := l.shared.store.Put(ctx, name, data); err != nil {
		l.mu.Lock()
		delete(l.own, name) // if it is there all the same, it is as another machine's
		l.mu.Unlock()
		return fmt.Errorf("cache: other machines not told of the purge: %w", err)
	}
	return nil
}

// A marker is a purge as it lies in the bucket.
type marker struct {
	name string
	at   time.Time // by the store's clock
}

// poll applies the purges that are new.
func (l *purgeLog) poll(ctx context.Context) error {
	first := !l.ready()
	began := time.Now()
	after := ""
	heard := began // everything before it was heard of
	if first {
		heard = l.heardUntil(ctx, began)
	} else {
		after = fmt.Sprintf("%s%013d", purgeFolder, began.Add(-maxSkew-2*l.shared.config.Poll).UnixMilli())
	}
	// Of what was heard of, only what may still ban something has to be known.
	before := func(m marker) bool { return first && m.at.Before(heard.Add(-maxSkew)) }
	news, own, more, err := l.news(ctx, after, func(m marker) bool {
		return before(m) && strings.HasSuffix(m.name, kindNames) && began.Sub(m.at) > banNamesFor
	})
	if err != nil {
		return err
	}
	if more && first {
		// Nobody can say what of the disk tiers was purged; of the bucket, the
		// floor of the bans does.
		l.shared.config.Log.Warn("too many purges to check: disk caches are emptied, and older entries of the shared cache not used", "purges", maxMarkers)
		l.empty(ctx, l.shared.disks())
		more = false
	}
	errs := []error{l.shared.removeLeft(), l.applyAll(ctx, news, before)}
	for _, m := range own { // once more: a result may have reached the bucket just after the purge
		errs = append(errs, l.removeOwn(ctx, m))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	l.mu.Lock()
	l.polled = began
	for name, at := range l.known {
		if began.Sub(at) > 3*maxSkew {
			delete(l.known, name)
		}
	}
	l.mu.Unlock()
	if more {
		return nil // the next poll has the others
	}
	l.mark(began)
	return l.tidy(ctx, began)
}

// news returns the markers behind the name after that were not applied yet, and
// those of this machine that no poll has seen. skip leaves out what need not be
// known. At the first poll more says that the newest of too many are returned,
// later that there are more than are returned.
func (l *purgeLog) news(ctx context.Context, after string, skip func(marker) bool) (news, own []marker, more bool, err error) {
	err = l.shared.store.Walk(ctx, purgeFolder, after, func(name string, info storage.Info) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		m := marker{name, info.ModTime}
		if _, ok := l.own[name]; ok {
			own = append(own, m)
			return nil
		}
		if _, ok := l.known[name]; ok || skip(m) {
			return nil
		}
		news = append(news, m)
		if len(news) > maxMarkers {
			more = true
			if after != "" {
				news = news[:maxMarkers]
				return errEnough
			}
			l.bans.floor = later(l.bans.floor, news[0].at)
			news = news[1:]
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return news, own, more, err
}

// applyAll applies markers, some at a time.
func (l *purgeLog) applyAll(ctx context.Context, markers []marker, before func(marker) bool) error {
	next := make(chan marker)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error // guarded by mu
	for range min(markerReaders, len(markers)) {
		wg.Go(func() {
			for m := range next {
				if err := l.apply(ctx, m, before(m)); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	for _, m := range slices.Backward(markers) { // the newest first: what it is about is asked for
		if ctx.Err() != nil {
			break
		}
		next <- m
	}
	close(next)
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// removeOwn removes what a purge of this machine is about from the bucket again,
// now that the store has told when it was. After an error the next poll does.
func (l *purgeLog) removeOwn(ctx context.Context, m marker) error {
	l.mu.Lock()
	purges := l.own[m.name]
	l.mu.Unlock()
	var errs []error
	for _, p := range purges {
		_, err := l.shared.remove(ctx, p, m.at)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.own, m.name)
	l.known[m.name] = time.Now()
	for _, p := range purges {
		l.bans.set(p, m.at)
	}
	for _, later := range l.own { // of those the store has told nothing yet
		for _, p := range later {
			l.bans.add(p, time.Now().Add(maxSkew))
		}
	}
	return nil
}

// apply reads the marker and does what it says; in the tiers of this process
// only if they have not heard of it before.
func (l *purgeLog) apply(ctx context.Context, m marker, before bool) error {
	data, _, err := storage.ReadAll(ctx, l.shared.store, m.name, maxPurgeBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // its time was over
	}
	if err != nil {
		return err
	}
	var purges []Purge
	if err := json.Unmarshal(data, &purges); err != nil {
		l.shared.complain("a purge of another machine is not readable", fmt.Errorf("%s: %w", path.Base(m.name), err))
	}
	l.mu.Lock()
	l.known[m.name] = time.Now()
	for _, p := range purges {
		l.bans.add(p, m.at)
	}
	l.mu.Unlock()
	if before {
		return nil
	}
	var errs []error
	for _, p := range purges {
		errs = append(errs, l.shared.heard(ctx, p, m.at))
	}
	return errors.Join(errs...)
}

// banned reports whether what was made of a source read at that time, by the
// store's clock, has been purged since.
func (l *purgeLog) banned(k Key, read time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bans.covers(k, read)
}

// heardUntil returns until when the disk tiers have heard of all purges: now
// without any. One that holds nothing has nothing to hear of: it is marked. One
// that was away for longer than purges are remembered cannot know what it
// missed: it is emptied.
func (l *purgeLog) heardUntil(ctx context.Context, now time.Time) time.Time {
	oldest := now
	for group, disk := range l.shared.disks() {
		if disk.isEmpty(ctx) {
			if err := disk.writeMark(l.shared.config.ID, now); err != nil {
				l.shared.complain("cache folder not marked", err)
			}
			continue
		}
		mark, err := disk.readMark(l.shared.config.ID)
		if err != nil {
			mark = time.Time{} // it was never told anything
		} else if now.Sub(mark) > l.namesRetention() {
			l.shared.config.Log.Warn("the cache folder was not in use for longer than purges are remembered: it is emptied", "last", mark)
			l.empty(ctx, map[string]*Disk{group: disk})
			continue
		}
		if mark.Before(oldest) {
			oldest = mark
		}
	}
	return oldest
}

// empty removes what the groups keep in their disk tiers.
func (l *purgeLog) empty(ctx context.Context, disks map[string]*Disk) {
	for group, disk := range disks {
		if _, err := disk.Purge(ctx, Purge{Group: group, Prefix: true}); err != nil {
			l.shared.complain("cache folder not emptied", err)
		}
	}
}

// namesRetention returns how long purges of names are remembered.
func (l *purgeLog) namesRetention() time.Duration {
	if r := l.shared.config.Retention; r > 0 {
		return min(r, longestAway)
	}
	return longestAway
}

// mark notes in the disk tiers that they have heard of all purges until now.
func (l *purgeLog) mark(now time.Time) {
	for _, disk := range l.shared.disks() {
		if old, err := disk.readMark(l.shared.config.ID); err == nil && now.Sub(old) < markEvery {
			continue
		}
		if err := disk.writeMark(l.shared.config.ID, now); err != nil {
			l.shared.complain("cache folder not marked", err)
		}
	}
}

// tidy removes the purges whose retention is over, from time to time.
func (l *purgeLog) tidy(ctx context.Context, now time.Time) error {
	names := now.Add(-l.namesRetention())
	var prefixes time.Time // zero: they stay for ever
	if r := l.shared.config.Retention; r > 0 {
		prefixes = now.Add(-r)
	}
	l.mu.Lock()
	due := now.Sub(l.tidied) >= tidyEvery
	if due {
		l.tidied = now
		l.bans.forget(now.Add(-banNamesFor), prefixes)
	}
	l.mu.Unlock()
	if !due {
		return nil
	}
	namesEnd := fmt.Sprintf("%s%013d", purgeFolder, names.UnixMilli())
	prefixesEnd := purgeFolder
	if !prefixes.IsZero() {
		prefixesEnd = fmt.Sprintf("%s%013d", purgeFolder, prefixes.UnixMilli())
	}
	var over []string
	err := l.shared.store.Walk(ctx, purgeFolder, "", func(name string, _ storage.Info) error {
		if name >= namesEnd && name >= prefixesEnd || len(over) >= maxMarkers {
			return errEnough
		}
		if name < prefixesEnd || name < namesEnd && strings.HasSuffix(name, kindNames) {
			over = append(over, name)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	for _, name := range over {
		if err := l.shared.store.Delete(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

var errEnough = errors.New("cache: enough seen")

func (l *purgeLog) stats() (bans int, polled time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bans.len(), l.polled
}
