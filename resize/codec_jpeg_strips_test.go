package resize

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"s3imageserver/resize/jpeg"
	"s3imageserver/resize/options"
)

// wholeThenCut is what resampleJPEG must equal.
func wholeThenCut(t testing.TB, file []byte, want Want) (image.Image, error) {
	t.Helper()
	c := want.resample
	want.resample = resample{}
	p, err := decodeJPEG(file, want)
	if err != nil {
		return nil, err
	}
	if p.resampled {
		t.Fatal("the picture was cut though nothing asked for it")
	}
	img, err := p.first()
	if err != nil {
		return nil, err
	}
	return c.apply(img, p.Scale), nil
}

// jpegWant returns what Resizer.Resize asks of the codec.
func jpegWant(t testing.TB, file []byte, o options.Options) Want {
	t.Helper()
	info, err := configJPEG(file)
	if err != nil {
		return Want{}
	}
	p := planOf(info.Size, info.orientation, o, content{})
	return Want{Min: p.smallest(), Limits: Limits{}.withDefaults(), resample: p.resample, fine: p.fine, shown: 75}
}

func TestCutWhileDecodingEqualsCutAfterwards(t *testing.T) {
	cut, whole := 0, 0
	for i, f := range corpus(t) {
		if !strings.HasPrefix(f.name, "jpeg/") && !strings.HasPrefix(f.name, "photos/") || testing.Short() && i%4 != 0 {
			continue
		}
		file := readCorpus(t, f.name)
		if format, err := Sniff(file); err != nil || format != options.JPEG {
			continue
		}
		for _, o := range []options.Options{
			{Width: 300, Format: options.JPEG},
			{Width: 31, Height: 77, Format: options.JPEG},
			{Width: 120, Height: 31, Format: options.PNG},
			{Width: 900, Format: options.JPEG},
		} {
			want := jpegWant(t, file, o)
			p, err := decodeJPEG(file, want)
			if err != nil {
				continue
			}
			if !p.resampled {
				whole++
				continue
			}
			cut++
			got, err := p.first()
			if err != nil {
				t.Fatal(err)
			}
			ref, err := wholeThenCut(t, file, want)
			if err != nil {
				t.Errorf("%s, %v: %v", f.name, o, err)
				continue
			}
			if !reflect.DeepEqual(got, ref) {
				t.Errorf("%s, %v: %T of %v differs from %T of %v, or their samples do", f.name, o, got, got.Bounds(), ref, ref.Bounds())
			}
		}
	}
	t.Logf("%d pictures were cut while they were decoded, %d were not", cut, whole)
	if cut == 0 {
		t.Error("no picture was cut while it was decoded")
	}
}

// A crop does not need the last rows, but a file that lacks them is refused all
// the same.
func TestCutOfTruncatedJPEG(t *testing.T) {
	var b bytes.Buffer
	m := image.NewYCbCr(image.Rect(0, 0, 640, 2000), image.YCbCrSubsampleRatio420)
	for i := range m.Y {
		m.Y[i] = byte(i*i>>7 ^ i)
	}
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	o := options.Options{Width: 100, Height: 20, Format: options.JPEG}
	r := &Resizer{}
	want, err := resizeBytes(t, r, whole, o)
	if err != nil {
		t.Fatal(err)
	}
	for percent := 1; percent < 100; percent += 3 {
		if _, err := resizeBytes(t, r, whole[:len(whole)*percent/100], o); !errors.Is(err, ErrMalformed) {
			t.Errorf("with %d %% of the file: error %v, want ErrMalformed", percent, err)
		}
	}
	got, err := resizeBytes(t, r, append(bytes.Clone(whole), "garbage"...), o)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Body, want.Body) {
		t.Error("garbage after the end changes the picture")
	}
}

