package resize

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"s3imageserver/resize/options"
)

// hashedQueries take every kernel, and every step that is reckoned in floats:
// weights, effects, turned and rounded pictures, qualities that are searched for.
var hashedQueries = []string{
	"w=90&h=70&f=jpeg",
	"w=101&c=false&f=png",
	"f=jpeg",
	"w=120&f=webp",
	"w=60&f=webp&autoq=0.98",
	"w=120&f=avif",
	"w=70&f=avif&chroma=444&q=40",
	"w=80&rot=7&con=20&sat=30&hue=40&gam=1.3&sharpen=1.5&radius=9&border=2,0b6bcb&f=png",
	"w=80&h=80&g=smart&sepia=60&blur=2.5&padding=3&txt=pq&txtsize=20&f=webp",
}

const hashOnly = "RESIZE_HASH_ONLY"

// The same request gives the same bytes with and without assembly, or ETags
// would depend on the processor: the hash of all results of this build is that
// of a build with the tag purego. .ci/arm64 has it compared with both builds for arm64.
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
		for _, query := range hashedQueries {
			o := options.Parse(options.ParseQuery(query).Get, options.DefaultMaxDimension)
			if result, err := resizeBytes(t, &Resizer{Quality: Quality{AVIFEffort: 6}}, data, o); err == nil {
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
