package s3test

import "testing"

// The servers are installed before anything waits for them: that takes minutes,
// longer than tests may. Run it first where they are missing.
func TestInstalled(t *testing.T) {
	for _, p := range []Program{MinIO, VersityGW} {
		path, err := p.find()
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		t.Log(path)
	}
}
