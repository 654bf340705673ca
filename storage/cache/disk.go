package cache

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// Disk keeps entries as files below one folder. It is safe for concurrent use,
// also by several processes on one folder: an entry appears whole, by a rename.
//
// All its files lie in the sub-folder "v1"; nothing else is ever touched.
type Disk struct {
	root *os.Root
}

const (
	layout     = "v1" // raised when entries move or change their format
	tempFolder = layout + "/tmp"
	tempSuffix = ".part"
	// orphanAge is the age at which a temporary file belongs to no living
	// writer: no write takes that long.
	orphanAge = 15 * time.Minute
)

// OpenDisk returns the disk tier in folder, which is created if it is missing
// (mode 0750). Temporary files that a killed process left are removed.
func OpenDisk(folder string) (*Disk, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	d := &Disk{root: root}
	if err := d.root.MkdirAll(tempFolder, 0o750); err != nil {
		return nil, errors.Join(fmt.Errorf("cache: %w", err), root.Close())
	}
	if err := d.removeOrphans(time.Now()); err != nil {
		return nil, errors.Join(fmt.Errorf("cache: %w", err), root.Close())
	}
	return d, nil
}

// Close releases the folder. No other method may be called after it.
func (d *Disk) Close() error { return d.root.Close() }

// Get returns the entry of k. The error wraps [fs.ErrNotExist] if there is
// none. A damaged entry is removed and counts as none.
func (d *Disk) Get(k Key) (*Entry, error) {
	name := fileName(k)
	data, err := d.read(name)
	if err != nil {
		return nil, err
	}
	e, err := unmarshal(k, data)
	if err != nil {
		_ = d.root.Remove(name) // it stays a miss if it cannot be removed
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return e, nil
}

func (d *Disk) read(name string) ([]byte, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxBodyBytes+maxFieldsBytes {
		return nil, fmt.Errorf("cache: %s: %w: not an entry", name, fs.ErrNotExist)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, err
	}
	return data, nil
}

// Put keeps e as the entry of k, in place of an older one. After an error the
// older one is still there.
func (d *Disk) Put(k Key, e *Entry) error {
	if len(e.Body) == 0 || len(e.Body) > maxBodyBytes {
		return fmt.Errorf("cache: a body of %d bytes is not kept", len(e.Body))
	}
	temp := path.Join(tempFolder, rand.Text()+tempSuffix)
	err := d.write(temp, marshalHeader(k, e), e.Body)
	if err == nil {
		err = d.rename(temp, fileName(k))
	}
	if err != nil {
		_ = d.root.Remove(temp) // the first error is the one to report; orphans are swept
		return fmt.Errorf("cache: %w", err)
	}
	return nil
}

func (d *Disk) write(name string, parts ...[]byte) error {
	f, err := d.create(name)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if _, err := f.Write(p); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}

// create makes the file, and its folder again if somebody removed it.
func (d *Disk) create(name string) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := d.root.OpenFile(name, flags, 0o640)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.root.MkdirAll(path.Dir(name), 0o750); err != nil {
			return nil, err
		}
		f, err = d.root.OpenFile(name, flags, 0o640)
	}
	return f, err
}

func (d *Disk) rename(from, to string) error {
	err := d.root.Rename(from, to)
	if errors.Is(err, fs.ErrNotExist) {
		if err := d.root.MkdirAll(path.Dir(to), 0o750); err != nil {
			return err
		}
		err = d.root.Rename(from, to)
	}
	return err
}

// removeOrphans removes temporary files older than orphanAge.
func (d *Disk) removeOrphans(now time.Time) error {
	folder, err := d.root.Open(tempFolder)
	if err != nil {
		return err
	}
	defer folder.Close() // only read
	for {
		entries, err := folder.ReadDir(256)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(entries) == 0 {
			return nil
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || !strings.HasSuffix(e.Name(), tempSuffix) || now.Sub(info.ModTime()) < orphanAge {
				continue // gone, not ours, or still being written
			}
			_ = d.root.Remove(path.Join(tempFolder, e.Name())) // the next start tries again
		}
	}
}

// fileName returns where the entry of k lies: all variants of a source in one
// folder, so that they can be found by the source alone.
func fileName(k Key) string {
	source, variant := sha256.Sum256([]byte(k.Source)), sha256.Sum256([]byte(k.Variant))
	s, v := hex.EncodeToString(source[:16]), hex.EncodeToString(variant[:16])
	return path.Join(layout, s[:2], s[2:4], s[4:]+"-"+v)
}
