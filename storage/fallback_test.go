package storage_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"
	"time"

	"s3imageserver/storage"
	"s3imageserver/storage/storagetest"
)

func memory(objects ...string) *storagetest.Memory {
	var m storagetest.Memory
	for i := 0; i < len(objects); i += 2 {
		m.Set(objects[i], []byte(objects[i+1]), time.Unix(1700000000, 0))
	}
	return &m
}

func TestFallback(t *testing.T) {
	hidden := fmt.Errorf("store: %w", fs.ErrPermission)
	tests := []struct {
		name          string
		first, second error // that the buckets fail with
		ask           string
		want          string
		stopgap       bool
		err           error
	}{
		{"both have it", nil, nil, "both", "first", false, nil},
		{"only the second has it", nil, nil, "late", "second", false, nil},
		{"none has it", nil, nil, "none", "", false, fs.ErrNotExist},
		{"the first may not show it", hidden, nil, "both", "second", false, nil},
		{"the first may not show what no other has", hidden, nil, "none", "", false, fs.ErrPermission},
		{"the first is down", storage.ErrUnavailable, nil, "both", "second", true, nil},
		{"the first is down and the second has nothing", storage.ErrUnavailable, nil, "none", "", false, storage.ErrUnavailable},
		{"the second is down and not needed", nil, storage.ErrUnavailable, "both", "first", false, nil},
		{"the second is down and needed", nil, storage.ErrUnavailable, "late", "", false, storage.ErrUnavailable},
		{"both are down", storage.ErrOverloaded, storage.ErrUnavailable, "both", "", false, storage.ErrOverloaded},
		{"not a name", nil, nil, "../x", "", false, fs.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := memory("both", "first"), memory("both", "second", "late", "second")
			a.Fail(tt.first)
			b.Fail(tt.second)
			object, err := storage.Fallback(a, b).Get(t.Context(), tt.ask)
			if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) {
				t.Fatalf("Get = %v; want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			data, err := object.ReadAll(100)
			if err != nil || string(data) != tt.want || errors.Is(object.Stopgap, storage.ErrUnavailable) != tt.stopgap {
				t.Errorf("got %q, stopgap %v, %v; want %q, %v", data, object.Stopgap, err, tt.want, tt.stopgap)
			}
		})
	}
}

// Who has something already hears of trouble, and is not given what may be
// older.
func TestFallbackIfModified(t *testing.T) {
	a, b := memory(), memory("photo", "second")
	f := storage.Fallback(a, b).(storage.Revalidator)
	have, err := storage.Fallback(a, b).Get(t.Context(), "photo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.GetIfModified(t.Context(), "photo", have.Info); !errors.Is(err, storage.ErrNotModified) {
		t.Errorf("unchanged: %v; want storage.ErrNotModified", err)
	}
	a.Fail(storage.ErrUnavailable)
	if _, err := f.GetIfModified(t.Context(), "photo", have.Info); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("the first is down: %v; want storage.ErrUnavailable", err)
	}
	a.Fail(nil)
	a.Set("photo", []byte("first"), time.Unix(1700000001, 0))
	object, err := f.GetIfModified(t.Context(), "photo", have.Info)
	if err != nil {
		t.Fatalf("the first has it now: %v", err)
	}
	if data, err := object.ReadAll(100); string(data) != "first" {
		t.Errorf("the first has it now: %q, %v; want its own", data, err)
	}
}

type listed struct {
	*storagetest.Memory
}

func (l listed) List(_ context.Context, max int, keep func(string) bool) ([]string, error) {
	names := slices.DeleteFunc(l.Names(), func(n string) bool { return !keep(n) })
	return names[:min(max, len(names))], nil
}

func TestFallbackList(t *testing.T) {
	f := storage.Fallback(listed{memory("a", "", "b", "")}, memory("x", ""), listed{memory("b", "", "c", "", "d", "")})
	names, err := f.(storage.Lister).List(t.Context(), 3, func(string) bool { return true })
	if err != nil || !slices.Equal(names, []string{"a", "b", "c"}) {
		t.Errorf("List = %v, %v; want a b c", names, err)
	}
}

func TestFallbackOfOne(t *testing.T) {
	m := memory()
	if f := storage.Fallback(m); f != storage.Bucket(m) {
		t.Errorf("Fallback of one bucket is %T; want the bucket", f)
	}
	if _, ok := storage.Fallback(m, m).(storage.Versioned); ok {
		t.Error("a Fallback of buckets without versions says that it has some")
	}
}

func TestMergedListings(t *testing.T) {
	tests := []struct {
		name       string
		a, b, want storage.Listing
	}{
		{"both whole", storage.Listing{Folders: []string{"f/"}, Names: []string{"a", "c"}}, storage.Listing{Folders: []string{"f/"}, Names: []string{"b"}},
			storage.Listing{Folders: []string{"f/"}, Names: []string{"a", "b", "c"}}},
		{"one goes on", storage.Listing{Names: []string{"a", "b"}, Next: "b"}, storage.Listing{Names: []string{"a", "z"}}, storage.Listing{Names: []string{"a", "b"}, Next: "b"}},
		{"too many", storage.Listing{Names: []string{"a", "b", "c"}}, storage.Listing{Names: []string{"d", "e"}}, storage.Listing{Names: []string{"a", "b", "c", "d"}, Next: "d"}},
		{"one is empty", storage.Listing{}, storage.Listing{Names: []string{"x"}, Next: "x"}, storage.Listing{Names: []string{"x"}, Next: "x"}},
	}
	for _, tt := range tests {
		if got := tt.a.Merge(tt.b, 4); fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %+v; want %+v", tt.name, got, tt.want)
		}
	}
}
