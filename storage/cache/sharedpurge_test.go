package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/storage"
	"s3imageserver/storage/storagetest"
)

// A slowStore takes its time for writes of entries, at the beginning, and may
// refuse to delete them.
type slowStore struct {
	*storagetest.Memory
	slow     time.Duration
	deaf     atomic.Bool // refuses to delete
	deafLog  atomic.Bool // refuses purges
	gets     atomic.Int32
	atTheEnd bool // the time passes after the object is there
}

func (s *slowStore) Put(ctx context.Context, name string, data []byte) error {
	if strings.HasPrefix(name, purgeFolder) {
		if s.deafLog.Load() {
			return errDown
		}
		return s.Memory.Put(ctx, name, data)
	}
	if !s.atTheEnd {
		time.Sleep(s.slow)
		return s.Memory.Put(ctx, name, data)
	}
	err := s.Memory.Put(ctx, name, data)
	time.Sleep(s.slow)
	return err
}

func (s *slowStore) Get(ctx context.Context, name string) (*storage.Object, error) {
	s.gets.Add(1)
	return s.Memory.Get(ctx, name)
}

func (s *slowStore) Delete(ctx context.Context, name string) error {
	if s.deaf.Load() {
		return errDown
	}
	return s.Memory.Delete(ctx, name)
}

// newLasting returns a machine that serves what it has for a week.
func newLasting(store storage.Store, disk *Disk, retention time.Duration) *node {
	n := &node{shared: OpenShared(store, SharedConfig{ID: "bucket", Log: quiet, Retention: retention}), memory: NewMemory(1 << 20)}
	n.Cache = New(Config{Memory: n.memory, Disk: disk, Shared: n.shared, Group: testGroup, TTL: 7 * 24 * time.Hour, Log: quiet})
	n.shared.Start()
	return n
}

// A result is made, and on its way to the bucket, when a purge of it comes: it
// is served nowhere, from the purge on by the machine that purged, from ten
// seconds later on by others, and by those that start later.
func TestPurgeOfAResultOnItsWayToTheBucket(t *testing.T) {
	purges := map[string]Purge{
		"a name":   {Group: testGroup, Name: "a/photo.jpg"},
		"a prefix": {Group: testGroup, Name: "a/", Prefix: true},
	}
	for what, p := range purges {
		for _, own := range []bool{true, false} {
			for _, queued := range []int{0, 40} { // writes before it
				for _, slow := range []time.Duration{300 * time.Millisecond, 8 * time.Second} {
					name := fmt.Sprintf("%s, by the machine that writes: %v, behind %d writes of %v", what, own, queued, slow)
					synctest.Test(t, func(t *testing.T) {
						store := &slowStore{Memory: &storagetest.Memory{}, slow: slow}
						writer, other := newLasting(store, nil, 0), newLasting(store, nil, 0)
						defer writer.close(t)
						defer other.close(t)
						time.Sleep(10 * time.Second)
						s := &source{body: "old"}
						k := sharedKey("a/photo.jpg", "v")
						for i := range queued {
							if _, _, err := writer.Do(t.Context(), sharedKey(fmt.Sprint("b/", i), "v"), s.fill); err != nil {
								t.Fatal(err)
							}
						}
						if _, _, err := writer.Do(t.Context(), k, s.fill); err != nil {
							t.Fatal(err)
						}
						s.body = "new"
						time.Sleep(50 * time.Millisecond)
						by := writer
						if !own {
							by = other
						}
						if _, err := by.Purge(t.Context(), p); err != nil {
							t.Fatal(err)
						}
						ask := func(n *node, when string) {
							e, status, err := n.Do(t.Context(), k, s.fill)
							if err != nil || string(e.Body) != "new" {
								t.Errorf("%s: %s: %q, %v, %v; want the new one", name, when, e.Body, status, err)
							}
						}
						// Other variants are not asked for, so that the bucket alone would tell.
						ask(by, "at once")
						time.Sleep(10 * time.Second)
						third := newLasting(store, nil, 0)
						defer third.close(t)
						time.Sleep(time.Second)
						for _, n := range []*node{third, writer, other} {
							ask(n, "after 10 s")
						}
						time.Sleep(71 * time.Minute) // bans of names are forgotten
						late := newLasting(store, nil, 0)
						defer late.close(t)
						time.Sleep(10 * time.Second)
						ask(late, "on a machine that starts 71 minutes later")
					})
				}
			}
		}
	}
}

