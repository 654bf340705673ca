package metrics

import (
	"testing"

	"s3imageserver/resize"
)

// Every format has its label.
func TestFormatLabels(t *testing.T) {
	for f := resize.JPEG; f <= resize.ICO; f++ {
		if got := FormatName(f.MediaType()); got != f.String() {
			t.Errorf("label of %s = %q", f.MediaType(), got)
		}
	}
}
