package dialect

import (
	"testing"

	"s3imageserver/resize"
)

// Qualities of AVIF of other servers that use libaom are not ours; those of other
// formats are.
func TestQualityOfLibaom(t *testing.T) {
	last := 0
	for n := range 101 {
		q := qualityOfLibaom(n)
		if q < 1 || q > 100 || q < last {
			t.Errorf("quality %d of libaom is %d of ours, after %d", n, q, last)
		}
		last = q
	}
	for _, tt := range []struct {
		dialect, path string
		want          int
	}{
		{"imgproxy", "/_/f:avif/plain/a.jpg", 79},
		{"imgproxy", "/_/f:avif/q:60/plain/a.jpg", 77},
		{"imgproxy", "/_/f:webp/q:60/plain/a.jpg", 60},
		{"cloudflare", "/cdn-cgi/image/format=avif,quality=60/a.jpg", 60},
	} {
		d, err := New(Settings{Name: tt.dialect, Unsigned: true}, Limits{Dimension: 8192, Side: 12000, Pixels: 40e6})
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.Parse(Call{Path: tt.path})
		if err != nil {
			t.Errorf("%s%s: %v", tt.dialect, tt.path, err)
			continue
		}
		s, err := d.Settle(r, Picture{Width: 800, Height: 600, Format: resize.JPEG})
		if err != nil {
			t.Errorf("%s%s: %v", tt.dialect, tt.path, err)
			continue
		}
		if got := s.Options.Quality; got != tt.want {
			t.Errorf("%s%s: quality %d; want %d", tt.dialect, tt.path, got, tt.want)
		}
	}
}
