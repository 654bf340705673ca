package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/resize"
)

// Who waits too long, or leaves, waits no more.
func TestWaitersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(3, 1)
		for range 3 {
			if _, err := q.Enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		if _, err := q.Enter(t.Context()); !errors.Is(err, resize.ErrBusy) || time.Since(began) != placeWait {
			t.Errorf("who waits behind others that work: %v after %v; want resize.ErrBusy after %v", err, time.Since(began), placeWait)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := q.Enter(ctx); !errors.Is(err, context.Canceled) || q.Waiting() != 0 {
			t.Errorf("who leaves while waiting: %v, %d wait", err, q.Waiting())
		}
	})
}

// Who comes back to a place goes before those who have none yet, and no place is
// given back twice.
func TestLentPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New(1, 1)
		first, err := q.Enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				turn, err := q.Enter(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, fmt.Sprint(i)) // one at a time
				time.Sleep(time.Second)
				turn.End()
				turn.End() // a second time is nothing
			})
			synctest.Wait()
		}
		if err := first.Lend(t.Context(), func() { time.Sleep(lendAfter / 2) }); err != nil || len(order) != 0 {
			t.Fatalf("a short wait: %v, %v have come; want none", err, order)
		}
		if err := first.Lend(t.Context(), func() { time.Sleep(lendAfter + time.Second/2) }); err != nil {
			t.Fatal(err)
		}
		order = append(order, "back")
		first.End()
		wg.Wait()
		if got := strings.Join(order, " "); got != "0 back 1 2" && got != "0 1 back 2" { // behind the one who is first
			t.Errorf("the order is %s", got)
		}
		if !q.free.TryAcquire(1) || q.free.TryAcquire(1) {
			t.Error("there is not one place in the end")
		}
		// Who leaves while the place is lent has none to give back.
		q.free.Release(1)
		turn, err := q.Enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := turn.Lend(ctx, func() {
			time.Sleep(2 * lendAfter)
			if !q.free.TryAcquire(1) {
				t.Error("the place is not lent")
			}
			cancel()
		}); !errors.Is(err, context.Canceled) {
			t.Errorf("who left: %v", err)
		}
		turn.End()
		if q.free.TryAcquire(1) {
			t.Error("a place was given back twice")
		}
	})
}
