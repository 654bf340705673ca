package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"s3imageserver/storage"
	"s3imageserver/storage/dir"
	"s3imageserver/storage/storagetest"
)

// onlyGet hides what else a bucket can do.
type onlyGet struct{ storage.Bucket }

// Names are all there, once and in order, whether a bucket walks or browses.
func TestNames(t *testing.T) {
	m, files := new(storagetest.Memory), fstest.MapFS{}
	var all []string
	for i := range 30 {
		all = append(all, fmt.Sprintf("a/%02d.jpg", i), fmt.Sprintf("a/b/%02d.jpg", i), fmt.Sprintf("a-%02d.jpg", i), fmt.Sprintf("a0/%02d.jpg", i), fmt.Sprintf("z%02d.jpg", i))
	}
	for i := range 1100 { // more than are asked for at once
		all = append(all, fmt.Sprintf("many/%04d.jpg", i))
	}
	slices.Sort(all)
	for _, name := range all {
		if err := m.Put(t.Context(), name, []byte("x")); err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: []byte("x")}
	}
	for _, b := range []storage.Bucket{m, dir.New(files)} {
		for _, tt := range []struct{ prefix, after string }{
			{"", ""}, {"a", ""}, {"a/", ""}, {"a/b", ""}, {"a/b/0", ""}, {"none", ""}, {"none/", ""}, {"many/", "many/0999.jpg"}, {"", "a/b/07.jpg"}, {"", "a/b"}, {"a", "a/zzz"}, {"", "zzz"},
		} {
			var want, got []string
			for _, name := range all {
				if strings.HasPrefix(name, tt.prefix) && name > tt.after {
					want = append(want, name)
				}
			}
			err := storage.Names(t.Context(), b, tt.prefix, tt.after, func(name string) error { got = append(got, name); return nil })
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%T, prefix %q, after %q: %d names, %v; want %d\n%.300q\n%.300q", b, tt.prefix, tt.after, len(got), err, len(want), got, want)
			}
		}
		enough, visited := errors.New("enough"), 0
		err := storage.Names(t.Context(), b, "", "", func(string) error {
			if visited++; visited == 5 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || visited != 5 {
			t.Errorf("%T: %d visited, %v; want 5 and the error", b, visited, err)
		}
	}
	if err := storage.Names(context.Background(), onlyGet{m}, "", "", nil); !errors.Is(err, storage.ErrNoNames) {
		t.Errorf("a bucket without names: %v", err)
	}
}
