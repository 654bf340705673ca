package resize

import (
	"bytes"
	"image"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"
)

// Our own reader and image/png agree on every pixel, and on what is wrong.
func TestPlainPNG(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	plains := 0
	compare := func(name string, file []byte) {
		t.Helper()
		if info, err := configPNG(file); err == nil && area(info.Size) > 5e6 {
			return
		}
		got, err := decodePlainPNG(file)
		if err != nil {
			return
		}
		plains++
		want, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			t.Errorf("%s: a picture; image/png says %v", name, err)
			return
		}
		if p := psnr(plain(got), plain(want)); p < 1000 {
			t.Errorf("%s: other pixels than image/png", name)
		}
	}
	for _, size := range []image.Point{{1, 1}, {2, 3}, {7, 5}, {64, 64}, {300, 200}} {
		r := image.Rectangle{Max: size}
		for _, img := range []image.Image{image.NewGray(r), image.NewNRGBA(r), image.NewRGBA(r)} {
			for _, smooth := range []bool{true, false} {
				randomize(img, rng)
				if m, ok := img.(*image.NRGBA); ok && smooth {
					for i := range m.Pix {
						m.Pix[i] = byte(i/7 + i%4*50)
					}
				}
				if m, ok := img.(*image.RGBA); ok { // opaque: written without alpha
					for i := 3; i < len(m.Pix); i += 4 {
						m.Pix[i] = 255
					}
				}
				for _, level := range []png.CompressionLevel{png.NoCompression, png.BestSpeed, png.DefaultCompression} {
					var b bytes.Buffer
					if err := (&png.Encoder{CompressionLevel: level}).Encode(&b, img); err != nil {
						t.Fatal(err)
					}
					before := plains
					compare(size.String(), b.Bytes())
					if plains == before {
						t.Errorf("%T of %v is not read", img, size)
					}
					for range 20 {
						bad := bytes.Clone(b.Bytes())
						bad[rng.IntN(len(bad))] ^= byte(1 << rng.IntN(8))
						compare("damaged "+size.String(), bad)
						compare("cut "+size.String(), b.Bytes()[:rng.IntN(b.Len())])
					}
				}
			}
		}
	}
	for _, f := range []string{"photos/chart.png", "photos/logo.png", "orientation/upright.png"} {
		compare(f, readSample(t, f))
	}
	for _, f := range corpus(t) {
		if strings.HasSuffix(f.name, ".png") {
			compare(f.name, readCorpus(t, f.name))
		}
	}
	if plains < 100 {
		t.Errorf("only %d files are plain", plains)
	}
	t.Logf("%d plain files", plains)
}
