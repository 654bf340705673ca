package resize

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"s3imageserver/resize/options"
	"s3imageserver/resize/palette"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
	ownpng "s3imageserver/resize/png"
)

// FuzzResize sends whatever bytes through the whole path: a documented error or
// a picture that decodes to the promised size; never a panic.
func FuzzResize(f *testing.F) {
	for _, pattern := range []string{"edge/*", "orientation/3.jpg"} {
		files, err := filepath.Glob(filepath.Join("../testdata", pattern))
		if err != nil || len(files) == 0 {
			f.Fatal("no seeds", err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data, uint16(40), uint16(30), byte(0))
		}
	}
	outputs := []options.Format{options.JPEG, options.PNG, options.GIF}
	r := &Resizer{
		Budget: NewBudget(BudgetConfig{Bytes: 64 << 20}),
		Limits: Limits{Pixels: 1 << 20, FramePixels: 1 << 20, OutputPixels: 1 << 18, Formats: []options.Format{options.BMP, options.TIFF}},
	}
	f.Fuzz(func(t *testing.T, file []byte, w, h uint16, choice byte) {
		o := options.Options{Width: int(w) % 400, Height: int(h) % 400, Fit: options.Fit(choice & 1), Format: outputs[int(choice>>1)%len(outputs)]}
		result, err := resizeBytes(t, r, file, o)
		tolerant := *r
		tolerant.ShowDamaged = true
		shown, shownErr := resizeBytes(t, &tolerant, file, o)
		switch {
		case shownErr != nil && errorKind(shownErr) == "":
			t.Fatalf("shown as a damaged one: undocumented error: %v", shownErr)
		case err == nil && (shownErr != nil || shown.Damaged || !bytes.Equal(shown.Body, result.Body)):
			t.Fatalf("a sound picture, shown as a damaged one: %v, or another one", shownErr)
		case err != nil && shownErr == nil && !shown.Damaged:
			t.Fatalf("refused (%v), and shown as a sound picture", err)
		}
		if err != nil {
			if errorKind(err) == "" {
				t.Fatalf("undocumented error: %v", err)
			}
			return
		}
		c, format, err := image.DecodeConfig(bytes.NewReader(result.Body))
		if err != nil || format != o.Format.String() || image.Pt(c.Width, c.Height) != result.Size {
			t.Fatalf("%v: %s of %dx%d, %v; want %v", o, format, c.Width, c.Height, err, result.Size)
		}
		if load := r.Budget.Load(); load.Bytes != 0 || load.Working != 0 {
			t.Fatalf("the budget after the work: %+v; want none taken", load)
		}
	})
}

func FuzzWebPChunks(f *testing.F) {
	f.Add(readSample(f, "edge/white.webp"))
	f.Add(readSample(f, "edge/white-lossless.webp"))
	f.Fuzz(func(t *testing.T, file []byte) {
		info, err := configWebP(file)
		if err != nil || info.Size.X*info.Size.Y > 1<<16 {
			return
		}
		p, err := decodeWebP(file, Want{Limits: Limits{Frames: 5, FramePixels: 1 << 18}.withDefaults()})
		if err != nil {
			return
		}
		for frame, err := range p.Frames {
			if err == nil && frame.Image.Bounds().Size() != info.Size {
				t.Errorf("frame of %v on a canvas of %v", frame.Image.Bounds(), info.Size)
			}
		}
	})
}

// D5: a compressed profile or text does not blow up.
func TestPNGBombs(t *testing.T) {
	iccp := func(profile []byte) (data []byte) {
		var file bytes.Buffer
		if err := ownpng.Encode(&file, image.NewGray(image.Rect(0, 0, 1, 1)), &ownpng.Options{ICC: profile}); err != nil {
			t.Fatal(err)
		}
		for c := range ownpng.SoundChunks(file.Bytes()) {
			if c.Kind == "iCCP" {
				data = c.Data
			}
		}
		return data
	}
	bomb := iccp(make([]byte, 64<<20))
	if p := inflateICC(bomb); p != nil || len(bomb) > 1<<20 {
		t.Errorf("a profile of 64 MB was read: %d bytes of %d", len(p), len(bomb))
	}
	profile := bytes.Repeat([]byte("profile"), 100)
	if p := inflateICC(iccp(profile)); !bytes.Equal(p, profile) {
		t.Errorf("a profile of 700 bytes came back as %d", len(p))
	}
	for _, damaged := range [][]byte{nil, []byte("name"), []byte("name\x00"), []byte("name\x00\x01x"), []byte("name\x00\x00not zlib")} {
		if p := inflateICC(damaged); p != nil {
			t.Errorf("iCCP %q gave a profile", damaged)
		}
	}
}

