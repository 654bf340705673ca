package cache

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/storage/storagetest"
)

// A node is one machine: a cache with a memory tier, over a bucket that others
// share.
type node struct {
	*Cache
	shared *Shared
	memory *Memory
}

const testGroup = "h"

func newNode(t *testing.T, store *storagetest.Memory, disk *Disk) *node {
	t.Helper()
	n := &node{shared: OpenShared(store, SharedConfig{ID: "bucket", Log: quiet}), memory: NewMemory(1 << 20)}
	n.Cache = New(Config{Memory: n.memory, Disk: disk, Shared: n.shared, Group: testGroup, TTL: time.Hour, Log: quiet})
	n.shared.Start()
	return n
}

// close ends the node as a server does.
func (n *node) close(t *testing.T) {
	t.Helper()
	if err := errors.Join(n.Cache.Close(context.Background()), n.shared.Close(context.Background())); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// get returns what a request gets, when all that goes on has ended.
func (n *node) get(t *testing.T, k Key, s *source) (string, Status) {
	t.Helper()
	e, status, err := n.Do(t.Context(), k, s.fill)
	synctest.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return string(e.Body), status
}

func sharedKey(name, variant string) Key { return Key{SourceOf(testGroup, name), variant} }

func TestMachinesUseEachOthersResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &storagetest.Memory{}
		a, b := newNode(t, store, nil), newNode(t, store, nil)
		defer a.close(t)
		defer b.close(t)
		s := &source{body: "1"}
		k := sharedKey("photo.jpg", "v")
		for _, want := range []struct {
			n      *node
			status Status
		}{{a, Filled}, {b, SharedHit}, {b, MemoryHit}, {a, MemoryHit}} {
			if body, status := want.n.get(t, k, s); body != "1" || status != want.status {
				t.Errorf("get = %q, %v; want %v", body, status, want.status)
			}
		}
		if s.sent.Load() != 1 {
			t.Errorf("made %d times; want once for both machines", s.sent.Load())
		}
	})
}

// What a purge is about is gone everywhere within seconds, and what is not, is
// not.
func TestPurgesReachOtherMachines(t *testing.T) {
	other := Purge{Group: testGroup, Name: "another.jpg"}
	tests := []struct {
		name  string
		purge Purge
		gone  map[string]bool // by "name variant"
	}{
		{"a source", Purge{Group: testGroup, Name: "a/1.jpg"}, map[string]bool{"a/1.jpg x": true, "a/1.jpg y": true}},
		{"a prefix", Purge{Group: testGroup, Name: "a/", Prefix: true}, map[string]bool{"a/1.jpg x": true, "a/1.jpg y": true, "a/2.jpg x": true}},
		{"a group", Purge{Group: testGroup, Prefix: true}, map[string]bool{"a/1.jpg x": true, "a/1.jpg y": true, "a/2.jpg x": true, "b/1.jpg x": true}},
		{"another source", other, nil},
		{"another group", Purge{Group: "other", Prefix: true}, nil},
	}
	all := []string{"a/1.jpg x", "a/1.jpg y", "a/2.jpg x", "b/1.jpg x"}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			store := &storagetest.Memory{}
			a, b := newNode(t, store, nil), newNode(t, store, nil)
			defer a.close(t)
			defer b.close(t)
			s := &source{body: "old"}
			key := func(id string) Key {
				name, variant, _ := strings.Cut(id, " ")
				return sharedKey(name, variant)
			}
			for _, id := range all {
				a.get(t, key(id), s)
				b.get(t, key(id), s)
			}
			s.body = "new"
			time.Sleep(5 * time.Second)
			if _, err := a.Purge(t.Context(), tt.purge); err != nil {
				t.Fatalf("%s: Purge: %v", tt.name, err)
			}
			// The one that purged knows at once, and does not take from the bucket
			// what was there.
			for _, id := range all {
				if body, _ := a.get(t, key(id), s); (body == "new") != tt.gone[id] {
					t.Errorf("%s: %s on the machine that purged = %q; want it new: %v", tt.name, id, body, tt.gone[id])
				}
			}
			time.Sleep(10 * time.Second)
			for _, id := range all {
				if body, _ := b.get(t, key(id), s); (body == "new") != tt.gone[id] {
					t.Errorf("%s: %s on another machine after 10 s = %q; want it new: %v", tt.name, id, body, tt.gone[id])
				}
			}
			// What was made since stays, on both.
			made := s.sent.Load()
			time.Sleep(30 * time.Second)
			for _, id := range all {
				a.get(t, key(id), s)
				b.get(t, key(id), s)
			}
			if again := s.sent.Load() - made; again != 0 {
				t.Errorf("%s: %d results were made again; want them kept", tt.name, again)
			}
		})
	}
}

