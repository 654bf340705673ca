package jpeg

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os/exec"
	"testing"
)

var encRatios = []image.YCbCrSubsampleRatio{
	image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
	image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
}

// encScene fills a plane with slopes, edges, texture and a little noise.
func encScene(pix []byte, stride, w, h int, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	for y := range h {
		for x := range w {
			v := 128 + 70*math.Sin(float64(x)/(19+float64(seed)))*math.Cos(float64(y)/23) + 9*math.Sin(float64(x*y)/200)
			if (x/41+y/29)%4 == 0 {
				v += 30
			}
			v += r.NormFloat64() * 2
			pix[y*stride+x] = byte(min(max(v, 0), 255))
		}
	}
}

func encYCbCr(r image.Rectangle, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	m := image.NewYCbCr(r, ratio)
	encScene(m.Y, m.YStride, m.YStride, len(m.Y)/m.YStride, 1)
	encScene(m.Cb, m.CStride, m.CStride, len(m.Cb)/m.CStride, 2)
	encScene(m.Cr, m.CStride, m.CStride, len(m.Cr)/m.CStride, 3)
	return m
}

func encGray(w, h int) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	encScene(m.Pix, m.Stride, w, h, 1)
	return m
}

func encode(t testing.TB, m image.Image, o EncodeOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Encode(&b, m, &o); err != nil {
		t.Fatalf("Encode: %v", err)
	}
	return b.Bytes()
}

func stdDecode(t testing.TB, data []byte) image.Image {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("image/jpeg: %v", err)
	}
	return m
}

// encPlanes returns the planes of m, cut to what belongs to the picture.
func encPlanes(m image.Image) [][]byte {
	cut := func(pix []byte, stride, w, h int) (out []byte) {
		for y := range h {
			out = append(out, pix[y*stride:][:w]...)
		}
		return out
	}
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	switch m := m.(type) {
	case *image.Gray:
		return [][]byte{cut(m.Pix, m.Stride, w, h)}
	case *image.YCbCr:
		var e encoder
		e.width, e.height = w, h
		e.setSource(m, false)
		cw, ch := ceilDiv(w, e.hmax), ceilDiv(h, e.vmax)
		return [][]byte{cut(e.comps[0].pix, m.YStride, w, h),
			cut(e.comps[1].pix, e.comps[1].stride, cw, ch), cut(e.comps[2].pix, e.comps[2].stride, cw, ch)}
	}
	panic("no planes")
}

func encPSNR(a, b []byte) float64 {
	se := 0.0
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		se += d * d
	}
	return 10 * math.Log10(255*255*float64(len(a))/(se+1e-9))
}

var encSizes = []image.Point{{1, 1}, {2, 1}, {1, 9}, {7, 8}, {8, 8}, {9, 7}, {16, 16}, {17, 33}, {33, 15}, {100, 75}, {131, 64}}

// Every way to write a picture must give the same pixels, near those given.
func TestEncodeRoundTrip(t *testing.T) {
	check := func(name string, m image.Image, q int, floor float64) {
		base := encode(t, m, EncodeOptions{Quality: q, Tables: TablesStandard})
		got := stdDecode(t, base)
		if got.Bounds().Size() != m.Bounds().Size() {
			t.Fatalf("%s: decodes to %v", name, got.Bounds())
		}
		want, have := encPlanes(m), encPlanes(got)
		if len(want) != len(have) {
			t.Fatalf("%s: %d components; want %d", name, len(have), len(want))
		}
		for i := range want {
			if p := encPSNR(want[i], have[i]); p < floor {
				t.Errorf("%s: component %d at %.1f dB; want at least %v", name, i, p, floor)
			}
		}
		for _, o := range []EncodeOptions{{}, {Progressive: true, nearest: true}, {Tables: TablesStandard, generic: true}, {generic: true}} {
			o.Quality = q
			data := encode(t, m, o)
			if o.generic && o.Tables == TablesStandard && !bytes.Equal(data, base) {
				t.Errorf("%s: assembly and Go write different bytes", name)
			}
			for i, p := range encPlanes(stdDecode(t, data)) {
				if !bytes.Equal(p, have[i]) {
					t.Errorf("%s %+v: component %d differs from the baseline file", name, o, i)
				}
			}
		}
		// By what bits are worth the pixels are others, and nearly as near.
		for i, p := range encPlanes(stdDecode(t, encode(t, m, EncodeOptions{Quality: q, Progressive: true}))) {
			if p := encPSNR(want[i], p); p < floor-1.5 {
				t.Errorf("%s, trellis: component %d at %.1f dB; want at least %v", name, i, p, floor-1.5)
			}
		}
	}
	for _, s := range encSizes {
		for _, q := range []int{1, 30, 75, 100} {
			floor := map[int]float64{1: 10, 30: 24, 75: 27, 100: 42}[q]
			check(fmt.Sprintf("gray %v q%d", s, q), encGray(s.X, s.Y), q, floor)
			for _, ratio := range encRatios {
				check(fmt.Sprintf("%v %v q%d", ratio, s, q), encYCbCr(image.Rectangle{Max: s}, ratio), q, floor)
			}
		}
	}
	check("gray 400x300", encGray(400, 300), 75, 33)
}

