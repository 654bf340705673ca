package server

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// There are many threads while pictures are made and for a second or two
// afterwards, and as many as processors otherwise.
func TestThreadsFollowPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var numbers []int
		all := &threads{few: 2, many: 6, set: func(n int) { numbers = append(numbers, n) }}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); all.run(ctx) }()
		defer func() { cancel(); <-ended }()
		want := func(what string, n ...int) {
			t.Helper()
			synctest.Wait()
			if !slices.Equal(numbers, n) {
				t.Errorf("%s: threads were set to %v; want %v", what, numbers, n)
			}
		}
		time.Sleep(time.Hour)
		want("nothing was made")
		one := all.picture()
		other := all.picture()
		want("two pictures began", 6)
		time.Sleep(time.Hour)
		one()
		time.Sleep(time.Hour)
		want("one is being made", 6)
		other()
		time.Sleep(threadsTime / 2)
		want("it was made just now", 6)
		time.Sleep(2 * threadsTime)
		want("nothing is made any more", 6, 2)
		for range 60 {
			all.picture()()
			time.Sleep(threadsTime / 4)
		}
		want("pictures again and again", 6, 2, 6)
		time.Sleep(time.Hour)
		want("and no more", 6, 2, 6, 2)
	})
	if newThreads(0) != nil {
		t.Error("there are threads that nobody asked for")
	}
	(*threads)(nil).picture()() // and none is no fault
	(*threads)(nil).run(t.Context())
}

// A picture that is made raises the threads of its process; a hit does not.
func TestMissesRaiseThreads(t *testing.T) {
	s, r := hitSite(t)
	raised := 0
	s.reused.threads = &threads{few: 2, many: 6, set: func(int) { raised++ }}
	w := &discard{}
	w.header = make(map[string][]string)
	s.ServeHTTP(w, r)
	if raised != 0 {
		t.Errorf("a hit changes the threads %d times; want 0", raised)
	}
	other := r.Clone(t.Context())
	other.URL.RawQuery = "w=91"
	s.ServeHTTP(w, other)
	if raised != 1 {
		t.Errorf("a miss changes the threads %d times; want 1", raised)
	}
}
