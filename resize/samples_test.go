package resize

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	stdgif "image/gif"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
)

func readSample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// toPNG resizes a sample and returns the pixels.
func toPNG(t *testing.T, file []byte, o options.Options) image.Image {
	t.Helper()
	o.Format = options.PNG
	result, err := resizeBytes(t, &Resizer{}, file, o)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(result.Body))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// All eight orientations show the same upright picture, whole, scaled and
// cropped, in every output format.
func TestOrientations(t *testing.T) {
	for _, o := range []options.Options{{}, {Width: 99}, {Width: 100, Height: 100}, {Width: 33, Height: 120}, {Height: 77, Fit: options.Contain}} {
		want := toPNG(t, readSample(t, "orientation/upright.png"), o)
		for i := 1; i <= 8; i++ {
			file := readSample(t, "orientation/"+strconv.Itoa(i)+".jpg")
			if got := toPNG(t, file, o); picturetest.PSNR(got, want) < 27 {
				t.Errorf("orientation %d, %v: PSNR %.1f dB to the upright picture", i, o, picturetest.PSNR(got, want))
			}
			for _, f := range []options.Format{options.JPEG, options.WebP} {
				o.Format = f
				result, err := resizeBytes(t, &Resizer{}, file, o)
				if err != nil {
					t.Fatal(err)
				}
				if got := toPNG(t, result.Body, options.Options{}); picturetest.PSNR(got, want) < 25 {
					t.Errorf("orientation %d, %v: PSNR %.1f dB to the upright picture", i, o, picturetest.PSNR(got, want))
				}
			}
		}
	}
}

// VP8 has limited range: flat colours must come out as they went in, from and
// to WebP, however often.
func TestWebPColours(t *testing.T) {
	for name, want := range map[string]color.NRGBA{
		"white.webp": {255, 255, 255, 255}, "black.webp": {0, 0, 0, 255}, "red.webp": {255, 0, 0, 255}, "white-lossless.webp": {255, 255, 255, 255},
	} {
		file := readSample(t, "edge/"+name)
		for generation := range 4 {
			img := toPNG(t, file, options.Options{})
			c := color.NRGBAModel.Convert(img.At(img.Bounds().Dx()/2, img.Bounds().Dy()/2)).(color.NRGBA)
			if abs(int(c.R)-int(want.R)) > 2 || abs(int(c.G)-int(want.G)) > 2 || abs(int(c.B)-int(want.B)) > 2 {
				t.Errorf("%s, generation %d: %v; want %v", name, generation, c, want)
			}
			result, err := resizeBytes(t, &Resizer{}, file, options.Options{Format: options.WebP})
			if err != nil {
				t.Fatal(err)
			}
			file = result.Body
		}
	}
}

func abs(n int) int { return max(n, -n) }

// Broken files are refused, and say why.
func TestRefused(t *testing.T) {
	photo := readSample(t, "orientation/1.jpg")
	tests := []struct {
		name string
		file []byte
		want error
	}{
		{"nothing", nil, ErrNotPicture},
		{"HTML", readSample(t, "edge/not-a-picture.jpg"), ErrNotPicture},
		{"XML of a store", []byte("<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code></Error>"), ErrNotPicture},
		{"SVG", []byte("<?xml version=\"1.0\"?><!-- c --><svg xmlns='http://www.w3.org/2000/svg'/>"), ErrUnsupported},
		{"text", []byte("hello"), ErrUnsupported},
		{"PDF", []byte("%PDF-1.7"), ErrUnsupported},
		{"BMP that is not allowed", []byte("BM\x00\x00\x00\x00\x00\x00\x00\x00"), ErrUnsupported},
		{"cut JPEG", readSample(t, "edge/truncated.jpg"), ErrMalformed},
		{"cut PNG", readSample(t, "edge/truncated.png"), ErrMalformed},
		{"JPEG of three bytes", photo[:3], ErrMalformed},
		{"PNG bomb", readSample(t, "edge/bomb.png"), ErrLimit},
		{"WebP bomb", append([]byte("RIFF\x16\x00\x00\x00WEBPVP8L\x0a\x00\x00\x00\x2f"), 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0, 0), ErrLimit},
		{"GIF without a frame", []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), ErrMalformed},
	}
	for _, tt := range tests {
		_, err := resizeBytes(t, &Resizer{}, tt.file, options.Options{Width: 10, Format: options.JPEG})
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v; want %v", tt.name, err, tt.want)
		}
	}
}

