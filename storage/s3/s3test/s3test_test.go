package s3test

import "testing"

// The servers are installed before anything waits for them: that takes minutes,
// longer than tests may. Run it first, with CI=true, where they are missing.
func TestInstalled(t *testing.T) {
	for _, p := range []Program{MinIO, VersityGW} {
		t.Run(p.name, func(t *testing.T) { t.Log(p.Path(t)) })
	}
}
