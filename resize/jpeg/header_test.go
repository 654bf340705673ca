package jpeg

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os/exec"
	"testing"
	"testing/iotest"
)

func TestHeader(t *testing.T) {
	s11, s21, s22 := Sampling{1, 1}, Sampling{2, 1}, Sampling{2, 2}
	tests := []struct {
		name          string
		width, height int
		progressive   bool
		model         ColorModel
		sampling      []Sampling
		exif, icc     int // bytes
	}{
		{"jpeg/go__video-001.jpeg", 150, 103, false, YCbCr, []Sampling{s11, s11, s11}, 0, 0},
		{"jpeg/go__video-001.q50.422.progressive.jpeg", 150, 103, true, YCbCr, []Sampling{s21, s11, s11}, 0, 0},
		{"jpeg/go__video-001.q50.410.jpeg", 150, 103, false, YCbCr, []Sampling{{4, 2}, s11, s11}, 0, 0},
		{"jpeg/go__video-001.rgb.jpeg", 150, 103, false, RGB, []Sampling{s22, s11, s11}, 0, 0},
		{"jpeg/go__video-001.cmyk.jpeg", 150, 103, false, CMYK, []Sampling{s11, s11, s11, s11}, 0, 0},
		{"jpeg/serenity__ycck-2111.jpg", 592, 800, false, YCCK, []Sampling{s22, s11, s11, s11}, 0, 0},
		{"jpeg/go__video-005.gray.q50.2x2.jpeg", 150, 103, false, Gray, []Sampling{s11}, 0, 0},
		{"jpeg/serenity__grayscale_app14.jpg", 80, 80, false, Gray, []Sampling{s11}, 0, 0},
		{"jpeg/thumbor__cmyk-icc.jpg", 388, 218, false, CMYK, []Sampling{s11, s11, s11, s11}, 0, 557168},
		{"jpeg/libavif__paris_exif_orientation_5.jpg", 403, 302, false, YCbCr, []Sampling{s11, s11, s11}, 26, 0},
		{"jpeg/jpeg-decoder__icc_chunk_order.jpeg", 1, 1, false, YCbCr, []Sampling{s11, s11, s11}, 0, 254},
		{"jpeg/jpeg-decoder__icc_chunk_count_mismatch.jpeg", 1, 1, false, YCbCr, []Sampling{s11, s11, s11}, 0, 0},
		{"jpeg/jpeg-decoder__icc_chunk_double_seq_no.jpeg", 1, 1, false, YCbCr, []Sampling{s11, s11, s11}, 0, 0},
		{"jpeg/jpeg-decoder__icc_chunk_seq_no_0.jpeg", 1, 1, false, YCbCr, []Sampling{s11, s11, s11}, 0, 0},
		{"jpeg/jpeg-decoder__icc_missing_chunk.jpeg", 1, 1, false, YCbCr, []Sampling{s11, s11, s11}, 0, 0},
		{"jpeg/serenity__gradient_empty_icc.jpg", 80, 80, true, YCbCr, []Sampling{s11, s11, s11}, 0, 0},
		{"broken/made__jpeg-dnl-height0.jpg", 150, 0, false, YCbCr, []Sampling{s11, s11, s11}, 0, 0},
	}
	for _, tt := range tests {
		data := picture(t, tt.name)
		h, err := ReadHeader(iotest.OneByteReader(bytes.NewReader(data)))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if h.Width != tt.width || h.Height != tt.height || h.Progressive != tt.progressive || h.Model != tt.model {
			t.Errorf("%s: %dx%d progressive %v %v", tt.name, h.Width, h.Height, h.Progressive, h.Model)
		}
		if h.Components != len(tt.sampling) || fmt.Sprint(h.Sampling[:h.Components]) != fmt.Sprint(tt.sampling) {
			t.Errorf("%s: sampling %v; want %v", tt.name, h.Sampling[:h.Components], tt.sampling)
		}
		if len(h.Exif) != tt.exif || len(h.ICC) != tt.icc {
			t.Errorf("%s: %d bytes of Exif, %d of ICC; want %d, %d", tt.name, len(h.Exif), len(h.ICC), tt.exif, tt.icc)
		}
	}
}

func TestSizes(t *testing.T) {
	h := Header{Width: 150, Height: 103, Components: 3, Sampling: [4]Sampling{{2, 2}, {1, 1}, {1, 2}}}
	tests := []struct {
		n                    int
		scaled, luma, c1, c2 image.Point
	}{
		{8, image.Pt(150, 103), image.Pt(150, 103), image.Pt(75, 52), image.Pt(75, 103)},
		{4, image.Pt(75, 52), image.Pt(75, 52), image.Pt(38, 26), image.Pt(38, 52)},
		{2, image.Pt(38, 26), image.Pt(38, 26), image.Pt(19, 13), image.Pt(19, 26)},
		{1, image.Pt(19, 13), image.Pt(19, 13), image.Pt(10, 7), image.Pt(10, 13)},
	}
	for _, tt := range tests {
		if got := h.ScaledSize(tt.n); got != tt.scaled {
			t.Errorf("scaled size at %d/8 = %v; want %v", tt.n, got, tt.scaled)
		}
		for i, want := range []image.Point{tt.luma, tt.c1, tt.c2} {
			if got := h.PlaneSize(i, tt.n); got != want {
				t.Errorf("plane %d at %d/8 = %v; want %v", i, tt.n, got, want)
			}
		}
	}
}

