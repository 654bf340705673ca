package resize

import (
	"bufio"
	"bytes"
	"errors"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "golang.org/x/image/webp"

	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
)

const corpusFolder = "../../shared/corpus"

type corpusFile struct{ name, goDecode string }

// corpus returns the files of the manifest, or skips the test where the corpus
// is not there.
func corpus(t testing.TB) []corpusFile {
	t.Helper()
	f, err := os.Open(filepath.Join(corpusFolder, "MANIFEST.tsv"))
	if err != nil {
		t.Skip("not tested with the corpus of pictures: ", err)
	}
	defer f.Close()
	var files []corpusFile
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		fields := strings.Split(s.Text(), "\t")
		if len(fields) < 6 || fields[0] == "file" || strings.Contains(fields[0], "/ref/") {
			continue
		}
		files = append(files, corpusFile{fields[0], fields[5]})
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return files
}

func readCorpus(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(corpusFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func resizeBytes(t testing.TB, r *Resizer, data []byte, o options.Options) (*Result, error) {
	t.Helper()
	from, _ := Sniff(data)                  // what is none needs no preparation
	Start([]options.Format{from, o.Format}) // so that work is not timed with it: under the race detector it takes long
	patient := *r
	if patient.Limits.Time == 0 {
		patient.Limits.Time = 10 * time.Minute // on a machine of any speed
	}
	return patient.Resize(t.Context(), Source{Body: bytes.NewReader(data), Size: int64(len(data))}, o)
}

// Every file of the corpus becomes a picture of the asked type that decodes,
// or one of the documented errors; never a panic.
func TestCorpus(t *testing.T) {
	files := corpus(t)
	r := &Resizer{Limits: Limits{Formats: []options.Format{options.BMP, options.TIFF}}, Quality: Quality{WebPMethod: 0}}
	operations := []options.Options{
		{Width: 64, Height: 48, Format: options.JPEG},
		{Width: 50, Fit: options.Contain, Format: options.PNG},
		{Height: 40, Format: options.WebP},
		{Width: 30, Height: 200, Format: options.GIF},
	}
	var slowest time.Duration
	pictures, refused := 0, map[string]int{}
	for i, f := range files {
		if testing.Short() && i%4 != 0 {
			continue
		}
		data := readCorpus(t, f.name)
		for _, o := range operations {
			start := time.Now()
			result, err := resizeBytes(t, r, data, o)
			if d := time.Since(start); d > slowest {
				slowest = d
				t.Logf("slowest so far: %v for %s to %v", d, f.name, o)
			}
			if err != nil {
				kind := errorKind(err)
				refused[kind]++
				if kind == "" {
					t.Errorf("%s to %v: undocumented error %v", f.name, o, err)
				}
				folder, _, _ := strings.Cut(f.name, "/")
				if f.goDecode == "ok" && folder != "broken" && folder != "tiff" && folder != "bmp" {
					t.Errorf("%s to %v: %v; the plain Go chain decodes it", f.name, o, err)
				}
				continue
			}
			pictures++
			img, format, err := image.Decode(bytes.NewReader(result.Body))
			if errors.Is(err, image.ErrFormat) || (err != nil && o.Format == options.WebP) {
				// x/image/webp reads no animations: our own reader does.
				var p *Picture
				if p, err = decodeWebP(result.Body, Want{Limits: Limits{}.withDefaults()}); err == nil {
					img, err = p.first()
					format = "webp"
				}
			}
			if err != nil {
				t.Errorf("%s to %v: the result does not decode: %v", f.name, o, err)
				continue
			}
			if format != o.Format.String() || img.Bounds().Size() != result.Size {
				t.Errorf("%s to %v: got %s of %v; want %v of %v", f.name, o, format, img.Bounds().Size(), o.Format, result.Size)
			}
		}
	}
	t.Logf("%d pictures, refused: %v", pictures, refused)
}

func errorKind(err error) string {
	for name, kind := range map[string]error{"not a picture": ErrNotPicture, "unsupported": ErrUnsupported, "malformed": ErrMalformed, "limit": ErrLimit} {
		if errors.Is(err, kind) {
			return name
		}
	}
	return ""
}

// Lossless sources must give exactly the pixels of their references.
func TestCorpusReferences(t *testing.T) {
	corpus(t)
	tests := []struct {
		folder    string
		reference func(name string) string
		psnr      float64 // least; 0 means exact
		skip      map[string]string
	}{
		{"gif", func(n string) string { return n + ".png" }, 0, nil},
		{"webp", func(n string) string { return strings.TrimSuffix(n, ".webp") + ".png" }, 38, nil},
		{"jpeg", func(n string) string { return strings.TrimSuffix(n, filepath.Ext(n)) + ".png" }, 35, map[string]string{
			"jpeg-decoder__jpg-cmyk-1.jpg": "the reference converts CMYK by another formula",
			"jpeg-decoder__jpg-cmyk-2.jpg": "the reference converts CMYK by another formula",

			"jpeg-decoder__jpg-size-3x3.jpg": "the reference repeats chroma of pictures this narrow",
			"jpeg-decoder__jpg-size-4x4.jpg": "the reference repeats chroma of pictures this narrow",

			"jpeg-decoder__jpeg_lossless_sel1.jpg":  "lossless JPEG is not read",
			"jpeg-decoder__jpeg_lossless_sel4.jpg":  "lossless JPEG is not read",
			"jpeg-decoder__partial_progressive.jpg": "a truncated file is refused",
		}},
	}
	for _, tt := range tests {
		compared := 0
		for _, f := range corpus(t) {
			name := filepath.Base(f.name)
			if filepath.Dir(f.name) != tt.folder {
				continue
			}
			ref, err := os.Open(filepath.Join(corpusFolder, tt.folder, "ref", tt.reference(name)))
			if err != nil {
				continue
			}
			want, err := png.Decode(ref)
			ref.Close()
			if err != nil {
				t.Fatal(err)
			}
			if why := tt.skip[name]; why != "" {
				t.Logf("%s not compared: %s", f.name, why)
				continue
			}
			result, err := resizeBytes(t, &Resizer{}, readCorpus(t, f.name), options.Options{Format: options.PNG})
			if err != nil {
				t.Errorf("%s: %v", f.name, err)
				continue
			}
			got, err := png.Decode(bytes.NewReader(result.Body))
			if err != nil {
				t.Fatal(err)
			}
			compared++
			if p := picturetest.PSNR(got, want); p < tt.psnr || (tt.psnr == 0 && !math.IsInf(p, 1)) {
				t.Errorf("%s: PSNR %.1f dB against its reference", f.name, p)
			}
		}
		if compared == 0 {
			t.Errorf("no references in %s", tt.folder)
		}
		t.Logf("%s: %d files compared with references", tt.folder, compared)
	}
}
