package jxl

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"s3imageserver/resize/icc"
)

// Every command of a written profile does what it is for.
func TestUnwrittenICC(t *testing.T) {
	header := make([]byte, iccHeaderBytes)
	varint := func(n int) []byte { return binary.AppendUvarint(nil, uint64(n)) }
	written := func(size int, commands, data []byte) []byte {
		return slices.Concat(varint(size), varint(len(commands)), commands, header, data)
	}
	tests := []struct {
		name           string
		commands, data []byte
		want           []byte // behind the header
	}{
		{"no tags, inserted", []byte{0, 1, 3}, []byte("abc"), []byte("abc")},
		{"two bytes a number", []byte{0, 2, 4}, []byte("acbd"), []byte("abcd")},
		{"four bytes a number", []byte{0, 3, 8}, []byte("aebfcgdh"), []byte("abcdefgh")},
		{"two bytes a number, and one more", []byte{0, 2, 5}, []byte("acebd"), []byte("abcde")},
		{"a place in space", []byte{0, 10}, []byte("xxxxyyyyzzzz"), []byte("XYZ \x00\x00\x00\x00xxxxyyyyzzzz")},
		{"a type", []byte{0, 16 + 5}, nil, []byte("curv\x00\x00\x00\x00")},
		{"bytes that go on as before", []byte{0, 1, 3, 4, 0 | 1<<2, 3}, []byte{1, 3, 5, 0, 0, 0}, []byte{1, 3, 5, 7, 9, 11}},
		{"numbers of two bytes that stay", []byte{0, 1, 2, 4, 1, 4}, []byte{1, 2, 0, 0, 0, 1}, []byte{1, 2, 1, 2, 1, 3}},
		{"tags", []byte{2, 4, 0}, nil, []byte("\x00\x00\x00\x01cprt\x00\x00\x00\x8c\x00\x00\x00\x00")},
		{"tags of three curves", []byte{4, 2 | 128, 9, 0}, nil, []byte("\x00\x00\x00\x03rTRC\x00\x00\x00\xa4\x00\x00\x00\x09gTRC\x00\x00\x00\xa4\x00\x00\x00\x09bTRC\x00\x00\x00\xa4\x00\x00\x00\x09")},
		{"a tag of its own at a place of its own", []byte{2, 1 | 64 | 128, 130, 1, 7, 0}, []byte("abcd"), []byte("\x00\x00\x00\x01abcd\x00\x00\x00\x82\x00\x00\x00\x07")},
	}
	for _, tt := range tests {
		got, ok := unwrittenICC(written(iccHeaderBytes+len(tt.want), tt.commands, tt.data))
		if !ok || !bytes.Equal(got[iccHeaderBytes:], tt.want) {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, ok, tt.want)
		}
		if got, ok := unwrittenICC(written(iccHeaderBytes+len(tt.want)+1, tt.commands, tt.data)); ok {
			t.Errorf("%s, a byte too few: %q", tt.name, got)
		}
	}
	for name, commands := range map[string][]byte{
		"an unknown command": {0, 9}, "an unknown type": {0, 24}, "no bytes": {0, 1, 1}, "a number of three bytes": {0, 4, 2, 0},
		"a step too far": {0, 4, 16, 33, 0}, "an unknown tag": {2, 21, 0}, "an endless number": {0, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
	} {
		if got, ok := unwrittenICC(written(iccHeaderBytes+1, commands, nil)); ok {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Codes of Brotli's kind: simple ones, and those of lengths that repeat.
func TestPrefixCodes(t *testing.T) {
	c := newPrefix([]byte{2, 0, 1, 3, 3})
	r := reader{data: []byte{0b11011010, 0b1}} // the first bit is the lowest: 0, 10, 110, 111
	for _, want := range []int{2, 0, 3, 4} {
		if want == 4 {
			r = reader{data: []byte{0b111}}
		}
		if got, err := c.read(&r); err != nil || got != want {
			t.Errorf("symbol %d, %v; want %d", got, err, want)
		}
	}
	// Simple, four symbols of five in the second form, and then each of them.
	var data []byte
	at := 0
	for _, field := range [][2]uint32{{1, 2}, {3, 2}, {2, 3}, {4, 3}, {1, 3}, {3, 3}, {1, 1}, {0, 1}, {1, 2}, {3, 3}, {7, 3}} {
		for j := range field[1] {
			if at%8 == 0 {
				data = append(data, 0)
			}
			data[at/8] |= byte(field[0]>>j&1) << (at % 8)
			at++
		}
	}
	r = reader{data: data}
	c, err := r.prefixCode(5)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{2, 4, 1, 3} {
		if got, err := c.read(&r); err != nil || got != want {
			t.Errorf("of a simple code: symbol %d, %v; want %d", got, err, want)
		}
	}
}

func FuzzProfile(f *testing.F) {
	stream, err := codestream(sample(f, "icon-table.jxl"))
	if err != nil {
		f.Fatal(err)
	}
	found := false
	for at := 0; at < 400 && !found; at++ { // the fields before it are few
		r := reader{data: stream, at: at}
		if found = r.embeddedICC() != nil; found {
			f.Add(stream[at/8:], at%8)
		}
	}
	if !found {
		f.Fatal("no profile in the sample")
	}
	f.Add([]byte{}, 0)
	f.Fuzz(func(t *testing.T, data []byte, at int) {
		r := reader{data: data, at: at & 7}
		if got := r.embeddedICC(); len(got) > icc.MaxBytes {
			t.Fatalf("a profile of %d bytes", len(got))
		}
	})
}
