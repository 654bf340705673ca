package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"s3imageserver/storage"
)

// byName answers each name in its own way; those it has nothing for are there.
type byName map[string]answer

func (s byName) Get(ctx context.Context, name string) (*storage.Object, error) {
	if a := s[name]; a != nil {
		return a(ctx)
	}
	return sends(whole, -1, "a", nil)(ctx)
}

func read(ctx context.Context, b storage.Bucket, name string) error {
	_, _, err := storage.ReadAll(ctx, b, name, 1<<20)
	return err
}

// errStalls is that of a body whose store sends no more.
var errStalls = fmt.Errorf("%w: %w", storage.ErrUnavailable, os.ErrDeadlineExceeded)

// A store that is silent is spared at whatever time its silence begins, though
// each request takes half of the time in which failures are counted.
func TestSilenceOpensTheCircuitAtAnyTime(t *testing.T) {
	for begins := range window / time.Second {
		synctest.Test(t, func(t *testing.T) {
			s := byName{}
			for i := range defaultFailures {
				s[fmt.Sprint("silent", i)] = waits
			}
			b := New(s, Config{})
			_ = read(t.Context(), b, "good")
			time.Sleep(begins * time.Second)
			var asking sync.WaitGroup
			for name := range s {
				asking.Go(func() { _ = read(t.Context(), b, name) })
			}
			asking.Wait()
			if !b.Stats().Open {
				t.Errorf("silent from second %d on: %+v; want an open circuit", begins, b.Stats())
			}
		})
	}
}

// Trouble of few names, of whatever kind, is no reason to spare the store for
// all others, however often they are asked for.
func TestFewNamesDoNotOpenTheCircuit(t *testing.T) {
	for name, trouble := range map[string]answer{
		"an error":                      fails(storage.ErrUnavailable),
		"no length":                     fails(storage.ErrIncomplete),
		"a body that breaks off":        sends(whole, 7, "a", io.ErrUnexpectedEOF),
		"a body that is not as it was":  sends(whole, 7, "a", storage.ErrDamaged),
		"no answer":                     waits,
		"an answer, and then no answer": sends(whole, 7, "a", errStalls),
	} {
		synctest.Test(t, func(t *testing.T) {
			s := byName{}
			for i := range defaultFailures - 1 {
				s[fmt.Sprint("bad", i)] = trouble
			}
			b := New(s, Config{Changed: func(open bool) { t.Errorf("%s: the circuit is open: %v", name, open) }})
			for i := range 200 {
				if err := read(t.Context(), b, fmt.Sprint("bad", i%len(s))); err == nil {
					t.Fatalf("%s: no error", name)
				}
			}
			if err := read(t.Context(), b, "good"); err != nil || b.Stats().Failed < 200 {
				t.Errorf("%s: a sound object: %v; %+v; want it, and that each failure is counted", name, err, b.Stats())
			}
		})
	}
}

// What tells nothing about the store neither opens the circuit nor closes it.
func TestWhoLeavesCountsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		s := &scripted{answers: []answer{func(ctx context.Context) (*storage.Object, error) {
			if down {
				return nil, storage.ErrUnavailable
			}
			return waits(ctx)
		}}}
		b := New(s, Config{})
		leave := func(name string, after time.Duration) error {
			ctx, cancel := context.WithTimeout(t.Context(), after)
			defer cancel()
			return read(ctx, b, name)
		}
		// A client that leaves does not end a row of failures.
		for i := range defaultFailures - 1 {
			_ = read(t.Context(), b, fmt.Sprint(i)) // that it fails is seen below
		}
		down = false
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		if err := read(ctx, b, "left"); !errors.Is(err, context.Canceled) {
			t.Fatalf("who leaves gets %v", err)
		}
		if b.Stats().Open {
			t.Error("a client that left has opened the circuit")
		}
		down = true
		_ = read(t.Context(), b, "last")
		if !b.Stats().Open {
			t.Error("a client that left has ended the row of failures")
		}
		// Nor does it say that the store is back.
		down = false
		time.Sleep(defaultOpenFor + time.Second)
		if err := leave("trial", 100*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("who tries whether the store is back, and leaves: %v", err)
		}
		if got := b.breaker.State().String(); got != "half-open" {
			t.Errorf("the circuit is %s although the store has not answered", got)
		}
		// The next one may try.
		s.mu.Lock()
		s.answers = []answer{sends(whole, -1, "a", nil)}
		s.mu.Unlock()
		if err := read(t.Context(), b, "back"); err != nil || b.breaker.State().String() != "closed" {
			t.Errorf("when it is back: %v, the circuit is %v", err, b.breaker.State())
		}
	})
}

