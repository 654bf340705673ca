package jpeg

import (
	"bytes"
	"errors"
	"fmt"
	"hash/fnv"
	"image"
	"math"
	"os"
	"os/exec"
	"testing"
)

var scales = []int{1, 2, 4, 8}

// need skips the test if a program is missing, but not in CI.
func need(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing", program)
		}
		t.Skipf("no %s: its output is not compared with", program)
	}
}

// TestEighthEqualsDjpeg compares luma at 1/8 with libjpeg-turbo's, which is
// rounded the same way.
func TestEighthEqualsDjpeg(t *testing.T) {
	need(t, "djpeg")
	compared := 0
	for _, f := range files(t, "jpeg", "photos") {
		got, err := Decode(bytes.NewReader(f.data), &Options{Scale: 1})
		if err != nil || got.Incomplete || got.Model != Gray && got.Model != YCbCr || got.Sampling[0] != got.maxSampling() {
			continue
		}
		cmd := exec.Command("djpeg", "-scale", "1/8", "-grayscale", "-pnm")
		cmd.Stdin = bytes.NewReader(f.data)
		out, err := cmd.Output()
		if err != nil && cmd.ProcessState.ExitCode() != 2 { // 2: with warnings
			t.Logf("%s: djpeg: %v", f.name, err)
			continue
		}
		var w, h, depth int
		if _, err := fmt.Fscanf(bytes.NewReader(out), "P5\n%d %d\n%d", &w, &h, &depth); err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		size := got.Image.Bounds().Size()
		if size != image.Pt(w, h) {
			t.Errorf("%s: size %v; djpeg has %dx%d", f.name, size, w, h)
			continue
		}
		pix, stride := []byte(nil), 0
		switch m := got.Image.(type) {
		case *image.Gray:
			pix, stride = m.Pix, m.Stride
		case *image.YCbCr:
			pix, stride = m.Y, m.YStride
		}
		var d diff
		d.planes(pix, stride, out[len(out)-w*h:], w, w, h)
		if d.differing > 0 {
			t.Errorf("%s: %d of %d samples differ from djpeg, by up to %d", f.name, d.differing, d.samples, d.max)
		}
		compared++
	}
	t.Logf("%d files equal", compared)
}

// TestScaledEqualsDefinition takes the full-size picture back to coefficients
// and makes the small one of them by the definition. Rounding and clamping of
// the full-size samples keep that from being exact.
func TestScaledEqualsDefinition(t *testing.T) {
	for _, f := range small(files(t, "jpeg", "photos"), 2e6) {
		full, err := Decode(bytes.NewReader(f.data), nil)
		if err != nil || full.Incomplete {
			continue
		}
		fullPlanes := planesOf(t, f.data, &Options{})
		for _, n := range []int{1, 2, 4} {
			for i, got := range planesOf(t, f.data, &Options{Scale: n}) {
				worst := 0.0
				src := fullPlanes[i]
				for by := range got.Height / n {
					for bx := range got.Width / n {
						if (bx+1)*8 > src.Width || (by+1)*8 > src.Height {
							continue
						}
						coefs, ok := lowCoefficients(src.Pix[by*8*src.Stride+bx*8:], src.Stride, n)
						if !ok {
							continue
						}
						for j, want := range slowIDCT(coefs, n) {
							v := float64(got.Pix[(by*n+j/n)*got.Stride+bx*n+j%n])
							worst = max(worst, math.Abs(v-min(max(want, 0), 255)))
						}
					}
				}
				if worst > 1.3 {
					t.Errorf("%s: component %d at %d/8 is off by %.2f", f.name, i, n, worst)
				}
			}
		}
	}
}

