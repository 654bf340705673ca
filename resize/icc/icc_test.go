package icc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
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

// inks returns a profile for CMYK of that many points a side, whose inks are those
// of no printer: light is what each lets through.
func inks(points int) []byte {
	b := []byte("mft2\x00\x00\x00\x00\x04\x03")
	b = append(b, byte(points), 0)
	b = append(b, make([]byte, 36)...)
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, 256), 2)
	for range 4 {
		for i := range 256 {
			b = binary.BigEndian.AppendUint16(b, uint16(65535*math.Pow(float64(i)/255, 0.8)))
		}
	}
	at := func(i, place int) float64 { // the light that passes an ink
		for range 3 - i {
			place /= points
		}
		return 1 - float64(place%points)/float64(points-1)
	}
	for place := range points * points * points * points {
		c, m, y, k := at(0, place), at(1, place), at(2, place), at(3, place)
		r, g, blue := (0.1+0.9*c)*k*k, (0.15+0.85*m)*(0.9+0.1*c)*k*k, (0.05+0.95*y)*(0.8+0.2*m)*k*k
		x := [3]float64{}
		for i := range x {
			x[i] = srgbToXYZ[3*i]*r + srgbToXYZ[3*i+1]*g + srgbToXYZ[3*i+2]*blue
		}
		f := func(v float64) float64 {
			if v > 216.0/24389 {
				return math.Cbrt(v)
			}
			return (24389.0/27*v + 16) / 116
		}
		fx, fy, fz := f(x[0]/whiteX), f(x[1]/whiteY), f(x[2]/whiteZ)
		for _, v := range [3]float64{(116*fy - 16) * 652.8, (500*(fx-fy) + 128) * 256, (200*(fy-fz) + 128) * 256} {
			b = binary.BigEndian.AppendUint16(b, uint16(max(0, min(65535, v+0.5))))
		}
	}
	for range 3 {
		b = append(b, 0, 0, 255, 255)
	}
	return buildFor("CMYK", "Lab ", []tag{{"A2B0", b}})
}

// buildFor is build with another connection space.
func buildFor(space, connection string, tags []tag) []byte {
	b := build(space, tags)
	copy(b[20:], connection)
	return b
}

// A profile of tables gives the same colours as one of matrix and curves, but for
// those just outside of sRGB, where its curve is steepest.
func TestTables(t *testing.T) {
	matrix, err := New(Numbers(12, 13))
	if err != nil {
		t.Fatal(err)
	}
	table, err := New(build("RGB ", []tag{{"desc", descTag("table")}, {"A2B0", tableTag()}}))
	if err != nil {
		t.Fatal(err)
	}
	if table.baked == nil || matrix.sums == nil {
		t.Fatal("not by a table and by a matrix")
	}
	different := 0
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				in := [4]byte{byte(r), byte(g), byte(b)}
				got, want := table.RGB(in), matrix.RGB(in)
				for i := range got {
					d := int(got[i]) - int(want[i])
					if d > 2 || d < -2 {
						t.Fatalf("%v: by table %v, by matrix %v", in[:3], got, want)
					}
					if d != 0 {
						different++
					}
				}
			}
		}
	}
	if different > 3*18*18*18/50 {
		t.Errorf("%d samples differ by table and by matrix", different)
	}
}

// A baked grid gives the colours that the tables give in floats: within 1 nearly
// everywhere but at the edge of sRGB, and on average within a tenth. It holds the points of the profile, and
// pixels are what single colours are.
func TestBaked(t *testing.T) {
	for name, profile := range map[string][]byte{
		"inks of 9 points": inks(9), "inks of 17 points": inks(17), "inks of 6 points": inks(6), "RGB": build("RGB ", []tag{{"A2B0", tableTag()}}),
	} {
		tr, err := New(profile)
		if err != nil {
			t.Fatal(name, err)
		}
		if tr.baked == nil {
			t.Fatalf("%s: no grid comes near", name)
		}
		sum, most, n := 0, 0, 0
		var pixels []byte
		for i := range 20000 {
			c := [4]byte{byte(i * 7), byte(i * 11 >> 3), byte(i * 13 >> 5), byte(i * 3 >> 6)}
			got, want := tr.RGB(c), tr.baked.source.rgb(c)
			for j := range got {
				d := int(max(got[j], want[j]) - min(got[j], want[j]))
				sum, most, n = sum+d, max(most, d), n+1
			}
			pixels = append(pixels, c[:]...)
		}
		if most > 5 || float64(sum)/float64(n) > 0.1 {
			t.Errorf("%s: mean difference %.3f, most %d", name, float64(sum)/float64(n), most)
		}
		checkPixels(t, name, tr, pixels)
	}
}

