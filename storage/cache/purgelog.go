package cache

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
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
	// maxSkew is how far the clocks of two machines may differ: stores refuse
	// requests beyond it.
	maxSkew = 15 * time.Minute
	// maxMarkers bounds how many purges are looked at in one poll.
	maxMarkers    = 50_000
	maxPurgeBytes = 1 << 20
	tidyEvery     = time.Hour
	markEvery     = time.Minute
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

// add tells all machines of purges, which this one has applied already.
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
	for _, p := range purges {
		l.bans.add(p, time.Now().Add(maxSkew)) // until a poll tells the store's time
	}
	l.mu.Unlock()
	if err := l.shared.store.Put(ctx, name, data); err != nil {
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
	l.mu.Lock()
	first := l.polled.IsZero()
	l.mu.Unlock()
	began := time.Now()
	after := ""
	heard := began // everything before it was heard of
	if first {
		heard = l.heardUntil(began)
	} else {
		after = fmt.Sprintf("%s%013d", purgeFolder, began.Add(-maxSkew-2*l.shared.config.Poll).UnixMilli())
	}
	markers, err := l.news(ctx, after)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range markers {
		before := first && m.at.Before(heard.Add(-maxSkew))
		if before && strings.HasSuffix(m.name, kindNames) && began.Sub(m.at) > banNamesFor {
			continue // nothing is left of it to do
		}
		errs = append(errs, l.apply(ctx, m, before))
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
	l.mark(began)
	return l.tidy(ctx, began)
}

// news returns the markers behind the name after that were not applied yet.
func (l *purgeLog) news(ctx context.Context, after string) ([]marker, error) {
	var found []marker
	err := l.shared.store.Walk(ctx, purgeFolder, after, func(name string, info storage.Info) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if purges, ok := l.own[name]; ok {
			for _, p := range purges {
				l.bans.set(p, info.ModTime)
			}
			delete(l.own, name)
			l.known[name] = time.Now()
		} else if _, ok := l.known[name]; !ok {
			found = append(found, marker{name, info.ModTime})
		}
		return nil
	})
	return found[max(0, len(found)-maxMarkers):], err
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
		errs = append(errs, l.shared.heard(ctx, p))
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
// without any. One that was away for longer than purges are remembered cannot
// know what it missed: it is emptied.
func (l *purgeLog) heardUntil(now time.Time) time.Time {
	oldest := now
	for group, disk := range l.shared.disks() {
		mark, err := disk.readMark(l.shared.config.ID)
		if err != nil {
			mark = time.Time{} // it was never told anything
		} else if now.Sub(mark) > l.shared.config.Retention {
			l.shared.config.Log.Warn("the cache folder was away for longer than purges are remembered: it is emptied", "last", mark)
			if err := disk.Purge(context.Background(), Purge{Group: group, Prefix: true}); err != nil {
				l.shared.complain("cache folder not emptied", err)
			}
			continue
		}
		if mark.Before(oldest) {
			oldest = mark
		}
	}
	return oldest
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
	retention := l.shared.config.Retention
	l.mu.Lock()
	due := now.Sub(l.tidied) >= tidyEvery
	if due {
		l.tidied = now
		l.bans.forget(now.Add(-banNamesFor), now.Add(-retention))
	}
	l.mu.Unlock()
	if !due {
		return nil
	}
	end := fmt.Sprintf("%s%013d", purgeFolder, now.Add(-retention).UnixMilli())
	var names []string
	err := l.shared.store.Walk(ctx, purgeFolder, "", func(name string, _ storage.Info) error {
		if name >= end || len(names) >= maxMarkers {
			return errEnough
		}
		names = append(names, name)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	for _, name := range names {
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
