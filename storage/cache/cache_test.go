package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func openDisk(t *testing.T, folder string) *Disk {
	t.Helper()
	d, err := OpenDisk(folder, DiskConfig{MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func returns(e *Entry, err error) Fill {
	return func(context.Context, *Entry) (*Entry, error) { return e, err }
}

func TestDiskKeepsEverything(t *testing.T) {
	d := openDisk(t, filepath.Join(t.TempDir(), "made", "on demand"))
	k := Key{Source: Tuple("h", "bucket", "a_b/ü.jpg"), Variant: Tuple("w=1")}
	if _, err := d.Get(k); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("Get before Put = %v; want fs.ErrNotExist", err)
	}
	want := NewEntry([]byte("body"), "image/webp")
	want.SourceETag, want.SourceModTime = "etag", time.Unix(1700000000, 5)
	if err := d.Put(k, want); err != nil {
		t.Fatal(err)
	}
	got, err := d.Get(k)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Body, want.Body) || got.MediaType != want.MediaType || got.ETag != want.ETag || got.SourceETag != want.SourceETag ||
		!got.SourceModTime.Equal(want.SourceModTime) || !got.Filled.Equal(want.Filled) {
		t.Errorf("Get = %+v; want %+v", got, want)
	}
	info, err := os.Stat(filepath.Join(d.files.path, idOf(k).name()))
	if err != nil || info.Mode().Perm()&0o027 != 0 {
		t.Errorf("entry's file: %v, %v; want no access for others", info.Mode(), err)
	}
}

func TestKeysNeverMix(t *testing.T) {
	parts := []string{"", "_", "a", "a_", "_a", "a.png", "a.jpg", "\x00", "\x01a", "1", "11"}
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func() []string {
		p := make([]string, 1+rng.IntN(4))
		for i := range p {
			p[i] = parts[rng.IntN(len(parts))]
		}
		return p
	}
	n := 1_000_000
	if testing.Short() {
		n = 100_000
	}
	for range n {
		a, b := pick(), pick()
		same := fmt.Sprintf("%q", a) == fmt.Sprintf("%q", b)
		if got := Tuple(a...) == Tuple(b...); got != same {
			t.Fatalf("Tuple(%q) == Tuple(%q) is %v; want %v", a, b, got, same)
		}
	}
}

func TestDamagedEntryIsAMiss(t *testing.T) {
	d := openDisk(t, t.TempDir())
	k := Key{Source: "source", Variant: "variant"}
	e := NewEntry(bytes.Repeat([]byte("0123456789"), 20), "image/png")
	path := filepath.Join(d.files.path, idOf(k).name())
	good := append(marshalHeader(k, e), e.Body...)

	damage := map[string][]byte{
		"empty":             {},
		"one byte short":    good[:len(good)-1],
		"one byte too long": append(bytes.Clone(good), 0),
		"only a header":     good[:len(good)-len(e.Body)],
		"another key's":     append(marshalHeader(Key{Source: "source", Variant: "another"}, e), e.Body...),
		"huge field length": append([]byte(magic), 0xff, 0xff, 0xff, 0xff),
	}
	for i := range good {
		flipped := bytes.Clone(good)
		flipped[i] ^= 0x10
		damage[fmt.Sprintf("bit flipped in byte %d", i)] = flipped
	}
	for name, data := range damage {
		if err := d.Put(k, e); err != nil { // makes the folders
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o640); err != nil {
			t.Fatal(err)
		}
		if got, err := d.Get(k); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s: Get = %v, %v; want fs.ErrNotExist", name, got, err)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s: the damaged file is still there", name)
		}
	}
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	folder := t.TempDir()
	foreign := filepath.Join(folder, "holiday.jpg")
	old := filepath.Join(folder, "v1", "tmp", "notes.txt")
	if err := os.MkdirAll(filepath.Dir(old), 0o750); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{foreign, old} {
		if err := os.WriteFile(p, []byte("mine"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(p, time.Unix(0, 0), time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	openDisk(t, folder).sweep(t.Context())
	for _, p := range []string{foreign, old} {
		if data, err := os.ReadFile(p); string(data) != "mine" {
			t.Errorf("%s is gone: %v", p, err)
		}
	}
}

func TestOrphansAreRemovedByAge(t *testing.T) {
	folder := t.TempDir()
	d := openDisk(t, folder)
	oldFile, newFile := filepath.Join(folder, tempFolder, "A"+tempSuffix), filepath.Join(folder, tempFolder, "B"+tempSuffix)
	for _, p := range []string{oldFile, newFile} {
		if err := os.WriteFile(p, nil, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-orphanAge - time.Minute)
	if err := os.Chtimes(oldFile, past, past); err != nil {
		t.Fatal(err)
	}
	if err := d.removeOrphans(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(oldFile); !errors.Is(err, fs.ErrNotExist) {
		t.Error("an old temporary file was not removed")
	}
	if _, err := os.Stat(newFile); err != nil {
		t.Error("a new temporary file was removed:", err)
	}
}

func TestFolderRemovedWhileRunning(t *testing.T) {
	for _, removed := range []string{layout, "."} { // our part of it, and all of it
		folder := filepath.Join(t.TempDir(), "cache")
		d := openDisk(t, folder)
		if err := os.RemoveAll(filepath.Join(folder, removed)); err != nil {
			t.Fatal(err)
		}
		for _, variant := range []string{"a", "b"} {
			k := Key{Source: "s", Variant: variant}
			if err := d.Put(k, NewEntry([]byte("body"), "image/png")); err != nil {
				t.Fatalf("Put after %q was removed: %v", removed, err)
			}
			if _, err := d.Get(k); err != nil {
				t.Errorf("Get after %q was removed: %v", removed, err)
			}
		}
	}
}

func TestLinkInThePlaceOfAnEntry(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	d := openDisk(t, folder)
	k := Key{Source: "s", Variant: "v"}
	path := filepath.Join(folder, idOf(k).name())
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, path); err != nil {
		t.Fatal(err)
	}
	c := New(Config{Disk: d, Log: slog.New(slog.DiscardHandler)})
	e, status, err := c.Do(t.Context(), k, returns(NewEntry([]byte("body"), "image/png"), nil))
	if err != nil || status != Filled || string(e.Body) != "body" {
		t.Errorf("Do = %v, %v, %v; want a fill", e, status, err)
	}
	if data, _ := os.ReadFile(secret); string(data) != "secret" {
		t.Errorf("the file behind the link now holds %q", data)
	}
}

func TestExpiry(t *testing.T) {
	tests := []struct {
		name string
		ttl  time.Duration
		age  time.Duration
		want Status
	}{
		{"young", time.Hour, 59 * time.Minute, DiskHit},
		{"old", time.Hour, time.Hour, Filled},
		{"old without expiry", 0, 1000 * time.Hour, DiskHit},
		{"a clock slightly ahead", time.Hour, -time.Minute, DiskHit},
		{"from the future", time.Hour, -time.Hour, Filled},
	}
	for _, tt := range tests {
		d := openDisk(t, t.TempDir())
		k := Key{Source: "s", Variant: "v"}
		e := NewEntry([]byte("old"), "image/png")
		e.Filled = time.Now().Add(-tt.age)
		if err := d.Put(k, e); err != nil {
			t.Fatal(err)
		}
		_, got, err := New(Config{Disk: d, TTL: tt.ttl}).Do(t.Context(), k, returns(NewEntry([]byte("new"), "image/png"), nil))
		if err != nil || got != tt.want {
			t.Errorf("%s: Do with TTL %v and age %v = %v, %v; want %v", tt.name, tt.ttl, tt.age, got, err, tt.want)
		}
	}
}

func TestErrorsAreNotKept(t *testing.T) {
	c := New(Config{Disk: openDisk(t, t.TempDir())})
	k := Key{Source: "s", Variant: "v"}
	fault := errors.New("fault")
	if _, _, err := c.Do(t.Context(), k, returns(nil, fault)); err != fault {
		t.Fatalf("Do = %v; want the fault of fill", err)
	}
	if _, status, err := c.Do(t.Context(), k, returns(NewEntry([]byte("body"), "image/png"), nil)); status != Filled || err != nil {
		t.Errorf("Do after a fault = %v, %v; want a fill", status, err)
	}
}

func TestWithoutADiskNothingIsKept(t *testing.T) {
	c := New(Config{})
	for range 2 {
		if _, status, err := c.Do(t.Context(), Key{Source: "s"}, returns(NewEntry([]byte("body"), "image/png"), nil)); status != Filled || err != nil {
			t.Errorf("Do = %v, %v; want a fill each time", status, err)
		}
	}
}

func TestWriteFaultHarmsNobody(t *testing.T) {
	d := openDisk(t, t.TempDir())
	d.Close() // every operation fails from here on
	var log bytes.Buffer
	c := New(Config{Disk: d, Log: slog.New(slog.NewTextHandler(&log, nil))})
	e, _, err := c.Do(t.Context(), Key{Source: "s"}, returns(NewEntry([]byte("body"), "image/png"), nil))
	if err != nil || string(e.Body) != "body" {
		t.Errorf("Do on a broken disk = %v, %v; want the result", e, err)
	}
	if !strings.Contains(log.String(), "not written") {
		t.Errorf("log = %q; want a line about the entry that was not written", &log)
	}
}

func TestOneFillForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{})
		var fills atomic.Int32
		release := make(chan struct{})
		fill := func(context.Context, *Entry) (*Entry, error) {
			fills.Add(1)
			<-release
			return NewEntry([]byte("body"), "image/png"), nil
		}
		var wg sync.WaitGroup
		var started atomic.Int32
		for range 500 {
			wg.Go(func() {
				e, status, err := c.Do(t.Context(), Key{Source: "s"}, fill)
				if err != nil || string(e.Body) != "body" {
					t.Errorf("Do = %v, %v", e, err)
				}
				if status == Filled {
					started.Add(1)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if fills.Load() != 1 || started.Load() != 1 {
			t.Errorf("%d fills, %d callers that filled; want 1 and 1", fills.Load(), started.Load())
		}
	})
}

func TestFillOutlivesItsFirstCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{})
		release := make(chan struct{})
		fill := func(ctx context.Context, _ *Entry) (*Entry, error) {
			select {
			case <-release:
				return NewEntry([]byte("body"), "image/png"), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		first, leave := context.WithCancel(t.Context())
		var firstErr, secondErr error
		go func() { _, _, firstErr = c.Do(first, Key{Source: "s"}, fill) }()
		synctest.Wait()
		go func() { _, _, secondErr = c.Do(t.Context(), Key{Source: "s"}, fill) }()
		synctest.Wait()
		leave()
		synctest.Wait()
		close(release)
		synctest.Wait()
		if !errors.Is(firstErr, context.Canceled) || secondErr != nil {
			t.Errorf("errors %v and %v; want the first caller cancelled, the second served", firstErr, secondErr)
		}
	})
}

func TestLastWaiterStopsTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{})
		stopped := false
		ctx, leave := context.WithCancel(t.Context())
		go c.Do(ctx, Key{Source: "s"}, func(ctx context.Context, _ *Entry) (*Entry, error) {
			<-ctx.Done()
			stopped = true
			return nil, ctx.Err()
		})
		synctest.Wait()
		leave()
		synctest.Wait()
		if !stopped {
			t.Error("the fill went on without a waiter")
		}
		// A caller that comes now gets a fill of its own, not the cancelled one.
		if _, _, err := c.Do(t.Context(), Key{Source: "s"}, returns(NewEntry([]byte("b"), "image/png"), nil)); err != nil {
			t.Errorf("Do after the others left = %v", err)
		}
	})
}

func TestFillTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{FillTimeout: 10 * time.Second})
		start := time.Now()
		_, _, err := c.Do(t.Context(), Key{Source: "s"}, func(ctx context.Context, _ *Entry) (*Entry, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 10*time.Second {
			t.Errorf("Do = %v after %v; want a deadline after 10s", err, time.Since(start))
		}
	})
}

func TestPanicIsAnErrorForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{})
		release := make(chan struct{})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				_, _, err := c.Do(t.Context(), Key{Source: "s"}, func(context.Context, *Entry) (*Entry, error) { <-release; panic("boom") })
				var p *PanicError
				if !errors.As(err, &p) || p.Value != "boom" {
					t.Errorf("Do = %v; want a PanicError", err)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if _, _, err := c.Do(t.Context(), Key{Source: "s"}, func(context.Context, *Entry) (*Entry, error) { runtime.Goexit(); return nil, nil }); err == nil {
			t.Error("Do of a fill that ended its goroutine gave no error")
		}
	})
}

func FuzzUnmarshal(f *testing.F) {
	k := Key{Source: "source", Variant: "variant"}
	e := NewEntry([]byte("body"), "image/png")
	f.Add(append(marshalHeader(k, e), e.Body...))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := unmarshal(k, data)
		if err != nil {
			return
		}
		if again := append(marshalHeader(k, got), got.Body...); !bytes.Equal(again, data) {
			t.Errorf("an entry was read from bytes that do not write back")
		}
	})
}

// Somebody removes the cache, or the folder that it is in, and puts a link in
// its place while the server runs: nothing is made where it leads.
func TestFolderReplacedByALink(t *testing.T) {
	for _, below := range []string{"", "originals"} {
		parent, target := t.TempDir(), t.TempDir()
		folder := filepath.Join(parent, "cache")
		d := openDisk(t, filepath.Join(folder, below))
		<-d.Ready()
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, folder); err != nil {
			t.Fatal(err)
		}
		if err := d.Put(Key{Source: "s", Variant: "v"}, NewEntry([]byte("body"), "image/png")); err == nil {
			t.Errorf("%q: Put gave no error", below)
		}
		if left, err := os.ReadDir(target); err != nil || len(left) > 0 {
			t.Errorf("%q: the folder behind the link has %v, %v; want nothing", below, left, err)
		}
		// A link that was there at the start is the operator's.
		d = openDisk(t, filepath.Join(folder, below))
		if err := d.Put(Key{Source: "s", Variant: "v"}, NewEntry([]byte("body"), "image/png")); err != nil {
			t.Errorf("%q: Put into a folder that was a link at the start: %v", below, err)
		}
	}
}
