//go:build unix

// Avif measures the AV1 encoder beside our WebP at the server's default effort: CPU
// time and bytes at equal structural similarity of luma. See bench/README.md.
//
// Usage, from the root of the module:
//
//	go run -tags nodynamic ./bench/avif [flags] picture.png ...
//
// Pictures whose names begin with "draw" are drawings.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"

	"s3imageserver/bench/meter"
	"s3imageserver/resize"
)

// qualities are those of WebP whose similarity is met.
var qualities = []int{50, 60, 70, 75, 80, 85, 90}

// A point is a file at one quality.
type point struct{ clear, bytes float64 }

// A score is what an encoder did with one picture.
type score struct {
	points []point
	millis float64 // a megapixel, at the quality 75
}

func main() {
	efforts := flag.String("efforts", "0,4,9", "efforts of AVIF")
	verbose := flag.Bool("v", false, "a line for each picture")
	curve := flag.Bool("curve", false, "the similarity of each quality beside that of WebP")
	profile := flag.String("profile", "", "write a CPU profile of the AVIF encoder to the file")
	flag.Parse()
	if err := run(*efforts, *verbose, *curve, *profile, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "avif:", err)
		os.Exit(1)
	}
}

func run(efforts string, verbose, curve bool, profile string, names []string) error {
	runtime.GOMAXPROCS(1)
	resize.Start([]resize.Format{resize.AVIF})
	var pictures [][]byte
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		pictures = append(pictures, data)
	}
	var rival []score
	for i := range pictures {
		s, err := measure(pictures[i], resize.WebP, resize.Quality{WebPMethod: 2})
		if err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
		rival = append(rival, s)
	}
	report("WebP, effort 2", names, rival, rival, verbose)
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for _, text := range strings.Split(efforts, ",") {
		effort, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		var scores []score
		for i := range pictures {
			s, err := measure(pictures[i], resize.AVIF, resize.Quality{AVIFEffort: effort})
			if err != nil {
				return fmt.Errorf("%s: %w", names[i], err)
			}
			scores = append(scores, s)
		}
		report("AVIF, effort "+text, names, scores, rival, verbose)
		if curve {
			for i, q := range qualities {
				fmt.Printf("  q %d:", q)
				for k := range scores {
					fmt.Printf(" %+.2f", scores[k].points[i].clear-rival[k].points[i].clear)
				}
				fmt.Println()
			}
		}
	}
	return nil
}

// measure encodes a picture at all qualities.
func measure(source []byte, format resize.Format, quality resize.Quality) (s score, err error) {
	reference, err := meter.Luma(source)
	if err != nil {
		return s, err
	}
	make := func(format resize.Format, q int) ([]byte, float64, error) {
		r := resize.Resizer{Quality: quality}
		r.Limits.AVIFPixels = 1 << 40
		before := meter.CPUTime()
		result, err := r.Resize(context.Background(), resize.Source{Body: bytes.NewReader(source), Size: int64(len(source))}, resize.Options{Format: format, Quality: q})
		took := meter.CPUTime() - before
		if err != nil {
			return nil, 0, err
		}
		return result.Body, float64(took.Microseconds()) / 1000, nil
	}
	// Reading the source is not what is measured.
	idle := math.MaxFloat64
	for range 3 {
		_, took, err := make(resize.BMP, 0)
		if err != nil {
			return s, err
		}
		idle = min(idle, took)
	}
	for _, q := range qualities {
		file, took, err := make(format, q)
		if err != nil {
			return s, err
		}
		if q == 75 {
			for range 2 {
				_, again, err := make(format, q)
				if err != nil {
					return s, err
				}
				took = min(took, again)
			}
			s.millis = (took - idle) / (float64(reference.Rect.Dx()*reference.Rect.Dy()) / 1e6)
		}
		got, err := meter.Luma(file)
		if err != nil {
			return s, err
		}
		s.points = append(s.points, point{-math.Log(1 - meter.SSIM(reference, got)), math.Log(float64(len(file)))})
	}
	return s, nil
}

// report prints the mean time, and the bytes at equal similarity beside the rival's.
func report(name string, names []string, scores, rival []score, verbose bool) {
	type mean struct{ millis, bytes, worst, n float64 }
	kinds := [2]mean{{worst: -10}, {worst: -10}}
	for i, s := range scores {
		kind := 0
		if strings.HasPrefix(filepath.Base(names[i]), "draw") {
			kind = 1
		}
		ratio := equal(s.points, rival[i].points)
		m := &kinds[kind]
		m.millis, m.bytes, m.worst, m.n = m.millis+s.millis, m.bytes+ratio, max(m.worst, ratio), m.n+1
		if verbose {
			fmt.Printf("  %-40s %6.1f ms/MP  %.3f\n", filepath.Base(names[i]), s.millis, math.Exp(ratio))
		}
	}
	fmt.Printf("%-16s", name)
	for i, kind := range []string{"photographs", "drawings"} {
		if m := kinds[i]; m.n > 0 {
			fmt.Printf("  %s: %6.1f ms/MP, bytes %.3f, worst %.3f", kind, m.millis/m.n, math.Exp(m.bytes/m.n), math.Exp(m.worst))
		}
	}
	fmt.Println()
}

// equal is the mean logarithm of the ratio of bytes at the similarities of b that a
// reaches; lines between the points of a.
func equal(a, b []point) float64 {
	sum, n := 0.0, 0.0
	for _, p := range b {
		for i := range len(a) - 1 {
			lo, hi := a[i], a[i+1]
			if lo.clear <= p.clear && p.clear <= hi.clear || i == 0 && p.clear < lo.clear || i == len(a)-2 && p.clear > hi.clear {
				if hi.clear-lo.clear < 1e-6 {
					continue
				}
				if p.clear < lo.clear-0.1 || p.clear > hi.clear+0.1 {
					break
				}
				f := (p.clear - lo.clear) / (hi.clear - lo.clear)
				sum, n = sum+lo.bytes+f*(hi.bytes-lo.bytes)-p.bytes, n+1
				break
			}
		}
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / n
}
