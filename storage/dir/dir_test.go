package dir_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"s3imageserver/storage"
	"s3imageserver/storage/dir"
	"s3imageserver/storage/storagetest"
)

func TestFolder(t *testing.T) {
	storagetest.Test(t, func(t *testing.T, objects map[string][]byte) storage.Bucket {
		root := t.TempDir()
		for name, data := range objects {
			path := filepath.Join(root, filepath.FromSlash(name))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := dir.Open(root)
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
}

func TestFS(t *testing.T) {
	storagetest.Test(t, func(t *testing.T, objects map[string][]byte) storage.Bucket {
		fsys := fstest.MapFS{}
		for name, data := range objects {
			fsys[name] = &fstest.MapFile{Data: data}
		}
		return dir.New(fsys)
	})
}

func TestLinksDoNotLeaveTheFolder(t *testing.T) {
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret.jpg"), []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for link, target := range map[string]string{
		"file.jpg": filepath.Join(outside, "secret.jpg"),
		"folder":   outside,
		"loop":     "loop",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := dir.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"file.jpg", "folder/secret.jpg", "loop", "folder"} {
		if obj, err := b.Get(context.Background(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Get(%q) = %v, %v; want fs.ErrNotExist", name, obj, err)
		}
	}
}

func TestMissingFolder(t *testing.T) {
	if _, err := dir.Open(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of a missing folder = %v; want fs.ErrNotExist", err)
	}
}

func TestBrowse(t *testing.T) {
	storagetest.TestBrowser(t, func(t *testing.T, objects map[string][]byte) storage.Browser {
		files := fstest.MapFS{}
		for name, data := range objects {
			files[name] = &fstest.MapFile{Data: data}
		}
		return dir.New(files)
	})
}