// The result that was on its way is not asked for by anybody, and nothing new
// takes its place in the bucket: it must not be found there when the purge is
// forgotten.
func TestPurgedResultDoesNotStayInTheBucket(t *testing.T) {
	tests := []struct {
		name string
		own  bool // purged by the machine that writes
		deaf bool // the bucket deletes nothing for a minute
		end  bool // the object is there early, and its writing ends late
	}{
		{"own purge", true, false, false},
		{"own purge, nothing can be deleted", true, true, false},
		{"another machine's purge", false, false, false},
		{"another machine's purge, nothing can be deleted", false, true, false},
		{"own purge, the object is there early", true, false, true},
		{"another machine's purge, the object is there early", false, false, true},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			store := &slowStore{Memory: &storagetest.Memory{}, slow: 6 * time.Second, atTheEnd: tt.end}
			writer, other := newLasting(store, nil, 0), newLasting(store, nil, 0)
			defer writer.close(t)
			defer other.close(t)
			time.Sleep(10 * time.Second)
			k := sharedKey("photo.jpg", "v")
			if _, _, err := writer.Do(t.Context(), k, (&source{body: "old"}).fill); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			by := other
			if tt.own {
				by = writer
			}
			store.deaf.Store(tt.deaf)
			if _, err := by.Purge(t.Context(), Purge{Group: testGroup, Name: "photo.jpg"}); (err != nil) != (tt.deaf && tt.end) {
				t.Errorf("%s: Purge: %v", tt.name, err)
			}
			time.Sleep(time.Minute)
			store.deaf.Store(false)
			time.Sleep(time.Minute)
			for _, name := range store.Names() {
				if !strings.HasPrefix(name, purgeFolder) {
					t.Errorf("%s: %s is still in the bucket", tt.name, name)
				}
			}
		})
	}
}

// The writing of a result of the old source spans a purge, which its machine
// has not heard of yet: a third machine does not take it.
func TestResultWhoseWritingSpansAPurge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Memory: &storagetest.Memory{}, slow: 3 * time.Second}
		writer, other, third := newLasting(store, nil, 0), newLasting(store, nil, 0), newLasting(store, nil, 0)
		defer writer.close(t)
		defer other.close(t)
		defer third.close(t)
		time.Sleep(3 * defaultPoll) // a poll has just been: the next is in four seconds
		writer.shared.stop()        // it will not hear of it
		synctest.Wait()
		k := sharedKey("photo.jpg", "v")
		if _, _, err := writer.Do(t.Context(), k, (&source{body: "old"}).fill); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
		if _, err := other.Purge(t.Context(), Purge{Group: testGroup, Prefix: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if len(store.Names()) != 2 {
			t.Fatalf("the bucket has %q; want the result and the purge", store.Names())
		}
		if body, status := third.get(t, k, &source{body: "new"}); body != "new" {
			t.Errorf("the third machine gets %q, %v; want the new one", body, status)
		}
	})
}

