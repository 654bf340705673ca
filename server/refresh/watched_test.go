package refresh

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// Files are read again when one has changed, at most once a second; what cannot
// be read changes nothing.
func TestWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		first, second := filepath.Join(folder, "first"), filepath.Join(folder, "second")
		write := func(file, text string) {
			t.Helper()
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		reads, told := 0, []error(nil)
		broken := errors.New("broken")
		read := func() (string, error) {
			reads++
			a, err := os.ReadFile(first)
			if err != nil || string(a) == "broken" {
				return "", errors.Join(err, broken)
			}
			b, err := os.ReadFile(second)
			return string(a) + string(b), err
		}
		if w, err := Watch(read, first, second); err == nil || w != nil {
			t.Errorf("Watch of files that are not there = %v, %v; want an error", w, err)
		}
		write(first, "a")
		write(second, "b")
		reads = 0
		w, err := Watch(read, first, second)
		if err != nil {
			t.Fatal(err)
		}
		want := func(what, value string, n, tells int) {
			t.Helper()
			if got := w.Get(func(_ string, err error) { told = append(told, err) }); got != value || reads != n || len(told) != tells {
				t.Errorf("%s: %q after %d reads, told %d times; want %q, %d, %d", what, got, reads, len(told), value, n, tells)
			}
		}
		want("at the beginning", "ab", 1, 0)
		write(second, "longer")
		want("too soon", "ab", 1, 0)
		time.Sleep(lookEvery)
		want("a second later", "alonger", 2, 1)
		time.Sleep(lookEvery)
		want("unchanged", "alonger", 2, 1)
		write(first, "broken")
		w.Forget()
		want("while it is broken", "alonger", 3, 2)
		if !errors.Is(told[1], broken) || told[0] != nil {
			t.Errorf("told %v; want nothing, then that it is broken", told)
		}
		write(first, "whole")
		time.Sleep(lookEvery)
		want("when it is whole again", "wholelonger", 4, 3)
	})
}

// Without files nothing is looked at.
func TestWatchedWithoutFiles(t *testing.T) {
	reads := 0
	w, err := Watch(func() (int, error) { reads++; return reads, nil })
	if err != nil {
		t.Fatal(err)
	}
	w.Forget()
	if got := w.Get(func(int, error) { t.Error("told of a change") }); got != 1 || reads != 1 {
		t.Errorf("Get = %d after %d reads; want 1, 1", got, reads)
	}
}
