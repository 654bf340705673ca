package refresh

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

const (
	age, pause, firstPause = time.Minute, 10 * time.Second, time.Second
)

// A value is asked for when it is needed and due; one that cannot be had anew stays.
func TestRemote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		asks, fault := 0, down
		r := Remote[int]{Age: age, Pause: pause, FirstPause: firstPause, Ask: func(_ context.Context, old *int) (int, error) {
			if asks++; old != nil && fault == nil && *old >= asks {
				t.Errorf("ask %d got the old value %d", asks, *old)
			}
			return asks, fault
		}}
		want := func(what string, value, n int) { // 0: there is none
			t.Helper()
			got, err := r.Get(t.Context())
			if n != asks || value == 0 && (got != nil || !errors.Is(err, down)) || value != 0 && (got == nil || *got != value || err != nil) {
				t.Errorf("%s: %v, %v after %d asks; want %d, %d", what, got, err, asks, value, n)
			}
		}
		want("at the beginning", 0, 1)
		want("right after that", 0, 1)
		time.Sleep(firstPause)
		want("a moment later", 0, 2)
		fault = nil
		time.Sleep(firstPause)
		want("when there is one", 3, 3)
		time.Sleep(age - time.Nanosecond)
		want("while it is new", 3, 3)
		fault = down
		time.Sleep(time.Nanosecond)
		want("one that cannot be had anew", 3, 4)
		fault = nil
		time.Sleep(pause - time.Nanosecond)
		want("while who has it is left alone", 3, 4)
		time.Sleep(time.Nanosecond)
		want("after that", 5, 5)
		if got, err := r.Renew(t.Context(), pause); err != nil || *got != 5 || asks != 5 {
			t.Errorf("Renew too soon = %d, %v after %d asks; want 5, 5", *got, err, asks)
		}
		time.Sleep(pause)
		if got, err := r.Renew(t.Context(), pause); err != nil || *got != 6 || asks != 6 {
			t.Errorf("Renew = %d, %v after %d asks; want 6, 6", *got, err, asks)
		}
	})
}

// Of many one asks. The others wait for the first value, and have the one before of
// all others.
func TestRemoteAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asks, answer := 0, make(chan int)
		r := Remote[int]{Age: age, Ask: func(context.Context, *int) (int, error) { asks++; return <-answer, nil }}
		got := make(chan int, 10)
		get := func() {
			if v, err := r.Get(t.Context()); err != nil {
				t.Error(err)
			} else {
				got <- *v
			}
		}
		for range 3 {
			go get()
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if v, err := r.Get(ctx); v != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("a waiter who leaves: %v, %v; want that the context is cancelled", v, err)
		}
		answer <- 1
		for range 3 {
			if v := <-got; v != 1 {
				t.Errorf("a waiter got %d; want 1", v)
			}
		}
		time.Sleep(age)
		go get()
		synctest.Wait()
		get()
		if v := <-got; v != 1 || asks != 2 {
			t.Errorf("while somebody asks: %d after %d asks; want the old 1 after 2", v, asks)
		}
		answer <- 2
		if v := <-got; v != 2 || asks != 2 {
			t.Errorf("the one who asked: %d after %d asks; want 2, 2", v, asks)
		}
	})
}

// A caller who leaves is no failure, or is waited for no less.
func TestRemoteCallerLeaves(t *testing.T) {
	asks := 0
	r := Remote[int]{Age: age, FirstPause: age, Ask: func(ctx context.Context, _ *int) (int, error) { asks++; return asks, ctx.Err() }}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if v, err := r.Get(ctx); v != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("who has left: %v, %v; want that the context is cancelled", v, err)
	}
	if v, err := r.Get(t.Context()); err != nil || *v != 2 {
		t.Errorf("the next one: %v, %v; want 2", v, err)
	}
	r = Remote[int]{Age: age, FirstPause: age, Finishes: true, Ask: r.Ask}
	if v, err := r.Get(ctx); err != nil || *v != 3 {
		t.Errorf("who has left while others need it: %v, %v; want 3", v, err)
	}
}