// checkPixels compares Pixels with RGB: the fourth byte is ink or stays.
func checkPixels(t *testing.T, name string, tr *Transform, pixels []byte) {
	t.Helper()
	dst := append(bytes.Clone(pixels), 1, 2, 3)
	tr.Pixels(dst, pixels)
	for i := 0; i+4 <= len(pixels); i += 4 {
		c := [4]byte(pixels[i:])
		want := tr.RGB(c)
		alpha := c[3]
		if tr.Channels() == 4 {
			alpha = 255
		}
		if got := [4]byte(dst[i:]); got != [4]byte{want[0], want[1], want[2], alpha} {
			t.Fatalf("%s: pixel %v is %v; want %v", name, c, got, want)
		}
	}
	if !bytes.Equal(dst[len(pixels):], []byte{1, 2, 3}) {
		t.Errorf("%s: bytes behind the pixels changed", name)
	}
	tr.Pixels(nil, nil)
}

// The integers of a matrix give what floats give, within 1, and keep grey grey.
func TestSums(t *testing.T) {
	profiles := map[string][]byte{
		"Display P3": Numbers(12, 13), "BT.2020": Numbers(9, 1), "PQ": Numbers(9, 16),
		"wide":   Measured([2]float64{0.3457, 0.3585}, [6]float64{0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001}, 0, 1.8), // ROMM
		"narrow": Measured(d65, [6]float64{0.4, 0.33, 0.3, 0.4, 0.25, 0.26}, 0, 2.2),
	}
	for name, data := range profiles {
		p, err := parse(data)
		if err != nil {
			t.Fatal(name, err)
		}
		var linear [3][256]float64
		var m [9]float64
		for i, c := range []string{"r", "g", "b"} {
			curve, _, err := readCurve(p.tags[c+"TRC"])
			if err != nil {
				t.Fatal(err)
			}
			for v := range 256 {
				linear[i][v] = curve(float64(v) / 255)
			}
			xyz, err := p.xyz(c + "XYZ")
			if err != nil {
				t.Fatal(err)
			}
			m[i], m[3+i], m[6+i] = xyz[0], xyz[1], xyz[2]
		}
		m = multiply(xyzToSRGB, m)
		tr, err := New(data)
		if err != nil {
			t.Fatal(err)
		}
		var pixels []byte
		different := 0
		for i := range 40000 {
			c := [4]byte{byte(i * 7), byte(i * 11 >> 3), byte(i * 13 >> 5), byte(i)}
			if i < 256 {
				c = [4]byte{byte(i), byte(i), byte(i), 9}
			}
			pixels = append(pixels, c[:]...)
			got := tr.RGB(c)
			for to, v := range got {
				want := encode(m[3*to]*linear[0][c[0]] + m[3*to+1]*linear[1][c[1]] + m[3*to+2]*linear[2][c[2]])
				if d := int(v) - int(want); d != 0 {
					if different++; d > 1 || d < -1 {
						t.Fatalf("%s: %v is %v; by floats sample %d is %d", name, c, got, to, want)
					}
				}
			}
			if i < 256 && slices.Max(got[:])-slices.Min(got[:]) > 1 {
				t.Errorf("%s: grey %d is %v", name, i, got)
			}
		}
		if different > 1200 {
			t.Errorf("%s: %d of 120000 samples are not what floats give", name, different)
		}
		checkPixels(t, name, tr, pixels)
	}
}

// Numbers that no device has neither panic nor spoil the others.
func TestSumsOfNonsense(t *testing.T) {
	var linear [3][256]float64
	for i := range linear {
		for v := range linear[i] {
			linear[i][v] = float64(v) / 255 * math.Pow(1000, float64(i))
		}
	}
	linear[1][7], linear[2][9] = math.NaN(), math.Inf(-1)
	m := [9]float64{1000, -1000, 3, math.Inf(1), 0, -5, 0, 1e300, math.NaN()}
	s := newSums(&linear, m)
	for i := range 1 << 12 {
		c := [4]byte{byte(i * 16), byte(i >> 4 * 16), byte(i >> 8 * 16)}
		for to, got := range s.rgb(c) {
			sum := 0.0
			for from := range 3 {
				if g := m[3*to+from] * linear[from][c[from]]; g-g == 0 {
					sum += max(-mostGiven, min(mostGiven, g))
				}
			}
			if want := encode(sum); max(got, want)-min(got, want) > 3 {
				t.Fatalf("sample %d of %v is %d; want %d", to, c, got, want)
			}
		}
	}
}

// A profile is read once while it is in use, and what is kept has bounds.
func TestCached(t *testing.T) {
	var c transforms
	p3 := c.get(Numbers(12, 13))
	if p3 == nil || c.get(Numbers(12, 13)) != p3 {
		t.Error("a profile is read twice")
	}
	if c.get([]byte("nothing")) != nil {
		t.Error("nothing is a profile")
	}
	for i := range 3 * cacheEntries {
		if c.get(Gray(0, 1+float64(i)/100)) == nil {
			t.Fatal("no profile for a gamma")
		}
	}
	if len(c.m) != cacheEntries {
		t.Errorf("%d entries are kept; want %d", len(c.m), cacheEntries)
	}
	want := 0
	for _, tr := range c.m {
		want += tr.size()
	}
	for i := range 20 {
		c.get(append(inks(17), byte(i)))
	}
	got := 0
	for _, tr := range c.m {
		got += tr.size()
	}
	if c.bytes != got || got > cacheBytes || got <= want {
		t.Errorf("%d bytes are counted, %d kept; at most %d wanted", c.bytes, got, cacheBytes)
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