// A machine that starts takes nothing from the bucket before it knows the purges.
func TestNothingIsTakenBeforeThePurgesAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Memory: &storagetest.Memory{}}
		a := newLasting(store, nil, 0)
		time.Sleep(time.Second)
		k := sharedKey("a/photo.jpg", "v")
		a.get(t, k, &source{body: "old"})
		time.Sleep(time.Hour)
		if _, err := a.Purge(t.Context(), Purge{Group: testGroup, Name: "a/", Prefix: true}); err != nil {
			t.Fatal(err)
		}
		a.close(t)
		time.Sleep(time.Hour)
		b := &node{shared: OpenShared(store, SharedConfig{ID: "bucket", Log: quiet}), memory: NewMemory(1 << 20)}
		b.Cache = New(Config{Memory: b.memory, Shared: b.shared, Group: testGroup, Log: quiet})
		defer b.close(t)
		s := &source{body: "new"}
		if body, status := b.get(t, k, s); body != "new" {
			t.Errorf("before the first look for purges: %q, %v; want it made anew", body, status)
		}
	})
}

// Results that are kept for ever are never taken after a purge of a prefix, and
// purges of names do not stay with it.
func TestPurgeOfAPrefixIsRememberedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Memory: &storagetest.Memory{}}
		open := func() *node {
			n := &node{shared: OpenShared(store, SharedConfig{ID: "bucket", Log: quiet, Retention: -1})}
			n.Cache = New(Config{Shared: n.shared, Group: testGroup, TTL: 0, Log: quiet})
			n.shared.Start()
			return n
		}
		a := open()
		time.Sleep(time.Minute)
		k := sharedKey("folder/photo.jpg", "v")
		a.get(t, k, &source{body: "old"})
		time.Sleep(time.Minute)
		if _, err := a.Purge(t.Context(), Purge{Group: testGroup, Name: "folder/", Prefix: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Purge(t.Context(), Purge{Group: testGroup, Name: "other.jpg"}); err != nil {
			t.Fatal(err)
		}
		a.close(t)
		time.Sleep(400 * 24 * time.Hour)
		b := open()
		defer b.close(t)
		time.Sleep(10 * time.Second)
		if body, status := b.get(t, k, &source{body: "new"}); body != "new" {
			t.Errorf("400 days after the purge of its folder: %q, %v; want it made anew", body, status)
		}
		var markers []string
		for _, name := range store.Names() {
			if strings.HasPrefix(name, purgeFolder) {
				markers = append(markers, name)
			}
		}
		if len(markers) != 1 || !strings.HasSuffix(markers[0], kindPrefix) {
			t.Errorf("purges in the bucket after 400 days: %q; want that of the folder", markers)
		}
	})
}

// A machine without entries has heard of every purge of a name.
func TestMachineWithoutEntriesReadsNoOldPurges(t *testing.T) {
	for _, withDisk := range []bool{false, true} {
		store := &slowStore{Memory: &storagetest.Memory{}}
		now := time.Now()
		for i := range 3000 {
			at := now.Add(-time.Duration(i+1) * 10 * time.Minute)
			store.Set(fmt.Sprintf("%s%013d-%012d%s", purgeFolder, at.UnixMilli(), i, kindNames), []byte(`[{"Group":"h","Name":"x.jpg"}]`), at)
		}
		c := Config{Memory: NewMemory(1 << 20), Group: testGroup, TTL: time.Hour, Log: quiet}
		if withDisk {
			c.Disk = openConfigured(t, t.TempDir(), DiskConfig{MaxBytes: 1 << 20})
		}
		c.Shared = OpenShared(store, SharedConfig{ID: "bucket", Log: quiet})
		cache := New(c)
		if err := c.Shared.log.poll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := store.gets.Load(); n > 6 { // those of the last hour
			t.Errorf("with an empty disk tier: %v: %d of 3000 old purges are read; want those of the last hour", withDisk, n)
		}
		if withDisk {
			if mark, err := c.Disk.readMark("bucket"); err != nil || now.Sub(mark) > time.Minute {
				t.Errorf("the folder's mark is %v, %v; want now", mark, err)
			}
		}
		if err := errors.Join(cache.Close(t.Context()), c.Shared.Close(t.Context())); err != nil {
			t.Error(err)
		}
	}
}