// A whole picture is never held: what a request allocates doesn't grow with the
// source.
func TestAllocationsOfLargeSources(t *testing.T) {
	if testing.Short() {
		t.Skip("not tested in short mode: large pictures")
	}
	const w, h = 6000, 4000
	planes := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for i := range planes.Y {
		planes.Y[i] = byte(i >> 5)
	}
	pixels := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range pixels.Pix {
		pixels.Pix[i] = byte(i >> 7)
	}
	for name, c := range map[string]struct {
		encode func(io.Writer) error
		most   uint64
	}{
		"JPEG": {func(w io.Writer) error { return jpeg.Encode(w, planes, nil) }, 1 << 20},
		"PNG": {func(w io.Writer) error {
			return (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(w, pixels)
		}, 2 << 20},
	} {
		var b bytes.Buffer
		if err := c.encode(&b); err != nil {
			t.Fatal(err)
		}
		// The least of several counts, however fast the machine: the first one fills
		// the pools, and a collection may empty them.
		least := uint64(math.MaxUint64)
		var before, after runtime.MemStats
		for range 10 {
			runtime.ReadMemStats(&before)
			if _, err := resizeBytes(t, &Resizer{}, b.Bytes(), options.Options{Width: 300, Format: options.JPEG}); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			least = min(least, after.TotalAlloc-before.TotalAlloc)
		}
		t.Logf("%s: %d bytes a request", name, least)
		if least > c.most {
			t.Errorf("%s: a request allocates %d bytes, want at most %d", name, least, c.most)
		}
	}
}

// A picture in 4:2:0 that is decoded at half its size for a result with chroma at
// full resolution has the chroma of a result that was decoded at its own size.
func TestChromaOfHalfSize(t *testing.T) {
	const w, h, period, amplitude = 1200, 800, 8, 80 // in samples of chroma
	m := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for i := range m.Y {
		m.Y[i] = 128
	}
	for i := range m.Cb {
		x, y := i%m.CStride, i/m.CStride
		m.Cb[i] = byte(128 + amplitude*math.Sin(2*math.Pi*float64(x)/period))
		m.Cr[i] = byte(128 + amplitude*math.Sin(2*math.Pi*float64(y)/period))
	}
	for _, progressive := range []bool{false, true} {
		var file bytes.Buffer
		if err := jpeg.Encode(&file, m, &jpeg.EncodeOptions{Quality: 95, Progressive: progressive}); err != nil {
			t.Fatal(err)
		}
		for _, o := range []options.Options{{Width: 375, Format: options.JPEG, Chroma: options.ChromaFull}, {Width: 375, Format: options.PNG}} {
			want := jpegWant(t, file.Bytes(), o)
			p, err := decodeJPEG(file.Bytes(), want)
			if err != nil {
				t.Fatal(err)
			}
			if p.Scale != 0.5 || !p.resampled {
				t.Fatalf("%v: decoded at %v of its size, cut %v: nothing is tested", o, p.Scale, p.resampled)
			}
			img, err := p.first()
			if err != nil {
				t.Fatal(err)
			}
			got := img.(*image.YCbCr)
			row := got.Cb[got.COffset(50, 125):][:250]
			lo, hi := row[0], row[0]
			for _, v := range row {
				lo, hi = min(lo, v), max(hi, v)
			}
			if a := int(hi-lo) / 2; a < 72 { // 60 of chroma at half its size
				t.Errorf("%v, progressive %v: chroma has an amplitude of %d; want that of the source, %d", o, progressive, a, amplitude)
			}
		}
		if want := jpegWant(t, file.Bytes(), options.Options{Width: 375, Format: options.JPEG}); want.fine {
			t.Error("a result in 4:2:0 asks for chroma that it cannot show")
		}
	}
}

// Of a region only what it needs is decoded, with the same result: strips above it
// are passed over, and of a file with restart intervals those above are not even
// looked at.
func TestRegionsPassOverWhatIsAbove(t *testing.T) {
	for _, file := range [][]byte{readOwn(t, "restarts.jpg"), readSample(t, "photos/still-life.jpg")} {
		info, err := configJPEG(file)
		if err != nil {
			t.Fatal(err)
		}
		var marks []int // of restarts
		for i := range len(file) - 1 {
			if file[i] == 0xff && file[i+1]&^7 == 0xd0 {
				marks = append(marks, i)
			}
		}
		damaged := slices.Clone(file)
		if len(marks) > 4 {
			for i := marks[1] + 2; i < marks[2]; i++ {
				damaged[i] = 0x55 // other codes, or none
			}
		}
		for _, side := range []int{8, 40, 100} {
			for y := 0; y+side <= info.Size.Y; y += max(1, info.Size.Y/7) {
				for _, width := range []int{side, side / 2, side / 4, side / 8} {
					o := Options{Crop: parse(fmt.Sprintf("crop=%d,%d,%d,%d", side/3, y, side, side)).Crop, Width: width, Format: JPEG}
					want := jpegWant(t, file, o)
					p, err := decodeJPEG(file, want)
					if err != nil || !p.resampled {
						t.Fatalf("%v: %v, cut while decoding: %v", o.Crop, err, p != nil && p.resampled)
					}
					got, err := p.first()
					if err != nil {
						t.Fatal(err)
					}
					ref, err := wholeThenCut(t, file, want)
					if err != nil {
						t.Fatal(err)
					}
					if !reflect.DeepEqual(got, ref) {
						t.Errorf("%v to %d of %v is not what is cut out of the whole", o.Crop, width, info.Size)
					}
					if len(marks) <= 4 || y < info.Size.Y*2/3 {
						continue
					}
					p, err = decodeJPEG(damaged, want)
					if err != nil {
						t.Errorf("%v to %d: an interval far above was looked at: %v", o.Crop, width, err)
						continue
					}
					if got, err := p.first(); err != nil || !reflect.DeepEqual(got, ref) {
						t.Errorf("%v to %d: an interval far above was looked at (%v)", o.Crop, width, err)
					}
				}
			}
		}
	}
}
