// Package dir is a [storage.Bucket] over a local folder or any [fs.FS]: the
// embedded samples, a mounted volume, the pictures beside a laptop's browser.
package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"s3imageserver/storage"
)

// Bucket reads the files of one folder. It is safe for concurrent use.
type Bucket struct {
	fsys fs.FS
	root *os.Root // of fsys; nil: it is another file system
}

var (
	_ storage.Bucket  = (*Bucket)(nil)
	_ storage.Lister  = (*Bucket)(nil)
	_ storage.Browser = (*Bucket)(nil)
)

// New returns a Bucket over the files of fsys.
func New(fsys fs.FS) *Bucket { return &Bucket{fsys: fsys} }

// Open returns a Bucket over the folder at path. It is opened as an [os.Root]:
// no name and no symbolic link leads out of it.
func Open(path string) (*Bucket, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	return &Bucket{fsys: root.FS(), root: root}, nil
}

// Get implements [storage.Bucket]. The ETag is made of the file's size and
// modification time. Anything but a regular file does not exist.
func (b *Bucket) Get(ctx context.Context, name string) (*storage.Object, error) {
	if !storage.ValidName(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := b.open(name)
	if err != nil {
		return nil, classify(err)
	}
	info, err := f.Stat()
	if err == nil {
		err = regular(name, info)
	}
	if err != nil {
		_ = f.Close() // the first error is the one to report
		return nil, classify(err)
	}
	return storage.NewObject(storage.Info{
		Size:    info.Size(),
		ETag:    strconv.FormatInt(info.ModTime().UnixNano(), 36) + "-" + strconv.FormatInt(info.Size(), 36),
		ModTime: info.ModTime(),
	}, f), nil
}

// open opens a file, if it is a regular one: to open a pipe takes until somebody
// writes into it, and to open a device may do anything. Should one take the place
// of a file after the look, it is opened without waiting.
func (b *Bucket) open(name string) (fs.File, error) {
	if b.root == nil {
		return b.fsys.Open(name)
	}
	info, err := b.root.Stat(name)
	if err != nil {
		return nil, err
	}
	if err := regular(name, info); err != nil {
		return nil, err
	}
	return b.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// regular returns an error if what info is of is no regular file.
func regular(name string, info fs.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// List implements [storage.Lister]. Folders are read one level after the other,
// so that a large tree below does not keep the first names from appearing.
func (b *Bucket) List(ctx context.Context, max int, keep func(name string) bool) ([]string, error) {
	var names []string
	folders := []string{"."}
	for len(folders) > 0 && len(names) < max {
		folder := folders[0]
		folders = folders[1:]
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		entries, err := fs.ReadDir(b.fsys, folder)
		if err != nil {
			return nil, classify(err)
		}
		for _, e := range entries {
			name := path.Join(folder, e.Name())
			switch {
			case e.IsDir() && len(folders) < max:
				folders = append(folders, name)
			case e.Type().IsRegular() && len(names) < max && storage.ValidName(name) && keep(name):
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// Browse implements [storage.Browser].
func (b *Bucket) Browse(ctx context.Context, folder, after string, max int) (l storage.Listing, err error) {
	name := strings.TrimSuffix(folder, "/")
	if folder == "" {
		name = "."
	} else if !storage.ValidName(name) {
		return l, &fs.PathError{Op: "browse", Path: folder, Err: fs.ErrInvalid}
	}
	if err := ctx.Err(); err != nil {
		return l, err
	}
	found, err := fs.ReadDir(b.fsys, name)
	if err != nil {
		return l, classify(err)
	}
	var entries []string
	for _, e := range found {
		switch name := folder + e.Name(); {
		case !storage.ValidName(name):
		case e.IsDir():
			entries = append(entries, name+"/")
		case e.Type().IsRegular():
			entries = append(entries, name)
		}
	}
	slices.Sort(entries) // with their slashes
	for i, name := range entries {
		switch {
		case name <= after:
		case len(l.Folders)+len(l.Names) == max:
			l.Next = entries[i-1]
			return l, nil
		case strings.HasSuffix(name, "/"):
			l.Folders = append(l.Folders, name)
		default:
			l.Names = append(l.Names, name)
		}
	}
	return l, nil
}

// classify makes a file system's error one of [storage.Bucket]'s. A segment that
// is a file and not a folder, a name that is too long for the file system and
// a link that leads out of the folder are names without an object.
func classify(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrInvalid):
		return err
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.ELOOP), escapes(err):
		return fmt.Errorf("%w: %v", fs.ErrNotExist, err)
	}
	return fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
}

// escapes reports whether err is os.Root's refusal to leave the folder, which
// has no exported value.
func escapes(err error) bool {
	var pe *fs.PathError
	return errors.As(err, &pe) && pe.Err.Error() == "path escapes from parent"
}
