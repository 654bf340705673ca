//go:build unix

// Formats measures what the output formats cost beside sharp in the same run:
// CPU time, bytes, and bytes at equal structural similarity. See
// bench/README.md.
//
// Usage, from the root of the module:
//
//	go run -tags nodynamic ./bench/formats [flags]
package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"

	"s3imageserver/bench/meter"
	"s3imageserver/resize"
)

const sharpVersion = "0.35.5"

//go:embed sharp.mjs
var sharpScript []byte

// A job is a row of the table.
type job struct {
	name     string
	source   string // file in the work folder
	width    int
	format   resize.Format
	quality  int // of ours; 0: of no meaning
	animated bool
	// progressive asks ours for a progressive JPEG.
	progressive bool
	// rival is how sharp is asked; qualities, if any, are tried for one of equal
	// similarity.
	rival     map[string]any
	qualities []int
	times     int
	goal      string
}

var jobs = []job{
	{"12 MP JPEG to 1200 px JPEG", "large.jpg", 1200, resize.JPEG, 75, false, false, map[string]any{"quality": 75}, nil, 2, ""},
	{"the same in Display P3", "large-p3.jpg", 1200, resize.JPEG, 75, false, false, map[string]any{"quality": 75}, nil, 2, "CPU 1.15 of the row above"},
	{"12 MP JPEG to 300 px JPEG", "large.jpg", 300, resize.JPEG, 75, false, false, map[string]any{"quality": 75}, nil, 3, ""},
	{"12 MP JPEG in Display P3 to 300 px JPEG", "large-p3.jpg", 300, resize.JPEG, 75, false, false, map[string]any{"quality": 75}, nil, 3, "CPU 1.05 of the row above"},
	{"2 MP JPEG to 600 px WebP, method 2; sharp effort 4, its default", "photo.jpg", 600, resize.WebP, 75, false, false, map[string]any{"quality": 75, "effort": 4}, []int{60, 65, 70, 75, 80, 85}, 5, "CPU 1.3, bytes 1.05"},
	{"2 MP JPEG to 600 px WebP, method 2; sharp effort 2", "photo.jpg", 600, resize.WebP, 75, false, false, map[string]any{"quality": 75, "effort": 2}, []int{60, 65, 70, 75, 80, 85}, 5, "CPU 1.3, bytes 1.05"},
	{"the same of a softer photograph; sharp effort 4", "soft.jpg", 600, resize.WebP, 75, false, false, map[string]any{"quality": 75, "effort": 4}, []int{60, 65, 70, 75, 80, 85, 90}, 5, "CPU 1.3, bytes 1.05"},
	{"the same; sharp effort 2", "soft.jpg", 600, resize.WebP, 75, false, false, map[string]any{"quality": 75, "effort": 2}, []int{60, 65, 70, 75, 80, 85, 90}, 5, "CPU 1.3, bytes 1.05"},
	{"1080p PNG to 800 px PNG, a photograph", "photo.png", 800, resize.PNG, 0, false, false, map[string]any{}, nil, 3, "CPU 1.5, bytes 1.1"},
	{"1080p PNG to 800 px PNG, a drawing", "drawing.png", 800, resize.PNG, 0, false, false, map[string]any{}, nil, 3, "CPU 1.5, bytes 1.1"},
	{"12 MP WebP to 300 px JPEG", "photo.webp", 300, resize.JPEG, 75, false, false, map[string]any{"quality": 75}, nil, 3, ""},
	{"12 MP WebP to 1200 px WebP, method 2; sharp effort 2", "photo.webp", 1200, resize.WebP, 75, false, false, map[string]any{"quality": 75, "effort": 2}, nil, 3, ""},
	{"2 MP JPEG to 600 px WebP without loss, method 2; sharp effort 4, its default", "photo.jpg", 600, resize.WebP, 0, false, false, map[string]any{"lossless": true, "effort": 4}, nil, 1, "bytes 1.05"},
	{"1080p PNG to 800 px WebP without loss, a drawing, method 2; sharp effort 4", "drawing.png", 800, resize.WebP, 0, false, false, map[string]any{"lossless": true, "effort": 4}, nil, 1, "bytes 1.05"},
	{"animated GIF, 24 frames, to 200 px WebP", "animation.gif", 200, resize.WebP, 75, true, false, map[string]any{"quality": 75}, nil, 3, ""},
	{"2 MP JPEG to 600 px AVIF, effort 4; sharp effort 4, its default", "photo.jpg", 600, resize.AVIF, 75, false, false, map[string]any{"quality": 50, "effort": 4}, []int{40, 45, 50, 55, 60, 65}, 2, "stated"},
	{"2 MP JPEG to 600 px AVIF, effort 4; sharp effort 0", "photo.jpg", 600, resize.AVIF, 75, false, false, map[string]any{"quality": 50, "effort": 0}, []int{40, 45, 50, 55, 60, 65}, 2, "stated"},
	{"2 MP JPEG to 600 px progressive JPEG; sharp's progressive", "photo.jpg", 600, resize.JPEG, 75, false, true, map[string]any{"quality": 75, "progressive": true}, []int{50, 55, 60, 65, 70, 73, 75, 77, 80, 85, 90}, 5, "stated"},
	{"2 MP JPEG to 600 px progressive JPEG; sharp's mozjpeg", "photo.jpg", 600, resize.JPEG, 75, false, true, map[string]any{"quality": 75, "mozjpeg": true}, []int{50, 55, 60, 65, 70, 73, 75, 77, 80, 85, 90}, 5, "stated"},
	{"the same of a softer photograph; sharp's progressive", "soft.jpg", 600, resize.JPEG, 75, false, true, map[string]any{"quality": 75, "progressive": true}, []int{50, 55, 60, 65, 70, 73, 75, 77, 80, 85, 90}, 5, "stated"},
	{"the same; sharp's mozjpeg", "soft.jpg", 600, resize.JPEG, 75, false, true, map[string]any{"quality": 75, "mozjpeg": true}, []int{50, 55, 60, 65, 70, 73, 75, 77, 80, 85, 90}, 5, "stated"},
}

