//go:build unix

package deploy_test

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"s3imageserver/storage/s3/s3test"
	"s3imageserver/testserver"
)

// Buckets and token of the nodes in these tests.
const (
	deployedPictures = "photos"
	deployedResults  = "results"
	deployedToken    = "a token of the operators"
)

// A node is a process with deploy/config.json; what a machine or a container
// decides is in its environment.
type node struct {
	*testserver.Process
	url, admin string
	env        []string
}

// newNode returns a node that was not started; cache is its folder of results.
func newNode(t *testing.T, store *s3test.Server, cache string) *node {
	t.Helper()
	port, admin := testserver.Port(t), testserver.Port(t)
	return &node{
		url: fmt.Sprintf("http://127.0.0.1:%d", port), admin: fmt.Sprintf("http://127.0.0.1:%d", admin),
		env: []string{
			"PATH=" + os.Getenv("PATH"),
			"S3_BUCKET=" + deployedPictures, "CACHE_BUCKET=" + deployedResults, "S3_ENDPOINT=" + store.Endpoint,
			"S3_ACCESS_KEY=" + s3test.AccessKey, "S3_SECRET_KEY=" + s3test.SecretKey, "ADMIN_TOKEN=" + deployedToken,
			"S3IMAGESERVER_LISTEN=127.0.0.1", fmt.Sprintf("S3IMAGESERVER_HTTP_PORT=%d", port),
			fmt.Sprintf("S3IMAGESERVER_ADMIN_LISTEN=127.0.0.1:%d", admin), "S3IMAGESERVER_HANDLERS_0_CACHE_PATH=" + cache,
			"S3IMAGESERVER_SHUTDOWN_DELAY=1",
		},
	}
}

// command returns a command with the environment of the node.
func (n *node) command(words ...string) *exec.Cmd {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Env = n.env
	return cmd
}

