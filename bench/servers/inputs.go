//go:build linux

package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/disintegration/imaging"

	"s3imageserver/bench/meter"
)

// inputs makes the sources of the table in bench/README.md from a photograph, and
// what their results should look like: Lanczos reductions of the whole picture by
// Debian's vips, as PNG files.
func inputs(photo, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	file, err := os.ReadFile(photo)
	if err != nil {
		return err
	}
	img, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		return err
	}
	size := img.Bounds().Size()
	scaled := func(area, noise float64) func() ([]byte, error) {
		f := math.Sqrt(area / float64(size.X*size.Y))
		return func() ([]byte, error) {
			return meter.Scaled(file, image.Pt(int(f*float64(size.X)), int(f*float64(size.Y))), noise)
		}
	}
	for _, s := range []struct {
		name string
		make func() ([]byte, error)
	}{
		{"12mp.jpg", func() ([]byte, error) { return meter.WithoutMetadata(file) }},
		{"progressive.jpg", func() ([]byte, error) { return meter.Progressive(file) }},
		{"p3.jpg", func() ([]byte, error) { return meter.DisplayP3(file) }},
		{"2mp.jpg", scaled(2e6, 0)},
		{"24mp.jpg", scaled(24e6, 2)},
		{"rgba.png", func() ([]byte, error) { return vignette(img) }},
	} {
		made, err := s.make()
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if err := os.WriteFile(filepath.Join(folder, s.name), made, 0o644); err != nil {
			return err
		}
	}
	for _, r := range []struct {
		name, source string
		width        int
	}{
		{"12mp-300.png", "12mp.jpg", 300}, {"12mp-600.png", "12mp.jpg", 600}, {"12mp-1200.png", "12mp.jpg", 1200},
		{"24mp-300.png", "24mp.jpg", 300}, {"2mp-600.png", "2mp.jpg", 600}, {"rgba-800.png", "rgba.png", 800},
	} {
		source := filepath.Join(folder, r.source)
		c, err := sizeOf(source)
		if err != nil {
			return err
		}
		cmd := exec.Command("vips", "resize", source, filepath.Join(folder, r.name), fmt.Sprint(float64(r.width)/float64(c.X)), "--kernel", "lanczos3", "--gap", "0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("vips (Debian: libvips-tools): %w\n%s", err, out)
		}
	}
	return nil
}

func sizeOf(name string) (image.Point, error) {
	f, err := os.Open(name)
	if err != nil {
		return image.Point{}, err
	}
	defer f.Close() // only read
	c, _, err := image.DecodeConfig(f)
	return image.Pt(c.Width, c.Height), err
}

// vignette returns the middle of a picture at 1080p as a PNG file that fades out
// towards its edges.
func vignette(img image.Image) ([]byte, error) {
	m := imaging.Fill(img, 1920, 1080, imaging.Center, imaging.Lanczos)
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			dx, dy := float64(x)/960-1, float64(y)/540-1
			m.Pix[y*m.Stride+4*x+3] = uint8(255 * min(max(2*(1.2-math.Hypot(dx, dy)), 0), 1))
		}
	}
	var out bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.DefaultCompression}).Encode(&out, m)
	return out.Bytes(), err
}
