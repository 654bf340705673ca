package resize

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestBudgetOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetConfig{Bytes: 100})
		var order []string
		var mu sync.Mutex
		ask := func(name string, n int64) {
			go func() {
				if err := b.acquire(t.Context(), n); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				mu.Lock()
				order = append(order, name)
				mu.Unlock()
			}()
			synctest.Wait()
		}
		ask("first", 60)
		ask("large", 90)   // has to wait
		ask("small", 30)   // passes it
		ask("small 2", 10) // passes it: 40 of its 90 bytes
		ask("late", 60)    // waits behind it
		b.release(30)      // small is done
		ask("small 3", 30) // passes: 70
		b.release(30)
		ask("small 4", 30) // does not pass: it would be 100
		b.release(60)
		synctest.Wait()
		b.release(10)
		synctest.Wait()
		want := []string{"first", "small", "small 2", "small 3", "large"}
		mu.Lock()
		if !slices.Equal(order, want) {
			t.Errorf("admitted %q; want %q", order, want)
		}
		mu.Unlock()
		if load := b.Load(); load.Bytes != 90 || load.Waiting != 2 {
			t.Errorf("load %+v; want 90 bytes and 2 waiting", load)
		}
		b.release(90)
		synctest.Wait()
	})
}

func TestBudgetRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetConfig{Bytes: 100, Queue: 2, Wait: 3 * time.Second})
		if err := b.acquire(t.Context(), 101); !errors.Is(err, ErrLimit) {
			t.Errorf("more than all: %v; want ErrLimit", err)
		}
		if err := b.acquire(t.Context(), 90); err != nil {
			t.Fatal(err)
		}
		if err := b.acquire(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		if err := b.grow(90, 1); !errors.Is(err, ErrBusy) || errors.Is(err, ErrLimit) {
			t.Errorf("grow without room: %v; want ErrBusy", err)
		}
		if err := b.grow(90, 11); !errors.Is(err, ErrLimit) || errors.Is(err, ErrBusy) {
			t.Errorf("grow to more than there ever is: %v; want ErrLimit", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		results := make(chan error, 2)
		go func() { results <- b.acquire(ctx, 1) }()
		go func() { results <- b.acquire(t.Context(), 1) }()
		synctest.Wait()
		start := time.Now()
		if err := b.acquire(t.Context(), 1); !errors.Is(err, ErrBusy) || time.Since(start) != 0 {
			t.Errorf("a full queue: %v after %v; want ErrBusy at once", err, time.Since(start))
		}
		cancel()
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("a job whose client left: %v; want context.Canceled", err)
		}
		if err := <-results; !errors.Is(err, ErrBusy) || time.Since(start) != 3*time.Second {
			t.Errorf("a job that waited: %v after %v; want ErrBusy after 3s", err, time.Since(start))
		}
		b.release(100)
		if load := b.Load(); load.Bytes != 0 || load.Waiting != 0 {
			t.Errorf("load %+v; want none", load)
		}
	})
}

func TestBudgetSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetConfig{Slots: 2})
		var done []func()
		for range 2 {
			d, err := b.work(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			done = append(done, d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.work(ctx, false); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a third job at two slots: %v", err)
		}
		done[0]()
		if _, err := b.work(t.Context(), false); err != nil {
			t.Error(err)
		}
	})
}

// Whatever comes and goes, the sum is never above the budget, everybody gets a
// turn, and nothing is lost.
func TestBudgetUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetConfig{Bytes: 1000, Queue: 10000, Wait: time.Hour})
		var wg sync.WaitGroup
		rng := rand.New(rand.NewPCG(1, 2))
		for i := range 2000 {
			n := 1 + rng.Int64N(200)
			if i%20 == 0 {
				n = 1000 // all of it
			}
			patience := time.Duration(rng.IntN(5000)) * time.Millisecond
			hold := time.Duration(rng.IntN(50)) * time.Millisecond
			impatient := i%7 == 0
			wg.Go(func() {
				ctx := t.Context()
				if impatient {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, patience)
					defer cancel()
				}
				if err := b.acquire(ctx, n); err != nil {
					if !impatient {
						t.Error(err)
					}
					return
				}
				if load := b.Load(); load.Bytes > load.Total {
					t.Errorf("load %+v is above the budget", load)
				}
				time.Sleep(hold)
				b.release(n)
			})
		}
		wg.Wait()
		if load := b.Load(); load.Bytes != 0 || load.Waiting != 0 {
			t.Errorf("load %+v after all; want none", load)
		}
	})
}

// A budget says that it is full while a job that came now would be refused.
func TestFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(BudgetConfig{Bytes: 10, Queue: 1})
		if err := b.acquire(t.Context(), 10); err != nil || b.Full() != nil {
			t.Fatalf("the queue is empty: %v, %v", err, b.Full())
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.acquire(ctx, 1) }()
		synctest.Wait() // until it waits
		if err := b.Full(); !errors.Is(err, ErrBusy) {
			t.Errorf("one waits: %v; want ErrBusy", err)
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) || b.Full() != nil {
			t.Errorf("it has gone: %v, %v", err, b.Full())
		}
	})
}
