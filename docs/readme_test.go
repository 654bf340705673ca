package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"s3imageserver/server"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The parameters of the original have their rows in the table, with the words
// that they are documented by; the others are named, and docs/options.md has all.
func TestReadmeHasTheFirstParameters(t *testing.T) {
	text := readme(t)
	for _, p := range server.Params() {
		row := "| `" + p.Name + "` | " + p.Doc + " |"
		if strings.Contains("w h c f t", p.Name) && !strings.Contains(text, row) {
			t.Errorf("README.md has no row %s", row)
		}
	}
	for _, p := range server.Params() {
		if !strings.Contains(text, "`"+p.Name+"`") && !regexp.MustCompile("`([a-z]+ )*"+p.Name+"( [a-z]+)*`").MatchString(text) {
			t.Errorf("README.md does not name the parameter %s", p.Name)
		}
	}
	if !strings.Contains(text, "(docs/options.md)") {
		t.Error("README.md does not link docs/options.md")
	}
}
