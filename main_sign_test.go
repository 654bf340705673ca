package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A URL is signed as it is, and what the signature does not mend is said.
func TestSignWarns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.json")
	config := `{"handlers": [{"name": "h", "source": {"dir": "."}, "max_dimension": 3064, "auth": {"hmac": {"keys": [{"id": "1", "secret": "a secret of at least 16 bytes"}]}}}]}`
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args []string
		want []string // in warnings, one a line
	}{
		{[]string{"/h/a.jpg?w=300&utm_source=x"}, nil},
		{[]string{"/h/a.jpg?wdth=300"}, []string{"there is no parameter wdth"}},
		{[]string{"/h/a.heic?w=9999"}, []string{`".heic" is not in allowed_formats of handler "h"`, "w is clamped to 3064"}},
		{[]string{"-exp", "2020-01-01T00:00:00Z", "/h/a.jpg?fit=crop"}, []string{"the URL ended at 2020-01-01T00:00:00Z", "fit is unreadable"}},
	} {
		var out, stderr bytes.Buffer
		if err := run(t.Context(), append([]string{"sign", "-c", file}, tt.args...), &out, &stderr); err != nil {
			t.Errorf("%v: %v", tt.args, err)
			continue
		}
		if !strings.Contains(out.String(), "sig=") {
			t.Errorf("%v: %q has no signature", tt.args, &out)
		}
		if n := strings.Count(stderr.String(), "warning: "); n != len(tt.want) {
			t.Errorf("%v: %d warnings; want %d\n%s", tt.args, n, len(tt.want), &stderr)
		}
		for _, want := range tt.want {
			if !strings.Contains(stderr.String(), want) {
				t.Errorf("%v: %q; want %q", tt.args, &stderr, want)
			}
		}
	}
}
