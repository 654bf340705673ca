package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// Where an architecture has an instruction for x*y+z the compiler may use it, which
// rounds once instead of twice: arm64 would make other bytes than amd64, and their
// ETags would differ in a fleet. A product that is converted, as in float64(x*y)+z,
// is rounded (Go's specification, "Floating-point operators"). So no function
// that makes pictures, or reads what is asked of them, may have such an instruction.
func TestProductsAreRounded(t *testing.T) {
	if testing.Short() {
		t.Skip("not compiled for arm64: that takes long where it was not done before")
	}
	list := exec.Command("go", "list", "-export", "-tags", "nodynamic", "-f", "{{.ImportPath}} {{.Export}}", "./resize/...", "./server/dialect")
	list.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list -export for arm64: %v", err)
	}
	// What objdump prints is "  file.go:12   0x1a2b   1f420441   FMADDD F2, F1, F0, F1".
	fused := regexp.MustCompile(`^\s+(\S+:\d+)\s+0x[0-9a-f]+\s+[0-9a-f]+\s+FN?M(ADD|SUB)[SD]\b`)
	packages, functions := 0, 0
	for line := range strings.Lines(string(out)) {
		path, archive, _ := strings.Cut(strings.TrimSpace(line), " ")
		if archive == "" {
			t.Errorf("%s has no archive", path)
			continue
		}
		packages++
		code, err := exec.Command("go", "tool", "objdump", archive).Output()
		if err != nil {
			t.Fatalf("go tool objdump of %s: %v", path, err)
		}
		function := ""
		for line := range strings.Lines(string(code)) {
			if text, ok := strings.CutPrefix(line, "TEXT "); ok {
				function, _, _ = strings.Cut(text, "(SB)")
				functions++
			} else if m := fused.FindStringSubmatch(line); m != nil {
				t.Errorf("%s, %s, in %s: a product and a sum are rounded once on arm64; write float64(x*y) + z", path, m[1], function)
			}
		}
	}
	if packages < 8 || functions < 1000 {
		t.Errorf("only %d functions of %d packages were looked at", functions, packages)
	}
}
