package cache

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	// orphanAge is the age at which a temporary file belongs to no living
	// writer: no write takes that long.
	orphanAge = 15 * time.Minute
	// headBytes is how much of a file is read to find out when it expires.
	headBytes = 4096
	// maxWalkers is how many folders are listed at the same time.
	maxWalkers = 4
)

// tend is the background work of a Disk: it fills the index, then looks at the
// folder from time to time.
func (d *Disk) tend(ctx context.Context) {
	defer close(d.done)
	_ = d.walk(ctx) // what could not be listed is found by the next sweep, or a Get
	close(d.ready)
	d.tidy(ctx)
	ticker := time.NewTicker(d.config.SweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			d.sweep(ctx)
		}
	}
}

// sweep brings index and folder together again, and removes what nobody needs.
func (d *Disk) sweep(ctx context.Context) {
	if err := d.walk(ctx); err != nil && ctx.Err() == nil {
		d.faults.Add(1)
	}
	d.tidy(ctx)
}

// tidy removes what has expired, what was left over and what is too much.
func (d *Disk) tidy(ctx context.Context) {
	_ = d.removeOrphans(time.Now()) // the next sweep tries again
	d.expire(ctx)
	if ctx.Err() != nil {
		return
	}
	d.mu.Lock()
	d.check(time.Now())
	d.entries.compact()
	none := d.bound < leastRoom
	changed := none != d.noRoom
	d.noRoom = none
	d.mu.Unlock()
	if changed {
		d.tellOfRoom(none)
	}
}

// walk adds to the index what lies in the folder.
func (d *Disk) walk(ctx context.Context) error {
	var shards []string
	if err := d.files.list(ctx, layout, func(e fs.DirEntry) {
		if e.IsDir() && isShard(e.Name()) {
			shards = append(shards, e.Name())
		}
	}); err != nil {
		return err
	}
	next := make(chan string)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error // guarded by mu
	for range min(maxWalkers, max(runtime.GOMAXPROCS(0), 2)) {
		wg.Go(func() {
			for shard := range next {
				if err := d.walkShard(ctx, shard); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	for _, s := range shards {
		if ctx.Err() != nil {
			break
		}
		next <- s
	}
	close(next)
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// walkShard adds the files of v1/shard, folder by folder.
func (d *Disk) walkShard(ctx context.Context, shard string) error {
	var folders []string
	if err := d.files.list(ctx, layout+"/"+shard, func(e fs.DirEntry) {
		if e.IsDir() && isShard(e.Name()) {
			folders = append(folders, shard+"/"+e.Name())
		}
	}); err != nil {
		return err
	}
	type file struct {
		id   fileID
		info fileInfo
	}
	var files []file
	var errs []error
	for _, folder := range folders {
		files = files[:0]
		errs = append(errs, d.files.list(ctx, layout+"/"+folder, func(e fs.DirEntry) {
			id, ok := parseName(folder + "/" + e.Name())
			if !ok || !e.Type().IsRegular() || d.entries.has(id) {
				return
			}
			if info, err := e.Info(); err == nil && info.Mode().IsRegular() && info.Size() <= maxFileBytes {
				found := newFileInfo(info.Size(), time.Time{})
				found.keep = 0
				files = append(files, file{id, found})
			}
		}))
		d.mu.Lock()
		for _, f := range files {
			d.adoptLocked(f.id, f.info)
		}
		if len(files) == 0 {
			d.removeFolders(folderID(folder))
		}
		d.mu.Unlock()
	}
	return errors.Join(errs...)
}

// expire removes the entries whose time is over and forgets those whose file is
// gone. When a file expires stands in its header, which is read once.
func (d *Disk) expire(ctx context.Context) {
	for id := range d.entries.each {
		if ctx.Err() != nil {
			return
		}
		info, ok := d.entries.peek(id)
		switch {
		case !ok:
		case info.keep == 0 || (info.keep != keepAlways && time.Now().Unix() >= int64(info.keep)):
			d.expireFile(id)
		default:
			d.forget(id)
		}
	}
}

// expireFile removes the file if its header says that it has expired, or is
// damaged, and else remembers when it will.
func (d *Disk) expireFile(id fileID) {
	h, size, err := d.readHeader(id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.forget(id)
	case errors.Is(err, errDamaged):
		d.faults.Add(1)
		_ = d.remove(id) // it is never served, removed or not
	case err != nil:
		d.faults.Add(1) // the next sweep tries again
	case !h.entry.KeepUntil.IsZero() && !time.Now().Before(h.entry.KeepUntil):
		d.expired.Add(1)
		_ = d.remove(id) // the next sweep tries again
	default:
		d.mu.Lock()
		defer d.mu.Unlock()
		if now, ok := d.entries.peek(id); ok && now.keep == 0 {
			d.removeEvicted(d.entries.add(id, newFileInfo(size, h.entry.KeepUntil)))
		}
	}
}

func (d *Disk) readHeader(id fileID) (header, int64, error) {
	data, size, err := d.files.read(id, headBytes)
	if err != nil {
		return header{}, 0, err
	}
	h, _, ok := unmarshalHeader(data)
	if !ok && size > headBytes { // a longer header, or a damaged one
		if data, size, err = d.files.read(id, maxFileBytes-maxBodyBytes); err != nil {
			return header{}, 0, err
		}
		h, _, ok = unmarshalHeader(data)
	}
	if !ok {
		return header{}, 0, errDamaged
	}
	return h, size, nil
}

// removeOrphans removes temporary files older than orphanAge.
func (d *Disk) removeOrphans(now time.Time) error {
	return d.files.list(context.Background(), tempFolder, func(e fs.DirEntry) {
		if !strings.HasSuffix(e.Name(), tempSuffix) || !e.Type().IsRegular() {
			return // not ours
		}
		info, err := e.Info()
		if err != nil || now.Sub(info.ModTime()) < orphanAge {
			return // gone, or still being written
		}
		_ = d.files.remove(path.Join(tempFolder, e.Name())) // the next sweep tries again
	})
}
