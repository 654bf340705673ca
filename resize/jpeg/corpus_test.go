package jpeg

import (
	"bytes"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// corpus is the folder of test pictures that lies beside the repository.
const corpus = "../../../shared/corpus"

type file struct {
	name string // with its folder
	data []byte
}

// files returns the JPEG files of the given folders of the corpus. It skips
// the test if there is no corpus.
func files(t testing.TB, folders ...string) []file {
	t.Helper()
	fs := corpusFiles(folders...)
	if len(fs) == 0 {
		t.Skip("no corpus: real pictures are not tested")
	}
	return fs
}

func corpusFiles(folders ...string) []file {
	var fs []file
	for _, folder := range folders {
		names, _ := filepath.Glob(filepath.Join(corpus, folder, "*.jp*g"))
		for _, name := range names {
			if data, err := os.ReadFile(name); err == nil {
				fs = append(fs, file{folder + "/" + filepath.Base(name), data})
			}
		}
	}
	return fs
}

// small returns the files of at most n pixels, which keeps tests short.
func small(fs []file, n int) []file {
	var out []file
	for _, f := range fs {
		if h, err := ReadHeader(bytes.NewReader(f.data)); err == nil && float64(h.Width)*float64(h.Height) <= float64(n) {
			out = append(out, f)
		}
	}
	return out
}

// A diff sums up how two pictures differ.
type diff struct{ samples, differing, max int }

func (d *diff) add(a, b byte) {
	d.samples++
	if a != b {
		d.differing++
		d.max = max(d.max, int(a)-int(b), int(b)-int(a))
	}
}

func (d *diff) planes(a []byte, aStride int, b []byte, bStride int, width, height int) {
	for y := range height {
		for x := range width {
			d.add(a[y*aStride+x], b[y*bStride+x])
		}
	}
}

// compare compares the samples, not the colours. It reports whether both are
// of a kind and size.
func (d *diff) compare(a, b image.Image) bool {
	if a.Bounds().Size() != b.Bounds().Size() {
		return false
	}
	w, h := a.Bounds().Dx(), a.Bounds().Dy()
	switch a := a.(type) {
	case *image.Gray:
		b, ok := b.(*image.Gray)
		if ok {
			d.planes(a.Pix, a.Stride, b.Pix, b.Stride, w, h)
		}
		return ok
	case *image.YCbCr:
		b, ok := b.(*image.YCbCr)
		if !ok || a.SubsampleRatio != b.SubsampleRatio {
			return false
		}
		last := image.Pt(w-1, h-1)
		o := a.COffset(last.X, last.Y)
		cw, ch := o%a.CStride+1, o/a.CStride+1
		d.planes(a.Y, a.YStride, b.Y, b.YStride, w, h)
		d.planes(a.Cb, a.CStride, b.Cb, b.CStride, cw, ch)
		d.planes(a.Cr, a.CStride, b.Cr, b.CStride, cw, ch)
		return true
	case *image.RGBA:
		b, ok := b.(*image.RGBA)
		if ok {
			d.planes(a.Pix, a.Stride, b.Pix, b.Stride, 4*w, h)
		}
		return ok
	case *image.CMYK:
		b, ok := b.(*image.CMYK)
		if ok {
			d.planes(a.Pix, a.Stride, b.Pix, b.Stride, 4*w, h)
		}
		return ok
	}
	return false
}

// stricter are the errors for files that image/jpeg takes.
var stricter = map[string]bool{
	errNoQuant.Error():                          true,
	FormatError("width is 0").Error():           true,
	FormatError("no scan").Error():              true,
	"jpeg: limit exceeded: more than 100 scans": true,
}

func TestFullSizeEqualsImageJPEG(t *testing.T) {
	var total diff
	for _, f := range files(t, "jpeg", "photos", "broken") {
		h, err := ReadHeader(bytes.NewReader(f.data))
		limit := 25e6
		if testing.Short() {
			limit = 5e6
		}
		if err == nil && float64(h.Width)*float64(h.Height) > limit {
			continue
		}
		got, err := Decode(bytes.NewReader(f.data), nil)
		want, wantErr := stdjpeg.Decode(bytes.NewReader(f.data))
		switch {
		case err != nil && wantErr == nil && !stricter[err.Error()]:
			t.Errorf("%s: %v; image/jpeg takes it", f.name, err)
		case err != nil:
			t.Logf("%s: %v; image/jpeg: %v", f.name, err, wantErr)
		case wantErr != nil:
			t.Logf("%s: decoded (incomplete %v); image/jpeg: %v", f.name, got.Incomplete, wantErr)
		default:
			var d diff
			if !d.compare(got.Image, want) {
				t.Errorf("%s: %T of %v, image/jpeg has %T of %v", f.name, got.Image, got.Image.Bounds(), want, want.Bounds())
			}
			limit := 1
			if got.Model == YCCK {
				limit = 3 // 1 in each of YCbCr, then RGB
			}
			if d.max > limit {
				t.Errorf("%s: differs by %d", f.name, d.max)
			}
			if got.Incomplete {
				t.Errorf("%s: incomplete; image/jpeg takes it", f.name)
			}
			total.samples += d.samples
			total.differing += d.differing
		}
	}
	t.Logf("of %d samples, %.3f%% differ (by 1)", total.samples, 100*float64(total.differing)/float64(total.samples))
}

func TestReferences(t *testing.T) {
	for _, f := range files(t, "jpeg") {
		stem := strings.TrimSuffix(filepath.Base(f.name), filepath.Ext(f.name))
		ref, err := os.ReadFile(filepath.Join(corpus, "jpeg/ref", stem+".png"))
		if err != nil {
			continue
		}
		want, err := png.Decode(bytes.NewReader(ref))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(bytes.NewReader(f.data), nil)
		if err != nil {
			t.Logf("%s: %v", f.name, err)
			continue
		}
		if got.Image.Bounds() != want.Bounds() {
			t.Errorf("%s: size %v; want %v", f.name, got.Image.Bounds(), want.Bounds())
			continue
		}
		sum, worst, n := 0, 0, 0
		for y := range want.Bounds().Dy() {
			for x := range want.Bounds().Dx() {
				a, b := color.RGBAModel.Convert(got.Image.At(x, y)).(color.RGBA), color.RGBAModel.Convert(want.At(x, y)).(color.RGBA)
				for _, v := range [3]int{int(a.R) - int(b.R), int(a.G) - int(b.G), int(a.B) - int(b.B)} {
					v = max(v, -v)
					sum += v
					worst = max(worst, v)
					n++
				}
			}
		}
		t.Logf("%s: mean %.2f worst %d incomplete %v", f.name, float64(sum)/float64(n), worst, got.Incomplete)
	}
}