// A machine reads the old source, another one purges, and only then the first
// one stores its result: nobody may be given it for longer than ten seconds.
func TestResultOfAnOldSourceStoredAfterAPurge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &storagetest.Memory{}
		a, b, third := newNode(t, store, nil), newNode(t, store, nil), newNode(t, store, nil)
		defer a.close(t)
		defer b.close(t)
		defer third.close(t)
		k := sharedKey("photo.jpg", "v")
		time.Sleep(time.Second)
		old := &source{body: "old", wait: 3 * time.Second}
		done := make(chan string, 1)
		go func() { body, _ := b.get(t, k, old); done <- body }()
		time.Sleep(time.Second)
		if _, err := a.Purge(t.Context(), Purge{Group: testGroup, Name: "photo.jpg"}); err != nil {
			t.Fatal(err)
		}
		<-done
		time.Sleep(10 * time.Second)
		s := &source{body: "new"}
		for i, n := range []*node{third, a, b} {
			if body, status := n.get(t, k, s); body != "new" {
				t.Errorf("machine %d: get = %q, %v; want the new one", i, body, status)
			}
		}
	})
}

// A machine with a disk tier is off while others purge.
func TestPurgesWhileAMachineIsOff(t *testing.T) {
	tests := []struct {
		name string
		off  time.Duration
		gone bool // purge, while it is off
		want string
	}{
		{"for a minute, nothing purged", time.Minute, false, "old"},
		{"for a minute, purged", time.Minute, true, "new"},
		{"for longer than purges are remembered", defaultRetention + time.Hour, false, "new"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				store := &storagetest.Memory{}
				open := func() *Disk {
					d, err := OpenDisk(folder, DiskConfig{MinFree: -1})
					if err != nil {
						t.Fatal(err)
					}
					return d
				}
				newEternal := func(d *Disk) *node {
					n := &node{shared: OpenShared(store, SharedConfig{ID: "bucket", Log: quiet})}
					n.Cache = New(Config{Disk: d, Shared: n.shared, Group: testGroup, Log: quiet})
					n.shared.Start()
					return n
				}
				disk := open()
				b := newEternal(disk)
				k := sharedKey("photo.jpg", "v")
				b.get(t, k, &source{body: "old"})
				time.Sleep(2 * time.Minute)
				b.close(t)
				if err := disk.Close(); err != nil {
					t.Fatal(err)
				}
				// Only the disk is to tell: the bucket has lost the entry.
				if err := store.Delete(t.Context(), objectName(k)); err != nil {
					t.Fatal(err)
				}
				if tt.gone {
					a := newNode(t, store, nil)
					if _, err := a.Purge(t.Context(), Purge{Group: testGroup, Prefix: true}); err != nil {
						t.Fatal(err)
					}
					a.close(t)
				}
				time.Sleep(tt.off)
				disk = open()
				b = newEternal(disk)
				time.Sleep(10 * time.Second)
				if body, status := b.get(t, k, &source{body: "new"}); body != tt.want {
					t.Errorf("get = %q, %v; want %q", body, status, tt.want)
				}
				b.close(t)
				if err := disk.Close(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// Without its bucket a machine works alone, and catches up later.
func TestSharedBucketDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &storagetest.Memory{}
		a, b := newNode(t, store, nil), newNode(t, store, nil)
		defer a.close(t)
		defer b.close(t)
		k := sharedKey("photo.jpg", "v")
		store.Fail(errDown)
		if body, status := a.get(t, k, &source{body: "1"}); body != "1" || status != Filled {
			t.Errorf("get with the bucket down = %q, %v; want it filled", body, status)
		}
		if _, err := a.Purge(t.Context(), Purge{Group: testGroup, Name: "photo.jpg"}); !errors.Is(err, errDown) {
			t.Errorf("Purge with the bucket down = %v; want an error: others were not told", err)
		}
		if _, err := a.memory.Get(k); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("memory after that purge: %v; want nothing", err)
		}
		store.Fail(nil)
		time.Sleep(3 * defaultPoll) // until both have looked for purges again
		s := &source{body: "2"}
		a.get(t, k, s)
		if body, status := b.get(t, k, s); body != "2" || status != SharedHit {
			t.Errorf("get with the bucket back = %q, %v; want the other machine's", body, status)
		}
		if st := a.shared.Stats(); st.Faults == 0 || st.Writes != 1 {
			t.Errorf("Stats = %+v; want faults and one write", st)
		}
	})
}

