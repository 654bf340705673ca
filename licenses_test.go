package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// LICENSES.txt has the license of Go, of every module in the binaries of all systems, and
// of what such a module has inside as WebAssembly; -update writes it.
func TestLicenses(t *testing.T) {
	want := licenses(t)
	if *update {
		if err := os.WriteFile("LICENSES.txt", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("LICENSES.txt")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("LICENSES.txt is not what the modules have (%v); go test -tags nodynamic . -run TestLicenses -update writes it", err)
	}
	out, err := command(t, "version", "-licenses")
	if err != nil || !strings.HasPrefix(out, "s3imageserver\n") || !strings.HasSuffix(out, string(got)) {
		t.Errorf("version -licenses: %v, %d bytes; want NOTICE, LICENSE and LICENSES.txt", err, len(out))
	}
	for _, name := range []string{"Apache License", "LICENSE.libheif", "LICENSE.libde265", "LICENSE.libjxl", "LICENSE.libavif", "dav1d", "LICENSE.libwebp"} {
		if !strings.Contains(out, name) {
			t.Errorf("version -licenses has no %s", name)
		}
	}
}

// licenseFile matches names of files that a module asks to be handed on.
var licenseFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)`)

// licenses returns the text of LICENSES.txt: each license once, below the names of all
// that have it.
func licenses(t *testing.T) []byte {
	t.Helper()
	modules := map[string]string{} // "path version", and its folder
	for _, system := range []string{"linux", "darwin", "windows", "freebsd"} {
		list := exec.Command("go", "list", "-deps", "-tags", "nodynamic", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}{{end}}{{end}}", ".")
		list.Env = append(os.Environ(), "GOOS="+system, "GOARCH=amd64", "CGO_ENABLED=0")
		out, err := list.Output()
		if err != nil {
			t.Fatal(system, err)
		}
		for line := range strings.Lines(string(out)) {
			if name, folder, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
				modules[name] = folder
			}
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	modules["Go"] = strings.TrimSpace(string(root))
	names := map[string][]string{} // of those who have it, by the text of the license
	for name, folder := range modules {
		found := 0
		for _, f := range append(matching(t, folder), inside(t, folder)...) {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			label := name
			if filepath.Base(filepath.Dir(f)) == "lib" {
				label += " (lib/" + filepath.Base(f) + ")"
			}
			clean := strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n"))
			names[clean] = append(names[clean], label)
			found++
		}
		if found == 0 {
			t.Errorf("%s has no license", name)
		}
	}
	type license struct{ who, text string }
	var all []license
	for text, who := range names {
		slices.Sort(who)
		all = append(all, license{strings.Join(who, "\n     "), text})
	}
	slices.SortFunc(all, func(a, b license) int { return cmp.Or(cmp.Compare(a.who, b.who), cmp.Compare(a.text, b.text)) })
	var b bytes.Buffer
	b.WriteString("Licenses of what is built into the binaries of s3imageserver.\n")
	for _, l := range all {
		fmt.Fprintf(&b, "\n==== %s\n\n%s\n", l.who, l.text)
	}
	return b.Bytes()
}

// matching returns the files of a folder that are licenses or notices.
func matching(t *testing.T, folder string) (files []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() && licenseFile.MatchString(e.Name()) {
			files = append(files, filepath.Join(folder, e.Name()))
		}
	}
	return files
}

// inside returns the licenses of the libraries that a module has inside as WebAssembly.
func inside(t *testing.T, folder string) []string {
	t.Helper()
	lib := filepath.Join(folder, "lib")
	if compiled, err := filepath.Glob(filepath.Join(lib, "*.wasm*")); err != nil || len(compiled) == 0 {
		return nil
	}
	files, err := filepath.Glob(filepath.Join(lib, "LICENSE.*"))
	if err != nil || len(files) == 0 {
		t.Errorf("what is inside %s has no license: %v", folder, err)
	}
	return files
}
