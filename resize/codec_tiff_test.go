package resize

import (
	"bytes"
	"image"
	"strings"
	"testing"

	"s3imageserver/resize/icc"
	"s3imageserver/resize/options"
	"s3imageserver/resize/tiff"
)

// icc=keep writes the profile of the source.
func TestTIFFKeepsProfile(t *testing.T) {
	result, err := resizeBytes(t, everything, readSample(t, "edge/p3.jpg"), options.Options{Width: 20, Format: options.TIFF, Profile: options.ProfileKeep})
	if err != nil {
		t.Fatal(err)
	}
	if name := icc.Description(tiff.Profile(result.Body)); !strings.Contains(name, "P3") {
		t.Errorf("profile %q; want Display P3", name)
	}
}

// A profile of colours is left out of a grey file.
func TestTIFFOfGreyHasNoProfileOfColours(t *testing.T) {
	p := still(image.NewGray(image.Rect(0, 0, 9, 5)))
	p.ICC = icc.Numbers(12, 13)
	var file bytes.Buffer
	if err := tiffCodec.encode(&file, p, Quality{}); err != nil {
		t.Fatal(err)
	}
	if profile := tiff.Profile(file.Bytes()); profile != nil {
		t.Errorf("profile of %d bytes", len(profile))
	}
}