// The package must read what it writes, at every scale.
func TestEncodeDecode(t *testing.T) {
	for _, ratio := range encRatios {
		m := encYCbCr(image.Rect(0, 0, 131, 75), ratio)
		for _, n := range []int{1, 2, 4, 8} {
			var want [][]byte
			for _, o := range []EncodeOptions{{Tables: TablesStandard}, {}, {Progressive: true, nearest: true}} {
				got, err := Decode(bytes.NewReader(encode(t, m, o)), &Options{Scale: n})
				if err != nil || got.Incomplete {
					t.Fatalf("%v %+v: %v, incomplete %v", ratio, o, err, got.Incomplete)
				}
				planes := encPlanes(got.Image)
				for i := range want {
					if !bytes.Equal(planes[i], want[i]) {
						t.Errorf("%v at %d/8 %+v: component %d differs from the baseline file", ratio, n, o, i)
					}
				}
				want = planes
			}
			if n == 8 {
				for i, p := range encPlanes(m) {
					if d := encPSNR(p, want[i]); d < 30 {
						t.Errorf("%v: component %d at %.1f dB; want at least 30", ratio, i, d)
					}
				}
			}
		}
	}
}

// Noise exercises long runs of nothing and the largest coefficients.
func TestEncodeExtremes(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for _, kind := range []string{"black and white noise", "checks", "black", "white", "sparse"} {
		m := image.NewGray(image.Rect(0, 0, 203, 99))
		for i := range m.Pix {
			switch kind {
			case "black and white noise":
				m.Pix[i] = byte(-(r.Uint32() & 1))
			case "checks":
				m.Pix[i] = byte(-(i%203 + i/203) & 1 * 255)
			case "white":
				m.Pix[i] = 255
			case "sparse":
				m.Pix[i] = 100
				if r.IntN(500) == 0 {
					m.Pix[i] = byte(r.Uint32())
				}
			}
		}
		for _, q := range []int{3, 50, 92, 100} {
			want := stdDecode(t, encode(t, m, EncodeOptions{Quality: q, Tables: TablesStandard})).(*image.Gray)
			for _, o := range []EncodeOptions{{Quality: q}, {Quality: q, Progressive: true, nearest: true}} {
				got := stdDecode(t, encode(t, m, o)).(*image.Gray)
				if !bytes.Equal(got.Pix, want.Pix) {
					t.Errorf("%s q%d %+v: other pixels than baseline", kind, q, o)
				}
			}
			if p := encPSNR(m.Pix, encPlanes(want)[0]); q == 100 && p < 40 {
				t.Errorf("%s: q100 at %.1f dB; want at least 40", kind, p)
			}
		}
	}
}

// A large flat picture makes runs of blocks beyond 32767.
func TestEncodeLongRuns(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 1600, 1600))
	for i := range m.Pix {
		m.Pix[i] = 90
	}
	m.Pix[1600*1599+1599] = 250
	want := stdDecode(t, encode(t, m, EncodeOptions{Tables: TablesStandard})).(*image.Gray)
	got := stdDecode(t, encode(t, m, EncodeOptions{Progressive: true, nearest: true})).(*image.Gray)
	if !bytes.Equal(got.Pix, want.Pix) {
		t.Error("other pixels than baseline")
	}
}

