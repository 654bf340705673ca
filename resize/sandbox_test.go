package resize

import (
	"bytes"
	"errors"
	"image"
	"os"
	"runtime"
	"strings"
	"testing"

	"s3imageserver/resize/icc"
	"s3imageserver/resize/jxl"
	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
)

func readOwn(t testing.TB, name string) []byte {
	t.Helper()
	return picturetest.File(t, "testdata/"+name)
}

// everything reads all formats.
var everything = &Resizer{Limits: Limits{Formats: []options.Format{options.BMP, options.TIFF, options.AVIF, options.HEIC, options.JXL, options.ICO}}}

func toPNGBy(t *testing.T, r *Resizer, file []byte, o options.Options) image.Image {
	t.Helper()
	o.Format = options.PNG
	result, err := resizeBytes(t, r, file, o)
	if err != nil {
		t.Fatal(err)
	}
	img, _, err := image.Decode(bytes.NewReader(result.Body))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// Files of other encoders come out as the pictures that they were made of, up
// to the corner that the sandbox's allocator writes over.
func TestHEICAndJPEGXL(t *testing.T) {
	want := toPNG(t, readOwn(t, "photo.png"), options.Options{})
	for name, least := range map[string]float64{"photo.avif": 33, "photo.heic": 33, "photo.jxl": 33} {
		got := toPNGBy(t, everything, readOwn(t, name), options.Options{})
		if p := picturetest.PSNR(got, want); p < least {
			t.Errorf("%s: PSNR %.1f dB", name, p)
		}
		corner := image.Rect(0, 0, 24, 1)
		crop := func(img image.Image) image.Image {
			return img.(interface {
				SubImage(image.Rectangle) image.Image
			}).SubImage(corner)
		}
		if p := picturetest.PSNR(crop(got), crop(want)); p < 30 {
			t.Errorf("%s: PSNR %.1f dB in the first pixels", name, p)
		}
	}
}

// The colours that a JPEG XL file names by number are converted.
func TestJPEGXLColours(t *testing.T) {
	plain := toPNG(t, readOwn(t, "photo.png"), options.Options{})
	want := convertedBy(t, plain, icc.Numbers(12, 13))
	got := toPNGBy(t, everything, readOwn(t, "photo-p3.jxl"), options.Options{})
	if p, q := picturetest.PSNR(got, want), picturetest.PSNR(got, plain); p < 30 || p < q+1 {
		t.Errorf("PSNR %.1f dB to the converted colours, %.1f dB to the others", p, q)
	}
}

// What the headers say is what the decoders make.
func TestHeadersOfSandboxes(t *testing.T) {
	files := map[string][]byte{}
	for _, name := range []string{"photo.heic", "photo.jxl", "photo-p3.jxl"} {
		files[name] = readOwn(t, name)
	}
	files["own.avif"] = made(t, readSample(t, "photos/logo.png"), options.Options{Width: 77, Format: options.AVIF}).Body
	if _, err := os.Stat(corpusFolder); err == nil {
		for _, f := range corpus(t) {
			if strings.HasPrefix(f.name, "avif/") || strings.HasPrefix(f.name, "heic/") {
				files[f.name] = readCorpus(t, f.name)
			}
		}
	}
	decoded := 0
	for name, file := range files {
		f, err := Sniff(file)
		if err != nil {
			continue
		}
		info, err := codecOf(f).config(file)
		if err != nil {
			continue
		}
		p, err := codecOf(f).decode(file, Want{Limits: Limits{}.withDefaults()})
		if err != nil {
			continue
		}
		decoded++
		if p.Source != info.Size {
			t.Errorf("%s: the header says %v, the decoder %v", name, info.Size, p.Source)
		}
		if info.coded != 0 && info.coded < area(p.Source) {
			t.Errorf("%s: %d pixels counted for, %v decoded", name, info.coded, p.Source)
		}
	}
	if decoded < 4 {
		t.Errorf("only %d files decoded", decoded)
	}
	t.Logf("%d files decoded", decoded)
}

// A picture is the same after a hostile one was decoded, and two at once do
// not meet.
func TestSandboxesShareNothing(t *testing.T) {
	file := made(t, readSample(t, "photos/logo.png"), options.Options{Width: 60, Format: options.AVIF}).Body
	want := made2(t, everything, file)
	broken := bytes.Clone(file)
	for i := len(broken) / 2; i < len(broken); i++ {
		broken[i] ^= byte(i)
	}
	for range 3 {
		_, _ = resizeBytes(t, everything, broken, options.Options{Format: options.PNG}) // an error or a picture of noise
		if got := made2(t, everything, file); !bytes.Equal(got, want) {
			t.Fatal("another picture after a hostile one")
		}
	}
	results := make(chan []byte)
	for range 2 {
		go func() {
			r, err := everything.Resize(t.Context(), Source{Body: bytes.NewReader(file), Size: int64(len(file))}, options.Options{Format: options.PNG})
			if err != nil {
				results <- nil
				return
			}
			results <- r.Body
		}()
	}
	for range 2 {
		if got := <-results; !bytes.Equal(got, want) {
			t.Error("another picture beside another one")
		}
	}
}

func made2(t *testing.T, r *Resizer, file []byte) []byte {
	t.Helper()
	result, err := resizeBytes(t, r, file, options.Options{Format: options.PNG})
	if err != nil {
		t.Fatal(err)
	}
	return result.Body
}

// Formats that the configuration does not name are not read.
func TestOptIn(t *testing.T) {
	for name, file := range map[string][]byte{"HEIC": readOwn(t, "photo.heic"), "JPEG XL": readOwn(t, "photo.jxl"), "AVIF": made(t, readSample(t, "photos/logo.png"), options.Options{Width: 8, Format: options.AVIF}).Body, "ICO": icoFile(8, 32)} {
		if _, err := resizeBytes(t, &Resizer{}, file, options.Options{Format: options.PNG}); !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v; want ErrUnsupported", name, err)
		}
	}
}

