package resize

import (
	"bytes"
	"image"
	"testing"

	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
)

// Every parameter works on every kind of source into every kind of result: the
// smallest pictures, grey and CMYK, palettes, 16 bits, transparency, animations.
func TestEveryOptionOnEverySource(t *testing.T) {
	sources := []string{
		"edge/1x1.jpg", "edge/1x1.png", "edge/gray.jpg", "edge/gray.png", "edge/cmyk.jpg", "edge/16-bit.png", "edge/palette-1bit.png",
		"edge/transparent.gif", "edge/white-lossless.webp", "edge/p3.jpg", "orientation/6.jpg", "orientation/7.jpg", "photos/garden.webp", "photos/logo.png",
	}
	mark, err := NewOverlay(readSample(t, "photos/logo.png"))
	if err != nil {
		t.Fatal(err)
	}
	r := &Resizer{Watermark: mark, Budget: NewBudget(BudgetConfig{})}
	outputs := []options.Format{options.JPEG, options.PNG, options.WebP, options.GIF}
	n := 0
	for _, p := range options.Params() {
		if p.Example == "" {
			continue
		}
		for _, source := range sources {
			n++
			if testing.Short() && n%3 != 0 {
				continue
			}
			o := parse(p.Example)
			o.Format = outputs[n%len(outputs)]
			file := readSample(t, source)
			result, err := resizeBytes(t, r, file, o)
			if err != nil {
				t.Errorf("%s?%s: %v", source, o, err)
				continue
			}
			config, format, err := image.DecodeConfig(bytes.NewReader(result.Body))
			if err != nil || format != result.Format.String() {
				t.Errorf("%s?%s: %s, %v", source, o, format, err)
			}
			if got := image.Pt(config.Width, config.Height); got != result.Size {
				t.Errorf("%s?%s: the file has %v, the result says %v", source, o, got, result.Size)
			}
		}
	}
	if load := r.Budget.Load(); load.Bytes != 0 {
		t.Errorf("the budget after the work: %+v", load)
	}
}

// A result that would be too large is refused, whichever parameter makes it so,
// and before it is made.
func TestResultsAreBounded(t *testing.T) {
	file := readSample(t, "edge/1x1.png")
	r := &Resizer{Limits: Limits{OutputPixels: 1e6, OutputSide: 2000}}
	for query, ok := range map[string]bool{
		"padding=400":                         true,
		"padding=600":                         false,
		"padding=0,3000,0,0":                  false,
		"w=900&h=900&fit=pad":                 true,
		"w=1900&h=900&fit=pad":                false,
		"w=1900&h=900&enlarge=true":           false,
		"w=800&h=800&enlarge=true&rot=45":     true,
		"minw=1500":                           false,
		"w=300&h=300&dpr=3&fit=pad":           true,
		"w=300&h=300&dpr=4&fit=pad":           false,
		"w=300&dpr=8&padding=200":             false,
		"zoom=10&ar=1:1&enlarge=true&minh=90": true,
	} {
		o := parse(query)
		o.Format = options.PNG
		if _, err := resizeBytes(t, r, file, o); (err == nil) != ok {
			t.Errorf("%s: %v; want accepted %v", query, err, ok)
		}
	}
}

// Animations go through every kind of step, frame by frame, with all frames of
// one size.
func TestStepsOnEveryFrame(t *testing.T) {
	file := readSample(t, "photos/orbit.gif")
	mark, err := NewOverlay(readSample(t, "photos/logo.png"))
	if err != nil {
		t.Fatal(err)
	}
	source := framesOf(t, file, options.GIF)
	for _, query := range []string{"w=60", "w=60&blur=1", "w=60&rot=20", "w=60&rot=90&flip=h", "w=30&h=60&g=smart", "trim=20", "w=60&padding=3&bg=auto", "w=60&radius=max&border=2,fff&wm=logo&txt=a", "w=60&gray=1"} {
		o := parse(query)
		o.Format = options.WebP
		result, err := resizeBytes(t, &Resizer{Watermark: mark}, file, o)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		frames := framesOf(t, result.Body, options.WebP)
		if len(frames) != len(source) {
			t.Errorf("%s: %d frames; want %d", query, len(frames), len(source))
			continue
		}
		for i, f := range frames {
			if f.Bounds().Size() != result.Size {
				t.Errorf("%s: frame %d has %v; want %v", query, i, f.Bounds().Size(), result.Size)
			}
		}
		if picturetest.PSNR(frames[0], frames[len(frames)/2]) > 60 {
			t.Errorf("%s: frames are alike", query)
		}
	}
}