// Every file of one kind, cut anywhere, is refused or gives the whole picture.
func TestCutFiles(t *testing.T) {
	for _, name := range []string{"photos/logo.png", "photos/orbit.gif", "photos/garden.webp", "edge/transparent.gif", "orientation/3.jpg"} {
		file := readSample(t, name)
		whole, err := resizeBytes(t, &Resizer{}, file, options.Options{Width: 40, Format: options.PNG})
		if err != nil {
			t.Fatal(err)
		}
		for percent := 1; percent < 100; percent += 7 {
			cut := file[:len(file)*percent/100]
			got, err := resizeBytes(t, &Resizer{}, cut, options.Options{Width: 40, Format: options.PNG})
			if err == nil && !bytes.Equal(got.Body, whole.Body) {
				t.Errorf("%s cut at %d %%: another picture, and no error", name, percent)
			}
		}
	}
}

// A reader's error is what Resize returns, and not what a decoder makes of it.
func TestReaderError(t *testing.T) {
	file := readSample(t, "photos/still-life.jpg")
	broken := errors.New("connection lost")
	for _, n := range []int{0, 10, headBytes - 1, headBytes, headBytes + 1, len(file) - 1} {
		src := &brokenReader{data: file[:n], err: broken}
		if _, err := (&Resizer{}).Resize(t.Context(), Source{Body: src, Size: int64(len(file))}, options.Options{Width: 10, Format: options.JPEG}); err != broken {
			t.Errorf("reader broken after %d bytes: %v; want its own error", n, err)
		}
	}
}

type brokenReader struct {
	data []byte
	err  error
}

func (r *brokenReader) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, r.err
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}

