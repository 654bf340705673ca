package resize

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"io"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bbrks/go-blurhash"
	"golang.org/x/image/webp"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
)

func inspect(t *testing.T, file []byte, fields string) *Details {
	t.Helper()
	d, err := (&Resizer{}).Inspect(t.Context(), bytes.NewReader(file), int64(len(file)), ParseDetails(fields))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDetails(t *testing.T) {
	photo := readSample(t, "photos/still-life.jpg")
	d := inspect(t, photo, "1")
	if d.Format != "jpeg" || d.MediaType != "image/jpeg" || d.Bytes != int64(len(photo)) || d.Width == 0 || d.Orientation != 1 || d.Frames != 1 || *d.Alpha || d.Loops != nil || d.GPS != nil {
		t.Errorf("a photo: %+v", d)
	}
	small := toPNG(t, photo, options.Options{Width: 64, Height: 64, Fit: options.Contain})
	blurred, err := blurhash.Decode(d.BlurHash, 32, 32, 1)
	if err != nil {
		t.Fatal(err)
	}
	same := toPNG(t, pngOf(t, small), options.Options{Width: 32, Height: 32, Fit: options.Stretch})
	if p := picturetest.PSNR(blurred, same); p < 13 {
		t.Errorf("blurhash %s: PSNR %.1f dB to the picture", d.BlurHash, p)
	}
	data, ok := strings.CutPrefix(d.Placeholder, "data:image/webp;base64,")
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil || !ok || len(raw) > 400 {
		t.Fatalf("placeholder %.40s, %d bytes, %v", d.Placeholder, len(raw), err)
	}
	tiny, err := webp.Decode(bytes.NewReader(raw))
	if err != nil || max(tiny.Bounds().Dx(), tiny.Bounds().Dy()) != 16 {
		t.Errorf("placeholder: %v, %v", tiny, err)
	}
	if h, err := base64.StdEncoding.DecodeString(d.ThumbHash); err != nil || len(h) < 15 || len(h) > 30 {
		t.Errorf("thumbhash %s: %v", d.ThumbHash, err)
	}
	if len(d.Palette) != 6 || d.Dominant != d.Palette[0] || len(d.Average) != 6 {
		t.Errorf("colours: %s, %v", d.Average, d.Palette)
	}
	// What looks alike has nearly the same hash, what does not has another one.
	hash := func(file []byte) uint64 {
		h, err := strconv.ParseUint(inspect(t, file, "hash").Hash, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	base := hash(photo)
	if n := bits.OnesCount64(base ^ hash(made(t, photo, options.Options{Width: 300, Format: options.WebP, Quality: 40}).Body)); n > 6 {
		t.Errorf("the same picture: %d bits differ", n)
	}
	if n := bits.OnesCount64(base ^ hash(readSample(t, "photos/balloons.jpg"))); n < 16 {
		t.Errorf("another picture: only %d bits differ", n)
	}

	orbit := inspect(t, readSample(t, "photos/orbit.gif"), "frames,alpha,size")
	if orbit.Frames != 24 || orbit.Loops == nil || *orbit.Loops != 0 || orbit.Duration < 24*20 || orbit.BlurHash != "" || orbit.Average != "" {
		t.Errorf("an animation: %+v", orbit)
	}
	if logo := inspect(t, readSample(t, "photos/logo.png"), "alpha"); !*logo.Alpha {
		t.Error("transparency is not seen")
	}
	turned := inspect(t, readSample(t, "orientation/6.jpg"), "size,exif")
	stored, err := configJPEG(readSample(t, "orientation/6.jpg"))
	if err != nil || turned.Width != stored.Size.Y || turned.Orientation != 6 {
		t.Errorf("a turned picture: %+v of %v, %v", turned, stored.Size, err)
	}
	if p := inspect(t, readSample(t, "edge/p3.jpg"), "profile"); p.Profile == "" {
		t.Error("no profile")
	}
	flat := image.NewNRGBA(image.Rect(0, 0, 20, 10))
	for i := 0; i < len(flat.Pix); i += 4 {
		copy(flat.Pix[i:], []byte{0x12, 0x34, 0x56, 255})
	}
	if d := inspect(t, pngOf(t, flat), "colors"); d.Average != "123456" || d.Dominant != "123456" || len(d.Palette) != 1 {
		t.Errorf("one colour: %+v", d)
	}
}

// A picture of two colours has two, though scaling makes some more.
func TestPaletteOfTwoColours(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 80, 40))
	for y := range 40 {
		for x := range 80 {
			c := color.NRGBA{200, 30, 30, 255}
			if x >= 60 {
				c = color.NRGBA{20, 20, 220, 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	if d := inspect(t, pngOf(t, m), "colors"); !slices.Equal(d.Palette, []string{"c81e1e", "1414dc"}) || d.Dominant != "c81e1e" {
		t.Errorf("palette %v, dominant %s", d.Palette, d.Dominant)
	}
}

// The hashes of pictures that there are known ones of, and of pictures that are
// small.
func TestKnownHashes(t *testing.T) {
	veil := image.NewNRGBA(image.Rect(0, 0, 64, 32))
	for y := range 32 {
		for x := range 64 {
			veil.SetNRGBA(x, y, color.NRGBA{uint8(x * x >> 4), uint8(255 - y*8), uint8(y * y >> 2), uint8(255 - x*y>>3)})
		}
	}
	// What rgbaToThumbHash of the npm package thumbhash 0.1.1 returns; a number
	// of four bits may be rounded the other way.
	want, err := base64.StdEncoding.DecodeString("F2mFc5ArgIdpeIqEjwcIZX94T3h4iHc=")
	if err != nil {
		t.Fatal(err)
	}
	got, err := base64.StdEncoding.DecodeString(inspect(t, pngOf(t, veil), "thumbhash").ThumbHash)
	if err != nil || len(got) != len(want) {
		t.Fatalf("ThumbHash of half transparent pixels = %x, %v; want %x", got, err, want)
	}
	for i := range want {
		if i < 6 && got[i] != want[i] || abs(int(got[i]>>4)-int(want[i]>>4)) > 1 || abs(int(got[i]&15)-int(want[i]&15)) > 1 {
			t.Fatalf("ThumbHash of half transparent pixels = %x; want %x", got, want)
		}
	}
	for _, size := range []image.Point{{1, 1}, {3, 2}, {200, 4}, {4, 200}} {
		flat := image.NewNRGBA(image.Rectangle{Max: size})
		for i := 0; i < len(flat.Pix); i += 4 {
			copy(flat.Pix[i:], []byte{10, 200, 30, 255})
		}
		m, err := blurhash.Decode(inspect(t, pngOf(t, flat), "blurhash").BlurHash, 8, 8, 1)
		if err != nil {
			t.Fatal(err)
		}
		for y := range 8 {
			for x := range 8 {
				if c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA); abs(int(c.R)-10) > 30 || abs(int(c.G)-200) > 30 || abs(int(c.B)-30) > 30 {
					t.Fatalf("%v of one colour: BlurHash has %v at %d, %d; want 10 200 30", size, c, x, y)
				}
			}
		}
	}
}

func pngOf(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encodePNG(&b, still(pixel.Normalize(img)), Quality{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Where the header tells everything, no more is read.
func TestDetailsOfTheHeader(t *testing.T) {
	photo := readSample(t, "large/still-life.jpg")
	if len(photo) <= headBytes {
		t.Fatal("the sample is too small for this test")
	}
	src := &brokenReader{data: photo[:headBytes], err: errors.New("read on")}
	d, err := (&Resizer{}).Inspect(t.Context(), src, int64(len(photo)), ParseDetails("size,format"))
	if err != nil || d.Width == 0 || d.Format != "jpeg" {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := (&Resizer{}).Inspect(t.Context(), &brokenReader{data: photo[:headBytes], err: io.ErrClosedPipe}, int64(len(photo)), ParseDetails("colors")); err != io.ErrClosedPipe {
		t.Errorf("colours of a source that breaks off: %v", err)
	}
	for _, name := range []string{"edge/truncated.jpg", "edge/truncated.png", "edge/not-a-picture.jpg"} {
		file := readSample(t, name)
		if _, err := (&Resizer{}).Inspect(t.Context(), bytes.NewReader(file), int64(len(file)), ParseDetails("1")); errorKind(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The place is told only when it is asked for, and is right.
func TestDetailsOfThePlace(t *testing.T) {
	order := binary.BigEndian
	rationals := func(v ...uint32) (b []byte) {
		for _, n := range v {
			b = order.AppendUint32(order.AppendUint32(b, n), 1)
		}
		return b
	}
	b := []byte("MM\x00*\x00\x00\x00\x08")
	main, _ := exif.Directory(len(b), order, []exif.Field{{Tag: 0x8825, Kind: 4, Count: 1, Data: []byte{0, 0, 0, 26}}})
	b = append(b, main...)
	below, _ := exif.Directory(len(b), order, []exif.Field{
		{Tag: 1, Kind: 2, Count: 2, Data: []byte("S\x00")}, {Tag: 2, Kind: 5, Count: 3, Data: rationals(33, 51, 36)}, {Tag: 3, Kind: 2, Count: 2, Data: []byte("E\x00")}, {Tag: 4, Kind: 5, Count: 3, Data: rationals(151, 12, 0)},
	})
	b = append(b, below...)
	if len(b) < 26 {
		t.Fatal("no directory")
	}
	file := withEXIF(options.JPEG, made(t, readSample(t, "photos/still-life.jpg"), options.Options{Width: 80, Format: options.JPEG}).Body, b)
	d := inspect(t, file, "gps,exif")
	if d.GPS == nil || *d.GPS != (exif.Place{Latitude: -33.86, Longitude: 151.2}) {
		t.Errorf("gps: %+v", d.GPS)
	}
	if d := inspect(t, file, "1"); d.GPS != nil {
		t.Errorf("the place is told without being asked for: %+v", d.GPS)
	}
}

func TestParseDetails(t *testing.T) {
	for list, want := range map[string]string{
		"": "", "x": "", "size": "size", "hash,SIZE,size,x": "hash size", "gps": "gps",
		"1": "alpha blurhash colors exif format frames hash orientation placeholder profile size thumbhash",
	} {
		if got := strings.Join(ParseDetails(list), " "); got != want {
			t.Errorf("ParseDetails(%q) = %q; want %q", list, got, want)
		}
	}
	for list, want := range map[string]bool{"1": true, "TRUE": true, "size,HASH,gps": true, "": false, "x": false, "size,x": false, "1,size": false, "size,": false} {
		if got := KnownDetails(list); got != want {
			t.Errorf("KnownDetails(%q) = %v; want %v", list, got, want)
		}
	}
}
