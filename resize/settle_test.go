package resize

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"testing"

	"s3imageserver/resize/options"
)

// edgedPNG is a PNG of that size whose outer pixels, so many on each side, are
// white.
func edgedPNG(t *testing.T, w, h, edge int) []byte {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{255, 255, 255, 255}
			if x >= edge && x < w-edge && y >= edge && y < h-edge {
				c = color.NRGBA{uint8(x), uint8(y), 0, 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func settleAndResize(t *testing.T, file []byte, settle func(Header) (options.Options, error)) (*Result, error) {
	t.Helper()
	return (&Resizer{}).Resize(context.Background(), Source{Body: bytes.NewReader(file), Size: int64(len(file)), Settle: settle}, options.Options{})
}

func TestOptionsAreSettledWhenTheHeaderIsRead(t *testing.T) {
	var asked []Header
	r, err := settleAndResize(t, edgedPNG(t, 90, 60, 0), func(h Header) (options.Options, error) {
		asked = append(asked, h)
		return options.Options{Width: h.Width / 3, Height: h.Height / 2, Fit: options.Stretch, Format: options.JPEG}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Header{Width: 90, Height: 60, Format: options.PNG}); len(asked) != 1 || asked[0] != want {
		t.Errorf("asked for options of %+v, want once of %+v", asked, want)
	}
	if r.Size != image.Pt(30, 30) {
		t.Errorf("the result is %v, want 30 x 30", r.Size)
	}
}

func TestOptionsAreSettledAgainBehindATrim(t *testing.T) {
	var asked []Header
	r, err := settleAndResize(t, edgedPNG(t, 90, 60, 10), func(h Header) (options.Options, error) {
		asked = append(asked, h)
		o := options.Options{Trim: 10, Format: options.PNG, Fit: options.Contain}
		if h.Trimmed {
			// the right half of what is left
			o.Crop = options.Crop{X: options.Length{N: int32(h.Width / 2)}, W: options.Length{N: int32(h.Width - h.Width/2)}, H: options.Length{N: int32(h.Height)}}
		}
		return o, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Header{Width: 70, Height: 40, Format: options.PNG, Trimmed: true}); len(asked) != 2 || asked[1] != want {
		t.Errorf("asked for options of %+v, want the second time of %+v", asked, want)
	}
	m, err := png.Decode(bytes.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	if m.Bounds().Size() != image.Pt(35, 40) {
		t.Fatalf("the result is %v, want 35 x 40", m.Bounds().Size())
	}
	if got := color.NRGBAModel.Convert(m.At(0, 0)); got != (color.NRGBA{45, 10, 0, 255}) {
		t.Errorf("its first pixel is %v, want that of 45, 10", got)
	}
}

func TestFaultsOfSettlingAreNotThePictures(t *testing.T) {
	mine := errors.New("mine")
	_, err := settleAndResize(t, edgedPNG(t, 9, 6, 0), func(Header) (options.Options, error) { return options.Options{}, mine })
	if !errors.Is(err, mine) || !errors.Is(err, ErrSettle) || errors.Is(err, ErrMalformed) {
		t.Errorf("err = %v, want that of Settle and ErrSettle, and not ErrMalformed", err)
	}
	_, err = settleAndResize(t, edgedPNG(t, 9, 6, 0), func(Header) (options.Options, error) { return options.Options{}, nil })
	if !errors.Is(err, ErrUnsupported) {
		t.Errorf("options without a format: err = %v, want ErrUnsupported", err)
	}
}
