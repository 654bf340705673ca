package resize

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/color"
	"slices"
	"testing"

	"s3imageserver/resize/icc"
	"s3imageserver/resize/options"
	"s3imageserver/resize/png"
)

// pngWith returns a PNG of one colour with chunks before its pixels.
func pngWith(t *testing.T, img image.Image, chunks ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encodePNG(&b, still(img), Quality{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	head := png.HeaderBytes
	return slices.Concat(b.Bytes()[:head], slices.Concat(chunks...), b.Bytes()[head:])
}

func fractions(values ...float64) (b []byte) {
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, uint32(v*pngFraction+0.5))
	}
	return b
}

func iccpChunk(t *testing.T, profile []byte) []byte {
	t.Helper()
	b := bytes.NewBufferString("p\x00\x00")
	z := zlib.NewWriter(b)
	if _, err := z.Write(profile); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return pngChunk("iCCP", b.Bytes())
}

// What chunks say of the colours of a PNG is obeyed, the first of cICP, iCCP,
// sRGB, gAMA with cHRM.
func TestColoursOfPNG(t *testing.T) {
	in := color.NRGBA{180, 90, 40, 255}
	of := func(profile []byte) color.NRGBA {
		tr, err := icc.New(profile)
		if err != nil {
			t.Fatal(err)
		}
		c := tr.RGB([4]byte{in.R, in.G, in.B})
		return color.NRGBA{c[0], c[1], c[2], 255}
	}
	const p3, bt2020, srgb, pq = 12, 9, 13, 16
	p3Points := []float64{0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060}
	var (
		inP3     = pngChunk("cICP", []byte{p3, srgb, 0, 1})
		inPQ     = pngChunk("cICP", []byte{bt2020, pq, 0, 1})
		plain    = pngChunk("cICP", []byte{1, srgb, 0, 1})
		embedded = iccpChunk(t, icc.Numbers(bt2020, srgb))
		isSRGB   = pngChunk("sRGB", []byte{0})
		linear   = pngChunk("gAMA", fractions(1))
		usual    = pngChunk("gAMA", fractions(0.45455))
		points   = pngChunk("cHRM", fractions(p3Points...))
	)
	tests := []struct {
		name   string
		chunks [][]byte
		want   color.NRGBA
	}{
		{"nothing", nil, in},
		{"cICP of Display P3", [][]byte{inP3}, of(icc.Numbers(p3, srgb))},
		{"cICP of PQ", [][]byte{inPQ}, of(icc.Numbers(bt2020, pq))},
		{"cICP before all others", [][]byte{linear, points, embedded, inP3}, of(icc.Numbers(p3, srgb))},
		{"cICP of sRGB before all others", [][]byte{plain, embedded, linear}, in},
		{"cICP of an unknown transfer", [][]byte{pngChunk("cICP", []byte{p3, 99, 0, 1}), linear}, of(icc.Numbers(1, 8))},
		{"cICP with a matrix", [][]byte{pngChunk("cICP", []byte{p3, srgb, 1, 1})}, in},
		{"cICP of narrow range", [][]byte{pngChunk("cICP", []byte{p3, srgb, 0, 0})}, in},
		{"cICP that is too short", [][]byte{pngChunk("cICP", []byte{p3, srgb})}, in},
		{"iCCP before gAMA", [][]byte{linear, points, embedded}, of(icc.Numbers(bt2020, srgb))},
		{"sRGB before gAMA", [][]byte{linear, points, isSRGB}, in},
		{"gAMA alone", [][]byte{linear}, of(icc.Numbers(1, 8))},
		{"the usual gAMA", [][]byte{usual}, in},
		{"the usual gAMA with points", [][]byte{usual, points}, of(icc.Numbers(p3, srgb))},
		{"gAMA with points", [][]byte{points, linear}, of(icc.Numbers(p3, 8))},
		{"points alone", [][]byte{points}, in},
		{"gAMA of 0", [][]byte{pngChunk("gAMA", fractions(0)), points}, in},
		{"gAMA that cannot be", [][]byte{pngChunk("gAMA", fractions(40000)), points}, in},
		{"points that cannot be", [][]byte{pngChunk("cHRM", make([]byte, 32)), linear}, in},
	}
	img := image.NewNRGBA(image.Rect(0, 0, 20, 20))
	for i := range img.Pix {
		img.Pix[i] = [4]byte{in.R, in.G, in.B, 255}[i%4]
	}
	for _, tt := range tests {
		for _, o := range []options.Options{{}, {Width: 10}} { // whole, and cut while it is decoded
			got := color.NRGBAModel.Convert(toPNG(t, pngWith(t, img, tt.chunks...), o).At(5, 5)).(color.NRGBA)
			if abs(int(got.R)-int(tt.want.R)) > 1 || abs(int(got.G)-int(tt.want.G)) > 1 || abs(int(got.B)-int(tt.want.B)) > 1 {
				t.Errorf("%s, %v: %v; want %v", tt.name, o, got, tt.want)
			}
		}
	}
}

// Grey pictures obey too, with alpha and without.
func TestColoursOfGreyPNG(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 9, 9))
	for i := range m.Pix {
		m.Pix[i] = 55
	}
	for _, chunk := range [][]byte{pngChunk("gAMA", fractions(1)), pngChunk("cICP", []byte{1, 8, 0, 1})} {
		got := color.GrayModel.Convert(toPNG(t, pngWith(t, m, chunk), options.Options{}).At(3, 3)).(color.Gray)
		if got.Y < 127 || got.Y > 129 {
			t.Errorf("linear 55 is %d; want 128", got.Y)
		}
	}
}

// With icc=keep the colours stay as they are, and what says so too.
func TestColoursOfPNGAreKept(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 30, 30))
	for i := range m.Pix {
		m.Pix[i] = byte(i*i) | 3
	}
	file := pngWith(t, m, pngChunk("cICP", []byte{12, 13, 0, 1}))
	for _, o := range []options.Options{{Format: options.PNG, Profile: options.ProfileKeep}, {Format: options.PNG, Profile: options.ProfileKeep, Width: 20}, {Format: options.JPEG, Profile: options.ProfileKeep}} {
		result := made(t, file, o)
		p, err := codecOf(result.Format).decode(result.Body, Want{Limits: Limits{}.withDefaults()})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(p.ICC, icc.Numbers(12, 13)) {
			t.Errorf("%v: a profile of %d bytes in the result; want Display P3", o, len(p.ICC))
		}
	}
}
