package gif

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// encode writes frames with image/gif.
func encode(t testing.TB, g *gif.GIF) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func noise(r image.Rectangle, seed uint64) *image.Paletted {
	rng := rand.New(rand.NewPCG(seed, seed))
	palette := color.Palette{color.NRGBA{}}
	for range 99 {
		palette = append(palette, color.NRGBA{byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32()), 255})
	}
	m := image.NewPaletted(r, palette)
	for i := range m.Pix {
		m.Pix[i] = byte(rng.IntN(len(palette)))
	}
	return m
}

func TestFramesMatchImageGIF(t *testing.T) {
	file := encode(t, &gif.GIF{
		Image:     []*image.Paletted{noise(image.Rect(0, 0, 40, 30), 1), noise(image.Rect(10, 5, 30, 25), 2), noise(image.Rect(39, 29, 40, 30), 3)},
		Delay:     []int{10, 0, 65535},
		Disposal:  []byte{gif.DisposalNone, gif.DisposalBackground, gif.DisposalPrevious},
		LoopCount: 4,
		Config:    image.Config{Width: 40, Height: 30},
	})
	want, err := gif.DecodeAll(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(file, 10)
	if err != nil {
		t.Fatal(err)
	}
	if f.Size != image.Pt(40, 30) || len(f.Frames) != 3 || f.More || f.Loops != 5 {
		t.Fatalf("Parse = %v, %d frames, more %v, %d plays; want 40x30, 3, false, 5", f.Size, len(f.Frames), f.More, f.Loops)
	}
	for i := range f.Frames {
		frame := &f.Frames[i]
		got, err := frame.Decode(f.Size, nil)
		if err != nil {
			t.Fatal(err)
		}
		if delay := time.Duration(want.Delay[i]) * 10 * time.Millisecond; got.Rect != want.Image[i].Rect || frame.Delay != delay {
			t.Errorf("frame %d: %v for %v; want %v for %v", i, got.Rect, frame.Delay, want.Image[i].Rect, delay)
		}
		if disposal := []Disposal{Keep, Clear, Previous}[i]; frame.Disposal != disposal {
			t.Errorf("frame %d: disposal %d; want %d", i, frame.Disposal, disposal)
		}
		for y := got.Rect.Min.Y; y < got.Rect.Max.Y; y++ {
			for x := got.Rect.Min.X; x < got.Rect.Max.X; x++ {
				if g, w := got.NRGBAAt(x, y), color.NRGBAModel.Convert(want.Image[i].At(x, y)); g != w {
					t.Fatalf("frame %d: pixel (%d,%d) = %v; want %v", i, x, y, g, w)
				}
			}
		}
	}
}

func TestParseStopsAtTheLimit(t *testing.T) {
	g := &gif.GIF{}
	for i := range 5 {
		g.Image = append(g.Image, noise(image.Rect(0, 0, 4, 4), uint64(i)))
		g.Delay = append(g.Delay, 1)
	}
	file := encode(t, g)
	f, err := Parse(file, 3)
	if err != nil || len(f.Frames) != 3 || !f.More {
		t.Errorf("Parse of 5 frames with a limit of 3 = %+v, %v; want 3 frames and more", f, err)
	}
	if f, err := Parse(file, 5); err != nil || len(f.Frames) != 5 || f.More {
		t.Errorf("Parse of 5 frames with a limit of 5 = %+v, %v; want 5 and no more", f, err)
	}
}

// Frames that reach beyond the canvas are cut to it, as browsers do.
func TestFrameBeyondTheCanvas(t *testing.T) {
	file := encode(t, &gif.GIF{Image: []*image.Paletted{noise(image.Rect(0, 0, 20, 20), 1)}, Delay: []int{0}})
	file[6], file[8] = 12, 9 // the canvas
	f, err := Parse(file, 1)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Frames[0].Decode(f.Size, nil)
	if err != nil || got.Rect != image.Rect(0, 0, 12, 9) {
		t.Fatalf("Decode = %v, %v; want 12 by 9 pixels", got.Rect, err)
	}
	want := noise(image.Rect(0, 0, 20, 20), 1)
	if g, w := got.NRGBAAt(11, 8), color.NRGBAModel.Convert(want.At(11, 8)); g != w {
		t.Errorf("pixel = %v; want %v", g, w)
	}
}

func TestDamage(t *testing.T) {
	file := encode(t, &gif.GIF{Image: []*image.Paletted{noise(image.Rect(0, 0, 20, 20), 1)}, Delay: []int{0}})
	want := noise(image.Rect(0, 0, 20, 20), 1)
	var format FormatError
	for n := range file {
		f, err := Parse(file[:n], 10)
		if n == len(file)-1 && (err != nil || f.Cut) {
			t.Errorf("without its trailer: %v, or cut", err)
		}
		if n == len(file)-1 || err == nil && f.Cut && len(f.Frames) == 1 {
			m, err := f.Frames[0].Decode(f.Size, []byte(strings.Repeat("x", 4*20*20)))
			if n < len(file)-20 && !errors.As(err, &format) {
				t.Errorf("cut at %d of %d: Decode says %v", n, len(file), err)
			}
			checkTop(t, m, want)
			continue
		}
		if !errors.As(err, &format) {
			t.Fatalf("cut at %d of %d: Parse = %v, %v; want a FormatError", n, len(file), f, err)
		}
	}
	if _, err := Size(file[:12]); err != io.ErrUnexpectedEOF {
		t.Errorf("Size of 12 bytes = %v; want io.ErrUnexpectedEOF", err)
	}
	short := bytes.Clone(file)
	short[len(short)-len(";\x00")-10] ^= 0xff
	if f, err := Parse(short, 1); err == nil {
		// The pixels may still be there, or not: but never a panic.
		_, _ = f.Frames[0].Decode(f.Size, nil)
	}
}

// checkTop reports pixels that are neither those of a picture nor, behind them,
// transparent.
func checkTop(t *testing.T, got *image.NRGBA, want image.Image) {
	t.Helper()
	ended := false
	for y := range got.Rect.Dy() {
		for x := range got.Rect.Dx() {
			g, w := got.NRGBAAt(x, y), color.NRGBAModel.Convert(want.At(x, y))
			ended = ended || g != w
			if ended && g != (color.NRGBA{}) {
				t.Fatalf("pixel (%d,%d) = %v; want %v, or nothing", x, y, g, w)
			}
		}
	}
}

// Of a screen without a size the canvas is as large as the first frame.
func TestScreenWithoutSize(t *testing.T) {
	file := encode(t, &gif.GIF{Image: []*image.Paletted{noise(image.Rect(0, 0, 20, 10), 1), noise(image.Rect(0, 0, 7, 5), 2)}, Delay: []int{0, 0}, LoopCount: 3})
	for _, zeros := range [][]int{{6, 7, 8, 9}, {6, 7}, {8, 9}} {
		bad := bytes.Clone(file)
		for _, i := range zeros {
			bad[i] = 0
		}
		f, err := Parse(bad, 10)
		if err != nil || f.Size != image.Pt(20, 10) || len(f.Frames) != 2 {
			t.Errorf("without bytes %v: %+v, %v", zeros, f, err)
		}
		for n := range len(bad) {
			size, err := Size(bad[:n])
			if err != io.ErrUnexpectedEOF && (err != nil || size != image.Pt(20, 10)) {
				t.Fatalf("Size of %d bytes = %v, %v", n, size, err)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(encode(f, &gif.GIF{Image: []*image.Paletted{noise(image.Rect(0, 0, 8, 8), 1), noise(image.Rect(2, 2, 5, 5), 2)}, Delay: []int{1, 2}}))
	if data, err := os.ReadFile("../../testdata/edge/transparent.gif"); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		g, err := Parse(file, 20)
		if err != nil {
			return
		}
		if len(g.Frames) == 0 || len(g.Frames) > 20 {
			t.Fatalf("%d frames", len(g.Frames))
		}
		if g.Size.X > 500 || g.Size.Y > 500 {
			return // the caller's limits
		}
		for i := range g.Frames {
			if b := g.Frames[i].Bounds; b.Dx() > 2000 || b.Dy() > 2000 {
				continue
			}
			m, err := g.Frames[i].Decode(g.Size, nil)
			if m == nil {
				t.Fatalf("frame %d: no image, %v", i, err)
			}
			if !m.Rect.In(image.Rectangle{Max: g.Size}) {
				t.Errorf("frame %d: %v outside of a canvas of %v", i, m.Rect, g.Size)
			}
		}
	})
}
