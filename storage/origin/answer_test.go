package origin

import (
	"errors"
	"io/fs"
	"net"
	"net/url"
	"testing"

	"s3imageserver/storage"
)

// Where the host is part of the name, one that there is not is a missing
// picture; the host of the configuration is needed by all.
func TestUnknownHosts(t *testing.T) {
	fault := &url.Error{Op: "Get", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "x.example.com", IsNotFound: true}}}
	for _, tt := range []struct {
		config Config
		want   error
	}{
		{Config{Hosts: []string{"*.example.com"}}, fs.ErrNotExist},
		{Config{URL: "https://x.example.com/"}, storage.ErrUnavailable},
	} {
		b, err := Open(tt.config)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.classify(t.Context(), fault); !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v; want %v", tt.config, err, tt.want)
		}
	}
}
