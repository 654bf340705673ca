package main

import (
	"os"
	"reflect"
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

// Every key of the configuration has its row in the reference.
func TestEveryKeyIsDocumented(t *testing.T) {
	data, err := os.ReadFile("docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	var keys func(reflect.Type, string)
	keys = func(s reflect.Type, prefix string) {
		for _, f := range reflect.VisibleFields(s) {
			name := f.Tag.Get("json")
			if name == "" || name == "-" {
				continue
			}
			inner := f.Type
			for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
				inner = inner.Elem()
			}
			if inner.Kind() == reflect.Struct && name != "sources" { // whose keys are those of aws and source
				if name == "handlers" {
					keys(inner, "")
				} else {
					keys(inner, prefix+name+".")
				}
				continue
			}
			if !strings.Contains(text, "| `"+prefix+name+"` |") {
				t.Errorf("docs/configuration.md has no row for the key %s%s", prefix, name)
			}
		}
	}
	keys(reflect.TypeFor[server.Config](), "")
}

// Every package of the house is in its picture.
func TestReadmeHasEveryPackage(t *testing.T) {
	text := readme(t)
	for path := range arrows {
		if name := strings.TrimPrefix(path, "s3imageserver"); name != "" && !strings.Contains(text, strings.TrimPrefix(name, "/")+"/") {
			t.Errorf("README.md does not show the package %s", path)
		}
	}
}