// The frames, delays and loops of an animation survive, to GIF and to WebP and
// back; beyond the limits the first frame is left.
func TestAnimation(t *testing.T) {
	source := readSample(t, "photos/orbit.gif")
	limits := Limits{}.withDefaults()
	want, err := decodeGIF(source, Want{Limits: limits})
	if err != nil || want.Count < 2 {
		t.Fatal(want, err)
	}
	delays := func(p *Picture) (d []time.Duration) {
		for f, err := range p.Frames {
			if err != nil {
				t.Fatal(err)
			}
			d = append(d, f.Delay)
		}
		return d
	}
	wantDelays := delays(want)
	file := source
	for _, to := range []options.Format{options.WebP, options.GIF, options.WebP} {
		result, err := resizeBytes(t, &Resizer{}, file, options.Options{Width: 60, Format: to})
		if err != nil {
			t.Fatal(err)
		}
		p, err := codecOf(to).decode(result.Body, Want{Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		if got := delays(p); p.Count != want.Count || p.Loops != want.Loops || len(got) != len(wantDelays) || got[1] != wantDelays[1] {
			t.Errorf("to %v: %d frames, loops %d, delays %v; want %d, %d, %v", to, p.Count, p.Loops, got, want.Count, want.Loops, wantDelays)
		}
		file = result.Body
	}
	for _, l := range []Limits{{Frames: want.Count - 1}, {FramePixels: int64(want.Count*want.Source.X*want.Source.Y - 1)}} {
		result, err := resizeBytes(t, &Resizer{Limits: l}, source, options.Options{Width: 60, Format: options.WebP})
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(result.Body, []byte("ANMF")) {
			t.Errorf("limits %+v: still an animation", l)
		}
	}
}

// framesOf decodes the images of an animation.
func framesOf(t *testing.T, file []byte, f options.Format) (all []image.Image) {
	t.Helper()
	p, err := codecOf(f).decode(file, Want{Limits: Limits{}.withDefaults()})
	if err != nil {
		t.Fatal(err)
	}
	for frame, err := range p.Frames {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pixel.Copy(frame.Image)) // it is valid up to the next one only
	}
	return all
}

// Frames of the animated outputs are the pictures of the source, in order.
func TestAnimationFrames(t *testing.T) {
	source := readSample(t, "photos/orbit.gif")
	want := framesOf(t, source, options.GIF)
	for to, least := range map[options.Format]float64{options.GIF: 30, options.WebP: 28} {
		result, err := resizeBytes(t, &Resizer{}, source, options.Options{Format: to})
		if err != nil {
			t.Fatal(err)
		}
		got := framesOf(t, result.Body, to)
		if len(got) != len(want) {
			t.Fatalf("%v: %d frames; want %d", to, len(got), len(want))
		}
		for i := range got {
			if p := picturetest.PSNR(got[i], want[i]); p < least {
				t.Errorf("%v: frame %d: PSNR %.1f dB; want %v", to, i, p, least)
			}
		}
	}
}

func TestBudget(t *testing.T) {
	b := NewBudget(BudgetConfig{Bytes: 1 << 20})
	file := readSample(t, "photos/still-life.jpg")
	r := &Resizer{Budget: b}
	if _, err := resizeBytes(t, r, file, options.Options{Format: options.PNG}); !errors.Is(err, ErrLimit) {
		t.Errorf("a job above the whole budget: %v; want ErrLimit", err)
	}
	b = NewBudget(BudgetConfig{Bytes: 64 << 20, Wait: 10 * time.Millisecond})
	r.Budget = b
	if err := b.acquire(t.Context(), 64<<20); err != nil {
		t.Fatal(err)
	}
	if _, err := resizeBytes(t, r, file, options.Options{Width: 10, Format: options.JPEG}); !errors.Is(err, ErrBusy) {
		t.Errorf("a full budget: %v; want ErrBusy", err)
	}
	b.release(64 << 20)
	for range 3 {
		if _, err := resizeBytes(t, r, file, options.Options{Width: 10, Format: options.JPEG}); err != nil {
			t.Error(err)
		}
		_, _ = resizeBytes(t, r, file[:len(file)/2], options.Options{Width: 10, Format: options.JPEG}) // refused; what it held comes back
	}
	if load := b.Load(); load.Bytes != 0 || load.Working != 0 {
		t.Errorf("the budget after the work: %+v; want none taken", load)
	}
}

// disposals is an animation whose frames are opaque, transparent, and opaque in
// part: drawn over each other they would show the wrong ones.
func disposals(t *testing.T) []byte {
	t.Helper()
	palette := color.Palette{color.NRGBA{}, color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 0, 255, 255}}
	var g stdgif.GIF
	for i := range 4 {
		m := image.NewPaletted(image.Rect(0, 0, 40, 30), palette)
		for j := range m.Pix {
			if i == 0 || i == 3 || (i == 1 && j%40 < 20) || (i == 2 && j < 300) {
				m.Pix[j] = byte(1 + i%2)
			}
		}
		g.Image, g.Delay, g.Disposal = append(g.Image, m), append(g.Delay, 5), append(g.Disposal, stdgif.DisposalBackground)
	}
	var b bytes.Buffer
	if err := stdgif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTransparentFrames(t *testing.T) {
	source := disposals(t)
	want := framesOf(t, source, options.GIF)
	for to, least := range map[options.Format]float64{options.GIF: math.Inf(1), options.WebP: 30} {
		result, err := resizeBytes(t, &Resizer{}, source, options.Options{Format: to})
		if err != nil {
			t.Fatal(err)
		}
		got := framesOf(t, result.Body, to)
		for i := range want {
			if i >= len(got) || picturetest.PSNR(got[i], want[i]) < least {
				t.Errorf("%v: frame %d of %d is not that of the source", to, i, len(got))
			}
		}
	}
}

// A frame that is cleared has a transparent colour, also one that is opaque and
// has all the colours that there can be: without one, some readers clear to
// black.
func TestClearedFrames(t *testing.T) {
	many := image.NewNRGBA(image.Rect(0, 0, 40, 30))
	for i := range many.Pix {
		many.Pix[i] = byte(i * 7 % 251)
		if i%4 == 3 {
			many.Pix[i] = 255
		}
	}
	half := pixel.Copy(many)
	clear(half.Pix[:len(half.Pix)/2])
	p := &Picture{Count: 2, Scale: 1, Source: many.Rect.Max, Frames: func(yield func(Frame, error) bool) {
		_ = yield(Frame{Image: many}, nil) && yield(Frame{Image: half}, nil)
	}}
	var colours bytes.Buffer
	if err := encodeGIF(&colours, p, Quality{}); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"few colours": made(t, disposals(t), options.Options{Format: options.GIF}).Body, "many colours": colours.Bytes()} {
		g, err := stdgif.DecodeAll(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		cleared := 0
		for i, m := range g.Image {
			if g.Disposal[i] != stdgif.DisposalBackground {
				continue
			}
			cleared++
			if !slices.ContainsFunc(m.Palette, func(c color.Color) bool { _, _, _, a := c.RGBA(); return a == 0 }) {
				t.Errorf("%s: frame %d is cleared, and none of its %d colours is transparent", name, i, len(m.Palette))
			}
		}
		if cleared == 0 {
			t.Errorf("%s: no frame is cleared", name)
		}
	}
}

// Delays are those that browsers keep: what they take for a tenth of a second
// stays that, and nothing else becomes it.
func TestGIFDelay(t *testing.T) {
	for ms, want := range map[int]int{0: 0, 4: 0, 10: 1, 11: 2, 14: 2, 20: 2, 24: 2, 25: 3, 100: 10, 655350: 65535} {
		if got := gifDelay(time.Duration(ms) * time.Millisecond); got != want {
			t.Errorf("%d ms are %d hundredths; want %d", ms, got, want)
		}
	}
}

// What an animation becomes is bounded too: enlarged beyond the limit, or with a
// frame that is larger than its canvas, the first frame is left or it is refused.
func TestAnimationBombs(t *testing.T) {
	source := disposals(t)
	r := &Resizer{Limits: Limits{FramePixels: 4 * 40 * 30}}
	for _, o := range []options.Options{{Width: 400, Height: 30, Format: options.GIF}, {Width: 400, Height: 30, Format: options.WebP}} {
		result, err := resizeBytes(t, r, source, o)
		if err != nil {
			t.Fatal(err)
		}
		p, err := codecOf(o.Format).decode(result.Body, Want{Limits: Limits{}.withDefaults()})
		if err != nil || p.Count != 1 {
			t.Errorf("%v: %d frames, %v; want the first one", o, p.Count, err)
		}
	}
	huge := bytes.Clone(source)
	at := bytes.IndexByte(huge[13+3*4:], 0x2c) + 13 + 3*4 // the first image descriptor
	binary.LittleEndian.PutUint16(huge[at+5:], 65535)
	binary.LittleEndian.PutUint16(huge[at+7:], 16000)
	if _, err := resizeBytes(t, &Resizer{}, huge, options.Options{Width: 10, Format: options.PNG}); !errors.Is(err, ErrLimit) {
		t.Errorf("a frame of 65535 x 16000 on a canvas of 40 x 30: %v; want ErrLimit", err)
	}
}

// parse reads the query of a URL.
func parse(query string) options.Options {
	return options.Parse(options.ParseQuery(query).Get, options.DefaultMaxDimension)
}
