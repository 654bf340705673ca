package resize

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/icc"
	"s3imageserver/resize/jpeg"
	"s3imageserver/resize/look"
	"s3imageserver/resize/options"
	"s3imageserver/resize/palette"
	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
	"s3imageserver/resize/webp"
)

// runTool gives a file to a checker of another project, and fails the test if that
// finds fault with it. Without the checker nothing is tested, except in CI.
func runTool(t *testing.T, body []byte, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Logf("not checked with %s: %v", name, err)
		return ""
	}
	file := filepath.Join(t.TempDir(), "result")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, append(args, file)...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func made(t *testing.T, file []byte, o options.Options) *Result {
	t.Helper()
	result, err := resizeBytes(t, &Resizer{}, file, o)
	if err != nil {
		t.Fatalf("%v: %v", o, err)
	}
	return result
}

// Every format that is written is well-formed for a second decoder.
func TestSecondDecoders(t *testing.T) {
	photo, logo, orbit := readSample(t, "photos/still-life.jpg"), readSample(t, "photos/logo.png"), readSample(t, "photos/orbit.gif")
	for _, o := range []options.Options{{Format: options.JPEG}, {Format: options.JPEG, Progressive: true}, {Format: options.JPEG, Chroma: options.ChromaFull}, {Format: options.JPEG, Strip: options.StripNone}} {
		o.Width = 201
		runTool(t, made(t, photo, o).Body, "djpeg", "-strict", "-outfile", os.DevNull)
	}
	for _, o := range []options.Options{{Format: options.PNG}, {Format: options.PNG, Quality: 60}, {Format: options.PNG, Strip: options.StripNone}, {Format: options.PNG, Profile: options.ProfileKeep}} {
		o.Width = 111
		for _, file := range [][]byte{photo, logo, readSample(t, "edge/16-bit.png"), readSample(t, "edge/p3.jpg")} {
			runTool(t, made(t, file, o).Body, "pngcheck", "-q")
		}
	}
	for _, o := range []options.Options{{Format: options.WebP}, {Format: options.WebP, Lossless: true}, {Format: options.WebP, Strip: options.StripNone}, {Format: options.WebP, Profile: options.ProfileKeep}} {
		o.Width = 111
		for _, file := range [][]byte{photo, logo, orbit, readSample(t, "edge/p3.jpg")} {
			out := runTool(t, made(t, file, o).Body, "webpinfo")
			if strings.Contains(out, "rror") && !strings.Contains(out, "No error") {
				t.Errorf("%v: webpinfo: %s", o, out)
			}
		}
	}
	for _, o := range []options.Options{{Format: options.GIF}, {Format: options.GIF, Quality: 30}} {
		o.Width = 60
		for _, file := range [][]byte{photo, orbit, readSample(t, "edge/transparent.gif")} {
			out := runTool(t, made(t, file, o).Body, "gifsicle", "--info")
			if strings.Contains(out, "warning") || strings.Contains(out, "error") {
				t.Errorf("%v: gifsicle: %s", o, out)
			}
		}
	}
	for _, o := range []options.Options{{}, {Lossless: true}, {Chroma: options.ChromaFull, Quality: 80}} {
		o.Width, o.Format = 90, options.AVIF
		for _, file := range [][]byte{photo, logo} {
			runTool(t, made(t, file, o).Body, "avifdec", "--info")
		}
	}
}

// Lossless results have every pixel.
func TestLossless(t *testing.T) {
	for _, name := range []string{"photos/logo.png", "edge/palette.png", "photos/chart.png"} {
		source := readSample(t, name)
		want := toPNG(t, source, options.Options{Width: 90})
		for _, f := range []options.Format{options.WebP, options.AVIF} {
			r := &Resizer{Limits: Limits{Formats: []options.Format{options.AVIF}}}
			result := made(t, source, options.Options{Width: 90, Format: f, Lossless: true})
			back, err := resizeBytes(t, r, result.Body, options.Options{Format: options.PNG})
			if err != nil {
				t.Fatal(err)
			}
			got, err := png.Decode(bytes.NewReader(back.Body))
			if err != nil {
				t.Fatal(err)
			}
			least := 1000.0
			if f == options.AVIF && !pixel.Opaque(pixel.Normalize(want)) {
				least = 45 // its decoder premultiplies
			}
			if p := picturetest.PSNR(got, want); p < least {
				t.Errorf("%s, lossless %v: PSNR %.1f dB", name, f, p)
			}
		}
	}
}

