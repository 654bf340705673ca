package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"s3imageserver/server/logging"
	"s3imageserver/testserver"
)

// fileService is a running server of a configuration file, in a folder with
// pictures.
type fileService struct {
	t      *testing.T
	folder string
	config map[string]any
	log    *syncBuffer
	v      *service
}

func startFileService(t *testing.T, config map[string]any) *fileService {
	t.Helper()
	f := &fileService{t: t, folder: t.TempDir(), config: config, log: new(syncBuffer)}
	if err := os.WriteFile(filepath.Join(f.folder, "photo.jpg"), jpegFile(t, 400, 300), 0o644); err != nil {
		t.Fatal(err)
	}
	config["handlers"] = []any{map[string]any{"name": "h", "source": map[string]any{"dir": f.folder}, "cache_path": filepath.Join(f.folder, "cache"), "cache": map[string]any{"memory_mb": 4, "disk_mb": 64}}}
	f.write()
	c, _, err := Load(f.file())
	if err != nil {
		t.Fatal(err)
	}
	f.v, err = newService(c, Options{Log: logging.New(f.log, c.Log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.v.close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fileService) file() string { return filepath.Join(f.folder, "config.json") }

// write puts the configuration into its file.
func (f *fileService) write() {
	f.t.Helper()
	text, err := json.Marshal(f.config)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.file(), text, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fileService) handler() map[string]any {
	return f.config["handlers"].([]any)[0].(map[string]any)
}

// get asks the service, and returns status, media type and tier.
func (f *fileService) get(target string) (int, string, string) {
	s := &site{t: f.t, server: nil}
	var r *http.Response
	f.v.with(func(now *Server) { s.server = now; r = s.get(target) })
	return r.StatusCode, r.Header.Get("Content-Type"), strings.TrimPrefix(r.Header.Get("Cache-Status"), "s3imageserver; ")
}

// A reload takes what changed, keeps the caches that stay, and leaves what needs
// a restart.
func TestReload(t *testing.T) {
	f := startFileService(t, map[string]any{"http_port": 8080})
	const target = "/h/photo.jpg?w=40"
	if status, mediaType, from := f.get(target); status != 200 || mediaType != "image/webp" || from != "fwd=miss" {
		t.Fatalf("at first: %d %s %s", status, mediaType, from)
	}
	first := f.v.current.Load()
	f.config["http_port"], f.config["log"] = 9999, map[string]any{"format": "json", "level": "warn"}
	f.write()
	f.v.reload()
	now := f.v.current.Load()
	if now == first || now.config.HTTPPort != 8080 || !strings.Contains(f.log.String(), "http_port") {
		t.Errorf("port after the reload = %d, log:\n%s", now.config.HTTPPort, f.log)
	}
	if _, _, from := f.get(target); from != "hit; detail=memory" {
		t.Errorf("after a reload that changes nothing of the cache: %s; want it in memory", from)
	}
	f.v.draining.Wait()
	if _, _, from := f.get("/h/photo.jpg?w=41"); from != "fwd=miss" {
		t.Errorf("a new size after the old server ended: %s", from)
	}
	f.handler()["cache"] = map[string]any{"memory_mb": 8, "disk_mb": 64}
	f.handler()["output_format"] = "png"
	f.write()
	f.v.reload()
	f.v.draining.Wait()
	if _, mediaType, from := f.get(target); mediaType != "image/png" || from != "fwd=miss" {
		t.Errorf("another format: %s %s", mediaType, from)
	}
	if _, _, from := f.get(target + "&f=webp"); from != "hit; detail=disk" {
		t.Errorf("another memory tier: %s; want it on disk", from)
	}
	if n := len(now.reused.inUse); n != 7 { // two budgets, disk, memory, rates, source, refused
		t.Errorf("%d parts are open: %v; want 7", n, now.reused.inUse)
	}
	before := f.log.String()
	f.v.log.Info("not at this level")
	if f.log.String() != before {
		t.Error("log.level was not obeyed after the reload")
	}
}

// A bad file keeps the old configuration, says why with the line, and shows in
// the metrics until it is good again.
func TestReloadOfBadFile(t *testing.T) {
	f := startFileService(t, map[string]any{"http_port": 8080})
	first := f.v.current.Load()
	metric := func() string {
		_, text := adminGet(t, f.v.current.Load(), "/metrics")
		i := strings.Index(text, "\ns3imageserver_config_last_reload_successful ")
		return strings.Fields(text[i:])[1]
	}
	for _, bad := range []string{`{"handlers": [`, `{"handlers": [{"name": "h"}]}`, `{"handlers": [{"name": "h", "source": {"dir": "/there/is/none"}}]}`} {
		if err := os.WriteFile(f.file(), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		f.v.reload()
		if f.v.current.Load() != first || !strings.Contains(f.log.String(), "configuration not reloaded: the old one stays in use") || !strings.Contains(f.log.String(), "config.json:1:") {
			t.Errorf("after %s: log\n%s", bad, f.log)
		}
		first.config.Admin.Token = testToken
		if got := metric(); got != "0" {
			t.Errorf("s3imageserver_config_last_reload_successful = %s; want 0", got)
		}
	}
	if status, _, _ := f.get("/h/photo.jpg?w=40"); status != 200 {
		t.Errorf("status with a bad file = %d", status)
	}
	f.config["admin"] = map[string]any{"token": testToken}
	f.write()
	f.v.reload()
	if got := metric(); got != "1" {
		t.Errorf("s3imageserver_config_last_reload_successful = %s after a good file; want 1", got)
	}
}

// A purge reaches what an old server is making for a request that it still has.
func TestPurgeDuringReload(t *testing.T) {
	f := startFileService(t, map[string]any{"http_port": 8080})
	old := f.v.current.Load()
	if !old.answering.TryRLock() {
		t.Fatal("locked")
	}
	f.config["hsts"] = 60
	f.write()
	f.v.reload()
	h := f.v.current.Load().handlers[0]
	if got := len(h.reused.handlersOf(h.id)); got != 2 {
		t.Errorf("%d handlers hear of a purge while the old server ends; want 2", got)
	}
	old.answering.RUnlock()
	f.v.draining.Wait()
	if got := len(h.reused.handlersOf(h.id)); got != 1 {
		t.Errorf("%d handlers hear of a purge when it has ended; want 1", got)
	}
}

// Under load the configuration and the certificate are replaced, again and
// again, by the file as a mounted ConfigMap does it, and by SIGHUP: no request
// fails.
func TestReloadUnderLoad(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "photo.jpg"), jpegFile(t, 300, 200), 0o644); err != nil {
		t.Fatal(err)
	}
	port, securePort := testserver.Port(t), testserver.Port(t)
	certFile, keyFile := filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	writeCertificate(t, certFile, keyFile, "cert-0.example")
	// publish writes a configuration the way Kubernetes does: a link that is
	// replaced.
	publish := func(n int) {
		version := filepath.Join(folder, fmt.Sprintf("..v%d", n))
		if err := os.Mkdir(version, 0o755); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf(`{"http_port": %d, "https_enabled": true, "https_port": %d, "https_cert": %q, "https_key": %q, "listen": "127.0.0.1",
			"handlers": [{"name": "h", "source": {"dir": %q}, "cache_path": %q, "cache": {"disk_mb": 64}, "webp_method": %d}]}`, port, securePort, certFile, keyFile, folder, filepath.Join(folder, "cache"), n%3)
		if err := os.WriteFile(filepath.Join(version, "config.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(folder, "..new")
		if err := os.Symlink(version, link); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link, filepath.Join(folder, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	publish(0)
	c, _, err := Load(filepath.Join(folder, "..data", "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	log := new(syncBuffer)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ListenAndServe(ctx, c, Options{Log: slog.New(slog.NewTextHandler(log, nil))}) }()
	waitFor := func(text string, n int) {
		t.Helper()
		for deadline := time.Now().Add(patience); strings.Count(log.String(), text) < n; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("not %d times %q in the log:\n%s", n, text, log)
			}
		}
	}
	waitFor("listening", 2)

	var asked, failed atomic.Int64
	var names sync.Map
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() {
			url := fmt.Sprintf("http://127.0.0.1:%d", port)
			client := insecure(0)
			if i%2 == 1 {
				url = fmt.Sprintf("https://127.0.0.1:%d", securePort)
			}
			if i >= 2 {
				client.Transport.(*http.Transport).DisableKeepAlives = false
				defer client.CloseIdleConnections()
			}
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				r, err := client.Get(fmt.Sprintf("%s/h/photo.jpg?w=%d", url, 20+n%50))
				asked.Add(1)
				if err != nil {
					failed.Add(1)
					t.Log(err)
					continue
				}
				_, err = io.Copy(io.Discard, r.Body)
				r.Body.Close()
				if err != nil || r.StatusCode != 200 {
					failed.Add(1)
					t.Log(r.StatusCode, err)
				}
				if r.TLS != nil {
					names.Store(r.TLS.PeerCertificates[0].Subject.CommonName, true)
				}
			}
		})
	}
	// more waits for that many requests.
	more := func(n int64) {
		t.Helper()
		goal := asked.Load() + n
		for deadline := time.Now().Add(patience); asked.Load() < goal; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d of %d requests in %v", asked.Load()-goal+n, n, patience)
			}
		}
	}
	more(20)
	publish(1)
	waitFor("configuration reloaded", 1) // by the link
	process, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for n := 2; n <= 6; n++ {
		publish(n)
		writeCertificate(t, certFile, keyFile, fmt.Sprintf("cert-%d.example", n))
		if err := process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		waitFor("configuration reloaded", n)
		more(20)
	}
	// New handshakes show the last certificate. On a machine that is very slow the
	// file was reloaded once more, so that the last reload may be still to come.
	name, last := "", "cert-6.example"
	for deadline := time.Now().Add(patience); name != last && time.Now().Before(deadline); {
		name = commonName(t, fmt.Sprintf("https://127.0.0.1:%d/", securePort))
	}
	if name != last {
		t.Errorf("certificate after the reloads = %s; want %s", name, last)
	}
	close(stop)
	clients.Wait()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if failed.Load() > 0 {
		t.Errorf("%d of %d requests failed\n%s", failed.Load(), asked.Load(), log)
	}
	t.Logf("%d requests during 6 reloads", asked.Load())
}
