package resize

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	stdgif "image/gif"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"s3imageserver/resize/options"
	"s3imageserver/resize/paint"
	"s3imageserver/resize/palette"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/webp"
)

// composed is the slow twin of our own reader: the frames of a GIF drawn one
// over the other, by the standard library.
func composed(t *testing.T, file []byte) (frames []image.Image, delays []int) {
	t.Helper()
	g, err := stdgif.DecodeAll(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	canvas := image.NewNRGBA(image.Rect(0, 0, g.Config.Width, g.Config.Height))
	for i, m := range g.Image {
		before := pixel.Copy(canvas)
		draw.Draw(canvas, m.Rect, m, m.Rect.Min, draw.Over)
		frames = append(frames, pixel.Copy(canvas))
		delays = append(delays, g.Delay[i])
		switch g.Disposal[i] {
		case stdgif.DisposalBackground:
			draw.Draw(canvas, m.Rect, image.NewUniform(color.NRGBA{}), image.Point{}, draw.Src)
		case stdgif.DisposalPrevious:
			canvas = before
		}
	}
	return frames, delays
}

var (
	webpDuration  = regexp.MustCompile(`Duration: ([0-9]+)`)
	webpLoops     = regexp.MustCompile(`Loop count *: ([0-9]+)`)
	gifsicleLoops = regexp.MustCompile(`loop count ([0-9]+)`)
)

// Frames, delays and loops of all animations of the corpus, whatever their
// offsets and disposals, survive to GIF and WebP, as other decoders see it.
func TestCorpusAnimations(t *testing.T) {
	files := corpus(t)
	animations, checked := 0, 0
	for _, f := range files {
		name := filepath.Base(f.name)
		if filepath.Dir(f.name) != "gif" {
			continue
		}
		source := readCorpus(t, f.name)
		p, err := decodeGIF(source, Want{Limits: Limits{}.withDefaults()})
		if err != nil || p.Count < 2 || p.Count > 60 || area(p.Source)*int64(p.Count) > 5e6 {
			continue
		}
		if testing.Short() && animations%3 != 0 {
			animations++
			continue
		}
		animations++
		var want []image.Image
		var delays []int
		for frame, err := range p.Frames {
			if err != nil {
				t.Fatal(name, err)
			}
			want = append(want, pixel.Copy(frame.Image))
			delays = append(delays, int(frame.Delay/(10*time.Millisecond)))
		}
		result := made(t, source, options.Options{Format: options.GIF})
		got, gotDelays := composed(t, result.Body)
		if len(got) != len(want) {
			t.Errorf("%s: %d frames; want %d", name, len(got), len(want))
			continue
		}
		for i := range got {
			if d := gifDelay(time.Duration(delays[i]) * 10 * time.Millisecond); gotDelays[i] != d {
				t.Errorf("%s, frame %d: delay %d; want %d", name, i, gotDelays[i], d)
			}
			if p := picturetest.PSNR(got[i], palette.BinaryAlpha(pixel.Copy(want[i]))); p < 32 {
				t.Errorf("%s, frame %d: PSNR %.1f dB", name, i, p)
			}
		}
		info := runTool(t, result.Body, "gifsicle", "--info")
		if info != "" {
			checked++
			if n := strings.Count(info, "+ image #"); n != len(want) {
				t.Errorf("%s: gifsicle counts %d frames; want %d", name, n, len(want))
			}
			if m := gifsicleLoops.FindStringSubmatch(info); p.Loops > 1 && (m == nil || m[1] != strconv.Itoa(p.Loops-1)) || p.Loops == 0 && !strings.Contains(info, "loop forever") {
				t.Errorf("%s: %d plays; gifsicle says %v", name, p.Loops, m)
			}
		}
		web := made(t, source, options.Options{Format: options.WebP, Lossless: true})
		for i, img := range framesOf(t, web.Body, options.WebP) {
			if p := picturetest.PSNR(img, want[i]); p < 1000 {
				t.Errorf("%s, frame %d of lossless WebP: PSNR %.1f dB", name, i, p)
			}
		}
		if info := runTool(t, web.Body, "webpinfo"); info != "" {
			durations := webpDuration.FindAllStringSubmatch(info, -1)
			if len(durations) != len(want) {
				t.Errorf("%s: webpinfo counts %d frames; want %d", name, len(durations), len(want))
				continue
			}
			for i, m := range durations {
				if m[1] != strconv.Itoa(10*delays[i]) {
					t.Errorf("%s, frame %d: webpinfo says %s ms; want %d", name, i, m[1], 10*delays[i])
				}
			}
			if m := webpLoops.FindStringSubmatch(info); m == nil || m[1] != strconv.Itoa(p.Loops) {
				t.Errorf("%s: %d plays; webpinfo says %v", name, p.Loops, m)
			}
		}
	}
	if animations == 0 {
		t.Error("no animations")
	}
	t.Logf("%d animations, %d checked by gifsicle", animations, checked)
}

// A frame has the chroma that the same data has as a still picture.
func TestChromaOfAnimatedWebP(t *testing.T) {
	colours := image.NewNRGBA(image.Rect(0, 0, 61, 47))
	for i := range colours.Rect.Dx() * colours.Rect.Dy() {
		c := [][4]byte{{220, 20, 30, 255}, {10, 60, 200, 255}, {20, 180, 40, 255}}[(i%61/7+i/61/5)%3]
		copy(colours.Pix[4*i:], c[:])
	}
	clear := &image.NRGBA{Pix: bytes.Clone(colours.Pix), Stride: colours.Stride, Rect: colours.Rect}
	for i := 3; i < len(clear.Pix); i += 8 {
		clear.Pix[i] = 128
	}
	for _, m := range []*image.NRGBA{colours, clear} {
		other := image.NewNRGBA(m.Rect)
		p := &Picture{Count: 2, Scale: 1, Source: m.Rect.Size(), Frames: func(yield func(Frame, error) bool) {
			_ = yield(Frame{Image: m}, nil) && yield(Frame{Image: other}, nil)
		}}
		var file bytes.Buffer
		if err := encodeWebP(&file, p, Quality{Quality: 90}); err != nil {
			t.Fatal(err)
		}
		chunks, _, err := webpImageChunks(m, Quality{Quality: 90})
		if err != nil {
			t.Fatal(err)
		}
		if string(chunks[:4]) == "ALPH" {
			chunks = append(webp.VP8X(webp.FlagAlpha, m.Rect.Size()), chunks...)
		}
		got := pixel.Copy(toPNG(t, file.Bytes(), options.Options{Animation: options.AnimationStill}))
		want := pixel.Copy(toPNG(t, webp.File(chunks), options.Options{}))
		if picturetest.PSNR(got, want) < 60 {
			t.Errorf("the first frame is not as the still picture: PSNR %.1f dB", picturetest.PSNR(got, want))
		}
	}
}

// Frames are put down and cleared pixel by pixel, inside of the canvas and across
// its edges.
func TestCanvasOfFrames(t *testing.T) {
	size := image.Pt(20, 15)
	frame := image.NewNRGBA(image.Rect(0, 0, 9, 8))
	for i := range frame.Pix {
		frame.Pix[i] = byte(i*i>>2 - i/9*4) // of many an alpha, 0 too
	}
	for _, at := range []image.Point{{0, 0}, {4, 3}, {15, 10}, {-3, -2}, {30, 2}} {
		got, want := paint.NewCanvas(size), image.NewNRGBA(image.Rectangle{Max: size})
		for i := range got.Pix {
			got.Pix[i], want.Pix[i] = byte(i), byte(i)
		}
		got.Replace(frame, at)
		for y := range frame.Rect.Dy() {
			for x := range frame.Rect.Dx() {
				c := frame.NRGBAAt(x, y)
				if c.A == 0 {
					c = color.NRGBA{}
				}
				if p := at.Add(image.Pt(x, y)); p.In(want.Rect) {
					want.SetNRGBA(p.X, p.Y, c)
				}
			}
		}
		if !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("a frame at %v: not as pixel by pixel", at)
		}
		got.Clear(frame.Rect.Add(at))
		draw.Draw(want, frame.Rect.Add(at), image.Transparent, image.Point{}, draw.Src)
		if !bytes.Equal(got.Pix, want.Pix) {
			t.Errorf("the place at %v: not cleared", at)
		}
	}
}
