package av1

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// chosenPicture encodes planes with the decisions of the encoder.
func chosenPicture(what string, planes []component, sub, qIndex int) picture {
	f := newFrame(planes, sub, sub, qIndex)
	f.look()
	effort := (planes[0].width + qIndex) % len(searches)
	count := &paletteCounter{}
	stream, err := f.stream(func() picker {
		count.chooser = newChooser(f, effort)
		return count
	})
	if err != nil {
		panic(err) // nobody ends it
	}
	return picture{f, stream, fmt.Sprintf("%s, effort %d", what, effort), count.n}
}

// paletteCounter counts the blocks with palettes of luma and of chroma.
type paletteCounter struct {
	*chooser
	n [2]int
}

func (c *paletteCounter) planned(t *tile, b *block) bool {
	ok := c.chooser.planned(t, b)
	if ok {
		for p := range c.n {
			c.n[p] += b2i(b.palette[p].n > 0)
		}
	}
	return ok
}

// Decisions by cost must decode to the encoder's own samples, too.
func TestChosenDecisions(t *testing.T) {
	j := newJudge(t)
	r := rand.New(rand.NewPCG(3, 3))
	for _, size := range []image.Point{{1, 1}, {8, 8}, {17, 65}, {130, 70}, {200, 133}} {
		for _, q := range []int{1, 60, 255} {
			for _, kind := range []struct {
				name        string
				planes, sub int
			}{{"monochrome", 1, 1}, {"4:2:0", 3, 1}, {"4:4:4", 3, 0}} {
				p := chosenPicture(kind.name+" "+size.String(), noise(r, size.X, size.Y, kind.planes, kind.sub, kind.sub), kind.sub, q)
				j.check(p)
			}
		}
	}
}

// The largest residuals: no transform may leave the range in which decoders agree.
func TestExtremePictures(t *testing.T) {
	j := newJudge(t)
	r := rand.New(rand.NewPCG(7, 7))
	patterns := map[string]func(x, y int) uint8{
		"noise of black and white": func(x, y int) uint8 { return uint8(255 * r.IntN(2)) },
		"a chessboard of samples":  func(x, y int) uint8 { return uint8(255 * ((x ^ y) & 1)) },
		"columns":                  func(x, y int) uint8 { return uint8(255 * (x & 1)) },
		"squares of 8":             func(x, y int) uint8 { return uint8(255 * ((x>>3 ^ y>>3) & 1)) },
		"squares of 64":            func(x, y int) uint8 { return uint8(255 * ((x>>6 ^ y>>6) & 1)) },
		"the corner of each 32":    func(x, y int) uint8 { return uint8(255 * b2i(x&31 == 31 && y&31 == 31)) },
	}
	for name, f := range patterns {
		var batch []picture
		for _, sub := range []int{0, 1} {
			var planes []component
			for p := range 3 {
				w, h := 150, 140
				if p > 0 {
					w, h = w>>sub, h>>sub
				}
				pix := make([]uint8, w*h)
				for i := range pix {
					pix[i] = f(i%w, i/w)
				}
				planes = append(planes, component{pix, w, w, h})
			}
			for _, q := range []int{1, 8, 40, 130, 255} {
				batch = append(batch, chosenPicture(fmt.Sprintf("%s, subsampled by %d, q_idx %d", name, sub, q), planes, sub, q))
			}
		}
		j.check(batch...)
	}
}

// drawing is a picture of boxes and lines in a few colours, with soft edges.
func drawing(r *rand.Rand, w, h, planes, sub int) []component {
	var out []component
	for p := range planes {
		cw, ch := w, h
		if p > 0 {
			cw, ch = (w+sub)>>sub, (h+sub)>>sub
		}
		pix := bytes.Repeat([]uint8{240}, cw*ch)
		for range 4 + cw*ch/300 {
			x, y, bw, bh, v := r.IntN(cw), r.IntN(ch), 1+r.IntN(9), 1+r.IntN(9), uint8(30*r.IntN(8))
			for i := y; i < min(y+bh, ch); i++ {
				for j := x; j < min(x+bw, cw); j++ {
					pix[i*cw+j] = v
					if j == x {
						pix[i*cw+j] = v/2 + 60
					}
				}
			}
		}
		out = append(out, component{pix, cw, cw, ch})
	}
	return out
}

// Drawings get palettes and decode to the encoder's own samples.
func TestDrawings(t *testing.T) {
	j := newJudge(t)
	r := rand.New(rand.NewPCG(5, 1))
	for effort := range searches {
		var batch []picture
		for i, size := range []image.Point{{64, 64}, {97, 71}, {150, 190}} {
			for _, kind := range []struct{ planes, sub int }{{1, 1}, {3, 1}, {3, 0}} {
				// The effort is chosen by width and quantizer.
				q := 10 + 70*i
				for (size.X+q)%len(searches) != effort {
					q++
				}
				p := chosenPicture(fmt.Sprintf("drawing of %v, %d planes, subsampled by %d", size, kind.planes, kind.sub), drawing(r, size.X, size.Y, kind.planes, kind.sub), kind.sub, q)
				if !p.screen || p.palettes[0] == 0 {
					t.Errorf("%s: taken for a drawing: %v, %d blocks with palettes; want some", p.what, p.screen, p.palettes[0])
				}
				batch = append(batch, p)
			}
		}
		j.check(batch...)
	}
}

