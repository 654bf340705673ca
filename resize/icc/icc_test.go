package icc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"
)

// tableTag returns a lutAToBType with straight A curves, a grid of two points
// a side that keeps colours, and the curves and matrix of Display P3.
func tableTag() []byte {
	curves := func(c []byte) []byte { return bytes.Repeat(c, 3) }
	straight := gammaTag(1)
	b := []byte("mAB \x00\x00\x00\x00\x03\x03\x00\x00")
	b = append(b, make([]byte, 20)...)
	place := func(at int, data []byte) {
		binary.BigEndian.PutUint32(b[at:], uint32(len(b)))
		b = append(b, data...)
		b = append(b, make([]byte, -len(b)&3)...)
	}
	place(12, curves(straight))
	m := colorants(d65, [6]float64{0.680, 0.320, 0.265, 0.690, 0.150, 0.060})
	var matrix []byte
	for _, v := range m {
		matrix = append(matrix, fixed(v*32768/65535)...) // XYZ is encoded up to 1.99997
	}
	place(16, append(matrix, make([]byte, 12)...))
	place(20, curves(parametricTag(2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)))
	grid := []byte{2, 2, 2, 15: 0, 16: 1, 19: 0}
	for i := range 8 {
		grid = append(grid, byte(i>>2&1), byte(i>>1&1), byte(i&1))
	}
	for i := 20; i < len(grid); i++ {
		if grid[i] != 0 {
			grid[i] = 255
		}
	}
	place(24, grid)
	place(28, curves(straight))
	return b
}

// A profile of tables gives the same colours as one of matrix and curves.
func TestTables(t *testing.T) {
	matrix, err := New(Numbers(12, 13))
	if err != nil {
		t.Fatal(err)
	}
	table, err := New(build("RGB ", []tag{{"desc", descTag("table")}, {"A2B0", tableTag()}}))
	if err != nil {
		t.Fatal(err)
	}
	if table.lut == nil || matrix.lut != nil {
		t.Fatal("not by a table and by a matrix")
	}
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				in := [4]byte{byte(r), byte(g), byte(b)}
				got, want := table.RGB(in), matrix.RGB(in)
				for i := range got {
					if d := int(got[i]) - int(want[i]); d > 1 || d < -1 {
						t.Fatalf("%v: by table %v, by matrix %v", in[:3], got, want)
					}
				}
			}
		}
	}
}

// Known colours: the red of sRGB is inside of Display P3, the greys are the
// same, and what sRGB has not is clipped.
func TestDisplayP3(t *testing.T) {
	tr, err := New(Numbers(12, 13))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		in   [4]byte
		want [3]byte
	}{
		{[4]byte{0, 0, 0}, [3]byte{0, 0, 0}},
		{[4]byte{255, 255, 255}, [3]byte{255, 255, 255}},
		{[4]byte{128, 128, 128}, [3]byte{128, 128, 128}},
		{[4]byte{234, 51, 35}, [3]byte{255, 0, 0}},
		{[4]byte{117, 251, 76}, [3]byte{0, 255, 0}},
		{[4]byte{255, 0, 0}, [3]byte{255, 0, 0}},
	}
	for _, tt := range tests {
		got := tr.RGB(tt.in)
		for i := range got {
			if math.Abs(float64(got[i])-float64(tt.want[i])) > 6 {
				t.Errorf("%v = %v; want %v", tt.in[:3], got, tt.want)
				break
			}
		}
	}
	if tr.SRGB() {
		t.Error("Display P3 counts as sRGB")
	}
}

// Profiles that cannot be used are errors, and none allocates what it only
// claims to have.
func TestUnusable(t *testing.T) {
	good := Numbers(12, 13)
	with := func(at int, text string) []byte {
		b := bytes.Clone(good)
		copy(b[at:], text)
		return b
	}
	huge := tableTag()
	copy(huge[8:], "\x04\x03") // four channels, of which the last has no points
	tests := map[string][]byte{
		"nothing":         nil,
		"a header":        good[:128],
		"no signature":    with(36, "xxxx"),
		"another space":   with(16, "LUV "),
		"another target":  with(20, "RGB "),
		"a million tags":  with(128, "\x00\x0f\x00\x00"),
		"CMYK by matrix":  with(16, "CMYK"),
		"too long":        append(bytes.Clone(good), make([]byte, MaxBytes)...),
		"a damaged table": build("RGB ", []tag{{"A2B0", huge}}),
		"a cut table":     build("RGB ", []tag{{"A2B0", tableTag()[:150]}}),
	}
	for name, data := range tests {
		if tr, err := New(data); !errors.Is(err, ErrProfile) {
			t.Errorf("%s: %v, %v; want ErrProfile", name, tr, err)
		}
	}
}