func TestEncodeSubImage(t *testing.T) {
	for _, ratio := range encRatios {
		whole := encYCbCr(image.Rect(3, 5, 90, 80), ratio)
		for _, r := range []image.Rectangle{image.Rect(12, 20, 60, 60), image.Rect(13, 21, 58, 53), image.Rect(89, 79, 90, 80)} {
			part := whole.SubImage(r).(*image.YCbCr)
			got := stdDecode(t, encode(t, part, EncodeOptions{Quality: 97}))
			if got.Bounds().Size() != r.Size() {
				t.Fatalf("%v %v: decodes to %v", ratio, r, got.Bounds())
			}
			for i, want := range encPlanes(part) {
				if p := encPSNR(want, encPlanes(got)[i]); p < 36 {
					t.Errorf("%v %v: component %d at %.1f dB; want at least 36", ratio, r, i, p)
				}
			}
		}
	}
	g := encGray(90, 80).SubImage(image.Rect(11, 7, 50, 51)).(*image.Gray)
	if p := encPSNR(encPlanes(g)[0], encPlanes(stdDecode(t, encode(t, g, EncodeOptions{Quality: 97})))[0]); p < 36 {
		t.Errorf("part of a gray picture at %.1f dB", p)
	}
}

func TestEncodeConverts(t *testing.T) {
	r := image.Rect(2, 3, 61, 50)
	pal := color.Palette{}
	for i := range 256 {
		pal = append(pal, color.NRGBA{byte(i), byte(255 - i), byte(i / 2), 255})
	}
	sources := []interface {
		image.Image
		Set(x, y int, c color.Color)
	}{image.NewNRGBA(r), image.NewRGBA(r), image.NewNRGBA64(r), image.NewRGBA64(r), image.NewCMYK(r), image.NewPaletted(r, pal)}
	for _, src := range sources {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				i := 4*x + y/8
				src.Set(x, y, color.NRGBA{byte(i), byte(255 - i), byte(i / 2), 255})
			}
		}
		for _, full := range []bool{false, true} {
			for _, prog := range []bool{false, true} {
				got := stdDecode(t, encode(t, src, EncodeOptions{Quality: 98, Chroma444: full, Progressive: prog})).(*image.YCbCr)
				if (got.SubsampleRatio == image.YCbCrSubsampleRatio444) != full {
					t.Errorf("%T: written as %v", src, got.SubsampleRatio)
				}
				var worst int
				for y := range r.Dy() {
					for x := range r.Dx() {
						c := got.YCbCrAt(x, y)
						cr, cg, cb := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
						w := color.NRGBAModel.Convert(src.At(r.Min.X+x, r.Min.Y+y)).(color.NRGBA)
						for _, d := range []int{int(cr) - int(w.R), int(cg) - int(w.G), int(cb) - int(w.B)} {
							worst = max(worst, d, -d)
						}
					}
				}
				if worst > 16 {
					t.Errorf("%T full %v: worst error %d levels; want at most 16", src, full, worst)
				}
			}
		}
	}
}

// The conversion must be that of image/color, for a flat picture exactly.
func TestEncodeColours(t *testing.T) {
	for _, c := range []color.NRGBA{{255, 255, 255, 255}, {0, 0, 0, 255}, {255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255}, {12, 200, 99, 255}} {
		a, b := make([]byte, 4*5), make([]byte, 4*5)
		for i := 0; i < 20; i += 4 {
			copy(a[i:], []byte{c.R, c.G, c.B, c.A})
		}
		copy(b, a)
		y, cb, cr := make([]byte, 5), make([]byte, 3), make([]byte, 3)
		lumaRow(y, a, false)
		chromaRow420(cb, cr, a, b, false)
		wy, wb, wr := color.RGBToYCbCr(c.R, c.G, c.B)
		for i := range 5 {
			if y[i] != wy || cb[i/2] != wb || cr[i/2] != wr {
				t.Errorf("%v = %d %d %d; want %d %d %d", c, y[i], cb[i/2], cr[i/2], wy, wb, wr)
			}
		}
	}
}

func TestEncodeProfile(t *testing.T) {
	for _, n := range []int{0, 1, 3000, maxProfilePart, maxProfilePart + 1, 200000} {
		icc := make([]byte, n)
		for i := range icc {
			icc[i] = byte(i * 7)
		}
		data := encode(t, encGray(20, 20), EncodeOptions{ICC: icc})
		stdDecode(t, data)
		var got []byte
		markers := ""
		for p := 2; data[p+1] != markerSOS; {
			m, l := data[p+1], int(data[p+2])<<8|int(data[p+3])
			if body := data[p+4 : p+2+l]; m == markerAPP2 {
				if string(body[:12]) != iccMark || body[13] != byte((n+maxProfilePart-1)/maxProfilePart) {
					t.Fatalf("profile of %d bytes: bad segment % x", n, body[:14])
				}
				got = append(got, body[14:]...)
			} else {
				markers += fmt.Sprintf("%x ", m)
			}
			p += 2 + l
		}
		if !bytes.Equal(got, icc) {
			t.Errorf("profile of %d bytes comes back as %d", n, len(got))
		}
		if markers != "e0 db c0 c4 c4 " {
			t.Errorf("segments %s; want only APP0, DQT, SOF0, DHT", markers)
		}
	}
	if err := Encode(&bytes.Buffer{}, encGray(1, 1), &EncodeOptions{ICC: make([]byte, 256*65536)}); err == nil {
		t.Error("a profile that doesn't fit is no error")
	}
}

