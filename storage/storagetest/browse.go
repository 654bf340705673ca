package storagetest

import (
	"slices"
	"testing"

	"s3imageserver/storage"
)

// TestBrowser runs the conformance suite of a [storage.Browser]. open returns
// one that holds exactly the given objects.
func TestBrowser(t *testing.T, open func(t *testing.T, objects map[string][]byte) storage.Browser) {
	objects := map[string][]byte{}
	for _, name := range []string{"a.jpg", "b/1.jpg", "b/2.jpg", "b/c/3.jpg", "b-.jpg", "b0.jpg", "d/4.jpg", "ü/☂.jpg", "z z.jpg"} {
		objects[name] = []byte("x")
	}
	b := open(t, objects)
	tests := []struct {
		folder string
		want   []string
	}{
		{"", []string{"a.jpg", "b-.jpg", "b/", "b0.jpg", "d/", "z z.jpg", "ü/"}},
		{"b/", []string{"b/1.jpg", "b/2.jpg", "b/c/"}},
		{"b/c/", []string{"b/c/3.jpg"}},
		{"ü/", []string{"ü/☂.jpg"}},
	}
	for _, tt := range tests {
		for max := 1; max <= 8; max++ {
			var all []string
			after := ""
			for page := 0; ; page++ {
				l, err := b.Browse(t.Context(), tt.folder, after, max)
				if err != nil || len(l.Folders)+len(l.Names) > max || page > 20 {
					t.Fatalf("%q after %q, at most %d: %+v, %v", tt.folder, after, max, l, err)
				}
				all = slices.Concat(all, l.Folders, l.Names)
				if after = l.Next; after == "" {
					break
				}
			}
			slices.Sort(all)
			if !slices.Equal(all, tt.want) {
				t.Errorf("%q, %d at a time: %q; want %q", tt.folder, max, all, tt.want)
			}
		}
	}
	if l, err := b.Browse(t.Context(), "none/", "", 10); len(l.Folders)+len(l.Names) > 0 {
		t.Errorf("a folder that there is not: %+v, %v", l, err)
	}
}
