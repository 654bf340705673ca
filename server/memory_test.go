package server

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Memory goes back to the system when a load has ended, once, and now and then
// under one that never ends.
func TestIdleMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var made, released atomic.Uint64
		var busy atomic.Bool
		m := &idleMemory{made: made.Load, busy: busy.Load, release: func() { released.Add(1) }}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); m.run(ctx) }()
		defer func() { cancel(); <-ended }()
		time.Sleep(time.Second) // between two looks
		want := func(what string, n uint64, after time.Duration) {
			t.Helper()
			released.Store(0)
			time.Sleep(after)
			synctest.Wait()
			if released.Load() != n {
				t.Errorf("%s: released %d times in %v; want %d", what, released.Load(), after, n)
			}
		}
		want("nothing was made", 0, time.Hour)
		made.Store(64)
		want("after a load", 1, time.Minute)
		want("long after it", 0, time.Hour)
		made.Store(65)
		busy.Store(true)
		want("a picture is being made", 0, time.Hour)
		busy.Store(false)
		want("it is made", 1, time.Minute)
		for range 60 { // a picture every ten seconds
			made.Add(1)
			released.Store(0)
			time.Sleep(idleLook)
		}
		trickle := uint64(0)
		for range 60 {
			made.Add(1)
			want := released.Load()
			time.Sleep(idleLook)
			synctest.Wait()
			trickle += released.Load() - want
		}
		if trickle != 10 {
			t.Errorf("pictures one by one for ten minutes: released %d times; want 10", trickle)
		}
	})
}

// A service gives memory back by what its Servers make, also after a reload.
func TestServiceIsIdle(t *testing.T) {
	f := startFileService(t, map[string]any{"http_port": 8080})
	released := 0
	f.v.release = func() { released++ }
	m := f.v.idleMemory()
	look := func(what string, want int) {
		t.Helper()
		m.look()
		if released != want {
			t.Errorf("%s: released %d times; want %d", what, released, want)
		}
	}
	look("at the start", 0)
	f.get("/h/photo.jpg?w=40")
	look("a picture was made just now", 0)
	look("nothing since", 1)
	f.get("/h/photo.jpg?w=40")
	look("a hit", 1)
	look("a hit, and nothing since", 1)
	f.config["hsts"] = 60
	f.write()
	f.v.reload()
	f.v.draining.Wait()
	f.get("/h/photo.jpg?info=size")
	look("another server made something", 1)
	look("another server, and nothing since", 2)
}
