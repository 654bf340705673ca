package resize

import (
	"bytes"
	"fmt"
	"image"
	"os"
	"runtime"
	"strings"
	"testing"

	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
)

// A measured is what decoding was admitted with, and what it took.
type measured struct{ admitted, real int64 }

// measureDecoding decodes a file as a job does. What it takes is the memory of the
// sandbox, if there is one, and all that was allocated meanwhile.
func measureDecoding(t *testing.T, file []byte, o options.Options) (m measured, err error) {
	t.Helper()
	o.Format = options.PNG
	j := &job{admission: everything.admission(o), file: file}
	if err := j.sniff(file); err != nil {
		return m, err
	}
	if err := j.inspect(file); err != nil {
		return m, err
	}
	m.admitted = j.codec.memory(j.info, j.want)
	if j.info.linear != 0 {
		m.admitted += int64(len(file)) // a copy in the sandbox
	}
	j.want.grow = func(n int64) error { m.admitted += n; return nil }
	var linear int64
	j.want.ran = func(n int64) { linear = max(linear, n) }
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p, err := j.decode()
	if err == nil {
		_, err = p.first()
	}
	runtime.ReadMemStats(&after)
	m.real = linear + int64(after.TotalAlloc-before.TotalAlloc)
	return m, err
}

// check reports what was admitted too low, or more than a quarter too high. What
// small pictures take beside their pixels does not count.
func (m measured) check(t *testing.T, name string) {
	t.Helper()
	const small = 6 << 20
	if m.admitted+1<<20 < m.real {
		t.Errorf("%s: admitted with %.1f MB, takes %.1f MB", name, float64(m.admitted)/(1<<20), float64(m.real)/(1<<20))
	}
	if m.admitted > m.real+m.real/4+small {
		t.Errorf("%s: admitted with %.1f MB, takes only %.1f MB", name, float64(m.admitted)/(1<<20), float64(m.real)/(1<<20))
	}
}

// What decoders in a sandbox and those of TIFF, BMP and ICO are admitted with is
// what they take, of whole pictures and of such that are cut while they decode.
func TestEstimates(t *testing.T) {
	Start([]options.Format{options.AVIF, options.HEIC, options.JXL})
	files := map[string][]byte{}
	for _, name := range []string{
		"plain-12mp.avif", "plain-12mp-10bit.avif", "plain-12mp.heic", "plain-12mp.jxl", "lossless.jxl", "squeezed.jxl", "alpha.jxl",
		"photo.avif", "photo.heic", "photo-alpha.heic", "photo.jxl", "scanner-profile.jxl", "map-of-8-bits.tif",
	} {
		if !testing.Short() || !strings.Contains(name, "12mp") {
			files[name] = readOwn(t, name)
		}
	}
	big := picturetest.Noisy(image.Pt(1200, 900), true)
	for name, f := range map[string]options.Format{"own.avif": options.AVIF, "own.tiff": options.TIFF, "own.bmp": options.BMP} {
		var b bytes.Buffer
		if err := codecOf(f).encode(&b, still(big), Quality{}); err != nil {
			t.Fatal(err)
		}
		files[name] = b.Bytes()
	}
	files["bitmap.ico"], files["png.ico"] = icoFile(256, 32), icoFile(900, 0)
	files["deep.tiff"] = picturetest.DeflatedTIFF(t, 1200, 900, 4, 16, 900)
	files["strips.tiff"] = picturetest.DeflatedTIFF(t, 1200, 900, 3, 8, 16)
	switch _, err := os.Stat(corpusFolder); {
	case testing.Short():
		t.Log("not tested with 12 megapixels and the corpus of pictures: short mode")
	case err != nil:
		t.Log("not tested with the corpus of pictures: ", err)
	default:
		for _, f := range corpus(t) {
			for _, folder := range []string{"avif/", "heic/", "tiff/", "bmp/"} {
				if strings.HasPrefix(f.name, folder) {
					files[f.name] = readCorpus(t, f.name)
				}
			}
		}
	}
	decoded := 0
	for name, file := range files {
		for _, o := range []options.Options{{}, {Width: 50}} {
			m, err := measureDecoding(t, file, o)
			if err != nil {
				if !strings.Contains(name, "/") {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			decoded++
			m.check(t, fmt.Sprintf("%s, width %d", name, o.Width))
		}
	}
	t.Logf("%d pictures decoded", decoded)
}

// Pictures that telephones and cameras take fit into a budget of 512 MB, and
// those of 12 megapixels into 300 MB when they are cut.
func TestPhotosFitTheBudget(t *testing.T) {
	names := []string{"plain-12mp.heic", "plain-12mp.avif", "plain-12mp-10bit.avif", "plain-12mp.jxl"}
	if testing.Short() {
		names = names[:1]
	}
	for _, name := range names {
		file := readOwn(t, name)
		for _, tt := range []struct {
			o      options.Options
			budget int64
		}{{options.Options{Width: 400, Format: options.JPEG}, 300 << 20}, {options.Options{Format: options.WebP}, 512 << 20}} {
			r := *everything
			r.Budget = NewBudget(BudgetConfig{Bytes: tt.budget})
			result, err := resizeBytes(t, &r, file, tt.o)
			if err != nil {
				t.Errorf("%s as %v in %d MB: %v", name, tt.o, tt.budget>>20, err)
				continue
			}
			if want := 4000; tt.o.Width == 0 && result.Size.X != want {
				t.Errorf("%s: %v; want %d wide", name, result.Size, want)
			}
			if l := r.Budget.Load(); l.Bytes != 0 {
				t.Errorf("%s: %d bytes of the budget are not given back", name, l.Bytes)
			}
		}
	}
}