func TestQuantize(t *testing.T) {
	t.Run("few colours stay exact", func(t *testing.T) {
		m := image.NewNRGBA(image.Rect(0, 0, 16, 16))
		for i := range 256 {
			m.SetNRGBA(i%16, i/16, color.NRGBA{byte(i), byte(255 - i), byte(i / 2), 255})
		}
		if got := palette.Quantize(m, palette.MaxColors); picturetest.PSNR(got, m) < 1000 {
			t.Errorf("256 colours: PSNR %.1f dB; want no change", picturetest.PSNR(got, m))
		}
	})
	t.Run("a photograph", func(t *testing.T) {
		img := toPNG(t, readSample(t, "photos/still-life.jpg"), options.Options{Width: 400})
		got := palette.Quantize(pixel.Copy(img), palette.MaxColors)
		if len(got.Palette) > palette.MaxColors || picturetest.PSNR(got, img) < 32 {
			t.Errorf("%d colours, PSNR %.1f dB; want at most %d and 32 dB", len(got.Palette), picturetest.PSNR(got, img), palette.MaxColors)
		}
	})
	t.Run("transparency", func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		m := image.NewNRGBA(image.Rect(0, 0, 64, 64))
		for i := range m.Pix {
			m.Pix[i] = byte(rng.Uint32())
		}
		got := palette.Quantize(palette.BinaryAlpha(m), palette.MaxColors)
		if len(got.Palette) > palette.MaxColors {
			t.Fatalf("%d colours", len(got.Palette))
		}
		for y := range 64 {
			for x := range 64 {
				_, _, _, a := got.At(x, y).RGBA()
				if want := m.NRGBAAt(x, y).A >= palette.AlphaThreshold; (a == 0xffff) != want || (a == 0) == want {
					t.Fatalf("pixel (%d,%d) with alpha %d has alpha %d", x, y, m.NRGBAAt(x, y).A, a)
				}
			}
		}
	})
	t.Run("one pixel", func(t *testing.T) {
		m := image.NewNRGBA(image.Rect(0, 0, 1, 1))
		var b bytes.Buffer
		if err := encodeGIF(&b, still(m), Quality{}); err != nil {
			t.Error(err)
		}
		if err := png.Encode(&b, palette.Quantize(m, palette.MaxColors)); err != nil {
			t.Error(err)
		}
	})
}

// FuzzResizeOptions asks for whatever a URL may say: a picture that decodes to
// the promised size, or a limit; never a panic.
func FuzzResizeOptions(f *testing.F) {
	for _, p := range options.Params() {
		f.Add(p.Example, byte(0))
	}
	f.Add("w=1&h=399&fit=pad&rot=44.9&trim=1&g=smart&radius=max&border=399,fff&txt=a%0Ab&wm=x&wmt=1&bg=blur", byte(1))
	f.Add("crop=100%,100%,1,1&minw=399&ar=1:100&blur=250&pixelate=1000&sharpen=10", byte(2))
	var sources [][]byte
	for _, name := range []string{"edge/1x1.png", "edge/transparent.gif", "orientation/7.jpg", "edge/gray.png"} {
		sources = append(sources, readSample(f, name))
	}
	mark, err := NewOverlay(readSample(f, "photos/logo.png"))
	if err != nil {
		f.Fatal(err)
	}
	r := &Resizer{
		Watermark: mark,
		Budget:    NewBudget(BudgetConfig{Bytes: 64 << 20}),
		Limits:    Limits{OutputPixels: 1 << 18},
	}
	f.Fuzz(func(t *testing.T, query string, choice byte) {
		o := options.Parse(options.ParseQuery(query).Get, 400)
		o.Format = []options.Format{options.JPEG, options.PNG, options.GIF}[int(choice>>2)%3]
		o.AutoQuality, o.MaxBytes = 0, 0 // many encodings, of which none is looked at
		result, err := resizeBytes(t, r, sources[choice&3], o)
		if err != nil {
			if errorKind(err) == "" {
				t.Fatalf("%v: undocumented error: %v", o, err)
			}
			return
		}
		c, format, err := image.DecodeConfig(bytes.NewReader(result.Body))
		if err != nil || format != result.Format.String() || image.Pt(c.Width, c.Height) != result.Size {
			t.Fatalf("%v: %s of %dx%d, %v; want %v", o, format, c.Width, c.Height, err, result.Size)
		}
		if load := r.Budget.Load(); load.Bytes != 0 || load.Working != 0 {
			t.Fatalf("the budget after the work: %+v; want none taken", load)
		}
	})
}