// Broken files of these formats, and lies about their size, cost nothing.
func TestHostileSandboxes(t *testing.T) {
	huge := bytes.Clone(made(t, readSample(t, "photos/logo.png"), options.Options{Width: 64, Format: options.AVIF}).Body)
	at := bytes.Index(huge, []byte("ispe"))
	copy(huge[at+8:], "\x00\x01\x00\x00\x00\x01\x00\x00") // 65536 x 65536
	hugeXL := append([]byte(jxl.Codestream), 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	files := map[string][]byte{"a huge AVIF": huge, "a huge JPEG XL": hugeXL}
	if _, err := os.Stat(corpusFolder); err == nil {
		for _, f := range corpus(t) {
			for _, ext := range []string{".avif", ".heic", ".heif", ".ico", ".jxl"} {
				if strings.HasPrefix(f.name, "broken/") && strings.HasSuffix(f.name, ext) {
					files[f.name] = readCorpus(t, f.name)
				}
			}
		}
	}
	Start([]options.Format{options.AVIF, options.HEIC, options.JXL})
	var before, after runtime.MemStats
	for name, file := range files {
		runtime.ReadMemStats(&before)
		_, err := resizeBytes(t, everything, file, options.Options{Width: 50, Format: options.PNG})
		runtime.ReadMemStats(&after)
		if err != nil && errorKind(err) == "" {
			t.Errorf("%s: undocumented error %v", name, err)
		}
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
			t.Errorf("%s: %d MB allocated, and %v", name, grown>>20, err)
		}
	}
	for _, name := range []string{"a huge AVIF", "a huge JPEG XL"} {
		if _, err := resizeBytes(t, everything, files[name], options.Options{Width: 50, Format: options.PNG}); !errors.Is(err, ErrLimit) {
			t.Errorf("%s: %v; want ErrLimit", name, err)
		}
	}
}
