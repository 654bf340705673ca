package resize

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/color"
	"testing"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/icc"
	"s3imageserver/resize/jpeg"
	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
	"s3imageserver/resize/png"
)

// Colours of an embedded profile come out as sRGB; EXIF, and with it GPS, never
// is in a result.
func TestProfileIsConverted(t *testing.T) {
	source := readSample(t, "edge/p3.jpg")
	h, err := jpeg.ReadHeader(bytes.NewReader(source))
	if err != nil || h.ICC == nil {
		t.Fatal("the sample has no profile", err)
	}
	p, err := decodeJPEG(source, Want{Limits: Limits{}.withDefaults()})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := p.first()
	if err != nil {
		t.Fatal(err)
	}
	tr, err := icc.New(h.ICC)
	if err != nil || tr.SRGB() {
		t.Fatal("the sample's profile is of no use", err)
	}
	got := toPNG(t, source, options.Options{})
	changed, sum := 0, 0
	for y := range got.Bounds().Dy() {
		for x := range got.Bounds().Dx() {
			in := color.NRGBAModel.Convert(plain.At(x, y)).(color.NRGBA)
			out := color.NRGBAModel.Convert(got.At(x, y)).(color.NRGBA)
			want := tr.RGB([4]byte{in.R, in.G, in.B})
			for i, v := range [3]byte{out.R, out.G, out.B} {
				sum += abs(int(v) - int(want[i]))
			}
			if abs(int(in.R)-int(out.R)) > 5 {
				changed++
			}
		}
	}
	if mean := float64(sum) / float64(3*got.Bounds().Dx()*got.Bounds().Dy()); mean > 2 { // chroma is upsampled differently
		t.Errorf("mean difference %.1f to the colours of the profile", mean)
	}
	if changed == 0 {
		t.Error("no pixel changed its colour")
	}
	for _, f := range []options.Format{options.JPEG, options.PNG, options.WebP} {
		result, err := resizeBytes(t, &Resizer{}, source, options.Options{Width: 40, Format: f})
		if err != nil || bytes.Contains(result.Body, []byte("acsp")) {
			t.Errorf("%v: a profile in the result, or %v", f, err)
		}
	}
	for _, name := range []string{"photos/balloons.jpg", "orientation/6.jpg"} {
		result, err := resizeBytes(t, &Resizer{}, readSample(t, name), options.Options{Width: 40, Format: options.JPEG})
		if err != nil || bytes.Contains(result.Body, []byte("Exif")) {
			t.Errorf("%s: EXIF in the result, or %v", name, err)
		}
	}
	for space, img := range map[string]image.Image{"CMYK": &image.YCbCr{}, "GRAY": &image.NRGBA{}, "RGB ": &image.Gray{}} {
		p := bytes.Clone(h.ICC)
		copy(p[16:20], space)
		if fittingICC(p, img) != nil {
			t.Errorf("a profile for %q is kept on %T", space, img)
		}
	}
}

