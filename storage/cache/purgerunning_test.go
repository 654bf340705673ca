package cache

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A purge is under way, and has not come to the disk yet, when somebody asks:
// what is made then is made of nothing old, and stays.
func TestFillDuringAPurge(t *testing.T) {
	for name, p := range map[string]Purge{
		"a source": {Group: testGroup, Name: "photo.jpg"},
		"a prefix": {Group: testGroup, Name: "ph", Prefix: true},
	} {
		disk, originals := openConfigured(t, t.TempDir(), DiskConfig{MinFree: -1}), openConfigured(t, t.TempDir(), DiskConfig{MinFree: -1})
		synctest.Test(t, func(t *testing.T) {
			memory := NewMemory(1 << 20)
			c := New(Config{Memory: memory, Disk: disk, Originals: originals, Revalidate: time.Minute, Log: quiet}) // TTL: for ever, since the disk's clock is another one
			k, original := sharedKey("photo.jpg", "v"), sharedKey("photo.jpg", "original")
			do(t, c, k, "old")
			if err := c.KeepOriginal(t.Context(), original, NewEntry([]byte("old"), "")); err != nil {
				t.Fatal(err)
			}
			held, release := make(chan struct{}), make(chan struct{})
			disk.files.fault = func(op, _ string) error {
				if op == "list" {
					disk.files.fault = nil // the purge is the only one to list
					close(held)
					<-release
				}
				return nil
			}
			done := make(chan error, 1)
			go func() { done <- purge(c, p)() }()
			<-held
			fill := func(ctx context.Context, old *Entry) (*Entry, error) {
				if old != nil {
					return nil, ErrUnchanged // the store has another opinion than who purges
				}
				if _, _, _, err := c.OpenOriginal(original); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("purge of %s: OpenOriginal during it = %v; want fs.ErrNotExist", name, err)
				}
				return NewEntry([]byte("new"), "image/png"), nil
			}
			e, status, err := c.Do(t.Context(), k, fill)
			if err != nil || string(e.Body) != "new" || status != Filled {
				t.Errorf("purge of %s: Do during it = %q, %v, %v; want it filled", name, e.Body, status, err)
			}
			if e, status, err := c.Do(t.Context(), k, fill); err != nil || string(e.Body) != "new" || status != MemoryHit {
				t.Errorf("purge of %s: the next Do during it = %q, %v, %v; want the new one from memory", name, e.Body, status, err)
			}
			if body, _ := do(t, c, sharedKey("another.jpg", "v"), "body"); body != "body" {
				t.Errorf("another picture during the purge: %q", body)
			}
			close(release)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			_ = memory.Delete(k) // never fails
			if e, err := disk.Get(k); err == nil && string(e.Body) != "new" {
				t.Errorf("purge of %s: the disk has %q after it; want nothing old", name, e.Body)
			}
			if _, _, _, err := c.OpenOriginal(original); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("purge of %s: OpenOriginal after it = %v; want fs.ErrNotExist", name, err)
			}
		})
	}
}

// Whoever asked has left, and the work has its result all the same: a purge that
// came meanwhile reaches it.
func TestPurgeOfAFillThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, p := range map[string]Purge{"the source": {Group: testGroup, Name: "photo.jpg"}, "nothing": {}} {
			c := New(Config{Memory: NewMemory(1 << 20), Log: quiet})
			k := sharedKey("photo.jpg", "v")
			read, release := make(chan struct{}), make(chan struct{})
			ctx, leave := context.WithCancel(t.Context())
			left := make(chan error, 1)
			go func() {
				_, _, err := c.Do(ctx, k, func(context.Context, *Entry) (*Entry, error) {
					close(read)
					<-release
					return NewEntry([]byte("old"), "image/png"), nil
				})
				left <- err
			}()
			<-read
			leave()
			if err := <-left; !errors.Is(err, context.Canceled) {
				t.Errorf("who left got %v", err)
			}
			if p.Name != "" {
				if err := purge(c, p)(); err != nil {
					t.Fatal(err)
				}
			}
			close(release)
			synctest.Wait()
			if e := c.Kept(k); (e != nil) != (p.Name == "") {
				t.Errorf("after a purge of %s: kept %v", name, e != nil)
			}
			if len(c.fills.left) != 0 {
				t.Errorf("%d fills that ended are remembered", len(c.fills.left))
			}
		}
	})
}

// A fill reads the old source; a purge comes; then the fill keeps what it read.
func TestPurgeBeforeAnOriginalIsKept(t *testing.T) {
	originals := openConfigured(t, t.TempDir(), DiskConfig{MinFree: -1})
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Memory: NewMemory(1 << 20), Originals: originals, Log: quiet})
		k, original := sharedKey("photo.jpg", "v"), sharedKey("photo.jpg", "original")
		for purged, want := range map[bool]error{false: nil, true: fs.ErrNotExist} {
			release := make(chan struct{})
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _, err := c.Do(t.Context(), k, func(ctx context.Context, _ *Entry) (*Entry, error) {
					<-release
					if err := c.KeepOriginal(ctx, original, NewEntry([]byte("file"), "")); err != nil {
						t.Error(err)
					}
					return NewEntry([]byte("old"), "image/png"), nil
				})
				if err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
			if purged {
				if err := purge(c, ofSource(k))(); err != nil {
					t.Fatal(err)
				}
			}
			close(release)
			<-done
			_, _, body, err := c.OpenOriginal(original)
			if !errors.Is(err, want) {
				t.Errorf("purged meanwhile: %v: OpenOriginal = %v; want %v", purged, err, want)
			}
			if err == nil {
				data, err := io.ReadAll(body)
				if err != nil || strings.TrimSpace(string(data)) != "file" {
					t.Errorf("the original reads %q, %v", data, err)
				}
				_ = body.Close() // only read
			}
			if err := purge(c, ofSource(k))(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// An error that comes with a purge is not remembered.
func TestPurgeBeforeAnErrorIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{RefuseTTL: time.Hour, Refuses: func(error) (bool, bool) { return true, true }, Log: quiet})
		k := sharedKey("photo.jpg", "v")
		release := make(chan struct{})
		done := make(chan error, 1)
		go func() {
			_, _, err := c.Do(t.Context(), k, func(context.Context, *Entry) (*Entry, error) {
				<-release
				return nil, fs.ErrNotExist
			})
			done <- err
		}()
		synctest.Wait()
		if err := purge(c, ofSource(k))(); err != nil {
			t.Fatal(err)
		}
		close(release)
		if err := <-done; !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the fill that was under way: %v", err)
		}
		if body, status := do(t, c, k, "new"); body != "new" || status != Filled {
			t.Errorf("Do after the purge = %q, %v; want a fill", body, status)
		}
		c.brief.close()
	})
}
