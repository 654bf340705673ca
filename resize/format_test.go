package resize

import (
	"testing"

	"s3imageserver/resize/options"
)

// The table of codecs and that of formats have the same rows: a name of a URL
// leads to a codec, and what is called writable is written.
func TestFormatsHaveCodecs(t *testing.T) {
	for f := options.NoFormat + 1; f.String() != ""; f++ {
		c := codecOf(f)
		if c == nil {
			t.Errorf("%v has no codec", f)
			continue
		}
		if f.Writable() != (c.encode != nil) {
			t.Errorf("%v: Writable() is %v; its codec says %v", f, f.Writable(), c.encode != nil)
		}
		if options.FormatByName(f.String()) != f || options.FormatByMediaType(f.MediaType()) != f {
			t.Errorf("%v is not found by its name %q or its media type %q", c.format, f, f.MediaType())
		}
	}
	for _, c := range codecs {
		if c.format.String() == "" || c.format.IsAuto() {
			t.Errorf("a codec has the format %d, which has no name", c.format)
		}
	}
}
