package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"s3imageserver/testserver"
)

// systemd finds no fault in the unit, and what it is exposed to is at most 1.5
// of 10.
func TestUnit(t *testing.T) {
	path := testserver.Program(t, "systemd-analyze", "the unit for systemd is not tested")
	text := deployed(t, "s3imageserver.service")
	const program = "/usr/local/bin/s3imageserver"
	for _, want := range []string{"ExecStart=" + program + " -c /etc/s3imageserver/config.json\n", "CACHE_PATH=%C/s3imageserver\n", "CacheDirectory=s3imageserver\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the unit has no %s", want)
		}
	}
	// The program has to be there; this one is.
	file := filepath.Join(t.TempDir(), "s3imageserver.service")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, program, testserver.Binary(t))), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"verify", "--man=no", file},
		{"security", "--offline=yes", "--threshold=15", "--no-pager", file},
	} {
		out, err := exec.Command(path, args...).CombinedOutput()
		if err != nil || args[0] == "verify" && strings.Contains(string(out), "s3imageserver.service") {
			t.Errorf("systemd-analyze %v: %v\n%s", args, err, out)
		}
	}
}
