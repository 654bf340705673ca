package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// NOTICE names every library that a module has inside as WebAssembly, with the module.
func TestNotice(t *testing.T) {
	text, err := os.ReadFile("NOTICE")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "-deps", "-tags", "nodynamic", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}", ".")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	libraries := 0
	for line := range strings.Lines(string(out)) {
		module, folder, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || seen[module] {
			continue
		}
		seen[module] = true
		files, err := filepath.Glob(filepath.Join(folder, "lib", "LICENSE.*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			libraries++
			if name := strings.TrimPrefix(filepath.Base(f), "LICENSE."); !strings.Contains(string(text), name) || !strings.Contains(string(text), module) {
				t.Errorf("NOTICE does not name %s, or %s, which is inside", module, name)
			}
		}
	}
	if libraries < 6 {
		t.Errorf("%d libraries inside modules; want 6 at least", libraries)
	}
}