// Each option of quality changes the file as it says.
func TestQualityOptions(t *testing.T) {
	photo := readSample(t, "photos/still-life.jpg")
	size := func(o options.Options) int { o.Width = 200; return len(made(t, photo, o).Body) }
	for _, f := range []options.Format{options.JPEG, options.WebP, options.PNG, options.GIF, options.AVIF} {
		low, middle, high := size(options.Options{Format: f, Quality: 10}), size(options.Options{Format: f, Quality: 50}), size(options.Options{Format: f, Quality: 100})
		if low >= middle || middle >= high {
			t.Errorf("%v: %d, %d and %d bytes at quality 10, 50 and 100", f, low, middle, high)
		}
	}
	if n := size(options.Options{Format: options.PNG, MaxBytes: 1 << 20}); n != size(options.Options{Format: options.PNG}) {
		t.Errorf("a PNG that is short enough is %d bytes, not whole", n)
	}
	for _, f := range []options.Format{options.JPEG, options.WebP, options.PNG, options.GIF, options.AVIF} {
		for _, most := range []int{9000, 5000} {
			o := options.Options{Format: f, MaxBytes: most}
			if n := size(o); n > most || n < most/3 {
				t.Errorf("%v: %d bytes; want at most %d, and not far below", f, n, most)
			}
		}
	}
	if n, small := size(options.Options{Format: options.JPEG, MaxBytes: 10}), size(options.Options{Format: options.JPEG, Quality: 1}); n != small {
		t.Errorf("a limit that cannot be met: %d bytes; want the %d of quality 1", n, small)
	}
	last := 0
	for _, want := range []options.Similarity{8000, 9000, 9500, 9800} {
		o := options.Options{Width: 200, Format: options.JPEG, AutoQuality: want}
		first := made(t, photo, o)
		again := made(t, photo, o)
		if !bytes.Equal(first.Body, again.Body) {
			t.Errorf("autoq=%v: other bytes the second time", want.Float())
		}
		got, err := png.Decode(bytes.NewReader(made(t, first.Body, options.Options{Format: options.PNG}).Body))
		if err != nil {
			t.Fatal(err)
		}
		exact := toPNG(t, photo, options.Options{Width: 200})
		if s := look.Similarity(look.Luma(pixel.Normalize(exact)), look.Luma(pixel.Normalize(got))); s < want.Float()-0.01 || len(first.Body) <= last {
			t.Errorf("autoq=%v: similarity %.4f in %d bytes, %d for the one below", want.Float(), s, len(first.Body), last)
		}
		last = len(first.Body)
	}
	h, err := jpeg.ReadHeader(bytes.NewReader(made(t, photo, options.Options{Width: 50, Format: options.JPEG, Progressive: true}).Body))
	if err != nil || !h.Progressive {
		t.Errorf("progressive=true: %+v, %v", h, err)
	}
	full := made(t, photo, options.Options{Width: 50, Format: options.JPEG, Chroma: options.ChromaFull})
	m, err := jpeg.Decode(bytes.NewReader(full.Body), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := m.Image.(*image.YCbCr); !ok || c.SubsampleRatio != image.YCbCrSubsampleRatio444 {
		t.Errorf("chroma=444: %T", m.Image)
	}
}

// page and anim choose one frame.
func TestPages(t *testing.T) {
	source := readSample(t, "photos/orbit.gif")
	frames := framesOf(t, source, options.GIF)
	for _, tt := range []struct {
		o    options.Options
		want int
	}{
		{options.Options{Format: options.PNG}, 0}, {options.Options{Format: options.PNG, Page: 1}, 0}, {options.Options{Format: options.PNG, Page: 7}, 6},
		{options.Options{Format: options.PNG, Page: 9999}, len(frames) - 1}, {options.Options{Format: options.GIF, Animation: options.AnimationStill}, 0}, {options.Options{Format: options.GIF, Page: 3}, 2},
	} {
		result := made(t, source, tt.o)
		img, _, err := image.Decode(bytes.NewReader(result.Body))
		if err != nil {
			t.Fatal(err)
		}
		if p := picturetest.PSNR(img, frames[tt.want]); p < 30 {
			t.Errorf("%v: PSNR %.1f dB to frame %d", tt.o, p, tt.want+1)
		}
		if tt.o.Format == options.GIF && len(framesOf(t, result.Body, options.GIF)) != 1 {
			t.Errorf("%v: still an animation", tt.o)
		}
	}
}

// strip says what is left of the metadata, which is never a place.
func TestStrip(t *testing.T) {
	corpus(t)
	source := readCorpus(t, "photos/libavif__dog_exif_extended_xmp_icc.jpg")
	block := exif.Write(exif.Parse(metadataOf(options.JPEG, source).EXIF).Order, []exif.Field{
		{Tag: exif.TagArtist, Kind: 2, Count: 4, Data: []byte("Ann\x00")}, {Tag: exif.TagCopyright, Kind: 2, Count: 9, Data: []byte("(c) 2026\x00")}, {Tag: 0x010f, Kind: 2, Count: 6, Data: []byte("Maker\x00")}, {Tag: 0x8825, Kind: 4, Count: 1, Data: []byte{0, 0, 0, 8}},
	}, []exif.Field{{Tag: 0x829a, Kind: 5, Count: 1, Data: []byte{0, 0, 0, 1, 0, 0, 0, 9}}, {Tag: 0x927c, Kind: 7, Count: 6, Data: []byte("secret")}})
	source = withEXIF(options.JPEG, made(t, source, options.Options{Width: 300, Format: options.JPEG}).Body, block)
	for _, f := range []options.Format{options.JPEG, options.PNG, options.WebP} {
		for strip, want := range map[options.Strip][]string{options.StripAll: nil, options.StripCopyright: {"Ann", "(c) 2026"}, options.StripNone: {"Ann", "(c) 2026", "Maker"}} {
			result := made(t, source, options.Options{Width: 60, Format: f, Strip: strip})
			kept := exif.Parse(metadataOf(f, result.Body).EXIF)
			for _, text := range []string{"Ann", "(c) 2026", "Maker", "secret"} {
				has := bytes.Contains(result.Body, []byte(text))
				if has != contains(want, text) {
					t.Errorf("%v, strip %v: %q in the result is %v", f, strip, text, has)
				}
			}
			if len(kept.GPS) > 0 || bytes.Contains(result.Body, []byte("xmpmeta")) {
				t.Errorf("%v, strip %v: GPS or XMP in the result", f, strip)
			}
			out := runTool(t, result.Body, "exiftool", "-s", "-Artist", "-Copyright", "-ExposureTime", "-GPS*")
			if out != "" && (strings.Contains(out, "Ann") != (strip != options.StripAll) || strings.Contains(out, "1/9") != (strip == options.StripNone) || strings.Contains(out, "GPS")) {
				t.Errorf("%v, strip %v: exiftool says %s", f, strip, out)
			}
		}
	}
	x := exif.Metadata{
		XMP:  []byte(`<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">All mine</rdf:li></rdf:Alt></dc:rights>`),
		IPTC: []byte("Photoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x08\x1c\x02\x50\x00\x03Bob"),
	}
	kept := exif.Parse(x.Keep(false))
	if kept.Text(exif.TagArtist) != "Bob" || kept.Text(exif.TagCopyright) != "All mine" {
		t.Errorf("of XMP and IPTC: %q, %q", kept.Text(exif.TagArtist), kept.Text(exif.TagCopyright))
	}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

// icc=keep carries the profile along where the format has a place for it.
func TestProfileIsKept(t *testing.T) {
	source := readSample(t, "edge/p3.jpg")
	h, err := jpeg.ReadHeader(bytes.NewReader(source))
	if err != nil || h.ICC == nil {
		t.Fatal("the sample has no profile", err)
	}
	file, from := source, options.JPEG
	for _, to := range []options.Format{options.PNG, options.WebP, options.JPEG, options.WebP, options.PNG, options.JPEG} {
		result := made(t, file, options.Options{Width: 40, Format: to, Profile: options.ProfileKeep})
		p, err := codecOf(to).decode(result.Body, Want{Limits: Limits{}.withDefaults()})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(p.ICC, h.ICC) {
			t.Errorf("%v to %v: profile of %d bytes; want the %d of the source", from, to, len(p.ICC), len(h.ICC))
		}
		if out := runTool(t, result.Body, "exiftool", "-s3", "-ICC_Profile:ProfileDescription"); out != "" && strings.TrimSpace(out) != icc.Description(h.ICC) {
			t.Errorf("%v: exiftool calls the profile %q", to, out)
		}
		file, from = result.Body, to
	}
	gif := made(t, source, options.Options{Width: 40, Format: options.GIF, Profile: options.ProfileKeep})
	converted := toPNG(t, source, options.Options{Width: 40})
	got, _, err := image.Decode(bytes.NewReader(gif.Body))
	if err != nil {
		t.Fatal(err)
	}
	if p := picturetest.PSNR(got, converted); p < 30 {
		t.Errorf("to GIF, which has no profiles: PSNR %.1f dB to sRGB", p)
	}
}

// A choice of formats is settled by the picture.
func TestAutoFormats(t *testing.T) {
	photo, opaquePNG, clear, orbit := readSample(t, "photos/still-life.jpg"), readSample(t, "photos/chart.png"), readSample(t, "photos/logo.png"), readSample(t, "photos/orbit.gif")
	alphaWebP := made(t, clear, options.Options{Format: options.WebP, Width: 80}).Body
	tests := []struct {
		name   string
		file   []byte
		format options.Format
		width  int
		want   options.Format
	}{
		{"a photo for everyone", photo, options.AutoJPEG, 50, options.JPEG},
		{"a photo", photo, options.AutoWebP, 50, options.WebP},
		{"a photo as AVIF", photo, options.AutoAVIF, 200, options.AVIF},
		{"a very small photo", photo, options.AutoAVIF, 50, options.WebP},
		{"a large photo", photo, options.AutoAVIF, 0, options.WebP},
		{"a large photo as AVIF", photo, options.AVIF, 0, options.WebP},
		{"a drawing for everyone", opaquePNG, options.AutoJPEG, 50, options.PNG},
		{"transparency for everyone", clear, options.AutoJPEG, 50, options.PNG},
		{"transparent WebP for everyone", alphaWebP, options.AutoJPEG, 50, options.PNG},
		{"an animation for everyone", orbit, options.AutoJPEG, 50, options.GIF},
		{"an animation", orbit, options.AutoWebP, 50, options.WebP},
		{"an animation as AVIF", orbit, options.AutoAVIF, 50, options.WebP},
		{"a frame of an animation as AVIF", orbit, options.AVIF, 50, options.AVIF},
	}
	for _, tt := range tests {
		r := &Resizer{Limits: Limits{AVIFPixels: 40000}}
		result, err := resizeBytes(t, r, tt.file, options.Options{Format: tt.format, Width: tt.width})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got, err := Sniff(result.Body); err != nil || got != tt.want || result.Format != tt.want {
			t.Errorf("%s: %v, %v in the file; want %v", tt.name, result.Format, got, tt.want)
		}
	}
}

// A result is never longer than its source where nothing visible was asked; the
// source goes out without anything that is not picture.
func TestSourceIsSent(t *testing.T) {
	noise := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	for i := range noise.Pix {
		noise.Pix[i] = byte(i*i>>3) | 3
	}
	low := func(f options.Format, q int) []byte {
		var b bytes.Buffer
		if err := codecOf(f).encode(&b, still(noise), Quality{Quality: q}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	block := exif.Write(exif.Parse([]byte("II*\x00\x08\x00\x00\x00\x00\x00")).Order, []exif.Field{{Tag: exif.TagArtist, Kind: 2, Count: 4, Data: []byte("Ann\x00")}}, nil)
	jpg := append(withEXIF(options.JPEG, low(options.JPEG, 5), block), "<script>"...)
	web := withEXIF(options.WebP, low(options.WebP, 1), block)
	bare, ok := withoutMetadata(options.JPEG, low(options.JPEG, 5), false)
	if !ok || len(bare) != len(low(options.JPEG, 5)) {
		t.Fatal("a bare JPEG loses something")
	}
	tests := []struct {
		name string
		file []byte
		o    options.Options
		want []byte // nil: another file
	}{
		{"JPEG to JPEG", jpg, options.Options{Format: options.JPEG}, bare},
		{"JPEG to a choice", jpg, options.Options{Format: options.AutoJPEG}, bare},
		{"JPEG in a box that is larger", jpg, options.Options{Format: options.JPEG, Width: 900, Height: 900}, bare},
		{"JPEG to WebP", jpg, options.Options{Format: options.WebP}, nil},
		{"JPEG made smaller", jpg, options.Options{Format: options.JPEG, Width: 63}, nil},
		{"JPEG that is progressive", jpg, options.Options{Format: options.JPEG, Progressive: true}, nil},
		{"WebP to WebP", web, options.Options{Format: options.WebP}, webp.With(low(options.WebP, 1), 0, nil, nil)},
	}
	for _, tt := range tests {
		result := made(t, tt.file, tt.o)
		if tt.want == nil {
			if bytes.HasPrefix(tt.file, result.Body[:len(result.Body)-2]) {
				t.Errorf("%s: the source", tt.name)
			}
			continue
		}
		if !bytes.Equal(result.Body, tt.want) {
			t.Errorf("%s: %d bytes; want the source without metadata, %d of %d", tt.name, len(result.Body), len(tt.want), len(tt.file))
		}
		if bytes.Contains(result.Body, []byte("script")) || bytes.Contains(result.Body, []byte("Ann")) {
			t.Errorf("%s: metadata in the result", tt.name)
		}
	}
	// One that has to be turned, or whose colours have to be converted, is not.
	for _, name := range []string{"orientation/6.jpg", "edge/p3.jpg"} {
		file := readSample(t, name)
		result := made(t, file, options.Options{Format: options.JPEG, Quality: 100})
		if source, ok := withoutMetadata(options.JPEG, file, false); !ok || bytes.Equal(result.Body, source) {
			t.Errorf("%s: the source", name)
		}
	}
	// A source that breaks off is refused, not sent.
	if _, err := resizeBytes(t, &Resizer{}, jpg[:len(jpg)/2], options.Options{Format: options.JPEG}); err == nil {
		t.Error("half a JPEG was sent")
	}
}

// A palette with alpha comes near to the picture.
func TestQuantizeAlpha(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 120, 80))
	for y := range 80 {
		for x := range 120 {
			m.SetNRGBA(x, y, color.NRGBA{byte(2 * x), byte(3 * y), byte(255 - 2*x), byte(3 * y)})
		}
	}
	for n, least := range map[int]float64{256: 26, 32: 20, 4: 10} {
		got := palette.Quantize(m, n)
		if len(got.Palette) > n {
			t.Errorf("%d colours; want at most %d", len(got.Palette), n)
		}
		if p := picturetest.PSNR(overWhite(got), overWhite(m)); p < least {
			t.Errorf("%d colours: PSNR %.1f dB on white", n, p)
		}
	}
}

// A palette comes near to a photograph, seen sharply and with eyes half closed.
func TestQuantizedPhotograph(t *testing.T) {
	m := pixel.Copy(toPNG(t, readSample(t, "photos/still-life.jpg"), options.Options{Width: 300}))
	half := func(img image.Image) image.Image {
		return scale.Image(pixel.Copy(img), scale.Rect{}, image.Pt(150, 100), scale.Options{})
	}
	for n, least := range map[int][2]float64{256: {37, 44.4}, 32: {29.5, 34}} {
		got := palette.Quantize(m, n)
		if p, q := picturetest.PSNR(got, m), picturetest.PSNR(half(got), half(m)); p < least[0] || q < least[1] {
			t.Errorf("%d colours: PSNR %.2f dB, %.2f dB at half the size; want %v", n, p, q, least)
		}
	}
}

func overWhite(img image.Image) image.Image { return pixel.OnWhite(pixel.Copy(img)) }

// WebP has no room for long sides: it is not chosen for them, and who asks for it
// is told.
func TestLongSides(t *testing.T) {
	var png bytes.Buffer
	if err := encodePNG(&png, still(image.NewNRGBA(image.Rect(0, 0, 17_000, 3))), Quality{}); err != nil {
		t.Fatal(err)
	}
	file := png.Bytes()
	r := &Resizer{Limits: Limits{OutputSide: 20_000}}
	for _, f := range []options.Format{options.AutoWebP, options.AutoAVIF} {
		if result, err := resizeBytes(t, r, file, options.Options{Format: f}); err != nil || result.Format != options.PNG || result.Size != image.Pt(17_000, 3) {
			t.Errorf("%v: %+v, %v; want PNG of 17000 x 3", f, result, err)
		}
	}
	for _, o := range []options.Options{{Format: options.WebP}, {Format: options.WebP, Lossless: true}} {
		if _, err := resizeBytes(t, r, file, o); !errors.Is(err, ErrLimit) {
			t.Errorf("%+v: %v; want ErrLimit", o, err)
		}
	}
	if result, err := resizeBytes(t, r, file, options.Options{Format: options.WebP, Width: 16_000}); err != nil || result.Size.X != 16_000 {
		t.Errorf("made small enough: %+v, %v", result, err)
	}
}
