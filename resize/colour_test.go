package resize

import (
	"bytes"
	"image"
	"image/color"
	"testing"

	"s3imageserver/resize/icc"
	"s3imageserver/resize/jpeg"
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
	got := toPNG(t, source, Options{})
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
	for _, f := range []Format{JPEG, PNG, WebP} {
		result, err := resizeBytes(t, &Resizer{}, source, Options{Width: 40, Format: f})
		if err != nil || bytes.Contains(result.Body, []byte("acsp")) {
			t.Errorf("%v: a profile in the result, or %v", f, err)
		}
	}
	for _, name := range []string{"photos/balloons.jpg", "orientation/6.jpg"} {
		result, err := resizeBytes(t, &Resizer{}, readSample(t, name), Options{Width: 40, Format: JPEG})
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

// Turning by one orientation and then by another is turning by what then says.
func TestOrientationThen(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 3, 2))
	for i := range img.Pix {
		img.Pix[i] = byte(i)
	}
	for a := orientation(1); a <= 8; a++ {
		for b := orientation(1); b <= 8; b++ {
			want := b.upright(a.upright(img)).(*image.Gray)
			got := a.then(b).upright(img).(*image.Gray)
			if got.Rect != want.Rect || !bytes.Equal(got.Pix, want.Pix) {
				t.Errorf("%d then %d is not %d", a, b, a.then(b))
			}
		}
	}
}