func main() {
	runs := flag.Int("runs", 5, "rounds of measurements; medians are taken")
	work := flag.String("work", "bench/.work", "work folder for inputs and sharp")
	photo := flag.String("photo", "../shared/corpus/photos/libavif__dog_exif_extended_xmp_icc.jpg", "a photograph of a few megapixels")
	soft := flag.String("soft", "../shared/corpus/photos/mei__Canon_EOS_5D.jpg", "another one, with less detail")
	only := flag.String("jobs", "", "only jobs whose name matches this expression")
	flag.Parse()
	pattern, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "formats:", err)
		os.Exit(2)
	}
	jobs = slices.DeleteFunc(jobs, func(j job) bool { return !pattern.MatchString(j.name) })
	if err := run(*runs, *work, *photo, *soft); err != nil {
		fmt.Fprintln(os.Stderr, "formats:", err)
		os.Exit(1)
	}
}

func run(runs int, work, photo, soft string) error {
	work, err := filepath.Abs(work)
	if err != nil {
		return err
	}
	if err := prepare(work, photo, soft); err != nil {
		return err
	}
	s, err := startSharp(work)
	if err != nil {
		return err
	}
	defer s.stop()
	runtime.GOMAXPROCS(1)
	resize.Start([]resize.Format{resize.AVIF})
	fmt.Println("| job | this server, ms | sharp, ms | CPU ratio | bytes | sharp's | bytes at equal SSIM | goal |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|---|")
	for _, j := range jobs {
		source, err := os.ReadFile(filepath.Join(work, j.source))
		if err != nil {
			return err
		}
		var mine, theirs []float64
		var own, other []byte
		for range runs {
			d, body, err := measure(source, j)
			if err != nil {
				return err
			}
			mine, own = append(mine, d), body
			if d, other, err = s.measure(filepath.Join(work, j.source), j, j.rival); err != nil {
				return err
			}
			theirs = append(theirs, d)
		}
		equal := "-"
		if j.qualities != nil {
			r, err := equalBytes(s, work, source, own, j)
			if err != nil {
				return err
			}
			equal = fmt.Sprintf("%.3f", r)
		}
		a, b := meter.Median(mine), meter.Median(theirs)
		fmt.Printf("| %s | %.1f | %.1f | %.2f | %d | %d (%.3f) | %s | %s |\n", j.name, a, b, a/b, len(own), len(other), float64(len(own))/float64(len(other)), equal, j.goal)
	}
	return nil
}