// start runs the command that is the node, and waits until it is ready.
func (n *node) start(t *testing.T, words ...string) {
	t.Helper()
	n.Process = testserver.Run(t, n.command(words...))
	for deadline := time.Now().Add(testserver.Patience); ; time.Sleep(10 * time.Millisecond) {
		r, err := testserver.Client.Get(n.url + "/readyz")
		if err == nil {
			r.Body.Close() // nothing is in it
			if r.StatusCode == 200 {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the node is not ready: %v\n%s", err, n.Output)
		}
	}
}

// deployedStore starts MinIO with the buckets of the nodes.
func deployedStore(t *testing.T) *s3test.Server {
	t.Helper()
	store := s3test.Start(t, s3test.MinIO)
	store.MakeBucket(t, deployedPictures)
	store.MakeBucket(t, deployedResults)
	return store
}

// openFolder returns a temporary folder that any user can enter.
func openFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for path := folder; path != filepath.Dir(path) && path != os.TempDir(); path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// inImage runs a program as a container does: in the root $1, which is mounted
// read-only but for the volume $2, as the user $3.
const inImage = `
mount --bind "$1" "$1" && mount --bind "$1$2" "$1$2" && mount -o remount,bind,ro "$1" || exit 1
touch "$1/x" 2>/dev/null && { echo "the root is writable"; exit 1; }
root=$1 user=$3
shift 3
exec chroot --userspec="$user" --groups= "$root" "$@"`

// The image of the Dockerfile, without a container engine: its files in an empty
// root that is mounted read-only, its user, its volume, its entry point and its
// health check. Pictures are made, kept in the volume and found there again.
func TestImage(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the image is not tested: mounts need root")
	}
	if _, err := exec.LookPath("unshare"); err != nil {
		t.Skip("the image is not tested: ", err)
	}
	m, store, root := dockerfile(t), deployedStore(t), openFolder(t)
	store.Put(t, deployedPictures, "photo.jpg", testserver.Photo(t, 600, 400))
	for _, c := range m.copies {
		from, to := c[0], filepath.Join(root, c[1])
		switch from {
		case "/out/s3imageserver":
			from = testserver.Binary(t)
		case "/out/cache":
			if err := os.Mkdir(to, 0o755); err != nil {
				t.Fatal(err)
			}
			var uid, gid int
			if _, err := fmt.Sscanf(m.user, "%d:%d", &uid, &gid); err != nil {
				t.Fatal(err)
			}
			if err := os.Chown(to, uid, gid); err != nil {
				t.Fatal(err)
			}
			continue
		}
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	n := newNode(t, store, deployedConfig(t).Handlers[0].CachePath)
	inside := func(words []string) []string {
		return append([]string{"unshare", "--mount", "sh", "-c", inImage, "sh", root, m.volume, m.user}, words...)
	}
	check := func() error {
		out, err := n.command(inside(m.health)...).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	}
	for _, want := range []string{"fwd=miss", "hit; detail=disk"} { // the second one after a restart
		n.start(t, inside(m.entrypoint)...)
		status, body, from := testserver.GetHeader(t, n.url+"/h/photo.jpg?w=300", "Cache-Status")
		c, _, err := image.DecodeConfig(bytes.NewReader(body))
		if status != 200 || err != nil || c.Width != 300 || from != "s3imageserver; "+want {
			t.Errorf("GET = %d, %s, %d pixels wide, %v; want 300 pixels, %s\n%s", status, from, c.Width, err, want, n.Output)
		}
		if err := check(); err != nil {
			t.Errorf("health: %v\n%s", err, n.Output)
		}
		if log := n.Output.String(); strings.Contains(log, `"WARN"`) || strings.Contains(log, `"ERROR"`) {
			t.Errorf("the log has warnings:\n%s", log)
		}
		if err := n.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := n.Wait(); err != nil {
			t.Errorf("after SIGTERM: %v; want exit code 0\n%s", err, n.Output)
		}
	}
	if err := check(); err == nil || !strings.Contains(err.Error(), "health: ") {
		t.Errorf("health of a server that has ended: %v; want a failure", err)
	}
	if files, err := filepath.Glob(root + "/*"); err != nil || len(files) != 3 {
		t.Errorf("the root holds %v, %v; want program, etc and cache", files, err)
	}
}

// startNginx starts Debian's nginx with deploy/nginx.conf before the nodes, as a
// user without rights, and returns its URL. Only addresses and the temporary
// folder are others.
func startNginx(t *testing.T, nodes []*node) string {
	t.Helper()
	path := testserver.Program(t, "nginx", "not tested behind nginx (Debian: nginx-light)")
	folder, port := openFolder(t), testserver.Port(t)
	text := deployed(t, "nginx.conf")
	replace := func(old, new string) {
		t.Helper()
		if !strings.Contains(text, old) {
			t.Fatalf("deploy/nginx.conf has no %q", old)
		}
		text = strings.ReplaceAll(text, old, new)
	}
	replace("/tmp/", folder+"/")
	replace("listen 8080;", fmt.Sprintf("listen 127.0.0.1:%d;", port))
	for i, n := range nodes {
		replace(fmt.Sprintf("node%d:8080", i+1), strings.TrimPrefix(n.url, "http://"))
	}
	file := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	log := new(testserver.Output)
	cmd := exec.Command(path, "-e", "stderr", "-c", file, "-p", folder, "-g", "daemon off;")
	cmd.Stdout, cmd.Stderr = log, log
	if os.Getuid() == 0 {
		if err := os.Chown(folder, 65534, 65534); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // its workers end with it
		_ = cmd.Wait()                          // reports the signal
		if t.Failed() {
			t.Logf("nginx:\n%s", log)
		}
	})
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	for deadline := time.Now().Add(testserver.Patience); ; time.Sleep(10 * time.Millisecond) {
		r, err := testserver.Client.Get(url + "/healthz")
		if err == nil {
			r.Body.Close() // nothing is in it
			return url
		}
		if time.Now().After(deadline) {
			t.Fatalf("nginx does not answer: %v\n%s", err, log)
		}
	}
}

