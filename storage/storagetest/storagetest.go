// Package storagetest checks that a [storage.Bucket] keeps its contract.
package storagetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"s3imageserver/storage"
)

// Test runs the conformance suite. open returns a Bucket that holds exactly
// the given objects; Test calls it once, with names and sizes that stores
// are known to get wrong.
func Test(t *testing.T, open func(t *testing.T, objects map[string][]byte) storage.Bucket) {
	objects := map[string][]byte{
		"photo.jpg":                 []byte("a small object"),
		"folder/deep/er/photo.jpg":  []byte("an object in a folder"),
		"empty.jpg":                 {},
		"large.bin":                 bytes.Repeat([]byte("0123456789abcdef"), 1<<16),
		"with space + plus.jpg":     []byte("space and plus"),
		"per%20cent%2fescaped.jpg":  []byte("per cent signs are ordinary"),
		"ünïcode/日本語 ☂.jpg":         []byte("Unicode"),
		"odd!'()*&=@:,;$#?[]~`.jpg": []byte("reserved characters"),
	}
	b := open(t, objects)

	t.Run("every object is delivered whole", func(t *testing.T) {
		for name, want := range objects {
			got, info, err := storage.ReadAll(t.Context(), b, name, 1<<24)
			if err != nil {
				t.Errorf("ReadAll(%q): %v", name, err)
				continue
			}
			if !bytes.Equal(got, want) || info.Size != int64(len(want)) {
				t.Errorf("ReadAll(%q) = %d bytes, Size %d; want the %d bytes that were stored", name, len(got), info.Size, len(want))
			}
		}
	})

	t.Run("the same object has the same validators", func(t *testing.T) {
		first, second := info(t, b, "photo.jpg"), info(t, b, "photo.jpg")
		if first != second {
			t.Errorf("Info changed from %+v to %+v without a change of the object", first, second)
		}
		if first.ETag == "" || strings.Contains(first.ETag, `"`) {
			t.Errorf("ETag = %q; want one without quotes", first.ETag)
		}
	})

	t.Run("errors are classified", func(t *testing.T) {
		tests := []struct {
			name string
			want error
		}{
			{"missing.jpg", fs.ErrNotExist},
			{"photo.jpg/below-a-file.jpg", fs.ErrNotExist},
			{"folder", fs.ErrNotExist},
			{"folder/deep", fs.ErrNotExist},
			{strings.Repeat("long/", 200) + "name.jpg", fs.ErrNotExist},
			{"", fs.ErrInvalid},
			{".", fs.ErrInvalid},
			{"..", fs.ErrInvalid},
			{"../photo.jpg", fs.ErrInvalid},
			{"folder/../photo.jpg", fs.ErrInvalid},
			{"/photo.jpg", fs.ErrInvalid},
			{"folder/", fs.ErrInvalid},
			{"folder//photo.jpg", fs.ErrInvalid},
			{`folder\photo.jpg`, fs.ErrInvalid},
			{"photo.jpg\x00", fs.ErrInvalid},
			{"\xff.jpg", fs.ErrInvalid},
			{strings.Repeat("x", storage.MaxNameBytes+1), fs.ErrInvalid},
		}
		for _, tt := range tests {
			obj, err := b.Get(t.Context(), tt.name)
			if !errors.Is(err, tt.want) {
				t.Errorf("Get(%.40q) = %v, %v; want %v", tt.name, obj, err, tt.want)
			}
		}
	})

	t.Run("an object above the limit is refused", func(t *testing.T) {
		if _, _, err := storage.ReadAll(t.Context(), b, "large.bin", 1<<10); !errors.Is(err, storage.ErrTooLarge) {
			t.Errorf("ReadAll of 1 MiB with a limit of 1 KiB = %v; want storage.ErrTooLarge", err)
		}
	})

	t.Run("a cancelled context stops the call", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := b.Get(ctx, "photo.jpg"); !errors.Is(err, context.Canceled) {
			t.Errorf("Get with a cancelled context = %v; want context.Canceled", err)
		}
	})

	t.Run("concurrent readers do not disturb each other", func(t *testing.T) {
		var wg sync.WaitGroup
		for range 8 {
			for name, want := range objects {
				wg.Go(func() {
					if got, _, err := storage.ReadAll(t.Context(), b, name, 1<<24); err != nil || !bytes.Equal(got, want) {
						t.Errorf("concurrent ReadAll(%q) = %d bytes, %v; want %d", name, len(got), err, len(want))
					}
				})
			}
		}
		wg.Wait()
	})
}

func info(t *testing.T, b storage.Bucket, name string) storage.Info {
	t.Helper()
	obj, err := b.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Body.Close()
	if _, err := io.Copy(io.Discard, obj.Body); err != nil {
		t.Fatal(err)
	}
	return obj.Info
}