// lowCoefficients returns the lowest NxN coefficients of an 8x8 block of
// samples, transposed. It reports false if samples may have been clamped.
func lowCoefficients(p []byte, stride, n int) ([]float64, bool) {
	out := make([]float64, n*n)
	for y := range 8 {
		for x := range 8 {
			v := p[y*stride+x]
			if v == 0 || v == 255 {
				return nil, false
			}
			for fu := range n {
				for fv := range n {
					out[n*fu+fv] += (float64(v) - 128) * cosines[fu][x] * cosines[fv][y]
				}
			}
		}
	}
	return out, true
}

// cosines are the 8-point DCT's, orthonormal.
var cosines = func() (c [8][8]float64) {
	for k := range 8 {
		for x := range 8 {
			c[k][x] = math.Cos(float64((2*x+1)*k)*math.Pi/16) / 2
			if k == 0 {
				c[k][x] = math.Sqrt(1.0 / 8)
			}
		}
	}
	return c
}()

// planesOf decodes by strips and puts them together.
func planesOf(t testing.TB, data []byte, o *Options) []Plane {
	t.Helper()
	var planes []Plane
	var h *Header
	next := 0
	n := o.Scale
	if n == 0 {
		n = 8
	}
	_, err := DecodeStrips(bytes.NewReader(data), o, func(header *Header) error {
		h = header
		for i := range h.Components {
			size := h.PlaneSize(i, h.planeScale(i, n, o.ChromaScale))
			planes = append(planes, Plane{Pix: make([]byte, 0, size.X*size.Y), Stride: size.X, Width: size.X, Height: size.Y})
		}
		return nil
	}, func(s *Strip) error {
		if s.Y0 != next {
			t.Errorf("strip at %d; want %d", s.Y0, next)
		}
		next += h.MCUSize().Y * n / 8
		for i, p := range s.Planes {
			for y := range p.Height {
				planes[i].Pix = append(planes[i].Pix, p.Pix[y*p.Stride:][:p.Width]...)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range planes {
		if len(p.Pix) != p.Width*p.Height {
			t.Fatalf("component %d: strips have %d samples; want %dx%d", i, len(p.Pix), p.Width, p.Height)
		}
	}
	return planes
}

// sum returns a hash of the samples within the bounds.
func sum(m image.Image) uint64 {
	h := fnv.New64a()
	rows := func(p []byte, stride, w, height int) {
		for y := range height {
			_, _ = h.Write(p[y*stride:][:w]) // never fails
		}
	}
	w, height := m.Bounds().Dx(), m.Bounds().Dy()
	switch m := m.(type) {
	case *image.Gray:
		rows(m.Pix, m.Stride, w, height)
	case *image.RGBA:
		rows(m.Pix, m.Stride, 4*w, height)
	case *image.CMYK:
		rows(m.Pix, m.Stride, 4*w, height)
	case *image.YCbCr:
		o := m.COffset(w-1, height-1)
		cw, ch := o%m.CStride+1, o/m.CStride+1
		rows(m.Y, m.YStride, w, height)
		rows(m.Cb, m.CStride, cw, ch)
		rows(m.Cr, m.CStride, cw, ch)
	}
	return h.Sum64()
}

func TestStripsEqualPlanes(t *testing.T) {
	for _, f := range small(files(t, "jpeg", "photos", "broken"), 3e6) {
		for _, n := range scales {
			m, err := Decode(bytes.NewReader(f.data), &Options{Scale: n})
			if err != nil {
				continue
			}
			planes := planesOf(t, f.data, &Options{Scale: n})
			var d diff
			bounds := m.Image.Bounds()
			switch m := m.Image.(type) {
			case *image.Gray:
				d.planes(m.Pix, m.Stride, planes[0].Pix, planes[0].Stride, planes[0].Width, planes[0].Height)
			case *image.YCbCr:
				if m.CStride == bounds.Dx() { // resampled
					continue
				}
				d.planes(m.Y, m.YStride, planes[0].Pix, planes[0].Stride, planes[0].Width, planes[0].Height)
				d.planes(m.Cb, m.CStride, planes[1].Pix, planes[1].Stride, planes[1].Width, planes[1].Height)
				d.planes(m.Cr, m.CStride, planes[2].Pix, planes[2].Stride, planes[2].Width, planes[2].Height)
			}
			if d.differing > 0 {
				t.Errorf("%s at %d/8: strips differ from planes", f.name, n)
			}
		}
	}
}

// TestAssemblyEqualsGo decodes the corpus both ways. The hash is printed to be
// compared between builds and machines.
func TestAssemblyEqualsGo(t *testing.T) {
	total := fnv.New64a()
	limit := 30e6
	if testing.Short() {
		limit = 1e6
	}
	for _, f := range small(files(t, "jpeg", "photos", "broken"), int(limit)) {
		for _, n := range []int{4, 8} {
			m, err := Decode(bytes.NewReader(f.data), &Options{Scale: n})
			if err != nil {
				break
			}
			g, err := Decode(bytes.NewReader(f.data), &Options{Scale: n, kernels: kernels{generic: true}})
			if err != nil {
				t.Fatal(err)
			}
			if sum(m.Image) != sum(g.Image) {
				t.Errorf("%s at %d/8: assembly and Go give different samples", f.name, n)
			}
			fmt.Fprintf(total, "%s %d %x\n", f.name, n, sum(m.Image))
		}
	}
	t.Logf("hash of all: %x", total.Sum64())
}

func TestTwins(t *testing.T) {
	need(t, "jpegtran")
	limit := 13e6
	if testing.Short() {
		limit = 1e6
	}
	for _, f := range small(files(t, "jpeg", "photos"), int(limit)) {
		m, err := Decode(bytes.NewReader(f.data), nil)
		if err != nil || m.Incomplete || m.Progressive {
			continue
		}
		twin := progressiveTwin(t, f.data)
		for _, n := range scales {
			a, err := Decode(bytes.NewReader(f.data), &Options{Scale: n})
			if err != nil {
				t.Fatalf("%s: %v", f.name, err)
			}
			b, err := Decode(bytes.NewReader(twin), &Options{Scale: n})
			if err != nil {
				t.Errorf("%s at %d/8: progressive twin: %v", f.name, n, err)
				continue
			}
			if !b.Progressive || b.Incomplete {
				t.Errorf("%s at %d/8: twin is progressive %v, incomplete %v", f.name, n, b.Progressive, b.Incomplete)
			}
			if a.Model == b.Model && sum(a.Image) != sum(b.Image) {
				t.Errorf("%s at %d/8: progressive twin has different samples", f.name, n)
			}
		}
	}
}

// TestChromaScale decodes chroma of 4:2:0 at full size beside luma at 4/8: each
// plane is as if all were at its scale, and other pictures are as without.
func TestChromaScale(t *testing.T) {
	const w, h = 171, 93
	for _, ratio := range encRatios {
		m := image.NewYCbCr(image.Rect(0, 0, w, h), ratio)
		encScene(m.Y, m.YStride, w, h, 1)
		encScene(m.Cb, m.CStride, m.CStride, len(m.Cb)/m.CStride, 2)
		encScene(m.Cr, m.CStride, m.CStride, len(m.Cr)/m.CStride, 3)
		for _, progressive := range []bool{false, true} {
			for _, k := range []kernels{{}, {generic: true}} {
				var b bytes.Buffer
				if err := Encode(&b, m, &EncodeOptions{Quality: 90, Progressive: progressive}); err != nil {
					t.Fatal(err)
				}
				name := fmt.Sprintf("%v, progressive %v, generic %v", ratio, progressive, k.generic)
				half := planesOf(t, b.Bytes(), &Options{Scale: 4, kernels: k})
				want := half
				if ratio == image.YCbCrSubsampleRatio420 {
					full := planesOf(t, b.Bytes(), &Options{Scale: 8, kernels: k})
					want = []Plane{half[0], full[1], full[2]}
				}
				o := &Options{Scale: 4, ChromaScale: 8, kernels: k}
				got := planesOf(t, b.Bytes(), o)
				for i := range want {
					if !bytes.Equal(got[i].Pix, want[i].Pix) {
						t.Errorf("%s: plane %d of strips is another one", name, i)
					}
				}
				img, err := Decode(bytes.NewReader(b.Bytes()), o)
				if err != nil {
					t.Fatal(err)
				}
				whole := img.Image.(*image.YCbCr)
				if size := whole.Rect.Size(); size != img.ScaledSize(4) {
					t.Errorf("%s: %v pixels; want %v", name, size, img.ScaledSize(4))
				}
				if is444 := whole.SubsampleRatio == image.YCbCrSubsampleRatio444; ratio == image.YCbCrSubsampleRatio420 && !is444 {
					t.Errorf("%s: the whole picture is %v", name, whole.SubsampleRatio)
				}
				var d diff
				d.planes(whole.Y, whole.YStride, want[0].Pix, want[0].Stride, want[0].Width, want[0].Height)
				d.planes(whole.Cb, whole.CStride, want[1].Pix, want[1].Stride, want[1].Width, want[1].Height)
				d.planes(whole.Cr, whole.CStride, want[2].Pix, want[2].Stride, want[2].Width, want[2].Height)
				if d.differing > 0 {
					t.Errorf("%s: the whole picture differs from the planes", name)
				}
				samples := int64(len(img.Buffer))
				if estimate := img.DecodeBytes(o, false); estimate < samples {
					t.Errorf("%s: an estimate of %d bytes for %d of samples", name, estimate, samples)
				}
			}
		}
	}
	for _, o := range []Options{{Scale: 4, ChromaScale: 2}, {Scale: 2, ChromaScale: 8}, {ChromaScale: 4}, {Scale: 4, ChromaScale: -8}} {
		if _, err := Decode(bytes.NewReader(nil), &o); !errors.Is(err, ErrUnsupported) {
			t.Errorf("scale %d with chroma at %d: %v; want ErrUnsupported", o.Scale, o.ChromaScale, err)
		}
	}
}

// Decoding with fewer coefficients is decoding a file whose steps of all others
// are 0.
func TestShort(t *testing.T) {
	for _, f := range small(files(t, "jpeg", "photos"), 2e6) {
		for n, last := range map[int]int{1: 63, 2: 2, 4: 9, 8: 63} {
			got, err := Decode(bytes.NewReader(f.data), &Options{Scale: n, Short: true})
			if err != nil {
				continue
			}
			all, err := Decode(bytes.NewReader(f.data), &Options{Scale: n})
			if err != nil {
				t.Fatalf("%s: %v", f.name, err)
			}
			if got.Progressive {
				last = 63
			}
			want, err := Decode(bytes.NewReader(withoutSteps(f.data, last)), &Options{Scale: n})
			if err != nil {
				t.Fatalf("%s: %v", f.name, err)
			}
			if sum(got.Image) != sum(want.Image) {
				t.Errorf("%s at %d/8: not as without the steps behind %d", f.name, n, last)
			}
			if last < 63 && f.name == "jpeg/go__video-001.q50.420.jpeg" && sum(got.Image) == sum(all.Image) {
				t.Errorf("%s at %d/8: no coefficient is left out", f.name, n)
			}
		}
	}
}

// withoutSteps returns a file with steps of 0 behind a position of the zigzag
// sequence.
func withoutSteps(file []byte, last int) []byte {
	out := bytes.Clone(file)
	for at := 2; at+4 < len(out) && out[at] == 0xff && out[at+1] != markerSOS; {
		n := int(out[at+2])<<8 | int(out[at+3])
		if out[at+1] == markerDQT {
			for t := out[at+4 : at+2+n]; len(t) > 0; {
				size := 1 + int(t[0]>>4)
				clear(t[1+size*(last+1) : 1+size*64])
				t = t[1+size*64:]
			}
		}
		at += 2 + n
	}
	return out
}