// TestHeaderStopsEarly checks that little is read beyond the frame header.
func TestHeaderStopsEarly(t *testing.T) {
	data := picture(t, "jpeg/exiforient__Landscape_1.jpg")
	r := bytes.NewReader(data)
	if _, err := ReadHeader(r); err != nil {
		t.Fatal(err)
	}
	sof := bytes.Index(data, []byte{0xff, markerSOF0})
	if read := len(data) - r.Len(); read > sof+headerReadSize+64 {
		t.Errorf("read %d bytes; the frame header is at %d", read, sof)
	}
}

// TestOddSamplings decodes a smooth picture in sampling ratios that package
// image has no name for, and compares it with what was encoded.
func TestOddSamplings(t *testing.T) {
	need(t, "cjpeg")
	const w, h = 203, 117
	ppm := fmt.Appendf(nil, "P6 %d %d 255\n", w, h)
	at := func(x, y, w, h int) [3]int {
		return [3]int{40 + 150*x/w, 60 + 120*y/h, 200 - 90*x/w - 60*y/h}
	}
	for y := range h {
		for x := range w {
			v := at(x, y, w, h)
			ppm = append(ppm, byte(v[0]), byte(v[1]), byte(v[2]))
		}
	}
	for _, sampling := range []string{
		"1x1,1x1,1x1", "2x1,1x1,1x1", "2x2,1x1,1x1", "1x2,1x1,1x1", "4x1,1x1,1x1", "4x2,1x1,1x1", "1x4,1x1,1x1", "2x4,1x1,1x1",
		"3x1,1x1,1x1", "3x2,1x1,1x1", "3x1,1x1,3x1", "2x2,2x1,1x1", "1x1,2x2,1x1", "1x1,1x2,2x1",
		"2x2,1x2,2x1", "2x1,1x2,1x1", "1x1,2x2,2x2", "4x1,2x1,1x1", "1x1,4x2,1x1", "2x2,2x2,1x1", "1x3,1x3,1x1",
	} {
		for _, mode := range []string{"-baseline", "-progressive"} {
			cmd := exec.Command("cjpeg", mode, "-quality", "95", "-sample", sampling)
			cmd.Stdin = bytes.NewReader(ppm)
			data, err := cmd.Output()
			if err != nil {
				t.Fatalf("cjpeg %s %s: %v", mode, sampling, err)
			}
			for _, n := range scales {
				m, err := Decode(bytes.NewReader(data), &Options{Scale: n})
				if err != nil || m.Incomplete {
					t.Errorf("%s %s at %d/8: %v", sampling, mode, n, err)
					continue
				}
				size := image.Pt(ceilDiv(w*n, 8), ceilDiv(h*n, 8))
				if m.Image.Bounds().Size() != size {
					t.Errorf("%s %s at %d/8: size %v; want %v", sampling, mode, n, m.Image.Bounds(), size)
					continue
				}
				worst := 0
				for y := range size.Y {
					for x := range size.X {
						got := color.RGBAModel.Convert(m.Image.At(x, y)).(color.RGBA)
						want := at(2*x+1, 2*y+1, 2*w*n/8, 2*h*n/8)
						for i, v := range [3]uint8{got.R, got.G, got.B} {
							worst = max(worst, int(v)-want[i], want[i]-int(v))
						}
					}
				}
				// At 1/8, a repeated sample is four pixels of the gradient wide.
				if limit := 4 + 16/n; worst > limit {
					t.Errorf("%s %s at %d/8: off by %d; want at most %d", sampling, mode, n, worst, limit)
				}
			}
			_ = planesOf(t, data, &Options{Scale: 4})
		}
	}
}

