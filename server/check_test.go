package server

import (
	"strings"
	"testing"

	"s3imageserver/storage"
)

// A watermark that cannot be used is found before a picture asks for it.
func TestDoctorOfWatermarks(t *testing.T) {
	b := bucket(t)
	b.Set("text.png", []byte("no picture"), modified)
	for _, tt := range []struct {
		name, object string
		fault        error // of the bucket
		level, words string
	}{
		{"one that is there", "photo.jpg", nil, FindingOK, "can be read"},
		{"one that is not", "nope.png", nil, FindingFault, `object "nope.png"`},
		{"one that is no picture", "text.png", nil, FindingFault, `object "text.png"`},
		{"one whose store is down", "photo.jpg", storage.ErrUnavailable, FindingFault, "store unavailable"},
	} {
		b.Fail(tt.fault)
		var found *Finding
		for _, f := range Doctor(t.Context(), &Config{HTTPPort: -1, Handlers: []HandlerConfig{{Name: "h", Bucket: b, Watermarks: map[string]WatermarkConfig{"logo": {Object: tt.object}}}}}) {
			if f.About == "handlers.0.watermarks.logo.object" {
				found = &f
			}
		}
		if found == nil || found.Level != tt.level || !strings.Contains(found.Text, tt.words) {
			t.Errorf("%s: %+v; want %s with %q", tt.name, found, tt.level, tt.words)
		}
	}
}
