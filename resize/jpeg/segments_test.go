package jpeg

import (
	"bytes"
	"image"
	"testing"
)

// Segments are all bytes of a sound file, and end where a damaged one does.
func TestSegments(t *testing.T) {
	var b bytes.Buffer
	if err := Encode(&b, image.NewGray(image.Rect(0, 0, 40, 30)), nil); err != nil {
		t.Fatal(err)
	}
	var whole []byte
	for s := range Segments(b.Bytes()) {
		whole = append(whole, s.Whole...)
	}
	if !bytes.Equal(whole, b.Bytes()) {
		t.Errorf("segments of %d bytes; want %d", len(whole), b.Len())
	}
	for _, tt := range []struct{ name, file, markers string }{
		{"fill bytes before a marker", "\xff\xd8\xff\xff\xff\xfe\x00\x03x\xff\xd9", "\xd8\xfe\xd9"},
		{"bytes that belong to nothing", "\xff\xd8ab\xff\x00c\xff\xfe\x00\x02\xff\xd9", "\xd8\xfe\xd9"},
		{"what follows the end", "\xff\xd8\xff\xd9\xff\xfe\x00\x02", "\xd8\xd9"},
		{"stuffing and restarts in a scan", "\xff\xd8\xff\xda\x00\x02a\xff\x00b\xff\xd3c\xff\xff\xd4\xff\xd9", "\xd8\xda\xd9"},
		{"a segment that is cut off", "\xff\xd8\xff\xfe\x00\x05x", "\xd8"},
		{"a length of nothing", "\xff\xd8\xff\xfe\x00\x01x", "\xd8"},
		{"half a marker", "\xff\xd8\xff", "\xd8"},
		{"a scan without end", "\xff\xd8\xff\xda\x00\x02abc\xff", "\xd8\xda"},
	} {
		var markers string
		for s := range Segments([]byte(tt.file)) {
			markers += string([]byte{s.Marker})
		}
		if markers != tt.markers {
			t.Errorf("%s: markers %x; want %x", tt.name, markers, tt.markers)
		}
	}
}

// The stream of the decoder and the segments in memory come to the same markers.
func FuzzSegments(f *testing.F) {
	f.Add([]byte("\xff\xd8ab\xff\x00c\xff\xfe\x00\x02\xff\xff\xda\x00\x02ab\xff\x00\xff\xd9"))
	f.Fuzz(func(t *testing.T, file []byte) {
		d := newDecoder(bytes.NewReader(file), nil)
		defer d.release()
		for s := range Segments(file) {
			m, err := d.source.marker()
			if err != nil || m != s.Marker && s.Marker != markerTEM && !isRestart(s.Marker) {
				t.Fatalf("marker %x, %v; want %x", m, err, s.Marker)
			}
			if standsAlone(s.Marker) {
				if m != s.Marker {
					return // the stream passes over those between segments
				}
				continue
			}
			p, err := d.source.segment()
			if err != nil || !bytes.Equal(p, s.Payload) {
				t.Fatalf("segment %x, %v; want %x", p, err, s.Payload)
			}
			if m == markerSOS {
				d.source.skipScan(0)
			}
		}
	})
}