// TestAllSamplings decodes a gray picture with every legal combination of
// sampling factors, in one scan if that may have as many blocks, else in three.
func TestAllSamplings(t *testing.T) {
	const w, h = 57, 43
	for code := range 1 << 12 {
		f := [6]int{}
		for i := range f {
			f[i] = code>>(2*i)&3 + 1
		}
		if testing.Short() && code%5 != 0 {
			continue
		}
		units := f[0]*f[1] + f[2]*f[3] + f[4]*f[5]
		b := grayHead(markerSOF0, w, h)
		sof := []byte{8, 0, h, 0, w, 3}
		for i := range 3 {
			sof = append(sof, byte(i), byte(f[2*i]<<4|f[2*i+1]), 0)
		}
		b = append(b[:2+69], append(segment(markerSOF0, sof...), b[2+69+13:]...)...)
		zeros := make([]byte, 4096)
		if units <= 10 {
			b = append(append(b, segment(markerSOS, 3, 0, 0, 1, 0, 2, 0, 0, 63, 0)...), zeros...)
		} else {
			for i := range 3 {
				b = append(append(b, segment(markerSOS, 1, byte(i), 0, 0, 63, 0)...), zeros...)
			}
		}
		n := scales[code%4]
		m, err := Decode(bytes.NewReader(b), &Options{Scale: n})
		if err != nil || m.Incomplete || m.Image.Bounds().Size() != m.ScaledSize(n) {
			t.Fatalf("sampling %v at %d/8: %v, %+v", f, n, err, m)
		}
		last := m.ScaledSize(n).Sub(image.Pt(1, 1))
		if c, _, _, _ := m.Image.At(last.X, last.Y).RGBA(); c>>8 != 128 {
			t.Fatalf("sampling %v at %d/8: last sample is %d; want 128", f, n, c>>8)
		}
		for _, p := range planesOf(t, b, &Options{Scale: n}) {
			for _, v := range p.Pix {
				if v != 128 {
					t.Fatalf("sampling %v at %d/8: sample %d; want 128", f, n, v)
				}
			}
		}
	}
}

func TestCallbackErrors(t *testing.T) {
	stop := errors.New("stop")
	for _, name := range []string{"jpeg/go__video-001.jpeg", "jpeg/go__video-001.progressive.jpeg", "jpeg/zune-image__non_interleaved_420_64x64.jpg"} {
		data := picture(t, name)
		calls := 0
		emit := func(*Strip) error { calls++; return stop }
		if _, err := DecodeStrips(bytes.NewReader(data), nil, nil, emit); err != stop || calls != 1 {
			t.Errorf("%s: after %d strips %v; want the error of emit after 1", name, calls, err)
		}
		calls = 0
		if _, err := DecodeStrips(bytes.NewReader(data), nil, func(*Header) error { return stop }, emit); err != stop || calls != 0 {
			t.Errorf("%s: %v after %d strips; want the error of begin", name, err, calls)
		}
	}
}

// TestAllocations holds what a decode allocates besides the pixels.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("allocations not counted: the race detector makes pools forget")
	}
	for _, name := range []string{"jpeg/exiforient__Landscape_6.jpg", "jpeg/go__video-001.q50.420.progressive.jpeg"} {
		data := picture(t, name)
		buf := make([]byte, 8<<20)
		r := bytes.NewReader(data)
		for _, n := range scales {
			o := &Options{Scale: n, Alloc: func(n int) []byte { return buf[:n] }}
			allocs := testing.AllocsPerRun(20, func() {
				r.Reset(data)
				if _, err := Decode(r, o); err != nil {
					t.Fatal(err)
				}
			})
			if allocs > 12 {
				t.Errorf("%s at %d/8: %v allocations", name, n, allocs)
			}
			grown := heapGrowth(func() {
				r.Reset(data)
				if _, err := Decode(r, o); err != nil {
					t.Fatal(err)
				}
			})
			// The Exif data and, if the pool was emptied, the decoder.
			if grown > 2<<20 {
				t.Errorf("%s at %d/8: %d bytes", name, n, grown)
			}
		}
	}
}

// TestDecodeBytes compares the estimate with what is allocated.
func TestDecodeBytes(t *testing.T) {
	for _, f := range files(t, "jpeg") {
		h, err := ReadHeader(bytes.NewReader(f.data))
		if err != nil {
			continue
		}
		for _, o := range []*Options{nil, {Scale: 1}, {Scale: 2, Approximate: true}, {Scale: 4}} {
			want := h.DecodeBytes(o, false)
			grown := heapGrowth(func() {
				if _, err = Decode(bytes.NewReader(f.data), o); err != nil {
					t.Fatal(err)
				}
			})
			// Pages of large objects, Exif and ICC data, and the decoder.
			if slack := int64(1<<20 + 3*len(f.data)); int64(grown) > want+slack {
				t.Errorf("%s, %+v: allocated %d bytes; estimate is %d", f.name, o, grown, want)
			}
		}
	}
}

// TestStripMemory checks that the height of a baseline picture costs nothing.
func TestStripMemory(t *testing.T) {
	tall := grayHead(markerSOF0, 64, 65000)
	tall = append(append(tall, scanOf(0, 63, 0)...), make([]byte, 65000*8*2/8/8)...)
	strips := 0
	grown := heapGrowth(func() {
		incomplete, err := DecodeStrips(bytes.NewReader(tall), nil, nil, func(*Strip) error { strips++; return nil })
		if err != nil || incomplete {
			t.Fatal(incomplete, err)
		}
	})
	if strips != 8125 || grown > 2<<20 {
		t.Errorf("%d strips, %d bytes; want 8125 and at most 2 MB", strips, grown)
	}
}
