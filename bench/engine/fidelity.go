//go:build unix

package main

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"os"
)

// Targets of fidelity, in dB of luma.
const (
	baselineTarget    = -0.5 // above vipsthumbnail
	progressiveTarget = 48.0
)

// luma is a picture of float samples.
type luma struct {
	w, h int
	pix  []float64
}

// measureFidelity compares luma with a Lanczos3 reduction of the full picture
// in float64. Results are JPEG files as in the jobs, but of quality 100, whose
// encoder hides little.
func measureFidelity(w io.Writer, jobs []job, inputs map[string][]*input, engines [engineCount]engine) error {
	compared := []int{iOurs, iVips, iSharp}
	fmt.Fprintf(w, "Luma PSNR in dB against a float64 Lanczos3 reduction of the full decode:\n\n")
	fmt.Fprintf(w, "| job | photograph | this server | vipsthumbnail | sharp | target | met |\n|---|---|---:|---:|---:|---|---|\n")
	for _, j := range jobs {
		for _, in := range inputs[j.kind] {
			want, err := reference(in, j)
			if err != nil {
				return err
			}
			var db [engineCount]float64
			for _, k := range compared {
				file, err := engines[k].make(task{in, j.width, j.height}, finest)
				if err != nil {
					return err
				}
				got, err := decodeLuma(file)
				if err != nil {
					return err
				}
				if db[k], err = bestPSNR(want, got); err != nil {
					return fmt.Errorf("%s, %s: %w", engineNames[k], in.path, err)
				}
			}
			target := db[iVips] + baselineTarget
			if j.kind == progressive {
				target = progressiveTarget
			}
			met := db[iOurs] >= target
			fmt.Fprintf(w, "| %s | %s %v | %.1f | %.1f | %.1f | >= %.1f | %s |\n", j.Name, in.photo, in.size, db[iOurs], db[iVips], db[iSharp], target, verdict(&met))
		}
	}
	return nil
}

// reference reduces the whole picture so that it covers the box, with nothing
// cut.
func reference(in *input, j job) (*luma, error) {
	src, err := decodeLuma(in.data)
	if err != nil {
		return nil, err
	}
	width, height := j.width, j.width*src.h/src.w
	if height < j.height {
		width, height = j.height*src.w/src.h, j.height
	}
	return reduce(transpose(reduce(transpose(src), height)), width), nil
}

func decodeLuma(file []byte) (*luma, error) {
	img, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	m, ok := img.(*image.YCbCr)
	if !ok {
		return nil, fmt.Errorf("picture of %T", img)
	}
	l := &luma{m.Rect.Dx(), m.Rect.Dy(), nil}
	for y := range l.h {
		for _, v := range m.Y[y*m.YStride:][:l.w] {
			l.pix = append(l.pix, float64(v))
		}
	}
	return l, nil
}

// reduce resamples the rows to n samples with Lanczos3, by the definition.
func reduce(m *luma, n int) *luma {
	out := &luma{n, m.h, make([]float64, n*m.h)}
	ratio := float64(m.w) / float64(n)
	for x := range n {
		center := (float64(x) + 0.5) * ratio
		lo := max(int(math.Floor(center-3*ratio)), 0)
		hi := min(int(math.Ceil(center+3*ratio)), m.w)
		weights, sum := make([]float64, hi-lo), 0.0
		for i := range weights {
			weights[i] = lanczos3((float64(lo+i) + 0.5 - center) / ratio)
			sum += weights[i]
		}
		for y := range m.h {
			v := 0.0
			for i, p := range m.pix[y*m.w+lo : y*m.w+hi] {
				v += p * weights[i]
			}
			out.pix[y*n+x] = v / sum
		}
	}
	return out
}

func lanczos3(x float64) float64 {
	switch x *= math.Pi; {
	case x == 0:
		return 1
	case math.Abs(x) >= 3*math.Pi:
		return 0
	}
	return 3 * math.Sin(x) * math.Sin(x/3) / (x * x)
}

func transpose(m *luma) *luma {
	t := &luma{m.h, m.w, make([]float64, len(m.pix))}
	for y := range m.h {
		for x := range m.w {
			t.pix[x*m.h+y] = m.pix[y*m.w+x]
		}
	}
	return t
}

// bestPSNR compares a picture with the part of want that it shows: the one in
// the middle, which each engine rounds to a pixel in its own way.
func bestPSNR(want, got *luma) (float64, error) {
	if got.w > want.w || got.h > want.h {
		return 0, fmt.Errorf("result of %dx%d, want %dx%d at most", got.w, got.h, want.w, want.h)
	}
	best := math.Inf(-1)
	left, top := (want.w-got.w)/2, (want.h-got.h)/2
	for y0 := max(top-1, 0); y0 <= min(top+1, want.h-got.h); y0++ {
		for x0 := max(left-1, 0); x0 <= min(left+1, want.w-got.w); x0++ {
			sum := 0.0
			for i, v := range got.pix {
				// What lies beyond black and white no picture shows.
				w := min(max(want.pix[(y0+i/got.w)*want.w+x0+i%got.w], 0), 255)
				sum += (v - w) * (v - w)
			}
			best = max(best, 10*math.Log10(255*255*float64(len(got.pix))/sum))
		}
	}
	return best, nil
}

// writeSheet draws our results (left) and sharp's (right) beside one another,
// for the eye.
func writeSheet(name string, jobs []job, inputs map[string][]*input, engines [engineCount]engine) error {
	var pictures [][2]image.Image
	size := image.Point{}
	for _, j := range jobs {
		if j.width > 300 {
			continue
		}
		for _, in := range inputs[j.kind] {
			var pair [2]image.Image
			for i, k := range []int{iOurs, iSharp} {
				file, err := engines[k].make(task{in, j.width, j.height}, quality)
				if err != nil {
					return err
				}
				if pair[i], err = jpeg.Decode(bytes.NewReader(file)); err != nil {
					return err
				}
			}
			pictures = append(pictures, pair)
			size = image.Pt(2*300, size.Y+pair[0].Bounds().Dy())
		}
	}
	out := image.NewNRGBA(image.Rectangle{Max: size})
	y := 0
	for _, pair := range pictures {
		for i, m := range pair {
			draw.Draw(out, m.Bounds().Add(image.Pt(300*i, y)), m, image.Point{}, draw.Src)
		}
		y += pair[0].Bounds().Dy()
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := png.Encode(f, out); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
