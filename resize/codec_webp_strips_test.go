package resize

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"reflect"
	"strings"
	"testing"

	xwebp "golang.org/x/image/webp"

	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/vp8"
	"s3imageserver/resize/webp"
)

// lossyWebP returns a lossy file of a photograph of that size.
func lossyWebP(t testing.TB, size image.Point) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := encodeWebP(&file, still(picturetest.Noisy(size, false)), Quality{Quality: 80, WebPMethod: 1}); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// frameOf returns the VP8 chunk of a file without others.
func frameOf(file []byte) []byte { return file[20:] }

// webpWant returns what Resizer.Resize asks of the codec.
func webpWant(t testing.TB, file []byte, o options.Options) Want {
	t.Helper()
	info, err := configWebP(file)
	if err != nil {
		t.Fatal(err)
	}
	p := planOf(info.Size, info.orientation, o, content{})
	return Want{Min: p.smallest(), Limits: Limits{}.withDefaults(), resample: p.resample, fine: p.fine}
}

// A lossy picture that is cut while it is decoded is the one that is cut afterwards, to
// the bit.
func TestWebPIsResampledAsItIsDecoded(t *testing.T) {
	files := map[string][]byte{}
	for _, size := range []image.Point{{1, 1}, {17, 300}, {300, 17}, {401, 299}, {16, 16}} {
		files[fmt.Sprint(size)] = lossyWebP(t, size)
	}
	files["garden"] = readSample(t, "photos/garden.webp")
	for _, f := range corpus(t) {
		if strings.HasPrefix(f.name, "webp/") {
			files[f.name] = readCorpus(t, f.name)
		}
	}
	resampled := 0
	for name, file := range files {
		for _, o := range []options.Options{
			{Width: 120, Format: options.JPEG},
			{Width: 31, Height: 77, Format: options.WebP},
			{Width: 20, Height: 20, Format: options.PNG},
			{Crop: options.Crop{X: options.Length{N: 3}, Y: options.Length{N: 5}, W: options.Length{N: 9}, H: options.Length{N: 7}}, Format: options.PNG},
			{Width: 500, Enlarge: true, Format: options.JPEG},
		} {
			want := webpWant(t, file, o)
			p, err := decodeWebP(file, want)
			if err != nil {
				continue // a broken one, or a crop beside it
			}
			if !p.resampled {
				continue
			}
			resampled++
			got, err := p.first()
			if err != nil {
				t.Fatal(err)
			}
			c := want.resample
			want.resample = resample{}
			whole, err := decodeWebP(file, want)
			if err != nil {
				t.Errorf("%s, %v: %v", name, o, err)
				continue
			}
			img, err := whole.first()
			if err != nil {
				t.Fatal(err)
			}
			if ref := c.apply(img, 1); !reflect.DeepEqual(got, ref) {
				t.Errorf("%s, %v: %T of %v differs from %T of %v, or their samples do", name, o, got, got.Bounds(), ref, ref.Bounds())
			}
		}
	}
	if resampled < 50 {
		t.Errorf("%d pictures were cut while they were decoded", resampled)
	}
}

