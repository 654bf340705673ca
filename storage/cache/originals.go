package cache

import (
	"context"
	"io"
	"io/fs"
)

// OpenOriginal returns what [Disk.Open] of [Config.Originals] does. A purge
// that is running has taken the original already.
func (c *Cache) OpenOriginal(k Key) (e *Entry, size int64, body io.ReadCloser, err error) {
	if c.config.Originals == nil || c.purges.covers(k, false) {
		return nil, 0, nil, fs.ErrNotExist
	}
	return c.config.Originals.Open(k)
}

// KeepOriginal keeps e among the originals. ctx is that of the fill that read
// it: if a purge came since the fill began, e may be old and is not kept.
func (c *Cache) KeepOriginal(ctx context.Context, k Key, e *Entry) error {
	f, _ := ctx.Value(flightKey{}).(*flight)
	if c.config.Originals == nil || f != nil && f.purged.Load() {
		return nil
	}
	err := c.config.Originals.Put(k, e)
	if f != nil && f.purged.Load() {
		return c.config.Originals.Delete(k)
	}
	return err
}
