package cache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// A folder is the file system as a Disk uses it. Names have slashes and are
// relative to it. Everything that writes or removes goes through an os.Root and
// so stays inside, whatever links somebody placed there. Reads open the path
// itself, which saves an openat for each folder on the way: only the last part
// must not be a link, and what is read counts only if it is the entry asked
// for, checksum and key included.
type folder struct {
	path string
	root atomic.Pointer[os.Root]
	mu   sync.Mutex // for replacing root
	// fault is nil outside tests. What it returns before an operation is the
	// operation's result unless nil; op is one of open, create, write, rename,
	// remove, rmdir, list, stat.
	fault func(op, name string) error
	space func() (free, total int64, ok bool) // nil outside tests; else in place of freeBytes
}

func openFolder(name string) (*folder, error) {
	if err := os.MkdirAll(name, 0o750); err != nil {
		return nil, err
	}
	name, err := filepath.Abs(name)
	if err == nil {
		name, err = filepath.EvalSymlinks(name) // what is a link later was put there by somebody
	}
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	if err := root.MkdirAll(tempFolder, 0o750); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	f := &folder{path: name}
	f.root.Store(root)
	return f, nil
}

// makeFolder makes a folder again that somebody removed, with all of them on
// the way: when the whole cache is gone, the root is a folder without a name,
// and has to be opened anew.
func (f *folder) makeFolder(name string) error {
	old := f.root.Load()
	err := old.MkdirAll(name, 0o750)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root.Load() == old {
		if err := noLinks(f.path); err != nil {
			return err
		}
		if err := os.MkdirAll(f.path, 0o750); err != nil {
			return err
		}
		root, err := os.OpenRoot(f.path)
		if err != nil {
			return err
		}
		f.root.Store(root)
		_ = old.Close() // what still uses it fails, as it would have anyway
	}
	return f.root.Load().MkdirAll(name, 0o750)
}

// noLinks reports as an error that there is a link on the way to a folder, or in
// its place.
func noLinks(name string) error {
	for parent := filepath.Dir(name); ; name, parent = parent, filepath.Dir(parent) {
		info, err := os.Lstat(name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return fmt.Errorf("%s is a link now: nothing is written there", name)
		}
		if parent == name {
			return nil
		}
	}
}

func (f *folder) check(op, name string) error {
	if f.fault == nil {
		return nil
	}
	return f.fault(op, name)
}

// read returns the first max bytes of the entry's file and its whole size. The
// error is fs.ErrNotExist itself if there is no file, and wraps it if what is
// there is no regular file of a size that an entry can have.
func (f *folder) read(id fileID, max int64) (data []byte, size int64, err error) {
	b := make([]byte, 0, len(f.path)+2+len(layout)+nameBytes)
	b = append(append(b, f.path...), '/')
	name := string(id.appendName(b))
	if err := f.check("open", name); err != nil {
		return nil, 0, err
	}
	return readRegular(name, max)
}

// errNotEntry is what a file that cannot be an entry gives.
func errNotEntry(name string) error {
	return fmt.Errorf("cache: %s: %w: not an entry", path.Base(filepath.ToSlash(name)), fs.ErrNotExist)
}

// write makes the file, with its folder if somebody removed that.
func (f *folder) write(name string, parts ...[]byte) error {
	file, err := f.create(name)
	if err != nil {
		return err
	}
	for _, p := range parts {
		err := f.check("write", name)
		if err == nil {
			_, err = file.Write(p)
		}
		if err != nil {
			return errors.Join(err, file.Close())
		}
	}
	return file.Close()
}

func (f *folder) create(name string) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if err := f.check("create", name); err != nil {
		return nil, err
	}
	file, err := f.root.Load().OpenFile(name, flags, 0o640)
	if errors.Is(err, fs.ErrNotExist) {
		if err := f.makeFolder(path.Dir(name)); err != nil {
			return nil, err
		}
		file, err = f.root.Load().OpenFile(name, flags, 0o640)
	}
	return file, err
}

// openRead opens a regular file; what else is there does not exist.
func (f *folder) openRead(name string) (*os.File, error) {
	if err := f.check("open", name); err != nil {
		return nil, err
	}
	info, err := f.root.Load().Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFileBytes {
		return nil, errNotEntry(name)
	}
	return f.root.Load().Open(name)
}

func (f *folder) rename(from, to string) error {
	if err := f.check("rename", to); err != nil {
		return err
	}
	err := f.root.Load().Rename(from, to)
	if errors.Is(err, fs.ErrNotExist) {
		if err := f.makeFolder(path.Dir(to)); err != nil {
			return err
		}
		err = f.root.Load().Rename(from, to)
	}
	return err
}

// remove removes a file; one that is not there is no error.
func (f *folder) remove(name string) error {
	if err := f.check("remove", name); err != nil {
		return err
	}
	if err := f.root.Load().Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// removeFolder removes a folder that holds nothing, and reports whether it is
// gone. One that holds files of others stays.
func (f *folder) removeFolder(name string) bool {
	if f.check("rmdir", name) != nil {
		return false
	}
	err := f.root.Load().Remove(name)
	return err == nil || errors.Is(err, fs.ErrNotExist)
}

func (f *folder) stat(name string) (fs.FileInfo, error) {
	if err := f.check("stat", name); err != nil {
		return nil, err
	}
	return os.Lstat(filepath.Join(f.path, filepath.FromSlash(name)))
}

// list calls yield for the entries of the named folder, in no order, some at a
// time. A folder that is not there is empty.
func (f *folder) list(ctx context.Context, name string, yield func(fs.DirEntry)) error {
	if err := f.check("list", name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Join(f.path, filepath.FromSlash(name)))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	defer dir.Close() // only read
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		entries, err := dir.ReadDir(1024)
		for _, e := range entries {
			yield(e)
		}
		if errors.Is(err, io.EOF) || (err == nil && len(entries) == 0) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// free returns what an ordinary user may still write to the file system, and
// its size, in bytes; ok is false where that is not known.
func (f *folder) free() (free, total int64, ok bool) {
	if f.space != nil {
		return f.space()
	}
	return freeBytes(f.path)
}

func (f *folder) close() error { return f.root.Load().Close() }
