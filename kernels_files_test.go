package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A kernel has the same name everywhere: xAsm, called where useAsm is true. Files of
// one architecture export nothing, so that a package has the same interface on
// all, and each package has files for both architectures and for all others.
func TestKernelsAreArrangedAlike(t *testing.T) {
	instructions := regexp.MustCompile(`(?i)avx|sse[0-9]|neon|asimd|[XYZ]mm`)
	files, err := filepath.Glob("resize/*/*_*.go")
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string]map[string]map[string]bool{} // folder, suffix, functions
	for _, name := range files {
		suffix := ""
		for _, s := range []string{"_amd64.go", "_arm64.go", "_noasm.go"} {
			if strings.HasSuffix(name, s) {
				suffix = s
			}
		}
		if suffix == "" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		folder := filepath.Dir(name)
		if packages[folder] == nil {
			packages[folder] = map[string]map[string]bool{}
		}
		if packages[folder][suffix] == nil {
			packages[folder][suffix] = map[string]bool{}
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if f.Name.IsExported() {
				t.Errorf("%s exports %s", name, f.Name)
			}
			if instructions.MatchString(f.Name.Name) {
				t.Errorf("%s: %s is named for its instructions", name, f.Name)
			}
			if strings.HasSuffix(f.Name.Name, "Asm") {
				packages[folder][suffix][f.Name.Name] = true
			}
		}
	}
	if len(packages) < 4 {
		t.Fatalf("kernels in %d packages; want 4", len(packages))
	}
	// What stands here has kernels for amd64 alone as yet, and plain Go elsewhere.
	suffixes := map[string][]string{"resize/av1": {"_amd64.go", "_noasm.go"}}
	for folder, of := range packages {
		all := map[string]bool{}
		for _, functions := range of {
			for f := range functions {
				all[f] = true
			}
		}
		if len(all) == 0 {
			t.Errorf("%s has no kernels", folder)
		}
		places := suffixes[filepath.ToSlash(folder)]
		if places == nil {
			places = []string{"_amd64.go", "_arm64.go", "_noasm.go"}
		}
		for _, suffix := range places {
			for f := range all {
				if !of[suffix][f] {
					t.Errorf("%s has no %s in a file %s", folder, f, suffix)
				}
			}
		}
	}
}