// profileOf returns a profile of that colour space with one tag.
func profileOf(space, connection, tag string, data []byte) []byte {
	const header, entry = 128, 16
	b := make([]byte, header+entry)
	copy(b[12:], "prtr"+space+connection)
	copy(b[36:], "acsp")
	b[header+3] = 1
	copy(b[header+4:], tag)
	b = append(b, data...)
	binary.BigEndian.PutUint32(b[header+8:], header+entry)
	binary.BigEndian.PutUint32(b[header+12:], uint32(len(data)))
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

// darkGrey returns a grey profile with a gamma of 4.
func darkGrey() []byte {
	return profileOf("GRAY", "XYZ ", "kTRC", []byte("curv\x00\x00\x00\x00\x00\x00\x00\x01\x04\x00"))
}

// middleInks returns a profile by which all inks print a lightness of 50.
func middleInks() []byte {
	b := []byte("mft1\x00\x00\x00\x00\x04\x03\x02\x00")
	for i := range 9 {
		b = append(b, 0, byte(1-min(i%4, 1)), 0, 0) // the identity
	}
	for range 4 {
		for i := range 256 {
			b = append(b, byte(i))
		}
	}
	b = append(b, bytes.Repeat([]byte{128, 128, 128}, 16)...)
	for range 3 {
		for i := range 256 {
			b = append(b, byte(i))
		}
	}
	return profileOf("CMYK", "Lab ", "A2B0", b)
}

// withProfile returns a JPEG file with that profile.
func withProfile(file, profile []byte) []byte {
	segment := append([]byte("ICC_PROFILE\x00\x01\x01"), profile...)
	b := append([]byte{0xff, 0xd8, 0xff, 0xe2}, byte((len(segment)+2)>>8), byte(len(segment)+2))
	return append(append(b, segment...), file[2:]...)
}

// icc=keep cannot keep inks, nor grey in a format that has none or under
// colours: these are converted, and no result has a profile of other pixels.
func TestProfileThatCannotBeKept(t *testing.T) {
	grey := color.NRGBA{119, 119, 119, 255} // L* = 50
	inks := withProfile(readSample(t, "edge/cmyk.jpg"), middleInks())
	for _, f := range []options.Format{options.JPEG, options.PNG, options.WebP, options.TIFF, options.GIF, options.BMP} {
		result := made(t, inks, options.Options{Width: 20, Format: f, Profile: options.ProfileKeep})
		p, err := codecOf(f).decode(result.Body, Want{Limits: Limits{}.withDefaults()})
		if err != nil {
			t.Fatal(err)
		}
		img, err := p.first()
		if err != nil {
			t.Fatal(err)
		}
		if c := color.NRGBAModel.Convert(img.At(5, 5)).(color.NRGBA); abs(int(c.R)-int(grey.R)) > 3 || abs(int(c.G)-int(grey.G)) > 3 || abs(int(c.B)-int(grey.B)) > 3 {
			t.Errorf("inks to %v: %v; want %v", f, c, grey)
		}
		if p.ICC != nil {
			t.Errorf("inks to %v: a profile for %q in the result", f, p.ICC[16:20])
		}
	}

	dark := withProfile(readSample(t, "edge/gray.jpg"), darkGrey())
	for _, tt := range []struct {
		name string
		o    options.Options
		kept bool
	}{
		{"grey to JPEG", options.Options{Format: options.JPEG}, true},
		{"grey to PNG", options.Options{Format: options.PNG}, true},
		{"grey to WebP", options.Options{Format: options.WebP}, false},
		{"grey with a coloured border to PNG", options.Options{Format: options.PNG, Border: options.Border{Width: 1, Color: 0xff0000ff}}, false},
		{"grey with rounded corners to PNG", options.Options{Format: options.PNG, Radius: 4}, false},
	} {
		tt.o.Width = 20
		converted := made(t, dark, tt.o)
		tt.o.Profile = options.ProfileKeep
		result := made(t, dark, tt.o)
		p, err := codecOf(tt.o.Format).decode(result.Body, Want{Limits: Limits{}.withDefaults()})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.ICC != nil; got != tt.kept {
			t.Errorf("%s: has a profile: %v; want %v", tt.name, got, tt.kept)
		}
		if same := bytes.Equal(result.Body, converted.Body); same == tt.kept {
			t.Errorf("%s: as converted to sRGB: %v; want %v", tt.name, same, !tt.kept)
		}
	}
}

// Grey with alpha has the colours of a grey profile too.
func TestProfileOfGreyWithAlpha(t *testing.T) {
	profile := append([]byte("grey\x00\x00"), deflate(t, darkGrey())...)
	file := append([]byte(png.Signature), pngChunk("IHDR", []byte{0, 0, 0, 2, 0, 0, 0, 1, 8, 4, 0, 0, 0})...)
	file = append(file, pngChunk("iCCP", profile)...)
	file = append(file, pngChunk("IDAT", deflate(t, []byte{0, 200, 255, 200, 100}))...)
	file = append(file, pngChunk("IEND", nil)...)
	tr, err := icc.New(darkGrey())
	if err != nil {
		t.Fatal(err)
	}
	v := tr.RGB([4]byte{200})[0]
	got := toPNG(t, file, options.Options{})
	for x, want := range []color.NRGBA{{v, v, v, 255}, {v, v, v, 100}} {
		if c := color.NRGBAModel.Convert(got.At(x, 0)); c != want {
			t.Errorf("pixel %d is %v; want %v", x, c, want)
		}
	}
}

func deflate(t *testing.T, b []byte) []byte {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Turning by one orientation and then by another is turning by what then says.
func TestOrientationThen(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 3, 2))
	for i := range img.Pix {
		img.Pix[i] = byte(i)
	}
	for a := exif.Orientation(1); a <= 8; a++ {
		for b := exif.Orientation(1); b <= 8; b++ {
			want := paint.Turn(paint.Turn(img, a), b).(*image.Gray)
			got := paint.Turn(img, a.Then(b)).(*image.Gray)
			if got.Rect != want.Rect || !bytes.Equal(got.Pix, want.Pix) {
				t.Errorf("%d then %d is not %d", a, b, a.Then(b))
			}
		}
	}
}
