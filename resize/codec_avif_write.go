package resize

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"io"

	"s3imageserver/resize/av1"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/sandbox"
	"s3imageserver/resize/webp"
)

// encodeAVIF writes a still picture by our own encoder of AV1. Without loss it is
// libaom in a sandbox that does.
func encodeAVIF(w io.Writer, p *Picture, q Quality) error {
	img, err := p.first()
	if err != nil {
		return err
	}
	if q.Lossless {
		return encodeLosslessAVIF(w, img)
	}
	planes := avifPlanes(img, q.Chroma444)
	err = av1.Encode(w, planes, &av1.Options{QIndex: avifQuantizer(q.quality()), Effort: q.AVIFEffort, Context: q.ctx})
	if errors.Is(err, av1.ErrSize) {
		return fmt.Errorf("%w: %w", ErrLimit, err)
	}
	return err
}

// avifQuantizers are the quantizer indices of AV1 (base_q_idx) at which pictures are
// about as similar to the source as WebP of the qualities 0, 10, 20 to 100 is.
var avifQuantizers = [11]int{215, 190, 174, 160, 149, 139, 129, 119, 97, 50, 5}

// avifQuantizer returns the quantizer index of a quality.
func avifQuantizer(quality int) int {
	i := min(max(quality, 0), 99) / 10
	a, b := avifQuantizers[i], avifQuantizers[i+1]
	return a + (b-a)*(quality-10*i)/10
}

// avifPlanes returns img as the encoder takes it: grey, or in planes with the full
// range of JFIF, of 4:4:4 where fine is set and the picture is not in planes of
// 4:2:0 already, with alpha where something is transparent.
func avifPlanes(img image.Image, fine bool) image.Image {
	ratio := image.YCbCrSubsampleRatio420
	if fine {
		ratio = image.YCbCrSubsampleRatio444
	}
	switch m := img.(type) {
	case *image.Gray:
		return m
	case *image.YCbCr:
		if m.SubsampleRatio == ratio || m.SubsampleRatio == image.YCbCrSubsampleRatio420 {
			return m
		}
	case *image.NYCbCrA:
		if pixel.Opaque(m) {
			return avifPlanes(&m.YCbCr, fine)
		}
		if m.SubsampleRatio == ratio || m.SubsampleRatio == image.YCbCrSubsampleRatio420 {
			return m
		}
	}
	m := atOrigin(img)
	if m.Opaque() {
		return fullPlanes(m, ratio)
	}
	a := image.NYCbCrA{AStride: m.Rect.Dx(), A: make([]byte, m.Rect.Dx()*m.Rect.Dy())}
	for i := range a.A {
		a.A[i] = m.Pix[4*i+3]
	}
	a.YCbCr = *fullPlanes(webp.FlatColors(m, a.A), ratio)
	return &a
}

// fullPlanes returns the colours of m, which begins at 0, 0, in planes by the
// formulas of [color.RGBToYCbCr]; chroma of 4:2:0 is that of the mean of two by two
// pixels.
func fullPlanes(m *image.NRGBA, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	out := image.NewYCbCr(m.Rect, ratio)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	shift := uint(0) // of the sum of colours
	if ratio == image.YCbCrSubsampleRatio420 {
		shift = 2
	}
	for y := range h {
		row := m.Pix[y*m.Stride:][:4*w]
		luma := out.Y[y*out.YStride:][:w]
		for x := range luma {
			p := row[4*x:][:3]
			luma[x] = byte((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
		}
		if shift == 2 && y%2 == 1 {
			continue
		}
		cb, cr := out.Cb[y>>(shift/2)*out.CStride:], out.Cr[y>>(shift/2)*out.CStride:]
		below := row
		if y+1 < h {
			below = m.Pix[(y+1)*m.Stride:][:4*w]
		}
		for x := range (w + int(shift)/2) >> (shift / 2) {
			var r, g, b int32
			if shift == 0 {
				p := row[4*x:][:3]
				r, g, b = int32(p[0]), int32(p[1]), int32(p[2])
			} else {
				i, j := 8*x, 4*min(2*x+1, w-1)
				p, q, s, t := row[i:i+3], row[j:j+3], below[i:i+3], below[j:j+3]
				r = int32(p[0]) + int32(q[0]) + int32(s[0]) + int32(t[0])
				g = int32(p[1]) + int32(q[1]) + int32(s[1]) + int32(t[1])
				b = int32(p[2]) + int32(q[2]) + int32(s[2]) + int32(t[2])
			}
			const half = 257 << 15 // 128.5
			u := (-11056*r - 21712*g + 32768*b + half<<shift) >> (16 + shift)
			v := (32768*r - 27440*g - 5328*b + half<<shift) >> (16 + shift)
			cb[x], cr[x] = byte(min(u, 255)), byte(min(v, 255)) // 0 at the least
		}
	}
	return out
}

// avifLosslessBytes is what libaom works in, for a pixel.
const avifLosslessBytes = 170

// encodeLosslessAVIF writes a picture that keeps every pixel, by libaom.
func encodeLosslessAVIF(w io.Writer, img image.Image) error {
	const (
		quality, speed      = 100, 10 // the fastest
		chroma444, lossless = 1, 1    // numbers of libavif
	)
	m := pixel.Copy(img)
	size := m.Rect.Size()
	room := avifLosslessBytes*area(size) + spareBytes
	return avifProgram.Run(context.Background(), sandbox.Room{Bytes: room, Most: 2 * room}, func(i *sandbox.Instance) error {
		in, err := i.Alloc(4 * area(size))
		if err != nil {
			return err
		}
		pixels, err := i.Bytes(in, 4*area(size))
		if err != nil {
			return err
		}
		draw.Draw(&image.RGBA{Pix: pixels, Stride: 4 * size.X, Rect: m.Rect}, m.Rect, m, image.Point{}, draw.Src) // multiplied by alpha
		length, err := i.Put(make([]byte, 8))
		if err != nil {
			return err
		}
		at, err := i.Call("encode", uint64(in), uint64(size.X), uint64(size.Y), uint64(length), quality, quality, speed, chroma444, lossless)
		if err != nil {
			return err
		}
		n, err := i.Bytes(length, 8)
		if err != nil {
			return err
		}
		file, err := i.Bytes(sandbox.Pointer(at), int64(binary.LittleEndian.Uint32(n)))
		if err != nil {
			return err
		}
		if len(file) == 0 {
			return errors.New("avif: not encoded")
		}
		_, err = w.Write(file)
		return err
	})
}