func TestBodiesThatBreakOffOpenTheCircuit(t *testing.T) {
	for name, fault := range map[string]error{"breaks off": storage.ErrIncomplete, "stalls": errStalls, "is damaged": storage.ErrDamaged} {
		synctest.Test(t, func(t *testing.T) {
			b := New(&scripted{answers: []answer{sends(whole, 7, "a", fault)}}, Config{})
			for i := range defaultFailures {
				o, err := b.Get(t.Context(), fmt.Sprint(i))
				if err != nil {
					break // the circuit is open
				}
				if _, err := o.ReadAll(1000); err == nil {
					t.Fatalf("a body that %s: no error", name)
				}
				_ = o.Body.Close() // nothing is lost
			}
			if st := b.Stats(); st.Failed < defaultFailures || !st.Open {
				t.Errorf("%d bodies of which each %s: %+v; want as many failures, and an open circuit", defaultFailures, name, st)
			}
		})
	}
}

// An object in trouble does not keep the circuit open for all others after an
// outage, however often it is asked for.
func TestANameThatFailedTriesNotAtOnceAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := byName{"bad": fails(storage.ErrUnavailable)}
		for i := range defaultFailures {
			s[fmt.Sprint(i)] = fails(storage.ErrUnavailable)
		}
		b := New(s, Config{})
		for i := range defaultFailures {
			_ = read(t.Context(), b, fmt.Sprint(i)) // that it fails is seen below
		}
		if !b.Stats().Open {
			t.Fatal("the circuit is closed after an outage")
		}
		time.Sleep(defaultOpenFor + time.Second)
		_ = read(t.Context(), b, "bad") // it tries, and fails
		time.Sleep(defaultOpenFor + time.Second/2)
		asked := b.Stats().Asked
		for range 10 {
			if err := read(t.Context(), b, "bad"); !errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("the object in trouble: %v", err)
			}
		}
		if got := b.Stats().Asked; got != asked {
			t.Errorf("the object in trouble has tried %d times more", got-asked)
		}
		time.Sleep(defaultOpenFor) // nobody else has come
		_ = read(t.Context(), b, "bad")
		if got := b.Stats().Asked; got == asked {
			t.Error("the object in trouble does not try although nobody else does")
		}
		time.Sleep(defaultOpenFor + time.Second/2)
		if err := read(t.Context(), b, "good"); err != nil {
			t.Errorf("a sound object behind it: %v", err)
		}
	})
}

// A panic of the bucket does not keep the place of who tries.
func TestPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := byName{"panics": func(context.Context) (*storage.Object, error) { panic("bucket") }}
		for i := range defaultFailures {
			s[fmt.Sprint(i)] = fails(storage.ErrUnavailable)
		}
		b := New(s, Config{InFlight: 1})
		for i := range defaultFailures {
			_ = read(t.Context(), b, fmt.Sprint(i)) // that it fails is seen below
		}
		time.Sleep(defaultOpenFor + time.Second)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic does not reach the caller")
				}
			}()
			_ = read(t.Context(), b, "panics")
		}()
		if err := read(t.Context(), b, "good"); err != nil {
			t.Errorf("after a panic: %v", err)
		}
	})
}

// More objects than the bound are not open at once, and to refuse one is not the
// store's failure.
func TestInFlight(t *testing.T) {
	b := New(byName{}, Config{InFlight: 2})
	var open []*storage.Object
	for i := range 2 {
		o, err := b.Get(t.Context(), fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, o)
	}
	for i := range 100 {
		if err := read(t.Context(), b, fmt.Sprint(i)); !errors.Is(err, storage.ErrBusy) || errors.Is(err, storage.ErrUnavailable) {
			t.Fatalf("one more: %v; want storage.ErrBusy", err)
		}
	}
	if st := b.Stats(); st.Asked != 2 || st.Failed != 0 || st.Open {
		t.Errorf("%+v; want two requests and no failure", st)
	}
	_ = open[0].Body.Close()
	_ = open[0].Body.Close() // a second time is nothing
	for i := range 5 {
		if err := read(t.Context(), b, fmt.Sprint(i)); err != nil {
			t.Errorf("when one has gone: %v", err)
		}
	}
	if _, err := b.GetVersion(t.Context(), "x", "1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a version of what has none: %v", err)
	}
}

type parted struct{ byName }

func (parted) Part(name string) string { part, _, _ := strings.Cut(name, "/"); return part }

// One of several stores behind a bucket is no reason to spare the others.
func TestParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := parted{byName{}}
		for i := range 100 {
			s.byName[fmt.Sprint("down/", i)] = fails(storage.ErrUnavailable)
			s.byName[fmt.Sprint("d", i, "/x")] = fails(storage.ErrUnavailable)
		}
		b := New(s, Config{})
		for i := range 100 {
			_ = read(t.Context(), b, fmt.Sprint("down/", i)) // that it fails is seen below
		}
		if err := read(t.Context(), b, "up/1"); err != nil || b.Stats().Failed < 100 {
			t.Errorf("an object of a store that is up: %v, %+v", err, b.Stats())
		}
		for i := range defaultFailures {
			_ = read(t.Context(), b, fmt.Sprint("d", i, "/x")) // that it fails is seen below
		}
		if !b.Stats().Open {
			t.Error("when all are down the circuit is closed")
		}
	})
}
