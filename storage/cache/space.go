package cache

import (
	"math"
	"time"
)

const (
	checkEvery      = time.Second
	checkEveryBytes = 16 << 20 // written
	firstPause      = time.Second
	longestPause    = 30 * time.Second
	leastRoom       = maxShare * blockBytes // below it not even the smallest file is kept
)

// admit reports whether a file may be written: not while a fault is recent, and
// not if it would take too much of the bound, which is derived anew when that
// is due.
func (d *Disk) admit(info fileInfo) (fits bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	if now.Before(d.resume) {
		return false, errPaused
	}
	if d.written >= checkEveryBytes || now.Sub(d.checked) >= checkEvery {
		d.check(now)
	}
	return uint64(info.size) <= d.bound/maxShare, nil
}

// check derives the bound anew; the caller holds d.mu.
func (d *Disk) check(now time.Time) {
	d.checked, d.written = now, 0
	d.setBound(d.deriveBound())
}

// deriveBound returns what the entries may weigh from now on; the caller holds
// d.mu.
func (d *Disk) deriveBound() uint64 {
	bound := uint64(math.MaxInt64)
	if d.config.MaxBytes > 0 {
		bound = uint64(d.config.MaxBytes)
	}
	used := d.entries.weight()
	if d.config.MinFree <= 0 || !d.isReady() { // until then used is too small, and too much would go
		return bound
	}
	free, total, ok := d.files.free()
	if !ok {
		return bound
	}
	// What is free beyond the part to keep may be used on top of what the
	// entries take; what is missing has to come from them.
	room := int64(used) + free - int64(d.config.MinFree*float64(total))
	return min(bound, uint64(max(room, 0)))
}

// tellOfRoom logs that others have filled the disk, so that the bound leaves no
// room for entries, or that there is room again.
func (d *Disk) tellOfRoom(none bool) {
	if !none {
		d.config.Log.Info("the disk has room again: results are cached", "folder", d.files.path)
		return
	}
	free, total, _ := d.files.free()
	d.config.Log.Warn("nothing is cached: the disk is too full", "folder", d.files.path,
		"free_mb", free>>20, "disk_mb", total>>20, "stays_free", d.config.MinFree,
		"cure", "make room on the disk, set cache.min_free lower, or bound the folder by cache.disk_mb instead")
}

// setBound evicts down to bound; the caller holds d.mu.
func (d *Disk) setBound(bound uint64) {
	d.bound = bound
	d.removeEvicted(d.entries.setBound(bound))
}

// makeRoom evicts a sixteenth of what is there, and at least what a file needs:
// the disk was full before the bound was reached.
func (d *Disk) makeRoom(info fileInfo) {
	d.mu.Lock()
	defer d.mu.Unlock()
	used := d.entries.weight()
	less := max(used/16, 4*uint64(info.size))
	d.setBound(used - min(less, used))
	d.checked = time.Now() // the bound holds until the next look
}

// note begins a pause in writing after a fault, twice as long as the last one,
// and ends the series after a success.
func (d *Disk) note(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		d.pause = 0
		return
	}
	d.faults.Add(1)
	d.pause = min(max(2*d.pause, firstPause), longestPause)
	d.resume = time.Now().Add(d.pause)
}

// FreeSpace returns the bytes that are free for us, and all bytes, of the file
// system that a folder is on; ok is false where nobody says.
func FreeSpace(folder string) (free, total int64, ok bool) { return freeBytes(folder) }
