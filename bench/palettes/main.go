//go:build unix

// Palettes measures pictures of few colours beside libvips: how near they come to
// the picture, how long the files are, and what they cost; and animations as GIF. See
// bench/README.md.
//
// Usage, from the root of the module:
//
//	go run -tags nodynamic ./bench/palettes [flags] [picture ...]
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/gif"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"s3imageserver/bench/meter"
	"s3imageserver/resize"
	"s3imageserver/resize/paint"
	"s3imageserver/resize/pixel"
)

const photos = "../shared/corpus/photos/"

// pictures are scaled to 600 pixels: photographs, and ones with soft edges.
var pictures = []string{
	photos + "libavif__dog_exif_extended_xmp_icc.jpg", photos + "mei__Canon_EOS_5D.jpg", photos + "kodak__3.png", photos + "kodak__8.png", photos + "kodak__13.png",
	photos + "kodak__23.png", photos + "scikit-image__astronaut.png", photos + "scikit-image__coffee.png", photos + "scikit-image__rocket.jpg",
	"testdata/photos/chart.png", "testdata/photos/logo.png", "testdata/photos/balloons.jpg",
}

// animations are scaled to so many pixels.
var animations = []animation{
	{"testdata/photos/orbit.gif", 200},
	{"../shared/corpus/gif/image-gif__moon_impact.gif", 80},
	{"../shared/corpus/gif/image__large-gif-anim-combine.gif", 300},
	{"../shared/corpus/gif/pillow__dispose_none_load_end.gif", 150},
}

type animation struct {
	name  string
	width int
}

// qualities ask for a number of colours.
var qualities = []struct{ colors, quality, depth int }{{256, 90, 8}, {64, 40, 6}, {16, 20, 4}}

func main() {
	runs := flag.Int("runs", 3, "rounds of measurements; medians are taken")
	work := flag.String("work", "bench/.work", "work folder")
	verbose := flag.Bool("v", false, "print every picture")
	stills := flag.Bool("stills", true, "measure pictures")
	flag.Parse()
	if !*stills {
		pictures = nil
	}
	if flag.NArg() > 0 {
		pictures, animations = nil, nil
		for _, name := range flag.Args() {
			if strings.HasSuffix(name, ".gif") {
				animations = append(animations, animation{name, 200})
			} else {
				pictures = append(pictures, name)
			}
		}
	}
	runtime.GOMAXPROCS(1)
	b := bench{filepath.Join(*work, "palettes"), *runs, *verbose}
	err := os.MkdirAll(b.work, 0o755)
	if err == nil {
		err = b.stills()
	}
	if err == nil {
		err = b.moving()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "palettes:", err)
		os.Exit(1)
	}
}

type bench struct {
	work    string
	runs    int
	verbose bool
}

// A figure is what one engine made of a picture.
type figure struct {
	psnr, soft float64 // soft: of means of 2 x 2 pixels, which is what an eye sees of dithering
	bytes      int
	millis     float64
}