// Colorants of the type that Corbis wrote are XYZ.
func TestCorbisColorants(t *testing.T) {
	want, err := New(Numbers(12, 13))
	if err != nil {
		t.Fatal(err)
	}
	profile := Numbers(12, 13)
	tags := bytes.ReplaceAll(profile[headerBytes:], []byte("XYZ \x00\x00\x00\x00"), []byte(corbis+"\x00\x00\x00\x00"))
	got, err := New(append(profile[:headerBytes:headerBytes], tags...))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][4]byte{{234, 51, 35}, {10, 200, 30}, {0, 0, 90}} {
		if got.RGB(c) != want.RGB(c) {
			t.Errorf("RGB(%v) = %v; want %v", c, got.RGB(c), want.RGB(c))
		}
	}
}

// Between points the tetrahedron decides: greys depend on grey points alone, and
// of four channels the first one is linear.
func TestGridIsTetrahedral(t *testing.T) {
	g := &grid{n: 3, points: [4]int{2, 2, 2}, stride: [4]int{12, 6, 3}, values: make([]float32, 24)}
	for i := range g.values[:21] {
		g.values[i] = float32(i) // steep, and far from grey
	}
	copy(g.values, []float32{0, 0, 0})
	copy(g.values[21:], []float32{1, 1, 1})
	for _, x := range []float64{0, 0.25, 0.5, 1} {
		if got := g.at(&[4]float64{x, x, x}); got != [outputs]float64{x, x, x} {
			t.Errorf("grey of %v is %v", x, got)
		}
	}
	// From 000 along the first channel to 100, along the third to 101, to 111.
	got := g.at(&[4]float64{0.75, 0.25, 0.5})
	for j, v := range got {
		want := 0.25*float64(g.values[12+j]) + 0.25*float64(g.values[15+j]) + 0.25
		if math.Abs(v-want) > 1e-9 {
			t.Errorf("value %d is %v; want %v", j, v, want)
		}
	}
	four := &grid{n: 4, points: [4]int{2, 2, 2, 2}, stride: [4]int{24, 12, 6, 3}, values: append(make([]float32, 24), g.values...)}
	for j, v := range four.at(&[4]float64{0.5, 0.75, 0.25, 0.5}) {
		if math.Abs(v-got[j]/2) > 1e-9 {
			t.Errorf("of four channels value %d is %v; want %v", j, v, got[j]/2)
		}
	}
}

func TestDescription(t *testing.T) {
	if got := Description(Numbers(9, 16)); got != "H.273" {
		t.Errorf("Description = %q", got)
	}
	if got := Description([]byte("x")); got != "" {
		t.Errorf("Description of nothing = %q", got)
	}
}

// A grey profile has the curve of its numbers or its gamma.
func TestGray(t *testing.T) {
	tests := []struct {
		transfer byte
		gamma    float64
		in, want byte
	}{
		{13, 0, 77, 77}, {8, 0, 55, 128}, {0, 1, 55, 128}, {0, 2.2, 186, 186}, {16, 0, 255, 255},
	}
	for _, tt := range tests {
		tr, err := New(Gray(tt.transfer, tt.gamma))
		if err != nil {
			t.Fatal(err)
		}
		if got := tr.RGB([4]byte{tt.in})[0]; max(got, tt.want)-min(got, tt.want) > 1 {
			t.Errorf("transfer %d, gamma %v: %d becomes %d; want %d", tt.transfer, tt.gamma, tt.in, got, tt.want)
		}
	}
	if Gray(99, 0) != nil {
		t.Error("an unknown transfer has a profile")
	}
}

func FuzzNew(f *testing.F) {
	f.Add(Numbers(12, 13))
	f.Add(Numbers(9, 16))
	f.Add(build("RGB ", []tag{{"A2B0", tableTag()}}))
	old := []byte("mft1\x00\x00\x00\x00\x03\x03\x02\x00")
	old = append(old, make([]byte, 36)...)
	for range 6 {
		for i := range 256 {
			old = append(old, byte(i))
		}
	}
	f.Add(build("RGB ", []tag{{"A2B0", append(old, make([]byte, 24)...)}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		tr, err := New(data)
		if err != nil {
			return
		}
		if n := tr.Channels(); n != Channels(data) {
			t.Fatalf("%d channels; the header says %d", n, Channels(data))
		}
		for _, c := range [][4]byte{{}, {255, 255, 255, 255}, {1, 2, 3, 4}} {
			tr.RGB(c)
		}
		Description(data)
	})
}