// A picture that has to be turned is decoded as a whole, as its orientation comes
// behind it; one that its Exif data calls upright is not.
func TestTurnedWebPIsResampledAfterwards(t *testing.T) {
	plain := lossyWebP(t, image.Pt(300, 200))
	for o := 1; o <= 8; o++ {
		exif := append([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00"), byte(o), 0, 0, 0, 0, 0, 0, 0)
		file := webp.With(plain, webp.FlagEXIF, nil, webp.AppendChunk(nil, "EXIF", exif))
		want := webpWant(t, file, options.Options{Width: 60, Format: options.JPEG})
		more := int64(0)
		want.grow = func(n int64) error { more += n; return nil }
		p, err := decodeWebP(file, want)
		if err != nil {
			t.Fatal(err)
		}
		if o == 6 {
			// Behind a profile that is longer than the first bytes nothing was known, and
			// all was asked for.
			long := webp.With(file, webp.FlagICC, webp.AppendChunk(nil, "ICCP", make([]byte, headBytes)), nil)
			wanted := webpWant(t, long[:headBytes], options.Options{Width: 60, Format: options.JPEG})
			wanted.grow = func(n int64) error { t.Errorf("%d more bytes", n); return nil }
			if _, err := decodeWebP(long, wanted); err != nil {
				t.Error(err)
			}
		}
		if upright := o == 1; p.resampled != upright || int(p.orientation) != o || (more == 0) != upright {
			t.Errorf("orientation %d: is cut: %v, orientation %d, %d more bytes", o, p.resampled, p.orientation, more)
		}
	}
}

// What a lossy picture is admitted with is what it takes, whole and cut.
func TestMemoryOfLossyWebP(t *testing.T) {
	file := lossyWebP(t, image.Pt(1500, 2000))
	for _, o := range []options.Options{{Format: options.PNG}, {Width: 300, Format: options.JPEG}} {
		got, said, ok := bytesOfDecoding(t, "lossy", file, o)
		if !ok || got > said*5/4 || said > got+2<<20 {
			t.Errorf("%v: %d KB allocated, %d KB were asked for, decoded: %v", o, got>>10, said>>10, ok)
		}
		if o.Width != 0 && said > 2<<20 {
			t.Errorf("%v: %d KB were asked for", o, said>>10)
		}
	}
}

// The range of samples is stretched by the decoder as by package pixel.
func TestRangeOfLossyWebP(t *testing.T) {
	frame := frameOf(lossyWebP(t, image.Pt(90, 70)))
	got, err := vp8.Decode(frame, &vp8.DecodeOptions{FullRange: true})
	if err != nil {
		t.Fatal(err)
	}
	want, err := vp8.Decode(frame, nil)
	if err != nil {
		t.Fatal(err)
	}
	pixel.ToFullRange(want)
	if !reflect.DeepEqual(got, want) {
		t.Error("samples are not those of pixel.ToFullRange")
	}
}

// The frames of files are what x/image/webp makes of them, where that has all that
// libwebp has.
func TestWebPIsThatOfTheOldDecoder(t *testing.T) {
	same, all := 0, 0
	for _, f := range corpus(t) {
		if !strings.HasPrefix(f.name, "webp/") {
			continue
		}
		file := readCorpus(t, f.name)
		old, err := xwebp.Decode(bytes.NewReader(file))
		if err != nil {
			continue
		}
		switch m := old.(type) {
		case *image.YCbCr:
			pixel.ToFullRange(m)
		case *image.NYCbCrA:
			pixel.ToFullRange(&m.YCbCr)
		}
		p, err := decodeWebP(file, Want{Limits: Limits{}.withDefaults()})
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		img, err := p.first()
		if err != nil {
			t.Fatal(err)
		}
		all++
		if reflect.TypeOf(img) != reflect.TypeOf(old) || img.Bounds() != old.Bounds() {
			t.Errorf("%s: %T of %v; want %T of %v", f.name, img, img.Bounds(), old, old.Bounds())
			continue
		}
		if reflect.DeepEqual(pixel.Copy(img), pixel.Copy(old)) {
			same++
			continue
		}
		t.Errorf("%s: other pixels than the old decoder has", f.name)
	}
	t.Logf("%d of %d files have the pixels of the old decoder", same, all)
}

// Nobody waits: the decoding ends.
func TestLossyWebPEnds(t *testing.T) {
	file := lossyWebP(t, image.Pt(300, 300))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, o := range []options.Options{{Format: options.PNG}, {Width: 30, Format: options.JPEG}} {
		want := webpWant(t, file, o)
		want.ctx = ctx
		if _, err := decodeWebP(file, want); !errors.Is(err, context.Canceled) {
			t.Errorf("%v: %v; want context.Canceled", o, err)
		}
	}
}

// A lossy file that is cut off is refused; where damage is shown, its first rows are
// those of the whole one, and the rest is grey.
func TestDamagedWebP(t *testing.T) {
	const side = 320
	file := lossyWebP(t, image.Pt(side, side))
	whole, err := decodeWebP(file, Want{Limits: Limits{}.withDefaults()})
	if err != nil {
		t.Fatal(err)
	}
	img, err := whole.first()
	if err != nil {
		t.Fatal(err)
	}
	ref := img.(*image.YCbCr)
	for _, percent := range []int{50, 80, 99} {
		part := file[:len(file)*percent/100]
		for _, o := range []options.Options{{Format: options.PNG}, {Width: side / 4, Format: options.JPEG}} {
			if _, err := resizeBytes(t, &Resizer{}, part, o); !errors.Is(err, ErrMalformed) {
				t.Errorf("%d %% of the file: %v; want ErrMalformed", percent, err)
			}
			shownDamaged(t, fmt.Sprintf("%d %% of the file", percent), part, o)
		}
		p, err := decodeWebP(part, Want{Limits: Limits{}.withDefaults(), show: func() {}})
		if err != nil {
			t.Fatal(err)
		}
		img, err := p.first()
		if err != nil {
			t.Fatal(err)
		}
		got := img.(*image.YCbCr)
		rows := 0
		for rows < side && bytes.Equal(got.Y[rows*got.YStride:][:side], ref.Y[rows*ref.YStride:][:side]) {
			rows++
		}
		if least := side * (percent - 30) / 100; rows < least || rows == side {
			t.Errorf("%d %% of the file: %d rows of %d are there", percent, rows, side)
		}
		if last := got.YCbCrAt(side-1, side-1); last.Cb != 128 || last.Cr != 128 {
			t.Errorf("%d %% of the file: the last pixel is %v", percent, last)
		}
	}
}
