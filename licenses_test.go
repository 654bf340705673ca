package main

import (
	"bytes"
	"cmp"
	"debug/buildinfo"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"s3imageserver/testserver"
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
	out := printedLicenses(t, testserver.Binary(t))
	for _, name := range []string{"Apache License", "LICENSE.libheif", "LICENSE.libde265", "LICENSE.libjxl", "LICENSE.libavif", "dav1d", "LICENSE.libwebp"} {
		if !strings.Contains(out, name) {
			t.Errorf("version -licenses has no %s", name)
		}
	}
}

// printedLicenses returns what "version -licenses" of a program prints, which has to
// begin with NOTICE, and to name the modules inside and no others.
func printedLicenses(t *testing.T, program string) string {
	t.Helper()
	out, err := exec.Command(program, "version", "-licenses").Output()
	text := string(out)
	if err != nil || !strings.HasPrefix(text, "s3imageserver\n") || !strings.Contains(text, license) {
		t.Errorf("version -licenses: %v, %d bytes; want NOTICE, LICENSE and LICENSES.txt", err, len(out))
	}
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"Go": true}
	for _, m := range info.Deps {
		want[m.Path] = true
	}
	named := map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^(?:==== |     )(Go|[a-z.]+/\S+ v\S+)( \(lib/\S+\))?$`).FindAllStringSubmatch(text, -1) {
		module, _, _ := strings.Cut(line[1], " ")
		named[module] = true
	}
	if !maps.Equal(named, want) {
		t.Errorf("version -licenses names %v\nwant %v", slices.Sorted(maps.Keys(named)), slices.Sorted(maps.Keys(want)))
	}
	return text
}

// A build with the tag noheic has no library under the LGPL inside, does not say that it
// has, and refuses configurations and files that need it with the reason.
func TestBuildWithoutHEIC(t *testing.T) {
	if testing.Short() {
		t.Skip("not built without HEIC: that takes long where it was not done before")
	}
	folder := t.TempDir()
	program := filepath.Join(folder, "s3imageserver")
	build := exec.Command("go", "build", "-tags", "nodynamic,noheic", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := printedLicenses(t, program)
	for _, word := range []string{"gen2brain/heic", "libheif", "libde265", "LESSER GENERAL PUBLIC", "LGPL"} {
		if strings.Contains(text, word) {
			t.Errorf("version -licenses has %q", word)
		}
	}
	if !strings.Contains(text, "LICENSE.libavif") || !strings.Contains(text, "\n  github.com/gen2brain/avif ") {
		t.Error("version -licenses does not name libavif, which is inside")
	}
	config := filepath.Join(folder, "config.json")
	if err := os.WriteFile(config, []byte(`{"handlers": [{"name": "h", "source": {"dir": "."}, "allowed_formats": ["*", ".HEIF"]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	photo, err := filepath.Abs("resize/testdata/photo.heic")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"version"}, "without HEIC"},
		{[]string{"-c", config, "check"}, "handlers.0.allowed_formats.1: this program was built without heif (-tags noheic): take it out of the list, or build without that tag"},
		{[]string{"info", photo}, "the program was built without heic (-tags noheic)"},
	} {
		if out, _ := exec.Command(program, tt.args...).CombinedOutput(); !strings.Contains(string(out), tt.want) {
			t.Errorf("%v: %s\nwant %q", tt.args, out, tt.want)
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
