package server

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"testing"
	"time"
)

// patience is how long the tests wait for what comes in a moment, on a machine of
// any speed: only what does not come at all takes as long.
const patience = 2 * time.Minute

// TestMain sees to it that the tests leave no goroutine and no file open.
func TestMain(m *testing.M) {
	c := make(chan os.Signal, 1) // the first use of os/signal starts a goroutine that stays
	signal.Notify(c, os.Interrupt)
	signal.Stop(c)
	goroutines, files := runtime.NumGoroutine(), openFiles()
	code := m.Run()
	if code == 0 && !back(goroutines, files) {
		stacks := make([]byte, 1<<20)
		fmt.Printf("FAIL: %d goroutines, %d files open; before the tests %d, %d\n%s\n", runtime.NumGoroutine(), openFiles(), goroutines, files,
			stacks[:runtime.Stack(stacks, true)])
		code = 1
	}
	os.Exit(code)
}

// closeAtEnd closes a server when the test ends.
func closeAtEnd(t testing.TB, s *Server) {
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// back waits until there are no more goroutines and open files than those.
func back(goroutines, files int) bool {
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if runtime.NumGoroutine() <= goroutines && openFiles() <= files {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		runtime.GC() // closes what was forgotten by its finalizer only
	}
}

// openFiles returns how many files the process has open; 0 where nobody says.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// Clients that leave at any moment leave nothing behind: no goroutine, no
// memory of the budget, no processor.
func TestClientsThatLeave(t *testing.T) {
	s := newSite(t, bucket(t), Options{}, HandlerConfig{Cache: CacheConfig{MemoryMB: 4}})
	s.get("/h/photo.jpg?w=10")
	goroutines, files := runtime.NumGoroutine(), openFiles()
	n := 1000
	if testing.Short() {
		n = 200
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(20_000))*time.Microsecond)
			defer cancel()
			r := httptest.NewRequest("GET", fmt.Sprintf("/h/photo.jpg?w=%d&h=%d", 20+i%300, 20+i/300), nil)
			s.server.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
		})
		if i%8 == 7 {
			wg.Wait()
		}
	}
	wg.Wait()
	if !back(goroutines, files) {
		t.Errorf("%d goroutines, %d files; want %d, %d as before", runtime.NumGoroutine(), openFiles(), goroutines, files)
	}
	// Work may outlive the goroutines that were there before, if others have ended.
	idle := func() bool {
		l := s.server.budgets.pictures.Load()
		return l.Bytes == 0 && l.Working == 0 && l.Waiting == 0 && l.Abandoned == 0 && s.server.Stats().Handlers["h"].Cache.Fills == 0
	}
	for deadline := time.Now().Add(patience); !idle(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("Load = %+v, %d fills; want nothing taken", s.server.budgets.pictures.Load(), s.server.Stats().Handlers["h"].Cache.Fills)
		}
	}
}
