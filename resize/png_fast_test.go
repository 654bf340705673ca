package resize

import (
	"bytes"
	"image"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"
)

// Our own reader and image/png agree on every pixel, and on what is wrong.
func TestPlainPNG(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	plains := 0
	compare := func(name string, file []byte) {
		t.Helper()
		if info, err := configPNG(file); err == nil && area(info.Size) > 5e6 {
			return
		}
		got, err := decodePlainPNG(file)
		if err != nil {
			return
		}
		plains++
		want, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			t.Errorf("%s: a picture; image/png says %v", name, err)
			return
		}
		if p := psnr(plain(got), plain(want)); p < 1000 {
			t.Errorf("%s: other pixels than image/png", name)
		}
	}
	for _, size := range []image.Point{{1, 1}, {2, 3}, {7, 5}, {64, 64}, {300, 200}} {
		r := image.Rectangle{Max: size}
		for _, img := range []image.Image{image.NewGray(r), image.NewNRGBA(r), image.NewRGBA(r)} {
			for _, smooth := range []bool{true, false} {
				randomize(img, rng)
				if m, ok := img.(*image.NRGBA); ok && smooth {
					for i := range m.Pix {
						m.Pix[i] = byte(i/7 + i%4*50)
					}
				}
				if m, ok := img.(*image.RGBA); ok { // opaque: written without alpha
					for i := 3; i < len(m.Pix); i += 4 {
						m.Pix[i] = 255
					}
				}
				for _, level := range []png.CompressionLevel{png.NoCompression, png.BestSpeed, png.DefaultCompression} {
					var b bytes.Buffer
					if err := (&png.Encoder{CompressionLevel: level}).Encode(&b, img); err != nil {
						t.Fatal(err)
					}
					before := plains
					compare(size.String(), b.Bytes())
					if plains == before {
						t.Errorf("%T of %v is not read", img, size)
					}
					for range 20 {
						bad := bytes.Clone(b.Bytes())
						bad[rng.IntN(len(bad))] ^= byte(1 << rng.IntN(8))
						compare("damaged "+size.String(), bad)
						compare("cut "+size.String(), b.Bytes()[:rng.IntN(b.Len())])
					}
				}
			}
		}
	}
	for _, f := range []string{"photos/chart.png", "photos/logo.png", "orientation/upright.png"} {
		compare(f, readSample(t, f))
	}
	for _, f := range corpus(t) {
		if strings.HasSuffix(f.name, ".png") {
			compare(f.name, readCorpus(t, f.name))
		}
	}
	if plains < 100 {
		t.Errorf("only %d files are plain", plains)
	}
	t.Logf("%d plain files", plains)
}

// The fast ways through a row give what the plain one does: rows of all lengths,
// noisy and flat, of every filter.
func TestUnfilter(t *testing.T) {
	plain := func(row, above []byte, bpp int) {
		at := func(b []byte, i int) int {
			if i < 0 {
				return 0
			}
			return int(b[1+i])
		}
		for i := range len(row) - 1 {
			left, up, corner := at(row, i-bpp), at(above, i), at(above, i-bpp)
			var like int
			switch row[0] {
			case 1:
				like = left
			case 2:
				like = up
			case 3:
				like = (left + up) / 2
			case 4:
				p := left + up - corner
				switch a, b, c := abs(p-left), abs(p-up), abs(p-corner); {
				case a <= b && a <= c:
					like = left
				case b <= c:
					like = up
				default:
					like = corner
				}
			}
			row[1+i] += byte(like)
		}
	}
	r := rand.New(rand.NewPCG(3, 4))
	for _, bpp := range []int{1, 3, 4} {
		for pixels := range 70 {
			for filter := range byte(5) {
				for _, noise := range []int{1, 2, 256} { // one in so many bytes is another one
					row, above := make([]byte, 1+bpp*pixels), make([]byte, 1+bpp*pixels)
					for i := range row[1:] {
						above[1+i] = byte(40 * (i % bpp))
						if noise == 256 || noise == 2 && r.IntN(40) == 0 {
							row[1+i], above[1+i] = byte(r.IntN(256)), byte(r.IntN(256))
						}
					}
					row[0] = filter
					want := bytes.Clone(row)
					plain(want, above, bpp)
					if !unfilter(row, above, bpp) || !bytes.Equal(row, want) {
						t.Fatalf("filter %d, %d pixels of %d bytes, noise %d: %v; want %v", filter, pixels, bpp, noise, row, want)
					}
				}
			}
		}
	}
	for n := range 12 {
		src := make([]byte, 3*n)
		for i := range src {
			src[i] = byte(i + 1)
		}
		dst := make([]byte, 4*n+1) // with a canary
		dst[4*n] = 99
		widen(dst[:4*n], src)
		for i := range n {
			if want := []byte{src[3*i], src[3*i+1], src[3*i+2], 255}; !bytes.Equal(dst[4*i:4*i+4], want) || dst[4*n] != 99 {
				t.Fatalf("%d pixels: %v", n, dst)
			}
		}
	}
}
