package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Kernels run wherever there is AVX2: registers from 16 on, masks and those of
// 512 bits need AVX-512, which the generator takes without a word when 16 do not
// do, and which most machines have not.
func TestKernelsNeedNoMoreThanAVX2(t *testing.T) {
	beyond := regexp.MustCompile(`\b([XY](1[6-9]|2[0-9]|3[01])|Z([0-9]|[12][0-9]|3[01])|K[0-7])\b`)
	files, err := filepath.Glob("resize/*/*_amd64.s")
	if err != nil || len(files) < 4 {
		t.Fatalf("kernels in %v (%v)", files, err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			if code, _, _ := strings.Cut(line, "//"); beyond.MatchString(code) {
				t.Errorf("%s:%d: %s", name, n, strings.TrimSpace(line))
			}
		}
	}
}
