package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	errDown    = errors.New("the store is down")
	errMissing = fmt.Errorf("no such picture: %w", fs.ErrNotExist)
	quiet      = slog.New(slog.DiscardHandler)
)

func downOnly(err error) bool {
	return errors.Is(err, errDown) || errors.Is(err, context.DeadlineExceeded)
}

// A source is what fills are made of, with a count of how often it is asked and
// how often it is sent.
type source struct {
	body        string
	err         error
	wait        time.Duration
	asked, sent atomic.Int32
}

func (s *source) fill(ctx context.Context, old *Entry) (*Entry, error) {
	s.asked.Add(1)
	if s.wait > 0 {
		select {
		case <-time.After(s.wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if s.err != nil {
		return nil, s.err
	}
	if old != nil && old.SourceETag == s.body {
		return nil, ErrUnchanged
	}
	s.sent.Add(1)
	e := NewEntry([]byte(s.body), "image/png")
	e.SourceETag = s.body
	return e, nil
}

// A step of a timeline: what happens to the source, how much time goes by, and
// what a request gets then.
type step struct {
	name   string
	after  time.Duration
	change func(*source)
	body   string
	status Status
	err    error
	asked  int32 // of the source, in all steps so far
}

func is(body string) func(*source) { return func(s *source) { s.body, s.err, s.wait = body, nil, 0 } }
func down(s *source)               { s.err = errDown }
func gone(s *source)               { s.err = errMissing }
func slow(s *source)               { s.err, s.wait = nil, time.Minute }

func TestFreshness(t *testing.T) {
	tests := []struct {
		name   string
		config Config
		steps  []step
	}{
		{"nothing is asked before the time is over", Config{TTL: time.Hour}, []step{
			{"first", 0, is("a"), "a", Filled, nil, 1},
			{"young", 59 * time.Minute, is("b"), "a", MemoryHit, nil, 1},
			{"old", time.Minute, nil, "b", Filled, nil, 2},
		}},
		{"for ever is for ever", Config{}, []step{
			{"first", 0, is("a"), "a", Filled, nil, 1},
			{"a year later", 365 * 24 * time.Hour, is("b"), "a", MemoryHit, nil, 1},
		}},
		{"an unchanged source extends the time", Config{TTL: time.Hour}, []step{
			{"first", 0, is("a"), "a", Filled, nil, 1},
			{"old", time.Hour, nil, "a", Unchanged, nil, 2},
			{"young again", 59 * time.Minute, nil, "a", MemoryHit, nil, 2},
			{"old again", time.Minute, is("b"), "b", Filled, nil, 3},
		}},
		{"revalidate asks before the time is over", Config{TTL: time.Hour, Revalidate: time.Minute}, []step{
			{"first", 0, is("a"), "a", Filled, nil, 1},
			{"young", 59 * time.Second, nil, "a", MemoryHit, nil, 1},
			{"due", time.Second, nil, "a", Unchanged, nil, 2},
			{"due and changed", time.Minute, is("b"), "b", Filled, nil, 3},
		}},
		{"revalidate without an end", Config{Revalidate: time.Minute}, []step{
			{"first", 0, is("a"), "a", Filled, nil, 1},
			{"due", time.Minute, is("b"), "b", Filled, nil, 2},
			{"down for a year", 365 * 24 * time.Hour, down, "b", StaleOnError, nil, 3},
		}},
		{"while it is revalidated nobody waits", Config{TTL: time.Hour, StaleWhileRevalidate: time.Minute}, []step{
			{"first", 0, is("a"), "a", Filled, nil, 1},
			{"aging", time.Hour, is("b"), "a", StaleHit, nil, 2},
			{"refilled behind it", time.Second, nil, "b", MemoryHit, nil, 2},
			{"too old for that", time.Hour + time.Minute, is("c"), "c", Filled, nil, 3},
		}},
		{"the store is down", Config{TTL: time.Hour, Grace: 2 * time.Hour}, []step{
			{"first", 0, is("a"), "a", Filled, nil, 1},
			{"down", time.Hour, down, "a", StaleOnError, nil, 2},
			{"down for long", 2*time.Hour - 1, nil, "a", StaleOnError, nil, 3},
			{"down for too long", time.Hour, nil, "", Filled, errDown, 4},
			{"back", time.Second, is("b"), "b", Filled, nil, 5},
		}},
		{"the store is slow", Config{TTL: time.Hour, Grace: time.Hour, Patience: 2 * time.Second}, []step{
			{"first", 0, is("a"), "a", Filled, nil, 1},
			{"slow", time.Hour, slow, "a", StaleOnError, nil, 2},
		}},
		{"what is gone is not served", Config{TTL: time.Hour, Grace: time.Hour, RefuseTTL: 10 * time.Second}, []step{
			{"first", 0, is("a"), "a", Filled, nil, 1},
			{"gone", time.Hour, gone, "", Filled, errMissing, 2},
			{"remembered", 9 * time.Second, nil, "", Derived, errMissing, 2},
			{"asked again, and down", 2 * time.Second, down, "", Filled, errDown, 3},
		}},
		{"what is down is not remembered", Config{RefuseTTL: 10 * time.Second}, []step{
			{"down", 0, down, "", Filled, errDown, 1},
			{"still", time.Second, nil, "", Filled, errDown, 2},
		}},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			config := tt.config
			config.Memory, config.Outlives, config.Log = NewMemory(1<<20), downOnly, quiet
			config.Refuses = func(err error) (bool, bool) { return errors.Is(err, fs.ErrNotExist), true }
			c := New(config)
			defer c.Close(context.Background())
			var s source
			k := Key{SourceOf("", "s"), "v"}
			for _, step := range tt.steps {
				time.Sleep(step.after)
				if step.change != nil {
					step.change(&s)
				}
				began := time.Now()
				e, status, err := c.Do(t.Context(), k, s.fill)
				took := time.Since(began)
				synctest.Wait() // for what goes on in the background
				body := ""
				if e != nil {
					body = string(e.Body)
				}
				if body != step.body || status != step.status || !errors.Is(err, step.err) || s.asked.Load() != step.asked {
					t.Errorf("%s: %s: Do = %q, %v, %v, asked %d times; want %q, %v, %v, %d", tt.name, step.name, body, status, err, s.asked.Load(), step.body, step.status, step.err, step.asked)
				}
				if took > 2*time.Second {
					t.Errorf("%s: %s: took %v", tt.name, step.name, took)
				}
			}
		})
	}
}

// A result that is only better than none is given for seconds, and never kept.
func TestDerivedIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := NewMemory(1 << 20)
		c := New(Config{Memory: memory, RefuseTTL: 10 * time.Second})
		defer c.Close(context.Background())
		k := Key{SourceOf("", "s"), "v"}
		fills := 0
		fill := func(context.Context, *Entry) (*Entry, error) {
			fills++
			e := NewEntry([]byte("derived"), "image/png")
			e.Derived = true
			return e, nil
		}
		for i, want := range []int{1, 1, 2} {
			e, status, err := c.Do(t.Context(), k, fill)
			if err != nil || status != Derived || string(e.Body) != "derived" || fills != want {
				t.Errorf("Do %d = %v, %v, %v after %d fills; want the derived one after %d", i, e, status, err, fills, want)
			}
			if i == 1 {
				time.Sleep(11 * time.Second)
			}
		}
		if s := memory.Stats(); s.Entries != 0 {
			t.Errorf("memory has %d entries; want none", s.Entries)
		}
	})
}

