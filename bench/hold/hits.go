//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"
)

// hits measures how many answers a second come from the cache, side by side
// with a bare handler that writes the same bytes and with nginx.
func (b *bench) hits() error {
	disk, err := b.sources("hit cache", nil)
	if err != nil {
		return err
	}
	memory, err := b.sources("", map[string]any{"prefix": "m", "cache": map[string]any{"memory_mb": 64}})
	if err != nil {
		return err
	}
	p, err := b.serve("hits", []map[string]any{disk, memory})
	if err != nil {
		return err
	}
	defer p.kill()
	const query = "/still-life.jpg?w=320&h=240"
	get(p.url + "/m" + query)
	answered := get(p.url + "/m" + query)
	picture := answered.body

	bare, err := b.bareHandler(answered)
	if err != nil {
		return err
	}
	defer bare.kill()
	nginx, err := b.startNginx(picture)
	if err != nil {
		return err
	}
	defer nginx.terminate() // its workers outlive one that is killed
	names := []string{"memory", "disk", "bare", "nginx"}
	urls := map[string]string{"memory": p.url + "/m" + query, "disk": p.url + "/h" + query, "bare": bare.url + "/", "nginx": nginx.url + "/picture.jpg"}
	rates := map[string][]float64{}
	for range b.scale(5, 2) { // in turn, since the machine's speed drifts
		for _, n := range names {
			rate, err := wrk(urls[n], b.scale(5, 2))
			if err != nil {
				return err
			}
			rates[n] = append(rates[n], rate)
		}
	}
	median := func(n string) float64 { r := slices.Sorted(slices.Values(rates[n])); return r[len(r)/2] }
	b.report(fmt.Sprintf("hits of %d bytes a second, bare net/http", len(picture)), "", true, "%.0f", median("bare"))
	b.report("  nginx", "", true, "%.0f", median("nginx"))
	b.report("  from memory, of the bare handler", ">= 0.75", median("memory") >= 0.75*median("bare"), "%.2f (%.0f)", median("memory")/median("bare"), median("memory"))
	b.report("  from disk, of the bare handler", ">= 0.5", median("disk") >= 0.5*median("bare"), "%.2f (%.0f)", median("disk")/median("bare"), median("disk"))

	// Hits while misses take both processors.
	s, err := photoStore()
	if err != nil {
		return err
	}
	defer s.close()
	loaded, err := b.serve("loaded", []map[string]any{storeHandler(s, map[string]any{"cache": map[string]any{"memory_mb": 64}})})
	if err != nil {
		return err
	}
	defer loaded.kill()
	hit := loaded.url + "/h/12.jpg?w=300"
	get(hit)
	d := time.Duration(b.scale(15, 5)) * time.Second
	var took []time.Duration
	var wg sync.WaitGroup
	wg.Go(func() { closedLoop(2*runtime.GOMAXPROCS(0), d, sizes(loaded.url+"/h/12.jpg"), func(answer) {}) })
	openLoop(200, d, func() string { return hit }, func(a answer) { took = append(took, a.took) })
	wg.Wait()
	b.report("p99 of 200 hits a second while misses take all processors", "<= 20 ms", percentile(took, 0.99) <= 20*time.Millisecond, "%s", milliseconds(percentile(took, 0.99)))
	return nil
}

var wrkRate = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)

func wrk(url string, seconds int) (float64, error) {
	out, err := exec.Command("wrk", "-t2", "-c64", fmt.Sprintf("-d%ds", seconds), url).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("wrk (Debian: wrk): %w\n%s", err, out)
	}
	m := wrkRate.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("wrk says\n%s", out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

// bareHandler starts this program again as a server that writes the same bytes
// with the same headers: the limit of the stack.
func (b *bench) bareHandler(a answer) (*process, error) {
	file := filepath.Join(b.folder, "picture.jpg")
	if err := os.WriteFile(file, a.body, 0o644); err != nil {
		return nil, err
	}
	header, err := json.Marshal(a.header)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	port, err := ownPort()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", bareEnv, port), "HOLD_PICTURE="+file, "HOLD_HEADER="+string(header))
	return listening(cmd, port)
}

const bareEnv = "HOLD_BARE_PORT"

// serveBare is the bare handler where this program was started as that.
func serveBare() {
	port := os.Getenv(bareEnv)
	if port == "" {
		return
	}
	picture, err := os.ReadFile(os.Getenv("HOLD_PICTURE"))
	if err != nil {
		panic(err)
	}
	var header http.Header
	if err := json.Unmarshal([]byte(os.Getenv("HOLD_HEADER")), &header); err != nil {
		panic(err)
	}
	delete(header, "Date") // net/http says it
	panic(http.ListenAndServe("127.0.0.1:"+port, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), header)
		_, _ = w.Write(picture) // the client may have left
	})))
}

// listening starts a command and waits until its port answers.
func listening(cmd *exec.Cmd, port int) (*process, error) {
	address := fmt.Sprintf("127.0.0.1:%d", port)
	p, err := startProcess(cmd, func(*process) bool {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		_ = c.Close() // only to see
		return true
	})
	if err != nil {
		return nil, err
	}
	p.url = "http://" + address
	return p, nil
}

func (b *bench) startNginx(picture []byte) (*process, error) {
	folder := filepath.Join(b.folder, "nginx")
	if err := os.MkdirAll(filepath.Join(folder, "html"), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(folder, "html", "picture.jpg"), picture, 0o644); err != nil {
		return nil, err
	}
	if err := os.Chmod(b.folder, 0o755); err != nil { // its workers are another user
		return nil, err
	}
	port, err := ownPort()
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf(`daemon off; pid %[1]s/pid; error_log stderr; worker_processes 2;
events { worker_connections 1024; }
http { access_log off; sendfile on; types { image/jpeg jpg; } keepalive_requests 1000000; client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
server { listen 127.0.0.1:%[2]d; root %[1]s/html; } }`, folder, port)
	file := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o644); err != nil {
		return nil, err
	}
	p, err := listening(exec.Command("nginx", "-c", file, "-p", folder, "-e", "stderr"), port)
	if err != nil {
		return nil, fmt.Errorf("nginx (Debian: nginx-light): %w", err)
	}
	return p, nil
}
