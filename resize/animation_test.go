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
		before := toNRGBA(canvas)
		draw.Draw(canvas, m.Rect, m, m.Rect.Min, draw.Over)
		frames = append(frames, toNRGBA(canvas))
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
			want = append(want, toNRGBA(frame.Image))
			delays = append(delays, int(frame.Delay/(10*time.Millisecond)))
		}
		result := made(t, source, Options{Format: GIF})
		got, gotDelays := composed(t, result.Body)
		if len(got) != len(want) {
			t.Errorf("%s: %d frames; want %d", name, len(got), len(want))
			continue
		}
		for i := range got {
			if d := gifDelay(time.Duration(delays[i]) * 10 * time.Millisecond); gotDelays[i] != d {
				t.Errorf("%s, frame %d: delay %d; want %d", name, i, gotDelays[i], d)
			}
			if p := psnr(got[i], withBinaryAlpha(toNRGBA(want[i]))); p < 32 {
				t.Errorf("%s, frame %d: PSNR %.1f dB", name, i, p)
			}
		}
		info := run(t, result.Body, "gifsicle", "--info")
		if info != "" {
			checked++
			if n := strings.Count(info, "+ image #"); n != len(want) {
				t.Errorf("%s: gifsicle counts %d frames; want %d", name, n, len(want))
			}
			if m := gifsicleLoops.FindStringSubmatch(info); p.Loops > 1 && (m == nil || m[1] != strconv.Itoa(p.Loops-1)) || p.Loops == 0 && !strings.Contains(info, "loop forever") {
				t.Errorf("%s: %d plays; gifsicle says %v", name, p.Loops, m)
			}
		}
		web := made(t, source, Options{Format: WebP, Lossless: true})
		for i, img := range framesOf(t, web.Body, WebP) {
			if p := psnr(img, want[i]); p < 1000 {
				t.Errorf("%s, frame %d of lossless WebP: PSNR %.1f dB", name, i, p)
			}
		}
		if info := run(t, web.Body, "webpinfo"); info != "" {
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
