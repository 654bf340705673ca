package jxl

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write premultiplied.jxl")

// The header says whether colours are multiplied by alpha. premultiplied.jxl is
// alpha.jxl with a header that says so.
func TestPremultiplied(t *testing.T) {
	const multiplied = "../testdata/premultiplied.jxl"
	straight, err := os.ReadFile("../testdata/alpha.jxl")
	if err != nil {
		t.Fatal(err)
	}
	made := associated(t, straight)
	if *update {
		if err := os.WriteFile(multiplied, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if file, err := os.ReadFile(multiplied); err != nil || !bytes.Equal(file, made) {
		t.Errorf("%s is another file (%v); -update writes it", multiplied, err)
	}
	for want, file := range map[bool][]byte{false: straight, true: made} {
		if h, err := Parse(file); err != nil || !h.Alpha || h.Premultiplied != want {
			t.Errorf("%+v, %v; want premultiplied: %v", h, err, want)
		}
	}
}

// associated returns a codestream whose only extra channel is an alpha of the usual
// kind with the mark that colours are multiplied by it (ISO/IEC 18181-1, section
// D.3.6).
func associated(t *testing.T, stream []byte) []byte {
	t.Helper()
	body := stream[len(Codestream):]
	r := reader{data: body}
	r.size()
	if r.bits(2) != 0 {
		t.Fatal("the header is of another kind")
	}
	r.depth()
	r.bits(1)
	if n := r.u32([4][2]uint32{{0, 0}, {1, 0}, {2, 4}, {1, 12}}); n != 1 {
		t.Fatalf("%d extra channels", n)
	}
	before := r.at
	if r.bits(1) != 1 {
		t.Fatal("the channel is not of the usual kind")
	}
	after := r.at
	r.bits(1) // XYB
	r.colour()
	if r.bits(2) != 0 || r.bits(1) != 1 {
		t.Fatal("the header has extensions, or transforms of its own")
	}
	end := r.at // then the next whole byte

	w := &bitWriter{data: []byte(Codestream), at: 8 * len(Codestream)}
	keep := func(from, to int) {
		r := reader{data: body, at: from}
		for range to - from {
			w.bits(int(r.bits(1)), 1)
		}
	}
	keep(0, before)
	w.bits(0, 1)   // a channel of a kind of its own:
	w.bits(0, 2)   // alpha
	w.bits(0, 1+2) // 8 bits
	w.bits(0, 2)   // not reduced
	w.bits(0, 2)   // no name
	w.bits(1, 1)   // colours are multiplied
	keep(after, end)
	return append(w.data, body[(end+7)/8:]...)
}