func TestDamagedSharedEntryIsAMiss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &storagetest.Memory{}
		a, b := newNode(t, store, nil), newNode(t, store, nil)
		defer a.close(t)
		defer b.close(t)
		k := sharedKey("photo.jpg", "v")
		s := &source{body: "1"}
		a.get(t, k, s)
		if err := store.Put(t.Context(), objectName(k), []byte("not an entry")); err != nil {
			t.Fatal(err)
		}
		if body, status := b.get(t, k, s); body != "1" || status != Filled {
			t.Errorf("get of a damaged entry = %q, %v; want it filled", body, status)
		}
	})
}

// Purges are removed from the bucket when nobody needs them any more.
func TestOldPurgesAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &storagetest.Memory{}
		a := newNode(t, store, nil)
		defer a.close(t)
		for range 3 {
			if _, err := a.Purge(t.Context(), Purge{Group: testGroup, Name: "x.jpg"}, Purge{Group: testGroup, Name: "a/", Prefix: true}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		if n := len(store.Names()); n != 3 {
			t.Errorf("%d objects; want the three purges", n)
		}
		time.Sleep(defaultRetention + 3*time.Hour)
		if n, st := len(store.Names()), a.shared.Stats(); n != 0 || st.Purges != 0 {
			t.Errorf("%d objects, %d purges after the retention; want none", n, st.Purges)
		}
	})
}

func TestDiskOpen(t *testing.T) {
	d := openDisk(t, t.TempDir())
	k := sharedKey("photo.jpg", "original")
	want := NewEntry([]byte(strings.Repeat("0123456789", 1000)), "")
	want.SourceETag, want.SourceNote = "etag", "note"
	if err := d.Put(k, want); err != nil {
		t.Fatal(err)
	}
	read := func() (string, error) {
		e, size, body, err := d.Open(k)
		if err != nil {
			return "", err
		}
		defer body.Close()
		if e.SourceETag != "etag" || e.SourceNote != "note" || size != int64(len(want.Body)) {
			t.Errorf("Open = %+v, %d bytes", e, size)
		}
		var b strings.Builder
		buf := make([]byte, 777)
		for {
			n, err := body.Read(buf)
			b.Write(buf[:n])
			if err != nil {
				return b.String(), err
			}
		}
	}
	if got, err := read(); got != string(want.Body) || err.Error() != "EOF" {
		t.Errorf("read %d bytes, %v; want all", len(got), err)
	}
	file := d.files.path + "/" + idOf(k).name()
	flip(t, file, -5)
	if got, err := read(); !errors.Is(err, errDamaged) || got == string(want.Body) {
		t.Errorf("read %d bytes of a damaged body, %v; want errDamaged before the end", len(got), err)
	}
	if _, _, _, err := d.Open(k); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open after the damage was found = %v; want fs.ErrNotExist", err)
	}
	if err := d.Put(k, want); err != nil {
		t.Fatal(err)
	}
	flip(t, file, 20)
	if _, _, _, err := d.Open(k); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of a damaged header = %v; want fs.ErrNotExist", err)
	}
}
