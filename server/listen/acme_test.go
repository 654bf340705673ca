package listen

import (
	"log/slog"
	"testing"

	"golang.org/x/crypto/acme/autocert"
)

// A certificate that is not in the folder is no fault of it.
func TestEmptyFolder(t *testing.T) {
	empty := &certificateFolder{autocert.DirCache(t.TempDir()), slog.New(slog.DiscardHandler)}
	if _, err := empty.Get(t.Context(), "a.example.test"); err != autocert.ErrCacheMiss {
		t.Errorf("Get of what is not there = %v; want autocert.ErrCacheMiss", err)
	}
}
