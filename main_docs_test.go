package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every page of the documents is listed with its title, and printed as it lies in the
// source, by its name with or without folder and extension.
func TestDocsCommand(t *testing.T) {
	list, err := command(t, "docs")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, pattern := range []string{"docs/*.md", "docs/*/*.md", "docs/*.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	pages := 0
	for _, file := range files {
		if file == "docs/README.md" { // lists the others, as the command does
			continue
		}
		file = filepath.ToSlash(file)
		name := strings.TrimSuffix(strings.TrimPrefix(file, "docs/"), ".md")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(list, name+" ") {
			t.Errorf("%s is not listed", name)
		}
		if title, _, _ := strings.Cut(string(text), "\n"); strings.HasPrefix(title, "# ") && !strings.Contains(list, " "+title[2:]+"\n") {
			t.Errorf("%s is not listed as %q", name, title[2:])
		}
		for _, as := range []string{name, file, strings.ToUpper(name)} {
			if out, err := command(t, "docs", as); err != nil || out != string(text) {
				t.Errorf("docs %s: %v, %d bytes; want the %d of %s", as, err, len(out), len(text), file)
			}
		}
		pages++
	}
	if pages < 30 {
		t.Errorf("%d pages", pages)
	}
	purge, err := os.ReadFile("docs/howto/purge.md")
	if out, got := command(t, "docs", "purge"); err != nil || got != nil || out != string(purge) {
		t.Errorf("docs purge is not docs/howto/purge.md: %v, %v", got, err)
	}
	for name, want := range map[string]string{
		"nothing-of-the-kind": `there is no page "nothing-of-the-kind"; s3imageserver docs lists all`, "kubernetes": "\n   deployment               How do I run it in Kubernetes?",
	} {
		if out, err := command(t, "docs", name); out != "" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("docs %s: %q, %v; want an error with %q", name, out, err, want)
		}
	}
}

// Whoever asks for help or makes a mistake is told of the documents.
func TestDocsAreNamed(t *testing.T) {
	help, err := command(t, "-h")
	if err != nil || !strings.Contains(help, `"s3imageserver docs"`) || !strings.Contains(help, "The exit code is 0, or 1") {
		t.Errorf("-h names neither the documents nor the exit code: %v\n%s", err, help)
	}
	for _, args := range [][]string{{"foo"}, {"-nothing"}, {"serve", "-nothing"}} {
		if _, err := command(t, args...); err == nil || !strings.Contains(err.Error(), "s3imageserver docs") {
			t.Errorf("%v: %v; want an error that names the documents", args, err)
		}
	}
}
