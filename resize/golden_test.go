package resize

import (
	"bytes"
	"flag"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	_ "image/gif"
	_ "image/jpeg"

	_ "golang.org/x/image/webp"

	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
)

var update = flag.Bool("update", false, "write the pictures of testdata/golden anew")

const goldenFolder = "../testdata/golden"

// goldenTolerance is how far a result may be from its golden picture: decoders
// and encoders round differently between releases and machines.
const goldenTolerance = 42 // dB of PSNR, at least

// The example of every parameter gives the picture that was looked at when it
// was made. With -update they are made anew: look at them.
func TestGolden(t *testing.T) {
	known := map[string]bool{}
	for _, p := range options.Params() {
		if p.Example == "" {
			continue
		}
		file := p.Name + ".png"
		known[file] = true
		got := example(t, p)
		path := filepath.Join(goldenFolder, file)
		if *update {
			writeGolden(t, path, got)
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%s has no golden picture: %v", p.Name, err)
			continue
		}
		want, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if d := picturetest.PSNR(got, want); d < goldenTolerance {
			t.Errorf("%s?%s: PSNR %.1f dB to %s; want %d", p.Sample, p.Example, d, path, goldenTolerance)
		}
	}
	files, err := os.ReadDir(goldenFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !known[f.Name()] {
			if *update {
				err := os.Remove(filepath.Join(goldenFolder, f.Name()))
				if err != nil {
					t.Error(err)
				}
				continue
			}
			t.Errorf("%s is not the picture of any parameter", f.Name())
		}
	}
}

// example returns the first frame of what the example of a parameter gives.
func example(t *testing.T, p options.Param) image.Image {
	t.Helper()
	o := parse(p.Example)
	if !o.Format.Writable() {
		o.Format = options.PNG
	}
	logo, err := NewOverlay(readSample(t, "photos/logo.png"))
	if err != nil {
		t.Fatal(err)
	}
	result, err := resizeBytes(t, &Resizer{Watermark: logo}, readSample(t, "photos/"+p.Sample), o)
	if err != nil {
		t.Fatalf("%s: %v", p.Example, err)
	}
	img, _, err := image.Decode(bytes.NewReader(result.Body))
	if err != nil {
		t.Fatalf("%s: %v", p.Example, err)
	}
	return img
}

func writeGolden(t *testing.T, path string, img image.Image) {
	t.Helper()
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
