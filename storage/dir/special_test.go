//go:build unix

package dir_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"s3imageserver/storage/dir"
)

// Pipes, sockets and devices are no pictures, and to ask for one takes no time: a
// pipe without a writer would be waited for, by each who asks, for ever.
func TestOnlyRegularFilesAreOpened(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"pipe.jpg", "behind.jpg"} {
		if err := syscall.Mkfifo(filepath.Join(root, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("behind.jpg", filepath.Join(root, "link.jpg")); err != nil {
		t.Fatal(err)
	}
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(socket) // nothing is lost
	t.Chdir(root)               // the path of a socket is short
	if err := syscall.Bind(socket, &syscall.SockaddrUnix{Name: "socket.jpg"}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "photo.jpg"), []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := dir.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pipe.jpg", "link.jpg", "socket.jpg"} {
		if o, err := b.Get(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Get(%q) = %v, %v; want fs.ErrNotExist", name, o, err)
		}
	}
	o, err := b.Get(t.Context(), "photo.jpg")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Body.Close() // only read
	if data, err := io.ReadAll(o.Body); err != nil || string(data) != "hello" {
		t.Errorf("a file: %q, %v", data, err)
	}
}
