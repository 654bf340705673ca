package exif

import (
	"bytes"
	"testing"
)

func TestExifOrientation(t *testing.T) {
	little := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00")
	big := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00")
	with := func(at int, v byte) []byte { b := bytes.Clone(little); b[at] = v; return b }
	tests := []struct {
		name string
		exif []byte
		want Orientation
	}{
		{"little-endian", little, 6},
		{"big-endian", big, 8},
		{"with the marker before it", append([]byte("Exif\x00\x00"), little...), 6},
		{"empty", nil, 1},
		{"no TIFF header", []byte("garbage!garbage!"), 1},
		{"value 0", with(18, 0), 1},
		{"value 9", with(18, 9), 1},
		{"value 65286", with(19, 0xff), 1},
		{"another type", with(12, 4), 1},
		{"another tag", with(10, 0x13), 1},
		{"directory beyond the end", with(4, 200), 1},
		{"directory at the end", with(4, 24), 1},
		{"more entries than there are", with(8, 200), 6},
		{"cut in the entry", little[:16], 1},
	}
	for _, tt := range tests {
		if got := OrientationOf(tt.exif); got != tt.want {
			t.Errorf("%s: %d; want %d", tt.name, got, tt.want)
		}
	}
}

func FuzzExifOrientation(f *testing.F) {
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, exif []byte) {
		if o := OrientationOf(exif); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}

// EXIF that is kept is a block that parses to the same again, and has no place.
func FuzzEXIF(f *testing.F) {
	f.Add(Write(Parse([]byte("II*\x00\x08\x00\x00\x00\x00\x00")).Order, []Field{
		{TagArtist, 2, 4, []byte("Ann\x00")}, {0x8825, 4, 1, []byte{8, 0, 0, 0}},
	}, []Field{{0x829a, 5, 1, []byte{1, 0, 0, 0, 9, 0, 0, 0}}}))
	f.Add([]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x87\x69\x00\x04\x00\x00\x00\x01\x00\x00\x00\x08"))
	f.Fuzz(func(t *testing.T, data []byte) {
		x := Parse(data)
		x.Readable()
		x.Place()
		kept := x.keep(true, Rights{})
		if len(kept) > maxBytes {
			t.Fatalf("%d bytes are kept", len(kept))
		}
		again := Parse(kept)
		if len(again.GPS) > 0 {
			t.Fatal("GPS is kept")
		}
		if twice := again.keep(true, Rights{}); !bytes.Equal(twice, kept) {
			t.Fatalf("kept again: %q; want %q", twice, kept)
		}
		rightsOfIPTC(data)
		rightsOfXMP(data)
	})
}
