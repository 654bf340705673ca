package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"s3imageserver/storage"
)

// TestStore runs the conformance suite of a [storage.Store], which is empty at
// first.
func TestStore(t *testing.T, s storage.Store) {
	put := func(name, data string) {
		t.Helper()
		if err := s.Put(t.Context(), name, []byte(data)); err != nil {
			t.Fatalf("Put(%q): %v", name, err)
		}
	}
	names := func(prefix, after string) []string {
		t.Helper()
		var found []string
		err := s.Walk(t.Context(), prefix, after, func(name string, info storage.Info) error {
			if info.ModTime.IsZero() {
				t.Errorf("Walk: %q has no ModTime", name)
			}
			found = append(found, name)
			return nil
		})
		if err != nil {
			t.Fatalf("Walk(%q, %q): %v", prefix, after, err)
		}
		return found
	}

	t.Run("what was put is delivered, the later one counts", func(t *testing.T) {
		put("a/one.jpg", "first")
		put("a/one.jpg", "second")
		got, info, err := storage.ReadAll(t.Context(), s, "a/one.jpg", 100)
		if err != nil || !bytes.Equal(got, []byte("second")) || info.Size != 6 {
			t.Errorf("ReadAll = %q, %+v, %v; want the second object", got, info, err)
		}
	})

	t.Run("what was deleted is gone, and may be deleted again", func(t *testing.T) {
		put("a/gone.jpg", "x")
		for range 2 {
			if err := s.Delete(t.Context(), "a/gone.jpg"); err != nil {
				t.Errorf("Delete: %v", err)
			}
		}
		if _, err := s.Get(t.Context(), "a/gone.jpg"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Get after Delete = %v; want fs.ErrNotExist", err)
		}
	})

	t.Run("Walk goes in order, from a name on, below a prefix", func(t *testing.T) {
		for i := range 12 {
			put(fmt.Sprintf("w/%02d-ü +.jpg", i), "x")
		}
		put("w2/other.jpg", "x")
		all := names("w/", "")
		if len(all) != 12 || !slices.IsSorted(all) {
			t.Errorf("Walk = %q; want the 12 names in order", all)
		}
		if got := names("w/1", ""); len(got) != 2 {
			t.Errorf("Walk of half a name = %q; want two", got)
		}
		if got := names("w/", "w/08"); len(got) != 4 || got[0] != "w/08-ü +.jpg" {
			t.Errorf("Walk from w/08 on = %q; want four", got)
		}
		if got := names("w/", all[11]); len(got) != 0 {
			t.Errorf("Walk from the last name on = %q; want none", got)
		}
		stop := errors.New("enough")
		if err := s.Walk(t.Context(), "w/", "", func(string, storage.Info) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("Walk = %v; want the error of visit", err)
		}
	})

	t.Run("bad names and ended contexts are refused", func(t *testing.T) {
		for _, name := range []string{"", "../x", "a//b", strings.Repeat("x", storage.MaxNameBytes+1)} {
			if err := s.Put(t.Context(), name, []byte("x")); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("Put(%.20q) = %v; want fs.ErrInvalid", name, err)
			}
			if err := s.Delete(t.Context(), name); !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("Delete(%.20q) = %v; want fs.ErrInvalid", name, err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Put(ctx, "late.jpg", []byte("x")); !errors.Is(err, context.Canceled) {
			t.Errorf("Put with an ended context = %v; want context.Canceled", err)
		}
	})

	t.Run("an object that has not changed is not sent", func(t *testing.T) {
		put("same.jpg", "first")
		have := info(t, s, "same.jpg")
		if _, err := storage.GetIfModified(t.Context(), s, "same.jpg", have); !errors.Is(err, storage.ErrNotModified) {
			t.Errorf("GetIfModified of the same = %v; want storage.ErrNotModified", err)
		}
		have.ModTime = have.ModTime.Add(-time.Hour) // its metadata changed since
		if o, err := storage.GetIfModified(t.Context(), s, "same.jpg", have); err != nil {
			t.Errorf("GetIfModified of an older ModTime = %v; want the object", err)
		} else {
			_ = o.Body.Close() // only looked at
		}
		put("same.jpg", "second")
		if o, err := storage.GetIfModified(t.Context(), s, "same.jpg", have); err != nil {
			t.Errorf("GetIfModified of another = %v; want the object", err)
		} else {
			_ = o.Body.Close() // only looked at
		}
		if _, err := storage.GetIfModified(t.Context(), s, "missing.jpg", have); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("GetIfModified of nothing = %v; want fs.ErrNotExist", err)
		}
	})
}
