package resize

import (
	"bytes"
	"errors"
	"image"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/webp"
)

// transparencies are planes of opacity that are easy and hard to compress.
func transparencies() map[string]*image.Alpha {
	r := rand.New(rand.NewPCG(1, 2))
	plane := func(w, h int, f func(x, y int) int) *image.Alpha {
		m := image.NewAlpha(image.Rect(0, 0, w, h))
		for i := range m.Pix {
			m.Pix[i] = byte(f(i%w, i/w))
		}
		return m
	}
	return map[string]*image.Alpha{
		"clear":        plane(50, 40, func(int, int) int { return 0 }),
		"one pixel":    plane(1, 1, func(int, int) int { return 7 }),
		"a column":     plane(1, 300, func(_, y int) int { return y / 2 }),
		"two values":   plane(31, 17, func(x, y int) int { return (x + y) % 2 * 255 }),
		"noise":        plane(97, 61, func(int, int) int { return r.IntN(256) }),
		"slope across": plane(200, 150, func(x, y int) int { return (x + y) / 2 }),
		"long":         plane(3000, 40, func(x, y int) int { return x / 2900 * 255 }),
	}
}

// A whole file has the alpha of its picture, bit by bit, for two decoders.
func TestTransparentWebP(t *testing.T) {
	for name, a := range transparencies() {
		m := image.NewNRGBA(a.Rect)
		for i, v := range a.Pix {
			copy(m.Pix[4*i:], []byte{byte(i), byte(i / 3), 90, v})
		}
		for kind, img := range map[string]image.Image{"NRGBA": m, "planes": &image.NYCbCrA{YCbCr: *grayPlanes(a.Rect), A: a.Pix, AStride: a.Stride}} {
			var file bytes.Buffer
			if err := encodeWebP(&file, still(img), Quality{WebPMethod: 2}); err != nil {
				t.Errorf("%s, %s: %v", name, kind, err)
				continue
			}
			decoded, err := webp.Decode(bytes.NewReader(file.Bytes()))
			if err != nil {
				t.Errorf("%s, %s: %v", name, kind, err)
				continue
			}
			for i, want := range a.Pix {
				x, y := i%a.Stride, i/a.Stride
				_, _, _, got := decoded.At(x, y).RGBA()
				if byte(got>>8) != want {
					t.Errorf("%s, %s: alpha at %d,%d is %d; want %d", name, kind, x, y, got>>8, want)
					break
				}
			}
			path := filepath.Join(t.TempDir(), "a.pam")
			runTool(t, file.Bytes(), "dwebp", "-pam", "-o", path)
			pam, err := os.ReadFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue // there is no dwebp here
			}
			if err != nil || len(pam) < 4*len(a.Pix) {
				t.Fatal(len(pam), err)
			}
			pixels := pam[len(pam)-4*len(a.Pix):]
			for i, want := range a.Pix {
				if pixels[4*i+3] != want {
					t.Errorf("%s, %s: dwebp has alpha %d at %d; want %d", name, kind, pixels[4*i+3], i, want)
					break
				}
			}
		}
	}
}

func grayPlanes(r image.Rectangle) *image.YCbCr {
	m := image.NewYCbCr(r, image.YCbCrSubsampleRatio420)
	for _, p := range [][]byte{m.Y, m.Cb, m.Cr} {
		for i := range p {
			p[i] = 128
		}
	}
	return m
}
