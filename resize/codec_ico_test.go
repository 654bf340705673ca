package resize

import (
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/png"
	"slices"
	"testing"

	"bytes"

	"s3imageserver/resize/options"
)

// icoFile returns a file of one picture of that side: a bitmap with as many
// bits a pixel, or a PNG for 0. Pixel (x,y) is dark where x and y are both
// even, else light; the lower right quarter is transparent.
func icoFile(side, bits int) []byte {
	le := binary.LittleEndian
	var data []byte
	if bits == 0 {
		m := image.NewNRGBA(image.Rect(0, 0, side, side))
		for y := range side {
			for x := range side {
				m.Set(x, y, icoPixel(side, x, y))
			}
		}
		var b bytes.Buffer
		_ = png.Encode(&b, m) // to memory
		data = b.Bytes()
	} else {
		data = le.AppendUint32(data, 40)
		data = le.AppendUint32(data, uint32(side))
		data = le.AppendUint32(data, uint32(2*side))
		data = le.AppendUint16(data, 1)
		data = le.AppendUint16(data, uint16(bits))
		data = append(data, make([]byte, 24)...)
		if bits <= 8 {
			data = append(data, 20, 40, 60, 0, 180, 190, 200, 0)
			data = append(data, make([]byte, 4*(1<<bits-2))...)
		}
		row := func(bit func(x int) int, bits int) {
			line := make([]byte, (side*bits+31)/32*4)
			for x := range side {
				at := x * bits
				line[at/8] |= byte(bit(x) << (8 - bits - at%8))
			}
			data = append(data, line...)
		}
		for y := side - 1; y >= 0; y-- {
			if bits <= 8 {
				row(func(x int) int {
					if x%2 == 0 && y%2 == 0 {
						return 0
					}
					return 1
				}, bits)
				continue
			}
			n := len(data)
			for x := range side {
				c := icoPixel(side, x, y)
				data = append(data, c.B, c.G, c.R)
				if bits == 32 {
					data = append(data, c.A)
				}
			}
			for (len(data)-n)%4 != 0 {
				data = append(data, 0)
			}
		}
		for y := side - 1; y >= 0; y-- {
			row(func(x int) int {
				if x >= side/2 && y >= side/2 {
					return 1
				}
				return 0
			}, 1)
		}
	}
	file := []byte{0, 0, 1, 0, 1, 0, byte(side), byte(side), 0, 0, 1, 0, byte(bits), 0}
	file = le.AppendUint32(file, uint32(len(data)))
	file = le.AppendUint32(file, 22)
	return append(file, data...)
}

func icoPixel(side, x, y int) color.NRGBA {
	switch {
	case x >= side/2 && y >= side/2:
		return color.NRGBA{}
	case x%2 == 0 && y%2 == 0:
		return color.NRGBA{60, 40, 20, 255}
	}
	return color.NRGBA{200, 190, 180, 255}
}

// Every kind of icon gives the same pixels.
func TestIcons(t *testing.T) {
	for _, bits := range []int{0, 1, 4, 8, 24, 32} {
		for _, side := range []int{8, 17, 48} {
			img := toPNGBy(t, everything, icoFile(side, bits), options.Options{})
			if img.Bounds() != image.Rect(0, 0, side, side) {
				t.Fatalf("%d bits: %v", bits, img.Bounds())
			}
			for y := range side {
				for x := range side {
					got := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
					if want := icoPixel(side, x, y); got != want {
						t.Fatalf("%d bits, side %d: pixel (%d,%d) = %v; want %v", bits, side, x, y, got, want)
					}
				}
			}
		}
	}
}

// An icon that is cut anywhere is refused or the same picture.
func TestCutIcons(t *testing.T) {
	for _, bits := range []int{0, 1, 8, 24, 32} {
		file := icoFile(16, bits)
		for n := range len(file) {
			if _, err := resizeBytes(t, everything, file[:n], options.Options{Format: options.PNG}); err == nil {
				t.Fatalf("%d bits, cut at %d of %d: no error", bits, n, len(file))
			} else if n > 0 && errorKind(err) == "" {
				t.Fatalf("%d bits, cut at %d: %v", bits, n, err)
			}
		}
	}
	lies := icoFile(16, 8)
	binary.LittleEndian.PutUint32(lies[22+4:], 1<<30)
	if _, err := resizeBytes(t, everything, lies, options.Options{Format: options.PNG}); !errors.Is(err, ErrMalformed) {
		t.Errorf("an icon of a billion pixels: %v", err)
	}
}

// Many pictures are refused, and of each PNG only the size is read before one is
// chosen.
func TestICOOfManyPictures(t *testing.T) {
	le := binary.LittleEndian
	many := func(n int, data []byte) []byte {
		file := le.AppendUint16([]byte{0, 0, 1, 0}, uint16(n))
		at := 6 + 16*n
		for range n {
			entry := make([]byte, 16)
			le.PutUint32(entry[8:], uint32(len(data)))
			le.PutUint32(entry[12:], uint32(at))
			file = append(file, entry...)
		}
		return append(file, data...)
	}
	one := icoFile(8, 0)
	data := one[6+16:]
	if _, err := icoCodec.config(many(257, data)); !errors.Is(err, ErrLimit) {
		t.Errorf("257 pictures: %v; want ErrLimit", err)
	}
	if info, err := icoCodec.config(many(256, data)); err != nil || info.Size != image.Pt(8, 8) {
		t.Errorf("256 pictures: %+v, %v", info, err)
	}
	// A smaller picture that is broken behind its size is not looked at.
	broken := bytes.Clone(icoFile(4, 0)[6+16:])
	for i := 33; i < len(broken); i++ {
		broken[i] = 0xff
	}
	file := []byte{0, 0, 1, 0, 2, 0}
	at := 6 + 2*16
	for _, d := range [][]byte{broken, data} {
		entry := make([]byte, 16)
		le.PutUint32(entry[8:], uint32(len(d)))
		le.PutUint32(entry[12:], uint32(at))
		file, at = append(file, entry...), at+len(d)
	}
	file = slices.Concat(file, broken, data)
	if img := toPNGBy(t, everything, file, options.Options{}); img.Bounds().Size() != image.Pt(8, 8) {
		t.Errorf("%v; want the picture of 8 x 8", img.Bounds())
	}
}
