package cache

import (
	"path"
	"strings"
	"testing"
)

func TestParseName(t *testing.T) {
	good := strings.TrimPrefix(idOf(Key{SourceOf("", "s"), "v"}).name(), layout+"/")
	tests := []struct {
		name, file string
		want       bool
	}{
		{"an entry's", good, true},
		{"upper case", strings.ToUpper(good), false},
		{"one byte short", good[:len(good)-1], false},
		{"one byte more", good + "0", false},
		{"another separator", strings.Replace(good, "-", "_", 1), false},
		{"no digit", good[:len(good)-1] + "g", false},
		{"a folder's", path.Dir(good), false},
		{"empty", "", false},
	}
	for _, tt := range tests {
		if _, ok := parseName(tt.file); ok != tt.want {
			t.Errorf("%s: parseName(%q) = %v; want %v", tt.name, tt.file, ok, tt.want)
		}
	}
}

func FuzzParseName(f *testing.F) {
	f.Add(strings.TrimPrefix(idOf(Key{SourceOf("", "s"), "v"}).name(), layout+"/"))
	f.Add("../../../../etc/passwd")
	f.Fuzz(func(t *testing.T, name string) {
		id, ok := parseName(name)
		if ok && id.name() != layout+"/"+name {
			t.Errorf("parseName(%q) gives an id whose name is %q", name, id.name())
		}
	})
}
