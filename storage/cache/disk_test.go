package cache

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// bytesBelow adds up the files of entries, in blocks.
func bytesBelow(t *testing.T, d *Disk) (sum int64) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(d.files.path, layout), func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			sum += (info.Size() + blockBytes - 1) / blockBytes * blockBytes
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// openConfigured opens a disk tier that has looked at its folder.
func openConfigured(t *testing.T, folder string, c DiskConfig) *Disk {
	t.Helper()
	d, err := OpenDisk(folder, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	<-d.Ready()
	return d
}

// openFaulty opens a disk tier whose operations ask fault first.
func openFaulty(t *testing.T, c DiskConfig, fault func(op, name string) error) *Disk {
	t.Helper()
	files, err := openFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	files.fault = fault
	d, err := newDisk(files, c)
	if err != nil {
		t.Fatal(err)
	}
	<-d.Ready()
	synctest.Wait() // until the background work waits for its time
	return d
}

func putNumbered(t *testing.T, d *Disk, from, to, size int) {
	t.Helper()
	for i := from; i < to; i++ {
		if err := d.Put(numbered(i), NewEntry(make([]byte, size), "image/png")); err != nil {
			t.Fatal(err)
		}
	}
}

// fillFolder writes n small entries into folder, in plain files: a third of what
// Put takes.
func fillFolder(tb testing.TB, folder string, n int) {
	tb.Helper()
	head := marshalHeader(Key{}, NewEntry([]byte("x"), ""))
	for i := range n {
		name := filepath.Join(folder, idOf(Key{Source: fmt.Sprint(i)}).name())
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(name, head, 0o640); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestIndexIsRebuiltAtStart(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 2_000
	}
	folder := t.TempDir()
	fillFolder(t, folder, n)
	start := time.Now()
	d, err := OpenDisk(folder, DiskConfig{MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	opened := time.Since(start)
	// Who comes before the walk is served, and writes.
	if err := d.Put(Key{Source: "early"}, NewEntry([]byte("body"), "image/png")); err != nil {
		t.Error(err)
	}
	if _, err := d.Get(Key{Source: "early"}); err != nil {
		t.Error(err)
	}
	<-d.Ready()
	t.Logf("%d entries: opened in %v, ready after %v", n, opened, time.Since(start))
	if got := d.Stats().Entries; got != n+1 {
		t.Errorf("the index names %d entries; want %d", got, n+1)
	}
}

func TestBoundHoldsForWhatWasThere(t *testing.T) {
	folder := t.TempDir()
	d := openConfigured(t, folder, DiskConfig{MinFree: -1})
	putNumbered(t, d, 0, 100, 10_000)
	d.Close()
	const bound = 300_000
	d = openConfigured(t, folder, DiskConfig{MaxBytes: bound})
	if n := bytesBelow(t, d); n > bound || n == 0 {
		t.Errorf("%d bytes on disk after the start; the bound is %d", n, bound)
	}
}

func TestEntriesOfAnotherProcess(t *testing.T) {
	folder := t.TempDir()
	a, b := openConfigured(t, folder, DiskConfig{MinFree: -1}), openConfigured(t, folder, DiskConfig{MinFree: -1})
	putNumbered(t, a, 0, 10, 100)
	if _, err := b.Get(numbered(3)); err != nil || b.Stats().Entries != 1 {
		t.Errorf("Get of another's entry: %v, %d known; want it found and known", err, b.Stats().Entries)
	}
	b.sweep(t.Context())
	if n := b.Stats().Entries; n != 10 {
		t.Errorf("%d entries known after a sweep; want 10", n)
	}
	if _, err := a.Purge(t.Context(), ofSource(numbered(0))); err != nil {
		t.Fatal(err)
	}
	// What b does at its start may end only now, and forgets the others too.
	if _, err := b.Get(numbered(3)); !errors.Is(err, fs.ErrNotExist) || b.Stats().Entries > 9 {
		t.Errorf("Get of what another deleted: %v, %d known; want a miss and 9 at most", err, b.Stats().Entries)
	}
	b.sweep(t.Context())
	if n := b.Stats().Entries; n != 0 {
		t.Errorf("%d entries known after a sweep; want none", n)
	}
}

func TestSweepRemovesWhatHasExpired(t *testing.T) {
	tests := []struct {
		name   string
		until  time.Duration // from now; 0: never
		remove bool
	}{
		{"for ever", 0, false},
		{"still needed", time.Hour, false},
		{"over", -time.Hour, true},
	}
	for _, known := range []bool{true, false} { // by the process that sweeps
		folder := t.TempDir()
		d := openConfigured(t, folder, DiskConfig{MinFree: -1})
		for _, tt := range tests {
			e := NewEntry([]byte("body"), "image/png")
			if tt.until != 0 {
				e.KeepUntil = time.Now().Add(tt.until)
			}
			if err := d.Put(Key{Source: tt.name}, e); err != nil {
				t.Fatal(err)
			}
		}
		if !known {
			d.Close()
			d = openConfigured(t, folder, DiskConfig{MinFree: -1})
		}
		d.sweep(t.Context())
		for _, tt := range tests {
			if _, err := os.Stat(filepath.Join(folder, idOf(Key{Source: tt.name}).name())); (err != nil) != tt.remove {
				t.Errorf("%s, known %v: after the sweep: %v; want removed %v", tt.name, known, err, tt.remove)
			}
		}
		if n := d.Stats().Entries; n != 2 {
			t.Errorf("known %v: %d entries in the index; want 2", known, n)
		}
	}
}

func TestSweepLeavesForeignFilesAlone(t *testing.T) {
	folder := t.TempDir()
	good := idOf(Key{Source: "s"}).name()
	names := []string{good + ".bak", good[:len(good)-1], layout + "/readme", layout + "/zz/" + good[6:], "v2/" + good[3:], layout + "/ab/notes.txt"}
	for _, n := range names {
		p := filepath.Join(folder, n)
		if err := os.MkdirAll(filepath.Dir(p), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte("mine"), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	d := openConfigured(t, folder, DiskConfig{MaxBytes: 40960, SweepEvery: time.Hour})
	putNumbered(t, d, 0, 100, 3000)
	d.sweep(t.Context())
	for _, n := range names {
		if data, err := os.ReadFile(filepath.Join(folder, n)); string(data) != "mine" {
			t.Errorf("%s is gone: %v", n, err)
		}
	}
}

// The folder lies on a disk of 1 MB of which others take a part.
func TestFreeSpaceIsKept(t *testing.T) {
	const total = 1 << 20
	var others atomic.Int64
	var disk atomic.Pointer[Disk]
	files, err := openFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	files.space = func() (int64, int64, bool) {
		free := total - others.Load()
		if d := disk.Load(); d != nil {
			free -= int64(d.entries.weight())
		}
		return free, total, true
	}
	log := new(bytes.Buffer)
	d, err := newDisk(files, DiskConfig{MinFree: 0.25, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	disk.Store(d)
	<-d.Ready()
	putNumbered(t, d, 0, 300, 8000)
	if n := bytesBelow(t, d); n > total*3/4 || n < total/2 {
		t.Errorf("%d bytes kept; want nearly %d", n, total*3/4)
	}
	others.Store(total / 2)
	d.sweep(t.Context())
	if n := bytesBelow(t, d); n > total/4 || n == 0 {
		t.Errorf("%d bytes kept after others took half of the disk; want at most %d", n, total/4)
	}
	others.Store(total)
	d.sweep(t.Context())
	if n := bytesBelow(t, d); n != 0 {
		t.Errorf("%d bytes kept on a full disk; want none", n)
	}
	d.sweep(t.Context())
	if said := log.String(); strings.Count(said, "level=WARN msg=\"nothing is cached: the disk is too full\"") != 1 || !strings.Contains(said, "stays_free=0.25 cure=") {
		t.Errorf("the log says %q; want one warning with the cure", said)
	}
	others.Store(0)
	d.sweep(t.Context())
	putNumbered(t, d, 0, 10, 8000)
	if n := bytesBelow(t, d); n == 0 {
		t.Error("nothing is kept after space came back")
	}
	if said := log.String(); strings.Count(said, "\n") != 2 || !strings.Contains(said, "level=INFO msg=\"the disk has room again: results are cached\"") {
		t.Errorf("the log says %q; want a line when there is room again", said)
	}
}

func TestEntryLimit(t *testing.T) {
	d := openConfigured(t, t.TempDir(), DiskConfig{MaxEntries: 50, MinFree: -1})
	putNumbered(t, d, 0, 200, 100)
	d.sweep(t.Context())
	if n := d.Stats().Entries; n > 50 || n < 40 {
		t.Errorf("%d entries; want at most 50", n)
	}
}

// Every operation fails once, for every kind of fault and at every place where
// one can come. Nobody gets a wrong byte, and after the pause all works again.
func TestDiskFaults(t *testing.T) {
	faults := []error{syscall.ENOSPC, syscall.EROFS, syscall.EMFILE, syscall.EIO, syscall.EACCES}
	synctest.Test(t, func(t *testing.T) {
		for _, fault := range faults {
			for nth := int32(1); ; nth++ {
				var armed atomic.Bool
				var calls atomic.Int32
				var at string
				d := openFaulty(t, DiskConfig{MaxBytes: 1 << 20}, func(op, name string) error {
					if armed.Load() && calls.Add(1) == nth {
						at = op
						return &fs.PathError{Op: op, Path: name, Err: fault}
					}
					return nil
				})
				putNumbered(t, d, 0, 5, 3000)
				armed.Store(true)
				k, e := Key{Source: "s"}, NewEntry([]byte("body"), "image/png")
				puts := d.Put(k, e)
				got, err := d.Get(k)
				if err == nil && !bytes.Equal(got.Body, e.Body) {
					t.Errorf("%v in %s: Get = %q", fault, at, got.Body)
				}
				if puts != nil && fault == syscall.ENOSPC && at != "remove" {
					t.Errorf("no space in %s: Put = %v; want a second try after eviction", at, puts)
				}
				if puts != nil && (d.Put(k, e) != errPaused || !d.Stats().Paused || d.Stats().Faults == 0) {
					t.Errorf("%v in %s: Put goes on writing; want a pause", fault, at)
				}
				armed.Store(false)
				time.Sleep(firstPause)
				if err := d.Put(k, e); err != nil {
					t.Errorf("%v in %s: Put after the pause = %v", fault, at, err)
				}
				if got, err := d.Get(k); err != nil || !bytes.Equal(got.Body, e.Body) {
					t.Errorf("%v in %s: Get after the pause = %v, %v", fault, at, got, err)
				}
				d.Close()
				if calls.Load() < nth { // past the last operation
					if nth < 6 {
						t.Errorf("a fault came in %d places; want at least create, write twice, rename and open", nth-1)
					}
					break
				}
			}
		}
	})
}

func TestPausesGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		writes := 0
		d := openFaulty(t, DiskConfig{MinFree: -1}, func(op, _ string) error {
			if op == "create" {
				writes++
				return syscall.EROFS
			}
			return nil
		})
		for range 600 { // ten minutes of misses
			_ = d.Put(Key{}, NewEntry([]byte("body"), "image/png")) // fails, or is not tried
			time.Sleep(time.Second)
		}
		if writes < 20 || writes > 30 {
			t.Errorf("%d writes were tried in ten minutes on a read-only disk; want about 24", writes)
		}
		d.Close()
	})
}

func TestGoroutinesEndWithClose(t *testing.T) {
	base := runtime.NumGoroutine()
	for range 5 {
		d, err := OpenDisk(t.TempDir(), DiskConfig{MinFree: -1, SweepEvery: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		c := New(Config{Memory: NewMemory(1 << 20), Disk: d})
		for i := range 50 {
			if _, _, err := c.Do(t.Context(), numbered(i), returns(NewEntry([]byte("body"), "image/png"), nil)); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// Those that have closed their last channel still return.
	for deadline := time.Now().Add(2 * time.Minute); runtime.NumGoroutine() > base; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines; want %d", runtime.NumGoroutine(), base)
		}
	}
}

// A file that is read while it is evicted is read whole: the read holds it open.
func TestReadDuringEviction(t *testing.T) {
	d := openConfigured(t, t.TempDir(), DiskConfig{MaxBytes: 200_000})
	hot := Key{Source: "hot"}
	body := bytes.Repeat([]byte("hot"), 6000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 500 {
			_ = d.Put(numbered(i), NewEntry(make([]byte, 15_000), "image/png")) // only pushes others out
		}
	}()
	for {
		e, err := d.Get(hot)
		switch {
		case err == nil && !bytes.Equal(e.Body, body):
			t.Fatal("a wrong body")
		case err != nil && (!errors.Is(err, fs.ErrNotExist) || errors.Is(err, errDamaged)):
			t.Fatal(err)
		case err != nil:
			if err := d.Put(hot, NewEntry(body, "image/png")); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// flip changes a byte of a file, counted from its end if i is negative.
func flip(t *testing.T, file string, i int) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if i < 0 {
		i += len(data)
	}
	data[i] ^= 0x10
	if err := os.WriteFile(file, data, 0o640); err != nil {
		t.Fatal(err)
	}
}
