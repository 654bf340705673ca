// Package testserver builds the program once, starts it and other servers on ports of
// their own, and asks them. It is for tests.
package testserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Patience is how long tests wait for what comes in a moment, on a machine of any
// speed: only what does not come at all takes as long.
const Patience = 2 * time.Minute

// isBuilt says that binary has been asked for: a run that has no use for the program
// does not build it only to remove it.
var isBuilt atomic.Bool

// binary is the program, built once as it is released.
var binary = sync.OnceValues(func() (string, error) {
	isBuilt.Store(true)
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "s3imageserver-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "s3imageserver")
	cmd := exec.Command("go", "build", "-tags", "nodynamic", "-o", path, ".")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// moduleRoot returns the folder of go.mod: the working directory, or one above it.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if filepath.Dir(folder) == folder {
			return "", fmt.Errorf("testserver: no go.mod above the working directory")
		}
		folder = filepath.Dir(folder)
	}
}

// Main is TestMain of packages that use Binary. Their tests run in the root folder of
// the module, so that they name files as documents and messages do; the program is
// removed at the end, if it was built.
func Main(m *testing.M) {
	root, err := moduleRoot()
	if err == nil {
		err = os.Chdir(root)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if isBuilt.Load() {
		if path, err := binary(); err == nil {
			_ = os.RemoveAll(filepath.Dir(path)) // a temporary folder
		}
	}
	os.Exit(code)
}

// Binary returns the path of the program. The first call builds it, in seconds.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Program returns the path of a program that the checks install. Where it is not there the
// test is skipped, which says what is then not tested; with CI=true it fails.
func Program(t testing.TB, name, untested string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("%s: %v", untested, err)
	}
	return path
}

// An Output holds what a program writes. It is safe for concurrent use.
type Output struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

// Write implements [io.Writer].
func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// A Process is a running program.
type Process struct {
	Cmd    *exec.Cmd
	URL    string // of its public port; "" if Start has not chosen one
	Output *Output

	ended chan struct{}
	err   error // of Cmd.Wait; written before ended is closed
}

// Run starts a program, which ends with the test at the latest. What it writes is kept.
func Run(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{Cmd: cmd, Output: new(Output), ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.Output, p.Output
	cmd.WaitDelay = 10 * time.Second // for children that outlive it and hold its output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(p.Kill)
	return p
}

// Wait waits for the end of the process, and returns what [exec.Cmd.Wait] does.
func (p *Process) Wait() error {
	<-p.ended
	return p.err
}

// Kill ends the process at once. Killing it twice is fine.
func (p *Process) Kill() {
	_ = p.Cmd.Process.Kill() // may have ended
	<-p.ended
}

// Listens waits until the server has said n times that it listens.
func (p *Process) Listens(t testing.TB, n int) {
	t.Helper()
	listens(t, p.Output, n, p.ended)
}

// listens waits until the log says n times that a server listens; ended is closed when
// it has ended.
func listens(t testing.TB, log *Output, n int, ended <-chan struct{}) {
	t.Helper()
	for deadline := time.Now().Add(Patience); strings.Count(log.String(), "listening") < n; {
		select {
		case <-ended:
			t.Fatalf("the server has ended:\n%s", log)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not start:\n%s", log)
		}
	}
}

// Start runs the program in folder with a configuration, to which it adds the port, and
// waits until it answers. configure changes the command before it starts; nil changes
// nothing.
func Start(t testing.TB, folder string, config map[string]any, configure func(*exec.Cmd)) *Process {
	t.Helper()
	port := Port(t)
	config["http_port"], config["listen"] = port, "127.0.0.1"
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "config.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(Binary(t), "-c", file)
	cmd.Dir = folder
	if configure != nil {
		configure(cmd)
	}
	p := Run(t, cmd)
	p.URL = fmt.Sprintf("http://127.0.0.1:%d", port)
	p.Listens(t, 1)
	return p
}

// Background runs a server within the test: serve logs to log, and returns nil when ctx
// has ended. Background waits until the log says that it listens; end ends it, at the
// end of the test at the latest.
func Background(t testing.TB, serve func(ctx context.Context, log io.Writer) error) (log *Output, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log = new(Output)
	var err error // written before ended is closed
	ended := make(chan struct{})
	go func() {
		err = serve(ctx, log)
		close(ended)
	}()
	end = sync.OnceFunc(func() {
		cancel()
		if <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	listens(t, log, 1, ended)
	return log, end
}
