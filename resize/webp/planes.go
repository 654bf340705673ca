package webp

import (
	"bytes"
	"encoding/binary"
	"image"
)

// Planes returns img in planes of 4:2:0 with limited range, as VP8 has them,
// and the data of the ALPH chunk, nil if nothing is transparent. Colours that
// nobody sees become plain, which is shorter. img is not changed.
//
// It is a picture in planes of 4:2:0, a grey one, or an [image.NRGBA] without space
// between its rows, and begins at 0, 0; others are a fault of the caller.
func Planes(img image.Image) (planes *image.YCbCr, alpha []byte) {
	size := img.Bounds().Size()
	switch m := img.(type) {
	case *image.YCbCr:
		if m.SubsampleRatio == image.YCbCrSubsampleRatio420 {
			return limited(m), nil
		}
	case *image.NYCbCrA:
		if m.SubsampleRatio == image.YCbCrSubsampleRatio420 {
			planes = limited(&m.YCbCr)
			if m.Opaque() {
				return planes, nil
			}
			flattenPlanes(&image.NYCbCrA{YCbCr: *planes, A: m.A, AStride: m.AStride})
			return planes, alphaChunk(m.A, m.AStride, size)
		}
	case *image.Gray:
		return limitedGray(m), nil
	case *image.NRGBA:
		if m.Opaque() {
			return limitedPixels(m), nil
		}
		a := make([]byte, size.X*size.Y)
		for i := range a {
			a[i] = m.Pix[4*i+3]
		}
		return limitedPixels(FlatColors(m, a)), alphaChunk(a, size.X, size)
	}
	panic("webp: planes of a picture that is not in planes of 4:2:0, grey or NRGBA")
}

// limited returns a copy of m with samples of limited range.
func limited(m *image.YCbCr) *image.YCbCr {
	out := *m
	out.Y, out.Cb, out.Cr = bytes.Clone(m.Y), bytes.Clone(m.Cb), bytes.Clone(m.Cr)
	mapBytes(out.Y, &lumaToLimited)
	mapBytes(out.Cb, &chromaToLimited)
	mapBytes(out.Cr, &chromaToLimited)
	return &out
}

func limitedGray(m *image.Gray) *image.YCbCr {
	out := image.NewYCbCr(image.Rectangle{Max: m.Rect.Size()}, image.YCbCrSubsampleRatio420)
	for y := range m.Rect.Dy() {
		row := out.Y[y*out.YStride:][:m.Rect.Dx()]
		copy(row, m.Pix[y*m.Stride:])
		mapBytes(row, &lumaToLimited)
	}
	for i := range out.Cb {
		out.Cb[i], out.Cr[i] = 128, 128
	}
	return out
}

// limitedPixels returns the colours of m, which begins at 0, 0, in planes: those
// of ITU-R BT.601, luma from 16 to 235, chroma from 16 to 240 and of the mean of
// two by two pixels.
func limitedPixels(m *image.NRGBA) *image.YCbCr {
	out := image.NewYCbCr(m.Rect, image.YCbCrSubsampleRatio420)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for y := range h {
		row := m.Pix[y*m.Stride:][:4*w]
		luma := out.Y[y*out.YStride:][:w]
		for x := range luma {
			p := row[4*x:][:3]
			luma[x] = byte((16829*uint32(p[0]) + 33039*uint32(p[1]) + 6416*uint32(p[2]) + 16<<16 + 1<<15) >> 16)
		}
		if y%2 == 1 {
			continue
		}
		below := m.Pix[min(y+1, h-1)*m.Stride:][:4*w]
		cb, cr := out.Cb[y/2*out.CStride:][:(w+1)/2], out.Cr[y/2*out.CStride:][:(w+1)/2]
		for x := range cb {
			i, j := 8*x, 4*min(2*x+1, w-1)
			sum := func(c int) int32 {
				return int32(row[i+c]) + int32(row[j+c]) + int32(below[i+c]) + int32(below[j+c])
			}
			r, g, b := sum(0), sum(1), sum(2)
			cb[x] = byte((-9714*r - 19070*g + 28784*b + 128<<18 + 1<<17) >> 18)
			cr[x] = byte((28784*r - 24103*g - 4681*b + 128<<18 + 1<<17) >> 18)
		}
	}
	return out
}

// VP8 samples have the limited range of ITU-R BT.601 (16 to 235, chroma 16 to
// 240); Go's image.YCbCr, like JFIF, has the full one.
var lumaToLimited, chromaToLimited = limitedRange()

func limitedRange() (luma, chroma [256]byte) {
	for i := range 256 {
		luma[i] = byte(float64(i)*219/255 + 16 + 0.5)
		chroma[i] = byte((float64(i)-128)*224/255 + 128 + 0.5)
	}
	return luma, chroma
}

func mapBytes(b []byte, table *[256]byte) {
	for ; len(b) >= 8; b = b[8:] {
		v := binary.LittleEndian.Uint64(b)
		low := uint32(table[byte(v)]) | uint32(table[byte(v>>8)])<<8 | uint32(table[byte(v>>16)])<<16 | uint32(table[byte(v>>24)])<<24
		high := uint32(table[byte(v>>32)]) | uint32(table[byte(v>>40)])<<8 | uint32(table[byte(v>>48)])<<16 | uint32(table[byte(v>>56)])<<24
		binary.LittleEndian.PutUint64(b, uint64(low)|uint64(high)<<32)
	}
	for i, v := range b {
		b[i] = table[v]
	}
}