// prepare makes the inputs: the photographs at 2 megapixels, one as a PNG of
// 1080p and as a WebP of its own size, the sample drawing at that size, the sample animation.
func prepare(work, photo, soft string) error {
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	convert := func(from, to string, o resize.Options) error {
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		r, err := (&resize.Resizer{}).Resize(context.Background(), resize.Source{Body: bytes.NewReader(data), Size: int64(len(data))}, o)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(work, to), r.Body, 0o644)
	}
	if err := convert(photo, "photo.jpg", resize.Options{Width: 1632, Format: resize.JPEG, Quality: 90}); err != nil {
		return err
	}
	if err := convert(soft, "soft.jpg", resize.Options{Width: 1632, Format: resize.JPEG, Quality: 90}); err != nil {
		return err
	}
	if err := convert(photo, "photo.png", resize.Options{Width: 1920, Height: 1080, Format: resize.PNG}); err != nil {
		return err
	}
	if err := convert(photo, "photo.webp", resize.Options{Format: resize.WebP, Quality: 75}); err != nil {
		return err
	}
	if err := convert("testdata/photos/chart.png", "drawing.png", resize.Options{Width: 1920, Height: 1080, Enlarge: true, Format: resize.PNG}); err != nil {
		return err
	}
	if err := profiled(photo, work); err != nil {
		return err
	}
	data, err := os.ReadFile("testdata/photos/orbit.gif")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(work, "animation.gif"), data, 0o644)
}

// profiled writes the photograph without metadata, and the same pixels as colours
// of Display P3.
func profiled(photo, work string) error {
	file, err := os.ReadFile(photo)
	if err != nil {
		return err
	}
	plain, err := meter.WithoutMetadata(file)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(work, "large.jpg"), plain, 0o644); err != nil {
		return err
	}
	named, err := meter.DisplayP3(file)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(work, "large-p3.jpg"), named, 0o644)
}

// measure returns the CPU milliseconds of one result of ours, garbage
// collection included, and the result.
func measure(source []byte, j job) (millis float64, body []byte, err error) {
	r := resize.Resizer{Quality: resize.Quality{WebPMethod: 2, AVIFEffort: 4}}
	o := resize.Options{Width: j.width, Format: j.format, Quality: j.quality, Lossless: j.rival["lossless"] == true, Progressive: j.progressive}
	make := func() error {
		result, err := r.Resize(context.Background(), resize.Source{Body: bytes.NewReader(source), Size: int64(len(source))}, o)
		if err == nil {
			body = result.Body
		}
		return err
	}
	if err := make(); err != nil {
		return 0, nil, err
	}
	runtime.GC()
	before := meter.CPUTime()
	for range j.times {
		if err := make(); err != nil {
			return 0, nil, err
		}
	}
	return float64((meter.CPUTime() - before).Microseconds()) / 1000 / float64(j.times), body, nil
}

