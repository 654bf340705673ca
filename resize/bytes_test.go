package resize

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const hashOnly = "RESIZE_HASH_ONLY"

// The same request gives the same bytes with and without assembly, or ETags
// would depend on the processor: the hash of all results of this build is that
// of a build with the tag purego.
func TestSameBytesWithoutAssembly(t *testing.T) {
	hash := hashOfResults(t)
	if os.Getenv(hashOnly) != "" {
		t.Log("hash", hash)
		return
	}
	cmd := exec.Command("go", "test", "-tags", "nodynamic,purego", "-count=1", "-v", "-run", "^TestSameBytesWithoutAssembly$", ".")
	// Where these tests are of another architecture, in an emulator, those without
	// assembly are of this machine all the same: the bytes must be equal.
	cmd.Env = append(os.Environ(), hashOnly+"=1", "GOARCH=")
	if testing.Short() {
		cmd.Args = append(cmd.Args[:2], append([]string{"-short"}, cmd.Args[2:]...)...)
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "hash "+hash) {
		t.Errorf("results hash to %s; without assembly: %v\n%s", hash, err, out)
	}
}

// hashOfResults hashes what becomes of our own pictures and of the pictures of
// the corpus, where that is there.
func hashOfResults(t *testing.T) string {
	var files []string
	for _, pattern := range []string{"../testdata/photos/*", "../testdata/edge/*", "../testdata/orientation/*", corpusFolder + "/jpeg/*", corpusFolder + "/png/*", corpusFolder + "/webp/*", corpusFolder + "/gif/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	sum := sha256.New()
	results := 0
	for i, file := range files {
		if testing.Short() && i%5 != 0 {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			continue // a folder
		}
		for _, o := range []Options{{Width: 90, Height: 70, Format: JPEG}, {Width: 101, Fit: Contain, Format: PNG}, {Format: JPEG}} {
			if result, err := resizeBytes(t, &Resizer{}, data, o); err == nil {
				sum.Write(result.Body)
				results++
			}
		}
	}
	if results < 20 {
		t.Fatalf("only %d results to hash", results)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}