// A photograph of the corpus, if it is there; it has no palettes.
func TestPhotographs(t *testing.T) {
	j := newJudge(t)
	for _, m := range photographs(t) {
		planes, subX, _, _, err := components(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []int{40, 110, 200} {
			p := chosenPicture("photograph", planes, subX, q)
			if p.screen {
				t.Error("a photograph is taken for a drawing")
			}
			j.check(p)
		}
	}
}

// photographs are JPEGs of the corpus, 4:2:0.
func photographs(t testing.TB) []*image.YCbCr {
	names, _ := filepath.Glob("../../../shared/corpus/*/*.jpg")
	more, _ := filepath.Glob("../../../shared/corpus/*.jpg")
	var out []*image.YCbCr
	for _, name := range append(names, more...) {
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		m, err := jpeg.Decode(bytes.NewReader(b))
		if err != nil {
			continue
		}
		if y, ok := m.(*image.YCbCr); ok && y.SubsampleRatio == image.YCbCrSubsampleRatio420 && y.Rect.Dx() >= 256 && y.Rect.Dy() >= 256 {
			out = append(out, y.SubImage(image.Rect(0, 0, 256, 256)).(*image.YCbCr))
		}
		if len(out) == 2 {
			break
		}
	}
	if len(out) == 0 {
		t.Skip("photographs are not tested without the corpus")
	}
	return out
}

// A file is read by the reader of AVIF that is installed, strictly.
func TestFile(t *testing.T) {
	newJudge(t)
	if _, err := exec.LookPath("avifdec"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("avifdec is not installed (Debian package libavif-bin)")
		}
		t.Skip("AVIF files are not read without avifdec (Debian package libavif-bin)")
	}
	gradient := func(m *image.YCbCr) {
		for i := range m.Y {
			m.Y[i] = uint8(i)
		}
		for i := range m.Cb {
			m.Cb[i], m.Cr[i] = uint8(90+i%40), uint8(160-i%30)
		}
	}
	r := image.Rect(0, 0, 77, 53)
	gray := image.NewGray(r)
	yuv420, yuv444 := image.NewYCbCr(r, image.YCbCrSubsampleRatio420), image.NewYCbCr(r, image.YCbCrSubsampleRatio444)
	alpha := image.NewNYCbCrA(r, image.YCbCrSubsampleRatio420)
	gradient(yuv420)
	gradient(yuv444)
	gradient(&alpha.YCbCr)
	for i := range alpha.A {
		alpha.A[i] = uint8(i % 256)
		gray.Pix[i] = uint8(3 * i)
	}
	for _, tt := range []struct {
		name string
		m    image.Image
		want []string
	}{
		{"gray", gray, []string{"77x53", "Format         : YUV400", "Alpha          : Absent"}},
		{"4:2:0", yuv420, []string{"77x53", "Format         : YUV420", "Alpha          : Absent"}},
		{"4:4:4", yuv444, []string{"77x53", "Format         : YUV444", "Alpha          : Absent"}},
		{"alpha", alpha, []string{"77x53", "Format         : YUV420", "Alpha          : Not premultiplied"}},
	} {
		var b bytes.Buffer
		if err := Encode(&b, tt.m, nil); err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		name := filepath.Join(t.TempDir(), "x.avif")
		if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("avifdec", "--info", name).CombinedOutput()
		if err != nil {
			t.Errorf("%s: avifdec: %v: %s", tt.name, err, out)
		}
		for _, s := range append(tt.want, "Range          : Full", "Color Primaries: 1", "Transfer Char. : 13", "Matrix Coeffs. : 6") {
			if !strings.Contains(string(out), s) {
				t.Errorf("%s: avifdec --info does not say %q:\n%s", tt.name, s, out)
			}
		}
		if out, err := exec.Command("avifdec", name, name+".png").CombinedOutput(); err != nil {
			t.Errorf("%s: avifdec: %v: %s", tt.name, err, out)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		m    image.Image
		size bool
	}{
		{"an empty picture", image.NewGray(image.Rect(0, 0, 0, 5)), true},
		{"a picture wider than a header can say", image.NewGray(image.Rect(0, 0, 65537, 1)), true},
		{"4:2:2", image.NewYCbCr(image.Rect(0, 0, 8, 8), image.YCbCrSubsampleRatio422), false},
		{"4:2:0 that begins between two samples of chroma", image.NewYCbCr(image.Rect(0, 0, 8, 8), image.YCbCrSubsampleRatio420).SubImage(image.Rect(1, 0, 8, 8)), false},
		{"RGBA", image.NewUniform(color.White), true},
		{"NRGBA", image.NewNRGBA(image.Rect(0, 0, 8, 8)), false},
	} {
		var b bytes.Buffer
		err := Encode(&b, tt.m, nil)
		if err == nil || errors.Is(err, ErrSize) != tt.size || b.Len() > 0 {
			t.Errorf("Encode of %s: error %v with %d bytes; want an error, of size: %v", tt.name, err, b.Len(), tt.size)
		}
	}
}
