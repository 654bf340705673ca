package icc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"s3imageserver/resize/jpeg"
)

// pixelsTIFF returns an uncompressed TIFF of pixels with n samples each, in one
// row a strip, with a profile (TIFF 6.0).
func pixelsTIFF(pixels []byte, n, width int, profile []byte) []byte {
	height := len(pixels) / n / width
	photometric := map[int]uint32{1: 1, 3: 2, 4: 5}[n]
	var extra []byte
	const entries = 10
	at := func(data []byte) uint32 {
		place := 8 + 2 + 12*entries + 4 + len(extra)
		extra = append(extra, data...)
		if len(extra)%2 == 1 {
			extra = append(extra, 0)
		}
		return uint32(place)
	}
	depths := uint32(8)
	if n > 2 {
		depths = at(bytes.Repeat([]byte{8, 0}, n))
	}
	le := binary.LittleEndian
	b := []byte("II*\x00\x08\x00\x00\x00")
	b = le.AppendUint16(b, entries)
	entry := func(tag, kind uint16, count, value uint32) {
		b = le.AppendUint32(le.AppendUint32(le.AppendUint16(le.AppendUint16(b, tag), kind), count), value)
	}
	entry(256, 4, 1, uint32(width))
	entry(257, 4, 1, uint32(height))
	entry(258, 3, uint32(n), depths)
	entry(259, 3, 1, 1)
	entry(262, 3, 1, photometric)
	entry(273, 4, 1, at(pixels))
	entry(277, 3, 1, uint32(n))
	entry(278, 4, 1, uint32(height))
	entry(279, 4, 1, uint32(len(pixels)))
	entry(34675, 7, uint32(len(profile)), at(profile))
	return append(le.AppendUint32(b, 0), extra...)
}

// lab returns the CIELAB of an sRGB colour, for D65.
func lab(c [3]byte) [3]float64 {
	var l [3]float64
	for i, v := range c {
		x := float64(v) / 255
		if x <= 0.04045 {
			l[i] = x / 12.92
		} else {
			l[i] = math.Pow((x+0.055)/1.055, 2.4)
		}
	}
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124564*l[0] + 0.3575761*l[1] + 0.1804375*l[2]) / 0.95047)
	y := f(0.2126729*l[0] + 0.7151522*l[1] + 0.0721750*l[2])
	z := f((0.0193339*l[0] + 0.1191920*l[1] + 0.9503041*l[2]) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func distance(a, b [3]byte) float64 {
	p, q := lab(a), lab(b)
	return math.Sqrt((p[0]-q[0])*(p[0]-q[0]) + (p[1]-q[1])*(p[1]-q[1]) + (p[2]-q[2])*(p[2]-q[2]))
}

// Every kind of profile gives the colours that littlecms gives, as libvips has
// them: within 1 of CIE76 on the average and within 4 everywhere.
func TestAgainstVips(t *testing.T) {
	vips, err := exec.LookPath("vips")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("not compared with libvips: ", err)
	}
	for name, profile := range profiles(t) {
		n := Channels(profile)
		tr, err := New(profile)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		levels := map[int]int{1: 256, 3: 18, 4: 9}[n]
		var pixels []byte
		count := int(math.Pow(float64(levels), float64(n)))
		for i := range count {
			for j, k := 0, i; j < n; j, k = j+1, k/levels {
				pixels = append(pixels, byte(k%levels*255/(levels-1)))
			}
		}
		width := levels * map[int]int{1: 1, 3: levels, 4: levels}[n]
		dir := t.TempDir()
		in, out := filepath.Join(dir, "in.tif"), filepath.Join(dir, "out.png")
		if err := os.WriteFile(in, pixelsTIFF(pixels, n, width, profile), 0o600); err != nil {
			t.Fatal(err)
		}
		if text, err := exec.Command(vips, "icc_transform", in, out, "srgb", "--embedded", "--intent", "perceptual").CombinedOutput(); err != nil {
			t.Errorf("%s: vips: %v\n%s", name, err, text)
			continue
		}
		f, err := os.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		want, err := png.Decode(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		sum, most, worst := 0.0, 0.0, ""
		for i := range count {
			var c [4]byte
			copy(c[:], pixels[n*i:n*i+n])
			got := tr.RGB(c)
			w := color.NRGBAModel.Convert(want.At(i%width, i/width)).(color.NRGBA)
			d := distance(got, [3]byte{w.R, w.G, w.B})
			sum += d
			if d > most {
				most, worst = d, fmt.Sprintf("%v = %v; want %v", c[:n], got, w)
			}
		}
		t.Logf("%-30s mean %.4f, most %.2f", name, sum/float64(count), most)
		if sum/float64(count) > 1 || most > 4 {
			t.Errorf("%s: mean distance %.2f, most %.2f: %s", name, sum/float64(count), most, worst)
		}
	}
}

// profiles returns profiles of all kinds: made here, and those of the corpus.
func profiles(t *testing.T) map[string][]byte {
	t.Helper()
	adobe := colorants(d65, [6]float64{0.64, 0.33, 0.21, 0.71, 0.15, 0.06})
	gamma := gammaTag(563.0 / 256)
	all := map[string][]byte{
		"Display P3": Numbers(12, 13),
		"BT.2020":    Numbers(9, 1),
		"Adobe RGB": build("RGB ", []tag{{"desc", descTag("Adobe RGB")}, {"wtpt", xyzTag(whiteX, whiteY, whiteZ)},
			{"rXYZ", xyzTag(adobe[0], adobe[3], adobe[6])}, {"gXYZ", xyzTag(adobe[1], adobe[4], adobe[7])}, {"bXYZ", xyzTag(adobe[2], adobe[5], adobe[8])},
			{"rTRC", gamma}, {"gTRC", gamma}, {"bTRC", gamma}, {"cprt", descTag("CC0")}}),
	}
	for _, name := range []string{"cmyk-icc", "grayscale-icc"} {
		addEmbedded(t, all, "jpeg/thumbor__"+name+".jpg")
	}
	for _, name := range []string{"jpeg/serenity__icc-v4.jpg", "jpeg/jpeg-decoder__jpg-srgb-icc.jpg", "photos/scikit-image__rocket.jpg"} {
		addEmbedded(t, all, name)
	}
	// Debian's libgs-common, which libvips-tools brings along.
	for _, name := range []string{"a98", "default_cmyk", "default_gray", "esrgb", "rommrgb", "scrgb", "sgray", "srgb"} {
		if data, err := os.ReadFile("/usr/share/color/icc/ghostscript/" + name + ".icc"); err == nil {
			all[name] = data
		}
	}
	return all
}

// addEmbedded adds the profile of a JPEG of the corpus, if that is there.
func addEmbedded(t *testing.T, all map[string][]byte, name string) {
	file, err := os.ReadFile("../../../shared/corpus/" + name)
	if err != nil {
		t.Log("without the corpus's ", name)
		return
	}
	h, err := jpeg.ReadHeader(bytes.NewReader(file))
	if err != nil || h.ICC == nil {
		t.Fatal(name, err)
	}
	all[filepath.Base(name)] = h.ICC
}
