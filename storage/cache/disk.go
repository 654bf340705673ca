package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"path"
	"sync"
	"sync/atomic"
	"time"
)

// DiskConfig bounds a Disk. Zero fields mean the documented default.
type DiskConfig struct {
	// MaxBytes bounds what the entries take on disk, each rounded up to 4 kB, and
	// their folders, 4 kB each; 0: no bound but MinFree.
	MaxBytes int64
	// MinFree is the part of the file system, in [0,1), that stays free: entries
	// go, also for what others write. 0 means 0.1 without MaxBytes, else none;
	// negative means none. Where free space can't be told, only MaxBytes holds.
	MinFree float64
	// MaxEntries bounds the entries, and so the memory of the index, at most 51
	// bytes each; default 8 million, at most 2^31.
	MaxEntries int
	// SweepEvery is the time between two looks at the whole folder; default 5
	// minutes.
	SweepEvery time.Duration
	// Log is told when the disk is so full that nothing is kept, and when there is
	// room again; default slog.Default().
	Log *slog.Logger
}

const (
	defaultMinFree    = 0.1
	defaultMaxEntries = 8 << 20
	mostEntries       = 1 << 31
	defaultSweepEvery = 5 * time.Minute
)

// Disk keeps entries as files below one folder, bounded in bytes and by the
// free space of the file system. It is safe for concurrent use, also by several
// processes on one folder: an entry appears whole, by a rename, and one that is
// being read when it is evicted is read whole. Each process bounds what it
// knows of, and sees what others wrote when it sweeps.
//
// All its files lie in the sub-folder "v1"; nothing else is ever touched, nor
// is a file there whose name is not that of an entry.
type Disk struct {
	config  DiskConfig
	files   *folder
	entries *diskIndex
	ready   chan struct{} // closed when entries names all that was there at the start
	stop    context.CancelFunc
	done    chan struct{} // closed when no goroutine of the Disk is left

	evicted, expired, faults atomic.Uint64

	// mu is held while files appear and go, so that entries and the folder
	// change together.
	mu      sync.Mutex
	bound   uint64    // of the weights of entries; guarded by mu
	checked time.Time // when bound was last derived; guarded by mu
	written uint64    // bytes since then; guarded by mu
	noRoom  bool      // as the log was told; guarded by mu
	pause   time.Duration
	resume  time.Time // no write before it; pause and resume guarded by mu
}

// A fileInfo is what the index knows of a file.
type fileInfo struct {
	size uint32 // bytes, rounded up to blocks
	keep uint32 // seconds since 1970: when it goes; 0 is not known yet
}

const (
	blockBytes = 4096
	keepAlways = math.MaxUint32
)

func newFileInfo(size int64, keepUntil time.Time) fileInfo {
	info := fileInfo{size: uint32((size + blockBytes - 1) / blockBytes * blockBytes), keep: keepAlways}
	if !keepUntil.IsZero() {
		info.keep = uint32(min(max(keepUntil.Unix(), 1), keepAlways-1))
	}
	return info
}

// OpenDisk returns the disk tier in folder, which is created if it is missing
// (mode 0750). It does not wait until it knows what is there: see Ready. The
// caller must Close it.
func OpenDisk(folder string, c DiskConfig) (*Disk, error) {
	files, err := openFolder(folder)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	d, err := newDisk(files, c)
	if err != nil {
		return nil, errors.Join(err, files.close())
	}
	return d, nil
}

