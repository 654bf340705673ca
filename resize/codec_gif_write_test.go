package resize

import (
	"bytes"
	"image"
	"image/color"
	stdgif "image/gif"
	"testing"
	"time"

	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
)

// animation returns a picture of frames.
func animation(frames ...*image.NRGBA) *Picture {
	return &Picture{Count: len(frames), Source: frames[0].Rect.Size(), Scale: 1, orientation: 1, Frames: func(yield func(Frame, error) bool) {
		for _, f := range frames {
			if !yield(Frame{pixel.Copy(f), 50 * time.Millisecond}, nil) {
				return
			}
		}
	}}
}

// shownFrames returns what is seen of a GIF, by our own reader, and the file as
// image/gif reads it.
func shownFrames(t *testing.T, p *Picture, q int) (shown []*image.NRGBA, file *stdgif.GIF) {
	t.Helper()
	var b bytes.Buffer
	if err := encodeGIF(&b, p, Quality{Quality: q}); err != nil {
		t.Fatal(err)
	}
	got, err := decodeGIF(b.Bytes(), Want{Limits: Limits{}.withDefaults()})
	if err != nil {
		t.Fatal(err)
	}
	for f, err := range got.Frames {
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, pixel.Copy(f.Image))
	}
	if file, err = stdgif.DecodeAll(&b); err != nil {
		t.Fatal(err)
	}
	return shown, file
}

// photograph returns 120 x 80 pixels of a photograph, with a square at x.
func photograph(t *testing.T, x int) *image.NRGBA {
	t.Helper()
	m := pixel.Copy(toPNG(t, readSample(t, "photos/still-life.jpg"), options.Options{Width: 120, Height: 80}))
	for y := 30; y < 50; y++ {
		for i := range 20 {
			m.SetNRGBA(x+i, y, color.NRGBA{byte(200 + i), byte(3 * y), 20, 255})
		}
	}
	return m
}

// Of a frame only what changes is drawn, in colours that all frames share; the rest
// stays as it was, to the pixel.
func TestGIFDrawsWhatChanges(t *testing.T) {
	frames := []*image.NRGBA{photograph(t, 10), photograph(t, 14), photograph(t, 60), photograph(t, 60)}
	shown, file := shownFrames(t, animation(frames...), 0)
	for i, rect := range []image.Rectangle{{Max: image.Pt(120, 80)}, image.Rect(10, 30, 34, 50), image.Rect(14, 30, 80, 50), image.Rect(0, 0, 1, 1)} {
		if got := file.Image[i].Rect; got != rect {
			t.Errorf("frame %d is drawn in %v; want %v", i, got, rect)
		}
		if n := len(file.Image[i].Palette); n != 256 {
			t.Errorf("frame %d has %d colours; want those that all have", i, n)
		}
		if p := picturetest.PSNR(shown[i], frames[i]); p < 34 {
			t.Errorf("frame %d: PSNR %.1f dB", i, p)
		}
	}
	// The pixels between the two squares of the third frame did not change.
	if c := file.Image[2].At(45, 40).(color.RGBA); c.A != 0 {
		t.Errorf("a pixel that is shown already is drawn again as %v", c)
	}
	for i := 1; i < len(frames); i++ {
		for y := range 80 {
			for x := range 120 {
				if frames[i].NRGBAAt(x, y) == frames[i-1].NRGBAAt(x, y) && shown[i].NRGBAAt(x, y) != shown[i-1].NRGBAAt(x, y) {
					t.Fatalf("frame %d: pixel %d,%d did not change, and is shown as %v after %v", i, x, y, shown[i].NRGBAAt(x, y), shown[i-1].NRGBAAt(x, y))
				}
			}
		}
	}
	if _, ok := file.Config.ColorModel.(color.Palette); !ok {
		t.Error("the file has no palette for all frames")
	}
}

// A frame of other colours has its own palette.
func TestGIFOfTwoScenes(t *testing.T) {
	grey, red := photograph(t, 10), photograph(t, 10)
	for i := 0; i < len(red.Pix); i += 4 {
		v := red.Pix[i+1]
		copy(grey.Pix[i:], []byte{v, v, v})
		copy(red.Pix[i:], []byte{255 - v/4, v / 2, red.Pix[i] / 2})
	}
	frames := []*image.NRGBA{grey, red, grey}
	shown, _ := shownFrames(t, animation(frames...), 20)
	for i := range frames {
		if p := picturetest.PSNR(shown[i], frames[i]); p < 25 {
			t.Errorf("frame %d of 16 colours: PSNR %.1f dB", i, p)
		}
	}
}

// A pixel that loses its colour is cleared, and nothing else is lost; one that only gets
// a colour is drawn over what is there.
func TestGIFClears(t *testing.T) {
	at := func(rects ...image.Rectangle) *image.NRGBA {
		m := image.NewNRGBA(image.Rect(0, 0, 40, 30))
		for _, r := range rects {
			for y := r.Min.Y; y < r.Max.Y; y++ {
				for x := r.Min.X; x < r.Max.X; x++ {
					m.SetNRGBA(x, y, color.NRGBA{byte(6 * x), byte(8 * y), 90, 255})
				}
			}
		}
		return m
	}
	a, b := image.Rect(3, 4, 12, 14), image.Rect(20, 10, 30, 22)
	frames := []*image.NRGBA{at(a), at(a, b), at(b), at(b), at(), at(a)}
	shown, file := shownFrames(t, animation(frames...), 0)
	for i := range frames {
		if !bytes.Equal(shown[i].Pix, frames[i].Pix) {
			t.Errorf("frame %d is not what it was: PSNR %.1f dB", i, picturetest.PSNR(shown[i], frames[i]))
		}
	}
	const none, clear = stdgif.DisposalNone, stdgif.DisposalBackground
	if want := []byte{none, clear, none, clear, none, clear}; !bytes.Equal(file.Disposal, want) {
		t.Errorf("disposals are %v; want %v", file.Disposal, want)
	}
	if got := file.Image[1].Rect; got != a.Union(b) {
		t.Errorf("the frame that is cleared covers %v; want %v", got, a.Union(b))
	}
}

// Frames that take more than is held get palettes in groups.
func TestGIFOfManyFrames(t *testing.T) {
	var frames []*image.NRGBA
	for i := range 5 {
		m := image.NewNRGBA(image.Rect(0, 0, 1200, 800))
		for j := range m.Pix {
			m.Pix[j] = byte(j/4%1200/8 + 20*i)
			if j%4 == 3 {
				m.Pix[j] = 255
			}
		}
		frames = append(frames, m)
	}
	if 5*len(frames)*1200*800 < gifHeldBytes {
		t.Fatal("the frames fit what is held")
	}
	shown, _ := shownFrames(t, animation(frames...), 0)
	if len(shown) != len(frames) {
		t.Fatalf("%d frames; want %d", len(shown), len(frames))
	}
	for i := range frames {
		if p := picturetest.PSNR(shown[i], frames[i]); p < 45 {
			t.Errorf("frame %d: PSNR %.1f dB", i, p)
		}
	}
}
