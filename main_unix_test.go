//go:build unix

package main

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"s3imageserver/storage/s3/s3test"
	"s3imageserver/testserver"
)

// In an empty root, as nobody, with nothing but its configuration, the binary
// serves from MinIO.
func TestEmptyChroot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not tested in a chroot: that needs root")
	}
	store := s3test.Start(t, s3test.MinIO)
	store.MakeBucket(t, "pictures")
	store.Put(t, "pictures", "photo.jpg", testserver.Photo(t, 600, 400))
	root := t.TempDir()
	for path := root; path != filepath.Dir(path) && path != os.TempDir(); path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil { // nobody must be able to enter
			t.Fatal(err)
		}
	}
	source, err := os.Open(testserver.Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	target, err := os.OpenFile(filepath.Join(root, "s3imageserver"), os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(target, source); err != nil {
		t.Fatal(err)
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
	p := testserver.Start(t, root, map[string]any{"handlers": []any{
		map[string]any{"name": "h", "aws": aws(store, "pictures", ""), "output_format": "webp", "cache_path": "/cache", "cache": map[string]any{"disk_mb": 64}},
	}}, func(cmd *exec.Cmd) {
		cmd.Path, cmd.Args = "/s3imageserver", []string{"s3imageserver", "-c", "/config.json"}
		cmd.Dir, cmd.Env = "/", []string{}
		cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	})
	for range 2 {
		status, mediaType, body := testserver.Get(t, p.URL+"/h/photo.jpg?w=300")
		c, _, err := image.DecodeConfig(bytes.NewReader(body))
		if status != 200 || mediaType != "image/webp" || err != nil || c.Width != 300 {
			t.Errorf("GET = %d %s, %d pixels wide, %v\n%s", status, mediaType, c.Width, err, p.Output)
		}
	}
	if !bytes.Contains([]byte(p.Output.String()), []byte("without disk cache")) {
		t.Errorf("the folder is not writable, and the log says nothing of it:\n%s", p.Output)
	}
}

// More clients than the process may have files: they wait, nothing breaks, and
// pictures are served when they leave.
func TestManyConnections(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "photo.jpg"), testserver.Photo(t, 60, 40), 0o644); err != nil {
		t.Fatal(err)
	}
	p := testserver.Start(t, folder, map[string]any{"handlers": []any{map[string]any{"name": "h", "source": map[string]any{"dir": folder}, "cache_path": "cache", "cache": map[string]any{"disk_mb": 64}}}}, func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"sh", "-c", `ulimit -n 128 && exec "$@"`, "sh", cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
	})
	var idle []net.Conn
	for range 200 {
		c, err := net.DialTimeout("tcp", p.URL[len("http://"):], 10*time.Second)
		if err != nil {
			break // the kernel's queue is full too
		}
		idle = append(idle, c)
	}
	if len(idle) < 100 {
		t.Errorf("only %d connections were taken", len(idle))
	}
	for _, c := range idle {
		c.Close()
	}
	status, _, _ := testserver.Get(t, p.URL+"/h/photo.jpg?w=30")
	if status != 200 || bytes.Contains([]byte(p.Output.String()), []byte("too many open files")) {
		t.Errorf("GET after the crowd left = %d\n%s", status, p.Output)
	}
}

// SIGTERM ends the process with exit code 0.
func TestTerminate(t *testing.T) {
	folder := t.TempDir()
	p := testserver.Start(t, folder, map[string]any{"handlers": []any{map[string]any{"name": "h", "source": map[string]any{"dir": folder}}}}, nil)
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v; want exit code 0\n%s", err, p.Output)
	}
}

// As a user who may not write into the cache folder, doctor says so.
func TestDoctorAsAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not tested as another user: only root can become one")
	}
	folder, err := os.MkdirTemp("", "s3imageserver-doctor-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) }) // a temporary folder
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cache", "pictures"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "pictures", "a.jpg"), testserver.Photo(t, 30, 20), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "config.json")
	if err := os.WriteFile(file, []byte(`{"http_port": 18080, "handlers": [{"name": "h", "source": {"dir": "`+folder+`/pictures"}, "cache_path": "`+folder+`/cache"}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(testserver.Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(folder, "s3imageserver") // where others may run it
	if err := os.WriteFile(binary, program, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-c", file, "doctor")
	cmd.Dir = folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "fault    handlers.0.cache_path: this user cannot write into the folder "+folder+"/cache: permission denied") {
		t.Errorf("doctor = %v\n%s", err, out)
	}
}

// On a disk that is full, and on one that can only be read, doctor says so.
func TestDoctorOfRealDisks(t *testing.T) {
	if out, err := exec.Command("unshare", "--mount", "--map-root-user", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("unshare: %v\n%s", err, out)
		}
		t.Skipf("not tested on a full disk: unshare: %v", err)
	}
	folder := t.TempDir()
	cache := filepath.Join(folder, "cache")
	if err := os.Mkdir(cache, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "a.jpg"), testserver.Photo(t, 30, 20), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "config.json")
	if err := os.WriteFile(file, fmt.Appendf(nil, `{"http_port": %d, "handlers": [{"name": "h", "source": {"dir": %q}, "cache_path": %q}]}`, testserver.Port(t), folder, cache), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ mount, want string }{
		"full":      {"mount -t tmpfs -o size=1m none", "nothing can be written into " + cache + ": no space left on device"},
		"read-only": {"mount -t tmpfs -o ro,size=1m none", "cannot write into the folder " + cache + ": read-only file system"},
	} {
		cmd := exec.Command("unshare", "--mount", "--map-root-user", "sh", "-c", tt.mount+` "$1" && exec "$2" -c "$3" doctor`, "sh", cache, testserver.Binary(t), file)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), tt.want) {
			t.Errorf("%s: doctor = %v\n%s\nwant %s", name, err, out, tt.want)
		}
	}
}
