//go:build unix

package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"s3imageserver/bench/meter"
)

// What is noise between encoders, in dB of PSNR and in SSIM.
const (
	noisePSNR = 0.03
	noiseSSIM = 3e-4
)

// drawings are pictures that show what a decoder leaves out: rings and lines that
// grow finer, and pages of text.
var drawings = []struct {
	name string
	draw func(m *image.Gray) error
}{
	{"zone plate", func(m *image.Gray) error {
		for i := range m.Pix {
			x, y := float64(i%m.Stride-m.Rect.Dx()/2), float64(i/m.Stride-m.Rect.Dy()/2)
			m.Pix[i] = uint8(127.5 + 100*math.Cos(math.Pi*(x*x+y*y)/float64(4*m.Rect.Dx())))
		}
		return nil
	}},
	{"line screens", func(m *image.Gray) error {
		const field = 504
		for i := range m.Pix {
			x, y := i%m.Stride, i/m.Stride
			period, angle := 4+2*float64(x/field), float64(y/field)*math.Pi/12
			m.Pix[i] = uint8(127.5 + 100*math.Sin(2*math.Pi/period*(float64(x)*math.Cos(angle)+float64(y)*math.Sin(angle))))
		}
		return nil
	}},
	{"text", func(m *image.Gray) error {
		f, err := opentype.Parse(goregular.TTF)
		if err != nil {
			return err
		}
		for i := range m.Pix {
			m.Pix[i] = 250
		}
		for y, size := 0, 28.0; y < m.Rect.Dy(); size = math.Mod(size-28+9, 82) + 28 {
			face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72})
			if err != nil {
				return err
			}
			y += int(size * 1.3)
			d := font.Drawer{Dst: m, Src: image.NewUniform(color.Gray{20}), Face: face, Dot: fixed.P(40, y)}
			for d.Dot.X.Floor() < m.Rect.Dx() {
				d.DrawString("Quick wafting zephyrs vex bold Jim. ")
			}
		}
		return nil
	}},
}

// drawn makes the drawings, unless they are in the work folder already.
func drawn(work string) ([]*input, error) {
	var all []*input
	for _, d := range drawings {
		in := &input{photo: d.name, path: filepath.Join(work, d.name+".jpg"), size: image.Pt(4032, 3024)}
		if _, err := os.Stat(in.path); err != nil {
			m := image.NewGray(image.Rectangle{Max: in.size})
			if err := d.draw(m); err != nil {
				return nil, err
			}
			planes := image.NewYCbCr(m.Rect, image.YCbCrSubsampleRatio420)
			planes.Y = m.Pix
			for i := range planes.Cb {
				planes.Cb[i], planes.Cr[i] = 128, 128
			}
			var out bytes.Buffer
			if err := jpeg.Encode(&out, planes, &jpeg.Options{Quality: 92}); err != nil {
				return nil, err
			}
			if err := os.WriteFile(in.path, out.Bytes(), 0o644); err != nil {
				return nil, err
			}
		}
		var err error
		if in.data, err = os.ReadFile(in.path); err != nil {
			return nil, err
		}
		all = append(all, in)
	}
	return all, nil
}

// measureVisible compares luma of results of several qualities with a Lanczos3
// reduction of the full picture: ours must be below neither rival, fast scaling not
// below sharp, beyond noise.
func measureVisible(w io.Writer, work string, only *regexp.Regexp, inputs map[string][]*input, engines [engineCount]engine) error {
	drawings, err := drawn(work)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "Luma PSNR (dB) and SSIM (1e-4), beside those of vipsthumbnail and sharp; fast scaling beside sharp:\n\n")
	fmt.Fprintf(w, "| picture | width | quality | PSNR | to vipsthumbnail | to sharp | fast, to sharp | SSIM to vipsthumbnail | to sharp | fast, to sharp | met |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n")
	kinds := []string{baseline, progressive, small, large, "drawn"}
	inputs["drawn"] = drawings
	for _, kind := range kinds {
		for _, in := range inputs[kind] {
			if !only.MatchString(in.photo + ", " + kind) {
				continue
			}
			for _, width := range []int{300, 400, 600, 800, 1200} {
				if width > in.size.X/2 {
					continue
				}
				j := job{width: width}
				want, err := reference(in, j)
				if err != nil {
					return err
				}
				for _, q := range []int{60, 75, 85, 90} {
					if err := compareVisible(w, in, kind, width, q, want, engines); err != nil {
						return fmt.Errorf("%s to %d: %w", in.path, width, err)
					}
				}
			}
		}
	}
	return nil
}

func compareVisible(w io.Writer, in *input, kind string, width, q int, want *luma, engines [engineCount]engine) error {
	type likeness struct{ psnr, ssim float64 }
	of := func(e engine) (likeness, error) {
		file, err := e.make(task{in, width, 0}, q)
		if err != nil {
			return likeness{}, err
		}
		got, err := decodeLuma(file)
		if err != nil {
			return likeness{}, err
		}
		psnr, err := bestPSNR(want, got)
		return likeness{psnr, meter.SSIM(want.gray(got.w, got.h), got.gray(got.w, got.h))}, err
	}
	var all [4]likeness
	for i, e := range []engine{engines[iOurs], &ours{times: 1, fast: true}, engines[iVips], engines[iSharp]} {
		var err error
		if all[i], err = of(e); err != nil {
			return err
		}
	}
	fine, fast, vips, sharp := all[0], all[1], all[2], all[3]
	met := fine.psnr >= max(vips.psnr, sharp.psnr)-noisePSNR && fine.ssim >= max(vips.ssim, sharp.ssim)-noiseSSIM && fast.psnr >= sharp.psnr-noisePSNR && fast.ssim >= sharp.ssim-noiseSSIM
	_, err := fmt.Fprintf(w, "| %s, %s | %d | %d | %.2f | %+.2f | %+.2f | %+.2f | %+.0f | %+.0f | %+.0f | %s |\n", in.photo, kind, width, q, fine.psnr,
		fine.psnr-vips.psnr, fine.psnr-sharp.psnr, fast.psnr-sharp.psnr, 1e4*(fine.ssim-vips.ssim), 1e4*(fine.ssim-sharp.ssim), 1e4*(fast.ssim-sharp.ssim), verdict(&met))
	return err
}

// gray returns the first rows and columns as samples of 8 bits.
func (m *luma) gray(w, h int) *image.Gray {
	out := image.NewGray(image.Rect(0, 0, min(w, m.w), min(h, m.h)))
	for i := range out.Pix {
		out.Pix[i] = uint8(min(max(m.pix[i/out.Stride*m.w+i%out.Stride], 0), 255) + 0.5)
	}
	return out
}
