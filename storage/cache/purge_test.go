package cache

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func newTiered(t *testing.T) *Cache {
	t.Helper()
	return New(Config{Memory: NewMemory(1 << 20), Disk: openConfigured(t, t.TempDir(), DiskConfig{MinFree: -1}), TTL: time.Hour, Grace: 2 * time.Hour})
}

// ofSource returns the purge of k's source.
func ofSource(k Key) Purge {
	group, name, _ := splitSource(k.Source)
	return Purge{Group: group, Name: name}
}

// purge returns a function that purges.
func purge(c *Cache, p Purge) func() error {
	return func() error {
		_, err := c.Purge(context.Background(), p)
		return err
	}
}

func do(t *testing.T, c *Cache, k Key, body string) (string, Status) {
	t.Helper()
	e, status, err := c.Do(t.Context(), k, returns(NewEntry([]byte(body), "image/png"), nil))
	if err != nil {
		t.Fatal(err)
	}
	return string(e.Body), status
}

func TestTiersAreAskedInOrder(t *testing.T) {
	c := newTiered(t)
	k := Key{SourceOf("", "s"), "v"}
	steps := []struct {
		name   string
		before func() error
		want   Status
	}{
		{"nothing is there", nil, Filled},
		{"memory has it", nil, MemoryHit},
		{"memory lost it", func() error { return c.config.Memory.Delete(k) }, DiskHit},
		{"the disk's was put in memory", nil, MemoryHit},
		{"the disk lost it", func() error { return c.config.Disk.Delete(k) }, MemoryHit},
		{"the source purged everywhere", purge(c, ofSource(k)), Filled},
		{"another source purged", purge(c, Purge{Name: "another"}), MemoryHit},
	}
	for _, s := range steps {
		if s.before != nil {
			if err := s.before(); err != nil {
				t.Fatal(err)
			}
		}
		if _, got := do(t, c, k, "body"); got != s.want || got.Hit() != (s.want != Filled) {
			t.Errorf("%s: Do = %v; want %v", s.name, got, s.want)
		}
	}
}

func TestEntriesAreKeptThroughTheGrace(t *testing.T) {
	c := newTiered(t)
	k := Key{SourceOf("", "s"), "v"}
	do(t, c, k, "body")
	for name, x := range map[string]tier{"memory": c.config.Memory, "disk": c.config.Disk} {
		e, err := x.Get(k)
		if err != nil || !e.KeepUntil.Equal(e.Checked.Add(3*time.Hour)) {
			t.Errorf("%s: Get = %+v, %v; want it kept for TTL and grace", name, e, err)
		}
	}
}

// What memory holds has expired; another process filled the disk anew.
func TestExpiredAboveFreshBelow(t *testing.T) {
	c := newTiered(t)
	k := Key{SourceOf("", "s"), "v"}
	old := NewEntry([]byte("old"), "image/png")
	old.Filled = time.Now().Add(-2 * time.Hour)
	_ = c.config.Memory.Put(k, old) // never fails
	if err := c.config.Disk.Put(k, NewEntry([]byte("new"), "image/png")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []Status{DiskHit, MemoryHit} {
		if body, got := do(t, c, k, "filled"); body != "new" || got != want {
			t.Errorf("Do = %q, %v; want the disk's, then from memory", body, got)
		}
	}
}

// A purge comes while a result is being made of the old source: who waited
// still gets it, but it is not kept, and a later caller does not join.
func TestPurgeDuringAFill(t *testing.T) {
	for name, p := range map[string]Purge{
		"of a source": {Name: "s"},
		"of a prefix": {Name: "", Prefix: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := New(Config{Memory: NewMemory(1 << 20)})
			k := Key{SourceOf("", "s"), "v"}
			release := make(chan struct{})
			done := make(chan error, 1)
			go func() {
				e, _, err := c.Do(t.Context(), k, func(context.Context, *Entry) (*Entry, error) {
					<-release
					return NewEntry([]byte("old"), "image/png"), nil
				})
				if err == nil && string(e.Body) != "old" {
					err = errors.New("not what its fill made")
				}
				done <- err
			}()
			synctest.Wait()
			if err := purge(c, p)(); err != nil {
				t.Fatal(err)
			}
			if body, status := do(t, c, k, "new"); body != "new" || status != Filled {
				t.Errorf("%s: Do after the purge = %q, %v; want a fill of its own", name, body, status)
			}
			if err := purge(c, p)(); err != nil { // so that nothing hides what the old fill does
				t.Fatal(err)
			}
			close(release)
			if err := <-done; err != nil {
				t.Errorf("%s: the fill that was under way: %v", name, err)
			}
			if body, status := do(t, c, k, "newer"); body != "newer" || status != Filled {
				t.Errorf("%s: Do after the old fill ended = %q, %v; want a fill", name, body, status)
			}
		})
	}
}

// slowTier lets a purge pass between the read of an entry and its way up.
type slowTier struct {
	*Memory
	afterGet func()
}

func (s slowTier) Get(k Key) (*Entry, error) {
	e, err := s.Memory.Get(k)
	s.afterGet()
	return e, err
}

func TestPurgeWhileAnEntryRises(t *testing.T) {
	upper, lower := NewMemory(1<<20), NewMemory(1<<20)
	k := Key{SourceOf("", "s"), "v"}
	_ = lower.Put(k, NewEntry([]byte("old"), "image/png")) // never fails
	c := New(Config{})
	c.tiers = []leveled{{upper, MemoryHit}, {slowTier{lower, func() {
		if err := purge(c, ofSource(k))(); err != nil {
			t.Error(err)
		}
	}}, DiskHit}}
	if e, _ := c.get(k); e == nil {
		t.Fatal("no entry")
	}
	if _, err := upper.Get(k); err == nil {
		t.Error("what was purged below is still above")
	}
}
