package cache

import (
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Purge removes what p matches, and returns how many entries that was: of one
// source by its folder; by a prefix after a look at the header of every entry.
func (d *Disk) Purge(ctx context.Context, p Purge) (removed int, err error) {
	if !p.Prefix {
		return d.purgeSource(ctx, p.source())
	}
	errs := []error{d.walk(ctx)} // also what other processes wrote
	for id := range d.entries.each {
		if err := ctx.Err(); err != nil {
			return removed, errors.Join(append(errs, err)...)
		}
		h, _, err := d.readHeader(id)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			d.forget(id)
		case err != nil:
			errs = append(errs, d.remove(id)) // whose it is, nobody can tell any more
		case p.Matches(h.key):
			if err := d.remove(id); err != nil {
				errs = append(errs, err)
				continue
			}
			removed++
		}
	}
	return removed, errors.Join(errs...)
}

func (d *Disk) purgeSource(ctx context.Context, source string) (removed int, err error) {
	ids, err := d.variants(ctx, source)
	errs := []error{err}
	for _, id := range ids {
		if err := d.remove(id); err != nil {
			errs = append(errs, err)
			continue
		}
		removed++
	}
	return removed, errors.Join(errs...)
}

// variants returns the entries of source.
func (d *Disk) variants(ctx context.Context, source string) ([]fileID, error) {
	var id fileID
	copy(id[:], sum128(source))
	name := id.name()
	shard, prefix := path.Dir(name), path.Base(name)[:29]
	var found []fileID
	err := d.files.list(ctx, shard, func(e fs.DirEntry) {
		if !strings.HasPrefix(e.Name(), prefix) {
			return
		}
		if id, ok := parseName(shard[len(layout)+1:] + "/" + e.Name()); ok {
			found = append(found, id)
		}
	})
	return found, err
}

// eachVariant calls yield with the variants of source.
func (d *Disk) eachVariant(ctx context.Context, source string, yield func(variant string)) error {
	ids, err := d.variants(ctx, source)
	for _, id := range ids[:min(len(ids), maxVariants)] {
		if h, _, err := d.readHeader(id); err == nil && h.key.Source == source {
			yield(h.key.Variant)
		}
	}
	return err
}

// isEmpty reports whether the folder holds no entry at all. It is false where
// that cannot be told.
func (d *Disk) isEmpty(ctx context.Context) bool {
	var shards, folders []string
	err := d.files.list(ctx, layout, func(e fs.DirEntry) {
		if e.IsDir() && isShard(e.Name()) {
			shards = append(shards, e.Name())
		}
	})
	for _, shard := range shards {
		err = errors.Join(err, d.files.list(ctx, layout+"/"+shard, func(e fs.DirEntry) {
			if e.IsDir() && isShard(e.Name()) {
				folders = append(folders, shard+"/"+e.Name())
			}
		}))
	}
	found := false
	for _, folder := range folders {
		if found || err != nil {
			break
		}
		err = d.files.list(ctx, layout+"/"+folder, func(e fs.DirEntry) {
			_, ok := parseName(folder + "/" + e.Name())
			found = found || ok
		})
	}
	return !found && err == nil
}

// A mark is a file v1/heard-<id> with a time: until then the folder has heard
// of all purges of a [Shared].
func markName(id string) string { return layout + "/heard-" + hex.EncodeToString(sum128(id)) }

func (d *Disk) readMark(id string) (time.Time, error) {
	data, err := os.ReadFile(filepath.Join(d.files.path, filepath.FromSlash(markName(id))))
	if err != nil {
		return time.Time{}, err
	}
	ms, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	return time.UnixMilli(ms), err
}

func (d *Disk) writeMark(id string, t time.Time) error {
	temp := tempName()
	if err := d.files.write(temp, []byte(strconv.FormatInt(t.UnixMilli(), 10))); err != nil {
		_ = d.files.remove(temp) // orphans are swept
		return err
	}
	return d.files.rename(temp, markName(id))
}
