package resize

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"testing"

	"s3imageserver/resize/icc"
	"s3imageserver/resize/isobmff"
	"s3imageserver/resize/jxl"
	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
)

// adobe is the profile of photo-adobe.jxl.
var adobe = icc.Measured([2]float64{0.3127, 0.3290}, [6]float64{0.64, 0.33, 0.21, 0.71, 0.15, 0.06}, 0, 2.2)

func convertedBy(t *testing.T, img image.Image, profile []byte) *image.NRGBA {
	t.Helper()
	tr, err := icc.New(profile)
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewNRGBA(img.Bounds())
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			rgb := tr.RGB([4]byte{c.R, c.G, c.B})
			out.SetNRGBA(x, y, color.NRGBA{rgb[0], rgb[1], rgb[2], 255})
		}
	}
	return out
}

// With an embedded profile a lossy file is decoded to linear light: it comes out
// as bright as it was, in the colours that were meant.
func TestJPEGXLProfileOfLossy(t *testing.T) {
	want := convertedBy(t, toPNG(t, readOwn(t, "photo.png"), options.Options{}), adobe)
	got := toPNGBy(t, everything, readOwn(t, "photo-adobe.jxl"), options.Options{})
	if p := picturetest.PSNR(got, want); p < 30 {
		t.Errorf("PSNR %.1f dB to the converted colours", p)
	}
}

// The profile of a lossless file is read of the file, bit by bit, and applied.
func TestJPEGXLProfileOfLossless(t *testing.T) {
	file := readOwn(t, "icon-table.jxl")
	h, err := jxl.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	profile := h.DecodedProfile()
	if len(profile) != 2456 || icc.Description(profile) != "Table" || int(binary.BigEndian.Uint32(profile)) != len(profile) {
		t.Fatalf("a profile of %d bytes, %q", len(profile), icc.Description(profile))
	}
	icon := pixel.Copy(toPNG(t, readOwn(t, "icon.png"), options.Options{}))
	setOpaque(icon)
	if p := picturetest.PSNR(toPNGBy(t, everything, file, options.Options{}), convertedBy(t, icon, profile)); p < 50 {
		t.Errorf("PSNR %.1f dB to the converted colours", p)
	}
	for i := range len(file) - 40 {
		// A damaged profile is none, or another one; nothing else happens.
		broken := bytes.Clone(file)
		broken[20+i] ^= 1 << (i % 8)
		if h, err := jxl.Parse(broken); err == nil {
			if got := h.DecodedProfile(); len(got) > maxICCBytes {
				t.Fatalf("byte %d: a profile of %d bytes", 20+i, len(got))
			}
		}
	}
}

// What the header tells before anything is decoded is a limit here: a frame that is
// far larger than its picture, and black ink, which the decoder does not hand out.
func TestJPEGXLBeyondLimits(t *testing.T) {
	for name, file := range map[string]string{
		"a frame of 8192 x 8192 in a picture of 64 x 64": "\xff\x0a\x4f\x40\x26\x08\x11\x00\x00\x04\xb8\x04\xb8\x00\x00\x00\x00\x00",
		"black ink": "\xff\x0a\x4f\xc0\x28\x80\x09\x08\x04\x00\x00\x00\x00",
	} {
		if _, err := jxlCodec.config([]byte(file)); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: the header: %v; want ErrLimit", name, err)
		}
		if _, err := resizeBytes(t, everything, []byte(file), options.Options{Format: options.PNG}); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v; want ErrLimit", name, err)
		}
	}
}

// The first pixels are those of the picture, whatever the decoder's allocator
// does with its memory: here 24 bytes of them were others.
func TestJPEGXLFirstPixels(t *testing.T) {
	img := pixel.Copy(toPNGBy(t, everything, readOwn(t, "scanner-profile.jxl"), options.Options{}))
	if img.Rect.Size() != image.Pt(32, 24) || !img.Opaque() {
		t.Fatalf("%v, opaque: %v; want 32 x 24 without transparency", img.Rect, img.Opaque())
	}
	for x := range 12 {
		a, b := img.NRGBAAt(x, 0), img.NRGBAAt(x, 1)
		if abs(int(a.R)-int(b.R)) > 24 || abs(int(a.G)-int(b.G)) > 24 || abs(int(a.B)-int(b.B)) > 24 {
			t.Errorf("pixel %d of the first row is %v, below it is %v", x, a, b)
		}
	}
	// No transparency that is not there: the choice of a format sees it.
	result, err := resizeBytes(t, everything, readOwn(t, "scanner-profile.jxl"), options.Options{Format: options.Auto})
	if err != nil || result.Format != options.JPEG {
		t.Errorf("%v, %v; want JPEG", result, err)
	}
}

// Colours that are multiplied by alpha are divided by it; others are left alone.
func TestJPEGXLPremultiplied(t *testing.T) {
	for _, name := range []string{"alpha.jxl", "premultiplied.jxl"} {
		multiplied := name == "premultiplied.jxl"
		img := pixel.Copy(toPNGBy(t, everything, readOwn(t, name), options.Options{}))
		if img.Rect.Size() != image.Pt(64, 48) {
			t.Fatalf("%s: %v", name, img.Rect)
		}
		for y := range 48 {
			for x := range 64 {
				stored, alpha := [3]int{4 * x, 5 * y, 200}, 255-3*x
				got := img.NRGBAAt(x, y)
				for i, v := range [3]byte{got.R, got.G, got.B} {
					want := stored[i]
					if multiplied {
						want = min(255, (want*255+alpha/2)/alpha)
					}
					if abs(int(v)-want) > 2 || abs(int(got.A)-alpha) > 1 {
						t.Fatalf("%s: (%d,%d) is %v; want %d in channel %d, alpha %d", name, x, y, got, want, i, alpha)
					}
				}
			}
		}
	}
}

// A codestream in several boxes is read as one.
func TestJPEGXLInParts(t *testing.T) {
	stream := readOwn(t, "photo.jxl")
	if kind := string(stream[:2]); kind != jxl.Codestream {
		t.Fatalf("the sample begins with %x", kind)
	}
	file := append([]byte(jxl.Container), isobmff.Make("ftyp", []byte("jxl \x00\x00\x00\x00jxl "))...)
	for i, part := range [][]byte{stream[:4], stream[4:9], stream[9:]} {
		number := []byte{0, 0, 0, byte(i)}
		if i == 2 {
			number[0] = 0x80 // the last one
		}
		file = append(file, isobmff.Make("jxlp", number, part)...)
	}
	a, err := jxlCodec.config(file)
	b, err2 := jxlCodec.config(stream)
	if err != nil || err2 != nil || a != b {
		t.Errorf("%+v, %v; want %+v, %v", a, err, b, err2)
	}
	if p := picturetest.PSNR(toPNGBy(t, everything, file, options.Options{}), toPNGBy(t, everything, stream, options.Options{})); p < 60 {
		t.Errorf("PSNR %.1f dB to the same in one part", p)
	}
}
