package png

import "testing"

// Chunks come with their places; the last one may be cut off, and less than a
// length and a kind is none.
func TestWalkOfChunks(t *testing.T) {
	file := AppendChunk([]byte(Signature), "IHDR", make([]byte, 13))
	file = AppendChunk(file, "tEXt", []byte("text"))
	file = AppendChunk(file, "gAMA", make([]byte, 4))
	file[len(file)-1] ^= 1
	file = AppendChunk(file, "IDAT", []byte("pixels"))
	type found struct {
		kind, data string
		cut, sound bool
	}
	want := []found{{"IHDR", string(make([]byte, 13)), false, true}, {"tEXt", "text", false, true}, {"gAMA", "\x00\x00\x00\x00", false, false}, {"IDAT", "pixels", false, true}}
	for n := 0; n <= len(file); n++ {
		at, i := len(Signature), 0
		for c := range Chunks(file[:n]) {
			if c.At != at {
				t.Fatalf("of %d bytes, chunk %d at %d; want %d", n, i, c.At, at)
			}
			w := want[i]
			if at += len(w.data) + chunkBytes; at > n {
				w.data, w.cut, w.sound = w.data[:min(len(w.data), n-c.At-8)], true, false
			}
			if got := (found{c.Kind, string(c.Data), c.Truncated(), c.Sound()}); got != w {
				t.Fatalf("of %d bytes, chunk %d is %+v; want %+v", n, i, got, w)
			}
			i++
		}
		if rest := n - at; rest >= 8 {
			t.Fatalf("of %d bytes %d are left over", n, rest)
		}
	}
	var kinds string
	for c := range SoundChunks(file) {
		kinds += c.Kind + " "
	}
	if kinds != "IHDR tEXt IDAT " {
		t.Errorf("sound chunks %s", kinds)
	}
}