func TestEncodeSizes(t *testing.T) {
	for _, r := range []image.Rectangle{{}, image.Rect(0, 0, 65536, 1), image.Rect(0, 0, 1, 65536)} {
		if err := Encode(&bytes.Buffer{}, image.NewGray(r), nil); err == nil {
			t.Errorf("%v: no error", r)
		}
	}
	m := image.NewGray(image.Rect(0, 0, 65535, 1))
	if got := stdDecode(t, encode(t, m, EncodeOptions{})); got.Bounds() != m.Rect {
		t.Errorf("decodes to %v", got.Bounds())
	}
}

type failingWriter struct{ left int }

var errFull = errors.New("full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestEncodeReturnsWriteError(t *testing.T) {
	m := encYCbCr(image.Rect(0, 0, 600, 500), image.YCbCrSubsampleRatio444)
	for _, o := range []EncodeOptions{{Quality: 95}, {Quality: 95, Progressive: true}, {Quality: 95, Tables: TablesStandard}} {
		for _, n := range []int{0, 66000} {
			if err := Encode(&failingWriter{n}, m, &o); !errors.Is(err, errFull) {
				t.Errorf("%+v: error %v after %d bytes; want that of the writer", o, err, n)
			}
		}
	}
}

func TestEncodeAllocs(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations not counted: the race detector makes pools forget")
	}
	rgb := image.NewNRGBA(image.Rect(0, 0, 200, 150))
	for _, m := range []image.Image{encYCbCr(image.Rect(0, 0, 200, 150), image.YCbCrSubsampleRatio420), encGray(200, 150), rgb} {
		for _, o := range []*EncodeOptions{nil, {Tables: TablesStandard}, {Progressive: true}} {
			var w bytes.Buffer
			n := testing.AllocsPerRun(20, func() {
				w.Reset()
				if err := Encode(&w, m, o); err != nil {
					t.Fatal(err)
				}
			})
			if n > 0.5 {
				t.Errorf("%T %+v: %v allocations; want 0", m, o, n)
			}
		}
	}
}

// Debian's libjpeg-turbo tools, if they are there, are a second opinion.
func TestEncodeAgainstLibjpeg(t *testing.T) {
	for _, tool := range []string{"djpeg", "cjpeg"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s: sizes are not compared with libjpeg's", tool)
		}
	}
	run := func(in []byte, name string, arg ...string) []byte {
		c := exec.Command(name, arg...)
		c.Stdin = bytes.NewReader(in)
		var stderr bytes.Buffer
		c.Stderr = &stderr
		out, err := c.Output()
		if err != nil || stderr.Len() > 0 {
			t.Fatalf("%s %v: %v %s", name, arg, err, &stderr)
		}
		return out
	}
	m := encGray(513, 389)
	pgm := append([]byte("P5 513 389 255\n"), m.Pix...)
	for _, q := range []int{10, 50, 75, 90} {
		for _, tt := range []struct {
			o    EncodeOptions
			flag string
		}{{EncodeOptions{Tables: TablesStandard}, "-baseline"}, {EncodeOptions{}, "-optimize"}, {EncodeOptions{Progressive: true}, "-progressive"}, {EncodeOptions{Progressive: true, nearest: true}, "-progressive"}} {
			tt.o.Quality = q
			got := encode(t, m, tt.o)
			want := run(pgm, "cjpeg", "-baseline", "-dct", "float", "-quality", fmt.Sprint(q), tt.flag)
			// Only a progressive file has the room to be much smaller.
			if r := float64(len(got)) / float64(len(want)); r > 1.01 || r < 0.97 && !tt.o.Progressive {
				t.Errorf("q%d %s: %d bytes, libjpeg %d: ratio %.4f; want at most 1.01", q, tt.flag, len(got), len(want), r)
			}
			run(got, "djpeg", "-dct", "float")
		}
	}
	for _, ratio := range encRatios {
		for _, prog := range []bool{false, true} {
			run(encode(t, encYCbCr(image.Rect(0, 0, 101, 75), ratio), EncodeOptions{Progressive: prog}), "djpeg")
		}
	}
}
