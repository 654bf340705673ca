package limits

import (
	"strings"
	"testing"

	"s3imageserver/server/config"
)

// FuzzBlocked: a list blocks the names in it, those that begin as it says, and
// no others.
func FuzzBlocked(f *testing.F) {
	f.Add("a.jpg\nb/*\n# c", "b/c.jpg")
	f.Add("*", "x")
	f.Fuzz(func(t *testing.T, text, name string) {
		list := &nameList{map[string]bool{}, map[string]bool{}, nil}
		want := false
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\n")
			if !config.ValidBlocked(line) {
				continue
			}
			list.add(line)
			beginning, ok := strings.CutSuffix(line, "*")
			want = want || line == name || ok && strings.HasPrefix(name, beginning)
		}
		if got := list.has(name); got != want {
			t.Errorf("%q has %q: %v; want %v", text, name, got, want)
		}
	})
}