func newDisk(files *folder, c DiskConfig) (*Disk, error) {
	if c.MinFree == 0 && c.MaxBytes <= 0 {
		c.MinFree = defaultMinFree
	}
	if c.MinFree >= 1 {
		return nil, fmt.Errorf("cache: %v of the disk can't be kept free", c.MinFree)
	}
	if c.MaxEntries <= 0 {
		c.MaxEntries = defaultMaxEntries
	}
	c.MaxEntries = min(c.MaxEntries, mostEntries-1)
	if c.SweepEvery <= 0 {
		c.SweepEvery = defaultSweepEvery
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	d := &Disk{config: c, files: files, bound: math.MaxInt64, ready: make(chan struct{}), done: make(chan struct{})}
	if c.MaxBytes > 0 {
		d.bound = uint64(c.MaxBytes)
	}
	d.entries = newDiskIndex(d.bound, c.MaxEntries)
	var ctx context.Context
	ctx, d.stop = context.WithCancel(context.Background())
	go d.tend(ctx)
	return d, nil
}

// Ready is closed when the index names all entries that were there when the
// Disk was opened. Until then Get and Put work, but the bound does not count
// what was not found yet.
func (d *Disk) Ready() <-chan struct{} { return d.ready }

func (d *Disk) isReady() bool {
	select {
	case <-d.ready:
		return true
	default:
		return false
	}
}

// Close ends the background work, waits for it and releases the folder. Every
// other method fails or finds nothing after it.
func (d *Disk) Close() error {
	d.stop()
	<-d.done
	return d.files.close()
}

// Get returns the entry of k. The error wraps [fs.ErrNotExist] if there is
// none. A damaged entry is removed and counts as none.
func (d *Disk) Get(k Key) (*Entry, error) {
	id := idOf(k)
	_, known := d.entries.get(id)
	data, size, err := d.files.read(id, maxFileBytes)
	if err != nil {
		switch {
		case !errors.Is(err, fs.ErrNotExist):
			d.faults.Add(1)
		case known:
			d.forget(id)
		}
		return nil, err
	}
	e, err := unmarshal(k, data)
	if err != nil {
		d.faults.Add(1)
		_ = d.remove(id) // it stays a miss if it cannot be removed
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	if !known {
		d.adopt(id, newFileInfo(size, e.KeepUntil))
	}
	return e, nil
}

// errPaused is why nothing is written for a while after a fault.
var errPaused = errors.New("cache: no writing for a while after a fault")

// Put keeps e as the entry of k, in place of an older one. After an error the
// older one is still there. An entry that takes more than an eighth of the
// bound, or that the eviction prefers to do without, only removes the older
// one. After a fault of the disk nothing is written for a while.
func (d *Disk) Put(k Key, e *Entry) error {
	if len(e.Body) == 0 || len(e.Body) > maxBodyBytes {
		return fmt.Errorf("cache: a body of %d bytes is not kept", len(e.Body))
	}
	head := marshalHeader(k, e)
	if len(head) > maxFileBytes-maxBodyBytes {
		return fmt.Errorf("cache: a key of %d bytes is not kept", len(k.Source)+len(k.Variant))
	}
	id, info := idOf(k), newFileInfo(int64(len(head)+len(e.Body)), e.KeepUntil)
	fits, err := d.admit(info)
	if err != nil {
		return err
	}
	if !fits {
		return d.remove(id)
	}
	err = d.store(id, info, head, e.Body)
	if isFull(err) {
		d.makeRoom(info)
		err = d.store(id, info, head, e.Body)
	}
	d.note(err)
	if err != nil {
		return fmt.Errorf("cache: %w", err)
	}
	return nil
}

// store writes the file of id and evicts what has to go for it first, so that
// the files never take more than the bound, temporary ones aside.
func (d *Disk) store(id fileID, info fileInfo, parts ...[]byte) error {
	temp := tempName()
	err := d.files.write(temp, parts...)
	if err == nil {
		var kept bool
		if kept, err = d.place(temp, id, info); kept {
			return nil
		}
	}
	_ = d.files.remove(temp) // the first error is the one to report; orphans are swept
	return err
}

// place gives the file temp its name. It reports false if the eviction decided
// that the entry itself should go.
func (d *Disk) place(temp string, id fileID, info fileInfo) (kept bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.removeEvicted(d.entries.add(id, info))
	if !d.entries.has(id) {
		return false, nil
	}
	if err := d.files.rename(temp, id.name()); err != nil {
		d.entries.remove(id) // an older file is found again by the next Get
		return false, err
	}
	d.written += uint64(info.size)
	return true, nil
}

// Delete removes the entry of k if there is one.
func (d *Disk) Delete(k Key) error { return d.remove(idOf(k)) }

func (d *Disk) remove(id fileID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entries.remove(id)
	return d.removeFile(id)
}

// removeFile removes the file of an entry that the index does not have any more,
// and its folders if nothing is left there; the caller holds d.mu.
func (d *Disk) removeFile(id fileID) error {
	err := d.files.remove(id.name())
	d.removeFolders(id)
	return err
}

// removeFolders removes the folders of id that hold nothing; the caller holds
// d.mu.
func (d *Disk) removeFolders(id fileID) {
	lower, upper := d.entries.folderEmpty(id)
	name := path.Dir(id.name())
	if lower && d.files.removeFolder(name) && upper {
		d.files.removeFolder(path.Dir(name))
	}
}

// removeEvicted removes the files of what the index evicted; the caller holds
// d.mu.
func (d *Disk) removeEvicted(ids []fileID) {
	for _, id := range ids {
		d.evicted.Add(1)
		if d.removeFile(id) != nil {
			d.faults.Add(1) // a sweep finds it again
		}
	}
}

// adopt adds a file that is there and that the index does not know: another
// process wrote it, or the first walk has not come to it.
func (d *Disk) adopt(id fileID, info fileInfo) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.adoptLocked(id, info)
}

func (d *Disk) adoptLocked(id fileID, info fileInfo) {
	if !d.entries.has(id) {
		d.removeEvicted(d.entries.add(id, info))
	}
}

// forget takes id from the index unless its file came meanwhile.
func (d *Disk) forget(id fileID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.files.stat(id.name()); errors.Is(err, fs.ErrNotExist) {
		d.entries.remove(id)
		d.removeFolders(id)
	}
}

// DiskStats is what a Disk tells of itself.
type DiskStats struct {
	Ready   bool // the index names all there was at the start
	Entries int
	Bytes   int64 // of entries and their folders on disk, in blocks of 4 kB
	Index   int64 // bytes of memory that the index takes
	Bound   int64 // of Bytes, as it is now; 0 if there is none
	Evicted uint64
	Expired uint64
	Faults  uint64 // of the disk, damaged entries included
	Paused  bool   // nothing is written for a while after a fault
}

// Stats returns a snapshot.
func (d *Disk) Stats() DiskStats {
	s := DiskStats{
		Entries: d.entries.len(),
		Bytes:   int64(d.entries.weight()),
		Index:   d.entries.memory(),
		Evicted: d.evicted.Load(),
		Expired: d.expired.Load(),
		Faults:  d.faults.Load(),
	}
	s.Ready = d.isReady()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bound < math.MaxInt64 {
		s.Bound = int64(d.bound)
	}
	s.Paused = time.Now().Before(d.resume)
	return s
}
