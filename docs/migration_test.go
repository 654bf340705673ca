package docs_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"s3imageserver/resize"
	"s3imageserver/server"
	"s3imageserver/server/dialect"
)

var (
	jsonBlock  = regexp.MustCompile("(?s)```json\n(.*?)```")
	tableOfTwo = regexp.MustCompile("(?m)^\\| `(/[^`]*)` \\| `(/[^`]*)` \\|")
)

// There is a guide for each dialect; its configuration loads, and each row of
// its table is true: our URL makes the same of a picture of 4000 x 3000 pixels as
// theirs does.
func TestGuidesOfDialects(t *testing.T) {
	for _, name := range dialect.Names() {
		page, err := os.ReadFile(filepath.Join("docs", "migration", name+".md"))
		if err != nil {
			t.Fatal(err)
		}
		block := jsonBlock.FindSubmatch(page)
		if block == nil {
			t.Fatalf("%s: no configuration", name)
		}
		file := filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(file, block[1], 0o600); err != nil {
			t.Fatal(err)
		}
		c, warnings, err := server.Load(file)
		if err != nil || len(warnings) > 0 {
			t.Fatalf("%s: %v, %v", name, err, warnings)
		}
		i := slices.IndexFunc(c.Handlers, func(h server.HandlerConfig) bool { return h.Dialect != nil && h.Dialect.Name == name })
		if i < 0 {
			t.Fatalf("%s: the configuration has no handler with it", name)
		}
		c.Handlers[i].Dialect.Unsigned = true
		rows := tableOfTwo.FindAllStringSubmatch(string(page), -1)
		if len(rows) < 3 {
			t.Errorf("%s: only %d rows", name, len(rows))
		}
		for _, row := range rows {
			theirs, ours := row[1], row[2]
			tr, err := c.Translate(theirs, http.Header{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			want, err := tr.URL(4000, 3000, "")
			if err != nil {
				t.Errorf("%s: %s: %v", name, theirs, err)
				continue
			}
			wantPath, query, _ := strings.Cut(want, "?")
			path, said, _ := strings.Cut(ours, "?")
			wanted, have := resize.ParseQuery(query), resize.ParseQuery(said)
			for _, usual := range []string{"f", "q", "strip", "anim"} { // those of the other server
				if !have.Has(usual) {
					have[usual] = wanted[usual]
				}
			}
			a, b := resize.ParseOptions(have.Get, 65535), resize.ParseOptions(wanted.Get, 65535)
			if path != wantPath || !resize.Same(4000, 3000, a, b) {
				t.Errorf("%s: %s is %s; want one like %s", name, theirs, ours, want)
			}
		}
	}
}