// equalBytes returns the ratio of our bytes to those of sharp at the quality at
// which its result is as similar to its own lossless one as ours is to ours.
func equalBytes(s *sharp, work string, source, own []byte, j job) (float64, error) {
	lossless, _, err := lossless(source, j)
	if err != nil {
		return 0, err
	}
	want, err := similarity(lossless, own)
	if err != nil {
		return 0, err
	}
	file := filepath.Join(work, j.source)
	exact := j
	exact.format, exact.times = resize.PNG, 1
	_, reference, err := s.measure(file, exact, map[string]any{})
	if err != nil {
		return 0, err
	}
	type point struct{ similarity, bytes float64 }
	var points []point
	for _, q := range j.qualities {
		options := maps.Clone(j.rival)
		options["quality"] = q
		once := j
		once.times = 1
		_, body, err := s.measure(file, once, options)
		if err != nil {
			return 0, err
		}
		v, err := similarity(reference, body)
		if err != nil {
			return 0, err
		}
		points = append(points, point{v, float64(len(body))})
	}
	for i := range len(points) - 1 {
		a, b := points[i], points[i+1]
		if a.similarity <= want && want <= b.similarity {
			f := (want - a.similarity) / (b.similarity - a.similarity)
			return float64(len(own)) / math.Exp(math.Log(a.bytes)+f*(math.Log(b.bytes)-math.Log(a.bytes))), nil
		}
	}
	return 0, fmt.Errorf("%s: similarity %.4f is outside of sharp's %v", j.name, want, points)
}

func lossless(source []byte, j job) ([]byte, image.Point, error) {
	r := resize.Resizer{}
	result, err := r.Resize(context.Background(), resize.Source{Body: bytes.NewReader(source), Size: int64(len(source))}, resize.Options{Width: j.width, Format: resize.PNG})
	if err != nil {
		return nil, image.Point{}, err
	}
	return result.Body, result.Size, nil
}

// similarity decodes both files by our own decoders and compares their luma.
func similarity(a, b []byte) (float64, error) {
	x, err := meter.Luma(a)
	if err != nil {
		return 0, err
	}
	y, err := meter.Luma(b)
	if err != nil {
		return 0, err
	}
	return meter.SSIM(x, y), nil
}

// sharp is a node process that stays running.
type sharp struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
	work    string
}

func startSharp(work string) (*sharp, error) {
	if _, err := os.Stat(filepath.Join(work, "node_modules", "sharp")); err != nil {
		npm := exec.Command("npm", "install", "--no-audit", "--no-fund", "--prefix", work, "sharp@"+sharpVersion)
		npm.Stdout, npm.Stderr = os.Stderr, os.Stderr
		if err := npm.Run(); err != nil {
			return nil, err
		}
	}
	script := filepath.Join(work, "formats.mjs")
	if err := os.WriteFile(script, sharpScript, 0o644); err != nil {
		return nil, err
	}
	s := &sharp{command: exec.Command("node", script), work: work}
	s.command.Stderr = os.Stderr
	var err error
	if s.in, err = s.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewScanner(out)
	return s, s.command.Start()
}

func (s *sharp) stop() {
	s.in.Close()         // it ends by itself
	_ = s.command.Wait() // there is nothing left to do about it
}

func (s *sharp) measure(file string, j job, options map[string]any) (millis float64, body []byte, err error) {
	out := filepath.Join(s.work, "sharp.out")
	text, err := json.Marshal(map[string]any{"file": file, "animated": j.animated, "width": j.width, "format": j.format.String(), "options": options, "times": j.times, "out": out})
	if err != nil {
		return 0, nil, err
	}
	if _, err := s.in.Write(append(text, '\n')); err != nil {
		return 0, nil, err
	}
	if !s.out.Scan() {
		return 0, nil, fmt.Errorf("sharp ended: %w", io.ErrUnexpectedEOF)
	}
	var result struct{ Micros float64 }
	if err := json.Unmarshal(s.out.Bytes(), &result); err != nil {
		return 0, nil, err
	}
	body, err = os.ReadFile(out)
	return result.Micros / 1000, body, err
}
