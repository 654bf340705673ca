package server

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A process is busy while pictures are made, and for a second or two afterwards.
func TestBusyFollowsPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []bool
		all := newBusy(func(busy bool) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, busy)
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); all.run(ctx) }()
		defer func() { cancel(); <-ended }()
		want := func(what string, n ...bool) {
			t.Helper()
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(told, n) {
				t.Errorf("%s: told %v; want %v", what, told, n)
			}
		}
		time.Sleep(time.Hour)
		want("nothing was made")
		one := all.picture()
		other := all.picture()
		want("two pictures began", true)
		time.Sleep(time.Hour)
		one()
		time.Sleep(time.Hour)
		want("one is being made", true)
		other()
		time.Sleep(busyTime / 2)
		want("it was made just now", true)
		time.Sleep(2 * busyTime)
		want("nothing is made any more", true, false)
		for range 60 {
			all.picture()()
			time.Sleep(busyTime / 4)
		}
		want("pictures again and again", true, false, true)
		time.Sleep(time.Hour)
		want("and no more", true, false, true, false)
	})
	if newBusy(nil) != nil {
		t.Error("somebody is told whom nobody named")
	}
	(*busy)(nil).picture()() // and nobody is no fault
	(*busy)(nil).run(t.Context())
}

// A process with a miss is busy; with a hit it is not.
func TestMissesAreBusy(t *testing.T) {
	s, r := hitSite(t)
	told := 0
	s.reused.busy = newBusy(func(bool) { told++ })
	w := &discard{http.Header{}}
	s.ServeHTTP(w, r)
	if told != 0 {
		t.Errorf("a hit is told %d times; want 0", told)
	}
	other := r.Clone(t.Context())
	other.URL.RawQuery = "w=91"
	s.ServeHTTP(w, other)
	if told != 1 {
		t.Errorf("a miss is told %d times; want 1", told)
	}
}
