//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"s3imageserver/testserver"
)

// A process is a running program.
type process struct {
	cmd   *exec.Cmd
	url   string
	admin string // listener for operators
	// metrics is the URL of what the process counts.
	metrics string
	output  lockedBuffer
	ended   chan struct{}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() > 1<<20 {
		return len(p), nil
	}
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// ownPort returns a port that nobody else is given before this program ends.
func ownPort() (int, error) {
	port, _, err := testserver.Reserve()
	return port, err
}

// startProcess starts a program and waits until ready says that it works.
func startProcess(cmd *exec.Cmd, ready func(*process) bool) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.output, &p.output
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = cmd.Wait(); close(p.ended) }() // how it ended is in ProcessState
	for deadline := time.Now().Add(60 * time.Second); !ready(p); time.Sleep(5 * time.Millisecond) {
		select {
		case <-p.ended:
			return nil, fmt.Errorf("%s ended:\n%s", cmd.Path, p.output.String())
		default:
		}
		if time.Now().After(deadline) {
			p.kill()
			return nil, fmt.Errorf("%s does not start:\n%s", cmd.Path, p.output.String())
		}
	}
	return p, nil
}

// kill ends the process at once.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

const token = "token-of-the-operators"

// serve starts the server in a folder of its own name with these handlers.
func (b *bench) serve(name string, handlers []map[string]any, env ...string) (*process, error) {
	port, err := ownPort()
	if err != nil {
		return nil, err
	}
	admin, err := ownPort()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(b.folder, name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	text, err := json.Marshal(map[string]any{
		"handlers": handlers, "http_port": port, "listen": "127.0.0.1",
		"admin": map[string]any{"listen": fmt.Sprintf("127.0.0.1:%d", admin), "token": token},
	})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "config.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command(b.binary, "-c", file)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), env...)
	p, err := startProcess(cmd, func(p *process) bool { return strings.Count(p.output.String(), "msg=listening") == 2 })
	if err != nil {
		return nil, err
	}
	p.url, p.admin = fmt.Sprintf("http://127.0.0.1:%d", port), fmt.Sprintf("http://127.0.0.1:%d", admin)
	p.metrics = p.admin + "/metrics"
	return p, nil
}

// stats returns what the server tells of itself.
func (p *process) stats(into any) error {
	r, err := http.Get(p.admin + "/stats")
	if err != nil {
		return err
	}
	defer r.Body.Close() // only read
	return json.NewDecoder(r.Body).Decode(into)
}

// megabytes returns a line of /proc/PID/status, such as VmHWM.
func (p *process) megabytes(key string) (int, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			kB, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")))
			return kB / 1024, err
		}
	}
	return 0, errors.New("no " + key)
}

// terminate asks the process to end and returns how long that took and its exit
// code.
func (p *process) terminate() (time.Duration, int) {
	began := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	<-p.ended
	return time.Since(began), p.cmd.ProcessState.ExitCode()
}

// client asks without a limit of connections.
var client = &http.Client{
	Timeout:   90 * time.Second,
	Transport: &http.Transport{MaxIdleConnsPerHost: 1024, MaxIdleConns: 2048, IdleConnTimeout: 10 * time.Second},
}

// An answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   []byte
	took   time.Duration
	err    error
}

func get(url string) answer {
	began := time.Now()
	r, err := client.Get(url)
	if err != nil {
		return answer{err: err, took: time.Since(began)}
	}
	defer r.Body.Close() // only read
	body, err := io.ReadAll(r.Body)
	return answer{r.StatusCode, r.Header, body, time.Since(began), err}
}

// startMinIO starts MinIO over a folder; the test suite has installed it.
func (b *bench) startMinIO() (p *process, err error) {
	path := os.Getenv("MINIO_BIN")
	if path == "" {
		if path, err = exec.LookPath("minio"); err != nil {
			cache, err := os.UserCacheDir()
			if err != nil {
				return nil, err
			}
			path = filepath.Join(cache, "s3imageserver", "bin", "minio")
		}
	}
	port, err := ownPort()
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	cmd := exec.Command(path, "server", "--quiet", "--address", address, "--console-address", "127.0.0.1:0", filepath.Join(b.folder, "minio"))
	cmd.Env = append(os.Environ(), "MINIO_ROOT_USER=bench-access", "MINIO_ROOT_PASSWORD=bench-secret", "MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=1")
	p, err = startProcess(cmd, func(*process) bool {
		r, err := http.Get("http://" + address + "/minio/health/live")
		if err != nil {
			return false
		}
		_ = r.Body.Close() // nothing is in it
		return r.StatusCode == 200
	})
	if err != nil {
		return nil, fmt.Errorf("MinIO (run the tests once, they install it): %w", err)
	}
	p.url = "http://" + address
	return p, nil
}