// More purges than can be looked at: nothing that one of them may be about is
// used.
func TestTooManyPurges(t *testing.T) {
	store := &slowStore{Memory: &storagetest.Memory{}}
	now := time.Now()
	for i := range maxMarkers + 10 {
		at := now.Add(-time.Duration(i+1) * 10 * time.Second)
		store.Set(fmt.Sprintf("%s%013d-%012d%s", purgeFolder, at.UnixMilli(), i, kindPrefix), []byte(`[{"Group":"h","Name":"folder/","Prefix":true}]`), at)
	}
	d := openConfigured(t, t.TempDir(), DiskConfig{MinFree: -1})
	k := sharedKey("another/photo.jpg", "v")
	if err := d.Put(k, NewEntry([]byte("old"), "image/png")); err != nil {
		t.Fatal(err)
	}
	s := OpenShared(store, SharedConfig{ID: "bucket", Log: quiet})
	cache := New(Config{Disk: d, Shared: s, Group: testGroup, Log: quiet})
	if err := s.log.poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Get(k); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Get from the disk tier = %v; want it emptied", err)
	}
	for age, want := range map[time.Duration]bool{time.Hour: false, maxMarkers*10*time.Second - time.Hour: false, (maxMarkers + 1) * 10 * time.Second: true} {
		if got := s.log.banned(k, now.Add(-age)); got != want {
			t.Errorf("an entry %v old is banned: %v; want %v", age, got, want)
		}
	}
	if err := errors.Join(cache.Close(t.Context()), s.Close(t.Context())); err != nil {
		t.Error(err)
	}
}

// A purge that the others could not be told of is an error, and nothing of it
// stays in memory.
func TestPurgeThatCannotBeTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Memory: &storagetest.Memory{}}
		a := newLasting(store, nil, 0)
		defer a.close(t)
		store.deafLog.Store(true)
		for range 10 {
			if _, err := a.Purge(t.Context(), Purge{Group: testGroup, Name: "photo.jpg"}); !errors.Is(err, errDown) {
				t.Errorf("Purge = %v; want errDown", err)
			}
		}
		if n := len(a.shared.log.own); n != 0 {
			t.Errorf("%d purges wait for a poll that will not see them; want none", n)
		}
	})
}

// Purge tells how many entries of each tier went.
func TestPurgeCountsWhatItRemoves(t *testing.T) {
	store := &storagetest.Memory{}
	originals := openConfigured(t, t.TempDir(), DiskConfig{MinFree: -1})
	disk := openConfigured(t, t.TempDir(), DiskConfig{MinFree: -1})
	synctest.Test(t, func(t *testing.T) {
		n := &node{shared: OpenShared(store, SharedConfig{ID: "bucket", Log: quiet})}
		// For ever: the disk's clock is another one.
		n.Cache = New(Config{Memory: NewMemory(1 << 20), Disk: disk, Originals: originals, Shared: n.shared, Group: testGroup, Log: quiet})
		n.shared.Start()
		defer n.close(t)
		s := &source{body: "1"}
		synctest.Wait()
		for _, variant := range []string{"x", "y", "z"} {
			n.get(t, sharedKey("a/1.jpg", variant), s)
		}
		n.get(t, sharedKey("a/2.jpg", "x"), s)
		if err := n.KeepOriginal(t.Context(), sharedKey("a/1.jpg", "original"), NewEntry([]byte("file"), "")); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			p    Purge
			want Removed
		}{
			{Purge{Group: testGroup, Name: "none.jpg"}, Removed{}},
			{Purge{Group: testGroup, Name: "a/1.jpg"}, Removed{Memory: 3, Disk: 3, Originals: 1, Shared: 3}},
			{Purge{Group: testGroup, Name: "a/1.jpg"}, Removed{}},
			{Purge{Group: testGroup, Name: "a/", Prefix: true}, Removed{Memory: 1, Disk: 1}},
		} {
			if got, err := n.Purge(t.Context(), tt.p); err != nil || got != tt.want {
				t.Errorf("Purge(%+v) = %+v, %v; want %+v", tt.p, got, err, tt.want)
			}
		}
	})
}
