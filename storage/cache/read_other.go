//go:build !linux && !darwin && !freebsd

package cache

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// readRegular returns the first max bytes of a regular file that is no link,
// and its size.
func readRegular(name string, max int64) (data []byte, size int64, err error) {
	name = filepath.FromSlash(name)
	info, err := os.Lstat(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fs.ErrNotExist
		}
		return nil, 0, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFileBytes {
		return nil, 0, errNotEntry(name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close() // only read
	now, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !os.SameFile(info, now) {
		return nil, 0, errNotEntry(name) // somebody put another one in its place: as if we were too early
	}
	data = make([]byte, min(info.Size(), max))
	_, err = io.ReadFull(f, data)
	return data, info.Size(), err
}