func (b *bench) stills() error {
	if len(pictures) == 0 {
		return nil
	}
	fmt.Println("| format | colours | PSNR, dB | vips | least difference | of 2 x 2 pixels, dB | vips | bytes to vips | largest | CPU, ms | vips |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
	for _, format := range []resize.Format{resize.PNG, resize.GIF} {
		for _, q := range qualities {
			var mine, theirs figure
			least, ratio, largest := math.Inf(1), 0.0, 0.0
			for _, name := range pictures {
				m, v, err := b.still(name, format, q.quality, q.depth)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				r := float64(m.bytes) / float64(v.bytes)
				if b.verbose {
					fmt.Printf("%s %d %s: PSNR %.2f, vips %.2f (%+.2f); of 2 x 2 %.2f, %.2f (%+.2f); bytes %d, %d (%.3f); ms %.1f, %.1f\n",
						format, q.colors, filepath.Base(name), m.psnr, v.psnr, m.psnr-v.psnr, m.soft, v.soft, m.soft-v.soft, m.bytes, v.bytes, r, m.millis, v.millis)
				}
				mine.add(m)
				theirs.add(v)
				least, ratio, largest = min(least, m.psnr-v.psnr), ratio+math.Log(r), max(largest, r)
			}
			n := float64(len(pictures))
			fmt.Printf("| %s | %d | %.2f | %.2f | %+.2f | %.2f | %.2f | %.3f | %.3f | %.1f | %.1f |\n",
				format, q.colors, mine.psnr/n, theirs.psnr/n, least, mine.soft/n, theirs.soft/n, math.Exp(ratio/n), largest, mine.millis/n, theirs.millis/n)
		}
	}
	return nil
}

func (f *figure) add(g figure) {
	f.psnr += g.psnr
	f.soft += g.soft
	f.millis += g.millis
}

func (b *bench) still(name string, format resize.Format, quality, depth int) (mine, theirs figure, err error) {
	source, err := os.ReadFile(name)
	if err != nil {
		return mine, theirs, err
	}
	small, err := convert(source, resize.Options{Width: 600, Height: 600, Fit: resize.Contain, Format: resize.PNG})
	if err != nil {
		return mine, theirs, err
	}
	want, err := decode(small)
	if err != nil {
		return mine, theirs, err
	}
	in, out := filepath.Join(b.work, "in.png"), filepath.Join(b.work, "vips."+format.String())
	if err := os.WriteFile(in, small, 0o644); err != nil {
		return mine, theirs, err
	}
	var a, c []float64
	var body []byte
	for range b.runs {
		runtime.GC()
		before := meter.CPUTime()
		if body, err = convert(small, resize.Options{Format: format, Quality: quality}); err != nil {
			return mine, theirs, err
		}
		used := float64((meter.CPUTime() - before).Microseconds()) / 1000
		before = meter.CPUTime()
		if _, err := convert(small, resize.Options{Format: resize.BMP}); err != nil {
			return mine, theirs, err
		}
		a = append(a, used-float64((meter.CPUTime()-before).Microseconds())/1000)
		start, err := vips("copy", in, filepath.Join(b.work, "vips.v"))
		if err != nil {
			return mine, theirs, err
		}
		var all float64
		switch {
		case format == resize.GIF:
			all, err = vips("gifsave", in, out, "--bitdepth", strconv.Itoa(depth))
		case depth == 6: // PNG has no such depth: the colours of a GIF as PNG
			g := filepath.Join(b.work, "vips64.gif")
			if all, err = vips("gifsave", in, g, "--bitdepth", "6"); err == nil {
				_, err = vips("pngsave", g, out, "--palette")
			}
		default:
			all, err = vips("pngsave", in, out, "--palette", "--bitdepth", strconv.Itoa(depth))
		}
		if err != nil {
			return mine, theirs, err
		}
		c = append(c, all-start)
	}
	other, err := os.ReadFile(out)
	if err != nil {
		return mine, theirs, err
	}
	for _, f := range []struct {
		to     *figure
		body   []byte
		millis []float64
	}{{&mine, body, a}, {&theirs, other, c}} {
		got, err := decode(f.body)
		if err != nil {
			return mine, theirs, err
		}
		f.to.psnr, f.to.soft = psnr(want, got, 1), psnr(want, got, 2)
		f.to.bytes, f.to.millis = len(f.body), meter.Median(f.millis)
	}
	return mine, theirs, os.WriteFile(filepath.Join(b.work, fmt.Sprintf("%s-%d.%s", strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), depth, format)), body, 0o644)
}

// moving measures animations: scaled by us, then written by both from the same frames.
func (b *bench) moving() error {
	if len(animations) == 0 {
		return nil
	}
	fmt.Println("\n| animation as GIF | frames | PSNR, dB | vips | bytes to vips | CPU, ms | vips |")
	fmt.Println("|---|---:|---:|---:|---:|---:|---:|")
	for _, a := range animations {
		name := a.name
		source, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		frames, err := lossless(source, a.width)
		if err != nil {
			return err
		}
		// vips takes a strip of frames as pages.
		tall := image.NewNRGBA(image.Rect(0, 0, frames[0].Rect.Dx(), frames[0].Rect.Dy()*len(frames)))
		for i, f := range frames {
			copy(tall.Pix[i*len(f.Pix):], f.Pix)
		}
		in, out := filepath.Join(b.work, "frames.png"), filepath.Join(b.work, "vips-"+filepath.Base(name))
		strip, err := meter.PNG(tall)
		if err != nil {
			return err
		}
		if err := os.WriteFile(in, strip, 0o644); err != nil {
			return err
		}
		var own, others []float64
		var body []byte
		for range b.runs {
			runtime.GC()
			before := meter.CPUTime()
			if body, err = convert(source, resize.Options{Width: a.width, Format: resize.GIF}); err != nil {
				return err
			}
			own = append(own, float64((meter.CPUTime()-before).Microseconds())/1000)
			used, err := vips("gifsave", in, out, "--page-height", strconv.Itoa(frames[0].Rect.Dy()))
			if err != nil {
				return err
			}
			others = append(others, used)
		}
		other, err := os.ReadFile(out)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(b.work, "ours-"+filepath.Base(name)), body, 0o644); err != nil {
			return err
		}
		mine, err := animated(frames, body)
		if err != nil {
			return err
		}
		theirs, err := animated(frames, other)
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %d | %.2f | %.2f | %d to %d, %.3f | %.1f | %.1f |\n", filepath.Base(name), len(frames), mine, theirs, len(body), len(other), float64(len(body))/float64(len(other)), meter.Median(own), meter.Median(others))
	}
	return nil
}

