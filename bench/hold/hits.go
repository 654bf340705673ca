//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"time"

	"s3imageserver/bench/meter"
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
	names := []string{"bare", "memory", "disk", "nginx"}
	asked := map[string]hitTarget{
		"memory": {p.url + "/m" + query, p}, "disk": {p.url + "/h" + query, p},
		"bare": {bare.url + "/", bare}, "nginx": {nginx.url + "/picture.jpg", nil},
	}
	all := map[string][]hitRate{}
	ratios := map[string][]hitRate{} // to the bare handler in the same round
	for range b.scale(9, 3) {        // in turn, since the machine's speed drifts
		for _, n := range names {
			rate, err := asked[n].measure(b.scale(4, 2))
			if err != nil {
				return err
			}
			all[n] = append(all[n], rate)
			ratios[n] = append(ratios[n], rate.to(all["bare"][len(all["bare"])-1]))
		}
	}
	rate := func(r hitRate) float64 { return r.rate }
	cpu := func(r hitRate) float64 { return r.cpu }
	p99 := func(r hitRate) float64 { return r.p99 }
	b.report(fmt.Sprintf("hits of %d bytes a second, bare net/http", len(picture)), "", true, "%.0f, %.1f us of CPU, p99 %.1f ms", meter.MedianOf(all["bare"], rate), meter.MedianOf(all["bare"], cpu), meter.MedianOf(all["bare"], p99))
	b.report("  nginx", "", true, "%.0f, p99 %.1f ms", meter.MedianOf(all["nginx"], rate), meter.MedianOf(all["nginx"], p99))
	for _, t := range []struct {
		name       string
		rate, slow float64
	}{{"memory", 0.8, 1.3}, {"disk", 0.6, 0}} {
		r := ratios[t.name]
		b.report("  from "+t.name+", rate to the bare handler", fmt.Sprintf(">= %.1f", t.rate), meter.MedianOf(r, rate) >= t.rate, "%.2f (%.0f)", meter.MedianOf(r, rate), meter.MedianOf(all[t.name], rate))
		b.report("    CPU time to the bare handler", "", true, "%.2f (%.1f us)", meter.MedianOf(r, cpu), meter.MedianOf(all[t.name], cpu))
		wanted := ""
		if t.slow > 0 {
			wanted = fmt.Sprintf("<= %.1f", t.slow)
		}
		b.report("    p99 of 64 connections to the bare handler", wanted, t.slow == 0 || meter.MedianOf(r, p99) <= t.slow, "%.2f (%.1f ms)", meter.MedianOf(r, p99), meter.MedianOf(all[t.name], p99))
		b.report("    allocations a hit, of all threads", "", true, "%.1f (bare %.1f)", meter.MedianOf(all[t.name], func(r hitRate) float64 { return r.allocations }), meter.MedianOf(all["bare"], func(r hitRate) float64 { return r.allocations }))
	}

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

// A hitTarget is a URL and the process that answers it; nil: its CPU time is not
// measured.
type hitTarget struct {
	url string
	p   *process
}

// A hitRate is what one measurement tells, or the ratios of two.
type hitRate struct {
	rate        float64 // answers a second
	cpu         float64 // microseconds of the process for an answer
	p99         float64 // milliseconds
	allocations float64 // for an answer
}

// to returns the ratios to another one.
func (r hitRate) to(o hitRate) hitRate {
	return hitRate{r.rate / o.rate, r.cpu / o.cpu, r.p99 / o.p99, r.allocations / o.allocations}
}

var (
	wrkRate    = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)
	wrkNumber  = regexp.MustCompile(`(\d+) requests in`)
	wrkSlowest = regexp.MustCompile(`99%\s+([0-9.]+[a-z]+)`)
)

// measure asks with 64 connections for so many seconds.
func (t hitTarget) measure(seconds int) (r hitRate, err error) {
	var cpu time.Duration
	var allocated float64
	if t.p != nil {
		if cpu, err = meter.CPUTimeOf(t.p.cmd.Process.Pid); err != nil {
			return r, err
		}
		allocated = t.p.allocations()
	}
	out, err := exec.Command("wrk", "-t2", "-c64", "--latency", fmt.Sprintf("-d%ds", seconds), t.url).CombinedOutput()
	if err != nil {
		return r, fmt.Errorf("wrk (Debian: wrk): %w\n%s", err, out)
	}
	rate, number, slowest := wrkRate.FindSubmatch(out), wrkNumber.FindSubmatch(out), wrkSlowest.FindSubmatch(out)
	if rate == nil || number == nil || slowest == nil {
		return r, fmt.Errorf("wrk says\n%s", out)
	}
	if r.rate, err = strconv.ParseFloat(string(rate[1]), 64); err != nil {
		return r, err
	}
	n, err := strconv.ParseFloat(string(number[1]), 64)
	if err != nil {
		return r, err
	}
	p99, err := time.ParseDuration(string(slowest[1]))
	if err != nil || t.p == nil {
		return hitRate{rate: r.rate, p99: p99.Seconds() * 1000}, err
	}
	r.p99, r.allocations = p99.Seconds()*1000, (t.p.allocations()-allocated)/n
	after, err := meter.CPUTimeOf(t.p.cmd.Process.Pid)
	r.cpu = float64((after - cpu).Microseconds()) / n
	return r, err
}

var allocationsMetric = regexp.MustCompile(`(?m)^go_memstats_mallocs_total (\S+)$`)

// allocations returns how many objects a process has allocated, NaN if it does not
// say so.
func (p *process) allocations() float64 {
	m := allocationsMetric.FindSubmatch(get(p.metrics).body)
	if m == nil {
		return math.NaN()
	}
	n, err := strconv.ParseFloat(string(m[1]), 64)
	if err != nil {
		return math.NaN()
	}
	return n
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
	panic(http.ListenAndServe("127.0.0.1:"+port, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			var stats runtime.MemStats
			runtime.ReadMemStats(&stats)
			_, _ = fmt.Fprintf(w, "go_memstats_mallocs_total %d\n", stats.Mallocs) // as the server tells it
			return
		}
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
	p.metrics = p.url + "/metrics"
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