// A fill that ignores its context is left by those who wait, and another one is
// not begun beside it.
func TestFillThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{FillTimeout: 10 * time.Second, Log: quiet})
		release := make(chan struct{})
		var fills atomic.Int32
		stuck := func(context.Context, *Entry) (*Entry, error) { fills.Add(1); <-release; return nil, errDown }
		for i := range 3 {
			began := time.Now()
			_, _, err := c.Do(t.Context(), Key{Source: "s"}, stuck)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 11*time.Second {
				t.Errorf("Do %d = %v after %v; want a deadline after 11 s", i, err, time.Since(began))
			}
		}
		if s := c.Stats(); fills.Load() != 1 || s.Overdue != 1 || s.Fills != 1 {
			t.Errorf("%d fills, Stats = %+v; want one, overdue", fills.Load(), s)
		}
		close(release)
		if err := c.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
		if s := c.Stats(); s.Overdue != 0 || s.Fills != 0 {
			t.Errorf("Stats = %+v; want nothing running", s)
		}
	})
}

// Entries that were filled together are not refilled together, where nobody has
// to wait for it.
func TestJitter(t *testing.T) {
	c := New(Config{TTL: time.Hour, StaleWhileRevalidate: time.Minute})
	seen := map[time.Duration]bool{}
	for i := range 100 {
		d := c.jitter(numbered(i), c.lifetime())
		if d < 0 || d >= time.Hour/jitterPart {
			t.Fatalf("jitter = %v; want a twentieth of an hour at most", d)
		}
		seen[d] = true
	}
	if len(seen) < 90 {
		t.Errorf("%d jitters of 100 entries; want nearly all to differ", len(seen))
	}
}

func TestCloseEndsFills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{})
		ended := make(chan error, 1)
		go func() {
			_, _, err := c.Do(t.Context(), Key{Source: "s"}, func(ctx context.Context, _ *Entry) (*Entry, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
			ended <- err
		}()
		synctest.Wait()
		if err := c.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Do during Close = %v; want context.Canceled", err)
		}
		if _, _, err := c.Do(t.Context(), Key{Source: "s"}, returns(nil, errDown)); !errors.Is(err, errClosed) {
			t.Errorf("Do after Close = %v; want errClosed", err)
		}
	})
}