// lossless returns the frames of an animation, scaled.
func lossless(source []byte, width int) (frames []*image.NRGBA, err error) {
	for page := 1; page <= 1000; page++ {
		body, err := convert(source, resize.Options{Width: width, Format: resize.PNG, Page: page})
		if err != nil {
			return nil, err
		}
		m, err := decode(body)
		if err != nil {
			return nil, err
		}
		frames = append(frames, m)
		all, err := gif.DecodeAll(bytes.NewReader(source))
		if err != nil {
			return nil, err
		}
		if page == len(all.Image) {
			break
		}
	}
	return frames, nil
}

// animated returns the mean PSNR of what is seen of a GIF.
func animated(want []*image.NRGBA, file []byte) (float64, error) {
	g, err := gif.DecodeAll(bytes.NewReader(file))
	if err != nil {
		return 0, err
	}
	canvas := paint.NewCanvas(image.Pt(g.Config.Width, g.Config.Height))
	sum, at := 0.0, 0
	for i, f := range g.Image {
		before := canvas.Copy()
		canvas.Blend(pixel.Copy(f), f.Rect.Min)
		if at < len(want) {
			sum += min(99, psnr(want[at], canvas.NRGBA, 1))
		}
		at++
		switch g.Disposal[i] {
		case gif.DisposalBackground:
			canvas.Clear(f.Rect)
		case gif.DisposalPrevious:
			canvas.NRGBA = before
		}
	}
	if at != len(want) {
		fmt.Fprintf(os.Stderr, "%d frames instead of %d\n", at, len(want))
	}
	return sum / float64(min(at, len(want))), nil
}

func convert(source []byte, o resize.Options) ([]byte, error) {
	r := resize.Resizer{Limits: resize.Limits{Formats: []resize.Format{resize.BMP}}}
	result, err := r.Resize(context.Background(), resize.Source{Body: bytes.NewReader(source), Size: int64(len(source))}, o)
	if err != nil {
		return nil, err
	}
	return result.Body, nil
}

func decode(file []byte) (*image.NRGBA, error) {
	m, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	return pixel.Copy(m), nil
}

// psnr compares what shows of pixels, or of the means of n by n of them.
func psnr(a, b *image.NRGBA, n int) float64 {
	w, h := a.Rect.Dx()/n, a.Rect.Dy()/n
	sum := 0.0
	for y := range h {
		for x := range w {
			for c := range 4 {
				d := 0.0
				for i := range n * n {
					at := (y*n+i/n)*a.Stride + 4*(x*n+i%n)
					p, q := a.Pix[at:], b.Pix[at:]
					if c == 3 {
						d += float64(p[3]) - float64(q[3])
					} else {
						d += (float64(p[c])*float64(p[3]) - float64(q[c])*float64(q[3])) / 255
					}
				}
				sum += d * d / float64(n*n*n*n)
			}
		}
	}
	return 10 * math.Log10(255*255*3*float64(w*h)/max(sum, 1e-3))
}

// vips runs vips and returns the CPU milliseconds that it took.
func vips(args ...string) (float64, error) {
	cmd := exec.Command("vips", args...)
	cmd.Env = append(os.Environ(), "VIPS_CONCURRENCY=1")
	if text, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("vips %v: %w\n%s", args, err, text)
	}
	used := meter.Used(cmd.ProcessState.SysUsage().(*syscall.Rusage))
	return float64(used.Microseconds()) / 1000, nil
}