// The layout of compose.yaml as processes: a picture is made once for all three
// nodes, a purge on one reaches all, and neither a node that dies nor a restart of
// one after the other costs a request.
func TestBehindNginx(t *testing.T) {
	const pictures = 12
	store := deployedStore(t)
	name := func(i int) string { return fmt.Sprintf("folder/photo %d.jpg", i) }
	path := func(i, w int) string { return fmt.Sprintf("/h/folder/photo%%20%d.jpg?w=%d", i, w) }
	for i := range pictures {
		store.Put(t, deployedPictures, name(i), testserver.Photo(t, 300+i, 200))
	}
	run := []string{testserver.Binary(t), "-c", "deploy/config.json"}
	var nodes []*node
	for range 3 {
		n := newNode(t, store, t.TempDir())
		n.start(t, run...)
		nodes = append(nodes, n)
	}
	front := startNginx(t, nodes)

	// Each picture is made by one node, and by no other.
	var made [pictures][]byte
	for i := range pictures {
		status, body, from := testserver.GetHeader(t, front+path(i, 120), "Cache-Status")
		if status != 200 || from != "s3imageserver; fwd=miss" {
			t.Fatalf("GET %s = %d, %s; want a miss", path(i, 120), status, from)
		}
		made[i] = body
	}
	testserver.WaitFor(t, func() bool { return store.Has(t, deployedResults, "", pictures) })
	makers := map[int]int{}
	for i := range pictures {
		var tiers []string
		for j, n := range nodes {
			status, body, from := testserver.GetHeader(t, n.url+path(i, 120), "Cache-Status")
			if status != 200 || !bytes.Equal(body, made[i]) {
				t.Errorf("node %d: %s = %d, %d bytes; want those %d that nginx had", j+1, path(i, 120), status, len(body), len(made[i]))
			}
			tiers = append(tiers, strings.TrimPrefix(from, "s3imageserver; hit; detail="))
			if tiers[j] == "memory" {
				makers[j]++
			}
		}
		if all := strings.Join(tiers, " "); strings.Count(all, "memory") != 1 || strings.Count(all, "bucket") != 2 {
			t.Errorf("%s: %s; want one node that made it and two that found it in the bucket", path(i, 120), all)
		}
	}
	if len(makers) < 2 {
		t.Errorf("all pictures were made by one node: %v", makers)
	}

	// What operators ask is not to be had through nginx.
	for _, path := range []string{"/metrics", "/stats", "/config", "/purge"} {
		if status, _, _ := testserver.Get(t, front+path); status != 404 {
			t.Errorf("GET %s through nginx = %d; want 404", path, status)
		}
	}
	// The picture changes; node 2 is told, and all have the new one.
	store.Put(t, deployedPictures, name(0), testserver.Photo(t, 200, 300))
	if out, err := nodes[1].command(append(run, "purge", "-handler", "h", "-name", name(0))...).CombinedOutput(); err != nil {
		t.Fatalf("purge: %v\n%s", err, out)
	}
	for _, url := range []string{nodes[0].url, nodes[1].url, nodes[2].url, front} {
		for deadline := time.Now().Add(testserver.Patience); ; time.Sleep(50 * time.Millisecond) {
			if _, body, _ := testserver.GetHeader(t, url+path(0, 120), "Cache-Status"); !bytes.Equal(body, made[0]) {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s still has the old picture", url)
			}
		}
	}

	// Clients ask for kept and for new pictures while a node is killed and comes back,
	// and then all are restarted, one after the other.
	var asked, failed atomic.Int64
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for k := range 4 {
		clients.Go(func() {
			for i := k; ; i += 4 {
				select {
				case <-stop:
					return
				default:
				}
				url := front + path(i%pictures, 20+i%200)
				r, err := testserver.Client.Get(url)
				if err == nil {
					_, err = new(bytes.Buffer).ReadFrom(r.Body)
					r.Body.Close() // read to its end
				}
				if err != nil || r.StatusCode != 200 {
					failed.Add(1)
					t.Errorf("GET %s: %v, %v; want 200", url, r, err)
				}
				asked.Add(1)
			}
		})
	}
	more := func(n int64) {
		t.Helper()
		goal := asked.Load() + n
		for deadline := time.Now().Add(2 * testserver.Patience); asked.Load() < goal && failed.Load() == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("%d requests in %v; want %d", asked.Load()-goal+n, 2*testserver.Patience, n)
				return
			}
		}
	}
	more(50)
	nodes[0].Kill()
	more(200)
	nodes[0].start(t, run...)
	more(50)
	const out = 1200 * time.Millisecond // nginx.conf's fail_timeout, and a little more
	time.Sleep(out)
	for i, n := range nodes {
		if err := n.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := n.Wait(); err != nil {
			t.Errorf("node %d after SIGTERM: %v\n%s", i+1, err, n.Output)
		}
		more(50)
		n.start(t, run...)
		time.Sleep(out)
		more(50)
	}
	more(100)
	close(stop)
	clients.Wait()
	t.Logf("%d requests, %d failed", asked.Load(), failed.Load())
}
